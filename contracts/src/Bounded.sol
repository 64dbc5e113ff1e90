// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Minimums} from "./Laps.sol";

/// @title Bounded
/// @notice Floors as immutables: they are part of the code, so nothing that can be voted on can change them.
abstract contract Bounded {
    uint32 private immutable _reviewFloor;
    uint32 private immutable _ceiling;
    uint32 private immutable _emergencyFloor;
    uint32 private immutable _cooldown;
    uint32 private immutable _votingDelay;
    uint32 private immutable _votingPeriod;
    uint32 private immutable _deploymentLap;
    uint32 private immutable _seatTerm;
    uint32 private immutable _halt;
    uint32 private immutable _mostLinesPerDay;
    uint32 private immutable _mostEmergencyLines;
    uint8 private immutable _builders;
    uint8 private immutable _quorumPercent;

    constructor(Minimums memory least) {
        _reviewFloor = least.reviewFloor;
        _ceiling = least.ceiling;
        _emergencyFloor = least.emergencyFloor;
        _cooldown = least.cooldown;
        _votingDelay = least.votingDelay;
        _votingPeriod = least.votingPeriod;
        _deploymentLap = least.deploymentLap;
        _seatTerm = least.seatTerm;
        _halt = least.halt;
        _mostLinesPerDay = least.mostLinesPerDay;
        _mostEmergencyLines = least.mostEmergencyLines;
        _builders = least.builders;
        _quorumPercent = least.quorumPercent;
    }

    /// @notice What no vote can go below.
    function minimums() public view virtual returns (Minimums memory) {
        return Minimums({
            reviewFloor: _reviewFloor,
            ceiling: _ceiling,
            emergencyFloor: _emergencyFloor,
            cooldown: _cooldown,
            votingDelay: _votingDelay,
            votingPeriod: _votingPeriod,
            deploymentLap: _deploymentLap,
            seatTerm: _seatTerm,
            halt: _halt,
            mostLinesPerDay: _mostLinesPerDay,
            mostEmergencyLines: _mostEmergencyLines,
            builders: _builders,
            quorumPercent: _quorumPercent
        });
    }
}
