// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {Validators} from "../src/Validators.sol";
import {Market} from "./Market.sol";

/// @notice A market with three validators that count.
abstract contract Visited is Market {
    uint256 internal constant BOND = 100 ether;
    uint256 internal constant FEE = 50 ether;
    uint32 internal constant WINDOW = 7 days;
    uint32 internal constant VALIDITY = 90 days;
    bytes32 internal constant NODE_KEY = keccak256("a machine");

    Validators internal validators;

    function newVisited() internal {
        newMarket();
        validators = new Validators(aValidators());
        for (uint256 i = 0; i < 3; ++i) {
            addValidator(validator(i));
        }
        fund(FINDER, 1_000 ether, address(validators));
    }

    function aValidators() internal view returns (Validators.Setup memory) {
        return Validators.Setup({
            providers: address(providers),
            challengeWindow: WINDOW,
            validity: VALIDITY,
            leastBond: BOND,
            challengeBond: FEE
        });
    }

    function validator(uint256 i) internal pure returns (address) {
        return address(uint160(0xA0 + i));
    }

    function addValidator(address who) internal {
        fund(who, BOND, address(validators));
        vm.startPrank(who);
        validators.register("https://validator.example");
        validators.bond(BOND);
        vm.stopPrank();
        vm.prank(REGISTRAR);
        validators.accredit(who, uint48(block.timestamp) + 3650 days);
    }

    /// @dev What everybody sees at the cluster: another machine, and the one called NODE_KEY.
    function hardware() internal pure returns (bytes32[] memory seen) {
        seen = new bytes32[](2);
        (seen[0], seen[1]) = (keccak256("another machine"), NODE_KEY);
    }

    function visit(uint256 by, bool suspicious) internal returns (uint256) {
        vm.prank(validator(by));
        return validators.report(cluster, uint48(block.timestamp), suspicious, hardware(), new bytes32[](1));
    }
}
