// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Clusters} from "../src/Clusters.sol";
import {Expansions} from "../src/Expansions.sol";
import {IClusters} from "../src/interfaces/IClusters.sol";
import {Visited} from "./Visited.sol";

/// @notice A cluster that promised to have admitted machines only has no others, from that moment on and for ever.
contract AdmissionTest is Visited {
    address private constant NODE = address(0xD1);
    address private constant SECRET = address(0xD2);
    bytes32 private constant SECRET_KEY = keccak256("nobody saw it");

    Expansions private expansions;

    function setUp() public {
        newVisited();
        expansions = new Expansions(address(validators), 7 days, 2);
        clusters.nameExpansions(address(expansions));
    }

    /// @dev every provider is authorised here
    function isProvider(address) external pure returns (bool) {
        return true;
    }

    function test_a_cluster_without_the_promise_takes_any_machine() public {
        _list(SECRET, SECRET_KEY);
        _join(SECRET);
        _built(SECRET);
        check(clusters.inService(SECRET) && !clusters.needsAdmission(cluster), "no promise");
    }

    function test_attack_a_machine_that_nobody_admitted_does_not_join_after_the_promise() public {
        _promise();
        _list(SECRET, SECRET_KEY);
        _refusedOnce(SECRET);
        _join(SECRET);
        check(clusters.nodeOf(SECRET).cluster == 0, "joined");
        _admit();
        _list(NODE, NODE_KEY);
        _join(NODE);
        _built(NODE);
        check(clusters.inService(NODE), "admitted");
    }

    function test_attack_a_machine_that_joined_before_the_promise_says_nothing_after_it() public {
        _list(SECRET, SECRET_KEY);
        _join(SECRET);
        _built(SECRET);
        _promise();
        check(!clusters.inService(SECRET), "speaks");
        _refusedOnce(SECRET);
        _built(SECRET);
        _refusedOnce(SECRET);
        vm.prank(SECRET);
        clusters.deployed(address(this), keccak256("bundle"), keccak256("evidence"));
    }

    function test_attack_another_machine_behind_an_admitted_name_says_nothing() public {
        _promise();
        _admit();
        _list(NODE, NODE_KEY);
        _join(NODE);
        _list(NODE, SECRET_KEY);
        check(!clusters.inService(NODE), "speaks");
        _refusedOnce(NODE);
        _built(NODE);
    }

    function test_what_the_court_stopped_is_out_at_once() public {
        _promise();
        uint256 e = _admit();
        _list(NODE, NODE_KEY);
        _join(NODE);
        vm.prank(COURT);
        expansions.stop(e);
        _refusedOnce(NODE);
        _built(NODE);
    }

    function test_machines_that_were_admitted_before_the_promise_go_on() public {
        _list(NODE, NODE_KEY);
        _join(NODE);
        _admit();
        _promise();
        _built(NODE);
        check(clusters.inService(NODE), "interrupted");
    }

    /// @notice Whatever happens in whatever order: a node reports if and only if it joined as the machine that is listed, and, once
    /// the cluster has promised, was admitted as that machine and not stopped. The naive books of the test are the judge.
    function testFuzz_who_reports_is_who_the_books_say(uint8[24] memory acts) public {
        bool promised;
        bool joined;
        bytes32 listed;
        bytes32 admitted;
        uint256 last;
        for (uint256 i = 0; i < acts.length; ++i) {
            uint256 act = acts[i] % 7;
            if (act < 2) listed = _list(NODE, act == 0 ? NODE_KEY : SECRET_KEY);
            if (act == 2 && listed != 0) joined = _tries(abi.encodeCall(clusters.join, (cluster))) || joined;
            if (act == 3) promised = _promise();
            if (act == 4) (admitted, last) = (NODE_KEY, _admit());
            if (act == 5 && admitted != 0) {
                admitted = 0;
                vm.prank(COURT);
                expansions.stop(last);
            }
            if (act == 6 && listed != 0) {
                vm.prank(OPERATOR);
                clusters.removeNode(cluster, NODE);
                (joined, listed) = (false, 0);
            }
            bool may = joined && (!promised || admitted == listed);
            check(clusters.inService(NODE) == may, "in service");
            bytes memory said = abi.encodeCall(clusters.built, (address(this), keccak256(abi.encode(i)), "images"));
            check(_tries(said) == may, "reports");
        }
    }

    function test_only_its_provider_promises_and_one_cluster_says_nothing_of_another() public {
        refused(abi.encodeWithSelector(IClusters.ClusterNotProvider.selector, cluster, address(this)));
        clusters.requireAdmission(cluster);
        uint256 other = _serve(STRANGER, STAKE);
        _promise();
        check(clusters.needsAdmission(cluster) && !clusters.needsAdmission(other), "which");
    }

    function test_who_admits_is_said_once_by_the_owner_for_these_clusters() public {
        check(clusters.expansions() == address(expansions), "named");
        refused(abi.encodeWithSelector(IClusters.ClusterExpansionsRefused.selector, address(expansions)));
        clusters.nameExpansions(address(expansions));
        vm.prank(STRANGER);
        refused(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        clusters.nameExpansions(address(expansions));
        Clusters others = new Clusters(address(this), 14 days, new bytes32[](0));
        refused(abi.encodeWithSelector(IClusters.ClusterExpansionsRefused.selector, address(expansions)));
        others.nameExpansions(address(expansions));
        uint256 lonely = others.register("");
        refused(abi.encodeWithSelector(IClusters.ClusterExpansionsRefused.selector, address(0)));
        others.requireAdmission(lonely);
    }

    function _tries(bytes memory call) private returns (bool went) {
        vm.prank(NODE);
        (went,) = address(clusters).call(call);
    }

    function _promise() private returns (bool) {
        vm.prank(OPERATOR);
        clusters.requireAdmission(cluster);
        return true;
    }

    function _list(address node, bytes32 key) private returns (bytes32) {
        vm.prank(OPERATOR);
        clusters.addNode(cluster, node, key, 0);
        return key;
    }

    function _join(address node) private {
        vm.prank(node);
        clusters.join(cluster);
    }

    function _built(address node) private {
        vm.prank(node);
        clusters.built(address(this), keccak256("bundle"), keccak256(abi.encode(node)));
    }

    function _refusedOnce(address node) private {
        refused(abi.encodeWithSelector(IClusters.ClusterNotAdmitted.selector, cluster, node));
    }

    /// @dev NODE with NODE_KEY: announced, seen by two, committed.
    function _admit() private returns (uint256 e) {
        vm.prank(OPERATOR);
        e = expansions.announce(cluster, NODE, NODE_KEY, 0, keccak256("evidence"));
        for (uint256 i = 0; i < 2; ++i) {
            uint256 seen = visit(i, false);
            vm.prank(validator(i));
            expansions.report(e, seen, hardware());
        }
        vm.warp(block.timestamp + 7 days);
        vm.prank(OPERATOR);
        expansions.commit(e);
    }
}
