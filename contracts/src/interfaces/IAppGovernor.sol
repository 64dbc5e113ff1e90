// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title IAppGovernor
/// @notice The vote of an application's DAO. OpenZeppelin's Governor, plus one rule: the label of a proposal is checked.
///
/// A proposal is a *software update* if and only if all of these hold, and it is refused if only some of them do:
///
/// ```
///  description   Software Update…            first 15 bytes, exact; the title is at most 160 bytes
///                ipfs://bafybei…             second line, exactly: the CID (see `Cid`) of the bundle, then a line feed
///                anything
///  action        one: registry.activate(bundle), no value
/// ```
///
/// So a reader cannot be misled, and a cluster never has to parse a title: it reads `ReleaseRegistry.active()`.
///
/// States are OpenZeppelin's: Pending ─► Active ─► Succeeded ─► Queued ─► Executed; or Canceled (by the proposer, only while
/// Pending), Defeated. The clock is `block.timestamp`. `castVote`, `queue`, `execute` and the rest are OpenZeppelin's.
///
/// @dev FINAL.
interface IAppGovernor {
    /// @notice A vote on a bundle was proposed; `ProposalCreated` of the same transaction has its text.
    event SoftwareUpdateProposed(uint256 indexed proposalId, bytes32 indexed bundle);

    /// @notice The title says "Software Update" but the action does not, or the reverse.
    error GovernorTitleActionMismatch(bool titled, bool activates);
    /// @notice An update has exactly one action, without value, and its calldata is `activate(bundle)` and nothing else.
    error GovernorUpdateMalformed();
    /// @notice The title is longer than 160 bytes, or there is no second line.
    error GovernorTitleMalformed();
    /// @notice The second line is not the address of the bundle in the action.
    error GovernorBundleTextMismatch(bytes32 bundle);
    /// @notice Voting would open before the review lap ends (0: before its clock has even started).
    error GovernorReviewNotFinished(bytes32 bundle, uint48 reviewEnds);
    /// @notice Another vote on this bundle is open, passed or executed.
    error GovernorVoteAlreadyOpen(bytes32 bundle, uint256 proposalId);
    /// @notice The last vote on this bundle was lost too recently; voters rest for as long as a vote takes.
    error GovernorVoteLost(bytes32 bundle, uint256 until);
    /// @notice A vote cannot set this below its floor.
    error GovernorBelowFloor(uint256 value, uint256 floor);
    /// @notice A vote cannot set this so high that later votes would be locked out.
    error GovernorAboveCeiling(uint256 value, uint256 ceiling);
    /// @notice Nobody acts as the governor: a vote acts through the timelock, or not at all.
    error GovernorRelayClosed();
    /// @notice The timelock is for good: a new one means a new DAO.
    error GovernorTimelockFixed();

    /// @notice The vote on this bundle; 0 = none yet. A vote that failed may be replaced by a new one: if it was cancelled
    /// at once, if it was lost after `votingDelay() + votingPeriod()` from its deadline.
    function updateProposal(bytes32 bundle) external view returns (uint256 proposalId);

    /// @notice Whether any vote on this bundle was ever lost, also for want of a quorum.
    function wasDefeated(bytes32 bundle) external view returns (bool);

    /// @notice When the vote on this bundle can be executed at the latest, if everybody acts as soon as they may: the vote
    /// that is open or has passed or, if there is none, one proposed at `from`. Seconds since 1970.
    function decidedBy(bytes32 bundle, uint48 from) external view returns (uint256);

    /// @notice The ReleaseRegistry of this DAO.
    function registry() external view returns (address);

    /// @notice What no vote can go below: seconds, seconds, percent.
    function floors() external view returns (uint48 votingDelay, uint32 votingPeriod, uint8 quorumPercent);
}
