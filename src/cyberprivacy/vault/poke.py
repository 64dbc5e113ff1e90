"""Waking up a listener that sleeps: a signed request that says nothing, sent to an address that the listener gave.

Source: Standard Webhooks 1.0 (headers, HMAC-SHA256 signature); docs/spec/udi-1.md, "Events".
"""

import base64
import hmac
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

import httpx2

from cyberprivacy import canonical
from cyberprivacy.errors import Misuse, TryLater, Untrusted
from cyberprivacy.trust import public
from cyberprivacy.vault import outward

TOLERANCE: Final = 300
"""Seconds by which the time of a poke may differ from the clock of who gets it."""
PATIENCE: Final = 5.0
"""Seconds for the whole request."""
_PREFIX: Final = "whsec_"
_MAX_URL: Final = 500


class BadPoke(Untrusted):
    """A poke is not of who it says, or not of now."""

    code = "poke.signature"
    hint = "Ignore it; ask for events as always."


class NoListener(Misuse):
    """Pokes cannot be sent to this address."""

    code = "poke.address"
    hint = "Name an https URL on the public internet, without user and password."


@dataclass(frozen=True, slots=True)
class Target:
    """Where a poke goes: the address that was judged is the one that is connected to."""

    url: httpx2.URL
    address: str


def secret_of(text: str) -> bytes:
    """The key of a secret "whsec_…": 24 to 64 bytes.

    Raises:
        NoListener: another form ("poke.secret").
    """
    try:
        key = base64.b64decode(text.removeprefix(_PREFIX), validate=True)
    except ValueError:
        key = b""
    if not text.startswith(_PREFIX) or not 24 <= len(key) <= 64:
        raise NoListener("not a secret for pokes", code="poke.secret", hint="whsec_ and base64 of 24 to 64 bytes.")
    return key


def body(now: float) -> bytes:
    """What a poke says: that there is something to ask for."""
    at = datetime.fromtimestamp(int(now), UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return canonical.encode({"type": "udi.poke", "timestamp": at, "data": {}})


def headers(key: bytes, message: str, said: bytes, now: float) -> dict[str, str]:
    """The headers of a poke: `message` is its id, the same when it is sent again."""
    return {
        "webhook-id": message,
        "webhook-timestamp": str(int(now)),
        "webhook-signature": f"v1,{_signature(key, message, str(int(now)), said)}",
        "content-type": "application/json",
    }


def check(key: bytes, came: Mapping[str, str], said: bytes, now: float) -> None:
    """Refuse a poke that is not signed with the key, or not of now.

    Raises:
        BadPoke: "poke.signature", "poke.time".
    """
    message, at = came.get("webhook-id", ""), came.get("webhook-timestamp", "")
    wanted = f"v1,{_signature(key, message, at, said)}"
    given = came.get("webhook-signature", "")[:1_000].split(" ")
    if not any(hmac.compare_digest(each.encode(), wanted.encode()) for each in given):
        raise BadPoke("not signed with this secret")
    if not at.isascii() or not at.isdigit() or abs(int(at[:12]) - now) > TOLERANCE:
        raise BadPoke("not of now", code="poke.time", at=at[:20])


def target(url: str, *, find: outward.Lookup = outward.lookup) -> Target:
    """Where a URL leads, if it leads out of here: nobody may have us knock at our own doors.

    Raises:
        NoListener: no https URL. NotOutside: an address that is not public.
        TryLater: the name has no address now ("outward.name").
    """
    try:
        parsed = httpx2.URL(url[: _MAX_URL + 1])
    except (httpx2.InvalidURL, ValueError):
        raise NoListener("not a URL") from None
    if len(url) > _MAX_URL or parsed.scheme != "https" or not parsed.host or parsed.userinfo or parsed.fragment:
        raise NoListener("not a URL for pokes", url=url[:80])
    return Target(parsed, outward.public(parsed.host, parsed.port or 443, find=find))


def send(to: Target, key: bytes, message: str, *, now: float, tls: ssl.SSLContext | None = None) -> None:
    """Poke once.

    Args:
        to: from `target`, just now.
        key: of the listener's secret.
        message: id of this poke.
        now: POSIX seconds.
        tls: another trust than the machine's own.

    Raises:
        NoListener: it wants no more ("poke.gone").
        TryLater: it did not take it ("poke.silent").
    """
    said = body(now)
    host = to.url.host if to.url.port is None else f"{to.url.host}:{to.url.port}"
    try:
        with httpx2.Client(verify=tls or public(), trust_env=False, timeout=PATIENCE) as client:
            request = client.build_request(
                "POST",
                to.url.copy_with(host=to.address),
                content=said,
                headers={**headers(key, message, said, now), "host": host},
                extensions={"sni_hostname": to.url.host},
            )
            answer = client.send(request, stream=True, follow_redirects=False)
            answer.close()
    except httpx2.HTTPError as error:
        raise TryLater("no answer", code="poke.silent", host=to.url.host, why=type(error).__name__) from None
    if answer.status_code == 410:
        raise NoListener("the listener wants no more pokes", code="poke.gone", host=to.url.host)
    if not 200 <= answer.status_code < 300:
        raise TryLater("not taken", code="poke.silent", host=to.url.host, status=answer.status_code)


def _signature(key: bytes, message: str, at: str, said: bytes) -> str:
    made = hmac.new(key, f"{message}.{at}.".encode() + said, sha256).digest()
    return base64.b64encode(made).decode()
