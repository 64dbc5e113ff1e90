// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Cid} from "./Cid.sol";
import {IAppGovernor} from "./interfaces/IAppGovernor.sol";

/// @title UpdateLabel
/// @notice The text of a software update, byte by byte: what a reader sees is what the action does. See `IAppGovernor`.
library UpdateLabel {
    bytes15 private constant PREFIX = "Software Update"; // ASCII, exact case, no space before it
    uint256 private constant LONGEST_TITLE = 160;
    bytes private constant SCHEME = "\nipfs://";

    /// @notice Whether a text begins as that of an update does.
    function isTitled(bytes memory description) internal pure returns (bool) {
        return bytes15(word(description, 0)) == PREFIX && description.length >= PREFIX.length;
    }

    /// @notice Refuses a titled text whose title is too long, or whose second line is not the address of `bundle`.
    function check(bytes memory description, bytes32 bundle) internal pure {
        uint256 end = PREFIX.length;
        while (end < description.length && description[end] != "\n") {
            if (++end > LONGEST_TITLE) revert IAppGovernor.GovernorTitleMalformed();
        }
        bytes memory line = bytes.concat(SCHEME, Cid.text(bundle), "\n");
        if (description.length < end + line.length) revert IAppGovernor.GovernorTitleMalformed();
        bytes32 found;
        assembly ("memory-safe") {
            found := keccak256(add(add(description, 0x20), end), mload(line))
        }
        if (found != keccak256(line)) revert IAppGovernor.GovernorBundleTextMismatch(bundle);
    }

    /// @notice 32 bytes from `offset`; beyond the end the value is unspecified, so lengths are checked by the callers.
    function word(bytes memory data, uint256 offset) internal pure returns (bytes32 found) {
        assembly ("memory-safe") {
            found := mload(add(add(data, 0x20), offset))
        }
    }
}
