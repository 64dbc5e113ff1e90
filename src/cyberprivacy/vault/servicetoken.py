"""A part of a grant for five minutes, handed from an application to one service of its own cluster.

It can only allow less, is signed by the application's attested key, and is of use to the holder of one key alone.
It cannot be handed on: a service holds no key that could sign another.
Source: docs/spec/udi-1.md, "Service tokens".
"""

import re
from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cyberprivacy import canonical
from cyberprivacy.attest.document import BadDocument, Document
from cyberprivacy.errors import Misuse, Untrusted
from cyberprivacy.vault.grant import Grant
from cyberprivacy.vault.keylog import SKEW
from cyberprivacy.vault.receipt import Signer
from cyberprivacy.vault.scope import Action, Scope, narrower, read_all

LIMIT: Final = 32 << 10
"""Bytes of a signed token."""
LONGEST: Final = 300
"""Seconds that a token may last."""
_TAG: Final = b"udi/1 service-token\0"
_SIGNATURE: Final = re.compile(r"[0-9a-f]{128}\Z")
_FIELDS: Final = frozenset({"grant", "scopes", "holder", "since", "until"})


class BadToken(Untrusted):
    """Not a token, or one that does not count here."""

    code = "token.form"
    hint = "Ask the application that holds the grant for a new token."


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What a service may do.

    Attributes:
        grant: id, 16 bytes.
        scopes: parts of the grant's.
        holder: Ed25519 public key of the service, 32 bytes.
        since: POSIX seconds. until: POSIX seconds, at most 300 s later.
    """

    grant: bytes
    scopes: tuple[Scope, ...]
    holder: bytes
    since: int
    until: int

    def as_json(self) -> dict[str, object]:
        """The fields as JSON values."""
        return {
            "grant": self.grant.hex(),
            "scopes": [each.as_json() for each in self.scopes],
            "holder": self.holder.hex(),
            "since": self.since,
            "until": self.until,
        }

    @classmethod
    def read(cls, value: object) -> Self:
        """A token from its JSON values.

        Raises:
            BadToken: malformed, or longer than five minutes. BadScope, BadSelector: a scope is.
        """
        try:
            document = Document(value, "token", _FIELDS)
            made = cls(
                grant=document.octets("grant", size=16),
                scopes=read_all(document.raw("scopes")),
                holder=document.octets("holder", size=32),
                since=document.integer("since"),
                until=document.integer("until"),
            )
        except BadDocument as error:
            raise BadToken(str(error)) from None
        if not 0 < made.until - made.since <= LONGEST:
            raise BadToken(
                "a token lasts five minutes at most", code="token.long", seconds=made.until - made.since
            )
        return made


def to_header(signed: bytes) -> str:
    """A signed token as a header carries it: base64url without padding. Source: RFC 4648, section 5."""
    return urlsafe_b64encode(signed).rstrip(b"=").decode()


def from_header(text: str) -> bytes:
    """The signed token in a header.

    Raises:
        BadToken: another spelling.
    """
    try:
        signed = urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except ValueError:
        signed = b""
    if not signed or to_header(signed) != text:
        raise BadToken("not a token as a header carries it")
    return signed


def issue(token: Token, grant: Grant, signer: Signer) -> bytes:
    """The signed token, canonical JSON.

    Raises:
        Misuse: it is about another grant, or allows more ("token.wider").
    """
    if token.grant != grant.id or not narrower(token.scopes, grant.scopes):
        raise Misuse("a token allows a part of its grant", code="token.wider")
    signature = signer.sign(_signed(token.as_json()))
    return canonical.encode({"token": token.as_json(), "signature": signature.hex()})


def check(data: bytes, grant: Grant, *, issuer: bytes, holder: bytes, now: float) -> Token:
    """The token, if it counts now; whether its grant does is asked apart, see `granting.check_use`.

    Args:
        data: the signed token as it came.
        grant: the one that it names.
        issuer: Ed25519 public key of the recipient, 32 bytes, as its evidence has it.
        holder: the key that has signed this request, 32 bytes.
        now: POSIX seconds.

    Raises:
        Untrusted: form ("json.form", "token.form", "token.long"), signature ("token.signature"), another grant
            ("token.grant"), more than the grant ("token.wider"), another holder ("token.holder"), or not now
            ("token.time").
    """
    match canonical.decode(data, limit=LIMIT):
        case {"token": said, "signature": str(signature), **rest} if not rest and _SIGNATURE.match(signature):
            token = Token.read(said)
        case _:
            raise BadToken("not a signed token")
    try:
        Ed25519PublicKey.from_public_bytes(issuer).verify(bytes.fromhex(signature), _signed(token.as_json()))
    except (InvalidSignature, ValueError):
        raise BadToken("not signed by the recipient", code="token.signature") from None
    if token.grant != grant.id:
        raise BadToken("a token of another grant", code="token.grant", grant=token.grant.hex())
    if not narrower(token.scopes, grant.scopes):
        raise BadToken("it allows more than its grant", code="token.wider")
    if token.holder != holder:
        raise BadToken("somebody else's token", code="token.holder", holder=token.holder.hex())
    if not token.since - SKEW <= now < token.until:
        raise BadToken("the token does not count now", code="token.time", since=token.since, until=token.until)
    return token


def part(token: Token, action: Action, kind: str, *, now: float) -> tuple[Scope, ...]:
    """The scopes of a token that was checked before, under which this may be done now.

    Raises:
        BadToken: its time is over ("token.time"), or it does not allow this ("token.scope").
    """
    if now >= token.until:
        raise BadToken("the token's time is over", code="token.time", until=token.until)
    scopes = tuple(each for each in token.scopes if each.data_type == kind and action in each.actions)
    if not scopes:
        raise BadToken("the token does not allow this", code="token.scope", type=kind, action=action.value)
    return scopes


def _signed(said: Mapping[str, object]) -> bytes:
    return _TAG + canonical.encode(said)
