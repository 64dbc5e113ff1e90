// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IReleaseRegistry} from "../src/interfaces/IReleaseRegistry.sol";
import {World} from "./World.sol";

/// @notice Going live by the ordinary road, and being stopped.
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
        for (uint256 i = 0; i < 3; ++i) {
            _halt(B, i);
        }
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
