"""Sign-In with Ethereum: a text that a person reads and signs, parsed in exactly one spelling.

`parse` knows the grammar and no policy. `check` is the policy: this origin, this chain, this nonce, this sentence,
just now, for minutes. What is hashed is what arrived, never what we would have written.

Source: EIP-4361 (ERC-4361), RFC 3339 (times), RFC 3986 (URIs and authorities), EIP-55 (addresses).
"""

import re
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from eth_utils.address import is_checksum_address

from cyberprivacy import wallet
from cyberprivacy.errors import Untrusted

LIMIT: Final = 4_096
"""Bytes of a message; a person must be able to read it."""
SKEW: Final = 120
"""Seconds by which the clocks of a wallet and ours may differ."""
LONGEST: Final = 900
"""Seconds for which a message may say that it is good."""

_UNRESERVED: Final = r"[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2}"
_HOST: Final = rf"(?:\[[0-9A-Fa-f:.]{{2,45}}\]|(?:{_UNRESERVED})+)"
_AUTHORITY: Final = rf"(?:(?:{_UNRESERVED}|:)*@)?{_HOST}(?::[0-9]{{1,5}})?"
_PATH: Final = rf"(?:{_UNRESERVED}|[:@/?])*"
_URI: Final = rf"[A-Za-z][A-Za-z0-9+\-.]*:(?://{_AUTHORITY}(?=[/?#]|\Z)|(?!//)){_PATH}(?:#{_PATH})?"
_TIME: Final = (
    r"[0-9]{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12][0-9]|3[01])T(?:[01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9]"
    r"(?:\.[0-9]{1,9})?(?:Z|[+-](?:[01][0-9]|2[0-3]):[0-5][0-9])"
)
_STATEMENT: Final = r"[A-Za-z0-9\-._~!$&'()*+,;=:/?#\[\]@ ]{1,1024}"
_MESSAGE: Final = re.compile(
    rf"(?:(?P<scheme>[A-Za-z][A-Za-z0-9+\-.]*)://)?(?P<domain>{_AUTHORITY})"
    r" wants you to sign in with your Ethereum account:\n(?P<address>0x[0-9a-fA-F]{40})\n\n"
    rf"(?:(?P<statement>{_STATEMENT})\n)?\n"
    r"URI: (?P<uri>[^\n]*)\nVersion: 1\nChain ID: (?P<chain>0|[1-9][0-9]{0,18})\n"
    rf"Nonce: (?P<nonce>[A-Za-z0-9]{{8,128}})\nIssued At: (?P<issued>{_TIME})"
    rf"(?:\nExpiration Time: (?P<expires>{_TIME}))?(?:\nNot Before: (?P<begins>{_TIME}))?"
    rf"(?:\nRequest ID: (?P<request>(?:{_UNRESERVED}|[:@])*))?"
    r"(?P<resources>\nResources:(?:\n- [^\n]*){0,32})?"
)
_ONE_URI: Final = re.compile(_URI)


class BadSignIn(Untrusted):
    """A sign-in message is not one that this place, at this time, asked to have signed."""

    code = "siwe.form"
    hint = "Ask for a new nonce and sign the message again."


@dataclass(frozen=True, slots=True, kw_only=True)
class SignIn:
    """The fields of a message.

    Attributes:
        scheme: of the domain; "" when the message does not say.
        domain: RFC 3986 authority that asks.
        address: with its EIP-55 checksum.
        statement: what is agreed to; None when there is none.
        uri: what the signer is to use.
        chain: EIP-155 chain id.
        nonce: letters and digits, 8 to 128.
        issued, expires, begins: POSIX seconds, without fractions; None when the message does not say.
        request: request id; None when there is none.
        resources: URIs, in order; None when there is no such line, which is another message than an empty list.
    """

    scheme: str
    domain: str
    address: str
    statement: str | None
    uri: str
    chain: int
    nonce: str
    issued: int
    expires: int | None
    begins: int | None
    request: str | None
    resources: tuple[str, ...] | None


@dataclass(frozen=True, slots=True)
class Expected:
    """What this place asked to have signed. The scheme is that of `uri`."""

    domain: str
    uri: str
    chain: int
    nonce: str
    statement: str


def parse(message: bytes) -> SignIn:
    """The fields of a message.

    Raises:
        BadSignIn: larger than 4,096 bytes ("siwe.size"), or not in the grammar of EIP-4361 ("siwe.form").
    """
    if len(message) > LIMIT:
        raise BadSignIn("the message is too large", code="siwe.size", size=len(message), limit=LIMIT)
    found = _MESSAGE.fullmatch(message.decode("ascii", errors="replace"))
    if found is None:
        raise BadSignIn("not a message of EIP-4361")
    if not is_checksum_address(found["address"]):
        raise BadSignIn("the address has no checksum of EIP-55", address=found["address"])
    resources = found["resources"]
    listed = None if resources is None else tuple(line[2:] for line in resources.split("\n")[2:])
    for uri in (found["uri"], *(listed or ())):
        if not _ONE_URI.fullmatch(uri):
            raise BadSignIn("not a URI of RFC 3986", uri=uri[:100])
    return SignIn(
        scheme=found["scheme"] or "",
        domain=found["domain"],
        address=found["address"],
        statement=found["statement"],
        uri=found["uri"],
        chain=int(found["chain"]),
        nonce=found["nonce"],
        issued=_seconds(found["issued"]),
        expires=_maybe(found["expires"]),
        begins=_maybe(found["begins"]),
        request=found["request"],
        resources=listed,
    )


def write(expected: Expected, address: str, *, now: float, lasts: int = 300) -> bytes:
    """The message that `check` accepts from this address, for `lasts` seconds from `now` on."""
    issued, expires = (
        datetime.fromtimestamp(int(at), UTC).strftime("%Y-%m-%dT%H:%M:%SZ") for at in (now, now + lasts)
    )
    return (
        f"{expected.domain} wants you to sign in with your Ethereum account:\n{address}\n\n"
        f"{expected.statement}\n\n"
        f"URI: {expected.uri}\nVersion: 1\nChain ID: {expected.chain}\nNonce: {expected.nonce}\n"
        f"Issued At: {issued}\nExpiration Time: {expires}"
    ).encode()


def signed(message: bytes, signature: bytes) -> SignIn:
    """The fields of a message that the account which it names has signed, as the bytes that arrived.

    Raises:
        BadSignIn: the form is wrong, or another account signed ("siwe.signer").
        BadSignature: the signature is malformed.
    """
    if len(message) > LIMIT:
        raise BadSignIn("the message is too large", code="siwe.size", size=len(message), limit=LIMIT)
    signer = wallet.recover(wallet.personal(message), signature)
    said = parse(message)
    if bytes.fromhex(said.address[2:]) != signer:
        raise BadSignIn(
            "another account signed", code="siwe.signer", named=said.address, signer="0x" + signer.hex()
        )
    return said


def check(message: bytes, signature: bytes, expected: Expected, *, now: float) -> SignIn:
    """The fields of a message that was signed here, now, for this.

    Raises:
        BadSignIn: see `signed`; or it is for another place ("siwe.domain", "siwe.uri"), chain ("siwe.chain"),
            nonce ("siwe.nonce") or sentence ("siwe.statement"), carries what we never ask for ("siwe.extra"),
            or not for this time ("siwe.issued", "siwe.expiry", "siwe.expired", "siwe.early").
        BadSignature: the signature is malformed.
    """
    said = signed(message, signature)
    scheme = expected.uri.partition(":")[0]
    wanted = (
        ("siwe.domain", said.domain, expected.domain),
        ("siwe.domain", said.scheme or scheme, scheme),
        ("siwe.uri", said.uri, expected.uri),
        ("siwe.chain", said.chain, expected.chain),
        ("siwe.nonce", said.nonce, expected.nonce),
        ("siwe.statement", said.statement, expected.statement),
    )
    for code, got, right in wanted:
        if got != right:
            raise BadSignIn("signed for something else", code=code, got=got, expected=right)
    if said.request is not None or said.resources is not None:
        raise BadSignIn("the message holds lines that nobody asked for", code="siwe.extra")
    _check_time(said, now)
    return said


def _check_time(said: SignIn, now: float) -> None:
    if abs(said.issued - now) > SKEW:
        raise BadSignIn("not signed just now", code="siwe.issued", issued=said.issued, now=now)
    if said.expires is None or said.expires - said.issued > LONGEST:
        raise BadSignIn("it must say that it ends within minutes", code="siwe.expiry", limit=LONGEST)
    if said.expires <= now:
        raise BadSignIn("it has ended", code="siwe.expired", expires=said.expires, now=now)
    if said.begins is not None and said.begins > now:
        raise BadSignIn("it has not begun", code="siwe.early", begins=said.begins, now=now)


def _maybe(text: str | None) -> int | None:
    return None if text is None else _seconds(text)


def _seconds(text: str) -> int:
    """Whole POSIX seconds of an RFC 3339 time; the calendar is checked, leap seconds do not exist."""
    try:
        return int(datetime.fromisoformat(text).replace(microsecond=0).timestamp())
    except (ValueError, OverflowError):
        raise BadSignIn("no such time", time=text) from None
