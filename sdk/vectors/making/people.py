"""Who appears in the vectors: keys made from names. Nobody else's secrets are ever written down here."""

from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cyberprivacy import wallet
from cyberprivacy.vault import forms
from cyberprivacy.vault.account import State
from cyberprivacy.vault.changes import advance
from cyberprivacy.vault.key import DEVICE_TAG, Key
from cyberprivacy.vault.keyevent import NOTHING, Body, Event, Guardian, Kind, Opening, Signed

NETWORK: Final = "vectors:1"
SCHEMA: Final = forms.schema(NETWORK)
NOW: Final = 1_800_000_000


def secret(name: str) -> bytes:
    """The secret of a name: 32 bytes that everybody can compute."""
    return sha256(f"udi/1 vectors {name}".encode()).digest()


def key(name: str) -> Key:
    """The Ethereum account of a name; of a device, if the name begins with "device"."""
    if name.startswith("device"):
        public = Ed25519PrivateKey.from_private_bytes(secret(name)).public_key()
        return Key.parse(f"ed25519-device:{public.public_bytes(Encoding.Raw, PublicFormat.Raw).hex()}")
    return Key.of_address(wallet.address_of(secret(name)))


def sign_digest(name: str, digest: bytes) -> bytes:
    """A signature of 32 bytes by whoever has this name."""
    if name.startswith("device"):
        return Ed25519PrivateKey.from_private_bytes(secret(name)).sign(DEVICE_TAG + digest)
    return wallet.sign(secret(name), digest)


def opening(name: str) -> Opening:
    """How the guardian of this name steps forward."""
    return Opening(key(name), sha256(f"salt of {name}".encode()).digest())


def guardians(*names: str) -> tuple[Guardian, ...]:
    """Guardians as an account lists them."""
    made = [Guardian(opening(name).commitment, sha256(f"runs {name}".encode()).digest()) for name in names]
    return tuple(sorted(made, key=lambda each: each.commitment))


@dataclass
class Person:
    """An account in the making.

    Attributes:
        log: its events so far.
        names: everybody who signed.
    """

    now: int = NOW
    state: State | None = None
    log: list[Signed] = field(default_factory=list)
    names: set[str] = field(default_factory=set)

    def begin(self, *names: str, guarded_by: tuple[str, ...] = ()) -> "Person":
        """The inception."""
        self.take(self.inception(*names, guarded_by=guarded_by), names[0])
        return self

    def inception(self, *names: str, guarded_by: tuple[str, ...] = ()) -> Event:
        """The first event, unsigned."""
        keys = tuple(sorted(key(name) for name in names))
        body = Body(keys=keys, guardians=guardians(*guarded_by), salt=secret("salt"))
        return Event(NOTHING, 0, NOTHING, Kind.INCEPT, body, self.now)

    def next(self, kind: Kind, *, later: int = 0, **body: object) -> Event:
        """The next event, unsigned, `later` seconds after the last one."""
        state = self._known()
        said = Body(**body)  # type: ignore[arg-type]
        return Event(state.account, state.seq + 1, state.head, kind, said, self.now + later)

    def does(self, kind: Kind, by: str, *, later: int = 0, **body: object) -> "Person":
        """One more event."""
        self.take(self.next(kind, later=later, **body), by)
        return self

    def take(self, event: Event, by: str) -> None:
        """Sign an event and append it; the rules are kept."""
        self.state = advance(self.state, event, key(by), event.digest(SCHEMA))
        self.now = event.at
        self.names.add(by)
        self.log.append(signed(event, by))

    def _known(self) -> State:
        if self.state is None:
            raise ValueError("the account has not begun")
        return self.state


def signed(event: Event, by: str) -> Signed:
    """An event with a good signature of `by`."""
    return Signed(event, key(by), sign_digest(by, event.digest(SCHEMA)))
