// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title ReadingQueue
/// @notice The public can read so many lines a day. A change waits for what was queued before it and for itself, so cutting
/// a change into slices brings none of it forward: a leaky bucket, first in, first read.
/// @dev All changes stand on one tape, in order, and a reader moves along it. Places are marks: one line is 86,400 marks, and
/// at r lines a day the reader passes r marks a second, whether something stands there or not. So reading is exact, however
/// often it is brought up to date. A mark has 64 bits: 136 years of the fastest reading that a factory can allow.
library ReadingQueue {
    using ReadingQueue for Queue;

    /// @notice The tape as of `since`.
    struct Queue {
        uint64 passed; // what lies behind the reader
        uint64 end; // where the last change ends; at or before `passed`: nothing is left
        uint48 since;
    }

    uint64 private constant MARKS = 1 days;

    /// @notice Moves the reader on to a moment, at one rate.
    function read(Queue memory q, uint48 until, uint32 linesPerDay) internal pure {
        q.passed += uint64(until - q.since) * linesPerDay;
        q.since = until;
    }

    /// @notice Lines that are left, rounded up.
    function left(Queue memory q) internal pure returns (uint256) {
        return q.end > q.passed ? (uint256(q.end - q.passed) + MARKS - 1) / MARKS : 0;
    }

    /// @notice Puts a change behind all others.
    /// @return tail where it ends
    function append(Queue memory q, uint32 lines) internal pure returns (uint64 tail) {
        tail = (q.end > q.passed ? q.end : q.passed) + lines * MARKS;
        q.end = tail;
    }

    /// @notice Gives lines back when a change turns out to be smaller than it was first charged.
    /// @dev They stood last in it, so only those before its tail that the reader has not passed can be given back; more would
    /// bring forward what others queued later. The reader jumps over them, so he has also passed whatever was given back of
    /// other changes: of those before this one rightly, of those behind it to be on the safe side.
    /// @param tail where the change ended when it was charged
    function giveBack(Queue memory q, uint64 tail, uint32 lines) internal pure {
        uint64 unread = tail > q.passed ? tail - q.passed : 0;
        uint64 phantom = lines * MARKS;
        q.passed += phantom < unread ? phantom : unread;
    }

    /// @notice Seconds to read some lines, rounded up.
    function secondsFor(uint256 lines, uint32 linesPerDay) internal pure returns (uint256) {
        return (lines * MARKS + linesPerDay - 1) / linesPerDay;
    }

    /// @notice Most lines that can be read within a ceiling; more in one change would only poison the queue for others.
    function within(uint32 ceiling, uint32 linesPerDay) internal pure returns (uint256) {
        uint256 most = uint256(ceiling) * linesPerDay / MARKS;
        return most > type(uint32).max ? type(uint32).max : most;
    }
}
