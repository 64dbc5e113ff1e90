// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IVotes} from "@openzeppelin/contracts/governance/utils/IVotes.sol";
import {Create2} from "@openzeppelin/contracts/utils/Create2.sol";
import {AppGovernor} from "./AppGovernor.sol";
import {AuditorSeats} from "./AuditorSeats.sol";
import {Bounded} from "./Bounded.sol";
import {Cradle} from "./Cradle.sol";
import {Laps, Minimums} from "./Laps.sol";
import {ReleaseRules} from "./ReleaseRules.sol";
import {IDaoFactory} from "./interfaces/IDaoFactory.sol";
import {IReleaseRegistry} from "./interfaces/IReleaseRegistry.sol";

/// @title DaoFactory
/// @notice Makes the five contracts of a DAO in one transaction. See `IDaoFactory`.
/// @dev The five know one another as immutables, so each address must be known before any of them exists, and must not
/// depend on their arguments. Hence the `Cradle`: CREATE2 puts it at an address that only founder and salt decide, and it
/// makes the five by CREATE in a fixed order.
contract DaoFactory is IDaoFactory, Bounded {
    bytes32 private immutable _votes;
    bytes32 private immutable _membership;
    bytes32 private immutable _timelock;
    bytes32 private immutable _seats;
    bytes32 private immutable _registry;
    bytes32 private immutable _governor;

    /// @inheritdoc IDaoFactory
    address public immutable clusters;
    /// @inheritdoc IDaoFactory
    address public immutable organisations;

    /// @inheritdoc IDaoFactory
    mapping(address governor => bool) public isDao;

    constructor(Digests memory d, Minimums memory least, address clusters_, address organisations_) Bounded(least) {
        if (
            least.reviewFloor == 0 || least.ceiling < least.reviewFloor || least.ceiling > Laps.MOST_CEILING
                || least.emergencyFloor == 0 || least.emergencyFloor > least.reviewFloor || least.votingPeriod == 0
                || least.deploymentLap == 0 || least.halt == 0 || least.halt > Laps.MOST_HALT
                || least.mostLinesPerDay == 0 || least.builders == 0 || least.quorumPercent == 0
                || least.quorumPercent > 100 || least.votingDelay > Laps.MOST_VOTING_DELAY
                || least.votingPeriod > Laps.MOST_VOTING_PERIOD || least.deploymentLap > Laps.MOST_DEPLOYMENT_LAP
        ) revert FactoryMinimumsMalformed();
        (_votes, _membership, _timelock) = (d.votes, d.membership, d.timelock);
        (_seats, _registry, _governor) = (d.seats, d.registry, d.governor);
        // slither-disable-next-line missing-zero-check  who uses a factory compares it with the addresses he expects
        (clusters, organisations) = (clusters_, organisations_);
    }

    /// @inheritdoc IDaoFactory
    function create(Founding calldata f, Codes calldata codes, bytes32 salt) external returns (Dao memory dao) {
        if (bytes(f.name).length == 0 || bytes(f.name).length > 31) revert FactoryNameRefused();
        dao = addressesOf(msg.sender, salt);
        isDao[dao.governor] = true;
        emit DaoCreated(dao.governor, dao.registry, dao.token, dao.timelock, dao.seats, msg.sender, f.name);

        Cradle cradle = new Cradle{salt: _saltOf(msg.sender, salt)}();
        Minimums memory least = minimums();
        bytes memory lap = abi.encode(f.deploymentLap, least.deploymentLap, dao.governor);
        _make(cradle, "AppTimelock", _timelock, codes.timelock, lap);
        _make(cradle, "AppVotes", f.soulbound ? _membership : _votes, codes.token, _tokenSetup(f, dao));
        _make(cradle, "AuditorSeats", _seats, codes.seats, abi.encode(_seatsSetup(f, dao, least)));
        _make(cradle, "ReleaseRegistry", _registry, codes.registry, abi.encode(_registrySetup(f, dao, least)));
        _make(cradle, "AppGovernor", _governor, codes.governor, abi.encode(_governorSetup(f, dao)));
    }

    /// @inheritdoc IDaoFactory
    function addressesOf(address founder, bytes32 salt) public view returns (Dao memory) {
        // slither-disable-next-line too-many-digits  taken for a number: it is code
        address cradle = Create2.computeAddress(_saltOf(founder, salt), keccak256(type(Cradle).creationCode));
        return Dao({
            timelock: _child(cradle, 1),
            token: _child(cradle, 2),
            seats: _child(cradle, 3),
            registry: _child(cradle, 4),
            governor: _child(cradle, 5)
        });
    }

    /// @inheritdoc IDaoFactory
    function minimums() public view override(Bounded, IDaoFactory) returns (Minimums memory) {
        return super.minimums();
    }

    /// @inheritdoc IDaoFactory
    function digests() external view returns (Digests memory) {
        return Digests({
            votes: _votes,
            membership: _membership,
            timelock: _timelock,
            seats: _seats,
            registry: _registry,
            governor: _governor
        });
    }

    function _make(Cradle cradle, bytes32 name, bytes32 expected, bytes calldata code, bytes memory arguments) private {
        bytes32 digest = keccak256(code);
        if (digest != expected) revert FactoryCodeRefused(name, digest);
        cradle.make(bytes.concat(code, arguments));
    }

    function _tokenSetup(Founding calldata f, Dao memory dao) private pure returns (bytes memory) {
        return abi.encode(f.name, f.symbol, dao.timelock, f.holders, f.amounts);
    }

    function _seatsSetup(Founding calldata f, Dao memory dao, Minimums memory least)
        private
        view
        returns (AuditorSeats.Setup memory)
    {
        return AuditorSeats.Setup({
            registry: dao.registry,
            timelock: dao.timelock,
            organisations: organisations,
            auditors: f.auditors,
            others: f.organisations,
            term: f.seatTerm,
            termFloor: least.seatTerm
        });
    }

    function _registrySetup(Founding calldata f, Dao memory dao, Minimums memory least)
        private
        view
        returns (ReleaseRules.Setup memory)
    {
        return ReleaseRules.Setup({
            governor: dao.governor,
            timelock: dao.timelock,
            seats: dao.seats,
            clusters: clusters,
            least: least,
            policy: f.policy,
            publishers: f.publishers,
            providers: f.providers
        });
    }

    function _governorSetup(Founding calldata f, Dao memory dao) private pure returns (AppGovernor.Setup memory) {
        return AppGovernor.Setup({
            name: f.name,
            token: IVotes(dao.token),
            timelock: TimelockController(payable(dao.timelock)),
            registry: IReleaseRegistry(dao.registry),
            votingDelay: f.votingDelay,
            votingPeriod: f.votingPeriod,
            lateExtension: f.lateExtension,
            proposalThreshold: f.proposalThreshold,
            quorumPercent: f.quorumPercent
        });
    }

    /// @dev Nobody but the founder reaches these addresses.
    function _saltOf(address founder, bytes32 salt) private pure returns (bytes32) {
        return keccak256(abi.encode(founder, salt));
    }

    /// @dev Address of what an account creates with a nonce below 128: the last 20 bytes of keccak256(rlp([account, nonce])).
    function _child(address account, uint8 nonce) private pure returns (address) {
        return address(uint160(uint256(keccak256(abi.encodePacked(bytes2(0xd694), account, nonce)))));
    }
}
