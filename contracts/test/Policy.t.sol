// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Policies, Policy} from "../src/Policy.sol";
import {IReleaseRegistry} from "../src/interfaces/IReleaseRegistry.sol";
import {World} from "./World.sol";

/// @notice Tightening holds at once; loosening waits the full ceiling and serves only clocks that start later.
contract PolicyTest is World {
    bytes32 private constant A = keccak256("a");
    bytes32 private constant B = keccak256("b");
    bytes32 private constant C = keccak256("c");

    function setUp() public {
        newWorld(aPolicy());
    }

    function test_only_the_timelock_proposes() public {
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNotTimelock.selector, address(this)));
        reg.proposePolicy(aPolicy());
    }

    function test_a_stricter_rule_holds_at_once() public {
        Policy memory p = aPolicy();
        (p.floor, p.linesPerDay, p.emergencyLines, p.emergencyQuorum) = (9 days, 200, 100, 5);
        propose(p);
        check(reg.policy().equals(p), "in force");
        (, uint48 from) = reg.pendingPolicy();
        check(from == 0, "nothing waits");
    }

    function test_a_looser_rule_waits_the_full_ceiling() public {
        Policy memory p = aPolicy();
        p.floor = 1 days;
        propose(p);
        check(reg.policy().equals(aPolicy()), "not yet");
        (Policy memory next, uint48 from) = reg.pendingPolicy();
        check(next.equals(p) && from == BIRTH + 60 days, "waits");
        vm.warp(from - 1);
        check(reg.policy().floor == 5 days, "one second before");
        vm.warp(from);
        check(reg.policy().equals(p), "took over by itself");
        (, from) = reg.pendingPolicy();
        check(from == 0, "nothing waits");
    }

    function test_of_a_mixed_change_the_strict_part_holds_at_once() public {
        Policy memory p = aPolicy();
        (p.floor, p.cooldown) = (1 days, 90 days);
        propose(p);
        check(reg.policy().floor == 5 days && reg.policy().cooldown == 90 days, "strict part");
        wait_(60 days);
        check(reg.policy().equals(p), "all of it");
    }

    function test_a_lower_ceiling_is_itself_a_loosening() public {
        Policy memory p = aPolicy();
        p.ceiling = 10 days;
        propose(p);
        check(reg.policy().ceiling == 60 days, "would shorten every later wait");
        p.floor = 1 days;
        propose(p); // and proposing again does not combine into a shorter wait
        (, uint48 from) = reg.pendingPolicy();
        check(from == BIRTH + 60 days, "full ceiling");
    }

    function test_a_higher_ceiling_lengthens_the_wait_of_what_is_proposed_with_it() public {
        Policy memory p = aPolicy();
        (p.floor, p.ceiling) = (1 days, 90 days);
        propose(p);
        (, uint48 from) = reg.pendingPolicy();
        check(from == BIRTH + 90 days, "the stricter ceiling");
    }

    function test_the_last_proposal_replaces_one_that_waits() public {
        Policy memory loose = aPolicy();
        loose.floor = 1 days;
        propose(loose);
        wait_(59 days);
        propose(aPolicy()); // the DAO thinks better of it
        wait_(1000 days);
        check(reg.policy().equals(aPolicy()), "withdrawn");
    }

    function test_proposing_again_starts_the_wait_again() public {
        Policy memory loose = aPolicy();
        loose.floor = 1 days;
        propose(loose);
        wait_(59 days);
        loose.linesPerDay = 4_000; // something else slipped in at the last moment
        propose(loose);
        wait_(2 days);
        check(reg.policy().equals(aPolicy()), "full ceiling for both");
    }

    /// @notice The attack: first vote yourself a day of review at any speed, then the change.
    function test_a_captured_dao_cannot_loosen_its_way_to_a_quick_release() public {
        goLive(A, 0, 1, 10);
        Policy memory loose = aPolicy();
        (loose.floor, loose.ceiling, loose.linesPerDay) = (1 days, 10 days, 4_000);
        (loose.emergencyFloor, loose.emergencyLines, loose.cooldown) = (1 hours, 500, 5 days);
        propose(loose);
        uint48 from = uint48(block.timestamp) + 60 days;
        vm.warp(from - 30 days);
        publish(B, A, 2);
        attestAll(B, 12_000, 4); // thirty days of reading; its clock runs when the loose policy takes over
        vm.warp(from);
        check(endOf(B) == from + 5 days, "still judged by the policy of its clock's start");
        refused(IReleaseRegistry.ReleaseLapOpen.selector);
        activate(B);
        refused(IReleaseRegistry.ReleaseTooLarge.selector);
        reg.activateEmergency(B);
        publish(C, A, 3);
        attestAll(C, 400, 0);
        check(endOf(C) < from + 4 days, "only a clock that starts later is quick");
    }

    function test_a_clock_that_runs_is_judged_by_what_became_stricter() public {
        publish(A, 0, 1);
        attestAll(A, 400, 0);
        Policy memory strict = aPolicy();
        (strict.floor, strict.linesPerDay) = (20 days, 200);
        wait_(5 days);
        propose(strict);
        check(endOf(A) == BIRTH + 22 days, "longer floor, slower reading");
        check(reg.rules(A).floor == 20 days, "rules");
        vm.warp(BIRTH + 6 days);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseLapOpen.selector, A, BIRTH + 22 days));
        activate(A);
    }

    function test_no_policy_below_the_minimums() public {
        Policy memory p = aPolicy();
        p.floor = 1 days - 1;
        _refuses(p, "floor");
        p = aPolicy();
        p.ceiling = 4 days;
        _refuses(p, "ceiling");
        p.ceiling = 180 days + 1;
        _refuses(p, "ceiling");
        p = aPolicy();
        (p.floor, p.emergencyFloor, p.ceiling) = (1 days, 1 hours, 10 days - 1);
        _refuses(p, "ceiling");
        p = aPolicy();
        p.emergencyFloor = 1 hours - 1;
        _refuses(p, "emergencyFloor");
        p.emergencyFloor = 5 days + 1;
        _refuses(p, "emergencyFloor");
        p = aPolicy();
        p.voteAllowance = 0;
        _refuses(p, "voteAllowance");
        p.voteAllowance = 60 days + 1;
        _refuses(p, "voteAllowance");
        p = aPolicy();
        p.cooldown = 5 days - 1;
        _refuses(p, "cooldown");
        p = aPolicy();
        p.linesPerDay = 0;
        _refuses(p, "linesPerDay");
        p.linesPerDay = 4_001;
        _refuses(p, "linesPerDay");
        p = aPolicy();
        p.emergencyLines = 501;
        _refuses(p, "emergencyLines");
        p = aPolicy();
        p.emergencyQuorum = 3; // a majority is not more than a majority
        _refuses(p, "emergencyQuorum");
        p.emergencyQuorum = 6;
        _refuses(p, "emergencyQuorum");
        p = aPolicy();
        p.builders = 0;
        _refuses(p, "builders");
        p.builders = 33;
        _refuses(p, "builders");
    }

    /// @notice However often a captured DAO proposes, no rule is ever looser than one that was public a ceiling before.
    function testFuzz_no_rule_is_looser_than_what_was_public_a_ceiling_before(
        uint32[5] memory floors,
        uint32[5] memory rates,
        uint32[5] memory pauses
    ) public {
        for (uint256 i = 0; i < 5; ++i) {
            Policy memory before = reg.policy();
            Policy memory next = aPolicy();
            next.floor = uint32(bound(floors[i], 1 days, 20 days));
            next.linesPerDay = uint32(bound(rates[i], 1, 4_000));
            propose(next);
            Policy memory now_ = reg.policy();
            check(now_.floor >= before.floor && now_.linesPerDay <= before.linesPerDay, "loosened at once");
            check(now_.floor >= next.floor && now_.linesPerDay <= next.linesPerDay, "not tightened at once");
            uint256 pause = bound(pauses[i], 0, 120 days);
            wait_(pause);
            if (pause < 60 days) check(reg.policy().equals(now_), "took over early");
            else check(reg.policy().equals(next), "never took over");
        }
    }

    /// @notice The queue drains at the rate that held at each moment, whoever asks and however often.
    function test_the_queue_drains_at_the_rate_of_each_moment() public {
        Policy memory slow = aPolicy();
        slow.linesPerDay = 100;
        publish(A, 0, 1);
        attestAll(A, 20_000, 0);
        check(reg.queued() == 20_000, "charged");
        propose(slow);
        wait_(10 days);
        check(reg.queued() == 19_000, "slower at once");
        propose(aPolicy());
        wait_(60 days);
        check(reg.queued() == 13_000, "waits at the slow rate");
        wait_(10 days);
        check(reg.queued() == 9_000, "then the faster one");
        publish(B, 0, 1);
        attestAll(B, 0, 0);
        check(reg.queued() == 9_000 && get(B).ahead == 9_000, "and settling changes nothing");
    }

    function testFuzz_the_stricter_of_two_policies_is_an_order(Policy memory a, Policy memory b, Policy memory c)
        public
        pure
    {
        Policy memory ab = a.tightest(b);
        check(ab.equals(b.tightest(a)), "commutes");
        check(ab.tightest(c).equals(a.tightest(b.tightest(c))), "associates");
        check(a.tightest(a).equals(a) && ab.tightest(a).equals(ab), "absorbs");
    }

    // ------------------------------------------------------------------------------------------------ providers

    function test_a_new_provider_waits_the_full_ceiling_and_one_is_removed_at_once() public {
        address newcomer = address(0x77);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNotTimelock.selector, address(this)));
        reg.setProvider(newcomer, true);
        check(reg.isProvider(PROVIDER), "from birth");
        vm.prank(TIMELOCK);
        reg.setProvider(newcomer, true);
        vm.warp(BIRTH + 60 days - 1);
        check(!reg.isProvider(newcomer), "one second before");
        vm.prank(TIMELOCK);
        reg.setProvider(newcomer, true); // asking again neither delays nor hastens it
        vm.warp(BIRTH + 60 days);
        check(reg.isProvider(newcomer), "authorised");
        vm.prank(TIMELOCK);
        reg.setProvider(newcomer, false);
        check(!reg.isProvider(newcomer) && reg.providerSince(newcomer) == 0, "removed");
    }

    function _refuses(Policy memory p, bytes32 field) private {
        vm.prank(TIMELOCK);
        refused(abi.encodeWithSelector(Policies.PolicyOutOfBounds.selector, field));
        reg.proposePolicy(p);
    }
}
