"""What goes over the wire as JSON: each structure once, for reading, writing and for the description.

Unknown fields are refused. Bytes are lower-case hex; times are POSIX seconds.
"""

from typing import Annotated, Final, Literal

from msgspec import Meta, Struct

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
    """What a vault is; `key` is the Ed25519 key that signs its archives and receipts.

    `log` says whose log remembers receipts: its own, or that of the node which hosts it.
    """

    udi: str
    network: str
    site: str
    chain: Count
    apps: dict[str, str]
    keys: str
    key: Id32
    log: Literal["vault", "node"]
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
    """A session. The token is shown once. `account` is the account's id, or how the application knows it."""

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


class SessionMine(Form, frozen=True):
    """The session that asks; `owner` is how its application knows the account, null for the owner's own."""

    app: str
    owner: Id32 | None
    expires: Time
