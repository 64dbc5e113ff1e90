"""Downloads of what a bundle names by URL. The bytes are judged elsewhere, by hash."""

import ipaddress
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import httpx2

from cyberprivacy.bundle.pace import Line, Pace
from cyberprivacy.errors import TryLater, Untrusted

MAX_REDIRECTS: Final = 5
PACE: Final = Pace(first=60.0, deadline=3600.0, grace=30.0, rate=32 << 10)
"""For one file, which may have gigabytes: nobody holds a build up for more than an hour."""


@contextmanager
def answer(
    client: httpx2.Client, request: httpx2.Request, pace: Pace, *, redirects: int = 0
) -> Iterator[httpx2.Response]:
    """The answer to a request, over a connection of its own that is cut when it takes too long.

    Args:
        client: anybody's.
        request: made by that client.
        pace: for each of the answers on the way; of it `connect` and `silence` are the client's own.
        redirects: how many are followed; the bodies of their answers are not read.

    Raises:
        httpx2.HTTPError: no whole answer, or more redirects.
    """
    for _ in range(redirects + 1):
        request.headers["connection"] = "close"
        with Line().ask(client, request, pace) as response:
            if not redirects or response.next_request is None:
                yield response
                return
            request = response.next_request
    raise httpx2.TooManyRedirects("too many redirects", request=request)


def body(response: httpx2.Response, limit: int) -> bytes | None:
    """The whole of a body; None if it is longer than `limit` bytes, of which no more is read."""
    found = bytearray()
    for part in response.iter_bytes():
        found += part
        if len(found) > limit:
            return None
    return bytes(found)


class BadUrl(Untrusted):
    """A URL that a node does not ask on behalf of strangers."""

    code = "inputs.url"
    hint = "Inputs come from public https addresses."


class Web:
    """Downloads over https from public addresses.

    A bundle's author chooses these URLs, so they may not reach the node's own network: addresses that are
    not global are refused, at every redirect. (A name that changes between the look-up and the connection
    could still cause one GET whose answer nobody sees; put the node behind an egress proxy to exclude it.)

    Args:
        client: HTTP client.
        private: also allow http and addresses that are not global, for tests and closed networks.
        pace: how long one download may take.
    """

    def __init__(self, client: httpx2.Client, *, private: bool = False, pace: Pace = PACE) -> None:
        self._client, self._private, self._pace = client, private, pace

    def download(self, url: str, *, limit: int) -> Iterator[bytes]:
        """The body in parts, redirects followed.

        Raises:
            Untrusted: not a public https address ("inputs.url"), or longer than `limit` says it is.
            TryLater: out of reach, too slow, or an answer other than 200.
        """
        for _ in range(MAX_REDIRECTS):
            self._check(url)
            try:
                with answer(self._client, self._client.build_request("GET", url), self._pace) as got:
                    if got.is_redirect and got.next_request is not None:
                        url = str(got.next_request.url)
                        continue
                    if got.status_code != 200:
                        raise unreachable(url, problem=f"status {got.status_code}")
                    if int(got.headers.get("content-length", 0)) > limit:
                        raise BadUrl("an input is too large", code="inputs.size", url=url, limit=limit)
                    yield from got.iter_bytes()
                    return
            except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as problem:
                raise unreachable(url, problem=str(problem)) from problem
        raise BadUrl("too many redirects", url=url)

    def _check(self, url: str) -> None:
        try:
            parsed = httpx2.URL(url)
        except httpx2.InvalidURL as problem:
            raise BadUrl("not a URL", url=url[:200]) from problem
        if self._private:
            return
        if parsed.scheme != "https" or not parsed.host:
            raise BadUrl("not an https address", url=url[:200])
        try:
            found = socket.getaddrinfo(parsed.host, parsed.port or 443, type=socket.SOCK_STREAM)
        except OSError as problem:
            raise unreachable(url, problem=str(problem)) from problem
        if any(not ipaddress.ip_address(str(address[0]).split("%")[0]).is_global for *_, address in found):
            raise BadUrl("an address within a private network", url=url[:200])


def unreachable(url: str, *, problem: str) -> TryLater:
    """What to say when a source of inputs does not answer as hoped."""
    what = "a source of inputs does not answer as it should"
    return TryLater(what, code="inputs.unreachable", waits_for=url[:200], problem=problem)
