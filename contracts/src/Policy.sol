// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Laps, Minimums} from "./Laps.sol";

/// @notice The rules of one DAO for its releases; 30 bytes, one storage slot. Times in seconds.
struct Policy {
    /// @dev shortest review lap before a vote
    uint32 floor;
    /// @dev longest review lap; also how long a loosened rule or a change of seat waits
    uint32 ceiling;
    /// @dev how long an emergency release is public before it may go live
    uint32 emergencyFloor;
    /// @dev how long after its review lap an emergency release may live unratified
    uint32 voteAllowance;
    /// @dev time between two emergency releases
    uint32 cooldown;
    /// @dev weighted lines that the public is taken to read in a day
    uint32 linesPerDay;
    /// @dev largest weighted change that the emergency lane takes
    uint32 emergencyLines;
    /// @dev auditors' seats that the emergency lane needs; always more than a majority
    uint8 emergencyQuorum;
    /// @dev distinct providers that must report the same images before a release is served
    uint8 builders;
}

using Policies for Policy global;

/// @title Policies
/// @notice When one policy is stricter than another, and which policies are allowed at all.
library Policies {
    /// @notice A policy is outside what its factory allows.
    /// @param field the name of the first field that is wrong
    error PolicyOutOfBounds(bytes32 field);

    /// @notice The stricter of two policies, field by field.
    /// @dev Stricter: longer laps and cooldown, slower reading, smaller and better attested emergencies that die sooner,
    /// more builders. The result of two allowed policies is allowed.
    function tightest(Policy memory a, Policy memory b) internal pure returns (Policy memory) {
        return Policy({
            floor: _most(a.floor, b.floor),
            ceiling: _most(a.ceiling, b.ceiling),
            emergencyFloor: _most(a.emergencyFloor, b.emergencyFloor),
            voteAllowance: _least(a.voteAllowance, b.voteAllowance),
            cooldown: _most(a.cooldown, b.cooldown),
            linesPerDay: _least(a.linesPerDay, b.linesPerDay),
            emergencyLines: _least(a.emergencyLines, b.emergencyLines),
            emergencyQuorum: uint8(_most(a.emergencyQuorum, b.emergencyQuorum)),
            builders: uint8(_most(a.builders, b.builders))
        });
    }

    /// @notice Whether two policies are the same.
    function equals(Policy memory a, Policy memory b) internal pure returns (bool) {
        return keccak256(abi.encode(a)) == keccak256(abi.encode(b));
    }

    /// @notice Refuses a policy that its factory does not allow.
    /// @param least the factory's floors
    /// @param seats number of auditors' seats
    function check(Policy memory p, Minimums memory least, uint256 seats) internal pure {
        _require(p.floor >= least.reviewFloor, "floor");
        _require(p.ceiling >= p.floor && p.ceiling >= least.ceiling && p.ceiling <= Laps.MOST_CEILING, "ceiling");
        _require(p.emergencyFloor >= least.emergencyFloor && p.emergencyFloor <= p.floor, "emergencyFloor");
        _require(p.voteAllowance > 0 && p.voteAllowance <= Laps.MOST_VOTE_ALLOWANCE, "voteAllowance");
        _require(p.cooldown >= least.cooldown, "cooldown");
        _require(p.linesPerDay > 0 && p.linesPerDay <= least.mostLinesPerDay, "linesPerDay");
        _require(p.emergencyLines <= least.mostEmergencyLines, "emergencyLines");
        _require(p.emergencyQuorum > seats / 2 + 1 && p.emergencyQuorum <= seats, "emergencyQuorum");
        _require(p.builders >= least.builders && p.builders <= 32, "builders");
    }

    function _require(bool allowed, bytes32 field) private pure {
        if (!allowed) revert PolicyOutOfBounds(field);
    }

    function _most(uint32 a, uint32 b) private pure returns (uint32) {
        return a > b ? a : b;
    }

    function _least(uint32 a, uint32 b) private pure returns (uint32) {
        return a < b ? a : b;
    }
}
