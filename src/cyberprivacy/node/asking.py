"""What a node asks an application's container, as one asks a stranger: bounded, and never redirected."""

import time
from typing import Final

import httpx2

from cyberprivacy.deploy.plan import Endpoint
from cyberprivacy.errors import TryLater
from cyberprivacy.trust import public

PATIENCE: Final = 10.0
"""Seconds for a whole answer."""


class ContainerSilent(TryLater):
    """A container does not answer as it should."""

    code = "container.silent"
    hint = "Asked again later. If it stays so, the release does not do what its manifest says."


class Containers:
    """Asks containers. Threads may share it."""

    def __init__(self) -> None:
        """Prepare, without connecting."""
        self._client = httpx2.Client(verify=public(), timeout=PATIENCE, follow_redirects=False, trust_env=False)

    def ask(self, where: Endpoint, path: str, *, limit: int, content: bytes | None = None) -> bytes:
        """The body of what a container answers; `content` is posted, without it one gets.

        Args:
            where: the container listens.
            path: of the request, and all of it.
            limit: bytes of the answer.
            content: JSON.

        Raises:
            ContainerSilent: no answer in time, one that is larger, or another status than 200.
        """
        until, body = time.monotonic() + PATIENCE, bytearray()
        url, method = f"http://{where.address}:{where.port}{path}", "GET" if content is None else "POST"
        kind = {} if content is None else {"Content-Type": "application/json"}
        headers = {"Accept-Encoding": "identity", **kind}
        try:
            with self._client.stream(method, url, content=content, headers=headers) as answer:
                for part in answer.iter_raw():
                    body += part
                    if len(body) > limit or time.monotonic() > until:
                        break
                status = answer.status_code
        except httpx2.HTTPError as error:
            raise ContainerSilent("no answer", path=path, why=type(error).__name__) from None
        if status != 200 or len(body) > limit or time.monotonic() > until:
            raise ContainerSilent("no answer that counts", path=path, status=status, size=len(body))
        return bytes(body)

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()
