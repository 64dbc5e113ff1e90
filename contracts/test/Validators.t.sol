// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Validators} from "../src/Validators.sol";
import {IValidators} from "../src/interfaces/IValidators.sol";
import {Visited} from "./Visited.sol";

/// @notice Visits, who counts, and challenges.
contract ValidatorsTest is Visited {
    bytes32 private constant WHY = keccak256("why");
    bytes32 private constant CASE = keccak256("case");

    function setUp() public {
        newVisited();
    }

    // ------------------------------------------------------------------------------------------- who counts

    function test_a_validator_counts_by_bond_and_accreditation_as_of_now() public {
        address v = validator(0);
        check(validators.counts(v), "both");
        vm.prank(REGISTRAR);
        validators.accredit(v, uint48(block.timestamp) + 1);
        check(validators.counts(v), "until");
        vm.warp(block.timestamp + 1);
        check(!validators.counts(v), "expired");
    }

    function test_attack_accounts_alone_are_not_validators() public {
        fund(STRANGER, 2 * BOND, address(validators));
        refused(abi.encodeWithSelector(IValidators.ValidatorUnknown.selector, STRANGER));
        vm.prank(STRANGER);
        validators.bond(BOND);
        vm.prank(REGISTRAR);
        refused(abi.encodeWithSelector(IValidators.ValidatorUnknown.selector, STRANGER));
        validators.accredit(STRANGER, type(uint48).max);
        vm.startPrank(STRANGER);
        validators.register("https://me.example");
        validators.bond(BOND);
        refused(abi.encodeWithSelector(IValidators.ValidatorNotRegistrar.selector, STRANGER));
        validators.accredit(STRANGER, type(uint48).max);
        refused(abi.encodeWithSelector(IValidators.ValidatorNotCounted.selector, STRANGER));
        validators.report(cluster, uint48(block.timestamp), false, hardware(), hardware());
        refused(abi.encodeWithSelector(IValidators.ValidatorNothing.selector));
        validators.bond(0);
        vm.stopPrank();
    }

    function test_attack_a_bond_that_is_not_whole_does_not_count() public {
        fund(STRANGER, BOND, address(validators));
        vm.startPrank(STRANGER);
        validators.register("https://me.example");
        validators.bond(BOND - 1);
        vm.stopPrank();
        vm.prank(REGISTRAR);
        validators.accredit(STRANGER, type(uint48).max);
        check(!validators.counts(STRANGER), "not whole");
        vm.prank(STRANGER);
        validators.bond(1);
        check(validators.counts(STRANGER), "whole");
    }

    // ----------------------------------------------------------------------------------------------- visits

    function test_visitors_are_counted_once_by_their_last_visit_while_it_is_fresh() public {
        _expect(30 days, 0, 0);
        visit(0, false);
        visit(0, false);
        visit(1, false);
        _expect(30 days, 2, 0);
        uint256 third = visit(1, true);
        _expect(30 days, 1, 1);
        vm.warp(block.timestamp + 3 days);
        visit(2, false);
        _expect(2 days, 1, 0);
        _expect(30 days, 2, 1);
        vm.warp(block.timestamp + VALIDITY - 3 days - 1);
        _expect(VALIDITY * 2, 2, 1);
        vm.warp(block.timestamp + 1);
        _expect(VALIDITY * 2, 1, 0);
        check(!validators.vouches(third) && !validators.vouches(0) && !validators.vouches(99), "vouches");
    }

    function test_a_visit_says_what_was_reported() public {
        uint256 number = visit(0, true);
        IValidators.Visit memory v = validators.visitOf(number);
        check(number == 1 && v.cluster == cluster && v.validator == validator(0) && v.suspicious, "who and where");
        check(v.visitedAt == block.timestamp && v.reportedAt == block.timestamp, "when");
        check(v.hardware == keccak256(abi.encodePacked(hardware())), "what");
        check(v.status == IValidators.Status.STANDING, "standing");
        check(validators.visitOf(2).status == IValidators.Status.NONE, "no such visit");
    }

    function test_attack_a_visit_that_cannot_be_is_refused() public {
        uint48 now_ = uint48(block.timestamp);
        _malformed(cluster, now_ + 1, hardware());
        _malformed(cluster, now_ - WINDOW, hardware());
        _malformed(cluster + 1, now_, hardware());
        _malformed(cluster, now_, new bytes32[](0));
        _malformed(cluster, now_, new bytes32[](65));
        vm.prank(validator(0));
        refused(abi.encodeWithSelector(IValidators.VisitMalformed.selector));
        validators.report(cluster, now_, false, hardware(), new bytes32[](65));
        vm.prank(validator(0));
        validators.report(cluster, now_ - WINDOW + 1, false, hardware(), new bytes32[](64));
    }

    function test_attack_a_provider_does_not_visit_itself() public {
        addValidator(OPERATOR);
        vm.prank(OPERATOR);
        refused(abi.encodeWithSelector(IValidators.VisitMalformed.selector));
        validators.report(cluster, uint48(block.timestamp), false, hardware(), hardware());
    }

    // ------------------------------------------------------------------------------------------- challenges

    function test_a_challenged_visit_counts_for_nothing_until_the_court_confirms_it() public {
        uint256 number = visit(0, false);
        _challenge(number);
        check(!validators.vouches(number), "challenged");
        _rule(number, false);
        check(validators.vouches(number), "confirmed");
        check(validators.owed(validator(0)) == FEE / 2 && validators.owed(FINDER) == 0, "half to the validator");
        check(token.balanceOf(address(validators)) == 3 * BOND + FEE / 2, "half burned");
    }

    function test_a_visit_that_was_not_so_costs_its_validator() public {
        uint256 number = visit(0, false);
        _challenge(number);
        _rule(number, true);
        check(!validators.vouches(number) && !validators.counts(validator(0)), "void");
        check(validators.validatorOf(validator(0)).bond == BOND - FEE, "lost");
        check(validators.owed(FINDER) == FEE + FEE / 2, "own bond and half of the loser's");
        uint256 before = token.balanceOf(FINDER);
        vm.prank(FINDER);
        validators.collect();
        check(token.balanceOf(FINDER) == before + FEE + FEE / 2 && validators.owed(FINDER) == 0, "collected");
        check(token.balanceOf(address(validators)) == 3 * BOND - FEE, "conserved");
        vm.prank(FINDER);
        refused(abi.encodeWithSelector(IValidators.ValidatorNothing.selector));
        validators.collect();
    }

    function test_attack_a_visit_is_challenged_in_time_and_judged_once() public {
        uint256 number = visit(0, false);
        uint256 late = visit(1, false);
        _challenge(number);
        refused(abi.encodeWithSelector(IValidators.VisitRefused.selector, number, IValidators.Status.CHALLENGED));
        _challenge(number);
        _rule(number, true);
        vm.prank(COURT);
        refused(abi.encodeWithSelector(IValidators.VisitRefused.selector, number, IValidators.Status.VOID));
        validators.rule(number, true, CASE);
        vm.warp(block.timestamp + WINDOW);
        refused(abi.encodeWithSelector(IValidators.VisitRefused.selector, late, IValidators.Status.STANDING));
        _challenge(late);
        refused(abi.encodeWithSelector(IValidators.VisitRefused.selector, 99, IValidators.Status.NONE));
        _challenge(99);
    }

    function test_attack_only_the_court_rules() public {
        uint256 number = visit(0, false);
        _challenge(number);
        vm.prank(REGISTRAR);
        refused(abi.encodeWithSelector(IValidators.ValidatorNotCourt.selector, REGISTRAR));
        validators.rule(number, false, CASE);
    }

    function test_a_silent_court_gives_the_bond_back_and_the_visit_never_counted() public {
        uint256 number = visit(0, false);
        _challenge(number);
        vm.warp(block.timestamp + VALIDITY - 1);
        refused(abi.encodeWithSelector(IValidators.VisitRefused.selector, number, IValidators.Status.CHALLENGED));
        validators.lapse(number);
        vm.warp(block.timestamp + 1);
        validators.lapse(number);
        check(validators.owed(FINDER) == FEE && !validators.vouches(number), "lapsed");
        check(validators.validatorOf(validator(0)).challenges == 0, "free");
    }

    function test_attack_a_validator_does_not_retire_from_a_challenge() public {
        uint256 number = visit(0, false);
        vm.prank(validator(0));
        validators.retire();
        check(!validators.counts(validator(0)) && !validators.vouches(number), "retiring");
        uint48 until = uint48(block.timestamp) + WINDOW;
        vm.warp(until - 1);
        _stillLiable(until, 0);
        _challenge(number);
        vm.warp(until);
        _stillLiable(until, 1);
        _rule(number, true);
        vm.startPrank(validator(0));
        validators.withdraw();
        check(token.balanceOf(validator(0)) == BOND - FEE, "the rest");
        refused(abi.encodeWithSelector(IValidators.ValidatorNothing.selector));
        validators.withdraw();
        validators.register("https://back.example");
        refused(IValidators.ValidatorStillLiable.selector);
        validators.withdraw();
        vm.stopPrank();
    }

    function test_a_bond_pays_no_more_than_there_is() public {
        for (uint256 i = 0; i < 3; ++i) {
            visit(0, false);
        }
        for (uint256 i = 1; i <= 3; ++i) {
            _challenge(i);
        }
        for (uint256 i = 1; i <= 3; ++i) {
            _rule(i, true);
        }
        check(validators.validatorOf(validator(0)).bond == 0, "empty"); // BOND is two FEEs
        check(validators.owed(FINDER) == 4 * FEE, "three bonds back, and half of two");
        check(token.balanceOf(address(validators)) == 2 * BOND + 4 * FEE, "conserved");
    }

    function test_a_setup_that_lets_anybody_escape_is_refused() public {
        for (uint256 i = 0; i < 5; ++i) {
            Validators.Setup memory s = aValidators();
            if (i == 0) s.challengeWindow = 0;
            if (i == 1) s.validity = 2 * WINDOW;
            if (i == 2) s.leastBond = FEE - 1;
            if (i == 3) s.challengeBond = 0;
            if (i == 4) (s.challengeWindow, s.validity) = (UNBONDING, 3 * UNBONDING);
            refused(abi.encodeWithSelector(IValidators.ValidatorSetupMalformed.selector));
            new Validators(s);
        }
    }

    // ---------------------------------------------------------------------------------------------- private

    function _expect(uint32 within, uint256 good, uint256 suspicious) private view {
        (uint256 g, uint256 s) = validators.visitors(cluster, within);
        check(g == good && s == suspicious, "visitors");
    }

    function _malformed(uint256 where, uint48 when, bytes32[] memory what) private {
        vm.prank(validator(0));
        refused(abi.encodeWithSelector(IValidators.VisitMalformed.selector));
        validators.report(where, when, false, what, new bytes32[](0));
    }

    function _challenge(uint256 number) private {
        vm.prank(FINDER);
        validators.challenge(number, WHY);
    }

    function _rule(uint256 number, bool upheld) private {
        vm.prank(COURT);
        validators.rule(number, upheld, CASE);
    }

    function _stillLiable(uint48 until, uint32 challenges) private {
        vm.prank(validator(0));
        refused(abi.encodeWithSelector(IValidators.ValidatorStillLiable.selector, until, challenges));
        validators.withdraw();
    }
}
