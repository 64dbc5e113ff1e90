// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IOsReleases} from "./interfaces/IOsReleases.sol";

/// @title RootBlock
/// @notice The root block of a bundle: which file it has by a name.
/// @dev It reads less than readers of bundles do, and never anything else: links of at most 127 bytes, so that each length is
/// one byte, and no sharded directories. Source: ipld.io/specs/codecs/dag-pb/spec; specs.ipfs.tech/unixfs.
library RootBlock {
    bytes4 private constant DIRECTORY = 0x0a020801; // its data, behind the links: UnixFS type 1, and nothing more
    bytes2 private constant CID_FIELD = 0x0a24; // field 1, 36 bytes
    bytes4 private constant RAW = 0x01551220; // CIDv1 of a block that is the file itself, sha2-256
    uint256 private constant NAME_AT = 40; // behind the CID field, and a tag and a length of one byte each

    /// @notice sha2-256 of the content of the file with this name; 0 if there is none, or not in one block.
    function file(bytes calldata root, bytes memory name) internal pure returns (bytes32 digest) {
        uint256 place = 0;
        while (place + 2 < root.length && root[place] == 0x12) {
            bytes calldata link = _link(root, place + 1);
            place += 2 + link.length;
            uint256 end = NAME_AT + uint8(link[NAME_AT - 1]);
            if (link[NAME_AT - 2] != 0x12 || end > link.length) revert IOsReleases.OsRootMalformed();
            if (keccak256(link[NAME_AT:end]) == keccak256(name) && bytes4(link[2:6]) == RAW) {
                digest = bytes32(link[6:38]);
            }
        }
        if (keccak256(root[place:]) != keccak256(bytes.concat(DIRECTORY))) revert IOsReleases.OsRootMalformed();
    }

    /// @dev The bytes of a link, whose length stands at `place`.
    function _link(bytes calldata root, uint256 place) private pure returns (bytes calldata link) {
        uint256 size = uint8(root[place]);
        if (size > 127 || size < NAME_AT || place + 1 + size > root.length) revert IOsReleases.OsRootMalformed();
        link = root[place + 1:place + 1 + size];
        if (bytes2(link[:2]) != CID_FIELD) revert IOsReleases.OsRootMalformed();
    }
}
