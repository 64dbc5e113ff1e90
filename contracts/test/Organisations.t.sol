// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AuditorRegistry} from "../src/AuditorRegistry.sol";
import {IAuditorRegistry} from "../src/interfaces/IAuditorRegistry.sol";
import {World} from "./World.sol";

/// @notice The independent organisations, and how they decide together.
contract OrganisationsTest is World {
    address private constant NEW = address(0xE0);

    function setUp() public {
        newWorld(aPolicy());
    }

    function test_a_majority_admits_and_removes() public {
        check(!_admit(2, "u") && !organisations.isOrganisation(NEW), "one of three");
        vm.prank(auditor(2));
        refused(IAuditorRegistry.RegistryAlreadySupported.selector);
        organisations.admit(NEW, "u");
        check(_admit(3, "u") && organisations.isOrganisation(NEW), "two of three");
        check(organisations.organisations().length == 4, "listed");
        uint48 when = uint48(block.timestamp);
        wait_(1 days);
        check(!_remove(2, NEW) && !_remove(3, NEW) && _remove(4, NEW), "three of four");
        check(organisations.wasOrganisation(NEW, when) && !organisations.isOrganisation(NEW), "was");
        check(!organisations.wasOrganisation(NEW, uint48(block.timestamp) + 1), "no more");
        check(organisations.organisations().length == 3, "unlisted");
    }

    function test_strangers_and_deployers_have_no_say() public {
        refused(abi.encodeWithSelector(IAuditorRegistry.RegistryNotOrganisation.selector, address(this)));
        organisations.admit(NEW, "u");
    }

    function test_another_text_is_another_motion() public {
        _admit(2, "https://honest.example");
        check(!_admit(3, "https://evil.example"), "supports do not add up");
    }

    function test_nobody_comes_back_and_nobody_comes_twice() public {
        _admit(2, "u");
        _admit(3, "u");
        vm.prank(auditor(2));
        refused(abi.encodeWithSelector(IAuditorRegistry.RegistryOrganisationRefused.selector, NEW));
        organisations.admit(NEW, "again");
        vm.prank(auditor(2));
        refused(abi.encodeWithSelector(IAuditorRegistry.RegistryOrganisationRefused.selector, address(0xE9)));
        organisations.remove(address(0xE9));
    }

    function test_the_last_three_stay() public {
        vm.prank(auditor(2));
        refused(abi.encodeWithSelector(IAuditorRegistry.RegistryTooFew.selector));
        organisations.remove(auditor(3));
        refused(abi.encodeWithSelector(IAuditorRegistry.RegistryTooFew.selector));
        new AuditorRegistry(list(NEW, auditor(2)), new string[](2), 1 days);
    }

    function test_support_lapses() public {
        _admit(2, "u");
        wait_(30 days);
        check(!_admit(3, "u"), "old support counted");
        wait_(29 days);
        check(_admit(2, "u"), "new support counts");
    }

    function test_support_of_a_removed_organisation_does_not_count() public {
        _admit(2, "u");
        _admit(3, "u");
        address other = address(0xE1);
        vm.prank(NEW);
        organisations.admit(other, "o");
        for (uint256 i = 2; i < 5; ++i) {
            _remove(i, NEW);
        }
        vm.prank(auditor(2));
        check(!organisations.admit(other, "o"), "one of three, and a ghost");
    }

    function _admit(uint256 seat, string memory uri) private returns (bool) {
        vm.prank(auditor(seat));
        return organisations.admit(NEW, uri);
    }

    function _remove(uint256 seat, address organisation) private returns (bool) {
        vm.prank(auditor(seat));
        return organisations.remove(organisation);
    }
}
