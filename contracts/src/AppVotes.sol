// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ERC20} from "@openzeppelin/contracts/token/ERC20/ERC20.sol";
import {ERC20Permit} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Permit.sol";
import {ERC20Votes} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Votes.sol";
import {Nonces} from "@openzeppelin/contracts/utils/Nonces.sol";
import {IAppVotes} from "./interfaces/IAppVotes.sol";

/// @title AppVotes
/// @notice Transferable votes of an application's DAO. See `IAppVotes`.
contract AppVotes is ERC20, ERC20Permit, ERC20Votes, IAppVotes {
    /// @inheritdoc IAppVotes
    address public immutable timelock;

    /// @param name_ name of the token and of its EIP-712 domain
    /// @param symbol_ ticker
    /// @param timelock_ the DAO's timelock, which alone may mint
    /// @param holders first holders, each its own delegate from birth
    /// @param amounts their votes
    constructor(
        string memory name_,
        string memory symbol_,
        address timelock_,
        address[] memory holders,
        uint256[] memory amounts
    ) ERC20(name_, symbol_) ERC20Permit(name_) {
        if (holders.length == 0 || holders.length != amounts.length) {
            revert VotesHoldersMalformed();
        }
        timelock = timelock_; // slither-disable-line missing-zero-check  zero: nobody ever mints
        for (uint256 i = 0; i < holders.length; ++i) {
            _mint(holders[i], amounts[i]);
            _delegate(holders[i], holders[i]);
        }
    }

    /// @inheritdoc IAppVotes
    function mint(address to, uint256 amount) external virtual {
        _onlyTimelock();
        _mint(to, amount);
    }

    /// @notice Seconds since 1970: laps are times, not numbers of blocks.
    function clock() public view virtual override returns (uint48) {
        return uint48(block.timestamp);
    }

    /// @notice The clock in the words of ERC-6372.
    // solhint-disable-next-line func-name-mixedcase
    function CLOCK_MODE() public pure virtual override returns (string memory) {
        return "mode=timestamp";
    }

    /// @notice The next EIP-712 nonce of an account.
    function nonces(address owner) public view virtual override(ERC20Permit, Nonces) returns (uint256) {
        return super.nonces(owner);
    }

    function _update(address from, address to, uint256 amount) internal virtual override(ERC20, ERC20Votes) {
        super._update(from, to, amount);
    }

    function _onlyTimelock() internal view {
        if (msg.sender != timelock) revert VotesNotTimelock(msg.sender);
    }
}
