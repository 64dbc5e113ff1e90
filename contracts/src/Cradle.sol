// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IDaoFactory} from "./interfaces/IDaoFactory.sol";

/// @title Cradle
/// @notice Makes the contracts of one DAO, in order, for the factory that made it and for nobody else; then it is of no use.
contract Cradle {
    address private immutable _factory = msg.sender;

    /// @notice Somebody else than the factory called.
    error CradleNotFactory(address caller);

    /// @notice Creates the next contract.
    /// @param code creation code with its constructor's arguments
    function make(bytes calldata code) external {
        if (msg.sender != _factory) revert CradleNotFactory(msg.sender);
        bytes memory initial = code;
        address made;
        assembly ("memory-safe") {
            made := create(0, add(initial, 0x20), mload(initial))
        }
        if (made == address(0)) revert IDaoFactory.FactoryCreationFailed(_reason());
    }

    /// @dev What the constructor that failed gave as its reason.
    function _reason() private pure returns (bytes memory reason) {
        assembly ("memory-safe") {
            let size := returndatasize()
            reason := mload(0x40)
            mstore(reason, size)
            returndatacopy(add(reason, 0x20), 0, size)
            mstore(0x40, add(add(reason, 0x20), and(add(size, 0x1f), not(0x1f))))
        }
    }
}
