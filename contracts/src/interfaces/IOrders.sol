// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title IOrders
/// @notice Rent: a DAO pays a provider for each second of attested service, and for no other.
///
/// ```
///  payer:    open(terms) with all of the rent ─► order        close(order) ─ notice ─► it ends earlier      refund(order)
///  provider: claim(order, from, until, evidence) ─ challenge window ─► draw(claim)
///  anybody:  dispute(claim, reason) with a bond ─► court: rule(claim, upheld, case)    or, if it is silent, lapse(claim)
/// ```
///
/// *What is paid.* A claim is of seconds that have passed, each second at most once, in order. Its evidence (digest of the
/// attestations of that time) must lie in the cluster's log, so a head of the log that was signed after the last second has to
/// be anchored first: what was claimed can never be rewritten. Seconds that nobody claims, or whose claim falls, are
/// never paid.
///
/// *Who is paid.* The provider must be in good standing when it claims, and its cluster must have promised to have admitted
/// machines only (`IClusters.requireAdmission`); if the log of its cluster is proven to have
/// forked, all its claims that are not drawn yet fall.
///
/// *Doubt is not paid*: when the court is silent for `rulingPeriod`, a disputed claim falls and the bond goes back. Who
/// disputes to spite loses half a bond to the provider and half to the fire as soon as the court speaks.
///
/// *Nobody else's money.* There is no owner; rent, bonds and what is owed are all that ever leaves, to those whose it is.
/// Rent is a rate times whole seconds, so nothing is rounded.
///
/// @dev FINAL: names, arguments and events. Amounts in units of the rent token, times in seconds since 1970.
interface IOrders {
    enum Status {
        NONE,
        CLAIMED,
        DISPUTED,
        CLEARED,
        DRAWN,
        VOID
    }

    struct Terms {
        address provider;
        uint256 cluster;
        /// @dev per second
        uint128 rate;
        uint48 start;
        uint48 end;
        /// @dev how long before its end the payer must say so; seconds
        uint32 notice;
    }

    struct Order {
        Terms terms;
        address payer;
        /// @dev nothing before this second can be claimed any more
        uint48 claimedUntil;
        uint256 deposited;
        uint256 paid;
        /// @dev claimed, neither drawn nor void
        uint256 pending;
        uint256 refunded;
    }

    struct Claim {
        uint256 order;
        uint256 amount;
        uint48 from;
        uint48 until;
        uint48 claimedAt;
        uint48 disputedAt;
        Status status;
        address disputer;
        bytes32 evidence;
    }

    /// @notice An order is open, its rent in escrow.
    event OrderOpened(
        uint256 indexed order,
        address indexed payer,
        address indexed provider,
        uint256 cluster,
        uint128 rate,
        uint48 start,
        uint48 end,
        uint32 notice,
        uint256 deposited
    );
    /// @notice The payer ends an order earlier.
    event OrderClosed(uint256 indexed order, uint48 end);
    /// @notice The payer got back what nobody can claim any more.
    event OrderRefunded(uint256 indexed order, uint256 amount);
    /// @notice A provider says that it served so long, with proof.
    event ServiceClaimed(
        uint256 indexed claim,
        uint256 indexed order,
        uint48 from,
        uint48 until,
        bytes32 evidence,
        uint64 logSize,
        bytes32 logRoot
    );
    /// @notice Somebody says that it was not so.
    event ClaimDisputed(uint256 indexed claim, address indexed disputer, bytes32 reason);
    /// @notice The court has ruled. `upheld`: the claim is void.
    event ClaimRuled(uint256 indexed claim, bool upheld, bytes32 case_);
    /// @notice The claim fell: the court was silent, or the log forked.
    event ClaimLapsed(uint256 indexed claim);
    /// @notice The provider was paid.
    event RentDrawn(uint256 indexed claim, uint256 indexed order, address indexed provider, uint256 amount);
    /// @notice Somebody got bonds that were his.
    event BondsCollected(address indexed account, uint256 amount);

    /// @notice A part of the setup cannot be, or stakes would leave before a dispute is over.
    error OrdersSetupMalformed();
    /// @notice Times, rate or notice cannot be.
    error OrderMalformed();
    /// @notice The provider has no licence or too little stake, does not own the cluster, the cluster takes machines that nobody
    /// admitted, or its log forked.
    error OrderProviderRefused(address provider, uint256 cluster);
    /// @notice Only the payer, or only the provider, may do this.
    error OrderNotYours(uint256 order, address caller);
    /// @notice No such order.
    error OrderUnknown(uint256 order);
    /// @notice Closing would not end it earlier.
    error OrderNotEarlier(uint256 order, uint48 end);
    /// @notice There is nothing to pay out.
    error OrderNothing();
    /// @notice Seconds that were claimed before, have not passed, lie outside the order, or come too late.
    error ClaimTimesRefused(uint256 order, uint48 from, uint48 until, uint48 earliest, uint48 latest);
    /// @notice A claim needs evidence.
    error ClaimEmptyEvidence();
    /// @notice The cluster's log must be anchored with a head signed after the last second that is claimed.
    error ClaimNotAnchored(uint256 cluster, uint48 anchored, uint48 needed);
    /// @notice The claim is not in the state that this needs.
    error ClaimRefused(uint256 claim, Status status);
    /// @notice Too early.
    error ClaimWaits(uint256 claim, uint48 until);
    /// @notice The window for disputes is over.
    error ClaimTooLate(uint256 claim, uint48 until);
    /// @notice Only the court rules.
    error OrdersNotCourt(address caller);

    /// @notice As a payer (a DAO's timelock): opens an order; takes rate times duration, which it has allowed.
    /// @return order its number, from 1
    function open(Terms calldata terms) external returns (uint256 order);

    /// @notice As the payer: ends an order after its notice.
    function close(uint256 order) external;

    /// @notice As the payer: gets back what was not served, and what nobody can claim any more.
    function refund(uint256 order) external;

    /// @notice As the provider: it served from `from` to before `until`.
    /// @return number of the claim, from 1
    function claim(uint256 order, uint48 from, uint48 until, bytes32 evidence) external returns (uint256 number);

    /// @notice As anybody, with `disputeBond`, within the challenge window.
    function dispute(uint256 number, bytes32 reason) external;

    /// @notice As the court: `upheld` = the disputer is right, the seconds are not paid.
    function rule(uint256 number, bool upheld, bytes32 case_) external;

    /// @notice As anybody: a claim falls when the court was silent too long, or when the log forked.
    function lapse(uint256 number) external;

    /// @notice As the provider: is paid for a claim that nobody disputed in time, or that the court confirmed.
    function draw(uint256 number) external;

    /// @notice Gets bonds that the caller is owed.
    function collect() external;

    /// @notice An order; all zero = none.
    function orderOf(uint256 order) external view returns (Order memory);

    /// @notice A claim; `status` NONE = none.
    function claimOf(uint256 number) external view returns (Claim memory);

    /// @notice What the payer of an order can get back now.
    function refundable(uint256 order) external view returns (uint256);

    /// @notice Bonds that an account can collect.
    function owed(address account) external view returns (uint256);

    /// @notice How long a claim can be disputed; and how long after an order's end seconds can be claimed; seconds.
    function challengeWindow() external view returns (uint32);

    /// @notice How long the court has; seconds.
    function rulingPeriod() external view returns (uint32);

    /// @notice The bond of a dispute.
    function disputeBond() external view returns (uint256);

    function providers() external view returns (address);
    function anchor() external view returns (address);
    function token() external view returns (address);
}
