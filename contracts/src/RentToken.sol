// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";

/// @title RentToken
/// @notice What rent, stakes and bonds are paid in. It has no votes: nobody buys code with it.
/// @dev Its supply is fixed at birth and can only shrink. A stake deters because it is worth something; whoever could mint,
/// be it a DAO that was captured for one vote, could pay rent with nothing, and stake again what was just slashed.
contract RentToken is ERC20, ERC20Burnable, ERC20Permit {
    /// @notice Holders and amounts do not match, or nobody would hold anything.
    error TokenHoldersMalformed();

    /// @param holders first holders, such as the treasuries (timelocks) of DAOs
    /// @param amounts what each holds; 18 decimals
    constructor(address[] memory holders, uint256[] memory amounts)
        ERC20("CyberPrivacy Rent", "RENT")
        ERC20Permit("CyberPrivacy Rent")
    {
        if (holders.length == 0 || holders.length != amounts.length) {
            revert TokenHoldersMalformed();
        }
        for (uint256 i = 0; i < holders.length; ++i) {
            _mint(holders[i], amounts[i]);
        }
        if (totalSupply() == 0) revert TokenHoldersMalformed();
    }
}
