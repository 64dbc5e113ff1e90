"""Somebody's own Kubo through its RPC interface: to fetch from the IPFS network, and to host a bundle there.

Kubo is believed no more than any gateway: by default it does not check what its own disk gives it.
Source: docs.ipfs.tech/reference/kubo/rpc.
"""

import json
import secrets
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from cyberprivacy.bundle import car, graph
from cyberprivacy.bundle.car import Reader
from cyberprivacy.bundle.gateway import checked
from cyberprivacy.bundle.graph import Find
from cyberprivacy.bundle.limits import DEFAULT, Limits
from cyberprivacy.bundle.pace import DEFAULT_PACE, Pace
from cyberprivacy.bundle.refusals import Unavailable
from cyberprivacy.bundle.wire import Answer, Wire
from cyberprivacy.canonical import nested_within
from cyberprivacy.cid import Cid

_MAX_REPORT = 1 << 20
_NOT_FOUND = 500  # Kubo's status for everything that it could not do, a block that it did not find among it


class Kubo:
    """One Kubo node; a `CarSource` that can also take bundles."""

    def __init__(
        self,
        url: str,
        *,
        limits: Limits = DEFAULT,
        pace: Pace = DEFAULT_PACE,
        search: int = 60,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        """Prepare, without connecting.

        Args:
            url: of the RPC interface, such as http://127.0.0.1:5001.
            limits: what a bundle may hold.
            pace: bounds in time.
            search: seconds for which Kubo may look for one block in the network.
            tls: another trust than the machine's own.

        Raises:
            Misuse: "bundle.url".
        """
        self._wire = Wire(url, pace=pace, tls=tls)
        self._limits = limits
        self._search = f"{search}s"
        self._deadline = pace.block + search

    @property
    def name(self) -> str:
        """Its URL."""
        return self._wire.name

    def find(self, cid: Cid) -> bytes | None:
        """One block, from its disk or the network, as `BlockSource` says."""
        query = {"arg": str(cid), "timeout": self._search}
        with self._wire.ask(
            "POST",
            "/api/v0/block/get",
            query,
            limit=self._limits.block,
            deadline=self._deadline,
            absent=_NOT_FOUND,
        ) as answer:
            block = None if answer is None else answer.whole()
        return checked(cid, block, self.name)

    @contextmanager
    def car(self, cid: Cid) -> Iterator[Reader | None]:
        """A whole graph, as `CarSource` says."""
        query = {"arg": str(cid), "progress": "false"}
        with self._wire.ask(
            "POST", "/api/v0/dag/export", query, limit=self._limits.transfer, absent=_NOT_FOUND
        ) as answer:
            yield answer

    def push(self, root: Cid, find: Find) -> None:
        """Give it a bundle and have it pinned.

        Raises:
            Unavailable: bundle.unreachable, bundle.slow; bundle.missing: `find` lacks a block; bundle.push: Kubo
                did not say that it pinned this very root.
        """
        boundary = secrets.token_hex(16)
        headers = {"content-type": f"multipart/form-data; boundary={boundary}"}
        query = {"pin-roots": "true", "allow-big-block": "false"}
        body = _multipart(boundary, car.write(root, graph.blocks(root, find, self._limits)))
        with self._wire.ask(
            "POST", "/api/v0/dag/import", query, limit=_MAX_REPORT, headers=headers, body=body
        ) as answer:
            if str(root) not in _pinned(answer):
                raise Unavailable("it was not pinned", code="bundle.push", source=self.name, cid=str(root))


def _multipart(boundary: str, parts: Iterator[bytes]) -> Iterator[bytes]:
    """A form with one file, as it is sent. Source: RFC 7578."""
    disposition = 'Content-Disposition: form-data; name="file"; filename="bundle.car"'
    yield f"--{boundary}\r\n{disposition}\r\nContent-Type: application/vnd.ipld.car\r\n\r\n".encode()
    yield from parts
    yield f"\r\n--{boundary}--\r\n".encode()


def _pinned(answer: Answer | None) -> set[str]:
    """The roots that Kubo reports as pinned: one JSON document a line."""
    found: set[str] = set()
    for line in [] if answer is None else answer.whole().splitlines():
        try:
            match json.loads(line) if nested_within(line, 8) else None:
                case {"Root": {"Cid": {"/": str(cid)}, "PinErrorMsg": ""}}:
                    found.add(cid)
        except ValueError:
            return set()
    return found
