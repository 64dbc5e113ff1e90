"""JSON interfaces of services where we have an account, such as pinning services, Jenkins, Harbor and Rancher.

Answers are bounded in bytes and time, redirects are not followed, nothing is taken from the environment. What
shows a service who we are goes nowhere else: not into logs, errors or `repr`, nor over the network in clear.
"""

import re
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, TypeVar
from urllib.parse import urlencode

import httpx2
import msgspec

from cyberprivacy import strict_json
from cyberprivacy.bundle.access import Access
from cyberprivacy.bundle.pace import Line, Pace
from cyberprivacy.bundle.wire import checked_url
from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted
from cyberprivacy.trust import public

PACE: Final = Pace(deadline=120.0, first=60.0, rate=1 << 10)
MAX_REPLY: Final = 1 << 20
"""Bytes of an answer, where a caller does not say otherwise."""
ATTEMPTS: Final = 3
MAX_WAIT: Final = 30.0
"""Seconds between two attempts, whatever the service asks for."""
_AGAIN: Final = frozenset({"GET", "HEAD", "PUT", "DELETE"})
"""Methods that may be sent twice (RFC 9110, section 9.2.2)."""
_BUSY: Final = frozenset({429, 502, 503, 504})
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1"})
_UNPRINTABLE: Final = re.compile(r"[^ -~]+")

T = TypeVar("T")
Body = tuple[str, bytes]
"""A media type, and bytes of it."""


class BadReply(Untrusted):
    """A service answers in another way than its published interface says.

    Codes: <service>.answer, <service>.redirect, <service>.size.
    """

    hint = "See to the address and the version of the service; something else may be answering there."


class Refused(Misuse):
    """A service does not take what we ask for.

    Codes: <service>.denied (who we are), <service>.refused (what we want).
    """

    hint = "See to the account, its rights and its token file."


class Down(TryLater):
    """A service is out of reach or fails: <service>.unreachable, <service>.slow."""

    hint = "It can be asked again; see to the service if it lasts."


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer.

    Attributes:
        service: who gave it; the first word of codes.
        status: of HTTP.
        headers: names in lower case.
        body: within the limit that was asked for.
    """

    service: str
    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    def read(self, kind: type[T]) -> T:
        """The body as a value of this type; members that it does not name are passed over.

        Raises:
            BadReply: "<service>.answer".
        """
        try:
            return msgspec.convert(strict_json.read(self.body, limit=len(self.body)), kind)
        except (strict_json.BadJson, msgspec.ValidationError) as problem:
            reason = str(problem)[:200]
            what = "the answer is not of the published form"
            raise BadReply(what, code=f"{self.service}.answer", status=self.status, reason=reason) from None


class Remote:
    """One service. Threads may share it."""

    def __init__(
        self,
        url: str,
        service: str,
        *,
        access: Access | None = None,
        tls: ssl.SSLContext | None = None,
        pace: Pace = PACE,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        """Prepare, without connecting.

        Args:
            url: http or https; perhaps with a path, below which the interface lies.
            service: what codes begin with, such as "harbor".
            access: who we are; None is nobody.
            tls: another trust than the machine's own.
            pace: how long one answer may take.
            sleep: waits for so many seconds.

        Raises:
            Misuse: "bundle.url"; "access.plain": a secret would cross the network in clear.
        """
        self.name, self.service = checked_url(url), service
        self._access, self._pace, self._sleep = access, pace, sleep
        parsed = httpx2.URL(self.name)
        if access and parsed.scheme != "https" and parsed.host not in _LOCAL:
            raise Misuse("a secret is sent over https only", code="access.plain", service=self.name)
        self._client = httpx2.Client(
            verify=tls or public(),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(pace.silence, connect=pace.connect),
            headers={"accept-encoding": "identity", "user-agent": "cyberprivacy"},
        )

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Sequence[tuple[str, str]] = (),
        body: Body | None = None,
        headers: Mapping[str, str] | None = None,
        limit: int = MAX_REPLY,
        known: Sequence[int] = (),
    ) -> Reply:
        """One request and its whole answer. What may be sent twice is, while the service is busy or out of reach.

        Args:
            method: of HTTP.
            path: below the service's own, beginning with "/", its parts quoted.
            query: names and values; may repeat.
            body: what is sent, from `as_json` or `as_form`.
            headers: to add.
            limit: bytes of the body.
            known: statuses, beside 200 to 299, that are an answer and no failure.

        Raises:
            BadReply: "<service>.redirect"; "<service>.size".
            Refused: "<service>.denied": 401 or 403; "<service>.refused": another 4xx.
            Down: "<service>.unreachable": out of reach, too busy or failing; "<service>.slow".
        """
        sent = {"accept": "application/json", **(headers or {})}
        if body:
            sent["content-type"] = body[0]
        content = body[1] if body else None
        attempts = ATTEMPTS if method in _AGAIN else 1
        while True:
            attempts -= 1
            try:
                request = self._client.build_request(
                    method, self.name + path, params=list(query) or None, headers=sent, content=content
                )
                reply = self._send(request, limit)
            except Down:
                if not attempts:
                    raise
                self._sleep(1.0)
                continue
            if not attempts or reply.status in known or reply.status not in _BUSY:
                break
            self._sleep(_patience(reply))
        if reply.status in known or 200 <= reply.status < 300:
            return reply
        raise self.failure(reply)

    def _send(self, request: httpx2.Request, limit: int) -> Reply:
        request.headers["connection"] = "close"
        if self._access:
            request.headers["authorization"] = self._access.header
        line, found = Line(), bytearray()
        try:
            with line.ask(self._client, request, self._pace) as response:
                for part in response.iter_raw():
                    found += part
                    if len(found) > limit:
                        raise BadReply("the answer is too large", code=f"{self.service}.size", limit=limit)
        except httpx2.HTTPError as problem:
            code = f"{self.service}.{'slow' if line.late else 'unreachable'}"
            reason = type(problem).__name__
            raise Down("it gives no whole answer", code=code, waits_for=self.name, reason=reason) from None
        headers = {name.lower(): text for name, text in response.headers.items()}
        return Reply(self.service, response.status_code, headers, bytes(found))

    def failure(self, reply: Reply) -> CyberPrivacyError:
        """What to raise for an answer that is a failure."""
        at, status, said = self.name, reply.status, self._printable(reply.body)
        if status in (401, 403):
            code = f"{self.service}.denied"
            return Refused("it denies us", code=code, service=at, status=status, said=said)
        if status < 400:
            code = f"{self.service}.redirect"
            return BadReply("redirects are not followed", code=code, service=at, status=status)
        if status in (408, 429) or status >= 500:
            code = f"{self.service}.unreachable"
            return Down("it cannot do it now", code=code, waits_for=at, status=status, said=said)
        code = f"{self.service}.refused"
        return Refused("it does not take this", code=code, hint="", service=at, status=status, said=said)

    def _printable(self, body: bytes) -> str:
        """The beginning of what a service says about its refusal, without any secret that it repeats."""
        text = body[:4096].decode("utf-8", "replace")
        for secret in self._access.secrets if self._access else ():
            text = text.replace(secret, "…")
        return _UNPRINTABLE.sub(" ", text).strip()[:200]


def as_json(value: object) -> Body:
    """A value as it is sent in JSON."""
    return "application/json", msgspec.json.encode(value)


def as_form(fields: Mapping[str, str]) -> Body:
    """Fields as a browser's form sends them."""
    return "application/x-www-form-urlencoded", urlencode(fields).encode()


def _patience(reply: Reply) -> float:
    """Seconds until the next attempt, as the service asks. Source: RFC 9110, section 10.2.3."""
    with suppress(ValueError):
        return min(MAX_WAIT, max(0.0, float(reply.headers.get("retry-after", "1")[:10])))
    return 1.0
