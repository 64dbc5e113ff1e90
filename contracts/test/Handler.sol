// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Policy} from "../src/Policy.sol";
import {IReleaseRegistry} from "../src/interfaces/IReleaseRegistry.sol";
import {World} from "./World.sol";

/// @notice Plays every role against one registry, half at random and half guided: a purely random player never meets the
/// emergency lane. It keeps its own book of what happened, by its own naive rules, and notes every broken promise.
contract Handler is World {
    bytes32[] public bundles;
    mapping(bytes32 bundle => uint48) public quorumAt; // when we saw the third voice
    mapping(bytes32 bundle => Policy) private _policyAt; // the policy at that moment
    mapping(bytes32 bundle => uint256) public timesLive;

    string public broken; // the first promise that was broken; "" = none

    uint256 public ordinary;
    uint256 public emergencies;
    uint256 public ratified;
    uint256 public expired;
    uint256 public halts;
    uint256 public revoked;
    uint256 public takenOver;
    uint256 public credited;

    uint48 private _lastEmergency;
    uint32 private _highest;

    constructor() {
        newWorld(aPolicy());
    }

    // ------------------------------------------------------------------------------------------ at random

    function publishAny(uint256 s, uint32 number, uint32 pipeline, bool credit) external {
        bytes32 bundle = keccak256(abi.encode(s % 24));
        bytes32 read = credit ? _pick(s >> 8) : bytes32(0);
        bytes32 parent = s % 3 == 0 ? _pick(s) : reg.head();
        vm.prank(PUBLISHER);
        try reg.publish(bundle, parent, number % 64, pipeline % 3, read) {
            bundles.push(bundle);
            if (read != 0) {
                ++credited;
                if (!_lapOver(read) || get(read).revoked) _breaks("credit for lines that were not read");
            }
        } catch {}
        _look();
    }

    function attestAny(uint256 s, uint256 seat, uint32 lines, uint16 complexity, uint8 severity) external {
        bytes32 bundle = _pick(s);
        uint32 before = get(bundle).clockStart == 0 ? type(uint32).max : get(bundle).weight;
        vm.prank(auditor(seat % SEATS));
        try reg.attest(bundle, lines % 2_000, uint16(bound(complexity, 100, 300)), severity % 5, 0) {
            if (get(bundle).weight > before) _breaks("one more voice made it heavier");
        } catch {}
        _look();
    }

    function activateAny(uint256 s) external {
        _activate(_pick(s));
    }

    function emergencyAny(uint256 s) external {
        _emergency(_pick(s));
    }

    function haltAny(uint256 s, uint256 seat) external {
        vm.prank(auditor(seat % SEATS));
        try reg.halt(_pick(s)) {} catch {}
        _look();
    }

    function revokeAny(uint256 s) external {
        if (s % 5 != 0) return;
        vm.prank(TIMELOCK);
        try reg.revoke(_pick(s)) {
            ++revoked;
        } catch {}
        _look();
    }

    function governorSays(bool yes) external {
        governor.set(yes);
    }

    function waitAny(uint256 s) external {
        wait_(bound(s, 1 hours, 12 days));
        _look();
    }

    // ------------------------------------------------------------------------------------------------ guided

    /// @dev A change on what runs, all seats speak, time passes, and it goes live by one road or the other.
    function grow(uint256 s, uint16 lines, uint32 pause, bool fast) external {
        bytes32 bundle = keccak256(abi.encode("grow", s, bundles.length));
        governor.set(true);
        (bytes32 parent, uint32 number) = (reg.head(), reg.highestNumber() + 1);
        vm.prank(PUBLISHER);
        reg.publish(bundle, parent, number, 1, 0);
        bundles.push(bundle);
        for (uint256 i = 0; i < SEATS; ++i) {
            attest(bundle, i, lines % 400, fast ? 4 : uint8(s % 5));
            _look();
        }
        wait_(bound(pause, 1 hours, fast ? 3 days : 20 days));
        _look();
        if (fast) _emergency(bundle);
        else _activate(bundle);
    }

    /// @dev The ordinary road for what lives by the emergency lane.
    function ratify(uint32 pause) external {
        governor.set(true);
        wait_(bound(pause, 1 days, 30 days));
        _activate(reg.current());
    }

    /// @dev A majority agrees to stop what runs.
    function haltHead(uint256 first) external {
        bytes32 bundle = reg.head();
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(auditor((first % SEATS + i) % SEATS));
            try reg.halt(bundle) {} catch {}
        }
        if (bundle != 0 && get(bundle).haltedUntil != 0 && get(bundle).haltedUntil > block.timestamp) ++halts;
        _look();
    }

    function policyAny(uint32 floor, uint32 rate, uint32 cooldown, uint32 lines, bool long) external {
        Policy memory before = reg.policy();
        Policy memory next = aPolicy();
        next.floor = uint32(bound(floor, 1 days, 9 days));
        next.linesPerDay = uint32(bound(rate, 100, 4_000));
        next.cooldown = uint32(bound(cooldown, 5 days, 40 days));
        next.emergencyLines = uint32(bound(lines, 0, 500));
        propose(next);
        if (!reg.policy().equals(before.tightest(next))) _breaks("a proposal did more or less than tighten");
        if (!long) return;
        wait_(60 days);
        if (!reg.policy().equals(next)) _breaks("a policy did not take over");
        ++takenOver;
        _look();
    }

    // ---------------------------------------------------------------------------------------------- the book

    function count() external view returns (uint256) {
        return bundles.length;
    }

    function registry() external view returns (IReleaseRegistry) {
        return reg;
    }

    function _activate(bytes32 bundle) private {
        bool wasLive = get(bundle).activatedAt != 0;
        vm.prank(TIMELOCK);
        try reg.activate(bundle) {
            if (!governor.yes()) _breaks("live without a passed vote");
            if (!_lapOver(bundle)) _breaks("live before the lap was over");
            if (get(bundle).revoked || get(bundle).haltedUntil > block.timestamp) {
                _breaks("stopped, and yet activated");
            }
            if (wasLive) ++ratified;
            else _live(bundle);
            if (!wasLive) ++ordinary;
        } catch {}
        _look();
    }

    function _emergency(bytes32 bundle) private {
        bytes32 before = reg.head();
        bool pending = get(before).expires != 0;
        Policy memory p = reg.policy();
        try reg.activateEmergency(bundle) {
            if (pending || before == 0) _breaks("two repairs at once, or nothing to repair");
            if (_lastEmergency != 0 && block.timestamp < _lastEmergency + p.cooldown) _breaks("no pause");
            if (quorumAt[bundle] == 0 || block.timestamp < quorumAt[bundle] + 12 hours) _breaks("no time to look");
            IReleaseRegistry.Release memory r = get(bundle);
            if (r.weight > p.emergencyLines || r.alreadyRead != 0) _breaks("a large repair");
            if (r.parent != before || r.pipeline != get(before).pipeline) _breaks("a repair of something else");
            uint256 lapEnds = r.clockStart + 60 days > block.timestamp ? r.clockStart + 60 days : block.timestamp;
            if (r.expires > lapEnds + 21 days) _breaks("a repair for ever");
            if (r.expires < block.timestamp + 21 days) _breaks("a repair without time to ratify it");
            if (_urgentSeats(bundle) < 4) _breaks("a majority is not more than a majority");
            _lastEmergency = uint48(block.timestamp);
            ++emergencies;
            _live(bundle);
        } catch {}
        _look();
    }

    function _live(bytes32 bundle) private {
        if (++timesLive[bundle] > 1) _breaks("an old bundle came back");
        uint32 number = get(bundle).number;
        if (number <= _highest) _breaks("numbers went back");
        _highest = number;
    }

    /// @dev Our own arithmetic of the lap, from what we saw and not from what the registry says.
    function _lapOver(bytes32 bundle) private view returns (bool) {
        if (quorumAt[bundle] == 0) return false;
        Policy memory p = _policyAt[bundle];
        uint256 lap = p.floor + uint256(get(bundle).weight) * 1 days / p.linesPerDay;
        return block.timestamp >= quorumAt[bundle] + (lap < p.ceiling ? lap : p.ceiling);
    }

    function _urgentSeats(bytes32 bundle) private view returns (uint256 seatsThatSaySo) {
        IReleaseRegistry.Attestation[] memory all = reg.attestations(bundle);
        for (uint256 i = 0; i < all.length; ++i) {
            if (all[i].severity >= 3) ++seatsThatSaySo;
        }
    }

    /// @dev After every step: who has a quorum, and what runs.
    function _look() private {
        for (uint256 i = bundles.length > 12 ? bundles.length - 12 : 0; i < bundles.length; ++i) {
            bytes32 bundle = bundles[i];
            uint256 voices = reg.attestations(bundle).length;
            if ((get(bundle).clockStart != 0) != (voices >= 3)) _breaks("a clock without a majority, or the reverse");
            if (voices >= 3 && quorumAt[bundle] == 0) {
                quorumAt[bundle] = uint48(block.timestamp);
                _policyAt[bundle] = reg.policy();
            }
        }
        bytes32 last = reg.current();
        if (last != 0 && reg.head() != last) ++expired;
    }

    function _pick(uint256 s) private view returns (bytes32) {
        return bundles.length == 0
            ? bytes32(uint256(1))
            : bundles[bundles.length - 1 - s % (bundles.length < 8 ? bundles.length : 8)];
    }

    function _breaks(string memory what) private {
        if (bytes(broken).length == 0) broken = what;
    }
}
