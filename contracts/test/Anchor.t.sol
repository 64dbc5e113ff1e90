// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ILogAnchor} from "../src/interfaces/ILogAnchor.sol";
import {Market} from "./Market.sol";
import {Tree} from "./Tree.sol";

/// @notice Heads on chain only ever grow, and heads that contradict each other are seen.
contract AnchorTest is Market {
    function setUp() public {
        newMarket();
    }

    function test_a_log_grows_head_by_head_whoever_carries_them() public {
        uint64[5] memory sizes = [uint64(1), 2, 7, 8, 21];
        for (uint256 i = 0; i < sizes.length; ++i) {
            vm.warp(block.timestamp + 1 hours);
            grow(sizes[i]);
            ILogAnchor.Anchored memory a = anchor.anchored(cluster);
            check(a.size == sizes[i] && a.root == honest(sizes[i]).root, "head");
            check(a.time == block.timestamp && a.anchoredAt == block.timestamp, "times");
        }
    }

    function test_the_seven_leaf_tree_of_the_rfc_proves_itself() public view {
        bytes32[] memory l = Tree.log(7, 7, 0);
        bytes32[] memory proof = new bytes32[](4); // RFC 6962 section 2.1.3: PROOF(3, D[7]) = [c, d, g, l]
        (proof[0], proof[1]) = (l[2], l[3]);
        proof[2] = Tree.parent(l[0], l[1]);
        proof[3] = Tree.parent(Tree.parent(l[4], l[5]), l[6]);
        check(anchor.consistent(3, 7, Tree.root(l, 0, 3), Tree.root(l, 0, 7), proof), "rfc");
        proof[3] = l[0];
        check(!anchor.consistent(3, 7, Tree.root(l, 0, 3), Tree.root(l, 0, 7), proof), "false proof");
    }

    function test_attack_a_log_that_rewrote_its_past_is_not_anchored() public {
        grow(5);
        bytes32[] memory lie = Tree.log(9, 3, "lie");
        ILogAnchor.Head memory head = headOf(lie, uint48(block.timestamp));
        bytes memory signed = sign(head);
        bytes32[] memory proof = Tree.proof(lie, 5, 0, 9, true); // before: its hashes are calls, too
        refused(abi.encodeWithSelector(ILogAnchor.AnchorNotConsistent.selector, cluster, 5, 9));
        anchor.anchor(head, signed, proof);
    }

    function test_attack_a_first_head_needs_no_proof_and_takes_none() public {
        ILogAnchor.Head memory head = honest(5);
        bytes memory signed = sign(head);
        refused(abi.encodeWithSelector(ILogAnchor.AnchorNotConsistent.selector, cluster, 0, 5));
        anchor.anchor(head, signed, new bytes32[](1));
    }

    function test_attack_a_rollback_is_not_anchored() public {
        grow(5);
        for (uint64 size = 1; size <= 5; ++size) {
            ILogAnchor.Head memory head = honest(size);
            bytes memory signed = sign(head);
            refused(abi.encodeWithSelector(ILogAnchor.AnchorNotGrowing.selector, cluster, 5, size));
            anchor.anchor(head, signed, new bytes32[](0));
        }
    }

    function test_attack_an_older_head_does_not_come_after_a_newer() public {
        grow(5);
        bytes32[] memory leaves = Tree.log(6, 6, 0);
        ILogAnchor.Head memory head = headOf(leaves, uint48(block.timestamp) - 1);
        bytes memory signed = sign(head);
        bytes32[] memory proof = Tree.proof(leaves, 5, 0, 6, true);
        refused(abi.encodeWithSelector(ILogAnchor.AnchorNotGrowing.selector, cluster, 5, 6));
        anchor.anchor(head, signed, proof);
    }

    function test_attack_nobody_claims_time_that_has_not_come() public {
        ILogAnchor.Head memory head = headOf(Tree.log(5, 5, 0), uint48(block.timestamp) + 301);
        bytes memory signed = sign(head);
        refused(abi.encodeWithSelector(ILogAnchor.AnchorFromFuture.selector, cluster, head.time));
        anchor.anchor(head, signed, new bytes32[](0));
        vm.warp(block.timestamp + 1);
        anchor.anchor(head, signed, new bytes32[](0));
    }

    function test_attack_only_the_clusters_own_key_speaks() public {
        ILogAnchor.Head memory head = honest(5);
        bytes memory signed = sign(head, 0xBAD);
        refused(abi.encodeWithSelector(ILogAnchor.AnchorNotSigned.selector, cluster, vm.addr(0xBAD)));
        anchor.anchor(head, signed, new bytes32[](0));
        signed = sign(head);
        head.cluster = 2; // no such cluster: no key, which a broken signature must not match
        refused(abi.encodeWithSelector(ILogAnchor.AnchorNotSigned.selector, 2, address(0)));
        anchor.anchor(head, "", new bytes32[](0));
        refused(ILogAnchor.AnchorNotSigned.selector);
        anchor.anchor(head, signed, new bytes32[](0));
    }

    function test_a_new_key_signs_and_the_old_one_does_not() public {
        vm.prank(OPERATOR);
        clusters.setHeadKey(cluster, vm.addr(0xFEED));
        ILogAnchor.Head memory head = honest(5);
        bytes memory old = sign(head);
        refused(abi.encodeWithSelector(ILogAnchor.AnchorNotSigned.selector, cluster, vm.addr(KEY)));
        anchor.anchor(head, old, new bytes32[](0));
        anchor.anchor(head, sign(head, 0xFEED), new bytes32[](0));
    }

    /// @notice Every proof of the naive recursion is accepted, and nothing that differs from it by one hash or in length.
    function testFuzz_consistency_is_that_of_the_naive_tree(uint256 seed) public view {
        uint256 newer = bound(seed, 1, 40);
        uint256 older = bound(seed >> 8, 1, newer);
        bytes32[] memory leaves = Tree.log(newer, newer, 0);
        bytes32[] memory proof = Tree.proof(leaves, older, 0, newer, true);
        (bytes32 a, bytes32 b) = (Tree.root(leaves, 0, older), Tree.root(leaves, 0, newer));
        check(anchor.consistent(uint64(older), uint64(newer), a, b, proof), "true proof");
        check(!anchor.consistent(uint64(older), uint64(newer), a, b, Tree.with(proof, a)), "longer");
        check(!anchor.consistent(uint64(older), uint64(newer), bytes32(uint256(a) ^ 1), b, proof), "other past");
        check(!anchor.consistent(uint64(older), uint64(newer), a, bytes32(uint256(b) ^ 1), proof), "other head");
        if (older < newer) check(!anchor.consistent(uint64(newer), uint64(older), b, a, proof), "backwards");
        check(!anchor.consistent(0, uint64(newer), 0, b, new bytes32[](0)), "the empty log proves nothing");
        if (proof.length == 0) return;
        uint256 place = (seed >> 16) % proof.length;
        proof[place] = bytes32(uint256(proof[place]) ^ 1);
        check(!anchor.consistent(uint64(older), uint64(newer), a, b, proof), "false hash");
    }

    /// @notice Gives the same by any order of heads: what forked, forked; and honest logs never did, wherever they stand.
    function testFuzz_forks_are_seen_at_every_pair_of_sizes_and_honest_logs_never_fork(uint256 seed) public view {
        uint256 one = bound(seed, 1, 30);
        uint256 two = bound(seed >> 8, 1, 30);
        uint256 place = bound(seed >> 16, 0, (one < two ? one : two) - 1);
        bytes32[] memory truth = Tree.log(one, one, 0);
        bytes32[] memory lie = Tree.log(two, place, "lie");
        check(_forkedAt(truth, lie, place) && _forkedAt(lie, truth, place), "a fork");
        if (place != 0) check(!_forkedAt(truth, lie, place - 1), "before the fork");
        bytes32[] memory also = Tree.log(two, two, 0);
        check(!_forkedAt(truth, also, place), "honest");
        check(_forked(truth, lie) == (one == two), "by themselves");
        check(!_forked(truth, also), "honest");
    }

    function test_a_log_that_shrank_is_a_fork_and_one_that_grew_is_not() public view {
        ILogAnchor.Head memory one = honest(9);
        ILogAnchor.Head memory two = honest(4);
        check(!anchor.forked(one, sign(one), two, sign(two)), "in one second");
        two.time += 300;
        check(!anchor.forked(one, sign(one), two, sign(two)), "a clock that was set right");
        check(!anchor.forked(two, sign(two), one, sign(one)), "in any order");
        two.time += 1;
        check(anchor.forked(one, sign(one), two, sign(two)), "shrank");
        check(anchor.forked(two, sign(two), one, sign(one)), "in any order");
        two.time -= 302;
        check(!anchor.forked(one, sign(one), two, sign(two)), "grew");
        check(!anchor.forked(two, sign(two), one, sign(one)), "in any order");
    }

    /// @notice The evidence that watchers keep: every fork is seen by it, at any two sizes, and no honest log ever is.
    function testFuzz_a_head_that_did_not_grow_from_another_is_a_fork(uint256 seed) public view {
        uint256 newer = bound(seed, 1, 30);
        uint256 older = bound(seed >> 8, 1, newer);
        bytes32[] memory truth = Tree.log(newer, newer, 0);
        bytes32[] memory lie = Tree.log(older, bound(seed >> 16, 0, older - 1), "lie");
        ILogAnchor.Head memory long = headOf(truth, 1);
        ILogAnchor.Head memory short = headOf(lie, 1);
        bytes32[] memory proof = Tree.proof(truth, older, 0, newer, true);
        bytes32 past = Tree.root(truth, 0, older);
        check(anchor.forkedPast(short, sign(short), long, sign(long), past, proof), "a fork");
        check(!anchor.forkedPast(short, sign(short), long, sign(long, 0xBAD), past, proof), "not its own head");
        check(!anchor.forkedPast(short, sign(short), long, sign(long), short.root, proof), "no proof of that past");
        short.root = past;
        check(!anchor.forkedPast(short, sign(short), long, sign(long), past, proof), "honest");
        bytes32 other = bytes32(uint256(past) ^ 1);
        check(!anchor.forkedPast(short, sign(short), long, sign(long), other, proof), "an invented past");
        if (older < newer) check(!anchor.forkedPast(long, sign(long), short, sign(short), past, proof), "order");
    }

    function test_attack_nobody_frames_a_cluster_with_heads_that_it_did_not_sign() public {
        ILogAnchor.Head memory one = honest(5);
        ILogAnchor.Head memory lie = headOf(Tree.log(5, 3, "lie"), one.time);
        check(anchor.forked(one, sign(one), lie, sign(lie)), "it did");
        check(!anchor.forked(one, sign(one), lie, sign(lie, 0xBAD)), "second");
        check(!anchor.forked(one, sign(one, 0xBAD), lie, sign(lie)), "first");
        check(!anchor.forked(one, sign(one), lie, ""), "no signature");
        vm.prank(STRANGER);
        uint256 theirs = clusters.register("https://two.example");
        vm.prank(STRANGER);
        clusters.setHeadKey(theirs, vm.addr(KEY)); // the same key under another name
        lie.cluster = theirs;
        check(!anchor.forked(one, sign(one), lie, sign(lie)), "of two clusters");
    }

    function test_attack_a_former_key_does_not_wash_off_a_fork() public {
        vm.prank(OPERATOR);
        clusters.setHeadKey(cluster, vm.addr(0xFEED));
        ILogAnchor.Head memory one = honest(5);
        ILogAnchor.Head memory lie = headOf(Tree.log(5, 3, "lie"), one.time);
        check(anchor.forked(one, sign(one), lie, sign(lie, 0xFEED)), "by two keys of one cluster");
    }

    function _forked(bytes32[] memory a, bytes32[] memory b) private view returns (bool) {
        (ILogAnchor.Head memory one, ILogAnchor.Head memory two) = (headOf(a, 1), headOf(b, 1));
        return anchor.forked(one, sign(one), two, sign(two));
    }

    function _forkedAt(bytes32[] memory a, bytes32[] memory b, uint256 place) private view returns (bool) {
        (ILogAnchor.Head memory one, ILogAnchor.Head memory two) = (headOf(a, 1), headOf(b, 1));
        ILogAnchor.Split memory split = ILogAnchor.Split({
            index: uint64(place),
            firstLeaf: a[place],
            secondLeaf: b[place],
            firstPath: Tree.path(a, place, 0, a.length),
            secondPath: Tree.path(b, place, 0, b.length)
        });
        return anchor.forkedAt(one, sign(one), two, sign(two), split);
    }
}
