// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {AuditorRegistry} from "../src/AuditorRegistry.sol";
import {AuditorSeats} from "../src/AuditorSeats.sol";
import {Minimums} from "../src/Laps.sol";
import {Policy} from "../src/Policy.sol";
import {ReleaseRegistry} from "../src/ReleaseRegistry.sol";
import {ReleaseRules} from "../src/ReleaseRules.sol";
import {IReleaseRegistry} from "../src/interfaces/IReleaseRegistry.sol";
import {Base} from "./Base.sol";

/// @notice A governor that says yes to everything: whatever the vote does, the registry alone must hold the time rules.
contract YesGovernor {
    bool public yes = true;
    mapping(bytes32 bundle => bool) public wasDefeated;
    uint256 private _voteTakes;

    function set(bool yes_) external {
        yes = yes_;
    }

    function updateProposal(bytes32) external view returns (uint256) {
        return yes ? 1 : 0;
    }

    function state(uint256) external pure returns (IGovernor.ProposalState) {
        return IGovernor.ProposalState.Executed;
    }

    function lose(bytes32 bundle) external {
        wasDefeated[bundle] = true;
    }

    /// @dev How long its votes take; 0: no time at all.
    function decideWithin(uint256 time) external {
        _voteTakes = time;
    }

    function decidedBy(bytes32, uint48 from) external view returns (uint256) {
        return from + _voteTakes;
    }
}

/// @notice One registry with real seats and organisations, under a governor that never says no.
abstract contract World is Base {
    address internal constant TIMELOCK = address(0x71);
    address internal constant PUBLISHER = address(0xBB);
    address internal constant PROVIDER = address(0x99);
    uint48 internal constant BIRTH = 1_800_000_000;
    uint8 internal constant SEATS = 5;

    ReleaseRegistry internal reg;
    AuditorSeats internal seats;
    AuditorRegistry internal organisations;
    YesGovernor internal governor;

    function aMinimum() internal pure returns (Minimums memory) {
        return Minimums({
            reviewFloor: 1 days,
            ceiling: 10 days,
            emergencyFloor: 1 hours,
            cooldown: 5 days,
            votingDelay: 1 hours,
            votingPeriod: 1 days,
            deploymentLap: 1 days,
            seatTerm: 100 days,
            halt: 14 days,
            mostLinesPerDay: 4_000,
            mostEmergencyLines: 500,
            builders: 1,
            quorumPercent: 4
        });
    }

    function aPolicy() internal pure returns (Policy memory) {
        return Policy({
            floor: 5 days,
            ceiling: 60 days,
            emergencyFloor: 12 hours,
            voteAllowance: 21 days,
            cooldown: 30 days,
            linesPerDay: 400,
            emergencyLines: 300,
            emergencyQuorum: 4,
            builders: 2
        });
    }

    function auditor(uint256 seat) internal pure returns (address) {
        return address(uint160(0xA0 + seat));
    }

    /// @dev Five seats: 0 and 1 named by the DAO, 2 to 4 organisations that sit for themselves.
    function newWorld(Policy memory p) internal {
        vm.warp(BIRTH);
        governor = new YesGovernor();
        organisations = new AuditorRegistry(list(auditor(2), auditor(3), auditor(4)), new string[](3), 30 days);
        address predicted = vm.computeCreateAddress(address(this), vm.getNonce(address(this)) + 1);
        seats = new AuditorSeats(
            AuditorSeats.Setup({
                registry: predicted,
                timelock: TIMELOCK,
                organisations: address(organisations),
                auditors: list(auditor(0), auditor(1)),
                others: list(auditor(2), auditor(3), auditor(4)),
                term: 360 days,
                termFloor: 100 days
            })
        );
        reg = new ReleaseRegistry(
            ReleaseRules.Setup({
                governor: address(governor),
                timelock: TIMELOCK,
                seats: address(seats),
                clusters: address(0xC1),
                least: aMinimum(),
                policy: p,
                publishers: list(PUBLISHER),
                providers: list(PROVIDER)
            })
        );
        check(address(reg) == predicted, "address");
    }

    // ------------------------------------------------------------------------------------------------ doing

    function publish(bytes32 bundle, bytes32 parent, uint32 number) internal {
        publish(bundle, parent, number, 7, 0);
    }

    function publish(bytes32 bundle, bytes32 parent, uint32 number, uint32 pipeline, bytes32 read) internal {
        vm.prank(PUBLISHER);
        reg.publish(bundle, parent, number, pipeline, read);
    }

    function attest(bytes32 bundle, uint256 seat, uint32 lines, uint8 severity) internal {
        vm.prank(auditor(seat));
        reg.attest(bundle, lines, 100, severity, keccak256("report"));
    }

    function attestAll(bytes32 bundle, uint32 lines, uint8 severity) internal {
        for (uint256 i = 0; i < SEATS; ++i) {
            attest(bundle, i, lines, severity);
        }
    }

    function activate(bytes32 bundle) internal {
        vm.prank(TIMELOCK);
        reg.activate(bundle);
    }

    function revoke(bytes32 bundle) internal {
        vm.prank(TIMELOCK);
        reg.revoke(bundle);
    }

    function propose(Policy memory p) internal {
        vm.prank(TIMELOCK);
        reg.proposePolicy(p);
    }

    /// @dev The ordinary road, with auditors who agree.
    function goLive(bytes32 bundle, bytes32 parent, uint32 number, uint32 lines) internal {
        publish(bundle, parent, number);
        attestAll(bundle, lines, 0);
        vm.warp(endOf(bundle));
        activate(bundle);
    }

    /// @dev A small urgent repair, ready for the emergency lane.
    function repair(bytes32 bundle, bytes32 parent, uint32 number) internal {
        publish(bundle, parent, number);
        attestAll(bundle, 40, 4);
        wait_(12 hours);
    }

    // -------------------------------------------------------------------------------------------- looking

    function get(bytes32 bundle) internal view returns (IReleaseRegistry.Release memory) {
        return reg.release(bundle);
    }

    function endOf(bytes32 bundle) internal view returns (uint48) {
        return reg.release(bundle).reviewEnds;
    }

    function live() internal view returns (bytes32 bundle) {
        (bundle,,) = reg.active();
    }

    function wait_(uint256 time) internal {
        vm.warp(block.timestamp + time);
    }
}
