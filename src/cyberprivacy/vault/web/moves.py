"""A person's transfers over HTTP: ask what would be taken, order one, see how far it is, take it back."""

from typing import Annotated, Final, Literal

from msgspec import Meta, Raw

from cyberprivacy import canonical, strict_json
from cyberprivacy.vault.account import Act
from cyberprivacy.vault.carriage import LIMIT
from cyberprivacy.vault.key import Kind
from cyberprivacy.vault.transfer import overview
from cyberprivacy.vault.transfer.ordering import Offered
from cyberprivacy.vault.transfer.overview import Transfer
from cyberprivacy.vault.transfer.traffic import Traffic
from cyberprivacy.vault.web import kept, wire
from cyberprivacy.vault.web.custody import proof_of
from cyberprivacy.vault.web.endpoint import Call, Endpoint, Media, Reply, Who

_MOST: Final = 250
_LAST: Final = 1 << 40
_Key = Annotated[str, Meta(max_length=200)]


class MyParty(wire.Form, frozen=True):
    """This application as grants of the person who asks name it; `account` is how it knows them."""

    app: str
    cluster: wire.Id32
    policy: Raw
    holder: str
    account: wire.Id32


class OrderTransfer(wire.Form, frozen=True):
    """A signed grant of which this is the recipient; where its source is, and the key that it shows."""

    signed: Raw
    source: Annotated[str, Meta(max_length=300)]
    holder: _Key


class OfferedType(wire.Form, frozen=True):
    """What a source has of a type; `schema` is the digest of its type there."""

    type: wire.TypeName
    schema: wire.Id32
    records: wire.Count
    bytes: wire.Count


class AskTypes(wire.Form, frozen=True):
    """What somebody thinks of bringing here."""

    types: Annotated[list[OfferedType], Meta(max_length=256)]


class TypeTaken(wire.Form, frozen=True):
    """Whether a type would be taken; `code` says why not, "" if it would."""

    type: wire.TypeName
    code: str


class TypesTaken(wire.Form, frozen=True):
    """What would be taken, type by type; `full` says what of the quota is too little, "" if nothing."""

    types: list[TypeTaken]
    full: str


class TransferShown(wire.Form, frozen=True):
    """A transfer; `total`, `count`, `dup` count records and parts of blobs: all, new ones, those that were there.

    `done` of `chunks` are known to have arrived; `due` is when the source erases what has moved.
    """

    transfer: wire.Id16
    grant: wire.Id16
    way: Literal["out", "in"]
    app: str
    mode: Literal["copy", "move"]
    state: str
    why: str
    chunks: wire.Count
    done: wire.Count
    total: wire.Count
    count: wire.Count
    dup: wire.Count
    rejected: wire.Count
    asked: wire.Time
    due: wire.Time | None


class TransferQuery(wire.Form, frozen=True):
    """Those that were asked for before a time; a page of fewer than 250 is the last."""

    before: wire.Time = _LAST


class TransferPage(wire.Form, frozen=True):
    """Transfers, newest first."""

    transfers: list[TransferShown]


class TransferReport(wire.Form, frozen=True):
    """A transfer, what was not taken, and the receipt that both signed.

    `place` is where the receipt's digest stands in this vault's ledger.
    """

    transfer: TransferShown
    rejected: list[kept.RefusedRecord]
    receipt: Raw | None
    place: wire.Count | None


class Moves:
    """The endpoints of a person who moves. `holder` is the vault's key, 32 bytes."""

    def __init__(self, traffic: Traffic, *, holder: bytes) -> None:
        self._traffic, self._holder = traffic, f"{Kind.DEVICE.value}:{holder.hex()}"

    def endpoints(self) -> list[Endpoint]:
        """Their entries of the table."""
        path = "/udi/v1/transfers"
        return [
            Endpoint(
                method="GET", path="/udi/v1/party/mine", name="readMyParty", who=Who.OWNER, act=Act.READ,
                run=self._party, summary="This application as one's own grants name it.", answer=MyParty,
            ),
            Endpoint(
                method="POST", path=path, name="orderTransfer", who=Who.OWNER, act=Act.GRANT, run=self._order,
                summary="Bring here what a signed grant says; this vault pulls it.", body=OrderTransfer,
                limit=2 * LIMIT, answer=TransferReport, status=202, also=(404,), cost=50,
            ),
            Endpoint(
                method="POST", path=path + ":dry", name="askTypes", who=Who.OWNER, act=Act.READ, run=self._dry,
                summary="What of this would be taken here.", body=AskTypes, answer=TypesTaken, cost=5,
            ),
            Endpoint(
                method="GET", path=path, name="listTransfers", who=Who.OWNER, act=Act.READ, run=self._list,
                summary="One's transfers, from here and to here.", query=TransferQuery,
                answer=TransferPage, cost=20,
            ),
            Endpoint(
                method="GET", path=path + "/{transfer}", name="readTransfer", who=Who.OWNER, act=Act.READ,
                run=self._one, summary="How far a transfer is, what was not taken, and its receipt.",
                answer=TransferReport, cost=5,
            ),
            Endpoint(
                method="GET", path=path + "/{transfer}/proof", name="proveReceipt", who=Who.OWNER, act=Act.READ,
                run=self._prove, summary="Why the receipt's digest is in this vault's log (C2SP tlog-proof).",
                answer=Media.TEXT, cost=20,
            ),
            Endpoint(
                method="POST", path=path + "/{transfer}:resume", name="resumeTransfer", who=Who.OWNER,
                act=Act.GRANT, run=self._resume, summary="Try again what failed, or what was not taken.",
                answer=TransferReport, status=202, cost=20,
            ),
            Endpoint(
                method="POST", path=path + "/{transfer}:undo", name="undoTransfer", who=Who.OWNER, act=Act.READ,
                run=self._undo, summary="At its source: keep what is here, hand out nothing more.",
                answer=TransferReport, cost=20,
            ),
        ]  # fmt: skip

    def _party(self, call: Call) -> Reply:
        sharing = self._traffic.sharing
        own, account = sharing.own, sharing.owner(call.who.account)
        policy = Raw(own.policy.encode())
        return Reply(MyParty(own.app, own.cluster.hex(), policy, self._holder, account.hex()))

    def _order(self, call: Call) -> Reply:
        sent = call.sent(OrderTransfer)
        document = canonical.encode(strict_json.read(bytes(sent.signed), limit=LIMIT))
        owner, transfer = self._traffic.ordering.order(
            call.who.account, document, source=sent.source, holder=sent.holder
        )
        self._traffic.carrier.ask(owner, transfer)
        return Reply(self._report(owner, transfer), {"Location": f"/udi/v1/transfers/{transfer.hex()}"})

    def _dry(self, call: Call) -> Reply:
        offered = [
            Offered(each.type, bytes.fromhex(each.schema), each.records, each.bytes)
            for each in call.sent(AskTypes).types
        ]
        codes, full = self._traffic.ordering.dry(call.who.account, offered)
        return Reply(TypesTaken([TypeTaken(name, code) for name, code in codes], full))

    def _list(self, call: Call) -> Reply:
        owner, before = self._owner(call), call.asked(TransferQuery).before
        with self._traffic.sharing.database.reading() as connection:
            found = overview.listed(connection, owner, before=before, limit=_MOST)
        return Reply(TransferPage([_shown(each) for each in found]))

    def _one(self, call: Call) -> Reply:
        return Reply(self._report(self._owner(call), _id(call)))

    def _prove(self, call: Call) -> Reply:
        owner, transfer = self._owner(call), _id(call)
        with self._traffic.sharing.database.reading() as connection:
            place = overview.one(connection, owner, transfer).place
        return Reply(proof_of(self._traffic.receipts, place))

    def _resume(self, call: Call) -> Reply:
        owner, transfer = self._owner(call), _id(call)
        self._traffic.arrivals.resume(owner, transfer, now=call.now)
        self._traffic.carrier.ask(owner, transfer)
        return Reply(self._report(owner, transfer))

    def _undo(self, call: Call) -> Reply:
        owner, transfer = self._owner(call), _id(call)
        self._traffic.departures.undo(owner, transfer)
        return Reply(self._report(owner, transfer))

    def _owner(self, call: Call) -> bytes:
        return self._traffic.sharing.owner(call.who.account)

    def _report(self, owner: bytes, transfer: bytes) -> TransferReport:
        with self._traffic.sharing.database.reading() as connection:
            found = overview.one(connection, owner, transfer)
        return TransferReport(
            _shown(found),
            [kept.RefusedRecord(id=record.hex(), code=code) for record, code in found.rejected],
            None if found.receipt is None else Raw(found.receipt.encode()),
            found.place,
        )


def _id(call: Call) -> bytes:
    return bytes.fromhex(call.path["transfer"])


def _shown(found: Transfer) -> TransferShown:
    return TransferShown(
        transfer=found.id.hex(),
        grant=found.grant.hex(),
        way=found.way.value,
        app=found.other,
        mode=found.mode,
        state=found.state,
        why=found.why,
        chunks=found.chunks,
        done=found.done,
        total=found.total,
        count=found.count,
        dup=found.dup,
        rejected=len(found.rejected),
        asked=found.asked,
        due=found.due,
    )
