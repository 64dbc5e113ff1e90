// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title ReadingQueue
/// @notice The public can read so many lines a day. A change waits for what was queued before it and for itself, so cutting
/// a change into slices brings none of it forward: a leaky bucket, first in, first read.
/// @dev Amounts are line-days-in-seconds, called marks: one line is 86,400 marks, and a rate of r lines a day drains r marks
/// a second. So draining is exact, however often it is brought up to date.
library ReadingQueue {
    /// @notice What is still to be read, as of `since`.
    struct Queue {
        uint208 left;
        uint48 since;
    }

    uint256 private constant MARKS = 1 days;

    /// @notice Marks left after some seconds.
    function drain(uint208 left, uint48 elapsed, uint32 linesPerDay) internal pure returns (uint208) {
        uint256 drained = uint256(elapsed) * linesPerDay;
        return drained >= left ? 0 : left - uint208(drained);
    }

    /// @notice Marks as lines, rounded up.
    function linesUp(uint208 marks) internal pure returns (uint256) {
        return (uint256(marks) + MARKS - 1) / MARKS;
    }

    /// @notice Lines as marks.
    function toMarks(uint256 lines) internal pure returns (uint208) {
        return uint208(lines * MARKS);
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

    /// @notice Marks to give back when a change turns out to be smaller than it was first charged.
    /// @dev Only what cannot have been drained yet: the phantom lines stood at the end of the change, behind `ahead` and
    /// `weight`. Giving back more would bring forward what others queued later; so `ahead`, which was rounded up, loses a line.
    /// @param left what is in the queue now
    /// @param ahead lines before the change when it was charged
    /// @param charged lines that it was charged
    /// @param weight lines that it turns out to be, at most `charged`
    /// @param elapsed seconds since it was charged
    /// @param linesPerDay fastest rate since then
    function refund(uint208 left, uint256 ahead, uint256 charged, uint256 weight, uint256 elapsed, uint32 linesPerDay)
        internal
        pure
        returns (uint208)
    {
        uint256 end = ((ahead == 0 ? 0 : ahead - 1) + charged) * MARKS;
        uint256 drained = elapsed * linesPerDay;
        uint256 most = end > drained ? end - drained : 0;
        uint256 phantom = (charged - weight) * MARKS;
        if (phantom < most) most = phantom;
        return most < left ? uint208(most) : left;
    }
}
