// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Bounded} from "./Bounded.sol";
import {Laps, Minimums} from "./Laps.sol";
import {Policy} from "./Policy.sol";
import {ReadingQueue} from "./ReadingQueue.sol";
import {IAuditorSeats} from "./interfaces/IAuditorSeats.sol";
import {IReleaseRegistry} from "./interfaces/IReleaseRegistry.sol";

/// @title ReleaseRules
/// @notice The part of the registry that says by which rules, and who may publish and operate.
/// Policy is a pure function of state and time: what was loosened takes over by itself, without a keeper.
abstract contract ReleaseRules is IReleaseRegistry, Bounded {
    using ReadingQueue for ReadingQueue.Queue;

    /// @notice What a registry is born with.
    struct Setup {
        address governor;
        address timelock;
        address seats;
        address clusters;
        Minimums least;
        Policy policy;
        address[] publishers;
        address[] providers;
    }

    /// @inheritdoc IReleaseRegistry
    address public immutable governor;
    /// @inheritdoc IReleaseRegistry
    address public immutable timelock;
    /// @inheritdoc IReleaseRegistry
    address public immutable seats;
    /// @inheritdoc IReleaseRegistry
    address public immutable clusters;

    /// @dev number of seats; q = _seatCount/2 + 1 is a majority
    uint256 internal immutable _seatCount;
    /// @dev how long one halt lasts, and how long requests for it count; seconds
    uint48 internal immutable _haltLap;

    Policy private _inForce;
    Policy private _next;
    uint48 private _nextFrom; // 0 = nothing waits

    /// @dev weighted lines that the public still has to read
    ReadingQueue.Queue internal _queue;

    /// @inheritdoc IReleaseRegistry
    mapping(address publisher => bool) public isPublisher;
    /// @inheritdoc IReleaseRegistry
    mapping(address provider => uint48) public providerSince;

    modifier onlyTimelock() {
        _onlyTimelock();
        _;
    }

    constructor(Setup memory s) Bounded(s.least) {
        (governor, timelock, seats, clusters) = (s.governor, s.timelock, s.seats, s.clusters);
        _seatCount = IAuditorSeats(s.seats).size();
        _haltLap = s.least.halt;
        s.policy.check(s.least, IAuditorSeats(s.seats).size());
        _inForce = s.policy;
        _queue.since = uint48(block.timestamp);
        emit PolicyProposed(s.policy, s.policy, 0);
        for (uint256 i = 0; i < s.publishers.length; ++i) {
            _setPublisher(s.publishers[i], true);
        }
        for (uint256 i = 0; i < s.providers.length; ++i) {
            _setProvider(s.providers[i], uint48(block.timestamp));
        }
    }

    /// @inheritdoc IReleaseRegistry
    function proposePolicy(Policy calldata next) external onlyTimelock {
        next.check(minimums(), _seatCount);
        _queue = _reading(); // before the rate changes
        Policy memory now_ = policy().tightest(next);
        _inForce = now_;
        if (now_.equals(next)) {
            delete _next;
            delete _nextFrom;
        } else {
            _next = next;
            _nextFrom = uint48(block.timestamp) + now_.ceiling;
        }
        emit PolicyProposed(now_, next, _nextFrom);
    }

    /// @inheritdoc IReleaseRegistry
    function setPublisher(address publisher, bool on) external onlyTimelock {
        _setPublisher(publisher, on);
    }

    /// @inheritdoc IReleaseRegistry
    function setProvider(address provider, bool on) external onlyTimelock {
        if (on && providerSince[provider] != 0) return; // asking again must neither delay nor hasten it
        _setProvider(provider, on ? uint48(block.timestamp) + policy().ceiling : 0);
    }

    /// @inheritdoc IReleaseRegistry
    function policy() public view returns (Policy memory) {
        return _waits() || _nextFrom == 0 ? _inForce : _next;
    }

    /// @inheritdoc IReleaseRegistry
    function pendingPolicy() external view returns (Policy memory next, uint48 from) {
        if (_waits()) return (_next, _nextFrom);
    }

    /// @inheritdoc IReleaseRegistry
    function queued() external view returns (uint256) {
        return _reading().left();
    }

    /// @inheritdoc IReleaseRegistry
    function isProvider(address provider) external view returns (bool) {
        uint48 since = providerSince[provider];
        return since != 0 && since <= block.timestamp;
    }

    /// @inheritdoc IReleaseRegistry
    function minimums() public view override(Bounded, IReleaseRegistry) returns (Minimums memory) {
        return super.minimums();
    }

    /// @dev The queue now; a policy that took over meanwhile counts from its own moment. Kept before it, or the rate at which
    /// it is read, changes.
    function _reading() internal view returns (ReadingQueue.Queue memory q) {
        q = _queue;
        if (_nextFrom > q.since && !_waits()) q.read(_nextFrom, _inForce.linesPerDay);
        q.read(uint48(block.timestamp), policy().linesPerDay);
    }

    function _waits() private view returns (bool) {
        return _nextFrom > block.timestamp;
    }

    function _onlyTimelock() private view {
        if (msg.sender != timelock) revert ReleaseNotTimelock(msg.sender);
    }

    function _setPublisher(address publisher, bool on) private {
        isPublisher[publisher] = on;
        emit PublisherSet(publisher, on);
    }

    function _setProvider(address provider, uint48 from) private {
        providerSince[provider] = from;
        emit ProviderSet(provider, from);
    }
}
