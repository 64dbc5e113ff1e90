// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title IAuditorRegistry
/// @notice The independent organisations that audit. A majority of them admits another, removes one, or says which one
/// takes an independent seat of an application (`IAuditorSeats`). No DAO, and not the deployer, has a say after birth.
///
/// Each call is one organisation's support for a motion; the call that makes a majority carries it out. Support lapses
/// `motionPeriod` after the first support of the motion. Support of an organisation that was removed does not count.
///
/// @dev FINAL.
interface IAuditorRegistry {
    /// @notice An organisation came in.
    event OrganisationAdmitted(address indexed organisation, string uri);
    /// @notice An organisation was removed; it never comes back under this address.
    event OrganisationRemoved(address indexed organisation);
    /// @notice An organisation supports a motion.
    event MotionSupported(bytes32 indexed motion, address indexed organisation, uint256 supporters, uint256 needed);

    /// @notice The caller is not an organisation of this registry.
    error RegistryNotOrganisation(address caller);
    /// @notice The organisation is already known, now or formerly, or is nobody.
    error RegistryOrganisationRefused(address organisation);
    /// @notice The last three cannot be removed, and nobody starts with fewer.
    error RegistryTooFew();
    /// @notice There are as many organisations as this contract can count: 64.
    error RegistryFull();
    /// @notice The caller already supports this motion.
    error RegistryAlreadySupported(bytes32 motion);

    /// @notice Supports to admit an organisation.
    /// @param uri where it says who it is; part of the motion
    function admit(address organisation, string calldata uri) external returns (bool carried);

    /// @notice Supports to remove an organisation; its seats fall vacant for later releases.
    function remove(address organisation) external returns (bool carried);

    /// @notice Supports that `organisation` takes an independent seat of an application, with `auditor` sitting for it.
    function appoint(address seats, uint8 seat, address organisation, address auditor) external returns (bool carried);

    /// @notice Whether it is an organisation now.
    function isOrganisation(address organisation) external view returns (bool);

    /// @notice Whether it was an organisation at a moment that is not in the future.
    function wasOrganisation(address organisation, uint48 when) external view returns (bool);

    /// @notice All organisations now.
    function organisations() external view returns (address[] memory);

    /// @notice How long support for a motion counts; seconds.
    function motionPeriod() external view returns (uint32);
}
