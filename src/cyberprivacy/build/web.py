"""Downloads of what a bundle names by URL. The bytes are judged elsewhere, by hash."""

import ipaddress
import socket
from collections.abc import Iterator
from typing import Final

import httpx2

from cyberprivacy.errors import TryLater, Untrusted

MAX_REDIRECTS: Final = 5


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
    """

    def __init__(self, client: httpx2.Client, *, private: bool = False) -> None:
        self._client, self._private = client, private

    def download(self, url: str, *, limit: int) -> Iterator[bytes]:
        """The body in parts, redirects followed.

        Raises:
            Untrusted: not a public https address ("inputs.url"), or longer than `limit` says it is.
            TryLater: out of reach, or an answer other than 200.
        """
        for _ in range(MAX_REDIRECTS):
            self._check(url)
            try:
                with self._client.stream("GET", url) as answer:
                    if answer.is_redirect and answer.next_request is not None:
                        url = str(answer.next_request.url)
                        continue
                    if answer.status_code != 200:
                        raise unreachable(url, problem=f"status {answer.status_code}")
                    if int(answer.headers.get("content-length", 0)) > limit:
                        raise BadUrl("an input is too large", code="inputs.size", url=url, limit=limit)
                    yield from answer.iter_bytes()
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
