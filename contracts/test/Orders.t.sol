// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IERC20Errors} from "@openzeppelin/contracts/interfaces/draft-IERC6093.sol";
import {Orders} from "../src/Orders.sol";
import {IOrders} from "../src/interfaces/IOrders.sol";
import {Rented} from "./Rented.sol";

/// @notice Opening, claiming, drawing, closing; disputes are in Disputes.t.sol.
contract OrdersTest is Rented {
    uint48 private constant START = BIRTH + 1 days;
    uint48 private constant END = BIRTH + 101 days;

    function setUp() public {
        newRented();
    }

    // ------------------------------------------------------------------------------------------------- open

    function test_opening_takes_all_of_the_rent_and_nothing_else() public view {
        uint256 rent = uint256(RATE) * 100 days;
        check(orders.orderOf(order).deposited == rent && token.balanceOf(address(orders)) == rent, "escrow");
        check(token.balanceOf(DAO) == 1_000 ether - rent && orders.refundable(order) == 0, "nothing else");
    }

    function test_attack_terms_that_cannot_be_are_refused() public {
        for (uint256 i = 0; i < 5; ++i) {
            IOrders.Terms memory t = someTerms();
            if (i == 0) t.rate = 0;
            if (i == 1) t.start = uint48(block.timestamp) - 1;
            if (i == 2) t.end = t.start;
            if (i == 3) t.end = t.start + 5 * 365 days + 1;
            if (i == 4) t.notice = 90 days + 1;
            refused(abi.encodeWithSelector(IOrders.OrderMalformed.selector));
            vm.prank(DAO);
            orders.open(t);
        }
    }

    function test_attack_the_dearest_and_longest_order_does_not_overflow() public {
        IOrders.Terms memory t = someTerms();
        (t.rate, t.end) = (type(uint128).max, t.start + 5 * 365 days);
        uint256 rent = uint256(type(uint128).max) * 5 * 365 days;
        uint256 has = token.balanceOf(DAO);
        refused(abi.encodeWithSelector(IERC20Errors.ERC20InsufficientBalance.selector, DAO, has, rent));
        vm.prank(DAO);
        orders.open(t);
    }

    function test_attack_only_a_provider_in_good_standing_with_this_cluster_is_rented() public {
        IOrders.Terms memory t = someTerms();
        t.provider = STRANGER;
        _refusedOpening(t);
        _serve(STRANGER, STAKE);
        _refusedOpening(t);
        t.provider = OPERATOR;
        vm.prank(OPERATOR);
        providers.unbond(1);
        _refusedOpening(t);
    }

    function test_attack_a_cluster_that_takes_machines_which_nobody_admitted_is_not_rented() public {
        IOrders.Terms memory t = someTerms();
        vm.prank(OPERATOR);
        t.cluster = clusters.register("https://another.example");
        _refusedOpening(t);
        vm.prank(OPERATOR);
        clusters.requireAdmission(t.cluster);
        vm.prank(DAO);
        check(orders.open(t) == order + 1, "promised");
    }

    // ------------------------------------------------------------------------------------------------ claim

    function test_attested_seconds_are_paid_exactly_and_once() public {
        uint256 one = claim(START, START + 10);
        check(orders.orderOf(order).pending == RATE * 10, "pending");
        vm.warp(block.timestamp + WINDOW - 1);
        vm.prank(OPERATOR);
        refused(abi.encodeWithSelector(IOrders.ClaimWaits.selector, one, uint48(block.timestamp + 1)));
        orders.draw(one);
        vm.warp(block.timestamp + 1);
        draw(one);
        check(token.balanceOf(OPERATOR) == RATE * 10, "paid");
        check(orders.orderOf(order).paid == RATE * 10 && orders.orderOf(order).pending == 0, "booked");
        vm.prank(OPERATOR);
        refused(abi.encodeWithSelector(IOrders.ClaimRefused.selector, one, IOrders.Status.DRAWN));
        orders.draw(one);
    }

    function test_attack_no_second_is_claimed_twice() public {
        claim(START, START + 10);
        _refusedClaim(START, START + 10, START + 10);
        _refusedClaim(START + 9, START + 10, START + 10);
        claim(START + 10, START + 11);
    }

    function test_attack_seconds_outside_the_order_or_in_the_future_are_not_claimed() public {
        vm.warp(START + 10);
        _refusedClaim(START - 1, START + 5, START);
        _refusedClaim(START, START + 11, START);
        _refusedClaim(START + 5, START + 5, START);
        _refusedClaim(START + 6, START + 5, START);
        vm.warp(END + 1);
        _refusedClaim(END - 1, END + 1, START);
        claim(END - 1, END);
    }

    function test_attack_a_claim_after_the_window_that_follows_the_end_is_too_late() public {
        vm.warp(END + WINDOW);
        _refusedClaim(START, END, START);
        vm.warp(END + WINDOW - 1);
        claim(START, END);
    }

    function test_seconds_that_nobody_claims_are_never_paid() public {
        claim(START, START + 10);
        uint256 second = claim(START + 20, START + 30); // the ten between were not attested
        check(orders.refundable(order) == RATE * 10, "the gap is the payer's at once");
        vm.warp(END + WINDOW);
        draw(1);
        draw(second);
        check(token.balanceOf(OPERATOR) == RATE * 20, "paid");
        uint256 before = token.balanceOf(DAO);
        vm.prank(DAO);
        orders.refund(order);
        check(token.balanceOf(DAO) - before == RATE * (100 days - 20), "the rest");
        check(token.balanceOf(address(orders)) == 0, "nothing stays");
        vm.prank(DAO);
        refused(abi.encodeWithSelector(IOrders.OrderNothing.selector));
        orders.refund(order);
    }

    function test_attack_service_is_not_claimed_before_a_later_head_is_anchored() public {
        vm.warp(START + 10);
        grow(1);
        vm.warp(START + 11);
        vm.prank(OPERATOR);
        refused(abi.encodeWithSelector(IOrders.ClaimNotAnchored.selector, cluster, START + 10, START + 11));
        orders.claim(order, START, START + 11, EVIDENCE);
        vm.prank(OPERATOR);
        orders.claim(order, START, START + 10, EVIDENCE);
    }

    function test_attack_nobody_else_claims_or_draws_and_nothing_without_evidence() public {
        uint256 one = claim(START, START + 10);
        vm.warp(START + WINDOW + 10);
        vm.prank(OPERATOR);
        refused(abi.encodeWithSelector(IOrders.ClaimEmptyEvidence.selector));
        orders.claim(order, START + 10, START + 11, 0);
        vm.startPrank(STRANGER);
        refused(abi.encodeWithSelector(IOrders.OrderNotYours.selector, order, STRANGER));
        orders.claim(order, START + 10, START + 11, EVIDENCE);
        refused(abi.encodeWithSelector(IOrders.OrderNotYours.selector, order, STRANGER));
        orders.draw(one);
        refused(abi.encodeWithSelector(IOrders.OrderUnknown.selector, 9));
        orders.claim(9, START, START + 1, EVIDENCE);
        refused(abi.encodeWithSelector(IOrders.ClaimRefused.selector, 9, IOrders.Status.NONE));
        orders.draw(9);
        vm.stopPrank();
    }

    function test_attack_a_provider_without_licence_or_stake_claims_nothing() public {
        vm.warp(START + 10);
        grow(1);
        vm.prank(REGISTRAR);
        providers.license(OPERATOR, LICENCE, uint48(block.timestamp));
        vm.prank(OPERATOR);
        refused(abi.encodeWithSelector(IOrders.OrderProviderRefused.selector, OPERATOR, cluster));
        orders.claim(order, START, START + 10, EVIDENCE);
    }

    // ------------------------------------------------------------------------------------------------ close

    function test_a_payer_closes_with_notice_and_gets_the_rest_at_once() public {
        vm.warp(START + 5 days);
        vm.prank(DAO);
        orders.close(order);
        check(orders.orderOf(order).terms.end == START + 15 days, "notice");
        check(orders.refundable(order) == uint256(RATE) * 85 days, "the rest");
        refused(abi.encodeWithSelector(IOrders.OrderNotEarlier.selector, order, START + 15 days));
        vm.prank(DAO);
        orders.close(order);
        claim(START, START + 15 days);
        check(orders.refundable(order) == uint256(RATE) * 85 days, "the notice is served and paid");
    }

    function test_an_order_that_has_not_begun_closes_with_nothing_to_claim() public {
        IOrders.Terms memory t = someTerms();
        t.start = uint48(block.timestamp) + 50 days;
        vm.startPrank(DAO);
        uint256 second = orders.open(t);
        orders.close(second);
        check(orders.orderOf(second).terms.end == t.start, "ends as it begins");
        check(orders.refundable(second) == orders.orderOf(second).deposited, "all back");
        vm.stopPrank();
    }

    function test_attack_only_the_payer_closes_and_is_refunded() public {
        vm.startPrank(OPERATOR);
        refused(abi.encodeWithSelector(IOrders.OrderNotYours.selector, order, OPERATOR));
        orders.close(order);
        refused(abi.encodeWithSelector(IOrders.OrderNotYours.selector, order, OPERATOR));
        orders.refund(order);
        vm.stopPrank();
    }

    function test_a_setup_from_which_stakes_escape_is_refused() public {
        for (uint256 i = 0; i < 4; ++i) {
            Orders.Setup memory s = someOrders();
            if (i == 0) s.challengeWindow = 0;
            if (i == 1) s.rulingPeriod = 0;
            if (i == 2) s.disputeBond = 0;
            if (i == 3) s.rulingPeriod = UNBONDING - WINDOW;
            refused(abi.encodeWithSelector(IOrders.OrdersSetupMalformed.selector));
            new Orders(s);
        }
    }

    /// @notice Whatever is claimed, drawn, closed and refunded: every token goes to one of the two, and none stays.
    function testFuzz_every_token_goes_somewhere(uint256 seed) public {
        uint48 at = START;
        uint256 attested;
        uint256 claims;
        for (uint256 i = 0; i < 6; ++i) {
            uint48 from = at + uint48(seed >> (i * 32)) % 1 days;
            at = from + 1 + uint48(seed >> (i * 32 + 16)) % 1 days;
            claims = claim(from, at);
            attested += at - from;
            if (i == seed % 6) {
                vm.prank(DAO);
                orders.close(order);
            }
        }
        vm.warp(END + WINDOW);
        for (uint256 i = 1; i <= claims; ++i) {
            draw(i);
        }
        vm.prank(DAO);
        orders.refund(order);
        check(token.balanceOf(OPERATOR) == attested * RATE, "attested seconds");
        check(token.balanceOf(DAO) == 1_000 ether - attested * RATE, "the rest");
        check(token.balanceOf(address(orders)) == 0, "nothing stays");
    }

    function _refusedOpening(IOrders.Terms memory t) private {
        refused(abi.encodeWithSelector(IOrders.OrderProviderRefused.selector, t.provider, t.cluster));
        vm.prank(DAO);
        orders.open(t);
    }

    function _refusedClaim(uint48 from, uint48 until, uint48 earliest) private {
        uint48 latest = block.timestamp < END ? uint48(block.timestamp) : END;
        vm.prank(OPERATOR);
        refused(abi.encodeWithSelector(IOrders.ClaimTimesRefused.selector, order, from, until, earliest, latest));
        orders.claim(order, from, until, EVIDENCE);
    }
}
