"""What goes over the wire as JSON: each structure once, for reading, writing and for the description.

Unknown fields are refused. Bytes are lower-case hex; times are POSIX seconds.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Raw, Struct

MAX_MESSAGE: Final = 4_096

Id16 = Annotated[str, Meta(pattern="^[0-9a-f]*$", min_length=32, max_length=32)]
Id32 = Annotated[str, Meta(pattern="^[0-9a-f]*$", min_length=64, max_length=64)]
Hex = Annotated[str, Meta(pattern="^([0-9a-f]{2})*$", max_length=16_384)]
App = Annotated[
    str, Meta(pattern="^([a-z0-9][a-z0-9._:-]*)?$", max_length=128, description="Empty: the owner's own.")
]
AppName = Annotated[str, Meta(pattern="^[a-z0-9][a-z0-9._:-]*$", min_length=1, max_length=128)]
Nonce = Annotated[str, Meta(pattern="^[0-9a-f]*$", min_length=32, max_length=32)]
TypeName = Annotated[str, Meta(pattern="^[a-z0-9.-]*$", min_length=5, max_length=128)]
Count = Annotated[int, Meta(ge=0, le=1 << 53)]
Time = Annotated[int, Meta(ge=0, le=1 << 40, description="POSIX seconds.")]


class Form(Struct, frozen=True, forbid_unknown_fields=True):
    """Every structure of the interface."""


class About(Form, frozen=True):
    """What a vault is; `key` is the Ed25519 key that signs its archives and receipts."""

    udi: str
    network: str
    site: str
    chain: Count
    apps: dict[str, str]
    keys: str
    key: Id32
    openapi: str


class AccountHead(Form, frozen=True):
    """Where the log of an account ends."""

    account: Id32
    seq: Count
    head: Id32
    at: Time


class AccountKey(Form, frozen=True):
    """A key that speaks for an account; what cannot be taken back it may do from `old` on."""

    key: str
    old: Time


class AskedRecovery(Form, frozen=True):
    """Somebody asks for a new key; it can take over from `ready` on, null while approvals are missing."""

    id: Id32
    key: str
    approvals: Count
    ready: Time | None


class AccountStatus(Form, frozen=True):
    """An account, as its owner sees it."""

    account: Id32
    seq: Count
    head: Id32
    keys: list[AccountKey]
    guardians: Count
    frozen: bool
    frozen_until: Time | None
    recovery: AskedRecovery | None
    grants_revoked_before: Time


class AskSignIn(Form, frozen=True):
    """Ask for something to sign."""

    app: App = ""


class SignInAsked(Form, frozen=True):
    """What is to be signed: as a message of EIP-4361, or as typed data `SignIn(uri, statement, nonce)`."""

    nonce: Nonce
    domain: str
    uri: str
    chain: Count
    statement: str
    expires: Time


class WithEthereum(Form, frozen=True):
    """A message of EIP-4361 as it was signed, in UTF-8, and the signature of 65 bytes."""

    message: Annotated[str, Meta(max_length=MAX_MESSAGE)]
    signature: Hex
    app: App = ""
    account: Id32 | None = None


class WithKey(Form, frozen=True):
    """A key, and its signature over the typed data `SignIn`."""

    key: Annotated[str, Meta(max_length=200)]
    signature: Hex
    nonce: Nonce
    app: App = ""
    account: Id32 | None = None


class Opened(Form, frozen=True):
    """A session. The token is shown once; whoever has it acts for the account."""

    token: str
    account: Id32
    app: str
    expires: Time


class SessionShown(Form, frozen=True):
    """A session that is open; `mine` is the one that asks."""

    id: Id32
    app: str
    key: str
    created: Time
    expires: Time
    mine: bool


class SessionList(Form, frozen=True):
    """The sessions of an account, newest first."""

    sessions: list[SessionShown]


class Ended(Form, frozen=True):
    """How many were ended."""

    ended: Count


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


class SessionMine(Form, frozen=True):
    """The session that asks; `owner` is how its application knows the account, null for the owner's own."""

    app: str
    owner: Id32 | None
    expires: Time


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


class ErasureShown(Form, frozen=True):
    """An erasure: nobody can read it any more from the start; at `done` there is the signed receipt."""

    id: Id16
    what: str
    step: str
    asked: Time
    counts: dict[str, int]
    receipt: Raw | None
