// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title IExpansions
/// @notice How a machine becomes one that users are told to rely on: announced, looked at, then admitted.
///
/// ```
///  provider:  announce(cluster, node, nodeKey, measurement, evidence) ─ public waiting period ─► commit(expansion)
///  validator: report(expansion, visit, hardware)        court, or anybody when enough are suspicious: stop(expansion)
///  anybody:   admitted(node)
/// ```
///
/// *Beside `Clusters`, not in it.* A machine may join its provider's cluster at once and build with it: several providers must
/// agree on every build, so that admits nothing. Whether it may be relied on is `admitted`, which needs this road for each
/// machine, the first one of a cluster too: else a provider would open a new cluster for every machine. A cluster that has
/// promised it (`IClusters.requireAdmission`; only such ones are rented) has no other machines.
///
/// *Admission is of this key and this measurement*, as of now. Listed again with another key, removed, its measurement
/// withdrawn, or stopped by the court: not admitted from that moment on.
///
/// *Suspicion blocks until it is settled*: the validator's own later visit takes its place, or the court finds it void
/// (`IValidators`). A visit that merely got too old still blocks; the provider can announce again.
///
/// @dev FINAL: names, arguments and events.
interface IExpansions {
    enum Stage {
        NONE,
        ANNOUNCED,
        COMMITTED,
        STOPPED
    }

    struct Expansion {
        uint256 cluster;
        address node;
        uint48 announcedAt;
        Stage stage;
        bytes32 nodeKey;
        bytes32 measurement;
    }

    /// @notice A provider wants to add a machine; it can be committed from `opensAt` on.
    /// @param evidence digest of the machine's attestation
    event ExpansionAnnounced(
        uint256 indexed expansion,
        uint256 indexed cluster,
        address indexed node,
        bytes32 nodeKey,
        bytes32 measurement,
        bytes32 evidence,
        uint48 opensAt
    );
    /// @notice A validator saw the machine.
    event ExpansionReported(uint256 indexed expansion, address indexed validator, uint256 visit, bool suspicious);
    /// @notice The machine is admitted.
    event ExpansionCommitted(uint256 indexed expansion, uint256 indexed cluster, address indexed node);
    /// @notice The machine is not admitted, or not any more.
    event ExpansionStopped(uint256 indexed expansion, address by);

    /// @notice The waiting period or the number of validators cannot be.
    error ExpansionSetupMalformed();
    /// @notice The caller is not the provider of this cluster.
    error ExpansionNotProvider(uint256 cluster, address caller);
    /// @notice Node, key and evidence must be named.
    error ExpansionMalformed();
    /// @notice The expansion is not in the stage that this needs.
    error ExpansionRefused(uint256 expansion, Stage stage);
    /// @notice The waiting period is not over.
    error ExpansionWaits(uint256 expansion, uint48 until);
    /// @notice Too few validators vouch for it, or one is suspicious.
    error ExpansionNotVouched(uint256 expansion, uint256 good, uint256 suspicious, uint256 needed);
    /// @notice The measurement is not accepted as of now.
    error ExpansionMeasurementRefused(bytes32 measurement);
    /// @notice Not the caller's visit, not one that counts, not of this cluster since the announcement, or not of this machine.
    error ExpansionVisitRefused(uint256 visit);
    /// @notice Neither the court, nor are enough validators suspicious.
    error ExpansionNotStopped(uint256 expansion, uint256 suspicious, uint256 needed);
    /// @notice More validators have reported than are looked through.
    error ExpansionFull(uint256 expansion);

    /// @notice As the provider: announces a machine.
    /// @return expansion its number, from 1
    function announce(uint256 cluster, address node, bytes32 nodeKey, bytes32 measurement, bytes32 evidence)
        external
        returns (uint256 expansion);

    /// @notice As a validator: its visit saw this machine. A later report takes the place of an earlier one.
    /// @param hardware the list that the visit was reported with; it must hold the node's key
    function report(uint256 expansion, uint256 visit, bytes32[] calldata hardware) external;

    /// @notice As the provider, after the waiting period: the machine is admitted.
    function commit(uint256 expansion) external;

    /// @notice As the court, at any time; or as anybody, while it is announced and enough validators are suspicious.
    function stop(uint256 expansion) external;

    /// @notice An expansion; `stage` NONE = no such expansion.
    function expansionOf(uint256 expansion) external view returns (Expansion memory);

    /// @notice What validators say of an expansion, as of now.
    function opinions(uint256 expansion) external view returns (uint256 good, uint256 suspicious);

    /// @notice Whether a node is a machine that was admitted as it is listed now, in a cluster whose log never forked.
    function admitted(address node) external view returns (bool);

    /// @notice The public waiting period; seconds.
    function waitingPeriod() external view returns (uint32);

    /// @notice How many validators must have found nothing suspicious; and as many suspicious ones stop it.
    function quorum() external view returns (uint8);

    function validators() external view returns (address);
    function clusters() external view returns (address);
}
