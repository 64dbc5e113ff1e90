// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Expansions} from "../src/Expansions.sol";
import {Orders} from "../src/Orders.sol";
import {Validators} from "../src/Validators.sol";
import {IOrders} from "../src/interfaces/IOrders.sol";
import {Market} from "./Market.sol";

/// @notice A market in which DAO rents the operator's cluster for a hundred days.
abstract contract Rented is Market {
    address internal constant DAO = address(0xDA0);
    uint128 internal constant RATE = 3;
    uint256 internal constant FEE = 50 ether + 1; // odd: halves are not equal
    uint32 internal constant WINDOW = 3 days;
    uint32 internal constant RULING = 14 days;
    uint32 internal constant NOTICE = 10 days;
    bytes32 internal constant EVIDENCE = keccak256("evidence");
    bytes32 internal constant CASE = keccak256("case");

    Orders internal orders;
    uint256 internal order;

    function newRented() internal {
        newMarket();
        Validators validators =
            new Validators(Validators.Setup(address(providers), 7 days, 90 days, 100 ether, 50 ether));
        clusters.nameExpansions(address(new Expansions(address(validators), 7 days, 2)));
        vm.prank(OPERATOR);
        clusters.requireAdmission(cluster);
        orders = new Orders(someOrders());
        fund(DAO, 1_000 ether, address(orders));
        fund(FINDER, 1_000 ether, address(orders));
        vm.prank(DAO);
        order = orders.open(someTerms());
    }

    function someOrders() internal view returns (Orders.Setup memory) {
        return
            Orders.Setup({
                providers: address(providers), challengeWindow: WINDOW, rulingPeriod: RULING, disputeBond: FEE
            });
    }

    function someTerms() internal view returns (IOrders.Terms memory) {
        uint48 now_ = uint48(block.timestamp);
        return IOrders.Terms(OPERATOR, cluster, RATE, now_ + 1 days, now_ + 101 days, NOTICE);
    }

    /// @dev Waits until `until`, anchors the log's next head, and claims.
    function claim(uint48 from, uint48 until) internal returns (uint256) {
        if (block.timestamp < until) vm.warp(until);
        grow(anchor.anchored(cluster).size + 1);
        vm.prank(OPERATOR);
        return orders.claim(order, from, until, EVIDENCE);
    }

    function draw(uint256 number) internal {
        vm.prank(OPERATOR);
        orders.draw(number);
    }

    function dispute(uint256 number) internal {
        vm.prank(FINDER);
        orders.dispute(number, "why");
    }

    function rule(uint256 number, bool upheld) internal {
        vm.prank(COURT);
        orders.rule(number, upheld, CASE);
    }
}
