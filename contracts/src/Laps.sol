// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @notice What no vote of any DAO of one factory can ever go below (or, where named "most", above).
/// @dev Times in seconds. A production factory counts in days; a demonstration factory counts in seconds, and everything
/// that shows a release shows its laps, so the two cannot be mistaken for each other.
struct Minimums {
    /// @dev shortest review lap before a vote
    uint32 reviewFloor;
    /// @dev shortest allowed `Policy.ceiling`; a change that loosens a rule, and a change of seat, waits the ceiling
    uint32 ceiling;
    /// @dev shortest time that an emergency release is public before it may go live; never zero
    uint32 emergencyFloor;
    /// @dev shortest time between two emergency releases
    uint32 cooldown;
    /// @dev shortest time between a proposal and its vote
    uint32 votingDelay;
    /// @dev shortest vote
    uint32 votingPeriod;
    /// @dev shortest deployment lap (timelock) between a passed vote and its execution
    uint32 deploymentLap;
    /// @dev shortest term of an auditor's seat
    uint32 seatTerm;
    /// @dev how long one halt lasts; at most 14 days
    uint32 halt;
    /// @dev most weighted lines a day that the public is taken to read
    uint32 mostLinesPerDay;
    /// @dev most weighted lines that the emergency lane takes
    uint32 mostEmergencyLines;
    /// @dev fewest providers that must report the same images
    uint8 builders;
    /// @dev smallest quorum of a vote, in percent of all votes; at least 1
    uint8 quorumPercent;
}

/// @title Laps
/// @notice The floors of a production factory, and the longest times that any factory may set.
library Laps {
    /// @notice No ceiling above this: a longer one would only be a way to stop releases.
    uint32 internal constant MOST_CEILING = 180 days;

    /// @notice No time to ratify an emergency release above this.
    uint32 internal constant MOST_VOTE_ALLOWANCE = 60 days;

    /// @notice No halt longer than this; after it only the DAO can stop a release, by `revoke`.
    uint32 internal constant MOST_HALT = 14 days;

    /// @notice No time between a proposal and its vote above this. With the two that follow, and an extension of a late vote
    /// that is no longer than the vote: whatever a bought vote sets, the next one can undo in 104 days at most.
    uint32 internal constant MOST_VOTING_DELAY = 14 days;

    /// @notice No vote longer than this, extension apart.
    uint32 internal constant MOST_VOTING_PERIOD = 30 days;

    /// @notice No deployment lap longer than this.
    uint32 internal constant MOST_DEPLOYMENT_LAP = 30 days;

    /// @notice The floors that a production factory is built with.
    /// @dev Seven days of review: eight of ten studied supply-chain attacks were found in less than a week.
    function production() internal pure returns (Minimums memory) {
        return Minimums({
            reviewFloor: 7 days,
            ceiling: 30 days,
            emergencyFloor: 12 hours,
            cooldown: 14 days,
            votingDelay: 1 days,
            votingPeriod: 3 days,
            deploymentLap: 2 days,
            seatTerm: 180 days,
            halt: 14 days,
            mostLinesPerDay: 2_000,
            mostEmergencyLines: 1_000,
            builders: 2,
            quorumPercent: 4
        });
    }
}
