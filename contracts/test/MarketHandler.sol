// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ILogAnchor} from "../src/interfaces/ILogAnchor.sol";
import {IOrders} from "../src/interfaces/IOrders.sol";
import {IProviders} from "../src/interfaces/IProviders.sol";
import {Rented} from "./Rented.sol";
import {Tree} from "./Tree.sol";

/// @notice Plays provider, payer, disputer, court and finder by dice, and keeps books of its own: which seconds were
/// attested, what was staked, burned and paid. It claims only what it means to; the court decides at random.
contract MarketHandler is Rented {
    uint256 public constant SUPPLY = 1_000_000 ether;

    uint256 public immutable start;
    uint256 public claims;
    uint256 public disputes;
    uint256 public slashes;
    uint256 public forks;
    uint256 public drawn; // tokens
    uint256 public closed;
    string public broken;

    mapping(uint256 second => bool) public paidFor; // offset / 1 hour: claims are of whole hours here
    uint64 private _lastSize;

    constructor() {
        newRented();
        start = orders.orderOf(order).terms.start;
    }

    // ------------------------------------------------------------------------------------------------ rent

    function passTime(uint256 seed) public {
        vm.warp(block.timestamp + bound(seed, 1, 4 days));
    }

    function claimAny(uint256 seed) public {
        IOrders.Order memory o = orders.orderOf(order);
        uint48 from = o.claimedUntil + uint48(bound(seed, 0, 5)) * 1 hours;
        uint48 until = from + uint48(bound(seed >> 8, 1, 48)) * 1 hours;
        if (until > block.timestamp || until > o.terms.end) return;
        _grow(bound(seed >> 16, 1, 2));
        vm.prank(OPERATOR);
        try orders.claim(order, from, until, EVIDENCE) {
            ++claims;
        } catch {}
    }

    function drawAny(uint256 seed) public {
        if (claims == 0) return;
        uint256 number = bound(seed, 1, claims);
        IOrders.Claim memory c = orders.claimOf(number);
        bool ripe = c.status == IOrders.Status.CLEARED
            || (c.status == IOrders.Status.CLAIMED && block.timestamp >= c.claimedAt + WINDOW);
        vm.prank(OPERATOR);
        try orders.draw(number) {
            drawn += c.amount;
            if (!ripe) broken = "drawn before its time, or twice";
            if (providers.convicted(cluster)) broken = "a forked log was paid";
            for (uint256 at = c.from; at < c.until; at += 1 hours) {
                if (paidFor[at]) broken = "a second was paid twice";
                paidFor[at] = true;
            }
        } catch {}
    }

    function disputeAny(uint256 seed) public {
        if (claims == 0) return;
        vm.prank(FINDER);
        try orders.dispute(bound(seed, 1, claims), "why") {
            ++disputes;
        } catch {}
    }

    function ruleAny(uint256 seed) public {
        if (claims == 0) return;
        vm.prank(COURT);
        try orders.rule(bound(seed, 1, claims), seed >> 128 & 1 == 1, CASE) {} catch {}
    }

    function lapseAny(uint256 seed) public {
        if (claims == 0) return;
        try orders.lapse(bound(seed, 1, claims)) {} catch {}
    }

    function refundAny(bool close) public {
        vm.startPrank(DAO);
        if (close) {
            try orders.close(order) {
                ++closed;
            } catch {}
        }
        try orders.refund(order) {} catch {}
        vm.stopPrank();
    }

    function collectAny(bool finder) public {
        vm.startPrank(finder ? FINDER : OPERATOR);
        try orders.collect() {} catch {}
        try providers.collect() {} catch {}
        vm.stopPrank();
    }

    // ----------------------------------------------------------------------------------------------- stake

    function stakeAny(uint256 seed) public {
        uint256 amount = bound(seed, 1, STAKE);
        fund(OPERATOR, amount, address(providers));
        vm.prank(OPERATOR);
        providers.stake(amount);
    }

    function unbondAny(uint256 seed, bool out) public {
        vm.startPrank(OPERATOR);
        if (out) {
            IProviders.Provider memory p = providers.providerOf(OPERATOR);
            try providers.withdraw() {
                if (block.timestamp < p.ripeAt) broken = "withdrawn before it was ripe";
            } catch {}
        } else {
            try providers.unbond(bound(seed, 1, STAKE)) {} catch {}
        }
        vm.stopPrank();
    }

    function slashAny(uint256 seed) public {
        bytes32 case_ = bytes32(bound(seed, 1, 6)); // few cases, so that some come twice
        bool before = providers.punished(case_);
        vm.prank(COURT);
        try providers.slash(OPERATOR, bound(seed >> 8, 0, STAKE), FINDER, case_) {
            ++slashes;
            if (before) broken = "a case was punished twice";
        } catch {}
    }

    function forkAny(uint256 seed) public {
        if (seed % 16 != 0) return; // once it happened, nothing is paid any more
        bool before = providers.convicted(cluster);
        try this.fork() {
            ++forks;
            if (before) broken = "a cluster was punished twice";
        } catch {}
    }

    /// @dev external, so that its refusal can be caught; called by dice it does nothing
    function fork() external {
        if (msg.sender == address(this)) proveFork();
    }

    /// @dev The naive tree is slow: a log that is long enough grows no more, and nothing more is claimed.
    function _grow(uint256 by) private {
        uint64 older = anchor.anchored(cluster).size;
        if (older < _lastSize) broken = "a log shrank";
        if (older + by > 100) return;
        _lastSize = older + uint64(by);
        bytes32[] memory leaves = Tree.log(_lastSize, _lastSize, 0);
        bytes32[] memory proof;
        if (older != 0) proof = Tree.proof(leaves, older, 0, _lastSize, true);
        ILogAnchor.Head memory head = honest(_lastSize);
        anchor.anchor(head, sign(head), proof);
    }

    // ------------------------------------------------------------------------------------------------ books

    function escrow() external view returns (uint256 held, uint256 booked) {
        IOrders.Order memory o = orders.orderOf(order);
        booked = o.deposited - o.paid - o.refunded + orders.owed(FINDER) + orders.owed(OPERATOR);
        for (uint256 i = 1; i <= claims; ++i) {
            if (orders.claimOf(i).status == IOrders.Status.DISPUTED) booked += FEE;
        }
        held = token.balanceOf(address(orders));
    }

    function stakes() external view returns (uint256 held, uint256 booked) {
        IProviders.Provider memory p = providers.providerOf(OPERATOR);
        booked = p.staked + p.leaving + providers.rewards(FINDER);
        held = token.balanceOf(address(providers));
    }

    function pending() external view returns (uint256 said, uint256 counted) {
        said = orders.orderOf(order).pending;
        for (uint256 i = 1; i <= claims; ++i) {
            IOrders.Claim memory c = orders.claimOf(i);
            if (c.status != IOrders.Status.DRAWN && c.status != IOrders.Status.VOID) counted += c.amount;
        }
    }

    function paid() external view returns (uint256) {
        return orders.orderOf(order).paid;
    }

    function total() external view returns (uint256) {
        return token.totalSupply();
    }

    function refundable() external view returns (uint256) {
        return orders.refundable(order);
    }
}
