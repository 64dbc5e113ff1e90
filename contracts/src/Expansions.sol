// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IClusters} from "./interfaces/IClusters.sol";
import {IExpansions} from "./interfaces/IExpansions.sol";
import {IProviders} from "./interfaces/IProviders.sol";
import {IValidators} from "./interfaces/IValidators.sol";

/// @title Expansions
/// @notice How a machine becomes one that users are told to rely on. See `IExpansions`.
contract Expansions is IExpansions {
    struct Report {
        address validator;
        uint256 visit;
    }

    uint256 private constant MOST_REPORTS = 64;

    /// @inheritdoc IExpansions
    address public immutable validators;
    /// @inheritdoc IExpansions
    address public immutable clusters;
    /// @inheritdoc IExpansions
    uint32 public immutable waitingPeriod;
    /// @inheritdoc IExpansions
    uint8 public immutable quorum;

    Expansion[] private _expansions; // expansion i + 1
    // slither-disable-next-line uninitialized-state  `_keep` pushes
    mapping(uint256 expansion => Report[]) private _reports;
    mapping(uint256 cluster => mapping(address node => uint256)) private _committed;

    constructor(address validators_, uint32 waitingPeriod_, uint8 quorum_) {
        if (waitingPeriod_ == 0 || quorum_ == 0 || quorum_ > MOST_REPORTS) revert ExpansionSetupMalformed();
        // slither-disable-next-line missing-zero-check  it is asked in the next line
        validators = validators_;
        clusters = IValidators(validators_).clusters();
        (waitingPeriod, quorum) = (waitingPeriod_, quorum_);
    }

    /// @inheritdoc IExpansions
    function announce(uint256 cluster, address node, bytes32 nodeKey, bytes32 measurement, bytes32 evidence)
        external
        returns (uint256 expansion)
    {
        _onlyProvider(cluster);
        if (node == address(0) || nodeKey == 0 || evidence == 0) revert ExpansionMalformed();
        uint48 now_ = uint48(block.timestamp);
        _expansions.push(Expansion(cluster, node, now_, Stage.ANNOUNCED, nodeKey, measurement));
        expansion = _expansions.length;
        emit ExpansionAnnounced(expansion, cluster, node, nodeKey, measurement, evidence, now_ + waitingPeriod);
    }

    /// @inheritdoc IExpansions
    function report(uint256 expansion, uint256 visit, bytes32[] calldata hardware) external {
        Expansion storage e = _announced(expansion);
        IValidators.Visit memory v = IValidators(validators).visitOf(visit);
        if (
            v.validator != msg.sender || !IValidators(validators).vouches(visit) || v.cluster != e.cluster
                || v.visitedAt < e.announcedAt || v.hardware != keccak256(abi.encodePacked(hardware))
                || !_holds(hardware, e.nodeKey)
        ) revert ExpansionVisitRefused(visit);
        _keep(expansion, visit);
        emit ExpansionReported(expansion, msg.sender, visit, v.suspicious);
    }

    /// @inheritdoc IExpansions
    function commit(uint256 expansion) external {
        Expansion storage e = _announced(expansion);
        _onlyProvider(e.cluster);
        uint48 until = e.announcedAt + waitingPeriod;
        if (block.timestamp < until) revert ExpansionWaits(expansion, until);
        (uint256 good, uint256 suspicious) = opinions(expansion);
        if (good < quorum || suspicious != 0) revert ExpansionNotVouched(expansion, good, suspicious, quorum);
        if (!_accepted(e.measurement)) revert ExpansionMeasurementRefused(e.measurement);
        e.stage = Stage.COMMITTED;
        _committed[e.cluster][e.node] = expansion;
        emit ExpansionCommitted(expansion, e.cluster, e.node);
    }

    /// @inheritdoc IExpansions
    function stop(uint256 expansion) external {
        Expansion memory e = expansionOf(expansion);
        // slither-disable-next-line incorrect-equality  a stage, not a balance
        if (e.stage == Stage.NONE || e.stage == Stage.STOPPED) revert ExpansionRefused(expansion, e.stage);
        if (msg.sender != _providers().court()) {
            (, uint256 suspicious) = opinions(expansion);
            if (e.stage != Stage.ANNOUNCED || suspicious < quorum) {
                revert ExpansionNotStopped(expansion, suspicious, quorum);
            }
        }
        _expansions[expansion - 1].stage = Stage.STOPPED;
        emit ExpansionStopped(expansion, msg.sender);
    }

    /// @inheritdoc IExpansions
    function expansionOf(uint256 expansion) public view returns (Expansion memory none) {
        return expansion == 0 || expansion > _expansions.length ? none : _expansions[expansion - 1];
    }

    /// @inheritdoc IExpansions
    function opinions(uint256 expansion) public view returns (uint256 good, uint256 suspicious) {
        Report[] storage all = _reports[expansion];
        for (uint256 i = 0; i < all.length; ++i) {
            IValidators.Visit memory v = IValidators(validators).visitOf(all[i].visit);
            if (!v.suspicious) good += IValidators(validators).vouches(all[i].visit) ? 1 : 0;
            else if (v.status != IValidators.Status.VOID) ++suspicious;
        }
    }

    /// @inheritdoc IExpansions
    function admitted(address node) external view returns (bool) {
        IClusters.Node memory n = IClusters(clusters).nodeOf(node);
        Expansion memory e = expansionOf(_committed[n.cluster][node]);
        // slither-disable-next-line incorrect-equality  a stage and two digests, not a balance
        return e.stage == Stage.COMMITTED && e.nodeKey == n.nodeKey && e.measurement == n.measurement
            && _accepted(n.measurement) && !_providers().convicted(n.cluster);
    }

    function _keep(uint256 expansion, uint256 visit) private {
        Report[] storage all = _reports[expansion];
        for (uint256 i = 0; i < all.length; ++i) {
            if (all[i].validator != msg.sender) continue;
            all[i].visit = visit;
            return;
        }
        if (all.length == MOST_REPORTS) revert ExpansionFull(expansion);
        all.push(Report(msg.sender, visit));
    }

    function _holds(bytes32[] calldata hardware, bytes32 nodeKey) private pure returns (bool) {
        for (uint256 i = 0; i < hardware.length; ++i) {
            if (hardware[i] == nodeKey) return true;
        }
        return false;
    }

    /// @dev A machine that claims no hardware evidence has no measurement to be accepted, as in `Clusters`.
    function _accepted(bytes32 measurement) private view returns (bool) {
        uint48 from = IClusters(clusters).measurementSince(measurement);
        return measurement == 0 || (from != 0 && from <= block.timestamp);
    }

    function _announced(uint256 expansion) private view returns (Expansion storage e) {
        if (expansion == 0 || expansion > _expansions.length) revert ExpansionRefused(expansion, Stage.NONE);
        e = _expansions[expansion - 1];
        if (e.stage != Stage.ANNOUNCED) revert ExpansionRefused(expansion, e.stage);
    }

    function _onlyProvider(uint256 cluster) private view {
        if (IClusters(clusters).providerOf(cluster) != msg.sender) revert ExpansionNotProvider(cluster, msg.sender);
    }

    function _providers() private view returns (IProviders) {
        return IProviders(IValidators(validators).providers());
    }
}
