// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Expansions} from "../src/Expansions.sol";
import {IExpansions} from "../src/interfaces/IExpansions.sol";
import {Visited} from "./Visited.sol";

/// @notice Announced, looked at, admitted; and not admitted any more.
contract ExpansionsTest is Visited {
    address private constant NODE = address(0xD1);
    bytes32 private constant OS = keccak256("privacy os 2");
    bytes32 private constant EVIDENCE = keccak256("evidence");
    uint32 private constant WAIT = 7 days;

    Expansions private expansions;

    function setUp() public {
        newVisited();
        clusters.announceMeasurement(OS, "");
        vm.warp(block.timestamp + 14 days);
        expansions = new Expansions(address(validators), WAIT, 2);
        vm.prank(OPERATOR);
        clusters.addNode(cluster, NODE, NODE_KEY, OS);
        vm.prank(NODE);
        clusters.join(cluster);
    }

    function test_a_machine_is_admitted_after_waiting_and_two_visits() public {
        uint256 e = _announce();
        check(expansions.expansionOf(e).stage == IExpansions.Stage.ANNOUNCED && e == 1, "announced");
        _report(e, 0, false);
        _report(e, 1, false);
        check(!expansions.admitted(NODE), "not yet");
        vm.warp(block.timestamp + WAIT);
        _commit(e);
        check(expansions.admitted(NODE) && !expansions.admitted(address(0xD2)), "admitted");
        refused(abi.encodeWithSelector(IExpansions.ExpansionRefused.selector, e, IExpansions.Stage.COMMITTED));
        _commit(e);
    }

    function test_attack_the_waiting_period_is_not_cut_short() public {
        uint256 e = _vouched();
        vm.warp(block.timestamp - 1);
        refused(abi.encodeWithSelector(IExpansions.ExpansionWaits.selector, e, uint48(block.timestamp + 1)));
        _commit(e);
    }

    function test_attack_one_validator_twice_is_not_two() public {
        uint256 e = _announce();
        _report(e, 0, false);
        _report(e, 0, false);
        vm.warp(block.timestamp + WAIT);
        refused(abi.encodeWithSelector(IExpansions.ExpansionNotVouched.selector, e, 1, 0, 2));
        _commit(e);
    }

    function test_attack_suspicion_blocks_whatever_others_say_until_it_is_settled() public {
        uint256 e = _vouched();
        uint256 doubt = _report(e, 2, true);
        refused(abi.encodeWithSelector(IExpansions.ExpansionNotVouched.selector, e, 2, 1, 2));
        _commit(e);
        vm.prank(FINDER);
        validators.challenge(doubt, "it is fine");
        refused(abi.encodeWithSelector(IExpansions.ExpansionNotVouched.selector, e, 2, 1, 2));
        _commit(e); // challenged is not settled
        vm.prank(COURT);
        validators.rule(doubt, true, "case");
        _commit(e);
    }

    function test_a_validator_takes_its_own_suspicion_back() public {
        uint256 e = _vouched();
        _report(e, 2, true);
        _report(e, 2, false);
        _commit(e);
    }

    function test_attack_a_visit_that_is_void_or_too_old_does_not_vouch() public {
        uint256 e = _vouched();
        uint256 first = 1;
        vm.warp(block.timestamp - WAIT); // still within the window for challenges
        vm.prank(FINDER);
        validators.challenge(first, "false");
        vm.warp(block.timestamp + WAIT);
        refused(abi.encodeWithSelector(IExpansions.ExpansionNotVouched.selector, e, 1, 0, 2));
        _commit(e);
        vm.warp(block.timestamp + VALIDITY);
        refused(abi.encodeWithSelector(IExpansions.ExpansionNotVouched.selector, e, 0, 0, 2));
        _commit(e);
    }

    function test_attack_only_ones_own_fresh_visit_of_this_machine_counts() public {
        uint256 before = visit(0, false);
        vm.warp(block.timestamp + 1);
        uint256 e = _announce();
        _refusedReport(e, 0, before, hardware());
        uint256 good = visit(0, false);
        _refusedReport(e, 1, good, hardware());
        bytes32[] memory other = hardware();
        other[0] = NODE_KEY;
        _refusedReport(e, 0, good, other);
        other = new bytes32[](1);
        other[0] = keccak256("another machine");
        vm.prank(validator(0));
        uint256 elsewhere = validators.report(cluster, uint48(block.timestamp), false, other, other);
        _refusedReport(e, 0, elsewhere, other);
        uint256 second = _serve(STRANGER, STAKE);
        vm.prank(validator(0));
        uint256 wrong = validators.report(second, uint48(block.timestamp), false, hardware(), other);
        _refusedReport(e, 0, wrong, hardware());
        vm.prank(validator(0));
        validators.retire();
        _refusedReport(e, 0, good, hardware());
    }

    function test_attack_a_stranger_neither_announces_nor_commits() public {
        refused(abi.encodeWithSelector(IExpansions.ExpansionNotProvider.selector, cluster, STRANGER));
        vm.prank(STRANGER);
        expansions.announce(cluster, NODE, NODE_KEY, OS, EVIDENCE);
        uint256 e = _vouched();
        refused(abi.encodeWithSelector(IExpansions.ExpansionNotProvider.selector, cluster, STRANGER));
        vm.prank(STRANGER);
        expansions.commit(e);
        refused(abi.encodeWithSelector(IExpansions.ExpansionRefused.selector, 9, IExpansions.Stage.NONE));
        _commit(9);
    }

    function test_an_announcement_names_everything() public {
        vm.startPrank(OPERATOR);
        refused(abi.encodeWithSelector(IExpansions.ExpansionMalformed.selector));
        expansions.announce(cluster, address(0), NODE_KEY, OS, EVIDENCE);
        refused(abi.encodeWithSelector(IExpansions.ExpansionMalformed.selector));
        expansions.announce(cluster, NODE, 0, OS, EVIDENCE);
        refused(abi.encodeWithSelector(IExpansions.ExpansionMalformed.selector));
        expansions.announce(cluster, NODE, NODE_KEY, OS, 0);
        vm.stopPrank();
    }

    function test_attack_a_withdrawn_measurement_is_not_admitted_before_or_after() public {
        _commit(_vouched());
        check(expansions.admitted(NODE), "before");
        clusters.withdrawMeasurement(OS);
        check(!expansions.admitted(NODE), "as of now");
        uint256 again = _vouched();
        refused(abi.encodeWithSelector(IExpansions.ExpansionMeasurementRefused.selector, OS));
        _commit(again);
    }

    function test_attack_another_key_or_measurement_behind_an_admitted_name_is_not_admitted() public {
        _commit(_vouched());
        vm.startPrank(OPERATOR);
        clusters.addNode(cluster, NODE, keccak256("other key"), OS);
        check(!expansions.admitted(NODE), "key");
        clusters.addNode(cluster, NODE, NODE_KEY, 0);
        check(!expansions.admitted(NODE), "measurement");
        clusters.addNode(cluster, NODE, NODE_KEY, OS);
        check(expansions.admitted(NODE), "itself again");
        clusters.removeNode(cluster, NODE);
        check(!expansions.admitted(NODE), "removed");
        vm.stopPrank();
    }

    function test_the_court_stops_at_any_time() public {
        uint256 e = _vouched();
        _commit(e);
        vm.prank(COURT);
        expansions.stop(e);
        check(!expansions.admitted(NODE), "stopped");
        vm.prank(COURT);
        refused(abi.encodeWithSelector(IExpansions.ExpansionRefused.selector, e, IExpansions.Stage.STOPPED));
        expansions.stop(e);
    }

    function test_enough_suspicious_validators_stop_an_announcement_and_fewer_do_not() public {
        uint256 e = _announce();
        _report(e, 0, true);
        refused(abi.encodeWithSelector(IExpansions.ExpansionNotStopped.selector, e, 1, 2));
        expansions.stop(e);
        _report(e, 1, true);
        expansions.stop(e);
        refused(abi.encodeWithSelector(IExpansions.ExpansionRefused.selector, e, IExpansions.Stage.STOPPED));
        _commit(e);
    }

    function test_attack_what_is_admitted_only_the_court_stops() public {
        uint256 e = _vouched();
        _commit(e);
        refused(abi.encodeWithSelector(IExpansions.ExpansionNotStopped.selector, e, 0, 2));
        expansions.stop(e);
    }

    function test_a_cluster_whose_log_forked_has_no_admitted_machine() public {
        _commit(_vouched());
        proveFork();
        check(!expansions.admitted(NODE), "forked");
    }

    function test_a_setup_without_waiting_or_visits_is_refused() public {
        refused(abi.encodeWithSelector(IExpansions.ExpansionSetupMalformed.selector));
        new Expansions(address(validators), 0, 2);
        refused(abi.encodeWithSelector(IExpansions.ExpansionSetupMalformed.selector));
        new Expansions(address(validators), WAIT, 0);
    }

    function _announce() private returns (uint256) {
        vm.prank(OPERATOR);
        return expansions.announce(cluster, NODE, NODE_KEY, OS, EVIDENCE);
    }

    function _report(uint256 e, uint256 by, bool suspicious) private returns (uint256 number) {
        number = visit(by, suspicious);
        vm.prank(validator(by));
        expansions.report(e, number, hardware());
    }

    function _refusedReport(uint256 e, uint256 by, uint256 number, bytes32[] memory seen) private {
        vm.prank(validator(by));
        refused(abi.encodeWithSelector(IExpansions.ExpansionVisitRefused.selector, number));
        expansions.report(e, number, seen);
    }

    /// @dev Announced, seen by two, and the waiting period is over.
    function _vouched() private returns (uint256 e) {
        e = _announce();
        _report(e, 0, false);
        _report(e, 1, false);
        vm.warp(block.timestamp + WAIT);
    }

    function _commit(uint256 e) private {
        vm.prank(OPERATOR);
        expansions.commit(e);
    }
}
