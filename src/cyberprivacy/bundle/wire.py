"""HTTP with sources that nobody trusts: one host, no redirects, and bounds on bytes, time and slowness.

Nothing is taken from the environment (no proxies, no .netrc), nothing is decompressed, and a deadline holds even
against a server that drips its header byte by byte: past it the connection is cut.
"""

import ssl
import weakref
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from threading import Lock

import httpx2

from cyberprivacy.bundle.pace import DEFAULT_PACE, Line, Pace, TooSlow
from cyberprivacy.bundle.refusals import BadSource, Unavailable
from cyberprivacy.errors import Misuse
from cyberprivacy.trust import public


class Answer:
    """The body of an answer while it arrives; a `car.Reader`."""

    def __init__(self, response: httpx2.Response, source: str, limit: int) -> None:
        self._parts = response.iter_raw()
        self._source = source
        self._left = limit
        self._limit = limit
        self._rest = memoryview(b"")

    def read(self, size: int, /) -> bytes:
        """Between 1 and `size` bytes; b"" at the end.

        Raises:
            BadSource: "bundle.size": more bytes than the limit.
        """
        if not self._rest:
            self._rest = memoryview(self._next())
        part, self._rest = bytes(self._rest[:size]), self._rest[size:]
        return part

    def whole(self) -> bytes:
        """Everything that is left, within the limit."""
        return b"".join(iter(lambda: self.read(1 << 20), b""))

    def _next(self) -> bytes:
        part = next(self._parts, b"")
        self._left -= len(part)
        if self._left < 0:
            raise BadSource("answer is too large", code="bundle.size", source=self._source, limit=self._limit)
        return part


class Wire:
    """One configured host. Requests go one after the other; threads wait for one another.

    Attributes:
        name: the URL that it was made with.
    """

    def __init__(self, url: str, *, pace: Pace = DEFAULT_PACE, tls: ssl.SSLContext | None = None) -> None:
        """Prepare, without connecting.

        Args:
            url: http or https, a host, perhaps a port and a path; no user, query or fragment.
            pace: bounds in time.
            tls: another trust than the machine's own.

        Raises:
            Misuse: "bundle.url".
        """
        self.name = checked_url(url)
        self._pace = pace
        self._lock = Lock()
        self._line = Line()
        self._client = httpx2.Client(
            base_url=self.name,
            verify=tls or public(),
            trust_env=False,
            follow_redirects=False,
            timeout=httpx2.Timeout(pace.silence, connect=pace.connect),
            limits=httpx2.Limits(max_connections=1),
            headers={"accept-encoding": "identity", "user-agent": "cyberprivacy"},
        )
        self.close = weakref.finalize(self, self._client.close)
        """Gives up the connection; called by itself when nobody holds this object any more."""

    @contextmanager
    def ask(
        self,
        method: str,
        path: str,
        params: Mapping[str, str],
        *,
        limit: int,
        headers: Mapping[str, str] | None = None,
        body: Iterator[bytes] | None = None,
        deadline: float | None = None,
        absent: int = 404,
    ) -> Iterator[Answer | None]:
        """One request; the answer's body while the block lasts, None if the host does not have or offer it.

        Args:
            method: GET or POST.
            path: below the URL's own path, starting with "/".
            params: the query.
            limit: bytes of body at most.
            headers: to add.
            body: to send, in pieces.
            absent: one more status by which this host says that it does not have something.
            deadline: seconds, if the answer is so small that the pace's own deadline would be too long.

        Raises:
            BadSource: bundle.redirect, bundle.encoding, bundle.size.
            Unavailable: bundle.unreachable, bundle.slow.
        """
        pace = replace(self._pace, deadline=deadline or self._pace.deadline)
        with self._lock:
            request = self._client.build_request(
                method, path, params=dict(params), headers=dict(headers or {}), content=body
            )
            try:
                with self._line.ask(self._client, request, pace) as response:
                    yield self._judge(response, limit, absent)
            except httpx2.HTTPError as error:
                code = "bundle.slow" if isinstance(error, TooSlow) else "bundle.unreachable"
                reason = type(error).__name__
                raise Unavailable("no whole answer", code=code, source=self.name, reason=reason) from None

    def _judge(self, response: httpx2.Response, limit: int, absent: int) -> Answer | None:
        status = response.status_code
        if 300 <= status < 400:
            raise BadSource("redirects are not followed", code="bundle.redirect", source=self.name)
        if status == absent or (400 <= status < 500 and status not in (408, 429)):
            return None
        if status != 200:
            raise Unavailable("it failed", code="bundle.unreachable", source=self.name, status=status)
        if response.headers.get("content-encoding", "identity") != "identity":
            raise BadSource("compressed, unasked", code="bundle.encoding", source=self.name)
        announced = response.headers.get("content-length", "0")
        if announced.isdecimal() and int(announced[:20]) > limit:
            raise BadSource("answer is too large", code="bundle.size", source=self.name, limit=limit)
        return Answer(response, self.name, limit)


def checked_url(url: str) -> str:
    """The URL of a host, without a slash at its end.

    Raises:
        Misuse: "bundle.url": not http or https, or with a user, a query or a fragment.
    """
    try:
        parsed = httpx2.URL(url)
    except (httpx2.InvalidURL, ValueError):
        raise Misuse("not a URL", code="bundle.url", url=url[:200]) from None
    plain = url.isascii() and url.isprintable() and " " not in url and 0 < (parsed.port or 80) < 65536
    if parsed.scheme not in ("http", "https") or not parsed.host or not plain:
        raise Misuse("not an http or https URL with a host", code="bundle.url", url=url[:200])
    if parsed.userinfo or parsed.query or parsed.fragment:
        raise Misuse("a source's URL has no user, query or fragment", code="bundle.url", host=parsed.host)
    return str(parsed).rstrip("/")
