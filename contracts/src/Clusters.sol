// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {IClusters} from "./interfaces/IClusters.sol";
import {IExpansions} from "./interfaces/IExpansions.sol";
import {IReleaseRegistry} from "./interfaces/IReleaseRegistry.sol";

/// @title Clusters
/// @notice Where clusters say in public what they are, what they built and what they run. See `IClusters`.
/// @dev The owner (the DAO that maintains Privacy OS) can only announce and withdraw measurements of the OS, and name once who
/// says which machines are admitted.
contract Clusters is IClusters, Ownable2Step {
    struct Reports {
        address[] providers; // who ever reported; at most those that the DAO authorised
        mapping(address provider => bytes32) images;
    }

    struct Running {
        bytes32 bundle;
        bytes32 evidence;
    }

    /// @inheritdoc IClusters
    uint32 public immutable measurementWait;

    address[] private _providers; // of cluster i + 1
    mapping(address node => Node) private _nodes;
    mapping(uint256 cluster => mapping(address node => Node)) private _listed;
    mapping(address registry => mapping(bytes32 bundle => Reports)) private _reports;
    mapping(address node => mapping(address registry => Running)) private _running;

    mapping(bytes32 measurement => uint48) private _acceptedFrom;
    mapping(bytes32 measurement => bool) private _withdrawn;

    /// @inheritdoc IClusters
    mapping(uint256 cluster => address) public headKey;
    /// @inheritdoc IClusters
    mapping(uint256 cluster => mapping(address key => bool)) public wasHeadKey;

    /// @inheritdoc IClusters
    address public expansions;
    /// @inheritdoc IClusters
    mapping(uint256 cluster => bool) public needsAdmission;

    /// @param owner_ who announces OS measurements; hand it to a DAO's timelock (two steps)
    /// @param wait public waiting period of a measurement; seconds
    /// @param first measurements accepted from birth
    constructor(address owner_, uint32 wait, bytes32[] memory first) Ownable(owner_) {
        measurementWait = wait;
        for (uint256 i = 0; i < first.length; ++i) {
            _announce(first[i], uint48(block.timestamp), "");
        }
    }

    // -------------------------------------------------------------------------------------------- as a provider

    /// @inheritdoc IClusters
    function register(string calldata uri) external returns (uint256 cluster) {
        _providers.push(msg.sender);
        cluster = _providers.length;
        emit ClusterRegistered(cluster, msg.sender, uri);
    }

    /// @inheritdoc IClusters
    function addNode(uint256 cluster, address node, bytes32 nodeKey, bytes32 measurement) external {
        _onlyProvider(cluster);
        if (node == address(0) || nodeKey == 0) revert ClusterEmptyDigest();
        _requireAccepted(measurement);
        _listed[cluster][node] = Node(cluster, nodeKey, measurement, 0);
        Node storage joined = _nodes[node];
        if (joined.cluster == cluster) (joined.nodeKey, joined.measurement) = (nodeKey, measurement);
        emit NodeAdded(cluster, node, nodeKey, measurement);
    }

    /// @inheritdoc IClusters
    function removeNode(uint256 cluster, address node) external {
        _onlyProvider(cluster);
        if (_listed[cluster][node].cluster == 0) revert ClusterNodeRefused(cluster, node);
        delete _listed[cluster][node];
        if (_nodes[node].cluster == cluster) delete _nodes[node];
        emit NodeRemoved(cluster, node);
    }

    /// @inheritdoc IClusters
    function setHeadKey(uint256 cluster, address key) external {
        _onlyProvider(cluster);
        if (key == address(0)) revert ClusterEmptyDigest();
        headKey[cluster] = key;
        wasHeadKey[cluster][key] = true;
        emit HeadKeySet(cluster, key);
    }

    /// @inheritdoc IClusters
    function requireAdmission(uint256 cluster) external {
        _onlyProvider(cluster);
        if (expansions == address(0)) revert ClusterExpansionsRefused(address(0));
        needsAdmission[cluster] = true;
        emit AdmissionRequired(cluster);
    }

    // ------------------------------------------------------------------------------------------------ as a node

    /// @inheritdoc IClusters
    function join(uint256 cluster) external {
        Node storage listed = _listed[cluster][msg.sender];
        if (cluster == 0 || listed.cluster != cluster || _nodes[msg.sender].cluster != 0) {
            revert ClusterNodeRefused(cluster, msg.sender);
        }
        _requireAccepted(listed.measurement);
        _nodes[msg.sender] = listed;
        _requireAdmitted(cluster);
        emit NodeJoined(cluster, msg.sender);
    }

    /// @inheritdoc IClusters
    function built(address registry, bytes32 bundle, bytes32 images_) external {
        address provider = _authorised(registry);
        if (images_ == 0) revert ClusterEmptyDigest();
        Reports storage r = _reports[registry][bundle];
        bytes32 previous = r.images[provider];
        if (previous == images_) return; // many nodes of one provider say the same: one report
        if (previous == 0) r.providers.push(provider);
        r.images[provider] = images_;
        emit ImagesBuilt(registry, bundle, provider, msg.sender, images_, previous);
        (,, bool mismatch) = images(registry, bundle);
        if (mismatch) emit ImagesMismatch(registry, bundle, provider, images_);
    }

    /// @inheritdoc IClusters
    function deployed(address registry, bytes32 bundle, bytes32 evidence) external {
        _authorised(registry);
        _running[msg.sender][registry] = Running(bundle, evidence);
        emit BundleDeployed(registry, bundle, msg.sender, evidence);
    }

    /// @inheritdoc IClusters
    function heartbeat() external {
        uint256 cluster = _clusterOfCaller();
        _nodes[msg.sender].seenAt = uint48(block.timestamp);
        emit Heartbeat(cluster, msg.sender);
    }

    // ------------------------------------------------------------------------------------------------- as owner

    /// @inheritdoc IClusters
    function nameExpansions(address expansions_) external onlyOwner {
        if (expansions != address(0) || IExpansions(expansions_).clusters() != address(this)) {
            revert ClusterExpansionsRefused(expansions_);
        }
        expansions = expansions_;
        emit ExpansionsNamed(expansions_);
    }

    /// @inheritdoc IClusters
    function announceMeasurement(bytes32 measurement, string calldata uri) external onlyOwner returns (uint48 from) {
        from = uint48(block.timestamp) + measurementWait;
        _announce(measurement, from, uri);
    }

    /// @inheritdoc IClusters
    function withdrawMeasurement(bytes32 measurement) external onlyOwner {
        // slither-disable-next-line incorrect-equality  0 = never announced; no balance is compared
        if (measurementSince(measurement) == 0) revert ClusterMeasurementRefused(measurement, 0);
        _withdrawn[measurement] = true;
        emit MeasurementWithdrawn(measurement);
    }

    /// @inheritdoc IClusters
    function measurementSince(bytes32 measurement) public view returns (uint48) {
        return _withdrawn[measurement] ? 0 : _acceptedFrom[measurement];
    }

    // ---------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IClusters
    function images(address registry, bytes32 bundle)
        public
        view
        returns (bytes32 agreed, uint16 providers, bool mismatch)
    {
        Reports storage r = _reports[registry][bundle];
        for (uint256 i = 0; i < r.providers.length; ++i) {
            if (!IReleaseRegistry(registry).isProvider(r.providers[i])) continue;
            bytes32 one = r.images[r.providers[i]];
            if (providers++ == 0) agreed = one;
            else if (one != agreed) mismatch = true;
        }
        if (mismatch) agreed = 0;
    }

    /// @inheritdoc IClusters
    function imagesBy(address registry, bytes32 bundle, address provider) external view returns (bytes32) {
        return _reports[registry][bundle].images[provider];
    }

    /// @inheritdoc IClusters
    function running(address node, address registry) external view returns (bytes32 bundle, bytes32 evidence) {
        Running storage r = _running[node][registry];
        return (r.bundle, r.evidence);
    }

    /// @inheritdoc IClusters
    function nodeOf(address node) external view returns (Node memory) {
        return _nodes[node];
    }

    /// @inheritdoc IClusters
    function inService(address node) external view returns (bool) {
        uint256 cluster = _nodes[node].cluster;
        return cluster != 0 && _accepted(_nodes[node].measurement) && _admitted(cluster, node);
    }

    /// @inheritdoc IClusters
    function providerOf(uint256 cluster) public view returns (address) {
        return cluster == 0 || cluster > _providers.length ? address(0) : _providers[cluster - 1];
    }

    // --------------------------------------------------------------------------------------------------- private

    function _announce(bytes32 measurement, uint48 from, string memory uri) private {
        if (measurement == 0) revert ClusterEmptyDigest();
        if (_acceptedFrom[measurement] != 0) revert ClusterMeasurementKnown(measurement);
        _acceptedFrom[measurement] = from;
        emit MeasurementAnnounced(measurement, from, uri);
    }

    /// @dev A node that claims no hardware evidence has no measurement to be accepted.
    function _accepted(bytes32 measurement) private view returns (bool) {
        uint48 from = measurementSince(measurement);
        return measurement == 0 || (from != 0 && from <= block.timestamp);
    }

    function _requireAccepted(bytes32 measurement) private view {
        if (!_accepted(measurement)) revert ClusterMeasurementRefused(measurement, measurementSince(measurement));
    }

    /// @dev As of now: also for a machine that joined before its cluster gave the promise.
    function _admitted(uint256 cluster, address node) private view returns (bool) {
        return !needsAdmission[cluster] || IExpansions(expansions).admitted(node);
    }

    function _requireAdmitted(uint256 cluster) private view {
        if (!_admitted(cluster, msg.sender)) revert ClusterNotAdmitted(cluster, msg.sender);
    }

    function _onlyProvider(uint256 cluster) private view {
        if (cluster == 0 || providerOf(cluster) != msg.sender) revert ClusterNotProvider(cluster, msg.sender);
    }

    function _clusterOfCaller() private view returns (uint256 cluster) {
        cluster = _nodes[msg.sender].cluster;
        if (cluster == 0) revert ClusterNotNode(msg.sender);
    }

    function _authorised(address registry) private view returns (address provider) {
        uint256 cluster = _clusterOfCaller();
        provider = providerOf(cluster);
        _requireAccepted(_nodes[msg.sender].measurement);
        _requireAdmitted(cluster);
        if (!IReleaseRegistry(registry).isProvider(provider)) {
            revert ClusterProviderNotAuthorised(registry, provider);
        }
    }
}
