// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IAuditorSeats} from "../src/interfaces/IAuditorSeats.sol";
import {World} from "./World.sol";

/// @notice One organisation, one seat: else a few of them, or one, would be the majority.
contract OneSeatTest is World {
    address private constant NEW = address(0xE0);

    function setUp() public {
        newWorld(aPolicy());
    }

    function test_an_organisation_has_one_seat_by_whatever_keys() public {
        bytes memory sits = abi.encodeWithSelector(IAuditorSeats.SeatHolderRefused.selector, auditor(3));
        vm.startPrank(address(organisations));
        refused(sits);
        seats.appoint(2, auditor(3), NEW);
        vm.stopPrank();
        for (uint256 i = 2; i < 4; ++i) {
            vm.prank(auditor(i));
            organisations.admit(NEW, "https://new.example");
        }
        vm.startPrank(address(organisations));
        seats.appoint(2, NEW, address(0xE1));
        refused(abi.encodeWithSelector(IAuditorSeats.SeatHolderRefused.selector, NEW)); // it awaits that one
        seats.appoint(4, NEW, address(0xE2));
        seats.appoint(2, NEW, address(0xE2)); // the same again, by another key, is no second seat
        (,, uint48 from) = seats.pending(2);
        vm.warp(from);
        refused(abi.encodeWithSelector(IAuditorSeats.SeatHolderRefused.selector, NEW)); // and now it sits there
        seats.appoint(4, NEW, address(0xE3));
        seats.appoint(2, NEW, address(0xE4)); // a new term of its own
        seats.appoint(4, auditor(2), address(0xE5)); // who left may come back elsewhere
        vm.stopPrank();
        check(seats.holders()[2] == address(0xE2) && seats.organisationOf(2) == NEW, "seated");
    }

    function test_an_organisation_that_sits_by_another_key_gets_no_seat_in_its_own_name() public {
        vm.prank(auditor(2));
        seats.handOver(2, address(0xE1));
        wait_(60 days);
        bytes memory reason = abi.encodeWithSelector(IAuditorSeats.SeatHolderRefused.selector, auditor(2));
        vm.prank(TIMELOCK);
        refused(reason);
        seats.nameAuditor(0, auditor(2));
        vm.prank(auditor(3));
        refused(reason);
        seats.handOver(3, auditor(2));
    }
}
