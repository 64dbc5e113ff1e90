// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Minimums} from "../Laps.sol";
import {Policy} from "../Policy.sol";

/// @title IDaoFactory
/// @notice Makes the five contracts of an application's DAO in one transaction, each knowing the others from birth: nothing
/// is set afterwards, so there is no moment and no key with which anybody could be in between.
///
/// The code of the five comes with the call and is compared with digests that are immutable here, so the factory itself
/// stays small. Addresses follow from the founder, `salt` and the factory alone (`addressesOf`); only the founder can use them.
///
/// @dev FINAL: names and events. Structs may still grow at their end.
interface IDaoFactory {
    /// @notice What a founder decides. Times in seconds.
    struct Founding {
        /// @dev name of the application: 1 to 31 bytes; also the name of its votes
        string name;
        /// @dev ticker of its votes
        string symbol;
        /// @dev true: AppMembership (one member, one vote, not transferable); false: AppVotes
        bool soulbound;
        /// @dev first holders of votes
        address[] holders;
        /// @dev their votes, 18 decimals (AppVotes) or 1 each (AppMembership)
        uint256[] amounts;
        uint48 votingDelay;
        uint32 votingPeriod;
        /// @dev how much longer a vote stays open when its quorum is reached late
        uint48 lateExtension;
        /// @dev votes that a proposer needs
        uint256 proposalThreshold;
        /// @dev percent of all votes that must take part
        uint8 quorumPercent;
        /// @dev delay of the timelock
        uint32 deploymentLap;
        Policy policy;
        address[] publishers;
        /// @dev operators authorised from birth
        address[] providers;
        /// @dev auditors named by the DAO: seats 0 …; a strict minority
        address[] auditors;
        /// @dev organisations of the AuditorRegistry for the other seats; each sits for itself until it hands over
        address[] organisations;
        uint32 seatTerm;
    }

    /// @notice Creation codes as the compiler made them, without constructor arguments.
    struct Codes {
        /// @dev AppMembership if `soulbound`, else AppVotes
        bytes token;
        bytes timelock;
        bytes seats;
        bytes registry;
        bytes governor;
    }

    /// @notice keccak256 of each creation code that this factory accepts.
    struct Digests {
        bytes32 votes;
        bytes32 membership;
        bytes32 timelock;
        bytes32 seats;
        bytes32 registry;
        bytes32 governor;
    }

    /// @notice The five contracts of one DAO.
    struct Dao {
        address governor;
        address registry;
        address token;
        address timelock;
        address seats;
    }

    /// @notice A DAO was created.
    event DaoCreated(
        address indexed governor,
        address registry,
        address token,
        address timelock,
        address seats,
        address indexed founder,
        string name
    );

    /// @notice A creation code is not the one that this factory accepts.
    error FactoryCodeRefused(bytes32 contractName, bytes32 digest);
    /// @notice A contract could not be created; `reason` is its own refusal.
    error FactoryCreationFailed(bytes reason);
    /// @notice The name is empty or longer than 31 bytes (what EIP-712 domains keep in one word).
    error FactoryNameRefused();
    /// @notice The floors given to this factory are not floors.
    error FactoryMinimumsMalformed();

    /// @notice Creates a DAO.
    /// @param salt any value that this founder has not used here
    function create(Founding calldata founding, Codes calldata codes, bytes32 salt) external returns (Dao memory);

    /// @notice Where the DAO of a founder will be, or is.
    function addressesOf(address founder, bytes32 salt) external view returns (Dao memory);

    /// @notice Whether this governor was created here.
    function isDao(address governor) external view returns (bool);

    /// @notice Floors of every DAO of this factory.
    function minimums() external view returns (Minimums memory);

    /// @notice Accepted creation codes.
    function digests() external view returns (Digests memory);

    /// @notice The shared Clusters.
    function clusters() external view returns (address);

    /// @notice The shared AuditorRegistry.
    function organisations() external view returns (address);
}
