// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {Policy} from "./Policy.sol";
import {ReleaseReview} from "./ReleaseReview.sol";
import {ReleaseRules} from "./ReleaseRules.sol";
import {IAppGovernor} from "./interfaces/IAppGovernor.sol";
import {IAuditorSeats} from "./interfaces/IAuditorSeats.sol";
import {IReleaseRegistry} from "./interfaces/IReleaseRegistry.sol";

/// @title ReleaseRegistry
/// @notice The one place that says which code an application may run. See `IReleaseRegistry`.
/// @dev This part is what happens after the review: going live, by either road, and being stopped.
contract ReleaseRegistry is ReleaseReview {
    uint8 private constant HIGH = 3;

    /// @inheritdoc IReleaseRegistry
    uint48 public lastEmergency; // first: it shares a slot with highestNumber
    /// @inheritdoc IReleaseRegistry
    bytes32 public current;
    /// @inheritdoc IReleaseRegistry
    bytes32 public lastRatified;

    constructor(Setup memory s) ReleaseRules(s) {}

    // ------------------------------------------------------------------------------------------------- going live

    /// @inheritdoc IReleaseRegistry
    function activate(bytes32 bundle) external onlyTimelock {
        Record storage r = _known(bundle);
        uint256 proposalId = _passed(bundle);
        if (!_lapOver(r)) revert ReleaseLapOpen(bundle, _reviewEnds(r));
        _requireUnstopped(bundle, r);
        _requireRead(r.alreadyRead);
        if (r.activatedAt != 0) {
            _ratify(bundle, r, proposalId);
            return;
        }
        if (r.parent != head()) revert ReleaseStale(r.parent, head());
        lastRatified = bundle;
        _goLive(bundle, r);
        emit ReleaseActivated(bundle, proposalId, r.pipeline, false, 0);
    }

    /// @inheritdoc IReleaseRegistry
    function activateEmergency(bytes32 bundle) external {
        Record storage r = _known(bundle);
        Policy memory p = _rules(r);
        if (r.clockStart == 0) revert ReleaseLapOpen(bundle, 0);
        uint48 opens = r.clockStart + p.emergencyFloor;
        if (block.timestamp < opens) revert ReleaseLapOpen(bundle, opens);
        _requireUnstopped(bundle, r);
        if (r.activatedAt != 0) revert ReleaseAlreadyActivated(bundle);
        _requireUrgent(r, p);
        _requireRepair(r, p);
        lastEmergency = uint48(block.timestamp);
        r.expires = _expiry(bundle, r, p);
        _goLive(bundle, r);
        uint256 proposalId = IAppGovernor(governor).updateProposal(bundle);
        emit ReleaseActivated(bundle, proposalId, r.pipeline, true, r.expires);
    }

    /// @dev What was voted down, even once, only a vote brings live. And whoever calls must not be able to bring live what
    /// would die before it can be ratified: a bundle that runs out is lost for the ordinary road too.
    function _expiry(bytes32 bundle, Record storage r, Policy memory p) private view returns (uint48 expires) {
        if (IAppGovernor(governor).wasDefeated(bundle)) revert ReleaseWasDefeated(bundle);
        uint48 from = _reviewEnds(r);
        if (from < block.timestamp) from = uint48(block.timestamp);
        expires = from + p.voteAllowance;
        uint256 decided = IAppGovernor(governor).decidedBy(bundle, from);
        if (expires <= decided) revert ReleaseNoTimeToRatify(expires, decided);
    }

    /// @dev A captured timelock cannot activate: the governor must say that the vote on this bundle was executed.
    function _passed(bytes32 bundle) private view returns (uint256 proposalId) {
        proposalId = IAppGovernor(governor).updateProposal(bundle);
        if (proposalId == 0 || IGovernor(governor).state(proposalId) != IGovernor.ProposalState.Executed) {
            revert ReleaseNotPassed(bundle, proposalId);
        }
    }

    /// @dev Only what still lives by the emergency lane can be ratified; nothing that ended comes back.
    function _ratify(bytes32 bundle, Record storage r, uint256 proposalId) private {
        if (r.expires == 0 || head() != bundle) revert ReleaseAlreadyActivated(bundle);
        r.expires = 0;
        lastRatified = bundle;
        emit ReleaseRatified(bundle, proposalId);
    }

    function _goLive(bytes32 bundle, Record storage r) private {
        _raise(r.number);
        r.activatedAt = uint48(block.timestamp);
        current = bundle;
    }

    function _requireUnstopped(bytes32 bundle, Record storage r) private view {
        if (r.revoked) revert ReleaseIsRevoked(bundle);
        if (_halted(r)) revert ReleaseIsHalted(bundle, r.haltedUntil);
    }

    function _requireUrgent(Record storage r, Policy memory p) private view {
        uint256 urgent = 0;
        for (uint256 i = 0; i < r.attestations.length; ++i) {
            if (r.attestations[i].severity >= HIGH) ++urgent;
        }
        if (urgent < p.emergencyQuorum) revert ReleaseNotUrgent(urgent, p.emergencyQuorum);
    }

    /// @dev Small, on what runs now, by the same pipeline, one at a time, and not soon again. Lines credited as read would
    /// let a large change that was read but never voted on come in under the size limit, so they close this lane.
    function _requireRepair(Record storage r, Policy memory p) private view {
        if (r.weight > p.emergencyLines || r.alreadyRead != 0) {
            revert ReleaseTooLarge(r.weight, p.emergencyLines, r.alreadyRead);
        }
        bytes32 live = head();
        Record storage l = _record(live);
        if (live == 0 || l.expires != 0) revert ReleaseNothingToRepair(live, l.expires);
        if (r.parent != live) revert ReleaseStale(r.parent, live);
        if (r.pipeline != l.pipeline) revert ReleaseOtherPipeline(r.pipeline, l.pipeline);
        uint48 until = lastEmergency + p.cooldown;
        if (lastEmergency != 0 && block.timestamp < until) revert ReleaseCooldown(until);
    }

    // ----------------------------------------------------------------------------------------------- being stopped

    /// @inheritdoc IReleaseRegistry
    function revoke(bytes32 bundle) external onlyTimelock {
        _known(bundle).revoked = true;
        emit ReleaseRevoked(bundle);
    }

    /// @inheritdoc IReleaseRegistry
    function halt(bytes32 bundle) external {
        Record storage r = _known(bundle);
        (bool held, uint8 seat) = IAuditorSeats(seats).seatAt(msg.sender, uint48(block.timestamp));
        if (!held) revert ReleaseNotAuditor(msg.sender);
        if (r.haltedUntil != 0) revert ReleaseIsHalted(bundle, r.haltedUntil);
        if (block.timestamp >= r.haltAskedAt + _haltLap) {
            (r.haltSeats, r.haltAskedAt) = (0, uint48(block.timestamp)); // old requests lapse together
        }
        uint16 bit = uint16(1 << seat);
        if (r.haltSeats & bit != 0) revert ReleaseHaltAlreadyAsked(bundle, seat);
        r.haltSeats |= bit;
        uint8 asked = _count(r.haltSeats);
        emit ReleaseHaltAsked(bundle, seat, asked);
        if (asked <= _seatCount / 2) return;
        r.haltedUntil = uint48(block.timestamp) + _haltLap;
        emit ReleaseHalted(bundle, r.haltedUntil);
    }

    function _count(uint16 bits) private pure returns (uint8 ones) {
        for (; bits != 0; bits &= bits - 1) {
            ++ones;
        }
    }

    // ---------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IReleaseRegistry
    function head() public view returns (bytes32) {
        uint48 expires = _record(current).expires;
        return expires != 0 && block.timestamp >= expires ? lastRatified : current;
    }

    /// @inheritdoc IReleaseRegistry
    function active() external view returns (bytes32 bundle, uint32 pipeline, uint48 expires) {
        bytes32 live = head();
        Record storage r = _record(live);
        if (r.revoked || _halted(r)) return (0, 0, 0);
        return (live, r.pipeline, r.expires);
    }
}
