"""Records and data types over HTTP."""

import re
from collections.abc import Sequence
from typing import Final

from msgspec import Raw

from cyberprivacy.vault import owners
from cyberprivacy.vault.account import Act
from cyberprivacy.vault.change import Change, Create, Delete, Done, Update
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.holdings import Holding, holdings
from cyberprivacy.vault.keystore import KeyStore
from cyberprivacy.vault.place import OWNER
from cyberprivacy.vault.records import Record, Records
from cyberprivacy.vault.types import MAX_BODY, Types
from cyberprivacy.vault.web import kept
from cyberprivacy.vault.web.endpoint import Call, Endpoint, Media, Reply, Who
from cyberprivacy.vault.web.problem import BadCall

MAX_BATCH: Final = 4 << 20
"""Bytes of a list of changes."""
_WRITE: Final = 5
"""What a durable write costs, against reading one record."""
_TAG: Final = re.compile(r'"([1-9][0-9]{0,15})"')


class Data:
    """The endpoints of records and types."""

    def __init__(self, database: Database, store: KeyStore, records: Records, types: Types) -> None:
        self._database, self._store, self._records, self._types = database, store, records, types

    def endpoints(self) -> list[Endpoint]:
        """Their entries of the table."""
        return [*self._of_records(), *self._of_one(), *self._of_types()]

    def _of_records(self) -> list[Endpoint]:
        path = "/udi/v1/records"
        return [
            Endpoint(
                method="POST", path=path, name="createRecord", who=Who.SESSION, act=Act.WRITE, run=self._create,
                summary="A new record; its bytes are kept as they are.", query=kept.CreateQuery,
                body=Media.JSON, limit=MAX_BODY, answer=kept.RecordHead, status=201, also=(404, 507),
                takes=("Idempotency-Key",), needs=("Idempotency-Key",), cost=_WRITE, short=True,
            ),
            Endpoint(
                method="GET", path=path, name="listRecords", who=Who.SESSION, act=Act.READ, run=self._list,
                summary="Records, page by page.", query=kept.ListQuery, answer=kept.RecordPage, also=(404,),
                cost=5,
            ),
            Endpoint(
                method="POST", path=path + ":batch", name="changeRecords", who=Who.SESSION, act=Act.WRITE,
                run=self._batch, summary="Several changes, all of them or none.", query=kept.OfApp,
                body=kept.Batch, limit=MAX_BATCH, answer=kept.BatchDone, also=(404, 412, 507),
                takes=("Idempotency-Key",), needs=("Idempotency-Key",), cost=4 * _WRITE,
            ),
        ]  # fmt: skip

    def _of_one(self) -> list[Endpoint]:
        path = "/udi/v1/records/{record}"
        return [
            Endpoint(
                method="GET", path=path, name="readRecord", who=Who.SESSION, act=Act.READ, run=self._read,
                summary="The bytes of a record; ETag, Udi-Type, Udi-Created and Udi-Changed say the rest.",
                query=kept.OfApp, answer=Media.JSON, short=True,
            ),
            Endpoint(
                method="PUT", path=path, name="updateRecord", who=Who.SESSION, act=Act.WRITE, run=self._update,
                summary="Another body for a record of which a revision was seen.", query=kept.OfApp,
                body=Media.JSON, limit=MAX_BODY, answer=kept.RecordHead, also=(412, 507),
                takes=("If-Match",), needs=("If-Match",), cost=_WRITE, short=True,
            ),
            Endpoint(
                method="DELETE", path=path, name="deleteRecord", who=Who.SESSION, act=Act.WRITE, run=self._delete,
                summary="The end of a record of which a revision was seen.", query=kept.OfApp,
                answer=kept.RecordHead, also=(412,), takes=("If-Match",), needs=("If-Match",), cost=_WRITE,
                short=True,
            ),
            Endpoint(
                method="GET", path="/udi/v1/data", name="readData", who=Who.OWNER, act=Act.READ, run=self._data,
                summary="What is kept of one's own account, by application.", answer=kept.DataHeld, cost=5,
            ),
        ]  # fmt: skip

    def _of_types(self) -> list[Endpoint]:
        return [
            Endpoint(
                method="GET", path="/udi/v1/types", name="listTypes", who=Who.ANYBODY, run=self._list_types,
                summary="The declared data types.", answer=kept.TypeList,
            ),
            Endpoint(
                method="GET", path="/udi/v1/types/{type}", name="readType", who=Who.ANYBODY, run=self._type,
                summary="A declared data type, with its schema.", answer=kept.TypeShown,
            ),
        ]  # fmt: skip

    def _create(self, call: Call) -> Reply:
        asked = call.asked(kept.CreateQuery)
        head = self._change(call, asked.app, [Create(asked.type, call.octets)])[0]
        return _shown(head, {"Location": f"/udi/v1/records/{head.record.hex()}"})

    def _update(self, call: Call) -> Reply:
        record, app = bytes.fromhex(call.path["record"]), call.asked(kept.OfApp).app
        return _shown(self._change(call, app, [Update(record, _revision(call), call.octets)])[0])

    def _delete(self, call: Call) -> Reply:
        record, app = bytes.fromhex(call.path["record"]), call.asked(kept.OfApp).app
        return _shown(self._change(call, app, [Delete(record, _revision(call))])[0])

    def _batch(self, call: Call) -> Reply:
        changes = [_change(each) for each in call.sent(kept.Batch).changes]
        done = self._change(call, call.asked(kept.OfApp).app, changes)
        return Reply(kept.BatchDone(done=[kept.RecordHead(id=each.record.hex(), rev=each.rev) for each in done]))

    def _change(self, call: Call, app: str, changes: Sequence[Change]) -> Sequence[Done]:
        key, who = call.headers.get("Idempotency-Key"), call.who
        owner = who.owner(app)
        begins = who.app == OWNER  # who owns the account may begin the part of an application, as an import does
        with self._database.transaction(checked=not begins) as connection:
            if begins:
                owners.admit(connection, self._store, owner, account=who.account, app=app, now=int(call.now))
            return self._records.change(connection, owner, changes, key=key)

    def _read(self, call: Call) -> Reply:
        owner = call.who.owner(call.asked(kept.OfApp).app)
        with self._database.reading() as connection:
            found = self._records.read(connection, owner, bytes.fromhex(call.path["record"]))
        times = {"Udi-Created": str(found.created), "Udi-Changed": str(found.changed)}
        return Reply(found.body, {"ETag": f'"{found.rev}"', "Udi-Type": found.type, **times})

    def _list(self, call: Call) -> Reply:
        asked = call.asked(kept.ListQuery)
        after = bytes.fromhex(asked.after or "")
        with self._database.reading() as connection:
            page = self._records.page(
                connection, call.who.owner(asked.app), kind=asked.type, after=after, limit=asked.limit
            )
        following = page[-1].id.hex() if len(page) == asked.limit else None
        return Reply(kept.RecordPage(records=[_record(each) for each in page], next=following))

    def _data(self, call: Call) -> Reply:
        with self._database.reading() as connection:
            held = holdings(connection, call.who.account)
        return Reply(kept.DataHeld(apps=[_app(each) for each in held]))

    def _list_types(self, _: Call) -> Reply:
        with self._database.reading() as connection:
            return Reply(kept.TypeList(types=list(self._types.names(connection))))

    def _type(self, call: Call) -> Reply:
        with self._database.reading() as connection:
            found = self._types.get(connection, call.path["type"]).type
        shown = kept.TypeShown(
            name=found.name, digest=found.digest.hex(), titles=dict(found.titles), schema=Raw(found.document)
        )
        return Reply(shown)


def _revision(call: Call) -> int:
    found = _TAG.fullmatch(call.headers["If-Match"])
    if found is None:
        raise BadCall("not the revision of a record", hint='Such as "3": the ETag that the record was read with.')
    return int(found[1])


def _shown(head: Done, more: dict[str, str] | None = None) -> Reply:
    value = kept.RecordHead(id=head.record.hex(), rev=head.rev)
    return Reply(value, {"ETag": f'"{head.rev}"', **(more or {})})


def _change(asked: kept.CreateChange | kept.UpdateChange | kept.DeleteChange) -> Change:
    match asked:
        case kept.CreateChange():
            return Create(asked.type, bytes(asked.body), bytes.fromhex(asked.id) if asked.id else None)
        case kept.UpdateChange():
            return Update(bytes.fromhex(asked.id), asked.rev, bytes(asked.body))
        case kept.DeleteChange():
            return Delete(bytes.fromhex(asked.id), asked.rev)


def _record(found: Record) -> kept.RecordShown:
    return kept.RecordShown(
        id=found.id.hex(),
        type=found.type,
        rev=found.rev,
        created=found.created,
        changed=found.changed,
        body=Raw(found.body),
    )


def _app(held: Holding) -> kept.AppData:
    kinds = [kept.TypeCount(type=each.type, records=each.records, bytes=each.bytes) for each in held.kinds]
    return kept.AppData(app=held.app, owner=held.owner.hex(), records=held.records, bytes=held.bytes, types=kinds)
