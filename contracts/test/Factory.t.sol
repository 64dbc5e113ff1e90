// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AppGovernor} from "../src/AppGovernor.sol";
import {AppMembership} from "../src/AppMembership.sol";
import {Cradle} from "../src/Cradle.sol";
import {DaoFactory} from "../src/DaoFactory.sol";
import {Laps, Minimums} from "../src/Laps.sol";
import {Policies} from "../src/Policy.sol";
import {IAppGovernor} from "../src/interfaces/IAppGovernor.sol";
import {IAppTimelock} from "../src/interfaces/IAppTimelock.sol";
import {IAuditorSeats} from "../src/interfaces/IAuditorSeats.sol";
import {IDaoFactory} from "../src/interfaces/IDaoFactory.sol";
import {DaoWorld} from "./DaoWorld.sol";

contract FactoryTest is DaoWorld {
    function setUp() public {
        newFactory();
    }

    function test_the_five_contracts_know_one_another_from_birth() public {
        IDaoFactory.Dao memory dao = factory.create(aFounding(), codes(false), 0);
        adopt(dao);
        check(governor.registry() == dao.registry && governor.timelock() == dao.timelock, "governor");
        check(address(governor.token()) == dao.token, "token");
        check(reg.governor() == dao.governor && reg.timelock() == dao.timelock && reg.seats() == dao.seats, "registry");
        check(reg.clusters() == address(clusters), "clusters");
        check(seats.registry() == dao.registry && seats.timelock() == dao.timelock, "seats");
        check(seats.organisations() == address(organisations) && token.timelock() == dao.timelock, "organisations");
        check(factory.isDao(dao.governor) && !factory.isDao(dao.registry), "listed");
    }

    function test_addresses_follow_from_founder_and_salt_alone() public {
        IDaoFactory.Dao memory predicted = factory.addressesOf(ALICE, "x");
        IDaoFactory.Dao memory others = factory.addressesOf(BOB, "x");
        check(predicted.governor != others.governor, "founder");
        vm.prank(ALICE);
        IDaoFactory.Dao memory dao = factory.create(aFounding(), codes(false), "x");
        check(keccak256(abi.encode(dao)) == keccak256(abi.encode(predicted)), "predicted");
        vm.prank(ALICE);
        (bool again,) = address(factory).call(abi.encodeCall(factory.create, (aFounding(), codes(false), "x")));
        check(!again, "a salt is used once");
    }

    function test_nobody_administers_a_dao() public {
        IDaoFactory.Dao memory dao = factory.create(aFounding(), codes(false), 0);
        adopt(dao);
        bytes32 admin = timelock.DEFAULT_ADMIN_ROLE();
        address[4] memory suspects = [address(this), address(factory), dao.governor, ALICE];
        for (uint256 i = 0; i < suspects.length; ++i) {
            check(!timelock.hasRole(admin, suspects[i]), "admin");
            check(timelock.hasRole(timelock.PROPOSER_ROLE(), suspects[i]) == (suspects[i] == dao.governor), "proposer");
            check(
                timelock.hasRole(timelock.CANCELLER_ROLE(), suspects[i]) == (suspects[i] == dao.governor), "canceller"
            );
        }
        check(timelock.hasRole(timelock.EXECUTOR_ROLE(), address(0)), "anybody executes");
    }

    function test_a_dao_of_members_has_one_vote_a_member() public {
        IDaoFactory.Founding memory f = aFounding();
        f.soulbound = true;
        f.amounts[0] = 1;
        f.amounts[1] = 1;
        f.proposalThreshold = 1;
        adopt(factory.create(f, codes(true), 0));
        check(AppMembership(address(token)).decimals() == 0 && token.getVotes(ALICE) == 1, "membership");
    }

    function test_changed_code_is_refused_by_name() public {
        IDaoFactory.Codes memory c = codes(false);
        c.registry = bytes.concat(c.registry, hex"00");
        refused(
            abi.encodeWithSelector(
                IDaoFactory.FactoryCodeRefused.selector, bytes32("ReleaseRegistry"), keccak256(c.registry)
            )
        );
        factory.create(aFounding(), c, 0);
        refused(IDaoFactory.FactoryCodeRefused.selector);
        factory.create(aFounding(), codes(true), 0); // membership code for transferable votes
    }

    function test_no_dao_is_born_below_the_floors() public {
        IDaoFactory.Founding memory f = aFounding();
        f.policy.floor = 7 days - 1;
        _refuses(f, abi.encodeWithSelector(Policies.PolicyOutOfBounds.selector, bytes32("floor")));
        f = aFounding();
        f.deploymentLap = 2 days - 1;
        _refuses(f, abi.encodeWithSelector(IAppTimelock.TimelockBelowFloor.selector, 2 days - 1, 2 days));
        f = aFounding();
        f.votingDelay = 1 days - 1;
        _refuses(f, abi.encodeWithSelector(IAppGovernor.GovernorBelowFloor.selector, 1 days - 1, 1 days));
        f = aFounding();
        f.votingPeriod = 3 days - 1;
        _refuses(f, abi.encodeWithSelector(IAppGovernor.GovernorBelowFloor.selector, 3 days - 1, 3 days));
        f = aFounding();
        f.quorumPercent = 3;
        _refuses(f, abi.encodeWithSelector(IAppGovernor.GovernorBelowFloor.selector, 3, 4));
        f = aFounding();
        f.seatTerm = 180 days - 1;
        _refuses(f, abi.encodeWithSelector(IAuditorSeats.SeatsMalformed.selector));
    }

    function test_no_dao_is_born_above_the_ceilings() public {
        IDaoFactory.Founding memory f = aFounding();
        f.deploymentLap = 30 days + 1;
        _refuses(f, abi.encodeWithSelector(IAppTimelock.TimelockAboveCeiling.selector, 30 days + 1, 30 days));
        f = aFounding();
        f.votingDelay = 14 days + 1;
        _refuses(f, abi.encodeWithSelector(IAppGovernor.GovernorAboveCeiling.selector, 14 days + 1, 14 days));
        f = aFounding();
        f.votingPeriod = 30 days + 1;
        _refuses(f, abi.encodeWithSelector(IAppGovernor.GovernorAboveCeiling.selector, 30 days + 1, 30 days));
    }

    function test_a_name_has_1_to_31_bytes() public {
        IDaoFactory.Founding memory f = aFounding();
        f.name = "";
        refused(abi.encodeWithSelector(IDaoFactory.FactoryNameRefused.selector));
        factory.create(f, codes(false), 0);
        f.name = string(new bytes(32));
        refused(abi.encodeWithSelector(IDaoFactory.FactoryNameRefused.selector));
        factory.create(f, codes(false), 0);
        f.name = string(new bytes(31));
        factory.create(f, codes(false), 0);
    }

    function test_a_factory_without_floors_is_not_born() public {
        Minimums memory least = Laps.production();
        least.halt = 14 days + 1;
        _refusesFactory(least);
        least = Laps.production();
        least.reviewFloor = 0;
        _refusesFactory(least);
        least = Laps.production();
        least.emergencyFloor = 0;
        _refusesFactory(least);
        least = Laps.production();
        least.deploymentLap = 0;
        _refusesFactory(least);
        least = Laps.production();
        least.quorumPercent = 101;
        _refusesFactory(least);
        least = Laps.production();
        least.votingDelay = 14 days + 1;
        _refusesFactory(least);
        least = Laps.production();
        least.votingPeriod = 30 days + 1;
        _refusesFactory(least);
        least = Laps.production();
        least.deploymentLap = 30 days + 1;
        _refusesFactory(least);
    }

    function test_only_the_factory_uses_a_cradle() public {
        Cradle cradle = new Cradle();
        vm.prank(ALICE);
        refused(abi.encodeWithSelector(Cradle.CradleNotFactory.selector, ALICE));
        cradle.make(hex"00");
    }

    function test_the_factory_says_what_it_accepts() public view {
        check(keccak256(abi.encode(factory.digests())) == keccak256(abi.encode(digests())), "digests");
        check(keccak256(abi.encode(factory.minimums())) == keccak256(abi.encode(Laps.production())), "minimums");
    }

    function _refuses(IDaoFactory.Founding memory f, bytes memory reason) private {
        refused(abi.encodeWithSelector(IDaoFactory.FactoryCreationFailed.selector, reason));
        factory.create(f, codes(false), 0);
    }

    function _refusesFactory(Minimums memory least) private {
        refused(abi.encodeWithSelector(IDaoFactory.FactoryMinimumsMalformed.selector));
        new DaoFactory(digests(), least, address(clusters), address(organisations));
    }
}
