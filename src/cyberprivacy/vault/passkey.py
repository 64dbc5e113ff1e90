"""Passkeys: an authenticator's assertion that its owner, at this origin, agreed to one digest.

Only assertions are read here, and only their plainest form: 37 bytes of authenticator data, no extensions,
nothing that needs CBOR. Source: Web Authentication Level 3, sections 6.1 and 7.2; FIPS 186-5 (ECDSA, P-256).
"""

import json
from base64 import urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256

from cyberprivacy.canonical import nested_within
from cyberprivacy.errors import Untrusted

MAX_CLIENT_DATA: Final = 2_048
MAX_SIGNATURE: Final = 72
_AUTHENTICATOR_DATA: Final = 37
_MAX_DEPTH: Final = 4
_PRESENT, _VERIFIED, _ELIGIBLE, _BACKED_UP = 0x01, 0x04, 0x08, 0x10
_KNOWN: Final = _PRESENT | _VERIFIED | _ELIGIBLE | _BACKED_UP


class BadAssertion(Untrusted):
    """A passkey did not agree to this, here."""

    code = "passkey.form"
    hint = "Ask the passkey again, in the application itself."


@dataclass(frozen=True, slots=True)
class Place:
    """Where passkeys are used.

    Attributes:
        rp_id: the domain to which they belong, such as "shop.example".
        origins: exact web origins that may ask, such as "https://shop.example".
    """

    rp_id: str
    origins: frozenset[str]


@dataclass(frozen=True, slots=True)
class Assertion:
    """What `navigator.credentials.get()` returns: three byte strings, as the authenticator made them."""

    authenticator_data: bytes
    client_data: bytes
    signature: bytes


@dataclass(frozen=True, slots=True)
class Agreed:
    """What an assertion proves besides the agreement.

    Attributes:
        counter: signatures so far, or 0; a smaller one than before points to a clone.
        eligible: the passkey may be copied to other devices.
        backed_up: it has been.
    """

    counter: int
    eligible: bool
    backed_up: bool


def public_key(point: bytes) -> EllipticCurvePublicKey:
    """The key of a compressed point of 33 bytes.

    Raises:
        BadAssertion: no point of P-256 in this form ("passkey.key").

    Source: SEC 1 section 2.3.4.
    """
    if len(point) != 33:
        raise BadAssertion("a compressed point has 33 bytes", code="passkey.key", size=len(point))
    try:
        return EllipticCurvePublicKey.from_encoded_point(SECP256R1(), point)
    except ValueError:
        raise BadAssertion("not a point of P-256", code="passkey.key") from None


def check(point: bytes, digest: bytes, assertion: Assertion, place: Place) -> Agreed:
    """Whether the owner of a passkey agreed to a digest of 32 bytes at this place.

    Raises:
        BadAssertion: malformed ("passkey.form", "passkey.key"), for another thing ("passkey.challenge"), asked by
            somebody else ("passkey.origin", "passkey.rp"), nobody verified ("passkey.user"), contradictory flags
            ("passkey.flags"), or not signed by this key ("passkey.signature").
    """
    key = public_key(point)
    if (
        len(assertion.authenticator_data) != _AUTHENTICATOR_DATA
        or len(assertion.client_data) > MAX_CLIENT_DATA
        or not 8 <= len(assertion.signature) <= MAX_SIGNATURE
    ):
        raise BadAssertion("larger or smaller than any honest assertion")
    _check_client_data(_client_data(assertion.client_data), digest, place)
    agreed = _authenticator_data(assertion.authenticator_data, place)
    try:
        signed = assertion.authenticator_data + sha256(assertion.client_data).digest()
        key.verify(assertion.signature, signed, ECDSA(SHA256()))
    except InvalidSignature:
        raise BadAssertion("not signed by this passkey", code="passkey.signature") from None
    return agreed


def _client_data(data: bytes) -> Mapping[str, object]:
    if not nested_within(data, _MAX_DEPTH):
        raise BadAssertion("client data is nested too deep", limit=_MAX_DEPTH)
    try:
        value = json.loads(data.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise BadAssertion("client data is not JSON, or a name stands twice") from None
    if not isinstance(value, dict):
        raise BadAssertion("client data is not an object")
    return value


def _check_client_data(said: Mapping[str, object], digest: bytes, place: Place) -> None:
    """Names that we do not know are left alone: browsers add some on purpose (WebAuthn, section 5.8.1)."""
    if said.get("type") != "webauthn.get":
        raise BadAssertion("not an assertion", type=repr(said.get("type"))[:40])
    if said.get("challenge") != urlsafe_b64encode(digest).rstrip(b"=").decode():
        raise BadAssertion("the owner agreed to something else", code="passkey.challenge")
    origin = said.get("origin")
    if not isinstance(origin, str) or origin not in place.origins:
        raise BadAssertion("asked at another origin", code="passkey.origin", origin=repr(origin)[:100])
    if said.get("crossOrigin", False) is not False or "topOrigin" in said:
        raise BadAssertion("asked inside a frame of somebody else", code="passkey.origin")


def _authenticator_data(data: bytes, place: Place) -> Agreed:
    if data[:32] != sha256(place.rp_id.encode()).digest():
        raise BadAssertion("a passkey of another domain", code="passkey.rp")
    flags = data[32]
    if flags & (_PRESENT | _VERIFIED) != _PRESENT | _VERIFIED:
        raise BadAssertion("nobody was present and verified", code="passkey.user")
    if flags & ~_KNOWN or (flags & _BACKED_UP and not flags & _ELIGIBLE):
        raise BadAssertion("flags that contradict the rest", code="passkey.flags", flags=flags)
    return Agreed(int.from_bytes(data[33:]), bool(flags & _ELIGIBLE), bool(flags & _BACKED_UP))


def _once(pairs: list[tuple[str, object]]) -> dict[str, object]:
    value = dict(pairs)
    if len(value) != len(pairs):
        raise ValueError("a name stands twice")
    return value


def _no_number(name: str) -> object:
    raise ValueError(f"{name} is Python's, not JSON's")
