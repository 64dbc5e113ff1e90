// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Providers} from "../src/Providers.sol";
import {RentToken} from "../src/RentToken.sol";
import {ILogAnchor} from "../src/interfaces/ILogAnchor.sol";
import {IProviders} from "../src/interfaces/IProviders.sol";
import {Market} from "./Market.sol";
import {Tree} from "./Tree.sol";

/// @notice Licence, stake, and losing it.
contract ProvidersTest is Market {
    bytes32 private constant CASE = keccak256("case");

    function setUp() public {
        newMarket();
    }

    // ---------------------------------------------------------------------------------------------- licence

    function test_good_standing_is_a_licence_and_a_stake_as_of_now() public {
        check(providers.inGoodStanding(OPERATOR), "both");
        _license(OPERATOR, LICENCE, uint48(block.timestamp) + 5);
        vm.warp(block.timestamp + 4);
        check(providers.inGoodStanding(OPERATOR), "until");
        vm.warp(block.timestamp + 1);
        check(!providers.inGoodStanding(OPERATOR), "expired");
        _license(OPERATOR, LICENCE, uint48(block.timestamp) + 5);
        vm.prank(OPERATOR);
        providers.unbond(1);
        check(!providers.inGoodStanding(OPERATOR), "what is leaving does not count");
    }

    function test_attack_a_licence_is_of_the_document_that_was_read() public {
        vm.prank(OPERATOR);
        providers.register(LICENCE, "https://moved.example");
        check(providers.inGoodStanding(OPERATOR), "same document");
        vm.prank(OPERATOR);
        providers.register(keccak256("another"), "");
        check(!providers.inGoodStanding(OPERATOR), "exchanged");
        vm.prank(REGISTRAR);
        refused(abi.encodeWithSelector(IProviders.ProviderDocumentChanged.selector, OPERATOR, keccak256("another")));
        providers.license(OPERATOR, LICENCE, type(uint48).max);
    }

    function test_attack_only_the_registrar_licenses_and_only_the_court_slashes() public {
        address[3] memory others = [OPERATOR, STRANGER, COURT];
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(others[i]);
            refused(abi.encodeWithSelector(IProviders.ProviderNotRegistrar.selector, others[i]));
            providers.license(OPERATOR, LICENCE, type(uint48).max);
        }
        others[2] = REGISTRAR;
        for (uint256 i = 0; i < 3; ++i) {
            vm.prank(others[i]);
            refused(abi.encodeWithSelector(IProviders.ProviderNotCourt.selector, others[i]));
            providers.slash(OPERATOR, 1, others[i], CASE);
        }
    }

    function test_nothing_says_nothing() public {
        refused(abi.encodeWithSelector(IProviders.ProviderEmptyDigest.selector));
        providers.register(0, "");
        refused(abi.encodeWithSelector(IProviders.ProviderUnknown.selector, address(this)));
        providers.stake(1);
        vm.startPrank(OPERATOR);
        refused(abi.encodeWithSelector(IProviders.ProviderAmountRefused.selector, 0, 0));
        providers.stake(0);
        refused(abi.encodeWithSelector(IProviders.ProviderAmountRefused.selector, 0, STAKE));
        providers.unbond(0);
        refused(abi.encodeWithSelector(IProviders.ProviderAmountRefused.selector, 0, 0));
        providers.withdraw();
        refused(abi.encodeWithSelector(IProviders.ProviderAmountRefused.selector, 0, 0));
        providers.collect();
        vm.stopPrank();
        vm.prank(COURT);
        refused(abi.encodeWithSelector(IProviders.ProviderEmptyDigest.selector));
        providers.slash(OPERATOR, 1, FINDER, 0);
        vm.prank(COURT);
        refused(abi.encodeWithSelector(IProviders.ProviderUnknown.selector, STRANGER));
        providers.slash(STRANGER, 1, FINDER, CASE);
    }

    function test_a_setup_with_a_hole_is_refused() public {
        for (uint256 i = 0; i < 6; ++i) {
            Providers.Setup memory s = aProviders();
            if (i == 0) s.token = address(0);
            if (i == 1) s.anchor = address(0);
            if (i == 2) s.court = address(0);
            if (i == 3) s.registrar = address(0);
            if (i == 4) s.unbondingPeriod = 0;
            if (i == 5) s.leastStake = 0;
            refused(abi.encodeWithSelector(IProviders.ProviderSetupMalformed.selector));
            new Providers(s);
        }
    }

    // ------------------------------------------------------------------------------------------------ stake

    function test_stake_comes_back_after_the_whole_period_and_no_second_earlier() public {
        _unbond(STAKE);
        vm.warp(block.timestamp + UNBONDING - 1);
        refused(abi.encodeWithSelector(IProviders.ProviderStillLiable.selector, uint48(block.timestamp + 1)));
        vm.prank(OPERATOR);
        providers.withdraw();
        vm.warp(block.timestamp + 1);
        vm.prank(OPERATOR);
        providers.withdraw();
        check(token.balanceOf(OPERATOR) == STAKE && token.balanceOf(address(providers)) == 0, "back");
    }

    function test_attack_a_second_unbonding_does_not_ride_on_the_first() public {
        _unbond(1);
        vm.warp(block.timestamp + UNBONDING - 1);
        _unbond(STAKE - 1);
        vm.warp(block.timestamp + 1);
        refused(IProviders.ProviderStillLiable.selector);
        vm.prank(OPERATOR);
        providers.withdraw();
    }

    function test_attack_nobody_takes_out_more_than_there_is() public {
        _serve(STRANGER, STAKE);
        refused(abi.encodeWithSelector(IProviders.ProviderAmountRefused.selector, STAKE + 1, STAKE));
        vm.prank(OPERATOR);
        providers.unbond(STAKE + 1);
    }

    // ------------------------------------------------------------------------------------------------ slash

    function test_a_fork_costs_the_whole_stake_a_tenth_to_the_finder_the_rest_burned() public {
        uint256 supply = token.totalSupply();
        proveFork();
        IProviders.Provider memory p = providers.providerOf(OPERATOR);
        check(p.staked == 0 && p.leaving == 0 && providers.convicted(cluster), "taken");
        check(providers.rewards(FINDER) == STAKE / 10 && token.totalSupply() == supply - STAKE * 9 / 10, "burned");
        vm.prank(FINDER);
        providers.collect();
        check(token.balanceOf(FINDER) == STAKE / 10 && token.balanceOf(address(providers)) == 0, "collected");
    }

    function test_attack_what_is_leaving_is_slashed_too() public {
        _unbond(STAKE - 7);
        vm.warp(block.timestamp + UNBONDING - 1);
        proveFork();
        IProviders.Provider memory p = providers.providerOf(OPERATOR);
        check(p.staked == 0 && p.leaving == 0, "escaped");
    }

    function test_attack_a_cluster_is_punished_once_whatever_else_it_signed() public {
        proveFork();
        fund(OPERATOR, STAKE, address(providers));
        vm.prank(OPERATOR);
        providers.stake(STAKE);
        ILogAnchor.Head memory one = honest(9);
        ILogAnchor.Head memory lie = headOf(Tree.log(9, 3, "another lie"), one.time);
        (bytes memory signed, bytes memory signedToo) = (sign(one), sign(lie));
        refused(abi.encodeWithSelector(IProviders.ProviderAlreadyPunished.selector, bytes32(cluster)));
        providers.punishFork(one, signed, lie, signedToo);
        check(providers.providerOf(OPERATOR).staked == STAKE, "twice");
    }

    function test_attack_two_heads_of_an_honest_log_punish_nobody() public {
        ILogAnchor.Head memory one = honest(5);
        ILogAnchor.Head memory two = honest(9);
        (bytes memory signed, bytes memory signedToo) = (sign(one), sign(two));
        refused(abi.encodeWithSelector(IProviders.ProviderNoFork.selector));
        providers.punishFork(one, signed, two, signedToo);
        refused(abi.encodeWithSelector(IProviders.ProviderNoFork.selector));
        providers.punishFork(one, signed, one, signed);
        bytes32[] memory leaves = Tree.log(9, 9, 0);
        ILogAnchor.Split memory split;
        (split.index, split.firstLeaf, split.secondLeaf) = (2, leaves[2], leaves[2]);
        (split.firstPath, split.secondPath) = (Tree.path(leaves, 2, 0, 5), Tree.path(leaves, 2, 0, 9));
        refused(abi.encodeWithSelector(IProviders.ProviderNoFork.selector));
        providers.punishForkAt(one, signed, two, signedToo, split);
        bytes32[] memory proof = Tree.proof(leaves, 5, 0, 9, true);
        refused(abi.encodeWithSelector(IProviders.ProviderNoFork.selector));
        providers.punishForkPast(one, signed, two, signedToo, one.root, proof);
    }

    function test_a_head_that_did_not_grow_from_another_is_punished_by_what_watchers_keep() public {
        (bytes32[] memory a, bytes32[] memory b) = (Tree.log(5, 5, 0), Tree.log(9, 3, "lie"));
        (ILogAnchor.Head memory one, ILogAnchor.Head memory two) = (headOf(a, 1), headOf(b, 2));
        bytes32[] memory proof = Tree.proof(b, 5, 0, 9, true);
        providers.punishForkPast(one, sign(one), two, sign(two), Tree.root(b, 0, 5), proof);
        check(providers.convicted(cluster) && providers.providerOf(OPERATOR).staked == 0, "punished");
    }

    function test_a_fork_whose_branches_have_different_sizes_is_punished() public {
        (bytes32[] memory a, bytes32[] memory b) = (Tree.log(5, 5, 0), Tree.log(9, 3, "lie"));
        ILogAnchor.Head memory one = headOf(a, 1);
        ILogAnchor.Head memory two = headOf(b, 2);
        ILogAnchor.Split memory split;
        (split.index, split.firstLeaf, split.secondLeaf) = (4, a[4], b[4]);
        (split.firstPath, split.secondPath) = (Tree.path(a, 4, 0, 5), Tree.path(b, 4, 0, 9));
        providers.punishForkAt(one, sign(one), two, sign(two), split);
        check(providers.convicted(cluster) && providers.providerOf(OPERATOR).staked == 0, "punished");
    }

    function test_the_court_takes_at_most_what_there_is_and_each_case_once() public {
        _unbond(300 ether);
        _slash(800 ether, CASE);
        IProviders.Provider memory p = providers.providerOf(OPERATOR);
        check(p.staked == 0 && p.leaving == 200 ether, "staked first");
        refused(abi.encodeWithSelector(IProviders.ProviderAlreadyPunished.selector, CASE));
        _slash(1, CASE);
        _slash(type(uint256).max, keccak256("second"));
        check(providers.providerOf(OPERATOR).leaving == 0 && providers.rewards(FINDER) == 100 ether, "all");
    }

    function test_without_a_finder_all_is_burned() public {
        vm.prank(COURT);
        providers.slash(OPERATOR, STAKE, address(0), CASE);
        check(providers.rewards(address(0)) == 0 && token.balanceOf(address(providers)) == 0, "burned");
    }

    // ------------------------------------------------------------------------------------------------ token

    function test_rent_can_only_become_less() public {
        uint256 supply = token.totalSupply();
        check(supply == 1_000_000 ether && token.decimals() == 18, "birth");
        token.burn(1);
        check(token.totalSupply() == supply - 1, "less");
        refused(abi.encodeWithSelector(RentToken.TokenHoldersMalformed.selector));
        new RentToken(new address[](0), new uint256[](0));
        refused(abi.encodeWithSelector(RentToken.TokenHoldersMalformed.selector));
        new RentToken(list(OPERATOR), new uint256[](2));
        refused(abi.encodeWithSelector(RentToken.TokenHoldersMalformed.selector));
        new RentToken(list(OPERATOR), new uint256[](1));
    }

    function _license(address who, bytes32 document, uint48 until) private {
        vm.prank(REGISTRAR);
        providers.license(who, document, until);
    }

    function _unbond(uint256 amount) private {
        vm.prank(OPERATOR);
        providers.unbond(amount);
    }

    function _slash(uint256 amount, bytes32 case_) private {
        vm.prank(COURT);
        providers.slash(OPERATOR, amount, FINDER, case_);
    }
}
