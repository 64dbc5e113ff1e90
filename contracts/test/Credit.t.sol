// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Policy} from "../src/Policy.sol";
import {IReleaseRegistry} from "../src/interfaces/IReleaseRegistry.sol";
import {World} from "./World.sol";

/// @notice Lines that were read need not be read again; only as long as everything that they lean on stands.
contract CreditTest is World {
    bytes32 private constant A = keccak256("a");
    bytes32 private constant B = keccak256("b");
    bytes32 private constant C = keccak256("c");
    bytes32 private constant D = keccak256("d");

    function setUp() public {
        newWorld(aPolicy());
    }

    function test_lines_are_credited_only_from_a_release_whose_lap_is_over() public {
        publish(A, 0, 1);
        bytes memory reason = abi.encodeWithSelector(IReleaseRegistry.ReleaseNotYetRead.selector, A);
        refused(reason);
        publish(B, 0, 2, 7, A); // its clock has not started
        attestAll(A, 400, 0);
        vm.warp(endOf(A) - 1);
        refused(reason);
        publish(B, 0, 2, 7, A);
        vm.warp(endOf(A));
        publish(B, 0, 2, 7, A);
        check(get(B).alreadyRead == A, "kept");
    }

    function test_no_credit_from_an_unknown_a_revoked_or_a_halted_release() public {
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNotYetRead.selector, A));
        publish(B, 0, 2, 7, A);
        publish(A, 0, 1);
        attestAll(A, 400, 0);
        vm.warp(endOf(A));
        _halt(A);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseIsHalted.selector, A, get(A).haltedUntil));
        publish(B, 0, 2, 7, A);
        wait_(14 days);
        publish(B, 0, 2, 7, A);
        revoke(A);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseIsRevoked.selector, A));
        publish(C, 0, 2, 7, A);
    }

    function test_credit_that_was_revoked_meanwhile_stops_what_leaned_on_it() public {
        publish(A, 0, 1);
        attestAll(A, 400, 0);
        vm.warp(endOf(A));
        publish(B, 0, 2, 7, A);
        attestAll(B, 1, 0);
        vm.warp(endOf(B));
        revoke(A);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseIsRevoked.selector, A));
        activate(B);
    }

    function test_credit_that_is_halted_holds_back_what_leans_on_it_until_it_is_let_go() public {
        _read(A, 0);
        _read(B, A);
        _halt(A);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseIsHalted.selector, A, get(A).haltedUntil));
        activate(B);
        wait_(14 days);
        activate(B);
        check(live() == B, "live");
    }

    /// @notice B is withdrawn; C leans on D, which leans on B.
    function test_credit_does_not_survive_a_stop_further_down() public {
        _read(B, 0);
        _read(D, B);
        _read(C, D);
        _halt(B);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseIsHalted.selector, B, get(B).haltedUntil));
        activate(C);
        wait_(14 days);
        revoke(B);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseIsRevoked.selector, B));
        activate(C);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseIsRevoked.selector, B));
        publish(A, 0, 2, 7, D);
        check(live() == 0, "live");
    }

    function test_a_stricter_policy_takes_back_credit_for_what_it_finds_unread() public {
        publish(A, 0, 1);
        attestAll(A, 400, 0);
        vm.warp(endOf(A));
        publish(B, 0, 2, 7, A);
        attestAll(B, 1, 0);
        vm.warp(endOf(B) + 1 days);
        Policy memory strict = aPolicy();
        strict.linesPerDay = 10; // 40 days for the 400 lines of A, and nothing more for B's one
        propose(strict);
        check(endOf(B) <= block.timestamp, "its own lap is over");
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNotYetRead.selector, A));
        activate(B);
        vm.warp(endOf(A));
        activate(B);
        check(live() == B, "live");
    }

    function test_at_most_eight_releases_lean_on_one_another() public {
        bytes32 last;
        for (uint256 i = 0; i < 9; ++i) {
            bytes32 next = keccak256(abi.encode("link", i));
            _read(next, last);
            last = next;
        }
        refused(
            abi.encodeWithSelector(
                IReleaseRegistry.ReleaseCreditTooLong.selector, keccak256(abi.encode("link", uint256(0))), 8
            )
        );
        publish(A, 0, 1, 7, last);
        activate(last); // eight, and itself
        check(live() == last, "live");
    }

    /// @dev Published, and its review lap over.
    function _read(bytes32 bundle, bytes32 alreadyRead) private {
        publish(bundle, 0, 1, 7, alreadyRead);
        attestAll(bundle, 1, 0);
        vm.warp(endOf(bundle));
    }

    function _halt(bytes32 bundle) private {
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(auditor(i));
            reg.halt(bundle);
        }
    }
}
