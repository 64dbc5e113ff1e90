"""Others who keep a bundle available: pinning services, and the port that one's own Kubo has as well.

Source: ipfs.github.io/pinning-services-api-spec, version 1.0.0.
"""

import ssl
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from time import sleep as real_sleep
from typing import Annotated, Final, Protocol
from urllib.parse import quote

import msgspec

from cyberprivacy.bundle.access import Access
from cyberprivacy.bundle.pace import Pace
from cyberprivacy.bundle.remote import PACE, BadReply, Down, Refused, Remote, as_json
from cyberprivacy.cid import Cid

SERVICE: Final = "pinning"
MAX_PINS: Final = 10_000
"""Pins that are listed; who has more asks for one CID."""
MAX_NAME: Final = 255
_PAGE: Final = 1000
_MAX_PAGE: Final = 8 << 20
_ALL: Final = "queued,pinning,pinned,failed"  # left out, a service lists those alone that are pinned


class State(StrEnum):
    """How far a service is with a bundle."""

    QUEUED = "queued"
    PINNING = "pinning"
    PINNED = "pinned"
    FAILED = "failed"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pin:
    """What a service says about one root; nobody proves that it keeps anything.

    Attributes:
        cid: the root, as the service spells it.
        state: how far it is.
        name: what it was called; "" if nothing.
        request: the service's own name for this pin; "" where there is none.
        details: what it says about the state.
        size: bytes of all blocks, None if it does not say.
        blocks: how many there are, None if it does not say.
    """

    cid: str
    state: State
    name: str = ""
    request: str = ""
    details: str = ""
    size: int | None = None
    blocks: int | None = None


class Pinner(Protocol):
    """Keeps bundles available for others."""

    @property
    def name(self) -> str:
        """Its URL."""
        ...

    def pin(self, cid: Cid, name: str) -> Pin:
        """Ask it to keep what is below a root; asking again changes nothing.

        Args:
            cid: the root.
            name: at most 255 characters, for people.

        Raises:
            Refused: it denies us or does not take it.
            Down: it is out of reach or fails.
            BadReply: it answers about something else.
        """
        ...

    def pins(self, cid: Cid | None = None) -> list[Pin]:
        """What it keeps: of one root, or all. Raises as `pin`."""
        ...

    def unpin(self, cid: Cid) -> int:
        """Let it forget a root; how many pins that ended. Raises as `pin`."""
        ...


class _Named(msgspec.Struct):
    cid: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    name: Annotated[str, msgspec.Meta(max_length=4096)] | None = None


class _Status(msgspec.Struct):
    requestid: Annotated[str, msgspec.Meta(min_length=1, max_length=512)]
    status: State
    created: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    pin: _Named
    info: dict[str, str] | None = None


class _Results(msgspec.Struct):
    count: Annotated[int, msgspec.Meta(ge=0)]
    results: Annotated[list[_Status], msgspec.Meta(max_length=_PAGE)]


class PinningService:
    """One account at a service with the pinning interface; a `Pinner`."""

    def __init__(
        self,
        url: str,
        access: Access,
        *,
        tls: ssl.SSLContext | None = None,
        pace: Pace = PACE,
        sleep: Callable[[float], object] = real_sleep,
    ) -> None:
        """Prepare, without connecting; arguments as for `Remote`. Raises as it does."""
        self._remote = Remote(url, SERVICE, access=access, tls=tls, pace=pace, sleep=sleep)

    @property
    def name(self) -> str:
        """Its URL."""
        return self._remote.name

    def pin(self, cid: Cid, name: str) -> Pin:
        """As `Pinner`; a pin that failed is replaced, so that none are piled up."""
        found = self.pins(cid)
        alive = [pin for pin in found if pin.state is not State.FAILED]
        if alive:
            return alive[0]
        place = f"/pins/{_quoted(found[0].request)}" if found else "/pins"
        asked = {"cid": str(cid), **({"name": name[:MAX_NAME]} if name else {})}
        return self._pin(self._remote.ask("POST", place, body=as_json(asked)).read(_Status), cid)

    def pins(self, cid: Cid | None = None) -> list[Pin]:
        """As `Pinner`, the latest first. More than 10,000 are refused: "pinning.many"."""
        query = [("status", _ALL), ("limit", str(_PAGE)), *([("cid", str(cid))] if cid else [])]
        found: dict[str, Pin] = {}
        before: list[tuple[str, str]] = []
        while True:
            page = self._remote.ask("GET", "/pins", query=[*query, *before], limit=_MAX_PAGE).read(_Results)
            fresh = [status for status in page.results if status.requestid not in found]
            found |= {status.requestid: self._pin(status, cid) for status in fresh}
            if len(found) > MAX_PINS:
                raise Refused(
                    "it keeps too much to list", code="pinning.many", hint="Ask for one CID.", most=MAX_PINS
                )
            if page.count <= len(page.results) or not fresh:
                return list(found.values())
            before = [("before", min(status.created for status in page.results))]

    def unpin(self, cid: Cid) -> int:
        """As `Pinner`."""
        found = self.pins(cid)
        for pin in found:
            self._remote.ask("DELETE", f"/pins/{_quoted(pin.request)}", known=(404,))  # gone is what we want
        return len(found)

    def _pin(self, status: _Status, asked: Cid | None) -> Pin:
        if asked is not None and status.pin.cid != str(asked):
            facts = {"service": self.name, "asked": str(asked), "answered": status.pin.cid[:100]}
            raise BadReply("it answers about another CID", code="pinning.cid", **facts)
        return Pin(
            cid=status.pin.cid,
            state=status.status,
            name=status.pin.name or "",
            request=status.requestid,
            details=(status.info or {}).get("status_details", "")[:200],
        )


def wait(
    pinner: Pinner, pin: Pin, cid: Cid, *, seconds: float, sleep: Callable[[float], object] = real_sleep
) -> Pin:
    """The pin, when it is pinned.

    Args:
        pinner: who was asked.
        pin: what it said.
        cid: the root.
        seconds: how long to wait, counted by the pauses between questions.
        sleep: waits for so many seconds.

    Raises:
        Down: "pinning.failed": it gave up; "pinning.pending": it is not done yet. Or as `Pinner.pins`.
    """
    pause = 1.0
    while pin.state in (State.QUEUED, State.PINNING):
        if seconds <= 0:
            hint = "It goes on; `cyberprivacy bundle pins CID` shows how far it is."
            raise Down(
                "not pinned yet", code="pinning.pending", hint=hint, service=pinner.name, state=str(pin.state)
            )
        sleep(min(pause, seconds))
        seconds, pause = seconds - pause, min(pause * 2, 30.0)
        pin = next((now for now in pinner.pins(cid) if now.request == pin.request), pin)
    if pin.state is State.FAILED:
        hint = "It found nobody who has the blocks: serve them, or push them to your own Kubo, and pin again."
        raise Down("it gave up", code="pinning.failed", hint=hint, service=pinner.name, details=pin.details)
    return pin


def _quoted(request: str) -> str:
    """A service's own name as one part of a path, whatever is in it."""
    if request in (".", ".."):
        raise BadReply("a pin is named like a folder", code="pinning.answer", request=request)
    return quote(request, safe="")
