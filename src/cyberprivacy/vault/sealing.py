"""What a person wrote, sealed: a random key for every revision, wrapped under the owner's key, and AES-256-GCM.

Each ciphertext is bound to its place: whose it is, which record, of which type, which revision. One that is moved,
or an older one that is put back under another number, does not open. Pure, but for random bytes of `Draw`.

Source: docs/spec/udi-1.md, "Sealed records".
"""

import os
import time
from collections import OrderedDict
from collections.abc import Callable
from threading import Lock
from typing import Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cyberprivacy.errors import Untrusted
from cyberprivacy.vault.keyslot import Holder
from cyberprivacy.vault.keystore import KeyStore

WRAPPED: Final = 60
"""Bytes of a wrapped key: nonce (12), ciphertext (32), tag (16)."""
OVERHEAD: Final = 29
"""Bytes by which a sealed body is longer: format (1), nonce (12), tag (16)."""
_FORMAT: Final = b"\x01"
_KEY: Final = b"udi1|key"
"""What a wrapped key is bound to."""

Draw = Callable[[int], bytes]
"""So many random bytes."""


class BadSeal(Untrusted):
    """A ciphertext is not what was sealed at this place under this owner's key."""

    code = "record.seal"
    hint = "The database was changed behind the vault's back, or is damaged: restore it."


class Sealed(NamedTuple):
    """A wrapped key (60 bytes), and the body that is sealed under it."""

    key: bytes
    body: bytes


class Place(NamedTuple):
    """Where a body belongs.

    Attributes:
        owner: 32 bytes.
        record: 16 bytes.
        type: data type with its version.
        rev: from 1.
    """

    owner: bytes
    record: bytes
    type: str
    rev: int

    def bound(self) -> bytes:
        """The additional data that binds a body to this place."""
        return f"{_of(self.owner)}{self.record.hex()}|{self.type}|{self.rev}".encode()


class PartPlace(NamedTuple):
    """Where a part of a blob belongs.

    Attributes:
        owner: 32 bytes.
        digest: SHA-256 of the whole blob.
        size: bytes of the whole blob: with it, none of its parts can be left away at the end.
        n: from 0.
    """

    owner: bytes
    digest: bytes
    size: int
    n: int

    def bound(self) -> bytes:
        """As `Place.bound`."""
        return f"udi1|{self.owner.hex()}|{self.digest.hex()}|blob|{self.size}|{self.n}".encode()


def seal(user: AESGCM, place: Place, body: bytes, *, draw: Draw = os.urandom) -> Sealed:
    """A body under a new key of its own."""
    owner, record, kind, rev = place
    return Sealed(*sealer(user, owner, draw)(record, kind, rev, body))


def sealer(user: AESGCM, owner: bytes, draw: Draw) -> Callable[[bytes, str, int, bytes], tuple[bytes, bytes]]:
    """Seals what one owner has: of a record, its type and revision, the body. What it gives is as `Sealed`."""
    of, wrapped = _of(owner), user.encrypt

    def sealed(record: bytes, kind: str, rev: int, body: bytes) -> tuple[bytes, bytes]:
        drawn = draw(56)
        key, wraps, seals = drawn[:32], drawn[32:44], drawn[44:]
        bound = f"{of}{record.hex()}|{kind}|{rev}".encode()
        return wraps + wrapped(wraps, key, _KEY), _FORMAT + seals + AESGCM(key).encrypt(seals, body, bound)

    return sealed


def unseal(user: AESGCM, place: Place, sealed: Sealed) -> bytes:
    """The body.

    Raises:
        BadSeal: not sealed at this place under this key.
    """
    owner, record, kind, rev = place
    return opener(user, owner)(record, kind, rev, *sealed)


def opener(user: AESGCM, owner: bytes) -> Callable[[bytes, str, int, bytes, bytes], bytes]:
    """Opens what one owner has: of a record, its type and revision, the wrapped key and what is sealed under that.

    As `unwrap` and `decrypt`, with nothing made twice: every record of an export passes here. Raises as `unseal`.
    """
    of, unwrapped = _of(owner), user.decrypt

    def opened(record: bytes, kind: str, rev: int, key: bytes, body: bytes) -> bytes:
        if body[:1] != _FORMAT:
            raise BadSeal("sealed in an unknown format", format=body[:1].hex())
        try:
            own = AESGCM(unwrapped(key[:12], key[12:], _KEY))
            return own.decrypt(body[1:13], body[13:], f"{of}{record.hex()}|{kind}|{rev}".encode())
        except (InvalidTag, ValueError):
            raise BadSeal("not sealed here, under this key") from None

    return opened


def wrap(user: AESGCM, key: bytes, *, draw: Draw = os.urandom) -> bytes:
    """32 bytes under an owner's key: a record's key, a blob's, a fingerprint."""
    nonce = draw(12)
    return nonce + user.encrypt(nonce, key, _KEY)


def unwrap(user: AESGCM, wrapped: bytes) -> bytes:
    """What `wrap` was given; raises BadSeal."""
    return _opened(user, wrapped, _KEY)


def encrypt(key: AESGCM, place: Place | PartPlace, body: bytes, *, draw: Draw = os.urandom) -> bytes:
    """A body under its own key."""
    nonce = draw(12)
    return _FORMAT + nonce + key.encrypt(nonce, body, place.bound())


def decrypt(key: AESGCM, place: Place | PartPlace, sealed: bytes) -> bytes:
    """What `encrypt` was given; raises BadSeal."""
    if sealed[:1] != _FORMAT:
        raise BadSeal("sealed in an unknown format", format=sealed[:1].hex())
    return _opened(key, sealed[1:], place.bound())


def _of(owner: bytes) -> str:
    """How what binds a record to its place begins."""
    return f"udi1|{owner.hex()}|"


def _opened(key: AESGCM, sealed: bytes, bound: bytes) -> bytes:
    try:
        return key.decrypt(sealed[:12], sealed[12:], bound)
    except (InvalidTag, ValueError):  # ValueError: a nonce that is too short
        raise BadSeal("not sealed here, under this key") from None


class KeyRing:
    """Owners' keys in memory, for a short while: the newest used stay, none longer than `life`."""

    def __init__(
        self,
        store: KeyStore,
        *,
        size: int = 10_000,
        life: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Look keys up in `store`; hold at most `size` of them, each at most `life` seconds."""
        self.store = store
        self._size, self._life, self._clock = size, life, clock
        self._held: OrderedDict[Holder, tuple[float, AESGCM]] = OrderedDict()
        self._lock = Lock()

    def key(self, holder: Holder) -> AESGCM:
        """An owner's key.

        Raises:
            NoKey: it was erased, or is not of this generation.
            Untrusted: its slot was torn or forged.
        """
        now = self._clock()
        with self._lock:
            held = self._held.get(holder)
            if held is not None and now < held[0]:
                self._held.move_to_end(holder)
                return held[1]
        key = AESGCM(self.store.find(holder))
        with self._lock:
            self._held[holder] = (now + self._life, key)
            self._held.move_to_end(holder)
            if len(self._held) > self._size:
                self._held.popitem(last=False)
        return key

    def forget(self, holder: Holder) -> None:
        """Hold this key no longer."""
        with self._lock:
            self._held.pop(holder, None)
