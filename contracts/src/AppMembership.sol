// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {AppVotes} from "./AppVotes.sol";
import {IAppMembership} from "./interfaces/IAppMembership.sol";

/// @title AppMembership
/// @notice One member, one vote, not transferable. See `IAppMembership`.
contract AppMembership is AppVotes, IAppMembership {
    /// @dev Same arguments as `AppVotes`, so that a factory treats both alike; every amount is 1.
    constructor(
        string memory name_,
        string memory symbol_,
        address timelock_,
        address[] memory members,
        uint256[] memory ones
    ) AppVotes(name_, symbol_, timelock_, members, ones) {}

    /// @inheritdoc IAppMembership
    function burn(address member) external {
        _onlyTimelock();
        _burn(member, 1);
    }

    /// @notice Votes are counted in whole members.
    function decimals() public pure override returns (uint8) {
        return 0;
    }

    /// @dev Only birth and end of a membership pass; everything that ERC-20 offers ends here.
    function _update(address from, address to, uint256 amount) internal override {
        if (from != address(0) && to != address(0)) revert MembershipNotTransferable(from, to);
        if (from == address(0) && (amount != 1 || balanceOf(to) != 0)) revert MembershipAlreadyHeld(to);
        super._update(from, to, amount);
        if (to != address(0) && delegates(to) == address(0)) _delegate(to, to);
    }
}
