// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IAuditorRegistry} from "./interfaces/IAuditorRegistry.sol";
import {IAuditorSeats} from "./interfaces/IAuditorSeats.sol";

/// @title AuditorRegistry
/// @notice The independent organisations that audit. See `IAuditorRegistry`.
contract AuditorRegistry is IAuditorRegistry {
    /// @dev from admission to removal; `until` 0 = still in
    struct Membership {
        uint48 since;
        uint48 until;
    }

    /// @dev what organisations may decide together, and who is for it since when
    struct Motion {
        uint48 opened;
        address[] supporters;
    }

    uint256 private constant LEAST = 3;
    uint256 private constant MOST = 64;

    /// @inheritdoc IAuditorRegistry
    uint32 public immutable motionPeriod;

    address[] private _organisations;
    mapping(address organisation => Membership) private _memberships;
    mapping(bytes32 motion => Motion) private _motions;

    /// @param founders at least three; nobody else has a say after this
    /// @param uris where each of them says who it is
    /// @param motionPeriod_ how long support for a motion counts; seconds
    constructor(address[] memory founders, string[] memory uris, uint32 motionPeriod_) {
        if (founders.length < LEAST || founders.length != uris.length) revert RegistryTooFew();
        motionPeriod = motionPeriod_;
        for (uint256 i = 0; i < founders.length; ++i) {
            _admit(founders[i], uris[i]);
        }
    }

    /// @inheritdoc IAuditorRegistry
    function admit(address organisation, string calldata uri) external returns (bool carried) {
        if (_memberships[organisation].since != 0) revert RegistryOrganisationRefused(organisation);
        carried = _support(keccak256(abi.encode("admit", organisation, uri)));
        if (carried) _admit(organisation, uri);
    }

    /// @inheritdoc IAuditorRegistry
    function remove(address organisation) external returns (bool carried) {
        if (!isOrganisation(organisation)) revert RegistryOrganisationRefused(organisation);
        if (_organisations.length <= LEAST) revert RegistryTooFew();
        carried = _support(keccak256(abi.encode("remove", organisation)));
        if (carried) _remove(organisation);
    }

    /// @inheritdoc IAuditorRegistry
    function appoint(address seats, uint8 seat, address organisation, address auditor) external returns (bool carried) {
        carried = _support(keccak256(abi.encode("appoint", seats, seat, organisation, auditor)));
        // slither-disable-next-line unused-return  the moment is in the seats' own event
        if (carried) IAuditorSeats(seats).appoint(seat, organisation, auditor);
    }

    /// @inheritdoc IAuditorRegistry
    function isOrganisation(address organisation) public view returns (bool) {
        Membership storage m = _memberships[organisation];
        return m.since != 0 && m.until == 0;
    }

    /// @inheritdoc IAuditorRegistry
    /// @dev The second of its removal still counts, so that what is true of a moment stays true of it.
    function wasOrganisation(address organisation, uint48 when) external view returns (bool) {
        Membership storage m = _memberships[organisation];
        return m.since != 0 && m.since <= when && (m.until == 0 || when <= m.until);
    }

    /// @inheritdoc IAuditorRegistry
    function organisations() external view returns (address[] memory) {
        return _organisations;
    }

    /// @dev Adds the caller's support; true when a majority of today's organisations is for it.
    function _support(bytes32 motion) private returns (bool carried) {
        if (!isOrganisation(msg.sender)) revert RegistryNotOrganisation(msg.sender);
        Motion storage m = _motions[motion];
        if (block.timestamp >= m.opened + motionPeriod) {
            delete m.supporters;
            m.opened = uint48(block.timestamp);
        }
        uint256 supporters = 1;
        for (uint256 i = 0; i < m.supporters.length; ++i) {
            if (m.supporters[i] == msg.sender) revert RegistryAlreadySupported(motion);
            if (isOrganisation(m.supporters[i])) ++supporters;
        }
        uint256 needed = _organisations.length / 2 + 1;
        emit MotionSupported(motion, msg.sender, supporters, needed);
        carried = supporters >= needed;
        if (carried) delete _motions[motion];
        else m.supporters.push(msg.sender);
    }

    function _admit(address organisation, string memory uri) private {
        if (organisation == address(0) || _memberships[organisation].since != 0) {
            revert RegistryOrganisationRefused(organisation);
        }
        if (_organisations.length == MOST) revert RegistryFull();
        _memberships[organisation].since = uint48(block.timestamp);
        _organisations.push(organisation);
        emit OrganisationAdmitted(organisation, uri);
    }

    function _remove(address organisation) private {
        _memberships[organisation].until = uint48(block.timestamp);
        uint256 last = _organisations.length - 1;
        for (uint256 i = 0; i < last; ++i) {
            if (_organisations[i] == organisation) {
                _organisations[i] = _organisations[last];
                break;
            }
        }
        _organisations.pop();
        emit OrganisationRemoved(organisation);
    }
}
