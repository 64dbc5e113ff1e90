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
import {Cid} from "./Cid.sol";
import {Minimums} from "./Laps.sol";
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

    bytes15 private constant PREFIX = "Software Update"; // ASCII, exact case, no space before it
    uint256 private constant LONGEST_TITLE = 160;
    bytes private constant SCHEME = "\nipfs://";

    IReleaseRegistry private immutable _registry;
    uint48 private immutable _delayFloor;
    uint32 private immutable _periodFloor;
    uint8 private immutable _quorumFloor;

    mapping(bytes32 bundle => uint256 proposalId) private _updates;

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
        _requireFloor(s.votingDelay, least.votingDelay); // bases are built before immutables can be read: check here
        _requireFloor(s.votingPeriod, least.votingPeriod);
        _requireFloor(s.quorumPercent, least.quorumPercent);
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

    /// @notice Shortens or lengthens the time before a vote, never below its floor. Only by a vote.
    function setVotingDelay(uint48 delay) public override {
        _requireFloor(delay, _delayFloor);
        super.setVotingDelay(delay);
    }

    /// @notice Shortens or lengthens the vote, never below its floor. Only by a vote.
    function setVotingPeriod(uint32 period) public override {
        _requireFloor(period, _periodFloor);
        super.setVotingPeriod(period);
    }

    /// @notice Changes the quorum, never below its floor. Only by a vote.
    function updateQuorumNumerator(uint256 percent) public override {
        _requireFloor(percent, _quorumFloor);
        super.updateQuorumNumerator(percent);
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
        bool titled = bytes15(_word(bytes(description), 0)) == PREFIX && bytes(description).length >= PREFIX.length;
        bool activates = _activates(targets, calldatas);
        if (titled != activates) revert GovernorTitleActionMismatch(titled, activates);
        if (!titled) return super._propose(targets, values, calldatas, description, proposer);

        bytes32 bundle = _bundleOf(targets, values, calldatas);
        _checkText(bytes(description), bundle);
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
        return _word(calldatas[0], 4);
    }

    function _checkText(bytes memory description, bytes32 bundle) private pure {
        uint256 end = PREFIX.length;
        while (end < description.length && description[end] != "\n") {
            if (++end > LONGEST_TITLE) revert GovernorTitleMalformed();
        }
        bytes memory line = bytes.concat(SCHEME, Cid.text(bundle), "\n");
        if (description.length < end + line.length) revert GovernorTitleMalformed();
        bytes32 found;
        assembly ("memory-safe") {
            found := keccak256(add(add(description, 0x20), end), mload(line))
        }
        if (found != keccak256(line)) revert GovernorBundleTextMismatch(bundle);
    }

    /// @dev Voting must not open while people are still meant to read.
    function _checkReviewed(bytes32 bundle) private view {
        uint48 ends = _registry.release(bundle).reviewEnds;
        if (ends == 0 || ends > clock() + votingDelay()) revert GovernorReviewNotFinished(bundle, ends);
    }

    /// @dev One live vote for a bundle: a copy with another text cannot displace it. Only a vote that failed is replaced.
    function _checkAlone(bytes32 bundle) private view {
        uint256 earlier = _updates[bundle];
        if (earlier == 0) return;
        ProposalState now_ = state(earlier);
        if (now_ != ProposalState.Canceled && now_ != ProposalState.Defeated) {
            revert GovernorVoteAlreadyOpen(bundle, earlier);
        }
    }

    function _requireFloor(uint256 value, uint256 floor) private pure {
        if (value < floor) revert GovernorBelowFloor(value, floor);
    }

    /// @dev 32 bytes from `offset`; beyond the end the value is unspecified, so lengths are checked by the callers.
    function _word(bytes memory data, uint256 offset) private pure returns (bytes32 word) {
        assembly ("memory-safe") {
            word := mload(add(add(data, 0x20), offset))
        }
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
