// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ILogAnchor} from "./ILogAnchor.sol";

/// @title IProviders
/// @notice Who operates clusters, with what licence, and what they lose if they cheat.
///
/// ```
///  provider:  register(document, uri)   stake(amount)   unbond(amount) ─ unbonding period ─► withdraw()
///  registrar: license(provider, document, until)                                      (a DAO's timelock)
///  anybody:   punishFork(…), …Past(…), …At(…) ─► the whole stake: a tenth to the finder, the rest burned
///  court:     slash(provider, amount, finder, case)                                   (a DAO's timelock)
/// ```
///
/// *What is leaving still answers.* Stake in its unbonding period is slashed like the other, and that period is longer than
/// every window for challenges (`Orders` and `Validators` check it when they are made), so nobody cheats and leaves in time.
///
/// *A log forks once.* After that its cluster is done for: the same cluster is never punished twice, however many more
/// contradictions it signed; its provider opens another one, with a new stake.
///
/// *Court and registrar are fixed at birth*, and can do nothing else: neither gets a token, neither can touch code that runs.
///
/// @dev FINAL: names, arguments and events. Amounts in units of the rent token (18 decimals), times in seconds since 1970.
interface IProviders {
    struct Provider {
        /// @dev digest of the licence that it shows (a CID's); 0 = not registered
        bytes32 document;
        /// @dev until when the registrar vouches for this document; 0 = it does not
        uint48 licensedUntil;
        /// @dev when `leaving` can be withdrawn; 0 = nothing is leaving
        uint48 ripeAt;
        uint256 staked;
        /// @dev taken out of the stake, but still liable
        uint256 leaving;
    }

    /// @notice A provider says who it is, or says it again.
    event ProviderRegistered(address indexed provider, bytes32 document, string uri);
    /// @notice The registrar vouches for a document until a moment; a moment in the past withdraws it.
    event ProviderLicensed(address indexed provider, bytes32 document, uint48 until);
    /// @notice A provider put something at stake.
    event Staked(address indexed provider, uint256 amount, uint256 staked);
    /// @notice A provider takes something out; all that is leaving is ripe at `ripeAt`.
    event Unbonding(address indexed provider, uint256 amount, uint48 ripeAt);
    /// @notice A provider got back what had ripened.
    event Withdrawn(address indexed provider, uint256 amount);
    /// @notice Two heads of a cluster's log contradict each other.
    event ForkProven(uint256 indexed cluster, address indexed provider, address indexed finder);
    /// @notice Stake was taken: `share` for the finder, the rest burned.
    event Slashed(address indexed provider, bytes32 indexed case_, uint256 amount, address finder, uint256 share);
    /// @notice A finder got the shares that were his.
    event RewardCollected(address indexed finder, uint256 amount);

    /// @notice A part of the setup cannot be.
    error ProviderSetupMalformed();
    /// @notice A document or a case of zero says nothing.
    error ProviderEmptyDigest();
    /// @notice The account has not registered.
    error ProviderUnknown(address provider);
    /// @notice The provider shows another document now.
    error ProviderDocumentChanged(address provider, bytes32 document);
    /// @notice Only the registrar licenses.
    error ProviderNotRegistrar(address caller);
    /// @notice Only the court slashes without a proof.
    error ProviderNotCourt(address caller);
    /// @notice Nothing is nothing, and nobody takes out more than there is.
    error ProviderAmountRefused(uint256 amount, uint256 most);
    /// @notice What is leaving is still liable.
    error ProviderStillLiable(uint48 ripeAt);
    /// @notice The case, or the cluster, was punished before.
    error ProviderAlreadyPunished(bytes32 case_);
    /// @notice The heads do not contradict each other, or are not signed by keys of one cluster.
    error ProviderNoFork();

    /// @notice As a provider: shows a licence. Another document is not licensed until the registrar says so.
    /// @param document digest of the licence
    /// @param uri where people can read it
    function register(bytes32 document, string calldata uri) external;

    /// @notice As the registrar: vouches for a document of a provider until a moment; a past one withdraws it.
    function license(address provider, bytes32 document, uint48 until) external;

    /// @notice As a provider: puts tokens at stake, which it has allowed this contract to take.
    function stake(uint256 amount) external;

    /// @notice As a provider: takes some of the stake out. Everything that is leaving waits the whole period from now.
    function unbond(uint256 amount) external;

    /// @notice As a provider: gets back everything that was leaving, when it is ripe.
    function withdraw() external;

    /// @notice As the court: takes stake. At most what there is; each case once.
    /// @param finder gets a tenth; 0 = all is burned
    /// @param case_ digest of the ruling
    function slash(address provider, uint256 amount, address finder, bytes32 case_) external;

    /// @notice Punishes a cluster whose two signed heads contradict each other by themselves.
    function punishFork(
        ILogAnchor.Head calldata first,
        bytes calldata signed,
        ILogAnchor.Head calldata second,
        bytes calldata signedToo
    ) external;

    /// @notice Punishes a cluster one of whose signed heads did not grow from the other; see `ILogAnchor.forkedPast`.
    function punishForkPast(
        ILogAnchor.Head calldata first,
        bytes calldata signed,
        ILogAnchor.Head calldata second,
        bytes calldata signedToo,
        bytes32 past,
        bytes32[] calldata proof
    ) external;

    /// @notice Punishes a cluster whose two signed heads have different entries at one place.
    function punishForkAt(
        ILogAnchor.Head calldata first,
        bytes calldata signed,
        ILogAnchor.Head calldata second,
        bytes calldata signedToo,
        ILogAnchor.Split calldata split
    ) external;

    /// @notice As a finder: gets the shares that are his.
    function collect() external;

    /// @notice A provider; all zero if it is none.
    function providerOf(address provider) external view returns (Provider memory);

    /// @notice Whether a provider has at least `leastStake` staked (what is leaving does not count) and a licence as of now.
    function inGoodStanding(address provider) external view returns (bool);

    /// @notice Whether a cluster's log was proven to have forked.
    function convicted(uint256 cluster) external view returns (bool);

    /// @notice Whether a case was punished.
    function punished(bytes32 case_) external view returns (bool);

    /// @notice What a finder can collect.
    function rewards(address finder) external view returns (uint256);

    /// @notice How long stake stays liable after `unbond`; seconds.
    function unbondingPeriod() external view returns (uint32);

    /// @notice The stake of a provider in good standing.
    function leastStake() external view returns (uint256);

    function token() external view returns (address);
    function anchor() external view returns (address);
    function court() external view returns (address);
    function registrar() external view returns (address);
}
