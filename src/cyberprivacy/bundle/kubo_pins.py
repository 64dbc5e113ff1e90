"""What one's own Kubo keeps: the `Pinner` of its RPC interface.

Kubo answers everything that it could not do with the status 500 and a sentence, "not pinned" among them.
Source: docs.ipfs.tech/reference/kubo/rpc, `pin` and `dag/stat`.
"""

import ssl
from collections.abc import Callable, Mapping
from time import sleep as real_sleep
from typing import Annotated, Final

import msgspec

from cyberprivacy.bundle.pace import Pace
from cyberprivacy.bundle.pinning import MAX_NAME, SERVICE, Pin, State
from cyberprivacy.bundle.remote import BadReply, Down, Remote, Reply
from cyberprivacy.cid import Cid

PACE: Final = Pace(deadline=900.0, first=900.0, silence=900.0, rate=1)
"""Kubo says nothing while it looks for the blocks in the network."""
_MAX_LIST: Final = 16 << 20
_FAILED: Final = 500
_UNPINNED: Final = "not pinned"


class _Pins(msgspec.Struct):
    pins: Annotated[list[str], msgspec.Meta(max_length=16)] = msgspec.field(name="Pins")


class _Key(msgspec.Struct):
    name: str = msgspec.field(name="Name", default="")


class _Keys(msgspec.Struct):
    keys: Mapping[str, _Key] = msgspec.field(name="Keys")


class _Stat(msgspec.Struct):
    size: Annotated[int, msgspec.Meta(ge=0)] = msgspec.field(name="TotalSize")
    blocks: Annotated[int, msgspec.Meta(ge=0)] = msgspec.field(name="UniqueBlocks")


class _Problem(msgspec.Struct):
    message: str = msgspec.field(name="Message")


class KuboPins:
    """The pins of one Kubo; a `Pinner`."""

    def __init__(
        self,
        url: str,
        *,
        search: int = 600,
        tls: ssl.SSLContext | None = None,
        pace: Pace = PACE,
        sleep: Callable[[float], object] = real_sleep,
    ) -> None:
        """Prepare, without connecting.

        Args:
            url: of the RPC interface, such as http://127.0.0.1:5001.
            search: seconds for which Kubo may look for the blocks of one bundle in the network.
            tls: another trust than the machine's own.
            pace: bounds in time.
            sleep: waits for so many seconds.

        Raises:
            Misuse: "bundle.url".
        """
        self._remote = Remote(url, SERVICE, tls=tls, pace=pace, sleep=sleep)
        self._search = f"{search}s"

    @property
    def name(self) -> str:
        """Its URL."""
        return self._remote.name

    def pin(self, cid: Cid, name: str) -> Pin:
        """As `Pinner`; comes back when all is here. "pinning.failed": it does not find every block."""
        query = [("arg", str(cid)), ("recursive", "true"), ("progress", "false"), ("timeout", self._search)]
        reply = self._ask("pin/add", [*query, *([("name", name[:MAX_NAME])] if name else [])])
        if reply.status == _FAILED:
            raise self._failure(reply)
        if reply.read(_Pins).pins != [str(cid)]:
            raise BadReply("it pinned something else", code="pinning.cid", service=self.name, asked=str(cid))
        return self._described(cid, name)

    def pins(self, cid: Cid | None = None) -> list[Pin]:
        """As `Pinner`; of one root also how large it is."""
        query = [("type", "recursive"), ("names", "true"), *([("arg", str(cid))] if cid else [])]
        reply = self._ask("pin/ls", query)
        if reply.status == _FAILED:
            return self._none(reply)
        keys = reply.read(_Keys).keys
        if cid is None:
            return [Pin(cid=root, state=State.PINNED, name=key.name) for root, key in keys.items()]
        if list(keys) != [str(cid)]:
            raise BadReply("it answers about another CID", code="pinning.cid", service=self.name, asked=str(cid))
        return [self._described(cid, keys[str(cid)].name)]

    def unpin(self, cid: Cid) -> int:
        """As `Pinner`; the blocks go when Kubo next collects garbage."""
        reply = self._ask("pin/rm", [("arg", str(cid)), ("recursive", "true")])
        return len(self._none(reply)) if reply.status == _FAILED else 1

    def _described(self, cid: Cid, name: str) -> Pin:
        query = [("arg", str(cid)), ("progress", "false"), ("offline", "true"), ("timeout", self._search)]
        reply = self._ask("dag/stat", query)
        if reply.status == _FAILED:
            raise self._failure(reply)
        stat = reply.read(_Stat)
        return Pin(cid=str(cid), state=State.PINNED, name=name, size=stat.size, blocks=stat.blocks)

    def _ask(self, what: str, query: list[tuple[str, str]]) -> Reply:
        return self._remote.ask("POST", f"/api/v0/{what}", query=query, limit=_MAX_LIST, known=(_FAILED,))

    def _none(self, reply: Reply) -> list[Pin]:
        """No pin, if that is what Kubo failed with."""
        if _UNPINNED in reply.read(_Problem).message:
            return []
        raise self._failure(reply)

    def _failure(self, reply: Reply) -> Down:
        said = reply.read(_Problem).message[:200]
        return Down("Kubo could not do it", code="pinning.failed", service=self.name, said=said)
