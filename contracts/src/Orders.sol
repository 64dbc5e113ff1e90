// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IClusters} from "./interfaces/IClusters.sol";
import {ILogAnchor} from "./interfaces/ILogAnchor.sol";
import {IOrders} from "./interfaces/IOrders.sol";
import {IProviders} from "./interfaces/IProviders.sol";

/// @title Orders
/// @notice Rent for attested seconds. See `IOrders`.
contract Orders is IOrders {
    using SafeERC20 for IERC20;

    struct Setup {
        address providers;
        uint32 challengeWindow;
        uint32 rulingPeriod;
        uint256 disputeBond;
    }

    uint48 private constant MOST_TERM = 5 * 365 days;
    uint32 private constant MOST_NOTICE = 90 days;

    /// @inheritdoc IOrders
    address public immutable providers;
    /// @inheritdoc IOrders
    address public immutable anchor;
    /// @inheritdoc IOrders
    address public immutable token;
    /// @inheritdoc IOrders
    uint32 public immutable challengeWindow;
    /// @inheritdoc IOrders
    uint32 public immutable rulingPeriod;
    /// @inheritdoc IOrders
    uint256 public immutable disputeBond;

    Order[] private _orders; // order i + 1
    Claim[] private _claims; // claim i + 1
    /// @inheritdoc IOrders
    mapping(address account => uint256) public owed;

    constructor(Setup memory s) {
        uint256 longest = uint256(s.challengeWindow) + s.rulingPeriod;
        if (
            s.challengeWindow == 0 || s.rulingPeriod == 0 || s.disputeBond == 0
                || longest >= IProviders(s.providers).unbondingPeriod()
        ) revert OrdersSetupMalformed();
        providers = s.providers;
        (token, anchor) = (IProviders(s.providers).token(), IProviders(s.providers).anchor());
        (challengeWindow, rulingPeriod, disputeBond) = (s.challengeWindow, s.rulingPeriod, s.disputeBond);
    }

    // ----------------------------------------------------------------------------------------------- as a payer

    /// @inheritdoc IOrders
    function open(Terms calldata t) external returns (uint256 order) {
        if (
            t.rate == 0 || t.start < block.timestamp || t.end <= t.start || t.end - t.start > MOST_TERM
                || t.notice > MOST_NOTICE
        ) revert OrderMalformed();
        _requireServing(t.provider, t.cluster);
        uint256 deposit = _rent(t.rate, t.start, t.end);
        _orders.push();
        order = _orders.length;
        Order storage o = _orders[order - 1];
        (o.terms, o.payer, o.claimedUntil, o.deposited) = (t, msg.sender, t.start, deposit);
        emit OrderOpened(order, msg.sender, t.provider, t.cluster, t.rate, t.start, t.end, t.notice, deposit);
        IERC20(token).safeTransferFrom(msg.sender, address(this), deposit);
    }

    /// @inheritdoc IOrders
    function close(uint256 order) external {
        Order storage o = _order(order);
        if (msg.sender != o.payer) revert OrderNotYours(order, msg.sender);
        uint48 end = uint48(block.timestamp) + o.terms.notice;
        if (end < o.terms.start) end = o.terms.start;
        if (end >= o.terms.end) revert OrderNotEarlier(order, o.terms.end);
        o.terms.end = end;
        emit OrderClosed(order, end);
    }

    /// @inheritdoc IOrders
    function refund(uint256 order) external {
        Order storage o = _order(order);
        if (msg.sender != o.payer) revert OrderNotYours(order, msg.sender);
        uint256 amount = refundable(order);
        if (amount == 0) revert OrderNothing();
        o.refunded += amount;
        emit OrderRefunded(order, amount);
        IERC20(token).safeTransfer(o.payer, amount);
    }

    // --------------------------------------------------------------------------------------------- as a provider

    /// @inheritdoc IOrders
    function claim(uint256 order, uint48 from, uint48 until, bytes32 evidence) external returns (uint256 number) {
        Order storage o = _order(order);
        Terms memory t = o.terms;
        if (msg.sender != t.provider) revert OrderNotYours(order, msg.sender);
        uint48 latest = t.end < block.timestamp ? t.end : uint48(block.timestamp);
        if (from < o.claimedUntil || until <= from || until > latest || _closed(t.end)) {
            revert ClaimTimesRefused(order, from, until, o.claimedUntil, latest);
        }
        if (evidence == 0) revert ClaimEmptyEvidence();
        _requireServing(t.provider, t.cluster);
        ILogAnchor.Anchored memory head = ILogAnchor(anchor).anchored(t.cluster);
        if (head.time < until) revert ClaimNotAnchored(t.cluster, head.time, until);

        uint256 amount = _rent(t.rate, from, until);
        (o.claimedUntil, o.pending) = (until, o.pending + amount);
        uint48 now_ = uint48(block.timestamp);
        _claims.push(Claim(order, amount, from, until, now_, 0, Status.CLAIMED, address(0), evidence));
        number = _claims.length;
        emit ServiceClaimed(number, order, from, until, evidence, head.size, head.root);
    }

    /// @inheritdoc IOrders
    function draw(uint256 number) external {
        Claim storage c = _claim(number);
        Order storage o = _orders[c.order - 1];
        if (msg.sender != o.terms.provider) revert OrderNotYours(c.order, msg.sender);
        if (c.status == Status.CLAIMED) {
            uint48 until = c.claimedAt + challengeWindow;
            if (block.timestamp < until) revert ClaimWaits(number, until);
        } else if (c.status != Status.CLEARED) {
            revert ClaimRefused(number, c.status);
        }
        if (_forked(o)) revert OrderProviderRefused(o.terms.provider, o.terms.cluster);
        c.status = Status.DRAWN;
        o.pending -= c.amount;
        o.paid += c.amount;
        emit RentDrawn(number, c.order, msg.sender, c.amount);
        IERC20(token).safeTransfer(msg.sender, c.amount);
    }

    // ------------------------------------------------------------------------------- as anybody, and as the court

    /// @inheritdoc IOrders
    function dispute(uint256 number, bytes32 reason) external {
        Claim storage c = _claim(number);
        if (c.status != Status.CLAIMED) revert ClaimRefused(number, c.status);
        uint48 until = c.claimedAt + challengeWindow;
        if (block.timestamp >= until) revert ClaimTooLate(number, until);
        (c.status, c.disputer, c.disputedAt) = (Status.DISPUTED, msg.sender, uint48(block.timestamp));
        emit ClaimDisputed(number, msg.sender, reason);
        IERC20(token).safeTransferFrom(msg.sender, address(this), disputeBond);
    }

    /// @inheritdoc IOrders
    function rule(uint256 number, bool upheld, bytes32 case_) external {
        if (msg.sender != IProviders(providers).court()) revert OrdersNotCourt(msg.sender);
        Claim storage c = _claim(number);
        if (c.status != Status.DISPUTED) revert ClaimRefused(number, c.status);
        emit ClaimRuled(number, upheld, case_);
        if (upheld) return _fall(c);
        c.status = Status.CLEARED;
        owed[_orders[c.order - 1].terms.provider] += disputeBond / 2;
        ERC20Burnable(token).burn(disputeBond - disputeBond / 2);
    }

    /// @inheritdoc IOrders
    function lapse(uint256 number) external {
        Claim storage c = _claim(number);
        if (c.status == Status.DRAWN || c.status == Status.VOID) revert ClaimRefused(number, c.status);
        if (!_forked(_orders[c.order - 1])) {
            if (c.status != Status.DISPUTED) revert ClaimRefused(number, c.status);
            uint48 until = c.disputedAt + rulingPeriod;
            if (block.timestamp < until) revert ClaimWaits(number, until);
        }
        emit ClaimLapsed(number);
        _fall(c);
    }

    /// @inheritdoc IOrders
    function collect() external {
        uint256 amount = owed[msg.sender];
        if (amount == 0) revert OrderNothing();
        owed[msg.sender] = 0;
        emit BondsCollected(msg.sender, amount);
        IERC20(token).safeTransfer(msg.sender, amount);
    }

    // ---------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IOrders
    function orderOf(uint256 order) external view returns (Order memory none) {
        return order == 0 || order > _orders.length ? none : _orders[order - 1];
    }

    /// @inheritdoc IOrders
    function claimOf(uint256 number) external view returns (Claim memory none) {
        return number == 0 || number > _claims.length ? none : _claims[number - 1];
    }

    /// @inheritdoc IOrders
    function refundable(uint256 order) public view returns (uint256) {
        Order storage o = _order(order);
        Terms memory t = o.terms;
        uint256 open_ = _closed(t.end) || t.end <= o.claimedUntil ? 0 : _rent(t.rate, o.claimedUntil, t.end);
        return o.deposited - o.paid - o.refunded - o.pending - open_;
    }

    // --------------------------------------------------------------------------------------------------- private

    /// @dev The seconds go back to the payer, the bond (if there is one) to who disputed.
    function _fall(Claim storage c) private {
        bool bonded = c.status == Status.DISPUTED;
        c.status = Status.VOID;
        _orders[c.order - 1].pending -= c.amount;
        if (bonded) owed[c.disputer] += disputeBond;
    }

    /// @dev Below 2^176: 128 bits times 48.
    function _rent(uint128 rate, uint48 from, uint48 until) private pure returns (uint256) {
        return uint256(rate) * (until - from);
    }

    /// @dev Whether nothing of an order that ended then can be claimed any more.
    function _closed(uint48 end) private view returns (bool) {
        return block.timestamp >= uint256(end) + challengeWindow;
    }

    function _forked(Order storage o) private view returns (bool) {
        return IProviders(providers).convicted(o.terms.cluster);
    }

    function _requireServing(address provider, uint256 cluster) private view {
        IClusters clusters = IClusters(ILogAnchor(anchor).clusters());
        bool serves = IProviders(providers).inGoodStanding(provider) && !IProviders(providers).convicted(cluster)
            && clusters.providerOf(cluster) == provider && clusters.needsAdmission(cluster);
        if (!serves) revert OrderProviderRefused(provider, cluster);
    }

    function _order(uint256 order) private view returns (Order storage) {
        if (order == 0 || order > _orders.length) revert OrderUnknown(order);
        return _orders[order - 1];
    }

    function _claim(uint256 number) private view returns (Claim storage) {
        if (number == 0 || number > _claims.length) revert ClaimRefused(number, Status.NONE);
        return _claims[number - 1];
    }
}
