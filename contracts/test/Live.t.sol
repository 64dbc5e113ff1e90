// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IReleaseRegistry} from "../src/interfaces/IReleaseRegistry.sol";
import {Policy} from "../src/Policy.sol";
import {World} from "./World.sol";

/// @notice Going live by either road, and being stopped.
contract LiveTest is World {
    bytes32 private constant A = keccak256("a");
    bytes32 private constant B = keccak256("b");
    bytes32 private constant C = keccak256("c");

    function setUp() public {
        newWorld(aPolicy());
    }

    // --------------------------------------------------------------------------------------- the ordinary road

    function test_nothing_is_live_before_the_first_release() public view {
        check(live() == 0 && reg.head() == 0, "empty");
    }

    function test_not_one_second_before_the_review_lap_ends() public {
        publish(A, 0, 1);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseLapOpen.selector, A, uint48(0)));
        activate(A);
        attestAll(A, 400, 0);
        uint48 ends = BIRTH + 6 days;
        vm.warp(ends - 1);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseLapOpen.selector, A, ends));
        activate(A);
        vm.warp(ends);
        activate(A);
        check(live() == A, "live");
    }

    function test_only_the_timelock_and_only_with_a_passed_vote() public {
        publish(A, 0, 1);
        attestAll(A, 1, 0);
        vm.warp(endOf(A));
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNotTimelock.selector, address(this)));
        reg.activate(A);
        governor.set(false);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNotPassed.selector, A, 0));
        activate(A);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseUnknown.selector, B));
        activate(B);
    }

    /// @notice I8: what was replaced does not come back.
    function test_an_old_bundle_does_not_come_back() public {
        goLive(A, 0, 1, 10);
        goLive(B, A, 2, 10);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseAlreadyActivated.selector, A));
        activate(A);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseAlreadyActivated.selector, B));
        activate(B);
        check(live() == B, "live");
    }

    function test_what_was_measured_against_something_else_is_stale() public {
        goLive(A, 0, 1, 10);
        publish(B, A, 2);
        publish(C, A, 3);
        attestAll(B, 10, 0);
        attestAll(C, 10, 0);
        vm.warp(endOf(C));
        activate(B);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseStale.selector, A, B));
        activate(C);
    }

    // -------------------------------------------------------------------------------------- the emergency lane

    function test_an_urgent_repair_goes_live_after_its_floor_and_dies_by_itself() public {
        goLive(A, 0, 1, 10);
        publish(B, A, 2);
        attestAll(B, 40, 4);
        uint48 opens = uint48(block.timestamp) + 12 hours;
        vm.warp(opens - 1);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseLapOpen.selector, B, opens));
        reg.activateEmergency(B);
        vm.warp(opens);
        reg.activateEmergency(B);
        (bytes32 bundle,, uint48 expires) = reg.active();
        check(bundle == B && expires == endOf(B) + 21 days, "live, for a while");
        vm.warp(expires - 1);
        check(live() == B, "still");
        vm.warp(expires);
        check(live() == A && reg.head() == A && reg.current() == B, "dead");
    }

    function test_an_urgent_repair_stays_when_the_ordinary_road_ratifies_it() public {
        goLive(A, 0, 1, 10);
        repair(B, A, 2);
        reg.activateEmergency(B);
        refused(IReleaseRegistry.ReleaseLapOpen.selector);
        activate(B);
        vm.warp(endOf(B));
        activate(B);
        (bytes32 bundle,, uint48 expires) = reg.active();
        check(bundle == B && expires == 0 && reg.lastRatified() == B, "ratified");
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseAlreadyActivated.selector, B));
        activate(B);
    }

    function test_an_expired_repair_is_not_ratified_any_more() public {
        goLive(A, 0, 1, 10);
        repair(B, A, 2);
        reg.activateEmergency(B);
        vm.warp(get(B).expires);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseAlreadyActivated.selector, B));
        activate(B);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseAlreadyActivated.selector, B));
        reg.activateEmergency(B);
    }

    function test_expiry_onto_a_stopped_release_runs_nothing() public {
        goLive(A, 0, 1, 10);
        repair(B, A, 2);
        reg.activateEmergency(B);
        revoke(A);
        check(live() == B, "the repair runs");
        vm.warp(get(B).expires);
        check(live() == 0 && reg.head() == A, "the hole must not open again");
    }

    function test_a_majority_is_not_enough_for_an_emergency() public {
        goLive(A, 0, 1, 10);
        publish(B, A, 2);
        for (uint256 i = 0; i < 3; ++i) attest(B, i, 40, 3);
        attest(B, 3, 40, 2);
        wait_(12 hours);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNotUrgent.selector, 3, 4));
        reg.activateEmergency(B);
        attest(B, 4, 40, 3);
        reg.activateEmergency(B);
    }

    function test_a_repair_is_small() public {
        goLive(A, 0, 1, 10);
        publish(B, A, 2);
        attestAll(B, 301, 4);
        wait_(12 hours);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseTooLarge.selector, uint32(301), uint32(300), bytes32(0)));
        reg.activateEmergency(B);
        publish(C, A, 3);
        attestAll(C, 300, 4);
        wait_(12 hours);
        reg.activateEmergency(C);
    }

    /// @notice A large change that was read, but never voted on, must not come in as a small repair that leans on it.
    function test_lines_credited_as_read_do_not_pass_the_emergency_lane() public {
        goLive(A, 0, 1, 10);
        publish(B, A, 2);
        attestAll(B, 9_000, 0);
        vm.warp(endOf(B));
        publish(C, A, 3, 7, B);
        attestAll(C, 1, 4);
        wait_(12 hours);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseTooLarge.selector, uint32(1), uint32(300), B));
        reg.activateEmergency(C);
    }

    function test_a_repair_repairs_what_runs_by_the_same_pipeline() public {
        repair(A, 0, 1);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNothingToRepair.selector, bytes32(0), uint48(0)));
        reg.activateEmergency(A);
        vm.warp(endOf(A));
        activate(A);
        publish(B, A, 2, 8, 0);
        attestAll(B, 10, 4);
        publish(C, 0, 3);
        attestAll(C, 10, 4);
        wait_(12 hours);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseOtherPipeline.selector, uint32(8), uint32(7)));
        reg.activateEmergency(B);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseStale.selector, bytes32(0), A));
        reg.activateEmergency(C);
    }

    function test_one_repair_at_a_time_and_a_pause_between_two() public {
        Policy memory quick = aPolicy();
        quick.cooldown = 5 days; // shorter than a repair lives, so that both rules can be seen apart
        newWorld(quick);
        goLive(A, 0, 1, 10);
        repair(B, A, 2);
        reg.activateEmergency(B);
        uint48 last = uint48(block.timestamp);
        repair(C, B, 3);
        wait_(5 days);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNothingToRepair.selector, B, get(B).expires));
        reg.activateEmergency(C);
        check(block.timestamp > last + 5 days, "the pause is over");
        activate(B);
        reg.activateEmergency(C);
        check(live() == C, "the first was ratified");
    }

    function test_the_pause_between_two_repairs_is_kept() public {
        goLive(A, 0, 1, 10);
        repair(B, A, 2);
        reg.activateEmergency(B);
        uint48 until = uint48(block.timestamp) + 30 days;
        vm.warp(endOf(B));
        activate(B);
        repair(C, B, 3);
        vm.warp(until - 1);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseCooldown.selector, until));
        reg.activateEmergency(C);
        vm.warp(until);
        reg.activateEmergency(C);
    }

    function test_no_emergency_without_a_majority_that_has_the_bundle() public {
        goLive(A, 0, 1, 10);
        publish(B, A, 2);
        attest(B, 0, 1, 4);
        attest(B, 1, 1, 4);
        wait_(40 days);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseLapOpen.selector, B, uint48(0)));
        reg.activateEmergency(B);
    }

    // ---------------------------------------------------------------------------------------------- stop powers

    function test_revoke_stops_at_once_and_for_good() public {
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNotTimelock.selector, address(this)));
        reg.revoke(A);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseUnknown.selector, A));
        revoke(A);
        goLive(A, 0, 1, 10);
        revoke(A);
        check(live() == 0 && reg.head() == A, "stopped");
        wait_(1000 days);
        check(live() == 0, "for good");
    }

    function test_a_revoked_release_goes_live_by_no_road() public {
        goLive(A, 0, 1, 10);
        repair(B, A, 2);
        revoke(B);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseIsRevoked.selector, B));
        reg.activateEmergency(B);
        vm.warp(endOf(B));
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseIsRevoked.selector, B));
        activate(B);
    }

    function test_a_majority_of_seats_halts_once_for_fourteen_days() public {
        goLive(A, 0, 1, 10);
        _halt(A, 0);
        _halt(A, 4);
        check(live() == A, "two of five");
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseHaltAlreadyAsked.selector, A, uint8(4)));
        _halt(A, 4);
        _halt(A, 2);
        uint48 until = uint48(block.timestamp) + 14 days;
        check(live() == 0 && get(A).haltedUntil == until, "halted");
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseIsHalted.selector, A, until));
        _halt(A, 3);
        vm.warp(until - 1);
        check(live() == 0, "still");
        vm.warp(until);
        check(live() == A, "it lets go");
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseIsHalted.selector, A, until));
        _halt(A, 3);
    }

    function test_only_who_holds_a_seat_halts_and_only_what_is_known() public {
        goLive(A, 0, 1, 10);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNotAuditor.selector, address(this)));
        reg.halt(A);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseUnknown.selector, B));
        _halt(B, 0);
    }

    function test_requests_to_halt_lapse() public {
        goLive(A, 0, 1, 10);
        _halt(A, 0);
        _halt(A, 1);
        wait_(14 days);
        _halt(A, 2);
        check(live() == A, "old requests counted");
        _halt(A, 0);
        _halt(A, 1);
        check(live() == 0, "a majority within the time");
    }

    function test_a_halted_release_goes_live_by_no_road() public {
        goLive(A, 0, 1, 10);
        repair(B, A, 2);
        vm.warp(endOf(B));
        for (uint256 i = 0; i < 3; ++i) _halt(B, i);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseIsHalted.selector, B, get(B).haltedUntil));
        activate(B);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseIsHalted.selector, B, get(B).haltedUntil));
        reg.activateEmergency(B);
        check(live() == A, "what ran goes on");
    }

    function _halt(bytes32 bundle, uint256 seat) private {
        vm.prank(auditor(seat));
        reg.halt(bundle);
    }
}
