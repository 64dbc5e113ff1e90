// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Clusters} from "../src/Clusters.sol";
import {IClusters} from "../src/interfaces/IClusters.sol";
import {Base} from "./Base.sol";

/// @notice Measurements hold as of now, removal is at once, and a cluster names the key of its log.
contract ClusterServiceTest is Base {
    bytes32 private constant OS = keccak256("privacy os 1");
    address private constant PROVIDER = address(0x99);
    address private constant NODE = address(0xD1);

    Clusters private clusters;
    uint256 private cluster;

    function setUp() public {
        vm.warp(1_800_000_000);
        bytes32[] memory first = new bytes32[](1);
        first[0] = OS;
        clusters = new Clusters(address(this), 14 days, first);
        vm.startPrank(PROVIDER);
        cluster = clusters.register("https://cluster.example");
        clusters.addNode(cluster, NODE, keccak256("key"), OS);
        vm.stopPrank();
    }

    /// @dev every provider is authorised here
    function isProvider(address) external pure returns (bool) {
        return true;
    }

    function test_a_node_speaks_from_joining_to_removal_at_once() public {
        check(!clusters.inService(NODE), "listed only");
        _join();
        check(clusters.inService(NODE), "joined");
        vm.prank(PROVIDER);
        clusters.removeNode(cluster, NODE);
        check(!clusters.inService(NODE), "removed");
        refused(abi.encodeWithSelector(IClusters.ClusterNotNode.selector, NODE));
        _built();
    }

    function test_attack_a_node_of_a_withdrawn_measurement_cannot_join() public {
        clusters.withdrawMeasurement(OS);
        refused(abi.encodeWithSelector(IClusters.ClusterMeasurementRefused.selector, OS, uint48(0)));
        _join();
    }

    function test_attack_a_node_of_a_withdrawn_measurement_reports_nothing_more() public {
        _join();
        _built();
        clusters.withdrawMeasurement(OS);
        check(!clusters.inService(NODE), "withdrawn");
        refused(abi.encodeWithSelector(IClusters.ClusterMeasurementRefused.selector, OS, uint48(0)));
        _built();
        vm.prank(NODE);
        refused(abi.encodeWithSelector(IClusters.ClusterMeasurementRefused.selector, OS, uint48(0)));
        clusters.deployed(address(this), keccak256("bundle"), keccak256("evidence"));
    }

    function test_a_node_that_claims_no_hardware_has_nothing_that_could_be_withdrawn() public {
        vm.prank(PROVIDER);
        clusters.addNode(cluster, NODE, keccak256("key"), 0);
        _join();
        clusters.withdrawMeasurement(OS);
        check(clusters.inService(NODE), "no claim");
        _built();
    }

    function test_the_provider_names_the_key_of_the_log_and_answers_for_former_ones() public {
        (address one, address two) = (address(0xE1), address(0xE2));
        refused(abi.encodeWithSelector(IClusters.ClusterNotProvider.selector, cluster, address(this)));
        clusters.setHeadKey(cluster, one);
        vm.startPrank(PROVIDER);
        refused(abi.encodeWithSelector(IClusters.ClusterEmptyDigest.selector));
        clusters.setHeadKey(cluster, address(0));
        clusters.setHeadKey(cluster, one);
        clusters.setHeadKey(cluster, two);
        vm.stopPrank();
        check(clusters.headKey(cluster) == two, "now");
        check(clusters.wasHeadKey(cluster, one) && clusters.wasHeadKey(cluster, two), "ever");
        check(!clusters.wasHeadKey(cluster, address(0)) && !clusters.wasHeadKey(2, one), "no other");
    }

    function _join() private {
        vm.prank(NODE);
        clusters.join(cluster);
    }

    function _built() private {
        vm.prank(NODE);
        clusters.built(address(this), keccak256("bundle"), keccak256("images"));
    }
}
