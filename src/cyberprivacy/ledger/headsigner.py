"""Signs a log's heads for the chain, beside the keys that readers of notes know."""

from dataclasses import dataclass, field
from typing import Self

from cyberprivacy import wallet
from cyberprivacy.errors import Misuse
from cyberprivacy.ledger.checkpoint import Checkpoint
from cyberprivacy.ledger.headkey import OnChain
from cyberprivacy.ledger.note import Signature
from cyberprivacy.ledger.signers import Kind, VerifierKey


@dataclass(frozen=True, slots=True)
class HeadSigner:
    """A head key and whose log it is for. The secret is never shown."""

    name: str
    place: OnChain
    _secret: bytes = field(repr=False)

    @classmethod
    def of(cls, name: str, secret: bytes, *, chain_id: int, anchor: bytes, cluster: int) -> Self:
        """The key of a secret.

        Args:
            name: the log's origin.
            secret: 32 bytes.
            chain_id: see `OnChain`.
            anchor: see `OnChain`.
            cluster: see `OnChain`.

        Raises:
            Misuse: not a secret of secp256k1, or numbers out of range ("note.key").
        """
        try:
            place = OnChain(chain_id, anchor, cluster, wallet.address_of(secret))
            OnChain.parse(place.encode())
        except (ValueError, OverflowError):
            raise Misuse("not a head key, or not a place where it counts", code="note.key", name=name) from None
        return cls(name, place, secret)

    @property
    def kind(self) -> Kind:
        """What it signs."""
        return Kind.HEAD

    @property
    def verifier(self) -> VerifierKey:
        """The public half, with the place where it counts."""
        return VerifierKey(self.name, Kind.HEAD, self.place.encode())

    def sign(self, checkpoint: Checkpoint, *, time: int) -> Signature:
        """Sign a checkpoint; `time` in seconds since 1970 must not fall from one head to the next."""
        value = self.place.sign(self._secret, size=checkpoint.size, root=checkpoint.root, time=time)
        return Signature(self.name, self.verifier.id, value)
