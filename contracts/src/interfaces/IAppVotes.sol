// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title IAppVotes
/// @notice What both kinds of membership have besides ERC-20, ERC-2612, ERC-5805 and ERC-6372 (clock: `block.timestamp`).
/// Votes count from a past snapshot only, so nothing that is bought within a block decides anything.
/// Every first holder is its own delegate from birth; later holders call `delegate` once.
/// @dev FINAL. `AppVotes` is transferable; `AppMembership` is not: one member, one vote.
interface IAppVotes {
    /// @notice Only the DAO's timelock may do this.
    error VotesNotTimelock(address caller);

    /// @notice Holders and amounts differ in length, or there is no holder.
    error VotesHoldersMalformed();

    /// @notice Who creates votes: the DAO's timelock, after a vote.
    function timelock() external view returns (address);

    /// @notice Creates votes. Only by the timelock. For AppMembership: admits `to`; `amount` must be 1.
    function mint(address to, uint256 amount) external;
}
