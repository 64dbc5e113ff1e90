// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Ownable} from "@openzeppelin/contracts/access/Ownable.sol";
import {Clusters} from "../src/Clusters.sol";
import {IClusters} from "../src/interfaces/IClusters.sol";
import {World} from "./World.sol";

/// @notice What clusters say, and what of it counts.
contract ClustersTest is World {
    bytes32 private constant A = keccak256("a");
    bytes32 private constant GOOD = keccak256("images");
    bytes32 private constant BAD = keccak256("other images");
    bytes32 private constant OS = keccak256("privacy os 1");
    address private constant SECOND = address(0x98); // authorised later in setUp
    address private constant STRANGER = address(0x66);

    Clusters private clusters;
    address private nodeA = address(0xD1);
    address private nodeB = address(0xD2);
    address private nodeC = address(0xD3);

    function setUp() public {
        newWorld(aPolicy());
        vm.prank(TIMELOCK);
        reg.setProvider(SECOND, true);
        wait_(60 days);
        bytes32[] memory first = new bytes32[](1);
        first[0] = OS;
        clusters = new Clusters(address(this), 14 days, first);
    }

    // ------------------------------------------------------------------------------------------ joining

    function test_a_node_joins_when_provider_and_node_both_agree() public {
        uint256 c = _register(PROVIDER);
        refused(abi.encodeWithSelector(IClusters.ClusterNodeRefused.selector, c, nodeA));
        vm.prank(nodeA);
        clusters.join(c);
        _add(PROVIDER, c, nodeA);
        check(clusters.nodeOf(nodeA).cluster == 0, "the provider alone");
        vm.prank(nodeA);
        clusters.join(c);
        IClusters.Node memory n = clusters.nodeOf(nodeA);
        check(n.cluster == c && n.nodeKey == keccak256("key") && n.measurement == OS && n.seenAt == 0, "joined");
        check(clusters.providerOf(c) == PROVIDER && clusters.providerOf(0) == address(0), "provider");
    }

    function test_nobody_puts_a_machine_of_others_into_his_cluster() public {
        uint256 mine = _node(PROVIDER, nodeA);
        uint256 theirs = _register(STRANGER);
        _add(STRANGER, theirs, nodeA);
        check(clusters.nodeOf(nodeA).cluster == mine, "stolen");
        refused(abi.encodeWithSelector(IClusters.ClusterNodeRefused.selector, theirs, nodeA));
        vm.prank(nodeA); // and a node is in one cluster only
        clusters.join(theirs);
    }

    function test_only_the_provider_lists_and_removes() public {
        uint256 c = _node(PROVIDER, nodeA);
        refused(abi.encodeWithSelector(IClusters.ClusterNotProvider.selector, c, STRANGER));
        _add(STRANGER, c, nodeB);
        refused(abi.encodeWithSelector(IClusters.ClusterNotProvider.selector, 0, STRANGER));
        _add(STRANGER, 0, nodeB);
        vm.prank(STRANGER);
        refused(abi.encodeWithSelector(IClusters.ClusterNotProvider.selector, c, STRANGER));
        clusters.removeNode(c, nodeA);
        vm.startPrank(PROVIDER);
        refused(abi.encodeWithSelector(IClusters.ClusterNodeRefused.selector, c, nodeB));
        clusters.removeNode(c, nodeB);
        clusters.removeNode(c, nodeA);
        vm.stopPrank();
        check(clusters.nodeOf(nodeA).cluster == 0, "out");
        refused(abi.encodeWithSelector(IClusters.ClusterNotNode.selector, nodeA));
        vm.prank(nodeA);
        clusters.heartbeat();
    }

    function test_a_node_keeps_its_place_with_a_new_key() public {
        uint256 c = _node(PROVIDER, nodeA);
        vm.prank(PROVIDER);
        clusters.addNode(c, nodeA, keccak256("new key"), 0);
        IClusters.Node memory n = clusters.nodeOf(nodeA);
        check(n.cluster == c && n.nodeKey == keccak256("new key") && n.measurement == 0, "updated");
    }

    function test_removing_a_node_that_joined_elsewhere_leaves_it_there() public {
        uint256 theirs = _register(STRANGER);
        _add(STRANGER, theirs, nodeA);
        uint256 mine = _node(PROVIDER, nodeA);
        vm.prank(STRANGER);
        clusters.removeNode(theirs, nodeA);
        check(clusters.nodeOf(nodeA).cluster == mine, "thrown out by a stranger");
    }

    function test_a_heartbeat_is_a_sign_of_life() public {
        _node(PROVIDER, nodeA);
        vm.prank(nodeA);
        clusters.heartbeat();
        check(clusters.nodeOf(nodeA).seenAt == block.timestamp, "seen");
        refused(abi.encodeWithSelector(IClusters.ClusterNotNode.selector, STRANGER));
        vm.prank(STRANGER);
        clusters.heartbeat();
    }

    // ------------------------------------------------------------------------------------------- building

    function test_two_providers_that_build_alike_agree() public {
        _node(PROVIDER, nodeA);
        _node(SECOND, nodeB);
        _expect(0, 0, false);
        _built(nodeA, GOOD);
        _expect(GOOD, 1, false);
        _built(nodeB, GOOD);
        _expect(GOOD, 2, false);
        check(clusters.imagesBy(address(reg), A, SECOND) == GOOD, "by provider");
    }

    function test_one_provider_counts_once() public {
        _node(PROVIDER, nodeA);
        _node(PROVIDER, nodeB);
        _built(nodeA, GOOD);
        _built(nodeB, GOOD);
        _expect(GOOD, 1, false);
    }

    function test_a_mismatch_blocks_until_it_is_corrected() public {
        _node(PROVIDER, nodeA);
        _node(SECOND, nodeB);
        _built(nodeA, GOOD);
        _built(nodeB, BAD);
        _expect(0, 2, true);
        _built(nodeB, GOOD); // its machine was broken; the correction is an event
        _expect(GOOD, 2, false);
    }

    function test_a_provider_that_is_not_authorised_neither_helps_nor_blocks() public {
        _node(PROVIDER, nodeA);
        _node(STRANGER, nodeC);
        _built(nodeA, GOOD);
        refused(abi.encodeWithSelector(IClusters.ClusterProviderNotAuthorised.selector, address(reg), STRANGER));
        _built(nodeC, BAD);
        refused(abi.encodeWithSelector(IClusters.ClusterProviderNotAuthorised.selector, address(reg), STRANGER));
        vm.prank(nodeC);
        clusters.deployed(address(reg), A, BAD);
        _expect(GOOD, 1, false);
    }

    function test_a_provider_that_the_dao_removed_no_longer_blocks() public {
        _node(PROVIDER, nodeA);
        _node(SECOND, nodeB);
        _built(nodeA, GOOD);
        _built(nodeB, BAD);
        vm.prank(TIMELOCK);
        reg.setProvider(SECOND, false);
        _expect(GOOD, 1, false);
    }

    function test_reports_are_of_one_registry_and_one_bundle() public {
        _node(PROVIDER, nodeA);
        _built(nodeA, GOOD);
        (bytes32 agreed,,) = clusters.images(address(reg), keccak256("b"));
        check(agreed == 0, "another bundle");
        refused(abi.encodeWithSelector(IClusters.ClusterEmptyDigest.selector));
        _built(nodeA, 0);
    }

    /// @notice Any mix of reports: agreement if and only if all authorised providers that spoke said the same.
    function testFuzz_agreement_is_unanimous(uint8[8] memory says) public {
        _node(PROVIDER, nodeA);
        _node(PROVIDER, nodeC);
        _node(SECOND, nodeB);
        bytes32 first;
        bytes32 second;
        for (uint256 i = 0; i < says.length; ++i) {
            bytes32 digest = says[i] % 2 == 0 ? GOOD : BAD;
            address by = [nodeA, nodeB, nodeC][says[i] / 2 % 3];
            _built(by, digest);
            if (by == nodeB) second = digest;
            else first = digest;
            uint16 spoke = (first != 0 ? 1 : 0) + (second != 0 ? 1 : 0);
            bool differ = spoke == 2 && first != second;
            _expect(differ ? bytes32(0) : (first != 0 ? first : second), spoke, differ);
        }
    }

    function test_what_runs_is_said_by_the_node() public {
        _node(PROVIDER, nodeA);
        vm.prank(nodeA);
        clusters.deployed(address(reg), A, keccak256("evidence"));
        (bytes32 bundle, bytes32 evidence) = clusters.running(nodeA, address(reg));
        check(bundle == A && evidence == keccak256("evidence"), "running");
    }

    // --------------------------------------------------------------------------------------- measurements

    function test_a_measurement_waits_in_public() public {
        bytes32 next = keccak256("privacy os 2");
        vm.prank(STRANGER);
        refused(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        clusters.announceMeasurement(next, "");
        uint48 from = clusters.announceMeasurement(next, "https://os.example/2");
        check(from == block.timestamp + 14 days && clusters.measurementSince(next) == from, "from");
        uint256 c = _register(PROVIDER);
        vm.warp(from - 1);
        refused(abi.encodeWithSelector(IClusters.ClusterMeasurementRefused.selector, next, from));
        vm.prank(PROVIDER);
        clusters.addNode(c, nodeA, keccak256("key"), next);
        vm.warp(from);
        vm.prank(PROVIDER);
        clusters.addNode(c, nodeA, keccak256("key"), next);
        refused(abi.encodeWithSelector(IClusters.ClusterMeasurementKnown.selector, next));
        clusters.announceMeasurement(next, "");
    }

    function test_a_measurement_is_withdrawn_at_once_and_for_good() public {
        vm.prank(STRANGER);
        refused(abi.encodeWithSelector(Ownable.OwnableUnauthorizedAccount.selector, STRANGER));
        clusters.withdrawMeasurement(OS);
        clusters.withdrawMeasurement(OS);
        check(clusters.measurementSince(OS) == 0, "withdrawn");
        uint256 c = _register(PROVIDER);
        refused(abi.encodeWithSelector(IClusters.ClusterMeasurementRefused.selector, OS, uint48(0)));
        _add(PROVIDER, c, nodeA);
        refused(abi.encodeWithSelector(IClusters.ClusterMeasurementKnown.selector, OS));
        clusters.announceMeasurement(OS, "");
        refused(abi.encodeWithSelector(IClusters.ClusterMeasurementRefused.selector, OS, uint48(0)));
        clusters.withdrawMeasurement(OS);
    }

    function test_an_empty_key_or_measurement_says_nothing() public {
        uint256 c = _register(PROVIDER);
        vm.startPrank(PROVIDER);
        refused(abi.encodeWithSelector(IClusters.ClusterEmptyDigest.selector));
        clusters.addNode(c, nodeA, 0, OS);
        refused(abi.encodeWithSelector(IClusters.ClusterEmptyDigest.selector));
        clusters.addNode(c, address(0), keccak256("key"), OS);
        vm.stopPrank();
        refused(abi.encodeWithSelector(IClusters.ClusterEmptyDigest.selector));
        clusters.announceMeasurement(0, "");
    }

    // ------------------------------------------------------------------------------------------- private

    function _register(address provider) private returns (uint256) {
        vm.prank(provider);
        return clusters.register("https://cluster.example");
    }

    function _add(address as_, uint256 c, address node) private {
        vm.prank(as_);
        clusters.addNode(c, node, keccak256("key"), OS);
    }

    function _node(address provider, address node) private returns (uint256 c) {
        c = _register(provider);
        _add(provider, c, node);
        vm.prank(node);
        clusters.join(c);
    }

    function _built(address node, bytes32 images) private {
        vm.prank(node);
        clusters.built(address(reg), A, images);
    }

    function _expect(bytes32 agreed, uint16 providers, bool mismatch) private view {
        (bytes32 a, uint16 p, bool m) = clusters.images(address(reg), A);
        check(a == agreed && p == providers && m == mismatch, "images");
    }
}
