"""Numbers that a server adds up and cannot read: homomorphic encryption, scheme `bfv-v1`.

The owner of the key encrypts whole numbers and decrypts their sums; a server adds ciphertexts. It sees how many it
adds, never a number, and needs no key for it. What it cannot be kept from is leaving some out or adding others:
sums are private from the server, not proven by it.

One number to a ciphertext of some 88 kB; an addition takes some 20 microseconds. SEAL reads ciphertexts in C++: of
those that others send, only `numbercell` lets it. The parameters are those of
128 bits of security in the Homomorphic Encryption Standard (2018), table 1, for ternary secrets and n = 4096.

Source: Fan and Vercauteren, 2012/144; docs/spec/udi-1.md, "Encrypted numbers".
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import Any, Final, Self

import tenseal  # type: ignore[import-untyped]

from cyberprivacy.errors import Misuse
from cyberprivacy.vault import numberform
from cyberprivacy.vault.numberform import LARGEST_SUM, SCHEME, BadNumber

DEGREE: Final = 4096
MODULUS: Final = 2 * LARGEST_SUM + 1
"""Of plain numbers: the largest prime under 2^35 that is 1 modulo 2n."""
MOST: Final = 1 << 20
"""Ciphertexts in one sum: noise grows with each. A test adds as many."""
_MAX_KEY: Final = 128 << 10


@dataclass(frozen=True, slots=True)
class Sum:
    """What a server found without reading it.

    Attributes:
        ciphertext: for the owner of the key.
        count: how many were added; sum divided by count is the average, which the owner computes.
    """

    ciphertext: bytes
    count: int


class NumberKey:
    """The owner's secret key; it never leaves who decrypts."""

    def __init__(self, context: Any) -> None:
        """Use `generate` or `load`."""
        self._context = context

    def __repr__(self) -> str:
        return f"<key of {SCHEME}>"

    @classmethod
    def generate(cls) -> Self:
        """A new key, from the system's randomness."""
        return cls(_fresh())

    @classmethod
    def load(cls, stored: bytes) -> Self:
        """A key that `stored` wrote.

        Raises:
            BadNumber: it is none ("number.key").
        """
        if len(stored) > _MAX_KEY:
            raise BadNumber("not a key for numbers: too long", code="number.key", size=len(stored))
        try:
            context = tenseal.context_from(stored)
            key = cls(context) if context.has_secret_key() else None
            if key is not None and key.decrypt(key.encrypt(1)) == 1:  # of our parameters, so that servers can add
                add([key.encrypt(1)], bound=1)
                return key
        except (ValueError, RuntimeError, BadNumber):
            pass
        raise BadNumber("not a key for numbers of this scheme", code="number.key")

    def stored(self) -> bytes:
        """The secret key, some 70 kB, for a file that only its owner may read."""
        return bytes(
            self._context.serialize(
                save_public_key=False, save_secret_key=True, save_galois_keys=False, save_relin_keys=False
            )
        )

    def encrypt(self, number: int) -> bytes:
        """A ciphertext; another one each time.

        Raises:
            Misuse: the number is larger than any sum may be ("number.range").
        """
        if abs(number) > LARGEST_SUM:
            raise Misuse("a number too large for this scheme", code="number.range", largest=LARGEST_SUM)
        return bytes(tenseal.bfv_vector(self._context, [number]).serialize())

    def decrypt(self, ciphertext: bytes) -> int:
        """The number, or the sum, in a ciphertext. One of another key decrypts to something without meaning.

        Raises:
            BadNumber: it is no ciphertext ("number.form").
        """
        with _reading():
            value = int(_read(self._context, ciphertext).decrypt()[0]) % MODULUS
        return value - MODULUS if value > LARGEST_SUM else value


def add(ciphertexts: Iterable[bytes], *, bound: int) -> Sum:
    """Add numbers without reading them.

    Args:
        ciphertexts: of one key; at least one.
        bound: how large, of either sign, each number may be, as its type declares.

    Raises:
        BadNumber: one of them is no ciphertext of this scheme ("number.form"), there are none, or so many that
            their sum might not be readable any more ("number.count").
    """
    most = min(MOST, LARGEST_SUM // max(1, bound))
    total, count = None, 0
    for ciphertext in ciphertexts:
        count += 1
        if count > most:
            raise BadNumber(
                "too many numbers for one sum", code="number.count", most=most, hint="Add fewer at once."
            )
        vector = _read(parameters(), ciphertext)
        with _reading():
            total = vector if total is None else total + vector
    if total is None:
        raise BadNumber("nothing to add", code="number.count", hint="A sum needs one number at least.")
    return Sum(bytes(total.serialize()), count)


def _read(context: Any, ciphertext: bytes) -> Any:
    numberform.check(ciphertext)
    with _reading():
        return tenseal.bfv_vector_from(context, ciphertext)


@contextmanager
def _reading() -> Iterator[None]:
    """Refuse what SEAL refuses, also where it notices late, as of a ciphertext in another form than ours."""
    try:
        yield
    except (ValueError, RuntimeError, MemoryError):  # protobuf's and SEAL's own words say nothing to a user
        raise BadNumber("not a ciphertext of this scheme", scheme=SCHEME) from None


def _fresh() -> Any:
    return tenseal.context(
        tenseal.SCHEME_TYPE.BFV, DEGREE, MODULUS, encryption_type=tenseal.ENCRYPTION_TYPE.SYMMETRIC, n_threads=1
    )


@cache
def parameters() -> Any:
    """The parameters alone, which everybody has."""
    return tenseal.context_from(
        _fresh().serialize(
            save_public_key=False, save_secret_key=False, save_galois_keys=False, save_relin_keys=False
        )
    )
