// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title IAppTimelock
/// @notice The deployment lap: time between a passed vote and its execution, in which users who disagree can leave.
/// OpenZeppelin's TimelockController with a floor, a ceiling (`Laps.MOST_DEPLOYMENT_LAP`) and roles that are fixed at birth:
/// only the governor schedules and cancels, anybody executes, nobody administers.
/// @dev FINAL.
interface IAppTimelock {
    /// @notice The delay cannot be set below its floor.
    error TimelockBelowFloor(uint256 delay, uint256 floor);
    /// @notice The delay cannot be so long that a vote bought once would lock later votes out.
    error TimelockAboveCeiling(uint256 delay, uint256 ceiling);
    /// @notice Roles are fixed for good.
    error TimelockRolesFixed();

    /// @notice No vote can set the delay below this; seconds.
    function floor() external view returns (uint32);
}
