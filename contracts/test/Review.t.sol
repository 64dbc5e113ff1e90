// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IReleaseRegistry} from "../src/interfaces/IReleaseRegistry.sol";
import {World} from "./World.sol";

/// @notice Publishing, the auditors' numbers, and the review lap.
contract ReviewTest is World {
    bytes32 private constant A = keccak256("a");
    bytes32 private constant B = keccak256("b");
    bytes32 private constant C = keccak256("c");

    function setUp() public {
        newWorld(aPolicy());
    }

    // ------------------------------------------------------------------------------------------- publishing

    function test_only_a_publisher_publishes() public {
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNotPublisher.selector, address(this)));
        reg.publish(A, 0, 1, 7, 0);
        publish(A, 0, 1);
        check(get(A).publishedAt == block.timestamp && get(A).number == 1 && get(A).pipeline == 7, "kept");
    }

    function test_a_publisher_can_be_added_and_removed_by_the_dao_only() public {
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNotTimelock.selector, address(this)));
        reg.setPublisher(address(this), true);
        vm.prank(TIMELOCK);
        reg.setPublisher(address(this), true);
        reg.publish(A, 0, 1, 7, 0);
        vm.prank(TIMELOCK);
        reg.setPublisher(address(this), false);
        refused(IReleaseRegistry.ReleaseNotPublisher.selector);
        reg.publish(B, 0, 1, 7, 0);
    }

    function test_a_bundle_is_published_once() public {
        publish(A, 0, 1);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseAlreadyPublished.selector, A));
        publish(A, 0, 2);
    }

    function test_a_release_has_a_bundle_a_number_and_a_pipeline_and_a_known_parent() public {
        bytes memory reason = abi.encodeWithSelector(IReleaseRegistry.ReleaseMalformed.selector);
        refused(reason);
        publish(0, 0, 1);
        refused(reason);
        publish(A, 0, 0);
        refused(reason);
        publish(A, 0, 1, 0, 0);
        refused(reason);
        publish(A, B, 1);
        publish(B, 0, 1);
        publish(A, B, 1);
    }

    function test_a_number_at_or_below_one_that_was_live_is_refused() public {
        goLive(A, 0, 5, 10);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNumberTooLow.selector, uint32(5), uint32(5)));
        publish(B, A, 5);
        publish(B, A, 6);
    }

    /// @notice Who took the last number there is would end all releases.
    function test_a_number_is_at_most_a_thousand_above_what_was_live() public {
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNumberTooHigh.selector, type(uint32).max, uint32(1_000)));
        publish(A, 0, type(uint32).max);
        refused(IReleaseRegistry.ReleaseNumberTooHigh.selector);
        publish(A, 0, 1_001);
        goLive(A, 0, 1_000, 10);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNumberTooHigh.selector, uint32(2_001), uint32(2_000)));
        publish(B, A, 2_001);
        publish(B, A, 2_000);
    }

    function testFuzz_the_number_of_what_goes_live_only_grows(uint32[6] memory numbers) public {
        bytes32 parent;
        uint32 highest;
        for (uint256 i = 0; i < numbers.length; ++i) {
            bytes32 bundle = keccak256(abi.encode(i));
            uint32 number = uint32(bound(numbers[i], 1, 12));
            vm.prank(PUBLISHER);
            try reg.publish(bundle, parent, number, 7, 0) {
                check(number > highest, "published at or below");
                attestAll(bundle, 1, 0);
                vm.warp(endOf(bundle));
                activate(bundle);
                (parent, highest) = (bundle, number);
            } catch {
                check(number <= highest, "refused above");
            }
            check(reg.highestNumber() == highest, "highest");
        }
    }

    function test_of_two_releases_with_one_number_only_the_first_goes_live() public {
        goLive(A, 0, 1, 10);
        publish(B, A, 2);
        publish(C, B, 2);
        attestAll(B, 10, 0);
        attestAll(C, 10, 0);
        vm.warp(endOf(C));
        activate(B);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNumberTooLow.selector, uint32(2), uint32(2)));
        activate(C);
    }

    // ---------------------------------------------------------------------------------------- attestations

    function test_the_clock_starts_when_a_majority_of_seats_has_the_bundle() public {
        publish(A, 0, 1);
        attest(A, 0, 400, 0);
        attest(A, 1, 400, 0);
        check(get(A).clockStart == 0 && get(A).reviewEnds == 0, "two of five started it");
        wait_(3 days);
        attest(A, 2, 400, 0);
        check(get(A).clockStart == block.timestamp, "clock");
        check(get(A).reviewEnds == block.timestamp + 5 days + 1 days, "floor and one day of reading");
    }

    function test_only_seats_of_the_moment_of_publication_attest_and_each_once() public {
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseUnknown.selector, A));
        attest(A, 0, 1, 0);
        publish(A, 0, 1);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNotAuditor.selector, address(this)));
        reg.attest(A, 1, 100, 0, 0);
        attest(A, 0, 1, 0);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseAlreadyAttested.selector, A, auditor(0)));
        attest(A, 0, 1, 0);
        check(reg.attestations(A).length == 1 && reg.attestations(A)[0].report == keccak256("report"), "kept");
    }

    function test_complexity_and_severity_have_bounds() public {
        publish(A, 0, 1);
        vm.startPrank(auditor(0));
        refused(IReleaseRegistry.ReleaseAttestationMalformed.selector);
        reg.attest(A, 1, 99, 0, 0);
        refused(IReleaseRegistry.ReleaseAttestationMalformed.selector);
        reg.attest(A, 1, 301, 0, 0);
        refused(IReleaseRegistry.ReleaseAttestationMalformed.selector);
        reg.attest(A, 1, 100, 5, 0);
        reg.attest(A, 1, 300, 4, 0);
        vm.stopPrank();
    }

    function test_nobody_attests_what_has_been_live() public {
        publish(A, 0, 1);
        for (uint256 i = 0; i < 3; ++i) {
            attest(A, i, 10, 0);
        }
        vm.warp(endOf(A));
        activate(A);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseAlreadyActivated.selector, A));
        attest(A, 3, 10, 0);
    }

    function test_complexity_weighs_lines_and_rounds_up() public {
        publish(A, 0, 1);
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(auditor(i));
            reg.attest(A, 101, 150, 0, 0);
        }
        check(get(A).weight == 152, "101 lines at 1.5");
    }

    /// @notice I3: fewer than q liars can neither shorten nor stretch, also mid-way, in any order.
    function testFuzz_two_liars_of_five_neither_shorten_nor_stretch(
        uint32 honest,
        uint32 lie,
        uint32 otherLie,
        uint8 order,
        bool together
    ) public {
        honest = uint32(bound(honest, 0, 20_000));
        uint32[5] memory says = [honest, honest, honest, lie, otherLie];
        if (together) says = [lie, honest, otherLie, honest, honest];
        publish(A, 0, 1);
        uint32 before = type(uint32).max;
        for (uint256 i = 0; i < 5; ++i) {
            uint256 seat = (i + order) % 5;
            attest(A, seat, says[seat], 0);
            if (get(A).clockStart == 0) continue;
            check(get(A).weight >= honest, "shortened mid-way");
            check(get(A).weight <= before, "one more voice made it heavier");
            before = get(A).weight;
        }
        check(get(A).weight == honest, "two liars moved the size");
    }
}
