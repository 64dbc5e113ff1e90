// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Clusters} from "../src/Clusters.sol";
import {LogAnchor} from "../src/LogAnchor.sol";
import {Providers} from "../src/Providers.sol";
import {RentToken} from "../src/RentToken.sol";
import {ILogAnchor} from "../src/interfaces/ILogAnchor.sol";
import {Base} from "./Base.sol";
import {Tree} from "./Tree.sol";

/// @notice A provider with a stake, a licence and one cluster that signs its log; a court and a registrar.
abstract contract Market is Base {
    address internal constant COURT = address(0xC0);
    address internal constant REGISTRAR = address(0x5E);
    address internal constant OPERATOR = address(0x09);
    address internal constant FINDER = address(0xF1);
    address internal constant STRANGER = address(0x66);
    uint256 internal constant KEY = 0xBEEF;
    uint256 internal constant STAKE = 1_000 ether;
    uint32 internal constant UNBONDING = 28 days;
    uint48 internal constant BIRTH = 1_800_000_000;
    bytes32 internal constant LICENCE = keccak256("licence");

    RentToken internal token;
    Clusters internal clusters;
    LogAnchor internal anchor;
    Providers internal providers;
    uint256 internal cluster;

    function newMarket() internal {
        vm.warp(BIRTH);
        uint256[] memory all = new uint256[](1);
        all[0] = 1_000_000 ether;
        token = new RentToken(list(address(this)), all);
        clusters = new Clusters(address(this), 14 days, new bytes32[](0));
        anchor = new LogAnchor(address(clusters));
        providers = new Providers(aProviders());
        cluster = _serve(OPERATOR, STAKE);
    }

    function aProviders() internal view returns (Providers.Setup memory) {
        return Providers.Setup({
            token: address(token),
            anchor: address(anchor),
            court: COURT,
            registrar: REGISTRAR,
            unbondingPeriod: UNBONDING,
            leastStake: STAKE
        });
    }

    /// @dev A provider in good standing with a cluster whose log `KEY` signs.
    function _serve(address who, uint256 amount) internal returns (uint256 opened) {
        fund(who, amount, address(providers));
        vm.startPrank(who);
        providers.register(LICENCE, "https://provider.example");
        providers.stake(amount);
        opened = clusters.register("https://cluster.example");
        clusters.setHeadKey(opened, vm.addr(KEY));
        vm.stopPrank();
        vm.prank(REGISTRAR);
        providers.license(who, LICENCE, uint48(block.timestamp) + 3650 days);
    }

    function fund(address who, uint256 amount, address spender) internal {
        // slither-disable-next-line unchecked-transfer
        token.transfer(who, amount);
        vm.prank(who);
        token.approve(spender, type(uint256).max);
    }

    // ------------------------------------------------------------------------------------------------ heads

    /// @dev The head of an honest log of `size` entries, signed now.
    function honest(uint64 size) internal view returns (ILogAnchor.Head memory) {
        return headOf(Tree.log(size, size, 0), uint48(block.timestamp));
    }

    function headOf(bytes32[] memory leaves, uint48 time) internal view returns (ILogAnchor.Head memory) {
        return ILogAnchor.Head(cluster, uint64(leaves.length), Tree.root(leaves, 0, leaves.length), time);
    }

    function sign(ILogAnchor.Head memory head) internal view returns (bytes memory) {
        return sign(head, KEY);
    }

    function sign(ILogAnchor.Head memory head, uint256 key) internal view returns (bytes memory) {
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(key, anchor.digestOf(head));
        return abi.encodePacked(r, s, v);
    }

    /// @dev Anchors the honest log's next head.
    function grow(uint64 size) internal {
        uint64 older = anchor.anchored(cluster).size;
        bytes32[] memory proof;
        if (older != 0) proof = Tree.proof(Tree.log(size, size, 0), older, 0, size, true);
        anchor.anchor(honest(size), sign(honest(size)), proof);
    }

    /// @dev Two heads that contradict each other by themselves, submitted by FINDER.
    function proveFork() internal {
        ILogAnchor.Head memory one = honest(5);
        ILogAnchor.Head memory other = headOf(Tree.log(5, 3, "lie"), one.time);
        bytes memory signed = sign(one);
        bytes memory signedToo = sign(other);
        vm.prank(FINDER);
        providers.punishFork(one, signed, other, signedToo);
    }
}
