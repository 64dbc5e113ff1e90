// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {IAppGovernor} from "../src/interfaces/IAppGovernor.sol";
import {IAppTimelock} from "../src/interfaces/IAppTimelock.sol";
import {IDaoFactory} from "../src/interfaces/IDaoFactory.sol";
import {IReleaseRegistry} from "../src/interfaces/IReleaseRegistry.sol";
import {DaoWorld} from "./DaoWorld.sol";

/// @notice What somebody who holds every vote, or the timelock itself, still cannot do.
contract CapturedTest is DaoWorld {
    function setUp() public {
        newDao();
    }

    /// @notice I7: whoever controls the timelock still cannot activate.
    function test_a_captured_timelock_cannot_activate() public {
        review(A, 0, 1);
        vm.prank(address(timelock));
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNotPassed.selector, A, 0));
        reg.activate(A);
        Action memory a = anUpdate(A);
        uint256 id = propose(a);
        voteFor(id);
        queue(a);
        vm.warp(block.timestamp + 2 days);
        vm.prank(address(timelock)); // passed and queued, but the governor did not execute it
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNotPassed.selector, A, id));
        reg.activate(A);
        check(live() == 0, "live");
    }

    function test_a_vote_executed_past_the_governor_does_not_activate() public {
        review(A, 0, 1);
        Action memory a = anUpdate(A);
        voteFor(propose(a));
        queue(a);
        vm.warp(block.timestamp + 2 days);
        bytes32 salt = bytes32(bytes20(address(governor))) ^ keccak256(bytes(a.text));
        (bool done,) = address(timelock)
            .call(abi.encodeCall(timelock.executeBatch, (a.targets, a.values, a.calldatas, bytes32(0), salt)));
        check(!done && live() == 0, "past the governor");
        execute(a);
        check(live() == A, "by the governor");
    }

    function test_strangers_and_the_governor_itself_cannot_activate() public {
        review(A, 0, 1);
        address[3] memory callers = [ALICE, PUBLISHER, address(governor)];
        for (uint256 i = 0; i < callers.length; ++i) {
            vm.prank(callers[i]);
            refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNotTimelock.selector, callers[i]));
            reg.activate(A);
        }
    }

    function test_no_vote_goes_below_a_floor_or_changes_the_timelock_or_its_roles() public {
        address self = address(governor);
        _fails(self, abi.encodeCall(governor.setVotingDelay, (1 days - 1)));
        _fails(self, abi.encodeCall(governor.setVotingPeriod, (3 days - 1)));
        _fails(self, abi.encodeCall(governor.updateQuorumNumerator, (3)));
        _fails(self, abi.encodeCall(governor.updateTimelock, (TimelockController(payable(ALICE)))));
        address lap = address(timelock);
        _fails(lap, abi.encodeCall(timelock.updateDelay, (2 days - 1)));
        _fails(lap, abi.encodeCall(timelock.grantRole, (timelock.PROPOSER_ROLE(), ALICE)));
        _fails(lap, abi.encodeCall(timelock.revokeRole, (timelock.PROPOSER_ROLE(), self)));
        decide(anAction(self, abi.encodeCall(governor.setVotingDelay, (1 days)), "at the floor"));
        decide(anAction(self, abi.encodeCall(governor.setVotingPeriod, (4 days)), "above the floor"));
        decide(anAction(self, abi.encodeCall(governor.updateQuorumNumerator, (4)), "at the floor: quorum"));
        decide(anAction(lap, abi.encodeCall(timelock.updateDelay, (5 days)), "a longer lap"));
        check(governor.votingPeriod() == 4 days && timelock.getMinDelay() == 5 days, "set");
    }

    /// @notice One vote that was bought must not be the last one.
    function test_no_vote_locks_later_votes_out() public {
        address self = address(governor);
        _fails(self, abi.encodeCall(governor.setVotingDelay, (14 days + 1)));
        _fails(self, abi.encodeCall(governor.setVotingDelay, (1 << 47)));
        _fails(self, abi.encodeCall(governor.setVotingPeriod, (30 days + 1)));
        _fails(self, abi.encodeCall(governor.setLateQuorumVoteExtension, (3 days + 1)));
        _fails(self, abi.encodeCall(governor.setProposalThreshold, (5 ether + 1)));
        _fails(self, abi.encodeCall(governor.updateQuorumNumerator, (21)));
        _fails(address(timelock), abi.encodeCall(timelock.updateDelay, (30 days + 1)));
        decide(anAction(self, abi.encodeCall(governor.setVotingPeriod, (30 days)), "the longest"));
        decide(anAction(self, abi.encodeCall(governor.setVotingDelay, (14 days)), "the longest wait"));
        decide(anAction(self, abi.encodeCall(governor.setLateQuorumVoteExtension, (30 days)), "the latest"));
        decide(anAction(self, abi.encodeCall(governor.setProposalThreshold, (5 ether)), "the highest"));
        decide(anAction(self, abi.encodeCall(governor.updateQuorumNumerator, (20)), "twice the first"));
        decide(anAction(address(timelock), abi.encodeCall(timelock.updateDelay, (30 days)), "the longest lap"));
        uint256 from = block.timestamp;
        decide(anAction(self, abi.encodeCall(governor.setVotingDelay, (1 days)), "and back"));
        check(block.timestamp <= from + 104 days && governor.votingDelay() == 1 days, "undone");
    }

    function test_a_threshold_of_birth_may_stay_however_high() public {
        IDaoFactory.Founding memory f = aFounding();
        (f.proposalThreshold, f.quorumPercent) = (20 ether, 60);
        adopt(factory.create(f, codes(false), "high"));
        vm.warp(block.timestamp + 1);
        address self = address(governor);
        _fails(self, abi.encodeCall(governor.setProposalThreshold, (20 ether + 1)));
        decide(anAction(self, abi.encodeCall(governor.setProposalThreshold, (20 ether)), "as it was"));
        decide(anAction(self, abi.encodeCall(governor.updateQuorumNumerator, (100)), "all of them"));
    }

    function test_no_vote_acts_as_the_governor() public {
        address self = address(governor);
        bytes memory leave = abi.encodeCall(timelock.renounceRole, (timelock.PROPOSER_ROLE(), self));
        _fails(self, abi.encodeCall(governor.relay, (address(timelock), 0, leave)));
        bytes memory plant = abi.encodeCall(
            timelock.schedule, (address(reg), 0, abi.encodeCall(reg.setPublisher, (ALICE, true)), 0, 0, 2 days)
        );
        _fails(self, abi.encodeCall(governor.relay, (address(timelock), 0, plant)));
        vm.prank(address(timelock));
        refused(abi.encodeWithSelector(IAppGovernor.GovernorRelayClosed.selector));
        governor.relay(ALICE, 0, "");
        check(timelock.hasRole(timelock.PROPOSER_ROLE(), self), "still");
    }

    function test_settings_refuse_strangers_too() public {
        refused(IGovernor.GovernorOnlyExecutor.selector);
        governor.setVotingPeriod(4 days);
        refused(IGovernor.GovernorOnlyExecutor.selector);
        governor.setProposalThreshold(1 ether);
        refused(TimelockController.TimelockUnauthorizedCaller.selector);
        timelock.updateDelay(3 days);
        refused(abi.encodeWithSelector(IAppTimelock.TimelockRolesFixed.selector));
        timelock.grantRole(0, ALICE);
    }

    /// @notice A vote bought with borrowed tokens decides nothing: votes are those of a past moment.
    function test_votes_that_arrive_after_the_snapshot_do_not_count() public {
        review(A, 0, 1);
        uint256 id = propose(anUpdate(A));
        vm.warp(governor.proposalSnapshot(id) + 1);
        vm.prank(BOB);
        token.transfer(address(0xBAD), 40 ether);
        vm.startPrank(address(0xBAD));
        token.delegate(address(0xBAD));
        vm.warp(block.timestamp + 1);
        check(governor.castVote(id, 1) == 0, "weight");
        vm.stopPrank();
    }

    /// @dev Everybody votes for it, and still it does not happen.
    function _fails(address target, bytes memory data) private {
        Action memory a = anAction(target, data, "Captured");
        voteFor(propose(a));
        queue(a);
        vm.warp(block.timestamp + timelock.getMinDelay());
        bytes32 text = keccak256(bytes(a.text));
        (bool done,) =
            address(governor).call(abi.encodeCall(governor.execute, (a.targets, a.values, a.calldatas, text)));
        check(!done, "a vote did what none can do");
    }
}
