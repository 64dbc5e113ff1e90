"""The key with which a cluster answers for its log on chain: heads that a contract can judge. Pure.

Two such signatures over heads of which neither grew from the other cost the provider its stake. In a checkpoint
each is one more line (C2SP signed-note, type 0xff); its value is cluster (8 bytes), time (8 bytes), both
big-endian, and the signature (65 bytes: r, s, v).

Source: contracts/src/interfaces/ILogAnchor.sol; EIP-712.
"""

from dataclasses import dataclass
from typing import Final, Self

from cyberprivacy import wallet
from cyberprivacy.typed_data import Schema

TAG: Final = b"cyberprivacy-head-v1"
"""What tells this kind of key from all others of type 0xff. Source: C2SP signed-note, "Signature types"."""
KEY_SIZE: Final = len(TAG) + 8 + 20 + 8 + 20
LINE_SIZE: Final = 8 + 8 + wallet.SIZE
LATEST: Final = (1 << 48) - 1
"""The last second that the contract can count."""

_HEAD: Final = (("cluster", "uint256"), ("size", "uint64"), ("root", "bytes32"), ("time", "uint48"))


@dataclass(frozen=True, slots=True)
class OnChain:
    """A cluster's head key, and where it counts.

    Attributes:
        chain_id: EIP-155 number, 1 to 2^64 - 1.
        anchor: LogAnchor, 20 bytes.
        cluster: number of the cluster, 1 to 2^64 - 1.
        address: of the key, 20 bytes.
    """

    chain_id: int
    anchor: bytes
    cluster: int
    address: bytes

    def encode(self) -> bytes:
        """As the bytes of a public key, `KEY_SIZE` of them."""
        return TAG + self.chain_id.to_bytes(8) + self.anchor + self.cluster.to_bytes(8) + self.address

    @classmethod
    def parse(cls, public: bytes) -> Self:
        """Read a public key.

        Raises:
            ValueError: not one of this kind.
        """
        rest = public.removeprefix(TAG)
        if len(public) != KEY_SIZE or len(rest) == KEY_SIZE:
            raise ValueError("not a head key")
        return cls(int.from_bytes(rest[:8]), rest[8:28], int.from_bytes(rest[28:36]), rest[36:])

    def sign(self, secret: bytes, *, size: int, root: bytes, time: int) -> bytes:
        """The value of a line below a head; `secret` is that of `address`."""
        digest = head_digest(self.chain_id, self.anchor, self.cluster, size=size, root=root, time=time)
        return self.cluster.to_bytes(8) + time.to_bytes(8) + wallet.sign(secret, digest)

    def check(self, value: bytes, *, size: int, root: bytes) -> int:
        """When a line below a head was made, seconds since 1970.

        Raises:
            ValueError: another length or cluster, or no such time.
            BadSignature (of `wallet`): no signature.
            BadTypedData: a size that no contract can count.
        """
        cluster, time, signature = int.from_bytes(value[:8]), int.from_bytes(value[8:16]), value[16:]
        if len(value) != LINE_SIZE or cluster != self.cluster or not 0 < time <= LATEST:
            raise ValueError("not a line of this key")
        digest = head_digest(self.chain_id, self.anchor, cluster, size=size, root=root, time=time)
        if wallet.recover(digest, signature) != self.address:
            raise ValueError("another key signed")
        return time


def head_digest(chain_id: int, anchor: bytes, cluster: int, *, size: int, root: bytes, time: int) -> bytes:
    """What a head key signs, 32 bytes; `ILogAnchor.digestOf` gives the same.

    Raises:
        BadTypedData: a number out of range, or a root that has not 32 bytes.
    """
    domain = {"name": "CyberPrivacy Log", "version": "1", "chainId": chain_id, "verifyingContract": anchor}
    value = {"cluster": cluster, "size": size, "root": root, "time": time}
    return Schema(domain, {"Head": _HEAD}).digest("Head", value)
