// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AuditorSeats} from "../src/AuditorSeats.sol";
import {Policy} from "../src/Policy.sol";
import {IAuditorRegistry} from "../src/interfaces/IAuditorRegistry.sol";
import {IAuditorSeats} from "../src/interfaces/IAuditorSeats.sol";
import {IReleaseRegistry} from "../src/interfaces/IReleaseRegistry.sol";
import {World} from "./World.sol";

/// @notice Who audits, who decides that, and when it takes effect.
contract SeatsTest is World {
    bytes32 private constant A = keccak256("a");
    bytes32 private constant B = keccak256("b");
    address private constant NEW = address(0xE0);
    uint48 private constant CEILING = 60 days;

    function setUp() public {
        newWorld(aPolicy());
    }

    // ----------------------------------------------------------------------------------------------- at birth

    function test_five_seats_two_of_them_named_by_the_dao() public view {
        check(seats.size() == 5 && seats.daoSeats() == 2, "sizes");
        for (uint8 i = 0; i < 5; ++i) {
            check(seats.holders()[i] == auditor(i), "holder");
            check(seats.organisationOf(i) == (i < 2 ? address(0) : auditor(i)), "organisation");
        }
    }

    function test_terms_are_staggered() public view {
        for (uint8 i = 0; i < 5; ++i) {
            uint48 first = BIRTH + 72 days * uint48(i + 1);
            check(seats.termEnd(i, BIRTH) == first, "first term");
            check(seats.termEnd(i, first - 1) == first && seats.termEnd(i, first) == first + 360 days, "next term");
            check(seats.termEnd(i, first + 1000 days) == first + 1080 days, "later term");
        }
    }

    function test_the_dao_never_names_a_majority_and_nobody_sits_twice() public {
        AuditorSeats.Setup memory s = _setup();
        s.auditors = list(auditor(0), auditor(1), NEW); // three of six
        _refuses(s, abi.encodeWithSelector(IAuditorSeats.SeatsMalformed.selector));
        s = _setup();
        s.auditors = list(auditor(0), auditor(0));
        _refuses(s, abi.encodeWithSelector(IAuditorSeats.SeatHolderRefused.selector, auditor(0)));
        s.auditors = list(auditor(0), auditor(2));
        _refuses(s, abi.encodeWithSelector(IAuditorSeats.SeatHolderRefused.selector, auditor(2)));
        s.auditors = list(auditor(0), address(0));
        _refuses(s, abi.encodeWithSelector(IAuditorSeats.SeatHolderRefused.selector, address(0)));
        s = _setup();
        s.others = list(auditor(2), auditor(3), NEW);
        _refuses(s, abi.encodeWithSelector(IAuditorSeats.SeatNotOrganisation.selector, NEW));
        s = _setup();
        (s.auditors, s.others) = (new address[](0), list(auditor(2), auditor(3)));
        _refuses(s, abi.encodeWithSelector(IAuditorSeats.SeatsMalformed.selector));
        s = _setup();
        s.term = s.termFloor - 1;
        _refuses(s, abi.encodeWithSelector(IAuditorSeats.SeatsMalformed.selector));
    }

    // --------------------------------------------------------------------------------------- seats of the DAO

    function test_the_dao_names_its_own_seats_only_at_the_end_of_a_term() public {
        refused(abi.encodeWithSelector(IAuditorSeats.SeatNotYours.selector, uint8(0), address(this)));
        seats.nameAuditor(0, NEW);
        refused(abi.encodeWithSelector(IAuditorSeats.SeatUnknown.selector, uint8(2)));
        _name(2, NEW);
        uint48 from = _name(0, NEW);
        check(from == BIRTH + 72 days && seats.holderAt(0, BIRTH) == auditor(0), "end of the first term");
        vm.warp(from - 1);
        check(seats.holders()[0] == auditor(0), "until then");
        vm.warp(from);
        check(seats.holders()[0] == NEW && seats.holderAt(0, from - 1) == auditor(0), "then");
    }

    function test_a_successor_is_public_for_the_full_ceiling() public {
        vm.warp(BIRTH + 72 days - CEILING + 1); // too late for the end of this term
        check(_name(0, NEW) == BIRTH + 72 days + 360 days, "a term later");
        vm.warp(BIRTH + 144 days - CEILING);
        check(_name(1, address(0xE1)) == BIRTH + 144 days, "just in time");
    }

    function test_a_lower_ceiling_does_not_bring_a_change_of_seat_forward() public {
        Policy memory p = aPolicy();
        p.ceiling = 10 days;
        propose(p);
        vm.warp(BIRTH + 72 days - 20 days); // 20 days left: enough for the new ceiling, not for the one in force
        check(_name(0, NEW) == BIRTH + 432 days, "the ceiling in force");
    }

    function test_who_holds_or_awaits_a_seat_gets_no_other() public {
        refused(abi.encodeWithSelector(IAuditorSeats.SeatHolderRefused.selector, auditor(1)));
        _name(0, auditor(1));
        refused(abi.encodeWithSelector(IAuditorSeats.SeatHolderRefused.selector, address(0)));
        _name(0, address(0));
        _name(0, NEW);
        refused(abi.encodeWithSelector(IAuditorSeats.SeatHolderRefused.selector, NEW));
        _name(1, NEW);
        _name(0, NEW); // the same again is no second seat
        (address next,, uint48 from) = seats.pending(0);
        check(next == NEW && from == BIRTH + 72 days, "pending");
    }

    // -------------------------------------------------------------------------------- seats of organisations

    function test_only_a_majority_of_organisations_appoints_another_one() public {
        _admit(NEW);
        vm.prank(TIMELOCK);
        refused(abi.encodeWithSelector(IAuditorSeats.SeatNotYours.selector, uint8(2), TIMELOCK));
        seats.appoint(2, NEW, NEW);
        vm.prank(TIMELOCK);
        refused(abi.encodeWithSelector(IAuditorRegistry.RegistryNotOrganisation.selector, TIMELOCK));
        organisations.appoint(address(seats), 2, NEW, NEW);
        _appoint(auditor(3), 2, NEW, NEW);
        (,, uint48 from) = seats.pending(2);
        check(from == 0, "one of four is no majority");
        _appoint(auditor(4), 2, NEW, NEW);
        _appoint(NEW, 2, NEW, NEW);
        (,, from) = seats.pending(2);
        check(from == BIRTH + 216 days, "end of the term");
        vm.warp(from);
        check(seats.holders()[2] == NEW && seats.organisationOf(2) == NEW, "seated");
    }

    function test_organisations_do_not_appoint_to_seats_of_the_dao() public {
        _appoint(auditor(2), 0, auditor(3), NEW);
        vm.prank(auditor(3));
        refused(abi.encodeWithSelector(IAuditorSeats.SeatUnknown.selector, uint8(0)));
        organisations.appoint(address(seats), 0, auditor(3), NEW);
    }

    function test_only_an_organisation_can_be_appointed() public {
        _appoint(auditor(2), 2, NEW, NEW);
        vm.prank(auditor(3));
        refused(abi.encodeWithSelector(IAuditorSeats.SeatNotOrganisation.selector, NEW));
        organisations.appoint(address(seats), 2, NEW, NEW);
    }

    function test_who_leaves_cannot_stop_the_successor() public {
        _admit(NEW);
        _appoint(auditor(3), 2, NEW, NEW);
        _appoint(auditor(4), 2, NEW, NEW);
        _appoint(NEW, 2, NEW, NEW);
        vm.prank(auditor(2));
        refused(abi.encodeWithSelector(IAuditorSeats.SeatSuccessorPending.selector, uint8(2), BIRTH + 216 days));
        seats.handOver(2, address(0xE5));
    }

    function test_a_key_is_handed_over_by_who_sits_or_its_organisation_after_the_ceiling() public {
        vm.prank(auditor(2));
        check(seats.handOver(2, NEW) == BIRTH + CEILING, "organisation");
        vm.prank(auditor(0));
        check(seats.handOver(0, address(0xE1)) == BIRTH + CEILING, "who sits");
        vm.warp(BIRTH + CEILING);
        check(seats.holders()[2] == NEW && seats.organisationOf(2) == auditor(2), "same organisation");
        vm.prank(NEW); // the key that sits is not the organisation
        refused(abi.encodeWithSelector(IAuditorSeats.SeatNotYours.selector, uint8(2), NEW));
        seats.handOver(2, address(0xE6));
        vm.prank(TIMELOCK);
        refused(abi.encodeWithSelector(IAuditorSeats.SeatNotYours.selector, uint8(0), TIMELOCK));
        seats.handOver(0, address(0xE6));
    }

    function test_an_appointment_replaces_a_hand_over_that_waits() public {
        vm.prank(auditor(0));
        seats.handOver(0, address(0xE1));
        uint48 from = _name(0, NEW);
        vm.warp(BIRTH + CEILING);
        check(seats.holders()[0] == auditor(0), "the hand-over is gone");
        vm.warp(from);
        check(seats.holders()[0] == NEW, "the successor comes");
    }

    function test_an_organisation_that_was_removed_leaves_its_seat_empty() public {
        _admit(NEW);
        publish(A, 0, 1);
        _removeOrganisation(auditor(2));
        uint48 removed = uint48(block.timestamp);
        wait_(1);
        check(seats.holders()[2] == address(0) && seats.holderAt(2, removed) == auditor(2), "vacant from now on");
        attest(A, 2, 10, 0); // its seat when A was published
        publish(B, 0, 2);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNotAuditor.selector, auditor(2)));
        attest(B, 2, 10, 0);
        vm.prank(auditor(2));
        refused(abi.encodeWithSelector(IAuditorSeats.SeatNotYours.selector, uint8(2), auditor(2)));
        seats.handOver(2, address(0xE5));
        _appoint(auditor(3), 2, NEW, NEW);
        _appoint(auditor(4), 2, NEW, NEW);
        (,, uint48 from) = seats.pending(2);
        check(from == block.timestamp + CEILING, "an empty seat does not wait for a term");
    }

    // ---------------------------------------------------------------------------------- clocks that run

    function test_a_change_of_seat_never_touches_a_clock_that_runs() public {
        uint48 from = _name(0, NEW);
        vm.warp(from - 1);
        publish(A, 0, 1);
        attest(A, 1, 400, 0);
        attest(A, 2, 400, 0);
        vm.warp(from + 1);
        vm.prank(NEW);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNotAuditor.selector, NEW));
        reg.attest(A, 0, 100, 0, 0);
        attest(A, 0, 400, 0); // who sat when A was published still speaks for the seat
        check(get(A).clockStart == block.timestamp, "clock");
        publish(B, 0, 2);
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNotAuditor.selector, auditor(0)));
        attest(B, 0, 1, 0);
        vm.prank(NEW);
        reg.attest(B, 400, 100, 0, 0);
    }

    function test_who_sits_today_halts_not_who_sat_then() public {
        goLive(A, 0, 1, 10);
        vm.warp(_name(0, NEW));
        vm.prank(auditor(0));
        refused(abi.encodeWithSelector(IReleaseRegistry.ReleaseNotAuditor.selector, auditor(0)));
        reg.halt(A);
        vm.prank(NEW);
        reg.halt(A);
    }

    // ------------------------------------------------------------------------------------------------ private

    function _setup() private view returns (AuditorSeats.Setup memory s) {
        s.registry = address(reg);
        s.timelock = TIMELOCK;
        s.organisations = address(organisations);
        s.auditors = list(auditor(0), auditor(1));
        s.others = list(auditor(2), auditor(3), auditor(4));
        (s.term, s.termFloor) = (360 days, 100 days);
    }

    function _refuses(AuditorSeats.Setup memory s, bytes memory reason) private {
        refused(reason);
        new AuditorSeats(s);
    }

    function _name(uint8 seat, address who) private returns (uint48) {
        vm.prank(TIMELOCK);
        return seats.nameAuditor(seat, who);
    }

    function _appoint(address as_, uint8 seat, address organisation, address who) private {
        vm.prank(as_);
        organisations.appoint(address(seats), seat, organisation, who);
    }

    function _admit(address organisation) private {
        for (uint256 i = 2; i < 4; ++i) {
            vm.prank(auditor(i));
            organisations.admit(organisation, "https://new.example");
        }
        check(organisations.isOrganisation(organisation), "admitted");
    }

    function _removeOrganisation(address organisation) private {
        for (uint256 i = 3; i < 5; ++i) {
            vm.prank(auditor(i));
            organisations.remove(organisation);
        }
        vm.prank(NEW);
        organisations.remove(organisation);
        check(!organisations.isOrganisation(organisation), "removed");
    }
}
