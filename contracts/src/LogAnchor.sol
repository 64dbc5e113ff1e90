// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {LogProof} from "./LogProof.sol";
import {IClusters} from "./interfaces/IClusters.sol";
import {ILogAnchor} from "./interfaces/ILogAnchor.sol";

/// @title LogAnchor
/// @notice Heads of clusters' logs on chain, and the judge of heads that contradict each other. See `ILogAnchor`.
contract LogAnchor is ILogAnchor, EIP712 {
    bytes32 private constant HEAD = keccak256("Head(uint256 cluster,uint64 size,bytes32 root,uint48 time)");
    /// @dev clocks differ a little; seconds
    uint48 private constant TOLERANCE = 300;

    /// @inheritdoc ILogAnchor
    address public immutable clusters;

    mapping(uint256 cluster => Anchored) private _anchored;

    constructor(address clusters_) EIP712("CyberPrivacy Log", "1") {
        // slither-disable-next-line missing-zero-check  who uses an anchor compares it with the address he expects
        clusters = clusters_;
    }

    /// @inheritdoc ILogAnchor
    function anchor(Head calldata head, bytes calldata signature, bytes32[] calldata proof) external {
        address signer = _signer(head, signature);
        if (signer == address(0) || signer != IClusters(clusters).headKey(head.cluster)) {
            revert AnchorNotSigned(head.cluster, signer);
        }
        Anchored storage last = _anchored[head.cluster];
        if (head.size <= last.size || head.time < last.time) {
            revert AnchorNotGrowing(head.cluster, last.size, head.size);
        }
        if (head.time > block.timestamp + TOLERANCE) revert AnchorFromFuture(head.cluster, head.time);
        bool extends =
            last.size == 0 ? proof.length == 0 : LogProof.consistent(last.size, head.size, last.root, head.root, proof);
        if (!extends) revert AnchorNotConsistent(head.cluster, last.size, head.size);
        _anchored[head.cluster] = Anchored(head.size, head.time, uint48(block.timestamp), head.root);
        emit HeadAnchored(head.cluster, head.size, head.root, head.time);
    }

    /// @inheritdoc ILogAnchor
    function anchored(uint256 cluster) external view returns (Anchored memory) {
        return _anchored[cluster];
    }

    /// @inheritdoc ILogAnchor
    function forked(Head calldata first, bytes calldata signed, Head calldata second, bytes calldata signedToo)
        external
        view
        returns (bool)
    {
        if (!_bothSigned(first, signed, second, signedToo)) return false;
        if (first.size == second.size) return first.root != second.root;
        return first.size > second.size ? first.time + TOLERANCE < second.time : second.time + TOLERANCE < first.time;
    }

    /// @inheritdoc ILogAnchor
    function forkedPast(
        Head calldata first,
        bytes calldata signed,
        Head calldata second,
        bytes calldata signedToo,
        bytes32 past,
        bytes32[] calldata proof
    ) external view returns (bool) {
        return _bothSigned(first, signed, second, signedToo) && past != first.root
            && LogProof.consistent(first.size, second.size, past, second.root, proof);
    }

    /// @inheritdoc ILogAnchor
    function forkedAt(
        Head calldata first,
        bytes calldata signed,
        Head calldata second,
        bytes calldata signedToo,
        Split calldata split
    ) external view returns (bool) {
        return _bothSigned(first, signed, second, signedToo) && split.firstLeaf != split.secondLeaf
            && LogProof.includes(first.root, first.size, split.index, split.firstLeaf, split.firstPath)
            && LogProof.includes(second.root, second.size, split.index, split.secondLeaf, split.secondPath);
    }

    /// @inheritdoc ILogAnchor
    function digestOf(Head calldata head) public view returns (bytes32) {
        return _hashTypedDataV4(keccak256(abi.encode(HEAD, head.cluster, head.size, head.root, head.time)));
    }

    /// @inheritdoc ILogAnchor
    function consistent(uint64 older, uint64 newer, bytes32 olderRoot, bytes32 newerRoot, bytes32[] calldata proof)
        external
        pure
        returns (bool)
    {
        return LogProof.consistent(older, newer, olderRoot, newerRoot, proof);
    }

    /// @dev By keys of one cluster, whichever they were: `signer` 0 was never a key of anybody.
    function _bothSigned(Head calldata first, bytes calldata signed, Head calldata second, bytes calldata signedToo)
        private
        view
        returns (bool)
    {
        return first.cluster == second.cluster && IClusters(clusters).wasHeadKey(first.cluster, _signer(first, signed))
            && IClusters(clusters).wasHeadKey(second.cluster, _signer(second, signedToo));
    }

    /// @dev 0 = no valid signature.
    function _signer(Head calldata head, bytes calldata signature) private view returns (address signer) {
        // slither-disable-next-line unused-return  why a signature is none does not matter
        (signer,,) = ECDSA.tryRecover(digestOf(head), signature);
    }
}
