// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {Laps} from "./Laps.sol";
import {IAppTimelock} from "./interfaces/IAppTimelock.sol";

/// @title AppTimelock
/// @notice The deployment lap. See `IAppTimelock`.
contract AppTimelock is TimelockController, IAppTimelock {
    /// @inheritdoc IAppTimelock
    uint32 public immutable floor;

    /// @param delay first delay in seconds, from `floor_` to `Laps.MOST_DEPLOYMENT_LAP`
    /// @param floor_ below which no vote can push it
    /// @param proposer the only account that schedules and cancels: the governor. Anybody executes; nobody administers.
    constructor(uint256 delay, uint32 floor_, address proposer)
        TimelockController(delay, _one(proposer), _one(address(0)), address(0))
    {
        _requireWithin(delay, floor_);
        floor = floor_;
    }

    /// @notice Changes the delay for operations scheduled later. Only by this timelock itself, from `floor` to
    /// `Laps.MOST_DEPLOYMENT_LAP`.
    function updateDelay(uint256 delay) public override {
        _requireWithin(delay, floor);
        super.updateDelay(delay);
    }

    /// @notice Roles are fixed: a vote that was bought once must not leave a second proposer behind.
    function grantRole(bytes32, address) public pure override {
        revert TimelockRolesFixed();
    }

    /// @notice Roles are fixed: a vote that was bought once must not lock the voters out.
    function revokeRole(bytes32, address) public pure override {
        revert TimelockRolesFixed();
    }

    /// @notice Roles are fixed: also the governor cannot give up its own, or nobody could ever schedule again.
    function renounceRole(bytes32, address) public pure override {
        revert TimelockRolesFixed();
    }

    function _requireWithin(uint256 delay, uint256 floor_) private pure {
        if (delay < floor_) revert TimelockBelowFloor(delay, floor_);
        if (delay > Laps.MOST_DEPLOYMENT_LAP) revert TimelockAboveCeiling(delay, Laps.MOST_DEPLOYMENT_LAP);
    }

    function _one(address account) private pure returns (address[] memory list) {
        list = new address[](1);
        list[0] = account;
    }
}
