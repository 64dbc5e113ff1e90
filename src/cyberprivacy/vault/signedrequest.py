"""A request that an application's key signed, in the one form that vaults speak.

One fixed list of covered components, so that nothing is left to a parser's choice: the verifier writes the line
that it expects and compares. A body is covered by its digest. A replay within two minutes reads what its sender
may read anyway, and what it writes is written once.
Source: RFC 9421, sections 2.3, 2.5 and 3.3.6; RFC 9530, section 2; docs/spec/udi-1.md, "Between applications".
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from hashlib import sha256
from typing import Final, Protocol

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cyberprivacy.errors import Untrusted

SKEW: Final = 120
"""Seconds by which a request may be older or newer than the clock of who gets it."""
HEADERS: Final = ("Signature-Input", "Signature")
WITH_BODY: Final = (*HEADERS, "Content-Digest")
_COVERED: Final = ("@method", "@authority", "@path")
_BODY: Final = "content-digest"
_INPUT: Final = re.compile(
    r'udi=\("@method" "@authority" "@path"( "content-digest")?\)'
    r';created=([1-9][0-9]{0,11});keyid="([0-9a-f]{64})";alg="ed25519"\Z'
)
_SIGNATURE: Final = re.compile(r"udi=:([A-Za-z0-9+/]{86}==):\Z")


class BadRequestSignature(Untrusted):
    """Nobody who may ask has signed this request, or not just now."""

    code = "request.signature"
    hint = "Sign it with the key that the grant was registered with; check the clock."


class Signer(Protocol):
    """Whoever signs: a `vaultkey.VaultKey`."""

    @property
    def public(self) -> bytes:
        """Ed25519, 32 bytes."""
        ...

    def sign(self, message: bytes) -> bytes:
        """64 bytes."""
        ...


def sign(
    method: str, authority: str, path: str, *, key: Signer, now: float, body: bytes | None = None
) -> dict[str, str]:
    """The headers of a request; `body` is None where it has none."""
    digest = {} if body is None else {"Content-Digest": _digest(body)}
    values = (method, authority, path, *digest.values())
    parameters = _parameters(_covered(body), key.public, int(now))
    signature = b64encode(key.sign(_base(_covered(body), values, parameters))).decode()
    return {"Signature-Input": f"udi={parameters}", "Signature": f"udi=:{signature}:", **digest}


def check(
    method: str, authority: str, path: str, headers: Mapping[str, str], *, now: float, body: bytes | None = None
) -> bytes:
    """The Ed25519 key, 32 bytes, that signed a request; whether it may ask is the caller's question.

    Raises:
        BadRequestSignature: malformed or not signed by it ("request.signature"), of another body
            ("request.digest"), too old or too new ("request.time").
    """
    given = _INPUT.match(headers.get("Signature-Input", ""))
    signature = _SIGNATURE.match(headers.get("Signature", ""))
    if given is None or signature is None or (given[1] is None) != (body is None):
        raise BadRequestSignature("the request is not signed in the form of vaults")
    created, key = int(given[2]), bytes.fromhex(given[3])
    digest = [] if body is None else [_digest(body)]
    if body is not None and headers.get("Content-Digest") != _digest(body):
        raise BadRequestSignature("the body is another than the one that was signed", code="request.digest")
    try:
        base = _base(_covered(body), (method, authority, path, *digest), _parameters(_covered(body), key, created))
        Ed25519PublicKey.from_public_bytes(key).verify(_octets(signature[1]), base)
    except (InvalidSignature, ValueError):
        raise BadRequestSignature("the request was signed otherwise") from None
    if abs(created - now) > SKEW:
        raise BadRequestSignature("not signed just now", code="request.time", created=created, now=int(now))
    return key


def _octets(text: str) -> bytes:
    """The bytes of base64 in the one spelling: no bits are set behind the last byte."""
    octets = b64decode(text)
    if b64encode(octets).decode() != text:
        raise ValueError("a second spelling")
    return octets


def _covered(body: bytes | None) -> tuple[str, ...]:
    return _COVERED if body is None else (*_COVERED, _BODY)


def _digest(body: bytes) -> str:
    return f"sha-256=:{b64encode(sha256(body).digest()).decode()}:"


def _parameters(covered: Sequence[str], key: bytes, created: int) -> str:
    names = " ".join(f'"{each}"' for each in covered)
    return f'({names});created={created};keyid="{key.hex()}";alg="ed25519"'


def _base(covered: Sequence[str], values: Sequence[str], parameters: str) -> bytes:
    lines = [f'"{name}": {value}' for name, value in zip(covered, values, strict=True)]
    return "\n".join([*lines, f'"@signature-params": {parameters}']).encode()
