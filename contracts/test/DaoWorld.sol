// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AppGovernor} from "../src/AppGovernor.sol";
import {AppMembership} from "../src/AppMembership.sol";
import {AppTimelock} from "../src/AppTimelock.sol";
import {AppVotes} from "../src/AppVotes.sol";
import {AuditorRegistry} from "../src/AuditorRegistry.sol";
import {AuditorSeats} from "../src/AuditorSeats.sol";
import {Cid} from "../src/Cid.sol";
import {Clusters} from "../src/Clusters.sol";
import {DaoFactory} from "../src/DaoFactory.sol";
import {Laps} from "../src/Laps.sol";
import {Policy} from "../src/Policy.sol";
import {ReleaseRegistry} from "../src/ReleaseRegistry.sol";
import {IDaoFactory} from "../src/interfaces/IDaoFactory.sol";
import {IReleaseRegistry} from "../src/interfaces/IReleaseRegistry.sol";
import {Base} from "./Base.sol";

/// @notice A whole DAO as the production factory makes it: real governor, real timelock, real seats.
abstract contract DaoWorld is Base {
    address internal constant ALICE = address(0xA11CE);
    address internal constant BOB = address(0xB0B);
    address internal constant PUBLISHER = address(0xBB);
    address internal constant PROVIDER = address(0x99);
    address internal constant OTHER_PROVIDER = address(0x98);
    bytes32 internal constant A = keccak256("a");
    bytes32 internal constant B = keccak256("b");

    DaoFactory internal factory;
    AuditorRegistry internal organisations;
    Clusters internal clusters;

    AppGovernor internal governor;
    ReleaseRegistry internal reg;
    AppVotes internal token;
    AppTimelock internal timelock;
    AuditorSeats internal seats;

    function newFactory() internal {
        vm.warp(1_800_000_000);
        organisations = new AuditorRegistry(list(auditor(2), auditor(3), auditor(4)), new string[](3), 30 days);
        clusters = new Clusters(address(this), 14 days, new bytes32[](0));
        factory = new DaoFactory(digests(), Laps.production(), address(clusters), address(organisations));
    }

    function newDao() internal {
        newFactory();
        adopt(factory.create(aFounding(), codes(false), 0));
        vm.warp(block.timestamp + 1);
    }

    function adopt(IDaoFactory.Dao memory dao) internal {
        governor = AppGovernor(payable(dao.governor));
        reg = ReleaseRegistry(dao.registry);
        token = AppVotes(dao.token);
        timelock = AppTimelock(payable(dao.timelock));
        seats = AuditorSeats(dao.seats);
    }

    function auditor(uint256 seat) internal pure returns (address) {
        return address(uint160(0xA0 + seat));
    }

    function digests() internal pure returns (IDaoFactory.Digests memory) {
        return IDaoFactory.Digests({
            votes: keccak256(type(AppVotes).creationCode),
            membership: keccak256(type(AppMembership).creationCode),
            timelock: keccak256(type(AppTimelock).creationCode),
            seats: keccak256(type(AuditorSeats).creationCode),
            registry: keccak256(type(ReleaseRegistry).creationCode),
            governor: keccak256(type(AppGovernor).creationCode)
        });
    }

    function codes(bool soulbound) internal pure returns (IDaoFactory.Codes memory) {
        return IDaoFactory.Codes({
            token: soulbound ? type(AppMembership).creationCode : type(AppVotes).creationCode,
            timelock: type(AppTimelock).creationCode,
            seats: type(AuditorSeats).creationCode,
            registry: type(ReleaseRegistry).creationCode,
            governor: type(AppGovernor).creationCode
        });
    }

    function aPolicy() internal pure returns (Policy memory) {
        return Policy({
            floor: 7 days,
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

    function aFounding() internal pure returns (IDaoFactory.Founding memory f) {
        f.name = "Guestbook";
        f.symbol = "GUEST";
        f.holders = list(ALICE, BOB);
        f.amounts = new uint256[](2);
        (f.amounts[0], f.amounts[1]) = (60 ether, 40 ether);
        f.votingDelay = 1 days;
        f.votingPeriod = 3 days;
        f.lateExtension = 1 days;
        f.proposalThreshold = 1 ether;
        f.quorumPercent = 10;
        f.deploymentLap = 2 days;
        f.policy = aPolicy();
        f.publishers = list(PUBLISHER);
        f.providers = list(PROVIDER, OTHER_PROVIDER);
        f.auditors = list(auditor(0), auditor(1));
        f.organisations = list(auditor(2), auditor(3), auditor(4));
        f.seatTerm = 365 days;
    }

    // ------------------------------------------------------------------------------------------------- proposals

    struct Action {
        address[] targets;
        uint256[] values;
        bytes[] calldatas;
        string text;
    }

    function anAction(address target, bytes memory data, string memory text) internal pure returns (Action memory a) {
        a.targets = list(target);
        a.values = new uint256[](1);
        a.calldatas = new bytes[](1);
        a.calldatas[0] = data;
        a.text = text;
    }

    function anUpdate(bytes32 bundle) internal view returns (Action memory) {
        bytes memory text = bytes.concat("Software Update: 1.0.0\nipfs://", Cid.text(bundle), "\nWhat changes: much.");
        return anAction(address(reg), abi.encodeCall(IReleaseRegistry.activate, (bundle)), string(text));
    }

    function propose(Action memory a) internal returns (uint256) {
        vm.prank(ALICE);
        return governor.propose(a.targets, a.values, a.calldatas, a.text);
    }

    function voteFor(uint256 proposalId) internal {
        vm.warp(governor.proposalSnapshot(proposalId) + 1);
        vm.prank(ALICE);
        governor.castVote(proposalId, 1);
        vm.warp(governor.proposalDeadline(proposalId) + 1);
    }

    function queue(Action memory a) internal {
        governor.queue(a.targets, a.values, a.calldatas, keccak256(bytes(a.text)));
    }

    function execute(Action memory a) internal {
        governor.execute(a.targets, a.values, a.calldatas, keccak256(bytes(a.text)));
    }

    /// @dev A vote that everybody wants, from proposal to execution.
    function decide(Action memory a) internal {
        voteFor(propose(a));
        queue(a);
        vm.warp(block.timestamp + timelock.getMinDelay());
        execute(a);
    }

    // -------------------------------------------------------------------------------------------------- releases

    function publish(bytes32 bundle, bytes32 parent, uint32 number) internal {
        vm.prank(PUBLISHER);
        reg.publish(bundle, parent, number, 1, 0);
    }

    function attestAll(bytes32 bundle, uint32 lines, uint8 severity) internal {
        for (uint256 i = 0; i < 5; ++i) {
            vm.prank(auditor(i));
            reg.attest(bundle, lines, 100, severity, keccak256("report"));
        }
    }

    /// @dev Published, sized, and its review lap over.
    function review(bytes32 bundle, bytes32 parent, uint32 number) internal {
        publish(bundle, parent, number);
        attestAll(bundle, 400, 0);
        vm.warp(reg.release(bundle).reviewEnds);
    }

    function live() internal view returns (bytes32 bundle) {
        (bundle,,) = reg.active();
    }
}
