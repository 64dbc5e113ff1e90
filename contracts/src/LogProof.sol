// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title LogProof
/// @notice Proofs of RFC 6962 trees (SHA-256, as RFC 9162 spells out their check). A proof of another length than the two
/// sizes need is refused, so each proof has one spelling; the longest has 65 hashes.
library LogProof {
    /// @notice Whether a tree of `second` entries begins with the tree of `first` entries.
    /// @param first entries of the older tree, at least 1: that everything extends the empty tree says nothing
    /// @param second entries of the newer tree, at least as many
    /// @dev Source: RFC 9162 section 2.1.4.2.
    function consistent(uint64 first, uint64 second, bytes32 firstRoot, bytes32 secondRoot, bytes32[] calldata proof)
        internal
        pure
        returns (bool)
    {
        if (first == 0 || first > second) return false;
        if (first == second) return firstRoot == secondRoot && proof.length == 0;
        (uint64 node, uint64 last) = (first - 1, second - 1);
        while (node & 1 == 1) (node, last) = (node >> 1, last >> 1);
        uint256 used = 0;
        bytes32 older = firstRoot;
        if (node != 0) {
            if (proof.length == 0) return false;
            older = proof[used++];
        }
        bytes32 newer = older;
        for (; used < proof.length; ++used) {
            if (last == 0) return false;
            if (node & 1 == 1 || node == last) {
                (older, newer) = (_parent(proof[used], older), _parent(proof[used], newer));
                while (node & 1 == 0 && node != 0) (node, last) = (node >> 1, last >> 1);
            } else {
                newer = _parent(newer, proof[used]);
            }
            (node, last) = (node >> 1, last >> 1);
        }
        return last == 0 && older == firstRoot && newer == secondRoot;
    }

    /// @notice Whether the entry at `index` of a tree of `size` entries has this leaf hash.
    /// @param leaf SHA-256 of 0x00 and the entry
    /// @dev Source: RFC 9162 section 2.1.3.2.
    function includes(bytes32 root, uint64 size, uint64 index, bytes32 leaf, bytes32[] calldata path)
        internal
        pure
        returns (bool)
    {
        if (index >= size) return false;
        (uint64 node, uint64 last, bytes32 hash) = (index, size - 1, leaf);
        for (uint256 i = 0; i < path.length; ++i) {
            if (last == 0) return false;
            if (node & 1 == 1 || node == last) {
                hash = _parent(path[i], hash);
                while (node & 1 == 0 && node != 0) (node, last) = (node >> 1, last >> 1);
            } else {
                hash = _parent(hash, path[i]);
            }
            (node, last) = (node >> 1, last >> 1);
        }
        return last == 0 && hash == root;
    }

    function _parent(bytes32 left, bytes32 right) private pure returns (bytes32) {
        return sha256(abi.encodePacked(bytes1(0x01), left, right));
    }
}
