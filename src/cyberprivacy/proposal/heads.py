"""Heads of clusters' logs as their head keys sign them: EIP-712 typed data, anchored on chain.

Source: contracts/src/interfaces/ILogAnchor.sol; RFC 9162 for the trees.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eth_utils.address import to_checksum_address

from cyberprivacy.errors import Misuse
from cyberprivacy.ledger.headkey import head_digest
from cyberprivacy.proposal.abi import contract
from cyberprivacy.proposal.calls import Call, call
from cyberprivacy.proposal.chain import Chain
from cyberprivacy.proposal.release import Address, FinalBlock
from cyberprivacy.proposal.signing import LocalKey
from cyberprivacy.wallet import recover

MOST_PROOF: Final = 65
"""Hashes of the longest proof between two logs of fewer than 2^64 entries."""


@dataclass(frozen=True, slots=True)
class Head:
    """A tree head that a cluster vouches for.

    Attributes:
        cluster: its number on chain, from 1.
        size: entries, 1 to 2^64 - 1.
        root: RFC 6962 tree head, 32 bytes.
        time: when it is signed, seconds since 1970; never falls from one head to the next.
    """

    cluster: int
    size: int
    root: bytes
    time: int

    def struct(self) -> tuple[int, int, bytes, int]:
        """As the contracts take it."""
        return (self.cluster, self.size, self.root, self.time)

    def digest(self, chain_id: int, anchor: Address) -> bytes:
        """What the head key signs, 32 bytes.

        Args:
            chain_id: EIP-155 number of the chain that the anchor is on.
            anchor: LogAnchor.

        Raises:
            BadTypedData: a number out of range, or a root that has not 32 bytes.

        Source: EIP-712; `ILogAnchor.digestOf` gives the same.
        """
        where = bytes.fromhex(anchor[2:])
        return head_digest(chain_id, where, self.cluster, size=self.size, root=self.root, time=self.time)


@dataclass(frozen=True, slots=True)
class Signed:
    """A head and its signature of 65 bytes (r, s, v), not checked."""

    head: Head
    signature: bytes

    def signer(self, chain_id: int, anchor: Address) -> Address:
        """Whose signature it is, if it was made for this anchor; else just somebody.

        Raises:
            BadSignature (of `wallet`): it is none.
        """
        return Address(to_checksum_address(recover(self.head.digest(chain_id, anchor), self.signature)))


@dataclass(frozen=True, slots=True)
class Split:
    """Two inclusion proofs at one place of two logs; see `ILogAnchor.Split`."""

    index: int
    first_leaf: bytes
    second_leaf: bytes
    first_path: tuple[bytes, ...]
    second_path: tuple[bytes, ...]

    def struct(self) -> tuple[object, ...]:
        """As the contracts take it."""
        return (self.index, self.first_leaf, self.second_leaf, list(self.first_path), list(self.second_path))


@dataclass(frozen=True, slots=True)
class Past:
    """What a longer log says of its past, at the size of a shorter one; see `ILogAnchor.forkedPast`.

    Attributes:
        root: 32 bytes.
        proof: consistency from it to the longer log's head.
    """

    root: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Anchored:
    """The last head of a cluster on chain; size 0 = none. Times in seconds since 1970."""

    size: int
    root: bytes
    time: int
    anchored_at: int


def sign_head(key: LocalKey, head: Head, *, chain_id: int, anchor: Address) -> Signed:
    """Sign a head with the cluster's head key."""
    return Signed(head, key.sign_digest(head.digest(chain_id, anchor)))


def anchor_head(anchor: Address, signed: Signed, proof: Sequence[bytes]) -> tuple[Call, ...]:
    """As anybody: bring a signed head to the chain.

    Args:
        anchor: LogAnchor.
        signed: by the cluster's head key of now.
        proof: consistency proof from the anchored size, hashes of 32 bytes; empty for the first head.

    Raises:
        Misuse: more hashes than any proof has ("anchor.proof").
    """
    if len(proof) > MOST_PROOF:
        raise Misuse("no consistency proof is so long", code="anchor.proof", hashes=len(proof), most=MOST_PROOF)
    return (call("LogAnchor", anchor, "anchor", signed.head.struct(), signed.signature, list(proof)),)


def anchored(chain: Chain, anchor: Address, cluster: int, *, at: FinalBlock) -> Anchored:
    """The last head of a cluster that was anchored."""
    told = contract("LogAnchor").read(chain, at, anchor, "anchored", cluster).struct("0")
    return Anchored(told.integer("size"), told.octets("root"), told.integer("time"), told.integer("anchoredAt"))
