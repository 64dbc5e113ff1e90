// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title IValidators
/// @notice People who go and look: which machines stand where a provider says that they stand.
///
/// ```
///  validator: register(uri)  bond(amount)        registrar: accredit(validator, until)
///  validator: report(cluster, visitedAt, suspicious, hardware, media) ─► visit
///  anybody:   challenge(visit, reason) with a bond ─► court: rule(visit, upheld, case)   or, if it is silent, lapse(visit)
/// ```
///
/// *Who counts.* A validator counts while the registrar accredits it, its bond is whole, and it is not retiring; all as of now.
/// Accounts cost nothing, so without somebody who vouches for persons "k validators" would say nothing.
///
/// *A visit under challenge counts for nothing*, and a visit is too old after `validity`. When the court is silent for so long,
/// the challenger gets its bond back and the visit never counted: who challenges for fun locks a bond and gains nothing.
///
/// *Reports are fresh*: a visit is reported within `challengeWindow`, and says something for more than twice as long, so that
/// the court has the time between.
///
/// *The loser's bond* goes in halves to the winner and into the fire, so two who collude lose.
///
/// @dev FINAL: names, arguments and events. Amounts in units of the rent token, times in seconds since 1970.
interface IValidators {
    enum Status {
        NONE,
        STANDING,
        CHALLENGED,
        VOID,
        LAPSED
    }

    struct Validator {
        uint256 bond;
        uint48 accreditedUntil;
        /// @dev when it said that it retires; 0 = it stays
        uint48 retiringAt;
        /// @dev of its visits, under challenge now
        uint32 challenges;
        bool registered;
    }

    struct Visit {
        uint256 cluster;
        address validator;
        uint48 visitedAt;
        uint48 reportedAt;
        Status status;
        bool suspicious;
        /// @dev keccak256 of the packed list of hardware identities
        bytes32 hardware;
        /// @dev whose bond is locked while it is challenged
        address challenger;
    }

    /// @notice A validator says who it is.
    event ValidatorRegistered(address indexed validator, string uri);
    /// @notice The registrar vouches for a validator until a moment; a moment in the past withdraws it.
    event ValidatorAccredited(address indexed validator, uint48 until);
    /// @notice A validator put up a bond.
    event BondAdded(address indexed validator, uint256 amount, uint256 bond);
    /// @notice A validator reports nothing more, and gets its bond when nobody can challenge it any more.
    event ValidatorRetiring(address indexed validator, uint48 until);
    /// @notice A validator got its bond back.
    event BondWithdrawn(address indexed validator, uint256 amount);
    /// @notice What a validator saw.
    /// @param hardware digests of the identities of the machines that it saw; a node's `nodeKey` for one of a cluster
    /// @param media digests of the CIDs (UnixFS, dag-pb) of photos and videos
    event VisitReported(
        uint256 indexed visit,
        uint256 indexed cluster,
        address indexed validator,
        uint48 visitedAt,
        bool suspicious,
        bytes32[] hardware,
        bytes32[] media
    );
    /// @notice Somebody says that a visit was not so.
    event VisitChallenged(uint256 indexed visit, address indexed challenger, bytes32 reason);
    /// @notice The court has ruled. `upheld`: the visit is void.
    event VisitRuled(uint256 indexed visit, bool upheld, bytes32 case_);
    /// @notice The court was silent until the visit was too old.
    event VisitLapsed(uint256 indexed visit);
    /// @notice Somebody got what was his.
    event Collected(address indexed account, uint256 amount);

    /// @notice A part of the setup cannot be, or stakes would leave before a challenge is over.
    error ValidatorSetupMalformed();
    /// @notice The account does not count as a validator: not accredited, bond too small, or retiring.
    error ValidatorNotCounted(address account);
    /// @notice The account has not registered.
    error ValidatorUnknown(address account);
    /// @notice Only the registrar accredits.
    error ValidatorNotRegistrar(address caller);
    /// @notice Only the court rules.
    error ValidatorNotCourt(address caller);
    /// @notice Nothing is nothing.
    error ValidatorNothing();
    /// @notice Visits can still be challenged, or are.
    error ValidatorStillLiable(uint48 until, uint32 challenges);
    /// @notice No such cluster, its own provider's visit, no machine seen, too many digests, or a moment that cannot be.
    error VisitMalformed();
    /// @notice The visit is not in the state that this needs, or its time is over.
    error VisitRefused(uint256 visit, Status status);

    /// @notice As a validator: says who it is; takes back that it retires.
    function register(string calldata uri) external;

    /// @notice As a validator: puts up a bond, which it has allowed this contract to take.
    function bond(uint256 amount) external;

    /// @notice As the registrar: vouches for a validator until a moment; a past one withdraws it.
    function accredit(address validator, uint48 until) external;

    /// @notice As a validator: reports nothing more.
    function retire() external;

    /// @notice As a validator that retired: gets its bond, when nobody can challenge it any more and no challenge is open.
    function withdraw() external;

    /// @notice As a validator: what it saw at a cluster.
    /// @return visit its number, from 1
    function report(
        uint256 cluster,
        uint48 visitedAt,
        bool suspicious,
        bytes32[] calldata hardware,
        bytes32[] calldata media
    ) external returns (uint256 visit);

    /// @notice As anybody, with `challengeBond`: the visit was not so.
    /// @param reason digest of what speaks against it
    function challenge(uint256 visit, bytes32 reason) external;

    /// @notice As the court: `upheld` = the challenger is right.
    function rule(uint256 visit, bool upheld, bytes32 case_) external;

    /// @notice As anybody: ends a challenge that the court has not ruled on until the visit was too old.
    function lapse(uint256 visit) external;

    /// @notice Gets what the caller is owed.
    function collect() external;

    /// @notice A validator; all zero if it is none.
    function validatorOf(address account) external view returns (Validator memory);

    /// @notice Whether an account counts as a validator now.
    function counts(address account) external view returns (bool);

    /// @notice A visit; `status` NONE = no such visit.
    function visitOf(uint256 visit) external view returns (Visit memory);

    /// @notice Whether a visit counts now: standing, not too old, by a validator that counts.
    function vouches(uint256 visit) external view returns (bool);

    /// @notice How many validators saw a cluster within so many seconds, each by its last visit if that counts now.
    /// @return good found nothing suspicious
    /// @return suspicious found something
    function visitors(uint256 cluster, uint32 within) external view returns (uint256 good, uint256 suspicious);

    /// @notice What an account can collect.
    function owed(address account) external view returns (uint256);

    /// @notice How long a visit can be challenged; seconds.
    function challengeWindow() external view returns (uint32);

    /// @notice How long a visit says something; seconds.
    function validity() external view returns (uint32);

    /// @notice The bond of a validator that counts.
    function leastBond() external view returns (uint256);

    /// @notice The bond of a challenge, and what a validator loses by one.
    function challengeBond() external view returns (uint256);

    function providers() external view returns (address);
    function clusters() external view returns (address);
    function token() external view returns (address);
}
