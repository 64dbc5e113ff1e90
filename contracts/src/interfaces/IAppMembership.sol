// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IAppVotes} from "./IAppVotes.sol";

/// @title IAppMembership
/// @notice Membership that cannot be sold or given: one member, one vote; nothing to buy, nothing to borrow for a block.
/// A member may let another member vote for him (`delegate`), in public, and take that back at any time.
/// @dev FINAL.
interface IAppMembership is IAppVotes {
    /// @notice Membership does not change hands.
    error MembershipNotTransferable(address from, address to);
    /// @notice A member has exactly one vote.
    error MembershipAlreadyHeld(address member);

    /// @notice Ends a membership. Only by the timelock.
    function burn(address member) external;
}
