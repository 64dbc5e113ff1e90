// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

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
        publish(A, 0, 1);
        attest(A, 0, first, 0);
        attest(A, 1, size, 0);
        attest(A, 2, size, 0);
        wait_(pause / 2);
        publish(B, 0, 1);
        for (uint256 i = 0; i < 3; ++i) {
            attest(B, i, other, 0);
        }
        wait_(pause / 2);
        attest(A, 3, size, 0);
        check(get(A).weight == size, "corrected");
        publish(C, 0, 1);
        for (uint256 i = 0; i < 3; ++i) {
            attest(C, i, 100, 0);
        }
        return endOf(C);
    }

    function test_nothing_waits_longer_than_the_ceiling() public {
        publish(A, 0, 1);
        attestAll(A, type(uint32).max, 0);
        check(endOf(A) == block.timestamp + 60 days, "ceiling");
        check(get(A).weight == 24_000, "no more than the ceiling is charged");
    }
}
