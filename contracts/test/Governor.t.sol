// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IGovernor} from "@openzeppelin/contracts/governance/IGovernor.sol";
import {TimelockController} from "@openzeppelin/contracts/governance/TimelockController.sol";
import {Cid} from "../src/Cid.sol";
import {IAppGovernor} from "../src/interfaces/IAppGovernor.sol";
import {IReleaseRegistry} from "../src/interfaces/IReleaseRegistry.sol";
import {DaoWorld} from "./DaoWorld.sol";

/// @notice The label of a proposal is checked, and a vote opens once, in time. Real governor and timelock.
contract GovernorTest is DaoWorld {
    function setUp() public {
        newDao();
    }

    // ------------------------------------------------------------------------------------------- the honest road

    function test_a_passed_software_update_goes_live() public {
        review(A, 0, 1);
        Action memory update = anUpdate(A);
        uint256 id = propose(update);
        check(governor.updateProposal(A) == id, "found by its bundle");
        voteFor(id);
        queue(update);
        check(live() == 0, "not before the deployment lap");
        vm.warp(block.timestamp + 2 days);
        execute(update);
        check(live() == A && reg.lastRatified() == A, "live");
    }

    function test_the_deployment_lap_cannot_be_cut() public {
        review(A, 0, 1);
        Action memory update = anUpdate(A);
        voteFor(propose(update));
        queue(update);
        vm.warp(block.timestamp + 2 days - 1);
        refused(TimelockController.TimelockUnexpectedOperationState.selector);
        execute(update);
    }

    function test_ordinary_proposals_are_free_in_title_and_action() public {
        decide(anAction(address(token), abi.encodeCall(token.mint, (BOB, 5)), "More votes for Bob"));
        check(token.balanceOf(BOB) == 40 ether + 5, "minted");
    }

    // ------------------------------------------------------------------------------------------ title <=> action

    function test_no_title_that_only_looks_like_an_update_activates() public {
        review(A, 0, 1);
        string[7] memory titles = [
            "software update: 1.0.0",
            "SOFTWARE UPDATE: 1.0.0",
            "S\u043eftware Update: 1.0.0", // Cyrillic o
            " Software Update: 1.0.0",
            "Software\u00a0Update: 1.0.0", // non-breaking space
            "Software Updat",
            "Ice cream for all"
        ];
        for (uint256 i = 0; i < titles.length; ++i) {
            Action memory a = anUpdate(A);
            a.text = string(bytes.concat(bytes(titles[i]), "\nipfs://", Cid.text(A), "\n"));
            _refuses(a, abi.encodeWithSelector(IAppGovernor.GovernorTitleActionMismatch.selector, false, true));
        }
        Action memory empty = anUpdate(A);
        empty.text = "";
        _refuses(empty, abi.encodeWithSelector(IAppGovernor.GovernorTitleActionMismatch.selector, false, true));
        propose(anUpdate(A));
    }

    function test_an_update_title_over_another_action_is_refused() public {
        Action memory a = anUpdate(A);
        a.targets[0] = address(token);
        a.calldatas[0] = abi.encodeCall(token.mint, (ALICE, 1));
        _refuses(a, abi.encodeWithSelector(IAppGovernor.GovernorTitleActionMismatch.selector, true, false));
        a.targets[0] = address(token); // the right words to the wrong contract
        a.calldatas[0] = abi.encodeCall(IReleaseRegistry.activate, (A));
        _refuses(a, abi.encodeWithSelector(IAppGovernor.GovernorTitleActionMismatch.selector, true, false));
    }

    function test_nothing_is_smuggled_beside_or_behind_an_update() public {
        review(A, 0, 1);
        bytes memory reason = abi.encodeWithSelector(IAppGovernor.GovernorUpdateMalformed.selector);
        for (uint256 place = 0; place < 2; ++place) {
            Action memory two = anUpdate(A);
            two.targets = list(address(reg), address(reg));
            two.values = new uint256[](2);
            two.calldatas = new bytes[](2);
            two.calldatas[place] = abi.encodeCall(IReleaseRegistry.activate, (A));
            two.calldatas[1 - place] = abi.encodeCall(IReleaseRegistry.setPublisher, (ALICE, true));
            _refuses(two, reason);
            two.text = "An ordinary title"; // and an activation is found wherever it hides in the list
            _refuses(two, abi.encodeWithSelector(IAppGovernor.GovernorTitleActionMismatch.selector, false, true));
        }
        Action memory longer = anUpdate(A);
        longer.calldatas[0] = bytes.concat(longer.calldatas[0], hex"00");
        _refuses(longer, reason);
        Action memory shorter = anUpdate(A);
        shorter.calldatas[0] = abi.encodePacked(IReleaseRegistry.activate.selector, bytes31(A));
        _refuses(shorter, reason);
        Action memory paid = anUpdate(A);
        paid.values[0] = 1;
        _refuses(paid, reason);
    }

    function test_the_second_line_is_exactly_the_address_of_the_bundle() public {
        review(A, 0, 1);
        Action memory evil = anUpdate(A);
        evil.text = string(bytes.concat("Software Update: 1\nipfs://", Cid.text(B), "\n"));
        _refuses(evil, abi.encodeWithSelector(IAppGovernor.GovernorBundleTextMismatch.selector, A));
        bytes memory upper = Cid.text(A);
        for (uint256 i = 0; i < upper.length; ++i) {
            if (uint8(upper[i]) >= 97) upper[i] = bytes1(uint8(upper[i]) - 32);
        }
        evil.text = string(bytes.concat("Software Update: 1\nipfs://", upper, "\n"));
        _refuses(evil, abi.encodeWithSelector(IAppGovernor.GovernorBundleTextMismatch.selector, A));
        evil.text = string(bytes.concat("Software Update: 1\n\nipfs://", Cid.text(A), "\n"));
        _refuses(evil, abi.encodeWithSelector(IAppGovernor.GovernorBundleTextMismatch.selector, A));
        evil.text = string(bytes.concat("Software Update: 1\r\nipfs://", Cid.text(A), "\r\n"));
        _refuses(evil, abi.encodeWithSelector(IAppGovernor.GovernorBundleTextMismatch.selector, A));
        evil.text = string(bytes.concat("Software Update: 1\nipfs://", Cid.text(A)));
        _refuses(evil, abi.encodeWithSelector(IAppGovernor.GovernorTitleMalformed.selector));
        evil.text = "Software Update";
        _refuses(evil, abi.encodeWithSelector(IAppGovernor.GovernorTitleMalformed.selector));
    }

    function test_a_title_has_at_most_160_bytes() public {
        review(A, 0, 1);
        Action memory a = anUpdate(A);
        a.text = _titleOf(161, A);
        _refuses(a, abi.encodeWithSelector(IAppGovernor.GovernorTitleMalformed.selector));
        a.text = _titleOf(160, A);
        propose(a);
    }

    function testFuzz_only_the_true_text_of_a_bundle_is_accepted(bytes32 bundle, uint256 place, uint8 flip) public {
        review(A, 0, 1);
        Action memory a = anUpdate(A);
        bytes memory text = bytes(a.text);
        place = bound(place, 0, 89); // "Software Update: 1.0.0\n" (23), "ipfs://" (7), CID (59), line feed
        bool harmless = place >= 15 && place < 22 && flip != 0x0a;
        if (flip == uint8(text[place])) harmless = true;
        text[place] = bytes1(flip);
        vm.prank(ALICE);
        try governor.propose(a.targets, a.values, a.calldatas, string(text)) {
            check(harmless, "a wrong text was accepted");
        } catch {
            check(!harmless, "the true text was refused");
        }
        if (bundle == A) return;
        a = anUpdate(bundle);
        a.targets[0] = address(reg);
        a.calldatas[0] = abi.encodeCall(IReleaseRegistry.activate, (A));
        vm.prank(ALICE);
        (bool accepted,) = address(governor)
            .call(
                abi.encodeWithSignature(
                    "propose(address[],uint256[],bytes[],string)", a.targets, a.values, a.calldatas, a.text
                )
            );
        check(!accepted, "text of one bundle, action of another");
    }

    // ---------------------------------------------------------------------------------------- one vote, in time

    function test_voting_never_opens_before_the_review_lap_ends() public {
        publish(A, 0, 1);
        _refuses(anUpdate(A), abi.encodeWithSelector(IAppGovernor.GovernorReviewNotFinished.selector, A, uint48(0)));
        attestAll(A, 400, 0);
        uint48 ends = reg.release(A).reviewEnds;
        vm.warp(ends - 1 days - 1);
        _refuses(anUpdate(A), abi.encodeWithSelector(IAppGovernor.GovernorReviewNotFinished.selector, A, ends));
        vm.warp(ends - 1 days);
        check(governor.proposalSnapshot(propose(anUpdate(A))) >= ends, "voting opens");
    }

    function test_a_rival_copy_cannot_displace_a_live_vote() public {
        review(A, 0, 1);
        Action memory first = anUpdate(A);
        uint256 id = propose(first);
        Action memory rival = anUpdate(A);
        rival.text = string.concat(rival.text, "!");
        bytes memory reason = abi.encodeWithSelector(IAppGovernor.GovernorVoteAlreadyOpen.selector, A, id);
        _refuses(rival, reason); // pending
        vm.warp(governor.proposalSnapshot(id) + 1);
        _refuses(rival, reason); // active
        vm.prank(ALICE);
        governor.castVote(id, 1);
        vm.warp(governor.proposalDeadline(id) + 1);
        _refuses(rival, reason); // succeeded
        queue(first);
        _refuses(rival, reason); // queued
        vm.warp(block.timestamp + 2 days);
        execute(first);
        _refuses(rival, reason); // executed
    }

    function test_a_vote_that_failed_may_be_held_again() public {
        review(A, 0, 1);
        uint256 id = propose(anUpdate(A));
        vm.warp(governor.proposalDeadline(id) + 1);
        check(governor.state(id) == IGovernor.ProposalState.Defeated, "nobody came");
        Action memory again = anUpdate(A);
        again.text = string.concat(again.text, " Second try.");
        uint256 rested = governor.proposalDeadline(id) + 1 days + 3 days;
        bytes memory reason = abi.encodeWithSelector(IAppGovernor.GovernorVoteLost.selector, A, rested);
        _refuses(again, reason); // or whoever asks often enough asks once while nobody looks
        vm.warp(rested - 1);
        _refuses(again, reason);
        vm.warp(rested);
        check(propose(again) != id && governor.updateProposal(A) != id, "replaced");
        decideKnown(again);
        check(live() == A, "live");
    }

    function test_a_proposer_cancels_only_before_the_vote_opens() public {
        review(A, 0, 1);
        Action memory a = anUpdate(A);
        uint256 id = propose(a);
        bytes32 text = keccak256(bytes(a.text));
        vm.warp(governor.proposalSnapshot(id) + 1);
        vm.prank(ALICE);
        refused(abi.encodeWithSelector(IGovernor.GovernorUnableToCancel.selector, id, ALICE));
        governor.cancel(a.targets, a.values, a.calldatas, text);
        a.text = string.concat(a.text, " again");
        vm.warp(governor.proposalDeadline(id) + 4 days);
        id = propose(a);
        text = keccak256(bytes(a.text));
        vm.prank(BOB);
        refused(abi.encodeWithSelector(IGovernor.GovernorUnableToCancel.selector, id, BOB));
        governor.cancel(a.targets, a.values, a.calldatas, text);
        vm.prank(ALICE);
        governor.cancel(a.targets, a.values, a.calldatas, text);
        check(governor.state(id) == IGovernor.ProposalState.Canceled, "while pending");
        a.text = string.concat(a.text, " and again");
        check(propose(a) != id, "what was cancelled may be proposed again at once");
    }

    function test_a_proposer_needs_votes() public {
        review(A, 0, 1);
        Action memory a = anUpdate(A);
        vm.prank(address(0xBAD));
        refused(IGovernor.GovernorInsufficientProposerVotes.selector);
        governor.propose(a.targets, a.values, a.calldatas, a.text);
    }

    // ------------------------------------------------------------------------------------------------- private

    function decideKnown(Action memory a) private {
        voteFor(governor.updateProposal(A));
        queue(a);
        vm.warp(block.timestamp + timelock.getMinDelay());
        execute(a);
    }

    function _refuses(Action memory a, bytes memory reason) private {
        vm.prank(ALICE);
        refused(reason);
        governor.propose(a.targets, a.values, a.calldatas, a.text);
    }

    function _titleOf(uint256 length, bytes32 bundle) private pure returns (string memory) {
        bytes memory title = new bytes(length);
        bytes memory start = "Software Update";
        for (uint256 i = 0; i < length; ++i) {
            title[i] = i < start.length ? start[i] : bytes1("x");
        }
        return string(bytes.concat(title, "\nipfs://", Cid.text(bundle), "\n"));
    }
}
