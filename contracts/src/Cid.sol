// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title Cid
/// @notice The one spelling of a bundle's address: CIDv1, codec dag-pb (0x70), sha2-256, base32 in lower case.
/// The text is a pure function of the 32-byte digest, so a text and a digest can be compared on chain.
/// @dev Source: github.com/multiformats/cid; RFC 4648 section 6, without padding.
library Cid {
    bytes32 private constant ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";

    /// @dev "b" for base32, then the first 30 bits of 0x01701220: version 1, dag-pb, sha2-256, 32 bytes. Its last two bits
    /// are zero and begin the first character of the digest.
    bytes7 private constant PREFIX = "bafybei";

    /// @notice The 59 characters "bafybei…" of a directory whose root block has this sha2-256 digest.
    function text(bytes32 digest) internal pure returns (bytes memory out) {
        out = bytes.concat(PREFIX, new bytes(52));
        uint256 bits = uint256(digest);
        unchecked {
            for (uint256 i = 0; i < 51; ++i) {
                out[i + 7] = ALPHABET[(bits >> (253 - 5 * i)) & 31];
            }
            out[58] = ALPHABET[(bits << 2) & 31]; // three bits are left, and two that are not used
        }
    }
}
