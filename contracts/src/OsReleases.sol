// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Ownable2Step} from "@openzeppelin/contracts/access/Ownable2Step.sol";
import {Strings} from "@openzeppelin/contracts/utils/Strings.sol";
import {Cid} from "./Cid.sol";
import {RootBlock} from "./RootBlock.sol";
import {IClusters} from "./interfaces/IClusters.sol";
import {IOsReleases} from "./interfaces/IOsReleases.sol";
import {IReleaseRegistry} from "./interfaces/IReleaseRegistry.sol";

/// @title OsReleases
/// @notice Which Privacy OS counts, decided on the road of applications. See `IOsReleases`.
contract OsReleases is IOsReleases {
    /// @inheritdoc IOsReleases
    address public immutable clusters;
    /// @inheritdoc IOsReleases
    address public immutable registry;

    /// @param registry_ of the DAO that maintains Privacy OS
    constructor(address registry_) {
        // slither-disable-next-line missing-zero-check  it is asked in the next line
        registry = registry_;
        clusters = IReleaseRegistry(registry_).clusters();
    }

    modifier onlyTimelock() {
        if (msg.sender != IReleaseRegistry(registry).timelock()) revert OsNotTimelock(msg.sender);
        _;
    }

    /// @inheritdoc IOsReleases
    function takeOver() external {
        Ownable2Step(clusters).acceptOwnership();
    }

    /// @inheritdoc IOsReleases
    function announce(bytes calldata root, bytes32 measurement) external returns (uint48 from) {
        // slither-disable-next-line unused-return  templates are for what clusters build
        (bytes32 live,, uint48 expires) = IReleaseRegistry(registry).active();
        bytes32 bundle = _saying(root, measurement);
        if (bundle != live) revert OsReleaseNotLive(bundle, live);
        if (expires != 0) revert OsReleaseNotRatified(bundle, expires);
        string memory uri = string(bytes.concat("ipfs://", Cid.text(bundle)));
        from = IClusters(clusters).announceMeasurement(measurement, uri);
    }

    /// @inheritdoc IOsReleases
    function withdraw(bytes calldata root, bytes32 measurement) external {
        bytes32 bundle = _saying(root, measurement);
        if (!IReleaseRegistry(registry).release(bundle).revoked) revert OsReleaseNotRevoked(bundle);
        IClusters(clusters).withdrawMeasurement(measurement);
    }

    /// @inheritdoc IOsReleases
    function withdrawMeasurement(bytes32 measurement) external onlyTimelock {
        IClusters(clusters).withdrawMeasurement(measurement);
    }

    /// @inheritdoc IOsReleases
    function nameExpansions(address expansions) external onlyTimelock {
        IClusters(clusters).nameExpansions(expansions);
    }

    /// @inheritdoc IOsReleases
    function handOver(address next) external onlyTimelock {
        Ownable2Step(clusters).transferOwnership(next);
    }

    /// @dev The bundle with this root block, of which a file says this measurement: 0x, 64 digits in lower case, a line feed.
    function _saying(bytes calldata root, bytes32 measurement) private pure returns (bytes32 bundle) {
        bundle = sha256(root);
        bytes32 said = sha256(bytes.concat(bytes(Strings.toHexString(uint256(measurement), 32)), "\n"));
        if (RootBlock.file(root, "measurement") != said && RootBlock.file(root, "measurement.secure-boot") != said) {
            revert OsMeasurementNotSaid(bundle, measurement);
        }
    }
}
