// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Base} from "./Base.sol";
import {MarketHandler} from "./MarketHandler.sol";

/// @notice What holds of stakes and rent after every sequence of acts of everybody.
contract MarketInvariantsTest is Base {
    MarketHandler private handler;

    function setUp() public {
        handler = new MarketHandler();
    }

    function targetContracts() public view returns (address[] memory) {
        return list(address(handler));
    }

    /// @notice Paid once, in time, for attested seconds only; punished once; logs only grow: noted as they happen.
    /// forge-config: default.invariant.runs = 24
    /// forge-config: default.invariant.depth = 60
    function invariant_no_promise_was_broken_and_every_token_is_accounted_for() public view {
        check(bytes(handler.broken()).length == 0, handler.broken());
        (uint256 held, uint256 booked) = handler.escrow();
        check(held == booked, "escrow: deposited = paid + refunded + left, and bonds");
        (held, booked) = handler.stakes();
        check(held == booked, "stakes: staked + leaving + rewards");
        (held, booked) = handler.pending();
        check(held == booked, "pending is what was claimed and neither drawn nor void");
        check(handler.paid() == handler.drawn(), "paid is what was drawn");
        check(handler.total() <= handler.SUPPLY(), "rent only becomes less");
        handler.refundable(); // never below zero, or it would revert
    }

    /// @notice The handler reaches every road, or the invariants say nothing.
    function test_the_handler_reaches_every_road() public {
        for (uint256 i = 0; i < 70; ++i) {
            uint256 s = uint256(keccak256(abi.encode(i)));
            handler.passTime(s >> 8);
            handler.claimAny(s >> 16);
            if (s % 3 == 0) handler.disputeAny(s >> 24);
            if (s % 5 == 0) handler.ruleAny(s);
            if (s % 7 == 0) handler.lapseAny(s >> 24);
            handler.drawAny(s >> 32);
            if (s % 9 == 0) handler.slashAny(s >> 40);
            if (s % 2 == 0) handler.stakeAny(s >> 48);
            if (s % 13 == 0) handler.unbondAny(s >> 56, s & 64 == 0);
            if (s % 6 == 0) handler.refundAny(i > 15);
        }
        handler.collectAny(true);
        check(bytes(handler.broken()).length == 0, handler.broken());
        check(handler.claims() > 5 && handler.drawn() > 0 && handler.disputes() > 0, "rent");
        check(handler.slashes() > 1 && handler.closed() > 0, "stops");
        handler.forkAny(0);
        check(handler.forks() == 1, "fork");
    }
}
