"""The way to a witness over HTTP."""

import ssl
import time
import weakref
from typing import Final

import httpx2

from cyberprivacy.errors import Misuse, TryLater
from cyberprivacy.ledger.quorum import MAX_REPLY
from cyberprivacy.trust import public

_CONNECT: Final = 5.0


class Silent(TryLater):
    """A witness gave no whole answer."""

    code = "witness.silent"
    hint = "It is asked again later."


class HttpWitness:
    """One configured address; a `quorum.WitnessLine`."""

    def __init__(self, url: str, *, tls: ssl.SSLContext | None = None) -> None:
        """Prepare, without connecting.

        Args:
            url: the submission prefix: http or https, a host, perhaps a port and a path.
            tls: another trust than the machine's own; a cosignature proves itself, whoever carries it.

        Raises:
            Misuse: "witness.url".
        """
        try:
            parsed = httpx2.URL(url)
        except (httpx2.InvalidURL, ValueError):
            raise Misuse("not a URL", code="witness.url", url=url[:200]) from None
        if parsed.scheme not in ("http", "https") or not parsed.host or parsed.query or parsed.userinfo:
            raise Misuse("not an http or https URL with a host", code="witness.url", url=url[:200])
        self._url = f"{str(parsed).rstrip('/')}/add-checkpoint"
        self._client = httpx2.Client(
            verify=tls or public(),
            trust_env=False,
            follow_redirects=False,
            headers={"accept-encoding": "identity", "user-agent": "cyberprivacy"},
        )
        self.close = weakref.finalize(self, self._client.close)
        """Gives up the connection; called by itself when nobody holds this object any more."""

    def submit(self, body: bytes, *, timeout: float) -> tuple[int, bytes]:
        """As `WitnessLine` says."""
        end = time.monotonic() + timeout
        patience = httpx2.Timeout(timeout, connect=min(timeout, _CONNECT))
        try:
            with self._client.stream("POST", self._url, content=body, timeout=patience) as response:
                reply = bytearray()
                for part in response.iter_raw():
                    reply += part
                    if len(reply) > MAX_REPLY or time.monotonic() > end:
                        raise Silent("too much, or too slow", url=self._url)
                return response.status_code, bytes(reply)
        except httpx2.HTTPError as error:
            raise Silent("no whole answer", url=self._url, reason=type(error).__name__) from None
