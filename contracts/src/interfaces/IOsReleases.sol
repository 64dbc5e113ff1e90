// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title IOsReleases
/// @notice Which Privacy OS counts, decided on the road of applications: a DAO votes on its sources, and the sources say what
/// machines that run them measure.
///
/// ```
///  DAO:       publish ─ review lap ─ vote ─ deployment lap ─► activate           (its own ReleaseRegistry, unchanged)
///  anybody:   announce(root, measurement) ─ waiting period of Clusters ─► machines of this measurement count
///  DAO:       revoke                      anybody: withdraw(root, measurement) ─► they do not count any more, at once
/// ```
///
/// It owns `Clusters`. *The sources say it, not who calls*: the bundle has a file `measurement`, and `measurement.secure-boot`
/// where machines with Secure Boot count, too. The chain is shown the bundle's root block, whose hash is what was voted on. So auditors and voters who rebuild the sources and find
/// the same measurement have seen all that counts.
///
/// *What was announced stays, when the next release goes live*: machines that still run the release before must open their
/// disks, and hand them on. Only a vote that revokes the release, or `withdrawMeasurement`, ends it. A halt ends nothing that
/// was announced; it only keeps what is halted from being announced.
interface IOsReleases {
    /// @notice The root block is not that of the release that is live now.
    error OsReleaseNotLive(bytes32 bundle, bytes32 live);
    /// @notice The release is live by the emergency lane, and was not ratified yet.
    error OsReleaseNotRatified(bytes32 bundle, uint48 expires);
    /// @notice The release was not revoked.
    error OsReleaseNotRevoked(bytes32 bundle);
    /// @notice The bundle does not say this measurement.
    error OsMeasurementNotSaid(bytes32 bundle, bytes32 measurement);
    /// @notice Bytes are not the root block of a plain directory with short names.
    error OsRootMalformed();
    /// @notice Only the timelock of the DAO may do this.
    error OsNotTimelock(address caller);

    /// @notice Accepts what the owner of `Clusters` hands over to this contract. Anybody may.
    function takeOver() external;

    /// @notice Makes public what machines measure that run the release which is live now.
    /// @param root the root block of its bundle
    /// @param measurement as one of its two files has it
    /// @return from when it begins to count; seconds since 1970
    function announce(bytes calldata root, bytes32 measurement) external returns (uint48 from);

    /// @notice Ends what a revoked release has announced.
    function withdraw(bytes calldata root, bytes32 measurement) external;

    /// @notice As the DAO: ends any measurement at once and for good, also one that no release brought.
    function withdrawMeasurement(bytes32 measurement) external;

    /// @notice As the DAO: names who says which machines are admitted; once.
    function nameExpansions(address expansions) external;

    /// @notice As the DAO: hands `Clusters` over to another owner, who has to accept it.
    function handOver(address next) external;

    /// @notice What it owns.
    function clusters() external view returns (address);

    /// @notice Whose releases these are.
    function registry() external view returns (address);
}
