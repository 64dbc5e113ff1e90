// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title IClusters
/// @notice Where clusters say in public what they are, what they built and what they run. Nothing here can make code live;
/// it can only hold a release back.
///
/// ```
///  provider: register(uri) ─► cluster      provider: addNode(cluster, node, …)  +  node: join(cluster)   (both must agree)
///  node:     built(registry, bundle, images)   deployed(registry, bundle, evidence)   heartbeat()
///  anybody:  images(registry, bundle) ─► what providers built alike, how many, and whether any of them differs
/// ```
///
/// *One provider counts once*, however many clusters and nodes it has. Only providers that the DAO authorises
/// (`ReleaseRegistry.isProvider`) may report, and only those authorised at the moment of reading count: otherwise anybody
/// could block a release.
///
/// *A provider may correct its report.* An honest provider with a broken machine must not block a release for ever. The
/// correction is an event with both digests, so the mistake stays public, and until then the mismatch blocks. A correction
/// cannot help a liar: what is served must be what a cluster built itself, and all counted providers must agree.
///
/// *The list of measurements holds as of now.* A node whose OS measurement was withdrawn can neither join nor report from
/// that moment on, although it was listed while the measurement was good; a node that its provider removes is out at once.
///
/// *A cluster can promise to have admitted machines only*, once and for ever (`requireAdmission`). From then on a node joins
/// and reports only while `IExpansions` admits it, as of now. Nobody is made to promise, but nobody rents a cluster that
/// has not (`IOrders`). Which contract admits, the owner says once; he can never say it again.
///
/// @dev FINAL: names, arguments and events. `join` is needed once a node, after `addNode`.
interface IClusters {
    /// @notice One machine.
    struct Node {
        /// @dev cluster that it joined; 0 = none
        uint256 cluster;
        /// @dev digest of the node's identity key (SHA-256 of its SPKI)
        bytes32 nodeKey;
        /// @dev measurement of the OS that it says it runs; 0 = claims no hardware evidence
        bytes32 measurement;
        /// @dev last sign of life, seconds since 1970; 0 = never
        uint48 seenAt;
    }

    /// @notice A provider opened a cluster.
    event ClusterRegistered(uint256 indexed cluster, address indexed provider, string uri);
    /// @notice A provider lists a node, or lists it again with a new key or measurement.
    event NodeAdded(uint256 indexed cluster, address indexed node, bytes32 nodeKey, bytes32 measurement);
    /// @notice A node agreed to be one of this cluster.
    event NodeJoined(uint256 indexed cluster, address indexed node);
    /// @notice A provider took a node out.
    event NodeRemoved(uint256 indexed cluster, address indexed node);
    /// @notice A provider's images of a bundle.
    /// @param previous what the same provider reported before; 0 = nothing. Different from `images`: a correction
    event ImagesBuilt(
        address indexed registry,
        bytes32 indexed bundle,
        address indexed provider,
        address node,
        bytes32 images,
        bytes32 previous
    );
    /// @notice Authorised providers do not agree on the images of a bundle; it is not served.
    event ImagesMismatch(address indexed registry, bytes32 indexed bundle, address indexed provider, bytes32 images);
    /// @notice A node says that it runs a bundle.
    /// @param evidence digest of its attestation
    event BundleDeployed(address indexed registry, bytes32 indexed bundle, address indexed node, bytes32 evidence);
    /// @notice Heads of the cluster's log are signed with this key from now on; the cluster answers for older keys for ever.
    event HeadKeySet(uint256 indexed cluster, address indexed key);
    /// @notice A node is alive.
    event Heartbeat(uint256 indexed cluster, address indexed node);
    /// @notice This contract says from now on which machines are admitted.
    event ExpansionsNamed(address indexed expansions);
    /// @notice From now on, and for ever, only admitted machines join this cluster and report for it.
    event AdmissionRequired(uint256 indexed cluster);
    /// @notice A new OS measurement is public and will be accepted from `from` on.
    event MeasurementAnnounced(bytes32 indexed measurement, uint48 from, string uri);
    /// @notice A measurement is not accepted any more, from now on.
    event MeasurementWithdrawn(bytes32 indexed measurement);

    /// @notice The caller is not the provider of this cluster.
    error ClusterNotProvider(uint256 cluster, address caller);
    /// @notice This node was not listed for this cluster, or is in another one already.
    error ClusterNodeRefused(uint256 cluster, address node);
    /// @notice The caller is not a node of any cluster.
    error ClusterNotNode(address caller);
    /// @notice The DAO does not authorise this node's provider.
    error ClusterProviderNotAuthorised(address registry, address provider);
    /// @notice A digest of zero says nothing.
    error ClusterEmptyDigest();
    /// @notice This measurement is unknown, still in its waiting period (until `from`), or withdrawn.
    error ClusterMeasurementRefused(bytes32 measurement, uint48 from);
    /// @notice The measurement was announced before.
    error ClusterMeasurementKnown(bytes32 measurement);
    /// @notice The cluster has promised to have admitted machines only, and this one is not, or not any more.
    error ClusterNotAdmitted(uint256 cluster, address node);
    /// @notice Who admits was said before, or is for other clusters; or nobody has said it yet.
    error ClusterExpansionsRefused(address expansions);

    /// @notice Opens a cluster of the caller, the provider.
    /// @param uri where people can read about it
    /// @return cluster its number, from 1
    function register(string calldata uri) external returns (uint256 cluster);

    /// @notice As the provider: lists a node; or changes the key or measurement of one that is listed.
    /// @param node the account that the machine signs its transactions with
    /// @param nodeKey digest of the machine's identity key
    /// @param measurement accepted OS measurement, or 0 if the machine claims no hardware evidence
    function addNode(uint256 cluster, address node, bytes32 nodeKey, bytes32 measurement) external;

    /// @notice As the node: agrees to be one of this cluster. Nobody can put a machine of others into his cluster.
    function join(uint256 cluster) external;

    /// @notice As the provider: takes a node out.
    function removeNode(uint256 cluster, address node) external;

    /// @notice As the provider: names the secp256k1 key that signs the heads of the cluster's log (see `ILogAnchor`).
    /// What a former key signed stays the cluster's word: a change of key must not wash off a fork.
    function setHeadKey(uint256 cluster, address key) external;

    /// @notice As the provider: promises for ever that only admitted machines join the cluster and report for it. Machines that
    /// are not admitted yet report nothing from that moment on.
    function requireAdmission(uint256 cluster) external;

    /// @notice As the owner, once: names the contract that says which machines are admitted.
    function nameExpansions(address expansions_) external;

    /// @notice As a node: its provider built these images from this bundle. May be corrected.
    /// @param registry the DAO's ReleaseRegistry
    /// @param images_ digest of the canonical list of image digests
    function built(address registry, bytes32 bundle, bytes32 images_) external;

    /// @notice As a node: it runs this bundle now.
    function deployed(address registry, bytes32 bundle, bytes32 evidence) external;

    /// @notice As a node: it is alive.
    function heartbeat() external;

    /// @notice As the owner: makes a new OS measurement public; it is accepted after `measurementWait`.
    /// @return from when it is accepted
    function announceMeasurement(bytes32 measurement, string calldata uri) external returns (uint48 from);

    /// @notice As the owner: stops accepting a measurement, at once and for good.
    function withdrawMeasurement(bytes32 measurement) external;

    /// @notice What providers that the DAO authorises now built from a bundle.
    /// @return agreed what they all built; 0 = no report, or they differ
    /// @return providers how many of them reported
    /// @return mismatch true = at least two differ: do not serve this bundle
    function images(address registry, bytes32 bundle)
        external
        view
        returns (bytes32 agreed, uint16 providers, bool mismatch);

    /// @notice What one provider reported; 0 = nothing.
    function imagesBy(address registry, bytes32 bundle, address provider) external view returns (bytes32);

    /// @notice The bundle that a node said last that it runs for an application, and its evidence.
    function running(address node, address registry) external view returns (bytes32 bundle, bytes32 evidence);

    /// @notice A node; `cluster` 0 = none.
    function nodeOf(address node) external view returns (Node memory);

    /// @notice The provider of a cluster; 0 = no such cluster.
    function providerOf(uint256 cluster) external view returns (address);

    /// @notice The key that signs the heads of a cluster's log now; 0 = none yet.
    function headKey(uint256 cluster) external view returns (address);

    /// @notice Whether a key ever was one of this cluster's head keys.
    function wasHeadKey(uint256 cluster, address key) external view returns (bool);

    /// @notice Whether a cluster has promised to have admitted machines only.
    function needsAdmission(uint256 cluster) external view returns (bool);

    /// @notice The contract that says which machines are admitted; 0 = none was named yet.
    function expansions() external view returns (address);

    /// @notice Whether a node may speak now: it joined, its measurement is accepted as of now (or it claims none), and it is
    /// admitted if its cluster has promised that.
    function inService(address node) external view returns (bool);

    /// @notice Since when a measurement is accepted; 0 = never announced, or withdrawn. It may be in the future.
    function measurementSince(bytes32 measurement) external view returns (uint48);

    /// @notice The public waiting period of a measurement; seconds.
    function measurementWait() external view returns (uint32);
}
