// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Governor} from "@openzeppelin/contracts/governance/Governor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {GovernorCountingSimple} from "@openzeppelin/contracts/governance/extensions/GovernorCountingSimple.sol";
import {GovernorPreventLateQuorum} from "@openzeppelin/contracts/governance/extensions/GovernorPreventLateQuorum.sol";
import {GovernorSettings} from "@openzeppelin/contracts/governance/extensions/GovernorSettings.sol";
import {GovernorTimelockControl} from "@openzeppelin/contracts/governance/extensions/GovernorTimelockControl.sol";
import {GovernorVotes} from "@openzeppelin/contracts/governance/extensions/GovernorVotes.sol";
import {
    GovernorVotesQuorumFraction
} from "@openzeppelin/contracts/governance/extensions/GovernorVotesQuorumFraction.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {Laps, Minimums} from "./Laps.sol";
import {UpdateLabel} from "./UpdateLabel.sol";
import {IAppGovernor} from "./interfaces/IAppGovernor.sol";
import {IReleaseRegistry} from "./interfaces/IReleaseRegistry.sol";

/// @title AppGovernor
/// @notice The vote of an application's DAO, with labels that are checked. See `IAppGovernor`.
contract AppGovernor is
    Governor,
    GovernorSettings,
    GovernorCountingSimple,
    GovernorVotes,
    GovernorVotesQuorumFraction,
    GovernorPreventLateQuorum,
    GovernorTimelockControl,
    IAppGovernor
{
    /// @notice Who counts, who waits, and how long.
    struct Setup {
        string name;
        IVotes token;
        TimelockController timelock;
        IReleaseRegistry registry;
        uint48 votingDelay;
        uint32 votingPeriod;
        uint48 lateExtension;
        uint256 proposalThreshold;
        uint8 quorumPercent;
    }

    IReleaseRegistry private immutable _registry;
    uint48 private immutable _delayFloor;
    uint32 private immutable _periodFloor;
    uint8 private immutable _quorumFloor;
    uint256 private immutable _quorumCeiling;
    uint256 private immutable _firstThreshold;

    mapping(bytes32 bundle => uint256 proposalId) private _updates;
    mapping(bytes32 bundle => bool) private _lost; // an earlier vote, replaced since

    constructor(Setup memory s)
        Governor(s.name)
        GovernorSettings(s.votingDelay, s.votingPeriod, s.proposalThreshold)
        GovernorVotes(s.token)
        GovernorVotesQuorumFraction(s.quorumPercent)
        GovernorPreventLateQuorum(s.lateExtension)
        GovernorTimelockControl(s.timelock)
    {
        Minimums memory least = s.registry.minimums();
        _registry = s.registry;
        (_delayFloor, _periodFloor, _quorumFloor) = (least.votingDelay, least.votingPeriod, least.quorumPercent);
        _quorumCeiling = uint256(s.quorumPercent) * 2 < 100 ? uint256(s.quorumPercent) * 2 : 100;
        _firstThreshold = s.proposalThreshold;
        // bases are built before immutables can be read: check here
        _requireWithin(s.votingDelay, least.votingDelay, Laps.MOST_VOTING_DELAY);
        _requireWithin(s.votingPeriod, least.votingPeriod, Laps.MOST_VOTING_PERIOD);
        _requireWithin(s.quorumPercent, least.quorumPercent, 100);
    }

    /// @inheritdoc IAppGovernor
    function updateProposal(bytes32 bundle) external view returns (uint256) {
        return _updates[bundle];
    }

    /// @inheritdoc IAppGovernor
    function registry() external view returns (address) {
        return address(_registry);
    }

    /// @inheritdoc IAppGovernor
    function floors() external view returns (uint48, uint32, uint8) {
        return (_delayFloor, _periodFloor, _quorumFloor);
    }

    /// @inheritdoc IAppGovernor
    function wasDefeated(bytes32 bundle) external view returns (bool) {
        uint256 id = _updates[bundle];
        return _lost[bundle] || (id != 0 && state(id) == ProposalState.Defeated);
    }

    /// @inheritdoc IAppGovernor
    function decidedBy(bytes32 bundle, uint48 from) external view returns (uint256) {
        uint256 id = _updates[bundle];
        uint256 lap = TimelockController(payable(timelock())).getMinDelay();
        if (id != 0) {
            ProposalState now_ = state(id);
            if (now_ == ProposalState.Queued) return proposalEta(id);
            if (now_ == ProposalState.Succeeded) return clock() + lap;
            if (now_ == ProposalState.Pending || now_ == ProposalState.Active) {
                return proposalDeadline(id) + lateQuorumVoteExtension() + lap;
            }
        }
        return from + votingDelay() + votingPeriod() + lateQuorumVoteExtension() + lap;
    }

    /// @notice Shortens or lengthens the time before a vote, within its floor and `Laps.MOST_VOTING_DELAY`. Only by a vote.
    function setVotingDelay(uint48 delay) public override {
        _requireWithin(delay, _delayFloor, Laps.MOST_VOTING_DELAY);
        super.setVotingDelay(delay);
    }

    /// @notice Shortens or lengthens the vote, within its floor and `Laps.MOST_VOTING_PERIOD`. Only by a vote.
    /// @dev OpenZeppelin keeps the extension of a late vote within the period that it is set under.
    function setVotingPeriod(uint32 period) public override {
        _requireWithin(period, _periodFloor, Laps.MOST_VOTING_PERIOD);
        super.setVotingPeriod(period);
    }

    /// @notice Changes the votes that a proposer needs: at most 5 % of all, or what it was at birth. Only by a vote.
    function setProposalThreshold(uint256 threshold) public override {
        uint256 most = token().getPastTotalSupply(clock() - 1) / 20;
        _requireWithin(threshold, 0, most < _firstThreshold ? _firstThreshold : most);
        super.setProposalThreshold(threshold);
    }

    /// @notice Changes the quorum, within its floor and twice what it was at birth. Only by a vote.
    function updateQuorumNumerator(uint256 percent) public override {
        _requireWithin(percent, _quorumFloor, _quorumCeiling);
        super.updateQuorumNumerator(percent);
    }

    /// @notice Refused: as the governor, a vote could plant in the timelock what this contract does not know of.
    function relay(address, uint256, bytes calldata) public payable override {
        revert GovernorRelayClosed();
    }

    /// @notice Refused: the registry obeys one timelock for good.
    function updateTimelock(TimelockController) public pure override {
        revert GovernorTimelockFixed();
    }

    /// @notice Seconds since 1970, as both kinds of votes count.
    function clock() public view override(Governor, GovernorVotes) returns (uint48) {
        return uint48(block.timestamp);
    }

    /// @notice The clock in the words of ERC-6372.
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure override(Governor, GovernorVotes) returns (string memory) {
        return "mode=timestamp";
    }

    /// @dev The label is checked in both directions before the proposal exists.
    function _propose(
        address[] memory targets,
        uint256[] memory values,
        bytes[] memory calldatas,
        string memory description,
        address proposer
    ) internal override returns (uint256 proposalId) {
        bool titled = UpdateLabel.isTitled(bytes(description));
        bool activates = _activates(targets, calldatas);
        if (titled != activates) revert GovernorTitleActionMismatch(titled, activates);
        if (!titled) return super._propose(targets, values, calldatas, description, proposer);

        bytes32 bundle = _bundleOf(targets, values, calldatas);
        UpdateLabel.check(bytes(description), bundle);
        _checkReviewed(bundle);
        _checkAlone(bundle);
        proposalId = super._propose(targets, values, calldatas, description, proposer);
        _updates[bundle] = proposalId;
        emit SoftwareUpdateProposed(proposalId, bundle);
    }

    /// @dev Whether any action would activate a bundle, wherever it hides in the list.
    function _activates(address[] memory targets, bytes[] memory calldatas) private view returns (bool) {
        for (uint256 i = 0; i < targets.length && i < calldatas.length; ++i) {
            if (
                targets[i] == address(_registry) && calldatas[i].length >= 4
                    && bytes4(calldatas[i]) == IReleaseRegistry.activate.selector
            ) return true;
        }
        return false;
    }

    function _bundleOf(address[] memory targets, uint256[] memory values, bytes[] memory calldatas)
        private
        pure
        returns (bytes32)
    {
        if (
            targets.length != 1 || values.length != 1 || calldatas.length != 1 || values[0] != 0
                || calldatas[0].length != 36
        ) {
            revert GovernorUpdateMalformed();
        }
        return UpdateLabel.word(calldatas[0], 4);
    }

    /// @dev Voting must not open while people are still meant to read.
    function _checkReviewed(bytes32 bundle) private view {
        uint48 ends = _registry.release(bundle).reviewEnds;
        if (ends == 0 || ends > clock() + votingDelay()) revert GovernorReviewNotFinished(bundle, ends);
    }

    /// @dev One live vote for a bundle: a copy with another text cannot displace it. Only a vote that failed is replaced;
    /// after one that was lost, voters get as long a rest as a vote takes, so that nobody wins by asking until they sleep.
    function _checkAlone(bytes32 bundle) private {
        uint256 earlier = _updates[bundle];
        if (earlier == 0) return;
        ProposalState now_ = state(earlier);
        if (now_ == ProposalState.Canceled) return;
        if (now_ != ProposalState.Defeated) revert GovernorVoteAlreadyOpen(bundle, earlier);
        uint256 until = proposalDeadline(earlier) + votingDelay() + votingPeriod();
        if (clock() < until) revert GovernorVoteLost(bundle, until);
        _lost[bundle] = true;
    }

    function _requireWithin(uint256 value, uint256 floor, uint256 ceiling) private pure {
        if (value < floor) revert GovernorBelowFloor(value, floor);
        if (value > ceiling) revert GovernorAboveCeiling(value, ceiling);
    }

    // ------------------------------------------------------------- OpenZeppelin's bases, joined as they ask to be

    /// @notice Where a proposal stands. See OpenZeppelin's `IGovernor`.
    function state(uint256 proposalId) public view override(Governor, GovernorTimelockControl) returns (ProposalState) {
        return super.state(proposalId);
    }

    /// @notice Every proposal is queued in the timelock.
    function proposalNeedsQueuing(uint256 proposalId)
        public
        view
        override(Governor, GovernorTimelockControl)
        returns (bool)
    {
        return super.proposalNeedsQueuing(proposalId);
    }

    /// @notice Votes that a proposer needs.
    function proposalThreshold() public view override(Governor, GovernorSettings) returns (uint256) {
        return super.proposalThreshold();
    }

    /// @notice When a vote ends; later if its quorum was reached late.
    function proposalDeadline(uint256 proposalId)
        public
        view
        override(Governor, GovernorPreventLateQuorum)
        returns (uint256)
    {
        return super.proposalDeadline(proposalId);
    }

    function _tallyUpdated(uint256 proposalId) internal override(Governor, GovernorPreventLateQuorum) {
        super._tallyUpdated(proposalId);
    }

    function _queueOperations(uint256 id, address[] memory t, uint256[] memory v, bytes[] memory c, bytes32 h)
        internal
        override(Governor, GovernorTimelockControl)
        returns (uint48)
    {
        return super._queueOperations(id, t, v, c, h);
    }

    function _executeOperations(uint256 id, address[] memory t, uint256[] memory v, bytes[] memory c, bytes32 h)
        internal
        override(Governor, GovernorTimelockControl)
    {
        super._executeOperations(id, t, v, c, h);
    }

    function _cancel(address[] memory t, uint256[] memory v, bytes[] memory c, bytes32 h)
        internal
        override(Governor, GovernorTimelockControl)
        returns (uint256)
    {
        return super._cancel(t, v, c, h);
    }

    function _executor() internal view override(Governor, GovernorTimelockControl) returns (address) {
        return super._executor();
    }
}
