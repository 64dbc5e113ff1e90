// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {Orders} from "../src/Orders.sol";
import {Providers} from "../src/Providers.sol";
import {RentToken} from "../src/RentToken.sol";
import {IOrders} from "../src/interfaces/IOrders.sol";
import {Rented} from "./Rented.sol";

/// @notice A token that calls its victim back in the middle of every transfer.
contract CallingBack is ERC20("Calling back", "CALL") {
    address public victim;
    bytes public what;
    bool public called;
    bool public heard;

    function mint(address to, uint256 amount) external {
        _mint(to, amount);
    }

    function arm(address victim_, bytes calldata what_) external {
        (victim, what, called, heard) = (victim_, what_, false, false);
    }

    function _update(address from, address to, uint256 amount) internal override {
        super._update(from, to, amount);
        if (victim == address(0)) return;
        address once = victim;
        victim = address(0);
        called = true;
        (heard,) = once.call(what);
    }
}

/// @notice What is disputed is not paid until the court says so; and nobody gets anything twice.
contract DisputesTest is Rented {
    uint48 private constant START = BIRTH + 1 days;

    uint256 private one;

    function setUp() public {
        newRented();
        one = claim(START, START + 1 days);
    }

    function test_a_disputed_claim_waits_for_the_court() public {
        dispute(one);
        vm.warp(block.timestamp + WINDOW);
        vm.prank(OPERATOR);
        refused(abi.encodeWithSelector(IOrders.ClaimRefused.selector, one, IOrders.Status.DISPUTED));
        orders.draw(one);
        rule(one, false);
        draw(one);
        check(token.balanceOf(OPERATOR) == uint256(RATE) * 1 days, "paid");
        check(orders.owed(OPERATOR) == FEE / 2 && orders.owed(FINDER) == 0, "half of the bond");
        vm.prank(OPERATOR);
        orders.collect();
        uint256 left = orders.orderOf(order).deposited - uint256(RATE) * 1 days;
        check(token.balanceOf(address(orders)) == left, "the other half is burned, with what does not divide");
    }

    function test_a_claim_that_the_court_rejects_is_the_payers() public {
        dispute(one);
        uint256 before = orders.refundable(order);
        rule(one, true);
        check(orders.refundable(order) == before + uint256(RATE) * 1 days, "back to the payer");
        check(orders.owed(FINDER) == FEE, "bond");
        vm.prank(FINDER);
        orders.collect();
        vm.prank(FINDER);
        refused(abi.encodeWithSelector(IOrders.OrderNothing.selector));
        orders.collect();
        vm.prank(OPERATOR);
        refused(abi.encodeWithSelector(IOrders.ClaimRefused.selector, one, IOrders.Status.VOID));
        orders.draw(one);
    }

    function test_attack_what_fell_is_not_claimed_again() public {
        dispute(one);
        rule(one, true);
        vm.prank(OPERATOR);
        refused(IOrders.ClaimTimesRefused.selector);
        orders.claim(order, START, START + 1 days, EVIDENCE);
    }

    function test_doubt_is_not_paid_when_the_court_is_silent() public {
        dispute(one);
        vm.warp(block.timestamp + RULING - 1);
        refused(abi.encodeWithSelector(IOrders.ClaimWaits.selector, one, uint48(block.timestamp + 1)));
        orders.lapse(one);
        vm.warp(block.timestamp + 1);
        orders.lapse(one);
        check(orders.claimOf(one).status == IOrders.Status.VOID && orders.owed(FINDER) == FEE, "fell");
        vm.prank(COURT);
        refused(abi.encodeWithSelector(IOrders.ClaimRefused.selector, one, IOrders.Status.VOID));
        orders.rule(one, false, CASE);
    }

    function test_attack_a_dispute_comes_in_time_and_once() public {
        uint256 two = claim(START + 1 days, START + 1 days + 1);
        dispute(one);
        refused(abi.encodeWithSelector(IOrders.ClaimRefused.selector, one, IOrders.Status.DISPUTED));
        dispute(one);
        rule(one, false);
        refused(abi.encodeWithSelector(IOrders.ClaimRefused.selector, one, IOrders.Status.CLEARED));
        dispute(one);
        vm.warp(block.timestamp + WINDOW);
        refused(abi.encodeWithSelector(IOrders.ClaimTooLate.selector, two, uint48(block.timestamp)));
        dispute(two);
    }

    function test_attack_a_claim_that_nobody_disputes_does_not_lapse() public {
        refused(abi.encodeWithSelector(IOrders.ClaimRefused.selector, one, IOrders.Status.CLAIMED));
        orders.lapse(one);
    }

    function test_attack_only_the_court_rules() public {
        dispute(one);
        vm.prank(DAO);
        refused(abi.encodeWithSelector(IOrders.OrdersNotCourt.selector, DAO));
        orders.rule(one, true, CASE);
        uint256 two = claim(START + 1 days, START + 2 days);
        vm.prank(COURT);
        refused(abi.encodeWithSelector(IOrders.ClaimRefused.selector, two, IOrders.Status.CLAIMED));
        orders.rule(two, true, CASE);
    }

    function test_attack_a_log_that_forked_is_not_paid_for_what_it_said() public {
        uint256 two = claim(START + 1 days, START + 2 days);
        dispute(two);
        proveFork();
        vm.warp(block.timestamp + WINDOW);
        vm.prank(OPERATOR);
        refused(abi.encodeWithSelector(IOrders.OrderProviderRefused.selector, OPERATOR, cluster));
        orders.draw(one);
        fund(OPERATOR, STAKE, address(providers)); // a new stake does not help a log that forked
        vm.startPrank(OPERATOR);
        providers.stake(STAKE);
        refused(abi.encodeWithSelector(IOrders.OrderProviderRefused.selector, OPERATOR, cluster));
        orders.claim(order, START + 2 days, START + 2 days + 1, EVIDENCE);
        vm.stopPrank();
        orders.lapse(one);
        orders.lapse(two);
        check(orders.orderOf(order).pending == 0 && orders.owed(FINDER) == FEE, "fell, bond back");
        refused(abi.encodeWithSelector(IOrders.ClaimRefused.selector, one, IOrders.Status.VOID));
        orders.lapse(one);
    }

    function test_attack_a_claim_that_was_drawn_does_not_fall() public {
        vm.warp(block.timestamp + WINDOW);
        draw(one);
        proveFork();
        refused(abi.encodeWithSelector(IOrders.ClaimRefused.selector, one, IOrders.Status.DRAWN));
        orders.lapse(one);
    }

    /// @dev The token itself is provider, payer and disputer, so that its calls back come from who may draw.
    function test_attack_a_token_that_calls_back_gets_nothing_twice() public {
        CallingBack evil = new CallingBack();
        token = RentToken(address(evil));
        providers = new Providers(aProviders());
        evil.mint(address(this), 1_000_000 ether);
        cluster = _serve(address(evil), STAKE);
        vm.prank(address(evil));
        clusters.requireAdmission(cluster);
        orders = new Orders(someOrders());
        fund(address(evil), 1_000 ether, address(orders));
        IOrders.Terms memory t = someTerms();
        t.provider = address(evil);
        evil.mint(address(orders), 1_000 ether); // others' money, which it would take

        vm.prank(address(evil));
        order = orders.open(t);
        vm.warp(t.start + 10);
        grow(2);
        vm.prank(address(evil));
        uint256 number = orders.claim(order, t.start, t.start + 10, EVIDENCE);
        vm.warp(t.start + 10 + WINDOW);
        evil.arm(address(orders), abi.encodeCall(orders.draw, (number)));
        vm.prank(address(evil));
        orders.draw(number);
        check(evil.called() && !evil.heard(), "drawn twice");
        vm.warp(t.end + WINDOW);
        evil.arm(address(orders), abi.encodeCall(orders.refund, (order)));
        vm.prank(address(evil));
        orders.refund(order);
        check(evil.called() && !evil.heard(), "refunded twice");
        check(evil.balanceOf(address(orders)) == 1_000 ether, "others' money");
    }
}
