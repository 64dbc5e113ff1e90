// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title Cid
/// @notice The one spelling of a bundle's address: CIDv1, codec dag-pb (0x70), sha2-256, base32 in lower case.
/// The text is a pure function of the 32-byte digest, so a text and a digest can be compared on chain.
/// @dev Source: github.com/multiformats/cid; RFC 4648 section 6, without padding.
library Cid {
    /// @notice Length of the text: "b" and 58 characters of five bits each.
    uint256 internal constant LENGTH = 59;

    bytes32 private constant ALPHABET = "abcdefghijklmnopqrstuvwxyz234567";
    bytes4 private constant PREFIX = 0x01701220; // version 1, dag-pb, sha2-256, 32 bytes

    /// @notice The text "bafybei…" of a directory whose root block has this sha2-256 digest.
    function text(bytes32 digest) internal pure returns (bytes memory out) {
        bytes memory data = abi.encodePacked(PREFIX, digest, bytes1(0)); // 36 bytes, and one that the last bits run into
        out = new bytes(LENGTH);
        out[0] = "b";
        unchecked {
            for (uint256 i = 0; i < LENGTH - 1; ++i) {
                uint256 bit = i * 5;
                uint256 pair = (uint256(uint8(data[bit >> 3])) << 8) | uint8(data[(bit >> 3) + 1]);
                out[i + 1] = ALPHABET[(pair >> (11 - (bit & 7))) & 31];
            }
        }
    }
}
