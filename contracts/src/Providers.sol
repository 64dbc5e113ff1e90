// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {IERC20} from "@openzeppelin/contracts/token/ERC20/IERC20.sol";
import {ERC20Burnable} from "@openzeppelin/contracts/token/ERC20/extensions/ERC20Burnable.sol";
import {SafeERC20} from "@openzeppelin/contracts/token/ERC20/utils/SafeERC20.sol";
import {IClusters} from "./interfaces/IClusters.sol";
import {ILogAnchor} from "./interfaces/ILogAnchor.sol";
import {IProviders} from "./interfaces/IProviders.sol";

/// @title Providers
/// @notice Who operates clusters, with what licence, and what they lose if they cheat. See `IProviders`.
contract Providers is IProviders {
    using SafeERC20 for IERC20;

    struct Setup {
        address token;
        address anchor;
        address court;
        address registrar;
        uint32 unbondingPeriod;
        uint256 leastStake;
    }

    /// @dev a finder's share is a part of this size: 10 = a tenth
    uint256 private constant FINDERS_PART = 10;

    /// @inheritdoc IProviders
    address public immutable token;
    /// @inheritdoc IProviders
    address public immutable anchor;
    /// @inheritdoc IProviders
    address public immutable court;
    /// @inheritdoc IProviders
    address public immutable registrar;
    /// @inheritdoc IProviders
    uint32 public immutable unbondingPeriod;
    /// @inheritdoc IProviders
    uint256 public immutable leastStake;

    mapping(address provider => Provider) private _providers;
    /// @inheritdoc IProviders
    mapping(uint256 cluster => bool) public convicted;
    /// @inheritdoc IProviders
    mapping(bytes32 case_ => bool) public punished;
    /// @inheritdoc IProviders
    mapping(address finder => uint256) public rewards;

    constructor(Setup memory s) {
        if (
            s.token == address(0) || s.anchor == address(0) || s.court == address(0) || s.registrar == address(0)
                || s.unbondingPeriod == 0 || s.leastStake == 0
        ) revert ProviderSetupMalformed();
        (token, anchor, court, registrar) = (s.token, s.anchor, s.court, s.registrar);
        (unbondingPeriod, leastStake) = (s.unbondingPeriod, s.leastStake);
    }

    // -------------------------------------------------------------------------------------------- as a provider

    /// @inheritdoc IProviders
    function register(bytes32 document, string calldata uri) external {
        if (document == 0) revert ProviderEmptyDigest();
        Provider storage p = _providers[msg.sender];
        if (p.document != document) (p.document, p.licensedUntil) = (document, 0);
        emit ProviderRegistered(msg.sender, document, uri);
    }

    /// @inheritdoc IProviders
    function stake(uint256 amount) external {
        Provider storage p = _known(msg.sender);
        if (amount == 0) revert ProviderAmountRefused(0, 0);
        p.staked += amount;
        emit Staked(msg.sender, amount, p.staked);
        IERC20(token).safeTransferFrom(msg.sender, address(this), amount);
    }

    /// @inheritdoc IProviders
    function unbond(uint256 amount) external {
        Provider storage p = _known(msg.sender);
        if (amount == 0 || amount > p.staked) revert ProviderAmountRefused(amount, p.staked);
        p.staked -= amount;
        p.leaving += amount;
        p.ripeAt = uint48(block.timestamp) + unbondingPeriod;
        emit Unbonding(msg.sender, amount, p.ripeAt);
    }

    /// @inheritdoc IProviders
    function withdraw() external {
        Provider storage p = _known(msg.sender);
        uint256 amount = p.leaving;
        if (amount == 0) revert ProviderAmountRefused(0, 0);
        if (block.timestamp < p.ripeAt) revert ProviderStillLiable(p.ripeAt);
        (p.leaving, p.ripeAt) = (0, 0);
        emit Withdrawn(msg.sender, amount);
        IERC20(token).safeTransfer(msg.sender, amount);
    }

    // --------------------------------------------------------------------------------- as registrar and as court

    /// @inheritdoc IProviders
    function license(address provider, bytes32 document, uint48 until) external {
        if (msg.sender != registrar) revert ProviderNotRegistrar(msg.sender);
        Provider storage p = _known(provider);
        if (p.document != document) revert ProviderDocumentChanged(provider, p.document);
        p.licensedUntil = until;
        emit ProviderLicensed(provider, document, until);
    }

    /// @inheritdoc IProviders
    function slash(address provider, uint256 amount, address finder, bytes32 case_) external {
        if (msg.sender != court) revert ProviderNotCourt(msg.sender);
        if (case_ == 0) revert ProviderEmptyDigest();
        Provider storage p = _known(provider);
        if (punished[case_]) revert ProviderAlreadyPunished(case_);
        punished[case_] = true;
        uint256 most = p.staked + p.leaving;
        _take(provider, amount < most ? amount : most, finder, case_);
    }

    // ------------------------------------------------------------------------------------------------ as anybody

    /// @inheritdoc IProviders
    function punishFork(
        ILogAnchor.Head calldata first,
        bytes calldata signed,
        ILogAnchor.Head calldata second,
        bytes calldata signedToo
    ) external {
        if (!ILogAnchor(anchor).forked(first, signed, second, signedToo)) {
            revert ProviderNoFork();
        }
        _convict(first.cluster);
    }

    /// @inheritdoc IProviders
    function punishForkPast(
        ILogAnchor.Head calldata first,
        bytes calldata signed,
        ILogAnchor.Head calldata second,
        bytes calldata signedToo,
        bytes32 past,
        bytes32[] calldata proof
    ) external {
        if (!ILogAnchor(anchor).forkedPast(first, signed, second, signedToo, past, proof)) revert ProviderNoFork();
        _convict(first.cluster);
    }

    /// @inheritdoc IProviders
    function punishForkAt(
        ILogAnchor.Head calldata first,
        bytes calldata signed,
        ILogAnchor.Head calldata second,
        bytes calldata signedToo,
        ILogAnchor.Split calldata split
    ) external {
        if (!ILogAnchor(anchor).forkedAt(first, signed, second, signedToo, split)) {
            revert ProviderNoFork();
        }
        _convict(first.cluster);
    }

    /// @inheritdoc IProviders
    function collect() external {
        uint256 amount = rewards[msg.sender];
        if (amount == 0) revert ProviderAmountRefused(0, 0);
        rewards[msg.sender] = 0;
        emit RewardCollected(msg.sender, amount);
        IERC20(token).safeTransfer(msg.sender, amount);
    }

    // ---------------------------------------------------------------------------------------------------- views

    /// @inheritdoc IProviders
    function providerOf(address provider) external view returns (Provider memory) {
        return _providers[provider];
    }

    /// @inheritdoc IProviders
    function inGoodStanding(address provider) external view returns (bool) {
        Provider storage p = _providers[provider];
        return p.staked >= leastStake && block.timestamp < p.licensedUntil;
    }

    // --------------------------------------------------------------------------------------------------- private

    function _convict(uint256 cluster) private {
        bytes32 case_ = bytes32(cluster);
        if (convicted[cluster]) revert ProviderAlreadyPunished(case_);
        convicted[cluster] = true;
        address provider = IClusters(ILogAnchor(anchor).clusters()).providerOf(cluster);
        emit ForkProven(cluster, provider, msg.sender);
        Provider storage p = _providers[provider];
        _take(provider, p.staked + p.leaving, msg.sender, case_);
    }

    /// @dev First what is staked, then what is leaving; the caller has seen to it that there is so much.
    function _take(address provider, uint256 amount, address finder, bytes32 case_) private {
        Provider storage p = _providers[provider];
        uint256 fromStaked = amount < p.staked ? amount : p.staked;
        p.staked -= fromStaked;
        p.leaving -= amount - fromStaked;
        uint256 share = finder == address(0) ? 0 : amount / FINDERS_PART;
        rewards[finder] += share;
        emit Slashed(provider, case_, amount, finder, share);
        ERC20Burnable(token).burn(amount - share);
    }

    function _known(address provider) private view returns (Provider storage p) {
        p = _providers[provider];
        if (p.document == 0) revert ProviderUnknown(provider);
    }
}
