// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Policy} from "../src/Policy.sol";
import {DaoWorld} from "./DaoWorld.sol";

/// @notice What each step costs, kept in `.gas-snapshot`: one act a test, everything before it unmetered.
contract GasTest is DaoWorld {
    uint256 private constant TRANSACTION_GAS_CAP = 1 << 24; // EIP-7825

    modifier metered() {
        vm.pauseGasMetering();
        _;
        vm.resumeGasMetering();
    }

    function setUp() public {
        newDao();
    }

    function test_gas_publish() public metered {
        vm.prank(PUBLISHER);
        vm.resumeGasMetering();
        reg.publish(A, 0, 1, 1, 0);
        vm.pauseGasMetering();
    }

    function test_gas_attest_first() public metered {
        publish(A, 0, 1);
        _attest(0);
    }

    function test_gas_attest_that_starts_the_clock() public metered {
        publish(A, 0, 1);
        _attestUnmetered(2);
        _attest(2);
    }

    function test_gas_attest_last() public metered {
        publish(A, 0, 1);
        _attestUnmetered(4);
        _attest(4);
    }

    function test_gas_propose() public metered {
        review(A, 0, 1);
        Action memory a = anUpdate(A);
        vm.prank(ALICE);
        vm.resumeGasMetering();
        governor.propose(a.targets, a.values, a.calldatas, a.text);
        vm.pauseGasMetering();
    }

    function test_gas_vote() public metered {
        review(A, 0, 1);
        uint256 id = propose(anUpdate(A));
        vm.warp(governor.proposalSnapshot(id) + 1);
        vm.prank(ALICE);
        vm.resumeGasMetering();
        governor.castVote(id, 1);
        vm.pauseGasMetering();
    }

    function test_gas_queue() public metered {
        review(A, 0, 1);
        Action memory a = anUpdate(A);
        voteFor(propose(a));
        bytes32 text = keccak256(bytes(a.text));
        vm.resumeGasMetering();
        governor.queue(a.targets, a.values, a.calldatas, text);
        vm.pauseGasMetering();
    }

    function test_gas_execute() public metered {
        review(A, 0, 1);
        Action memory a = anUpdate(A);
        voteFor(propose(a));
        queue(a);
        vm.warp(block.timestamp + 2 days);
        bytes32 text = keccak256(bytes(a.text));
        vm.resumeGasMetering();
        governor.execute(a.targets, a.values, a.calldatas, text);
        vm.pauseGasMetering();
    }

    function test_gas_activate_emergency() public metered {
        review(A, 0, 1);
        decide(anUpdate(A));
        publish(B, A, 2);
        attestAll(B, 40, 4);
        vm.warp(block.timestamp + 12 hours);
        vm.resumeGasMetering();
        reg.activateEmergency(B);
        vm.pauseGasMetering();
    }

    function test_gas_halt_that_halts() public metered {
        publish(A, 0, 1);
        for (uint256 i = 0; i < 2; ++i) {
            vm.prank(auditor(i));
            reg.halt(A);
        }
        vm.prank(auditor(2));
        vm.resumeGasMetering();
        reg.halt(A);
        vm.pauseGasMetering();
    }

    function test_gas_propose_policy() public metered {
        Policy memory p = aPolicy();
        p.linesPerDay = 500;
        vm.prank(address(timelock));
        vm.resumeGasMetering();
        reg.proposePolicy(p);
        vm.pauseGasMetering();
    }

    function test_gas_built() public metered {
        vm.prank(PROVIDER);
        uint256 cluster = clusters.register("https://cluster.example");
        vm.prank(PROVIDER);
        clusters.addNode(cluster, BOB, keccak256("key"), 0);
        vm.startPrank(BOB);
        clusters.join(cluster);
        vm.resumeGasMetering();
        clusters.built(address(reg), A, keccak256("images"));
        vm.pauseGasMetering();
        vm.stopPrank();
    }

    function test_gas_create_a_dao() public metered {
        bytes memory call = abi.encodeCall(factory.create, (aFounding(), codes(false), "gas"));
        vm.resumeGasMetering();
        (bool made,) = address(factory).call(call);
        vm.pauseGasMetering();
        check(made, "created");
    }

    function test_gas_a_whole_dao_fits_one_transaction() public {
        bytes memory call = abi.encodeCall(factory.create, (aFounding(), codes(false), "cap"));
        uint256 gas = _calldataGas(call) + 21_000;
        uint256 before = gasleft();
        (bool made,) = address(factory).call(call);
        gas += before - gasleft();
        check(made && gas < TRANSACTION_GAS_CAP, "gas cap");
    }

    function _attest(uint256 seat) private {
        vm.prank(auditor(seat));
        vm.resumeGasMetering();
        reg.attest(A, 400, 100, 0, keccak256("report"));
        vm.pauseGasMetering();
    }

    function _attestUnmetered(uint256 seats_) private {
        for (uint256 i = 0; i < seats_; ++i) {
            vm.prank(auditor(i));
            reg.attest(A, 400, 100, 0, keccak256("report"));
        }
    }

    /// @dev 4 gas for a zero byte, 16 for another (EIP-2028); the floor of EIP-7623 lies below what creation costs.
    function _calldataGas(bytes memory call) private pure returns (uint256 gas) {
        for (uint256 i = 0; i < call.length; ++i) {
            gas += call[i] == 0 ? 4 : 16;
        }
    }
}
