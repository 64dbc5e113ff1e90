// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @notice The naive recursion of RFC 6962, the judge of the fast one: heads, consistency proofs and inclusion proofs of
/// logs whose entries are known. `leaves` are leaf hashes.
library Tree {
    /// @dev Source: RFC 6962 section 2.1.
    function root(bytes32[] memory leaves, uint256 from, uint256 to) internal pure returns (bytes32) {
        if (to - from == 1) return leaves[from];
        uint256 middle = from + half(to - from);
        return parent(root(leaves, from, middle), root(leaves, middle, to));
    }

    /// @dev Source: RFC 6962 section 2.1.1: PATH(m, D[n]).
    function path(bytes32[] memory leaves, uint256 index, uint256 from, uint256 to)
        internal
        pure
        returns (bytes32[] memory)
    {
        if (to - from == 1) return new bytes32[](0);
        uint256 middle = from + half(to - from);
        if (index < middle) return with(path(leaves, index, from, middle), root(leaves, middle, to));
        return with(path(leaves, index, middle, to), root(leaves, from, middle));
    }

    /// @dev Source: RFC 6962 section 2.1.2: SUBPROOF(m, D[n], whole).
    function proof(bytes32[] memory leaves, uint256 older, uint256 from, uint256 to, bool whole)
        internal
        pure
        returns (bytes32[] memory)
    {
        if (older == to) {
            return whole ? new bytes32[](0) : with(new bytes32[](0), root(leaves, from, to));
        }
        uint256 middle = from + half(to - from);
        if (older <= middle) return with(proof(leaves, older, from, middle, whole), root(leaves, middle, to));
        return with(proof(leaves, older, middle, to, false), root(leaves, from, middle));
    }

    /// @dev The largest power of two below n.
    function half(uint256 n) internal pure returns (uint256 k) {
        k = 1;
        while (k * 2 < n) k *= 2;
    }

    function parent(bytes32 left, bytes32 right) internal pure returns (bytes32) {
        return sha256(abi.encodePacked(hex"01", left, right));
    }

    function with(bytes32[] memory list, bytes32 last) internal pure returns (bytes32[] memory out) {
        out = new bytes32[](list.length + 1);
        for (uint256 i = 0; i < list.length; ++i) {
            out[i] = list[i];
        }
        out[list.length] = last;
    }

    /// @dev A log of `size` entries that tells a story of its own from entry `from` on.
    function log(uint256 size, uint256 from, bytes32 story) internal pure returns (bytes32[] memory leaves) {
        leaves = new bytes32[](size);
        for (uint256 i = 0; i < size; ++i) {
            leaves[i] = sha256(abi.encodePacked(hex"00", i < from ? bytes32(0) : story, i));
        }
    }
}
