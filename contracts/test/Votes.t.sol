// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AppMembership} from "../src/AppMembership.sol";
import {AppTimelock} from "../src/AppTimelock.sol";
import {AppVotes} from "../src/AppVotes.sol";
import {IAppMembership} from "../src/interfaces/IAppMembership.sol";
import {IAppTimelock} from "../src/interfaces/IAppTimelock.sol";
import {IAppVotes} from "../src/interfaces/IAppVotes.sol";
import {Base} from "./Base.sol";

/// @notice Both kinds of votes, and the timelock alone.
contract VotesTest is Base {
    address private constant TIMELOCK = address(0x71);
    uint256 private constant KEY = 0xA11CE;
    address private alice = vm.addr(KEY);
    address private bob = address(0xB0B);
    address private carol = address(0xCA201);

    AppVotes private votes;
    AppMembership private members;

    function setUp() public {
        vm.warp(1_800_000_000);
        uint256[] memory amounts = new uint256[](2);
        (amounts[0], amounts[1]) = (60, 40);
        votes = new AppVotes("Guestbook", "GUEST", TIMELOCK, list(alice, bob), amounts);
        (amounts[0], amounts[1]) = (1, 1);
        members = new AppMembership("Guestbook", "GUEST", TIMELOCK, list(alice, bob), amounts);
    }

    function test_first_holders_can_vote_from_birth() public view {
        check(votes.getVotes(alice) == 60 && votes.getVotes(bob) == 40 && votes.totalSupply() == 100, "votes");
        check(members.getVotes(alice) == 1 && members.getVotes(bob) == 1, "members");
    }

    function test_the_clock_counts_seconds() public view {
        check(votes.clock() == block.timestamp, "clock");
        check(keccak256(bytes(votes.CLOCK_MODE())) == keccak256("mode=timestamp"), "mode");
    }

    function test_votes_move_with_the_token_and_the_past_stays() public {
        vm.prank(alice);
        votes.transfer(bob, 10);
        vm.warp(block.timestamp + 1);
        check(votes.getPastVotes(bob, block.timestamp - 1) == 50, "moved");
        check(votes.getPastVotes(bob, 1_799_999_999) == 0, "past");
    }

    function test_only_the_timelock_mints() public {
        refused(abi.encodeWithSelector(IAppVotes.VotesNotTimelock.selector, address(this)));
        votes.mint(carol, 1);
        vm.prank(TIMELOCK);
        votes.mint(carol, 7);
        check(votes.balanceOf(carol) == 7, "minted");
        refused(abi.encodeWithSelector(IAppVotes.VotesNotTimelock.selector, address(this)));
        members.mint(carol, 1);
        refused(abi.encodeWithSelector(IAppVotes.VotesNotTimelock.selector, address(this)));
        members.burn(bob);
    }

    function test_holders_and_amounts_match() public {
        refused(abi.encodeWithSelector(IAppVotes.VotesHoldersMalformed.selector));
        new AppVotes("n", "s", TIMELOCK, list(alice, bob), new uint256[](1));
        refused(abi.encodeWithSelector(IAppVotes.VotesHoldersMalformed.selector));
        new AppVotes("n", "s", TIMELOCK, new address[](0), new uint256[](0));
    }

    function test_a_signature_approves() public {
        bytes32 kind = keccak256("Permit(address owner,address spender,uint256 value,uint256 nonce,uint256 deadline)");
        bytes32 message = keccak256(abi.encode(kind, alice, bob, 5, votes.nonces(alice), block.timestamp));
        bytes32 digest = keccak256(abi.encodePacked(hex"1901", votes.DOMAIN_SEPARATOR(), message));
        (uint8 v, bytes32 r, bytes32 s) = vm.sign(KEY, digest);
        votes.permit(alice, bob, 5, block.timestamp, v, r, s);
        check(votes.allowance(alice, bob) == 5, "permit");
    }

    function test_membership_does_not_change_hands() public {
        bytes memory reason = abi.encodeWithSelector(IAppMembership.MembershipNotTransferable.selector, alice, bob);
        vm.startPrank(alice);
        refused(reason);
        members.transfer(bob, 1);
        refused(reason);
        members.transfer(bob, 0);
        members.approve(carol, 1);
        vm.stopPrank();
        vm.prank(carol);
        refused(reason);
        members.transferFrom(alice, bob, 1);
    }

    function test_one_member_has_one_vote() public {
        vm.startPrank(TIMELOCK);
        refused(abi.encodeWithSelector(IAppMembership.MembershipAlreadyHeld.selector, alice));
        members.mint(alice, 1);
        refused(abi.encodeWithSelector(IAppMembership.MembershipAlreadyHeld.selector, carol));
        members.mint(carol, 2);
        members.mint(carol, 1);
        check(members.getVotes(carol) == 1, "own delegate from the first moment");
        members.burn(carol);
        check(members.getVotes(carol) == 0 && members.balanceOf(carol) == 0, "ended");
        vm.stopPrank();
    }

    function test_a_member_may_still_delegate() public {
        vm.prank(alice);
        members.delegate(bob);
        check(members.getVotes(bob) == 2 && members.getVotes(alice) == 0, "delegated");
    }

    function test_a_timelock_is_not_born_below_its_floor() public {
        refused(abi.encodeWithSelector(IAppTimelock.TimelockBelowFloor.selector, 9, 10));
        new AppTimelock(9, 10, alice);
        AppTimelock lap = new AppTimelock(10, 10, alice);
        vm.prank(address(lap));
        refused(abi.encodeWithSelector(IAppTimelock.TimelockBelowFloor.selector, 9, 10));
        lap.updateDelay(9);
        vm.prank(address(lap));
        lap.updateDelay(11);
        check(lap.getMinDelay() == 11 && lap.floor() == 10, "delay");
    }

    function test_no_deployment_lap_is_so_long_that_it_locks_later_votes_out() public {
        bytes memory reason =
            abi.encodeWithSelector(IAppTimelock.TimelockAboveCeiling.selector, 30 days + 1, uint256(30 days));
        refused(reason);
        new AppTimelock(30 days + 1, 10, alice);
        AppTimelock lap = new AppTimelock(10, 10, alice);
        vm.startPrank(address(lap));
        refused(reason);
        lap.updateDelay(30 days + 1);
        lap.updateDelay(30 days);
        vm.stopPrank();
        check(lap.getMinDelay() == 30 days, "delay");
    }

    function test_nobody_gives_a_role_of_the_timelock_up() public {
        AppTimelock lap = new AppTimelock(10, 10, alice);
        bytes32[2] memory roles = [lap.PROPOSER_ROLE(), lap.CANCELLER_ROLE()];
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(alice);
            refused(abi.encodeWithSelector(IAppTimelock.TimelockRolesFixed.selector));
            lap.renounceRole(roles[i], alice);
            check(lap.hasRole(roles[i], alice), "still");
        }
    }
}
