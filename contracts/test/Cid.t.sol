// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Cid} from "../src/Cid.sol";
import {Base} from "./Base.sol";

contract CidTest is Base {
    function test_the_empty_directory_has_the_address_that_ipfs_gives_it() public pure {
        // sha2-256 of the dag-pb block 0x0a020801; `ipfs add` of an empty folder prints this CID
        bytes memory text = Cid.text(sha256(hex"0a020801"));
        check(keccak256(text) == keccak256("bafybeiczsscdsbs7ffqz55asqdf3smv6klcw3gofszvwlyarci47bgf354"), "cid");
    }

    function testFuzz_every_digest_has_one_text_that_leads_back_to_it(bytes32 digest) public pure {
        bytes memory text = Cid.text(digest);
        check(text.length == 59 && text[0] == "b", "form");
        check(keccak256(_decode(text)) == keccak256(abi.encodePacked(bytes4(0x01701220), digest)), "round trip");
    }

    /// @dev A second, naive base32: bit by bit, as RFC 4648 describes it.
    function _decode(bytes memory text) private pure returns (bytes memory out) {
        out = new bytes(36);
        uint256 bits;
        for (uint256 i = 1; i < 59; ++i) {
            uint256 c = uint8(text[i]);
            check((c >= 97 && c <= 122) || (c >= 50 && c <= 55), "alphabet");
            uint256 value = c >= 97 ? c - 97 : c - 50 + 26;
            for (uint256 b = 0; b < 5; ++b) {
                uint256 bit = (value >> (4 - b)) & 1;
                if (bits < 288) out[bits / 8] |= bytes1(uint8(bit << (7 - bits % 8)));
                else check(bit == 0, "unused bits");
                ++bits;
            }
        }
    }
}
