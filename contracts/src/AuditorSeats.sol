// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IAuditorRegistry} from "./interfaces/IAuditorRegistry.sol";
import {IAuditorSeats} from "./interfaces/IAuditorSeats.sol";
import {IReleaseRegistry} from "./interfaces/IReleaseRegistry.sol";

/// @title AuditorSeats
/// @notice Who audits one application. See `IAuditorSeats`.
/// @dev Each seat is a list of holdings in order of time; only the last one may still lie in the future. So what is true
/// of a past moment can never change, and nothing has to be copied when a release is published.
contract AuditorSeats is IAuditorSeats {
    /// @notice What the seats are born with.
    struct Setup {
        address registry;
        address timelock;
        address organisations;
        /// @dev auditors named by the DAO: a strict minority
        address[] auditors;
        /// @dev organisations of the other seats; each sits for itself at first
        address[] others;
        /// @dev length of a term; seconds
        uint32 term;
        /// @dev shortest term that the factory allows
        uint32 termFloor;
    }

    struct Holding {
        address auditor;
        uint48 from;
        bool successor; // not only another key of the same seat: who leaves cannot stop it
        address organisation; // 0 = named by the DAO
    }

    uint256 private constant LEAST = 3;
    uint256 private constant MOST = 15; // one bit each in the registry

    /// @inheritdoc IAuditorSeats
    address public immutable registry;
    /// @inheritdoc IAuditorSeats
    address public immutable timelock;
    /// @inheritdoc IAuditorSeats
    address public immutable organisations;
    /// @inheritdoc IAuditorSeats
    uint8 public immutable size;
    /// @inheritdoc IAuditorSeats
    uint8 public immutable daoSeats;

    uint48 private immutable _born;
    uint48 private immutable _term;

    mapping(uint8 seat => Holding[]) private _holdings;

    constructor(Setup memory s) {
        uint256 own = s.auditors.length;
        uint256 all = own + s.others.length;
        if (own * 2 >= all || all < LEAST || all > MOST || s.term < s.termFloor || s.term < all) {
            revert SeatsMalformed();
        }
        (registry, timelock, organisations) = (s.registry, s.timelock, s.organisations);
        (size, daoSeats) = (uint8(all), uint8(own));
        (_born, _term) = (uint48(block.timestamp), s.term);
        for (uint8 i = 0; i < all; ++i) {
            address organisation = i < own ? address(0) : s.others[i - own];
            if (i >= own && !IAuditorRegistry(s.organisations).isOrganisation(organisation)) {
                revert SeatNotOrganisation(organisation);
            }
            address auditor = i < own ? s.auditors[i] : organisation;
            for (uint8 j = 0; j < i; ++j) {
                if (_holdings[j][0].auditor == auditor) revert SeatHolderRefused(auditor);
            }
            if (auditor == address(0)) revert SeatHolderRefused(auditor);
            _holdings[i].push(Holding(auditor, uint48(block.timestamp), true, organisation));
            emit SeatGiven(i, auditor, organisation, uint48(block.timestamp));
        }
    }

    /// @inheritdoc IAuditorSeats
    function nameAuditor(uint8 seat, address auditor) external returns (uint48 from) {
        if (seat >= daoSeats) revert SeatUnknown(seat);
        if (msg.sender != timelock) revert SeatNotYours(seat, msg.sender);
        from = _nextTerm(seat);
        _give(seat, Holding(auditor, from, true, address(0)));
    }

    /// @inheritdoc IAuditorSeats
    function appoint(uint8 seat, address organisation, address auditor) external returns (uint48 from) {
        if (seat < daoSeats || seat >= size) revert SeatUnknown(seat);
        if (msg.sender != organisations) revert SeatNotYours(seat, msg.sender);
        if (!IAuditorRegistry(organisations).isOrganisation(organisation)) revert SeatNotOrganisation(organisation);
        from = _sits(seat) ? _nextTerm(seat) : _afterCeiling();
        _requireNowhereElse(seat, organisation);
        _give(seat, Holding(auditor, from, true, organisation));
    }

    /// @inheritdoc IAuditorSeats
    function handOver(uint8 seat, address auditor) external returns (uint48 from) {
        if (seat >= size) revert SeatUnknown(seat);
        Holding memory now_ = _at(seat, uint48(block.timestamp));
        address owner = now_.organisation == address(0) ? now_.auditor : now_.organisation;
        if (msg.sender != owner || !_sits(seat)) revert SeatNotYours(seat, msg.sender);
        Holding memory last = _last(seat);
        if (last.from > block.timestamp && last.successor) revert SeatSuccessorPending(seat, last.from);
        from = _afterCeiling();
        _give(seat, Holding(auditor, from, false, now_.organisation));
    }

    // ---------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IAuditorSeats
    function holders() external view returns (address[] memory list) {
        list = new address[](size);
        for (uint8 i = 0; i < size; ++i) {
            list[i] = holderAt(i, uint48(block.timestamp));
        }
    }

    /// @inheritdoc IAuditorSeats
    function holderAt(uint8 seat, uint48 when) public view returns (address) {
        Holding memory h = _at(seat, when);
        return _vacant(h, when) ? address(0) : h.auditor;
    }

    /// @inheritdoc IAuditorSeats
    function seatAt(address auditor, uint48 when) external view returns (bool held, uint8 seat) {
        for (uint8 i = 0; i < size; ++i) {
            Holding memory h = _at(i, when);
            if (h.auditor == auditor && auditor != address(0) && !_vacant(h, when)) return (true, i);
        }
    }

    /// @inheritdoc IAuditorSeats
    function organisationOf(uint8 seat) external view returns (address) {
        return _at(seat, uint48(block.timestamp)).organisation;
    }

    /// @inheritdoc IAuditorSeats
    function pending(uint8 seat) external view returns (address auditor, address organisation, uint48 from) {
        if (seat >= size) revert SeatUnknown(seat);
        Holding memory last = _last(seat);
        if (last.from > block.timestamp) return (last.auditor, last.organisation, last.from);
    }

    /// @inheritdoc IAuditorSeats
    function termEnd(uint8 seat, uint48 when) public view returns (uint48) {
        uint48 first = _born + _term * (seat + 1) / size;
        return when < first ? first : first + ((when - first) / _term + 1) * _term;
    }

    // --------------------------------------------------------------------------------------------------- private

    /// @dev The end of the first term that leaves everybody the full ceiling to see the successor coming.
    function _nextTerm(uint8 seat) private view returns (uint48) {
        return termEnd(seat, _afterCeiling() - 1);
    }

    function _afterCeiling() private view returns (uint48) {
        return uint48(block.timestamp) + IReleaseRegistry(registry).policy().ceiling;
    }

    function _give(uint8 seat, Holding memory h) private {
        _requireFree(seat, h.auditor);
        Holding[] storage list = _holdings[seat];
        if (_last(seat).from > block.timestamp) list.pop();
        list.push(h);
        emit SeatGiven(seat, h.auditor, h.organisation, h.from);
    }

    /// @dev One voice, one seat.
    function _requireFree(uint8 seat, address auditor) private view {
        if (auditor == address(0) || _at(seat, uint48(block.timestamp)).auditor == auditor) {
            revert SeatHolderRefused(auditor);
        }
        _requireNowhereElse(seat, auditor);
    }

    /// @dev Nobody holds or awaits a second seat, by whichever key: an organisation counts also where another sits for it.
    function _requireNowhereElse(uint8 seat, address who) private view {
        for (uint8 i = 0; i < size; ++i) {
            if (i == seat) continue;
            if (_isOf(_at(i, uint48(block.timestamp)), who) || _isOf(_last(i), who)) revert SeatHolderRefused(who);
        }
    }

    function _isOf(Holding memory h, address who) private pure returns (bool) {
        return h.auditor == who || h.organisation == who;
    }

    function _sits(uint8 seat) private view returns (bool) {
        return holderAt(seat, uint48(block.timestamp)) != address(0);
    }

    /// @dev An organisation that was removed leaves its seat empty.
    function _vacant(Holding memory h, uint48 when) private view returns (bool) {
        return h.organisation != address(0) && !IAuditorRegistry(organisations).wasOrganisation(h.organisation, when);
    }

    function _last(uint8 seat) private view returns (Holding memory) {
        return _holdings[seat][_holdings[seat].length - 1];
    }

    /// @dev The holding that ran at a moment; empty before birth.
    function _at(uint8 seat, uint48 when) private view returns (Holding memory h) {
        if (seat >= size) revert SeatUnknown(seat);
        Holding[] storage list = _holdings[seat];
        for (uint256 i = list.length; i > 0; --i) {
            if (list[i - 1].from <= when) return list[i - 1];
        }
    }
}
