"""The way to a node's administrators' door: one request over TLS, whose answer is told and not proven.

The certificate is not checked, as no authority knows a node. Nothing secret is sent: a signed request names its
DAO, chain and release, and is public as soon as it is taken. `verify` proves who answers at an address.
"""

import json
import re
import ssl
import time
from collections.abc import Mapping
from typing import Any, Final
from urllib.parse import urlsplit

import httpx2

from cyberprivacy.canonical import nested_within
from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted
from cyberprivacy.review.hidden import visible

PATH: Final = "/.well-known/cyberprivacy/admin"
MAX_ANSWER: Final = 1 << 20
PATIENCE: Final = 60.0
"""Seconds for a whole answer: witnesses and the application are asked meanwhile."""
_CODE: Final = re.compile(r"[a-z0-9-]{1,30}(\.[a-z0-9-]{1,30}){0,3}\Z")
_FAMILY: Final[Mapping[int, type[CyberPrivacyError]]] = {400: Misuse, 409: Untrusted, 503: TryLater}


class DoorSilent(TryLater):
    """The node does not answer as a node does."""

    code = "admin.unreachable"
    hint = "Check the address; the same request may succeed later."


def ask_door(url: str, body: bytes | None = None) -> Mapping[str, Any]:
    """What the door answers: to a request, or, without one, what it shows to everybody.

    Raises:
        Misuse: not an https address; or, as CyberPrivacyError of the node's own code, what the node refused.
        DoorSilent: no answer, or none of a node.
    """
    parts = urlsplit(url)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.query or parts.path.strip("/"):
        raise Misuse("not an https address", code="admin.url", hint="Such as https://app.example.", url=url[:200])
    status, answer = _exchange(f"https://{parts.netloc}{PATH}", body)
    try:
        value = json.loads(answer) if nested_within(answer, 16) else None
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise DoorSilent("what answers there is no node", status=status)
    if status == httpx2.codes.OK:
        return value
    raise _refusal(status, value)


def _exchange(url: str, body: bytes | None) -> tuple[int, bytes]:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # see the module: told, not proven
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    method, until = "GET" if body is None else "POST", time.monotonic() + PATIENCE
    received = bytearray()
    try:
        with (
            httpx2.Client(verify=context, timeout=PATIENCE, follow_redirects=False, trust_env=False) as client,
            client.stream(method, url, content=body, headers={"Accept-Encoding": "identity"}) as answer,
        ):
            for part in answer.iter_raw():
                received += part
                if len(received) > MAX_ANSWER or time.monotonic() > until:
                    raise DoorSilent("the answer is too long or too slow")
            return answer.status_code, bytes(received)
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise DoorSilent("the node does not answer", why=type(error).__name__) from None


def _refusal(status: int, value: Mapping[str, Any]) -> CyberPrivacyError:
    """The node's own refusal, by its code; a stranger's text is made visible first."""
    code, what, hint = (str(value.get(name, ""))[:300] for name in ("type", "title", "detail"))
    if status not in _FAMILY or not _CODE.match(code):
        return DoorSilent("the node refuses in a way that we do not know", status=status)
    return _FAMILY[status](f"the node says: {visible(what)}", code=code, hint=visible(hint))
