"""Blobs and events over HTTP: what is larger than one answer."""

import re
import time
from collections.abc import AsyncIterator, Iterator
from typing import Final

from msgspec import Raw
from sqlalchemy import Connection

from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.vault.account import Act
from cyberprivacy.vault.bell import Bell
from cyberprivacy.vault.blobs import PART, BadUpload, Blobs, Upload
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.events import Batch, Feed
from cyberprivacy.vault.records import Records
from cyberprivacy.vault.sessions import Session, check_open
from cyberprivacy.vault.web import kept
from cyberprivacy.vault.web.endpoint import Call, Endpoint, Media, Reply, Who
from cyberprivacy.vault.web.problem import BadCall
from cyberprivacy.vault.web.waiting import Waiting

LOOK: Final = 1.0
"""Seconds between two looks of a listener whom nobody wakes: every commit of this process rings the bell."""
_COST: Final = 10
"""What a part of a blob costs, against reading one record."""
_RANGE: Final = re.compile(r"bytes=(0|[1-9][0-9]{0,11})-(0|[1-9][0-9]{0,11})?")
_SEQ: Final = re.compile(r"0|[1-9][0-9]{0,15}")


class Stream:
    """The endpoints of blobs and events."""

    def __init__(self, database: Database, records: Records, blobs: Blobs, waiting: Waiting) -> None:
        self._database, self._records, self._blobs, self._waiting = database, records, blobs, waiting

    def endpoints(self) -> list[Endpoint]:
        """Their entries of the table."""
        return [*self._of_blobs(), *self._of_events()]

    def _of_blobs(self) -> list[Endpoint]:
        path = "/udi/v1/blobs/{digest}"
        return [
            Endpoint(
                method="PUT", path=path, name="uploadBlob", who=Who.SESSION, act=Act.WRITE, run=self._put,
                summary="The next part of a blob, 262,144 bytes but for the last; with the last it is compared.",
                query=kept.PartQuery, body=Media.OCTETS, limit=PART, answer=kept.BlobShown, also=(507,),
                cost=_COST,
            ),
            Endpoint(
                method="GET", path=path, name="readBlob", who=Who.SESSION, act=Act.READ, run=self._get,
                summary="A whole blob, or one range of it.", query=kept.OfApp, answer=Media.OCTETS,
                also=(206, 416), takes=("Range",), cost=_COST,
            ),
            Endpoint(
                method="GET", path=path + "/status", name="readBlobStatus", who=Who.SESSION, act=Act.READ,
                run=self._status, summary="How much of a blob is there: an upload goes on from `received`.",
                query=kept.OfApp, answer=kept.BlobShown,
            ),
            Endpoint(
                method="DELETE", path=path, name="deleteBlob", who=Who.SESSION, act=Act.WRITE, run=self._drop,
                summary="The end of a blob, or of an upload.", query=kept.OfApp, status=204, cost=_COST,
            ),
        ]  # fmt: skip

    def _of_events(self) -> list[Endpoint]:
        path = "/udi/v1/events"
        return [
            Endpoint(
                method="GET", path=path, name="followEvents", who=Who.SESSION, act=Act.READ, run=self._follow,
                summary="What changes, as it changes: CloudEvents over SSE, for at most `seconds`.",
                query=kept.FollowQuery, answer=Media.EVENTS, takes=("Last-Event-ID",), cost=_COST,
            ),
            Endpoint(
                method="GET", path=path + ":page", name="listEvents", who=Who.SESSION, act=Act.READ,
                run=self._page, summary="What has changed since a place, without waiting.", query=kept.EventQuery,
                answer=kept.EventPage,
            ),
        ]  # fmt: skip

    def _put(self, call: Call) -> Reply:
        asked, digest = call.asked(kept.PartQuery), bytes.fromhex(call.path["digest"])
        owner, good = call.who.owner(asked.app), True
        with self._database.transaction() as connection:
            upload = self._blobs.begin(connection, owner, digest, asked.size)
            if not upload.whole:
                if asked.size:
                    upload = self._blobs.append(connection, owner, digest, offset=asked.offset, part=call.octets)
                if upload.received == asked.size:
                    good = self._blobs.finish(connection, owner, digest)
                    upload = Upload(digest, asked.size, asked.size, whole=good)
        if not good:  # after the commit: the wrong upload is gone
            raise BadUpload("the content has another digest", code="blob.digest", hint="Begin the upload anew.")
        return Reply(_shown(upload))

    def _get(self, call: Call) -> Reply:
        owner, digest = call.who.owner(call.asked(kept.OfApp).app), bytes.fromhex(call.path["digest"])
        with self._database.reading() as connection:
            size = self._blobs.status(connection, owner, digest).size
            start, stop = _range(call, size)
            self._blobs.read(connection, owner, digest, start=start, stop=stop)
        headers = {"Accept-Ranges": "bytes", "Content-Length": str(stop - start)}
        if "Range" in call.headers:
            headers["Content-Range"] = f"bytes {start}-{stop - 1}/{size}"
        return Reply(self._parts(owner, digest, start, stop), headers, 206 if "Range" in call.headers else None)

    def _parts(self, owner: bytes, digest: bytes, start: int, stop: int) -> Iterator[bytes]:
        with self._database.reading() as connection:
            yield from self._blobs.read(connection, owner, digest, start=start, stop=stop)

    def _status(self, call: Call) -> Reply:
        owner = call.who.owner(call.asked(kept.OfApp).app)
        with self._database.reading() as connection:
            return Reply(_shown(self._blobs.status(connection, owner, bytes.fromhex(call.path["digest"]))))

    def _drop(self, call: Call) -> Reply:
        owner = call.who.owner(call.asked(kept.OfApp).app)
        with self._database.transaction() as connection:
            self._blobs.drop(connection, owner, bytes.fromhex(call.path["digest"]))
        return Reply()

    def _feed(self, call: Call, app: str) -> Feed:
        session: Session = call.who

        def permit(connection: Connection) -> None:
            check_open(connection, session, time.time())

        return Feed(self._database, self._records, session.owner(app), permit)

    def _page(self, call: Call) -> Reply:
        asked = call.asked(kept.EventQuery)
        batch = self._feed(call, asked.app).next(asked.after, limit=asked.limit)
        return Reply(kept.EventPage(events=[Raw(each.encode()) for each in batch.events], cursor=batch.cursor))

    def _follow(self, call: Call) -> Reply:
        asked = call.asked(kept.FollowQuery)
        last = call.headers.get("Last-Event-ID", str(asked.after))
        if not _SEQ.fullmatch(last):
            raise BadCall("not the id of an event", code="api.header", header="Last-Event-ID")
        parts = _told(self._feed(call, asked.app), int(last), asked.seconds, self._database.bell)
        return Reply(self._waiting.let(call.who.account, parts))


async def _told(feed: Feed, after: int, seconds: int, bell: Bell) -> AsyncIterator[bytes]:
    """Batches as server-sent events; ends by itself, and then the listener asks anew from where it is."""
    end, heard = time.monotonic() + seconds, bell.rings

    async def wait() -> None:
        nonlocal heard
        heard = await bell.wait(heard, LOOK)

    yield b"retry: 1000\n\n"
    try:
        async for batch in feed.follow(after, wait):
            yield _sse(batch)
            if time.monotonic() >= end:
                return
    except CyberPrivacyError as error:
        yield f"event: end\ndata: {error.code}\n\n".encode()


def _sse(batch: Batch) -> bytes:
    """A batch in the format of event streams; one without events is a comment. Source: HTML, section 9.2."""
    if not batch.events:
        return b": %d\n\n" % batch.cursor
    return b"".join(b"id: %d\ndata: %s\n\n" % (each.seq, each.encode()) for each in batch.events)


def _range(call: Call, size: int) -> tuple[int, int]:
    asked = call.headers.get("Range")
    if asked is None:
        return 0, size
    found = _RANGE.fullmatch(asked)
    if found is None:
        raise BadCall("not a range of bytes", hint="Such as bytes=0-1023, or bytes=1024-.")
    start, stop = int(found[1]), min(size, int(found[2]) + 1) if found[2] else size
    if start >= stop:
        raise BadUpload("not a range of this blob", code="blob.range", size=size)
    return start, stop


def _shown(upload: Upload) -> kept.BlobShown:
    return kept.BlobShown(
        digest=upload.digest.hex(), size=upload.size, received=upload.received, whole=upload.whole
    )
