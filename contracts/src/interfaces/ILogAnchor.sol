// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.24;

/// @title ILogAnchor
/// @notice Heads of clusters' logs on chain. A head is taken only with a proof that it extends the last one, so a log that
/// was rewritten can never be anchored again; and two signed heads that cannot be of one log are a proof that anybody can submit.
///
/// ```
///  cluster: signs each head with its head key (EIP-712)         anybody: anchor(head, signature, consistency proof)
///  anybody who holds two heads that contradict each other: `forked…` judges them; `IProviders` takes the stake
/// ```
///
/// *Anybody may carry a head here.* The signature is what counts, not who pays for the transaction.
///
/// *Four ways to contradict oneself*: two roots of one size; a smaller head that is later by more than `TOLERANCE`; a head
/// whose past is not the other head (shown by a consistency proof: what witnesses keep as evidence); two heads with
/// different entries at one place (shown by two inclusion proofs, where nobody has the consistency proof).
///
/// *The clock of a log never goes back.* Whoever signs heads sees to it that `time` does not fall, or an honest log looks
/// like one that shrank. Clocks are set right by a little all the time: nobody loses his stake for less than `TOLERANCE`.
///
/// *A cluster has one log.* Two machines that keep a log each and sign with keys of one cluster contradict each other.
///
/// @dev FINAL: names, arguments, events and the EIP-712 type.
interface ILogAnchor {
    /// @notice A tree head that a cluster signs. EIP-712: Head(uint256 cluster,uint64 size,bytes32 root,uint48 time)
    struct Head {
        uint256 cluster;
        /// @dev entries of the log, at least 1
        uint64 size;
        /// @dev RFC 6962 tree head
        bytes32 root;
        /// @dev when it was signed, seconds since 1970
        uint48 time;
    }

    /// @notice The last head that was anchored; all zero = none.
    struct Anchored {
        uint64 size;
        uint48 time;
        /// @dev when it came to the chain
        uint48 anchoredAt;
        bytes32 root;
    }

    /// @notice Two inclusion proofs at one place.
    struct Split {
        /// @dev place of the entry, from 0, in both logs
        uint64 index;
        bytes32 firstLeaf;
        bytes32 secondLeaf;
        bytes32[] firstPath;
        bytes32[] secondPath;
    }

    /// @notice A log grew.
    event HeadAnchored(uint256 indexed cluster, uint64 size, bytes32 root, uint48 time);

    /// @notice Not signed by the cluster's head key.
    error AnchorNotSigned(uint256 cluster, address signer);
    /// @notice The log does not grow from the anchored head, or its time goes back.
    error AnchorNotGrowing(uint256 cluster, uint64 anchored, uint64 size);
    /// @notice The proof does not show that the head extends the anchored one: a fork, or a wrong proof.
    error AnchorNotConsistent(uint256 cluster, uint64 anchored, uint64 size);
    /// @notice The head is from the future by more than `TOLERANCE`.
    error AnchorFromFuture(uint256 cluster, uint48 time);

    /// @notice Takes a head that extends the last one.
    /// @param signature 65 bytes by the cluster's head key of now
    /// @param proof RFC 9162 consistency proof from the anchored size; empty for the first head
    function anchor(Head calldata head, bytes calldata signature, bytes32[] calldata proof) external;

    /// @notice The last anchored head of a cluster.
    function anchored(uint256 cluster) external view returns (Anchored memory);

    /// @notice Whether both heads are signed by (present or former) keys of one cluster and contradict each other by
    /// themselves: one size and two roots, or smaller although later by more than `TOLERANCE`.
    function forked(Head calldata first, bytes calldata signed, Head calldata second, bytes calldata signedToo)
        external
        view
        returns (bool);

    /// @notice Whether both heads are signed so, and `second` did not grow from `first`.
    /// @param first the smaller head, or one of equal size
    /// @param past what the root at the smaller size is in the log of `second`; another one than `first.root`
    /// @param proof RFC 9162 consistency proof from `past` to `second`
    function forkedPast(
        Head calldata first,
        bytes calldata signed,
        Head calldata second,
        bytes calldata signedToo,
        bytes32 past,
        bytes32[] calldata proof
    ) external view returns (bool);

    /// @notice Whether both heads are signed so, and have different entries at one place.
    function forkedAt(
        Head calldata first,
        bytes calldata signed,
        Head calldata second,
        bytes calldata signedToo,
        Split calldata split
    ) external view returns (bool);

    /// @notice What the head key signs.
    function digestOf(Head calldata head) external view returns (bytes32);

    /// @notice Whether `newer` begins with `older`: the check that `anchor` makes, for anybody.
    function consistent(uint64 older, uint64 newer, bytes32 olderRoot, bytes32 newerRoot, bytes32[] calldata proof)
        external
        pure
        returns (bool);

    /// @notice Where clusters and their head keys are.
    function clusters() external view returns (address);
}
