// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {IERC1271} from "@openzeppelin/contracts/interfaces/IERC1271.sol";

/// @notice A wallet of one owner, who can be another one tomorrow: what tests of the vault sign in with.
contract SmartWallet is IERC1271 {
    address public owner;

    constructor(address first) {
        owner = first;
    }

    function handOver(address next) external {
        owner = next;
    }

    /// @inheritdoc IERC1271
    function isValidSignature(bytes32 hash, bytes calldata signature) external view returns (bytes4) {
        (address by, ECDSA.RecoverError error,) = ECDSA.tryRecoverCalldata(hash, signature);
        return error == ECDSA.RecoverError.NoError && by == owner ? IERC1271.isValidSignature.selector : bytes4(0);
    }
}
