// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Policy} from "../src/Policy.sol";
import {IReleaseRegistry} from "../src/interfaces/IReleaseRegistry.sol";
import {World} from "./World.sol";

/// @notice The emergency lane is not a back door.
contract EmergencyTest is World {
    bytes32 private constant A = keccak256("a");
    bytes32 private constant B = keccak256("b");
    bytes32 private constant C = keccak256("c");

    function setUp() public {
        newWorld(aPolicy());
    }

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

    /// @notice Whoever calls late must not bury what goes the ordinary road: it would be dead at birth, and for ever.
    function test_a_repair_that_is_called_late_still_has_time_to_be_ratified() public {
        goLive(A, 0, 1, 10);
        repair(B, A, 2);
        vm.warp(endOf(B) + 40 days);
        reg.activateEmergency(B);
        check(live() == B && get(B).expires == block.timestamp + 21 days, "the allowance from this moment");
        vm.warp(get(B).expires - 1);
        activate(B);
        check(live() == B && get(B).expires == 0, "ratified");
    }

    function test_what_could_not_be_ratified_in_time_is_refused_and_keeps_its_ordinary_road() public {
        goLive(A, 0, 1, 10);
        repair(B, A, 2);
        governor.decideWithin(21 days);
        uint48 expires = endOf(B) + 21 days;
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNoTimeToRatify.selector, expires, uint256(expires)));
        reg.activateEmergency(B);
        vm.warp(endOf(B) + 1 days);
        refused(IReleaseRegistry.ReleaseNoTimeToRatify.selector);
        reg.activateEmergency(B);
        check(reg.lastEmergency() == 0 && reg.highestNumber() == 1, "nothing used up");
        activate(B);
        check(live() == B && get(B).expires == 0, "by the ordinary road");
    }

    function test_one_second_to_ratify_is_enough_to_come_in() public {
        goLive(A, 0, 1, 10);
        repair(B, A, 2);
        governor.decideWithin(21 days - 1);
        reg.activateEmergency(B);
        check(live() == B, "live");
    }

    function test_what_was_voted_down_does_not_come_in_by_the_emergency_lane() public {
        goLive(A, 0, 1, 10);
        repair(B, A, 2);
        governor.lose(B);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseWasDefeated.selector, B));
        reg.activateEmergency(B);
        repair(C, A, 3);
        reg.activateEmergency(C); // another bundle is another question
        check(live() == C, "live");
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
        for (uint256 i = 0; i < 3; ++i) {
            attest(B, i, 40, 3);
        }
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
}
