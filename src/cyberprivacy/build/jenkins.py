"""A Jenkins by its remote interface: jobs, credentials, builds, logs, results. Nothing that it says is believed.

Source: jenkins.io/doc/book/using/remote-access-api; jenkins.io/doc/book/security/csrf-protection; the credentials
plugin, "REST API". Needed on the server: the plugins pipeline, credentials-binding and plain-credentials.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec

from cyberprivacy.build.waiting import Waiting
from cyberprivacy.bundle.remote import BadReply, Body, Down, Remote, Reply, as_form

SERVICE: Final = "jenkins"
MAX_LOG: Final = 4 << 20
"""Bytes of log that may come between two looks."""
TAIL: Final = 2_000
"""Characters of the log that a refusal shows."""
_QUEUED: Final = re.compile(r"/queue/item/([0-9]{1,18})/?\Z")
_STORE: Final = "/credentials/store/system/domain/_"


class _Crumb(msgspec.Struct):
    """What each change must carry (a token against requests of other sites), in the header that it names."""

    crumb: Annotated[str, msgspec.Meta(pattern=r"^[!-~]{1,512}$")]
    field: Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9.-]{1,64}$")] = msgspec.field(name="crumbRequestField")


class _Started(msgspec.Struct):
    number: Annotated[int, msgspec.Meta(ge=1)]


class _Item(msgspec.Struct):
    cancelled: bool = False
    why: str | None = None
    executable: _Started | None = None


class _Build(msgspec.Struct):
    building: bool
    result: str | None = None


@dataclass(frozen=True, slots=True)
class Ended:
    """A build that is over.

    Attributes:
        number: of the build in its job.
        result: "SUCCESS", "FAILURE", "UNSTABLE", "ABORTED" or "NOT_BUILT".
        tail: the end of its log.
    """

    number: int
    result: str
    tail: str


class Jenkins:
    """One server.

    Args:
        remote: the server; its access is a user and an API token.
        sleep: waits for so many seconds.
    """

    def __init__(self, remote: Remote, *, sleep: Callable[[float], object] = time.sleep) -> None:
        self._remote, self._sleep = remote, sleep
        self._crumb: Mapping[str, str] | None = None

    @property
    def name(self) -> str:
        """Its URL."""
        return self._remote.name

    def define(self, job: str, xml: bytes) -> None:
        """Make a job, or write its definition anew."""
        there = (
            self._remote.ask("GET", f"/job/{job}/api/json", query=[("tree", "name")], known=(404,)).status != 404
        )
        if there:
            self._change(f"/job/{job}/config.xml", body=("application/xml", xml))
        else:
            self._change("/createItem", query=[("name", job)], body=("application/xml", xml))

    def entrust(self, name: str, xml: bytes) -> None:
        """Keep a secret as a credential, or write it anew."""
        place = f"{_STORE}/credential/{name}"
        there = self._remote.ask("GET", f"{place}/api/json", query=[("tree", "id")], known=(404,)).status != 404
        path = f"{place}/config.xml" if there else f"{_STORE}/createCredentials"
        self._change(path, body=("application/xml", xml))

    def start(self, job: str, parameters: Mapping[str, str]) -> int:
        """Queue a build; the number of its place in the queue."""
        reply = self._change(f"/job/{job}/buildWithParameters", body=as_form(parameters))
        found = _QUEUED.search(reply.headers.get("location", ""))
        if reply.status != 201 or not found:
            raise BadReply("it does not say where the build is queued", code="jenkins.answer", service=self.name)
        return int(found[1])

    def cancel(self, item: int) -> None:
        """Take a build out of the queue, as far as it is still there."""
        self._change("/queue/cancelItem", query=[("id", str(item))], known=(404,))

    def stop(self, job: str, number: int) -> None:
        """End a build, as far as it still runs."""
        self._change(f"/job/{job}/{number}/stop", known=(302, 404))

    def finish(self, job: str, item: int, *, seconds: float) -> Ended:
        """Wait for a queued build to end.

        Args:
            job: of which.
            item: what `start` gave.
            seconds: in the queue and at work, counted by the pauses between questions.

        Raises:
            Down: "jenkins.late": it is not over, and was stopped; "jenkins.cancelled": somebody took it out of the
                queue; "jenkins.lost": the server forgot it. Or what `Remote.ask` raises.
        """
        waiting = Waiting(seconds, self._sleep)
        number = self._number(item, waiting)
        tail, position = "", 0
        while True:
            build = self._remote.ask("GET", f"/job/{job}/{number}/api/json", query=[("tree", "building,result")])
            state = build.read(_Build)
            more, position = self._log(job, number, position)
            tail = (tail + more)[-TAIL:]
            if not state.building and state.result is not None:
                return Ended(number, state.result[:20], tail)
            if not waiting.pause():
                self.stop(job, number)
                raise Down("it did not end in time, and was stopped", code="jenkins.late", job=job, build=number)

    def result(self, job: str, number: int, file: str, *, limit: int) -> Reply:
        """A file that a build archived.

        Raises:
            BadReply: "jenkins.result": it archived none.
        """
        path = f"/job/{job}/{number}/artifact/{file}"
        reply = self._remote.ask("GET", path, headers={"accept": "*/*"}, limit=limit, known=(404,))
        if reply.status == 404:
            raise BadReply("the build has no result", code="jenkins.result", job=job, build=number, file=file)
        return reply

    def _number(self, item: int, waiting: Waiting) -> int:
        query = [("tree", "cancelled,why,executable[number]")]
        while True:
            reply = self._remote.ask("GET", f"/queue/item/{item}/api/json", query=query, known=(404,))
            if reply.status == 404:
                raise Down("the server has forgotten the build", code="jenkins.lost", service=self.name, item=item)
            queued = reply.read(_Item)
            if queued.executable is not None:
                return queued.executable.number
            if queued.cancelled:
                raise Down("somebody cancelled the build", code="jenkins.cancelled", service=self.name, item=item)
            if not waiting.pause():
                self.cancel(item)
                why = (queued.why or "")[:200]
                raise Down("no machine took the build in time", code="jenkins.late", service=self.name, why=why)

    def _log(self, job: str, number: int, start: int) -> tuple[str, int]:
        """What was written since, and where it ends now."""
        path, query = f"/job/{job}/{number}/logText/progressiveText", [("start", str(start))]
        reply = self._remote.ask(
            "GET", path, query=query, headers={"accept": "text/plain"}, limit=MAX_LOG, known=(404,)
        )
        if reply.status == 404:  # it has not written anything yet
            return "", start
        size = reply.headers.get("x-text-size", "")
        if not re.fullmatch(r"[0-9]{1,18}", size):
            raise BadReply("a log does not say its size", code="jenkins.answer", service=self.name)
        return reply.body.decode("utf-8", "replace"), int(size)

    def _change(
        self,
        path: str,
        *,
        query: list[tuple[str, str]] | None = None,
        body: Body | None = None,
        known: tuple[int, ...] = (),
    ) -> Reply:
        """A request that changes something; asked once more with a new crumb when the old one has ended."""
        for again in (False, True):
            crumb = self._crumb if self._crumb is not None else self._take_crumb()
            reply = self._remote.ask(
                "POST", path, query=query or [], body=body, headers=crumb, known=(403, *known)
            )
            if reply.status != 403:
                return reply
            self._crumb = None
            if again or b"crumb" not in reply.body.lower():
                raise self._remote.failure(reply)
        raise AssertionError  # the second time ends it

    def _take_crumb(self) -> Mapping[str, str]:
        """The header for changes; none where the server does not ask for one."""
        reply = self._remote.ask("GET", "/crumbIssuer/api/json", known=(404,))
        if reply.status == 404:
            self._crumb = {}
        else:
            crumb = reply.read(_Crumb)
            self._crumb = {crumb.field: crumb.crumb}
        return self._crumb
