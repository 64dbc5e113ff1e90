"""Taking everything out, bringing it in, erasing it, over HTTP."""

import re
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import suppress
from typing import Final

import msgspec
from msgspec import Raw
from sqlalchemy import Connection
from starlette.concurrency import run_in_threadpool

from cyberprivacy.errors import CyberPrivacyError, TryLater
from cyberprivacy.vault import erasing, orders, owners
from cyberprivacy.vault.account import Act
from cyberprivacy.vault.commitments import place_of
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.erasing import Job, Scope, What
from cyberprivacy.vault.exports import WAITING, Export, Exports
from cyberprivacy.vault.imports import read_lines, take_in
from cyberprivacy.vault.keystore import KeyStore
from cyberprivacy.vault.orders import Order
from cyberprivacy.vault.receipt import leaf
from cyberprivacy.vault.receiptlog import ReceiptLog
from cyberprivacy.vault.records import Records
from cyberprivacy.vault.sessions import Session
from cyberprivacy.vault.sweeper import Sweeper
from cyberprivacy.vault.types import Types
from cyberprivacy.vault.web import kept
from cyberprivacy.vault.web.endpoint import Call, Endpoint, Media, Reply, Who
from cyberprivacy.vault.web.problem import BadCall
from cyberprivacy.vault.web.waiting import Waiting

MAX_LINES: Final = 4 << 20
"""Bytes of one part of an import."""
_HEAVY: Final = 50
"""What making or reading an archive costs, against reading one record."""
_RANGE: Final = re.compile(r"bytes=(0|[1-9][0-9]{0,15})-")


class Custody:
    """The endpoints of exports, imports and erasing."""

    def __init__(
        self,
        database: Database,
        store: KeyStore,
        records: Records,
        types: Types,
        exports: Exports,
        sweeper: Sweeper,
        waiting: Waiting,
        receipts: ReceiptLog,
    ) -> None:
        self._database, self._store, self._records, self._types = database, store, records, types
        self._exports, self._sweeper, self._waiting = exports, sweeper, waiting
        self._receipts = receipts

    def endpoints(self) -> list[Endpoint]:
        """Their entries of the table."""
        return [*self._of_exports(), *self._of_imports(), *self._of_erasing()]

    def _of_exports(self) -> list[Endpoint]:
        path = "/udi/v1/exports"
        return [
            Endpoint(
                method="POST", path=path, name="beginExport", who=Who.OWNER, act=Act.HEAVY, run=self._begin,
                summary="Ask for an archive of everything.", answer=kept.ExportShown, status=202, cost=_HEAVY,
            ),
            Endpoint(
                method="GET", path=path, name="listExports", who=Who.OWNER, act=Act.HEAVY, run=self._list,
                summary="Exports that are not acknowledged.", answer=kept.ExportList,
            ),
            Endpoint(
                method="GET", path=path + "/{job}", name="readExport", who=Who.OWNER, act=Act.HEAVY, run=self._one,
                summary="How far an export is; at once, or when it has ended, if that is within `seconds`.",
                query=kept.WaitQuery, answer=kept.ExportShown,
            ),
            Endpoint(
                method="GET", path=path + "/{job}/archive", name="readArchive", who=Who.OWNER, act=Act.HEAVY,
                run=self._archive, summary="The archive, as often as wanted, until it is acknowledged.",
                answer=Media.ZIP, also=(206, 416), takes=("Range",), cost=_HEAVY,
            ),
            Endpoint(
                method="POST", path=path + "/{job}:acknowledge", name="acknowledgeExport", who=Who.OWNER,
                run=self._acknowledge, summary="The archive has arrived; it is removed here.", status=204, cost=5,
            ),
        ]  # fmt: skip

    def _of_imports(self) -> list[Endpoint]:
        return [
            Endpoint(
                method="POST", path="/udi/v1/imports", name="importRecords", who=Who.OWNER, act=Act.WRITE,
                run=self._import, summary="Records come in as they stand in an archive; again changes nothing.",
                query=kept.ImportQuery, body=Media.LINES, limit=MAX_LINES, answer=kept.ImportDone, also=(507,),
                cost=_HEAVY,
            ),
        ]  # fmt: skip

    def _of_erasing(self) -> list[Endpoint]:
        path = "/udi/v1/deletions"
        return [
            Endpoint(
                method="POST", path=path, name="erase", who=Who.OWNER, act=Act.HEAVY, run=self._erase,
                summary="Erase for good: a record, a type, an application's part, or the account.",
                body=kept.AskErase, answer=kept.ErasureShown, status=202, also=(404,), cost=_HEAVY,
            ),
            Endpoint(
                method="GET", path=path + "/{erasure}", name="readErasure", who=Who.ANYBODY, run=self._erasure,
                summary="How far an erasure is, and its receipt, for whoever knows its id.",
                answer=kept.ErasureShown,
            ),
            Endpoint(
                method="GET", path=path + "/{erasure}/proof", name="proveErasure", who=Who.ANYBODY,
                run=self._prove, summary="Why the receipt's digest is in this vault's log (C2SP tlog-proof).",
                answer=Media.TEXT, cost=20,
            ),
        ]  # fmt: skip

    def _begin(self, call: Call) -> Reply:
        return Reply(_export(self._exports.ask(call.who, call.now)))

    def _list(self, call: Call) -> Reply:
        return Reply(kept.ExportList(exports=[_export(each) for each in self._exports.all(call.who)]))

    def _one(self, call: Call) -> Reply:
        heard = self._exports.bell.rings  # before the look: what ends right after it is heard
        found, seconds = self._exports.find(call.who, _job(call)), call.asked(kept.WaitQuery).seconds
        if found.state != WAITING or not seconds:
            return Reply(_export(found))
        parts = self._awaited(call.who, found, heard, seconds)
        return Reply(self._waiting.let(call.who.account, parts))

    async def _awaited(self, who: Session, found: Export, heard: int, seconds: int) -> AsyncIterator[bytes]:
        """An export that waits, once it does no more or the time is over; as it was last seen, if it is gone."""
        end = time.monotonic() + seconds
        with suppress(CyberPrivacyError):
            while found.state == WAITING and (left := end - time.monotonic()) > 0:
                heard = await self._exports.bell.wait(heard, left)
                found = await run_in_threadpool(self._exports.find, who, found.id)
        yield msgspec.json.encode(_export(found))

    def _archive(self, call: Call) -> Reply:
        asked = call.headers.get("Range")
        found = _RANGE.fullmatch(asked) if asked is not None else None
        if asked is not None and found is None:
            raise BadCall("not a range of bytes", hint="Such as bytes=1048576-.")
        first = int(found[1]) if found else 0
        export, parts = self._exports.read(call.who, _job(call), first)
        headers = {
            "Accept-Ranges": "bytes",
            "Content-Disposition": 'attachment; filename="export.udi.zip"',
            "Content-Length": str(export.size - first),
        }
        if found:
            headers["Content-Range"] = f"bytes {first}-{export.size - 1}/{export.size}"
        return Reply(parts, headers, 206 if found else None)

    def _acknowledge(self, call: Call) -> Reply:
        self._exports.acknowledge(call.who, _job(call))
        return Reply()

    def _import(self, call: Call) -> Reply:
        asked, who = call.asked(kept.ImportQuery), call.who
        lines, owner = read_lines(call.octets), who.owner(asked.app)
        with self._database.transaction() as connection:
            owners.admit(connection, self._store, owner, account=who.account, app=asked.app, now=int(call.now))
            done = take_in(connection, self._records, self._types, owner, lines, dry=asked.dry)
        refused = [kept.RefusedRecord(id=each.id, code=each.code) for each in done.refused]
        return Reply(kept.ImportDone(created=done.created, same=done.same, refused=refused))

    def _erase(self, call: Call) -> Reply:
        asked = call.sent(kept.AskErase)
        what = What(asked.what)
        if (what in (What.RECORD, What.TYPE)) != bool(asked.name) or (what is What.ACCOUNT) != (asked.app == ""):
            raise BadCall("say what is to be erased, and of which application", asked=asked.what)
        subject = call.who.account if what is What.ACCOUNT else call.who.owner(asked.app)
        with self._database.transaction() as connection:
            job = erasing.ask(connection, subject, Scope(what, asked.name), now=int(call.now))
            shown = erasure_shown(erasing.find(connection, job))
        self._sweeper.ask()
        return Reply(shown, {"Location": f"/udi/v1/deletions/{shown.id}"})

    def _erasure(self, call: Call) -> Reply:
        with self._database.reading() as connection:
            job = erasing.find(connection, bytes.fromhex(call.path["erasure"]))
            told = orders.of(connection, job.owners) if job.scope.what in (What.OWNER, What.ACCOUNT) else []
            place = _place(connection, job)
        return Reply(erasure_shown(job, told, place=place))

    def _prove(self, call: Call) -> Reply:
        with self._database.reading() as connection:
            place = _place(connection, erasing.find(connection, bytes.fromhex(call.path["erasure"])))
        return Reply(proof_of(self._receipts, place))


def _job(call: Call) -> bytes:
    return bytes.fromhex(call.path["job"])


def _export(found: Export) -> kept.ExportShown:
    return kept.ExportShown(
        id=found.id.hex(),
        state=found.state,  # type: ignore[arg-type]  # one of the three that `exports` has
        code=found.code,
        done=found.done,
        size=found.size,
        sha256=found.digest.hex() if found.digest else None,
        asked=found.asked,
        made=found.made,
    )


def proof_of(receipts: ReceiptLog, place: int | None) -> bytes:
    """The proof of a receipt that stands at a place of the log.

    Raises:
        TryLater: it stands in no log yet ("receipt.place").
        ElsewhereProven: the log is that of the node.
    """
    if place is None:
        raise TryLater("its receipt is in no log yet", code="receipt.place", hint="Ask again.")
    return receipts.prove(place)


def _place(connection: Connection, job: Job) -> int | None:
    return place_of(connection, leaf(job.receipt)) if job.receipt else None


def erasure_shown(job: Job, told: Sequence[Order] = (), *, place: int | None = None) -> kept.ErasureShown:
    """An erasure as it stands, and whoever was told to erase, too; `place` of its receipt."""
    return kept.ErasureShown(
        id=job.id.hex(),
        what=job.scope.what.value,
        step=job.step.value,
        asked=job.asked,
        counts=dict(job.counts),
        receipt=Raw(job.receipt) if job.receipt else None,
        place=place,
        recipients=[kept.RecipientShown(each.recipient, each.grant.hex(), order_shown(each)) for each in told],
    )


def order_shown(told: Order) -> kept.ErasingShown:
    """How it stands with a recipient that was told to erase."""
    return kept.ErasingShown(
        state=told.state.value,
        why=told.why,
        tries=told.tries,
        asked=told.asked,
        holder=told.holder.hex(),
        receipt=Raw(told.receipt) if told.receipt else None,
    )
