"""What goes over the wire of all that a vault keeps: records, blobs, events, archives, erasures. See `wire`."""

from typing import Annotated, Literal

from msgspec import Meta, Raw

from cyberprivacy.vault.web.wire import App, AppName, Count, Form, Id16, Id32, Time, TypeName


class OfApp(Form, frozen=True):
    """Of which application the records are; an application's session needs not say it."""

    app: App = ""


class CreateQuery(Form, frozen=True):
    """What is created."""

    type: TypeName
    app: App = ""


class ListQuery(Form, frozen=True):
    """Which records, and from where on; a page of fewer than `limit` is the last."""

    app: App = ""
    type: TypeName | None = None
    after: Id16 | None = None
    limit: Annotated[int, Meta(ge=1, le=250)] = 100


class RecordHead(Form, frozen=True):
    """A record, and its revision."""

    id: Id16
    rev: Count


class RecordShown(Form, frozen=True):
    """A record; `body` has the bytes that were written."""

    id: Id16
    type: TypeName
    rev: Count
    created: Time
    changed: Time
    body: Raw


class RecordPage(Form, frozen=True):
    """Records in the order of their ids, which is that of their times; `next` is `after` of the next page."""

    records: list[RecordShown]
    next: Id16 | None


class CreateChange(Form, frozen=True, tag_field="do", tag="create"):
    """A new record; its id if it has one from elsewhere."""

    type: TypeName
    body: Raw
    id: Id16 | None = None


class UpdateChange(Form, frozen=True, tag_field="do", tag="update"):
    """Another body for a record of which revision `rev` was seen."""

    id: Id16
    rev: Count
    body: Raw


class DeleteChange(Form, frozen=True, tag_field="do", tag="delete"):
    """The end of a record of which revision `rev` was seen."""

    id: Id16
    rev: Count


class Batch(Form, frozen=True):
    """Changes that are made together, or not at all."""

    changes: Annotated[list[CreateChange | UpdateChange | DeleteChange], Meta(min_length=1, max_length=1_000)]


class BatchDone(Form, frozen=True):
    """What became of each change, in order; of a deleted record one revision more than its last."""

    done: list[RecordHead]


class SumQuery(Form, frozen=True):
    """Which encrypted numbers: a field of a type, of the records that a selector names, from where on."""

    type: TypeName
    field: Annotated[str, Meta(pattern="^[A-Za-z_][A-Za-z0-9_-]*$", min_length=1, max_length=64)]
    app: App = ""
    selector: Annotated[str, Meta(min_length=3, max_length=1_024)] = "all"
    after: Id16 | None = None
    limit: Annotated[int, Meta(ge=1, le=1_000)] = 1_000


class NumberSum(Form, frozen=True):
    """A sum that the vault cannot read, null of none; `next` is `after` of the next page, whose sum adds to it."""

    scheme: Literal["bfv-v1"]
    ciphertext: str | None
    count: Count
    next: Id16 | None


class TypeCount(Form, frozen=True):
    """How much there is of a type."""

    type: TypeName
    records: Count
    bytes: Count


class AppData(Form, frozen=True):
    """What one application keeps; `owner` is how it knows the account."""

    app: str
    owner: Id32
    records: Count
    bytes: Count
    types: list[TypeCount]


class DataHeld(Form, frozen=True):
    """What is kept of an account, by application."""

    apps: list[AppData]


class TypeShown(Form, frozen=True):
    """A declared data type: JSON Schema 2020-12, as canonical JSON, whose SHA-256 is `digest`."""

    name: TypeName
    digest: Id32
    titles: dict[str, str]
    schema: Raw


class TypeList(Form, frozen=True):
    """The declared data types."""

    types: list[TypeName]


class ExportShown(Form, frozen=True):
    """An export: `done` records while it is `waiting`; size and SHA-256 of the archive once it is `ready`."""

    id: Id16
    state: Literal["waiting", "ready", "failed"]
    code: str
    done: Count
    size: Count
    sha256: Id32 | None
    asked: Time
    made: Time | None


class WaitQuery(Form, frozen=True):
    """For how long at most the answer may wait for the end of what it tells of."""

    seconds: Annotated[int, Meta(ge=0, le=30)] = 0


class ExportList(Form, frozen=True):
    """The exports of an account that are not acknowledged, newest first."""

    exports: list[ExportShown]


class ImportQuery(Form, frozen=True):
    """Into which application's part; `dry` only says what would become of the records."""

    app: AppName
    dry: bool = False


class RefusedRecord(Form, frozen=True):
    """A record that did not come in, and why."""

    id: Id16
    code: str


class ImportDone(Form, frozen=True):
    """What became of the records: `same` were there already, to the byte."""

    created: Count
    same: Count
    refused: list[RefusedRecord]


class AskErase(Form, frozen=True):
    """What is to be erased: `record` and `type` need a name, all but `account` an application."""

    what: Literal["record", "type", "deleted", "owner", "account"]
    app: App = ""
    name: Annotated[str, Meta(max_length=128)] = ""


class ErasingShown(Form, frozen=True):
    """A recipient that was told to erase; `receipt` is what it signed, with the key `holder`, once it `confirmed`.

    `why` is the reason code of the last try; one that `refused` is told no more.
    """

    state: Literal["told", "confirmed", "refused"]
    why: str
    tries: Count
    asked: Time
    holder: Id32
    receipt: Raw | None


class RecipientShown(Form, frozen=True):
    """Whom something was granted to, and how its erasing stands."""

    app: str
    grant: Id16
    erasing: ErasingShown


class ErasureShown(Form, frozen=True):
    """An erasure: nobody can read it any more from the start; at `done` there is the signed receipt.

    `recipients` are those who were told to erase what they had, as it stands now; `place` is where the receipt's
    digest stands in the log that this vault has.
    """

    id: Id16
    what: str
    step: str
    asked: Time
    counts: dict[str, int]
    receipt: Raw | None
    place: Count | None
    recipients: list[RecipientShown]


class PartQuery(Form, frozen=True):
    """Which part of which blob: `size` of the whole in bytes, `offset` at which the part begins."""

    size: Annotated[int, Meta(ge=0, le=1 << 30)]
    offset: Annotated[int, Meta(ge=0, le=1 << 30)] = 0
    app: App = ""


class BlobShown(Form, frozen=True):
    """A blob, or an upload of which `received` bytes are there; only a `whole` one can be read."""

    digest: Id32
    size: Count
    received: Count
    whole: bool


class EventQuery(Form, frozen=True):
    """From which event on; `after` is the last one that was dealt with."""

    app: App = ""
    after: Count = 0
    limit: Annotated[int, Meta(ge=1, le=500)] = 100


class FollowQuery(Form, frozen=True):
    """From which event on, and for how long at most."""

    app: App = ""
    after: Count = 0
    seconds: Annotated[int, Meta(ge=0, le=3_600)] = 600


class EventPage(Form, frozen=True):
    """CloudEvents in order, and where the next ones begin."""

    events: list[Raw]
    cursor: Count
