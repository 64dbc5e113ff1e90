// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IAppVotes} from "./IAppVotes.sol";

/// @title IAppMembership
/// @notice Membership that cannot be sold, lent or given: one member, one vote. No vote market, no borrowed votes.
/// @dev FINAL.
interface IAppMembership is IAppVotes {
    /// @notice Membership does not change hands.
    error MembershipNotTransferable(address from, address to);
    /// @notice A member has exactly one vote.
    error MembershipAlreadyHeld(address member);

    /// @notice Ends a membership. Only by the timelock.
    function burn(address member) external;
}
