// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @notice The few powers over the test chain that we use; forge answers at a fixed address.
interface Vm {
    function warp(uint256 time) external;
    function prank(address as_) external;
    function startPrank(address as_) external;
    function stopPrank() external;
    function expectRevert(bytes calldata reason) external;
    function expectPartialRevert(bytes4 selector) external;
    function computeCreateAddress(address creator, uint256 nonce) external pure returns (address);
    function getNonce(address account) external view returns (uint64);
    function pauseGasMetering() external;
    function resumeGasMetering() external;
    function sign(uint256 key, bytes32 digest) external pure returns (uint8 v, bytes32 r, bytes32 s);
    function addr(uint256 key) external pure returns (address);
}

/// @notice What every test starts from.
abstract contract Base {
    Vm internal constant vm = Vm(address(uint160(uint256(keccak256("hevm cheat code")))));
    bool public constant IS_TEST = true;

    function check(bool kept, string memory otherwise) internal pure {
        require(kept, otherwise);
    }

    function bound(uint256 value, uint256 least, uint256 most) internal pure returns (uint256) {
        return least + value % (most - least + 1);
    }

    /// @dev The next call must be refused with exactly this reason.
    function refused(bytes memory reason) internal {
        vm.expectRevert(reason);
    }

    /// @dev The next call must be refused with this error, whatever its facts.
    function refused(bytes4 selector) internal {
        vm.expectPartialRevert(selector);
    }

    function list(address a) internal pure returns (address[] memory out) {
        out = new address[](1);
        out[0] = a;
    }

    function list(address a, address b) internal pure returns (address[] memory out) {
        out = new address[](2);
        (out[0], out[1]) = (a, b);
    }

    function list(address a, address b, address c) internal pure returns (address[] memory out) {
        out = new address[](3);
        (out[0], out[1], out[2]) = (a, b, c);
    }
}
