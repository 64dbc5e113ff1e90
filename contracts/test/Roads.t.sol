// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {Policy} from "../src/Policy.sol";
import {IReleaseRegistry} from "../src/interfaces/IReleaseRegistry.sol";
import {DaoWorld} from "./DaoWorld.sol";

/// @notice Where the emergency lane and the vote meet, with the real governor: neither can be used to kill what goes the other.
contract RoadsTest is DaoWorld {
    Action private update; // the vote on B

    /// @dev A is live; B is an urgent repair of it, as far as the emergency lane asks.
    function setUp() public {
        newDao();
        review(A, 0, 1);
        decide(anUpdate(A));
        publish(B, A, 2);
        attestAll(B, 40, 4);
        update = anUpdate(B);
    }

    // ------------------------------------------------------------------ a stranger calls the lane on what is voted on

    function test_what_waits_for_its_execution_survives_the_emergency_lane_however_late() public {
        voteFor(_proposed());
        queue(update);
        vm.warp(reg.release(B).reviewEnds + 21 days + 1); // expiry by the review lap alone would be past
        reg.activateEmergency(B);
        check(live() == B, "live at once");
        vm.warp(reg.release(B).expires - 1);
        execute(update);
        check(live() == B && reg.lastRatified() == B && reg.release(B).expires == 0, "ratified");
    }

    function test_at_every_step_of_a_vote_the_emergency_lane_leaves_time_to_ratify() public {
        for (uint256 step = 0; step < 4; ++step) {
            setUp();
            uint256 id = _proposed();
            if (step > 0) vm.warp(governor.proposalSnapshot(id) + 1);
            if (step > 1) voteFor(id);
            if (step > 2) queue(update);
            reg.activateEmergency(B);
            check(governor.decidedBy(B, 0) < reg.release(B).expires, "time");
            if (step < 2) _voteLate(id);
            if (step < 3) queue(update);
            vm.warp(governor.proposalEta(id));
            execute(update);
            check(live() == B && reg.release(B).expires == 0, "ratified");
        }
    }

    function test_a_repair_that_could_not_be_ratified_stays_fit_for_its_vote() public {
        Policy memory p = aPolicy();
        p.voteAllowance = 1 hours; // stricter, so at once
        vm.prank(address(timelock));
        reg.proposePolicy(p);
        voteFor(_proposed());
        queue(update);
        refused(IReleaseRegistry.ReleaseNoTimeToRatify.selector);
        reg.activateEmergency(B);
        vm.warp(block.timestamp + 2 days);
        execute(update);
        check(live() == B, "live");
    }

    function test_settings_changed_during_a_vote_do_not_bury_it() public {
        uint256 id = _proposed();
        vm.startPrank(address(timelock));
        timelock.updateDelay(30 days); // longer than the 21 days that a repair may live
        vm.stopPrank();
        refused(IReleaseRegistry.ReleaseNoTimeToRatify.selector);
        reg.activateEmergency(B);
        voteFor(id);
        refused(IReleaseRegistry.ReleaseNoTimeToRatify.selector);
        reg.activateEmergency(B);
        queue(update);
        vm.warp(governor.proposalEta(id) - 21 days);
        refused(IReleaseRegistry.ReleaseNoTimeToRatify.selector);
        reg.activateEmergency(B);
        vm.warp(governor.proposalEta(id) - 21 days + 1);
        reg.activateEmergency(B);
        vm.warp(governor.proposalEta(id));
        execute(update);
        check(live() == B && reg.release(B).expires == 0, "ratified");
    }

    function test_the_governor_says_when_a_vote_can_be_executed_at_the_latest() public {
        uint48 now_ = uint48(block.timestamp);
        check(governor.decidedBy(B, now_ + 5) == now_ + 5 + 1 days + 3 days + 1 days + 2 days, "none is open");
        uint256 id = _proposed();
        uint256 last = governor.proposalDeadline(id) + 1 days + 2 days;
        check(governor.decidedBy(B, 0) == last, "pending");
        vm.warp(governor.proposalSnapshot(id) + 1);
        check(governor.decidedBy(B, 0) == last, "active");
        _voteLate(id);
        check(governor.decidedBy(B, 0) == block.timestamp + 2 days, "succeeded");
        queue(update);
        check(governor.decidedBy(B, 0) == governor.proposalEta(id), "queued");
        check(governor.proposalEta(id) <= last + 1, "and so it was");
    }

    // ------------------------------------------------------------------------------------------- what voters refused

    function test_what_voters_refused_does_not_come_in_by_the_emergency_lane() public {
        uint256 id = _proposed();
        vm.warp(governor.proposalSnapshot(id) + 1);
        vm.prank(ALICE);
        governor.castVote(id, 0);
        check(!governor.wasDefeated(B), "not yet");
        vm.warp(governor.proposalDeadline(id) + 1);
        check(governor.wasDefeated(B), "lost");
        _refusedAsDefeated();
        vm.warp(governor.proposalDeadline(id) + 4 days);
        update.text = string.concat(update.text, " Second try.");
        id = propose(update);
        _refusedAsDefeated(); // a new vote does not make the old one undone
        bytes32 text = keccak256(bytes(update.text));
        vm.prank(ALICE);
        governor.cancel(update.targets, update.values, update.calldatas, text);
        _refusedAsDefeated(); // nor does one that was cancelled
        update.text = string.concat(update.text, " Third.");
        decide(update);
        check(live() == B, "only a vote brings it live");
    }

    function test_a_vote_that_was_cancelled_says_nothing() public {
        uint256 id = _proposed();
        bytes32 text = keccak256(bytes(update.text));
        vm.prank(ALICE);
        governor.cancel(update.targets, update.values, update.calldatas, text);
        check(governor.state(id) == IGovernor.ProposalState.Canceled && !governor.wasDefeated(B), "cancelled");
        reg.activateEmergency(B);
        check(live() == B, "live");
    }

    function test_a_repair_whose_first_vote_failed_has_time_for_a_second_one() public {
        _liveThenLost();
        vm.warp(governor.proposalDeadline(governor.updateProposal(B)) + 4 days);
        update.text = string.concat(update.text, " Second try.");
        decide(update);
        check(live() == B && reg.release(B).expires == 0, "ratified");
    }

    // ------------------------------------------------------------------------------------------------- private

    function _liveThenLost() private {
        vm.warp(block.timestamp + 12 hours);
        reg.activateEmergency(B);
        vm.warp(governor.proposalDeadline(_proposed()) + 1);
        check(governor.wasDefeated(B) && live() == B, "nobody came; it lives on until it expires");
    }

    function _proposed() private returns (uint256) {
        vm.warp(reg.release(B).reviewEnds);
        return propose(update);
    }

    /// @dev The quorum is reached in the last second, so the vote is extended; then its end.
    function _voteLate(uint256 id) private {
        vm.warp(governor.proposalDeadline(id));
        vm.prank(ALICE);
        governor.castVote(id, 1);
        vm.warp(governor.proposalDeadline(id) + 1);
    }

    function _refusedAsDefeated() private {
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseWasDefeated.selector, B));
        reg.activateEmergency(B);
    }
}
