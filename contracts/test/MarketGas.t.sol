// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ILogAnchor} from "../src/interfaces/ILogAnchor.sol";
import {Rented} from "./Rented.sol";
import {Tree} from "./Tree.sol";

/// @notice What each act of the market costs, kept in `.gas-snapshot`: everything before it unmetered.
contract MarketGasTest is Rented {
    uint48 private constant START = BIRTH + 1 days;

    modifier metered() {
        vm.pauseGasMetering();
        _;
        vm.resumeGasMetering();
    }

    function setUp() public {
        newRented();
    }

    function test_gas_anchor_a_first_head() public metered {
        _anchor(100);
    }

    function test_gas_anchor_with_a_proof() public metered {
        grow(100);
        _anchor(150);
    }

    function test_gas_punish_a_fork() public metered {
        ILogAnchor.Head memory one = honest(5);
        ILogAnchor.Head memory other = headOf(Tree.log(5, 3, "lie"), one.time);
        (bytes memory signed, bytes memory signedToo) = (sign(one), sign(other));
        vm.resumeGasMetering();
        providers.punishFork(one, signed, other, signedToo);
        vm.pauseGasMetering();
    }

    function test_gas_open_an_order() public metered {
        vm.prank(DAO);
        vm.resumeGasMetering();
        orders.open(someTerms());
        vm.pauseGasMetering();
    }

    function test_gas_claim() public metered {
        vm.warp(START + 1 days);
        grow(1);
        vm.prank(OPERATOR);
        vm.resumeGasMetering();
        orders.claim(order, START, START + 1 days, EVIDENCE);
        vm.pauseGasMetering();
    }

    function test_gas_draw() public metered {
        uint256 number = claim(START, START + 1 days);
        vm.warp(block.timestamp + WINDOW);
        vm.prank(OPERATOR);
        vm.resumeGasMetering();
        orders.draw(number);
        vm.pauseGasMetering();
    }

    function _anchor(uint64 size) private {
        uint64 older = anchor.anchored(cluster).size;
        bytes32[] memory proof;
        if (older != 0) proof = Tree.proof(Tree.log(size, size, 0), older, 0, size, true);
        ILogAnchor.Head memory head = honest(size);
        bytes memory signed = sign(head);
        vm.resumeGasMetering();
        anchor.anchor(head, signed, proof);
        vm.pauseGasMetering();
    }
}
