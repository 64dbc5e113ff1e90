// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Policy} from "../src/Policy.sol";
import {World} from "./World.sol";

/// @notice The public reads so many lines a day; nobody jumps the queue.
contract QueueTest is World {
    bytes32 private constant A = keccak256("a");
    bytes32 private constant B = keccak256("b");
    bytes32 private constant C = keccak256("c");

    function setUp() public {
        newWorld(aPolicy());
    }

    /// @notice I4: slices of a change never all land before the whole would have.
    function testFuzz_slicing_a_change_brings_none_of_it_forward(uint32 total, uint8 slices, uint32 pause) public {
        total = uint32(bound(total, 1, 15_000));
        slices = uint8(bound(slices, 2, 8));
        pause = uint32(bound(pause, 0, 1 days));
        uint48 whole = BIRTH + 5 days + uint48((uint256(total) * 1 days + 399) / 400);
        if (whole > BIRTH + 60 days) whole = BIRTH + 60 days;
        uint48 last;
        uint32 left = total;
        for (uint256 i = 0; i < slices; ++i) {
            uint32 part = i + 1 == slices ? left : total / slices;
            left -= part;
            bytes32 slice = keccak256(abi.encode("slice", i));
            publish(slice, 0, 1);
            for (uint256 seat = 0; seat < 3; ++seat) {
                attest(slice, seat, part, 0);
            }
            if (endOf(slice) > last) last = endOf(slice);
            wait_(pause);
        }
        check(last >= whole, "salami");
    }

    function test_a_change_waits_for_what_others_queued_before_it() public {
        publish(A, 0, 1);
        attestAll(A, 4_000, 0);
        publish(B, 0, 1);
        attestAll(B, 400, 0);
        check(get(B).ahead == 4_000, "ahead");
        check(endOf(B) == block.timestamp + 5 days + 11 days, "ten days of A, one of its own");
        wait_(4 days);
        check(reg.queued() == 2_800, "drains 400 a day");
    }

    /// @notice A lie that is corrected later must not bring forward what queued behind it.
    function testFuzz_a_corrected_lie_brings_nobody_forward(uint32 size, uint32 lie, uint32 other, uint32 pause)
        public
    {
        size = uint32(bound(size, 0, 5_000));
        lie = uint32(bound(lie, size, 30_000));
        other = uint32(bound(other, 0, 10_000));
        pause = uint32(bound(pause, 0, 30 days));
        uint48 honestEnd = _endBehind(size, size, other, pause);
        newWorld(aPolicy());
        uint48 end = _endBehind(size, lie, other, pause);
        check(end >= honestEnd, "brought forward");
    }

    function test_a_lie_that_is_corrected_at_once_costs_nobody_anything() public {
        uint48 honestEnd = _endBehind(500, 500, 700, 0);
        newWorld(aPolicy());
        check(_endBehind(500, 30_000, 700, 0) == honestEnd, "stretched");
    }

    /// @dev A is `size` lines, but one of its first three voices says `first`; B queues behind; later A's fourth voice speaks,
    /// and C queues behind both.
    function _endBehind(uint32 size, uint32 first, uint32 other, uint32 pause) private returns (uint48) {
        _charge(A, first, size);
        wait_(pause / 2);
        _charge(B, other);
        wait_(pause / 2);
        attest(A, 3, size, 0);
        check(get(A).weight == size, "corrected");
        _charge(C, 100);
        return endOf(C);
    }

    /// @notice The fast reading came and went between the lie and its correction.
    function test_a_spell_of_fast_reading_is_remembered_when_a_lie_is_corrected() public {
        check(_endAfterASpell(10_000) >= _endAfterASpell(0), "brought forward");
    }

    /// @dev A may lie; then comes a day at ten times the rate; then B queues behind A; A is corrected; and C queues.
    function _endAfterASpell(uint32 lie) private returns (uint48) {
        newWorld(aPolicy());
        Policy memory fast = aPolicy();
        fast.linesPerDay = 4_000;
        propose(fast);
        vm.warp(BIRTH + 60 days - 1);
        _charge(A, 100 + lie, 100);
        wait_(1 days + 1);
        propose(aPolicy());
        _charge(B, 6_000);
        attest(A, 3, 100, 0);
        _charge(C, 100);
        return endOf(C);
    }

    /// @notice What stood before it was smaller than it seemed, so it was read earlier than it seemed.
    function test_a_lie_behind_a_lie_brings_nobody_forward() public {
        check(_endBehindTwo(10_000, 5_000) >= _endBehindTwo(0, 0), "brought forward");
    }

    /// @dev A lies and is corrected at once; B lies too, is read, and is corrected late, when C stands in the queue.
    function _endBehindTwo(uint32 lie, uint32 otherLie) private returns (uint48) {
        newWorld(aPolicy());
        _charge(A, 100 + lie, 100);
        _charge(B, 100 + otherLie, 100);
        attest(A, 3, 100, 0);
        wait_(13 days);
        _charge(C, 6_000);
        attest(B, 3, 100, 0);
        bytes32 last = keccak256("last");
        _charge(last, 100);
        return endOf(last);
    }

    function test_days_on_which_nothing_was_queued_are_not_saved_up() public {
        wait_(100 days);
        _charge(A, 4_000);
        check(reg.queued() == 4_000 && get(A).ahead == 0, "read before it was there");
        wait_(2 days);
        _charge(B, 400);
        check(get(B).ahead == 3_200 && reg.queued() == 3_600, "behind what is left of A");
        wait_(9 days);
        check(reg.queued() == 0, "all read");
    }

    function test_a_policy_does_not_change_what_was_read_before_it() public {
        Policy memory slow = aPolicy();
        slow.linesPerDay = 100;
        _charge(A, 20_000);
        wait_(5 days);
        propose(slow);
        check(reg.queued() == 18_000, "five days at 400");
        wait_(5 days);
        check(reg.queued() == 17_500, "five more at 100");
    }

    /// @notice Several lies, corrected in any order and at any time, under rates that change: nothing ever ends earlier, and
    /// never is less left to read, than if nobody had lied.
    function testFuzz_lies_bring_nobody_forward(
        uint32[4] memory sizes,
        uint32[4] memory lies,
        uint32[8] memory pauses,
        uint32 rate,
        uint8 order
    ) public {
        uint32[4] memory none;
        uint256[9] memory honest = _play(sizes, none, pauses, rate, order);
        uint256[9] memory lied = _play(sizes, lies, pauses, rate, order);
        for (uint256 i = 0; i < 9; ++i) {
            check(lied[i] >= honest[i], "brought forward");
        }
    }

    /// @dev Four changes, each with a lie among its first three voices, and between them, for each a fourth voice that corrects
    /// it. The fast policy takes over on the sixtieth day, wherever that falls, and is taken back later.
    /// @return seen when each of the four ends, what was left after each correction, and when a fifth change would end
    function _play(uint32[4] memory sizes, uint32[4] memory lies, uint32[8] memory pauses, uint32 rate, uint8 order)
        private
        returns (uint256[9] memory seen)
    {
        newWorld(aPolicy());
        Policy memory p = aPolicy();
        p.linesPerDay = uint32(bound(rate, 50, 4_000));
        propose(p);
        vm.warp(BIRTH + 50 days);
        uint8[8] memory whose = order % 2 == 0 ? [0, 1, 1, 2, 0, 3, 2, 3] : [0, 1, 0, 2, 1, 3, 3, 2];
        bool[4] memory charged;
        for (uint256 i = 0; i < 8; ++i) {
            bytes32 bundle = keccak256(abi.encode("change", whose[i]));
            uint32 size = sizes[whose[i]] % 2_000;
            if (charged[whose[i]]) {
                attest(bundle, 3, size, 0);
                seen[4 + whose[i]] = reg.queued();
            } else {
                _charge(bundle, size + lies[whose[i]] % 12_000, size);
                charged[whose[i]] = true;
            }
            wait_(bound(pauses[i], 0, 14 days));
            if (i == order % 8) propose(aPolicy());
        }
        _charge(C, 100);
        seen[8] = endOf(C);
        for (uint256 i = 0; i < 4; ++i) {
            seen[i] = endOf(keccak256(abi.encode("change", i)));
        }
    }

    /// @dev Three voices, one of which may be a lie, where all the others say `honest`.
    function _charge(bytes32 bundle, uint32 first, uint32 honest) private {
        publish(bundle, 0, 1);
        attest(bundle, 0, first, 0);
        attest(bundle, 1, honest, 0);
        attest(bundle, 2, honest, 0);
    }

    function _charge(bytes32 bundle, uint32 size) private {
        _charge(bundle, size, size);
    }

    function test_nothing_waits_longer_than_the_ceiling() public {
        publish(A, 0, 1);
        attestAll(A, type(uint32).max, 0);
        check(endOf(A) == block.timestamp + 60 days, "ceiling");
        check(get(A).weight == 24_000, "no more than the ceiling is charged");
    }
}
