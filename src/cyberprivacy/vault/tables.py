"""The tables of a vault. What a person wrote stands here only sealed; the keys are elsewhere (`keystore`).

Ids and digests are bytes: 32 for accounts, owners and SHA-256, 16 for records, grants and jobs. Times are POSIX
seconds.
An *owner* is an account as one application sees it (`pairwise`): applications know no other id.
"""

from typing import Final

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    ForeignKeyConstraint,
    Index,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
)

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id(name: str, size: int = 32, *, key: bool = False, null: bool = False) -> Column[bytes]:
    return Column(name, LargeBinary(size), primary_key=key, nullable=null)


def _whole(name: str, *, key: bool = False, null: bool = False) -> Column[int]:
    return Column(name, BigInteger, primary_key=key, nullable=null, autoincrement=False)


def _owned() -> Column[bytes]:
    """The first part of a primary key: rows go when their owner goes."""
    return Column("owner", LargeBinary(32), ForeignKey("owners.id", ondelete="CASCADE"), primary_key=True)


ACCOUNTS: Final = Table(
    "accounts",
    METADATA,
    _id("id", key=True),
    _whole("seq"),  # of the last key event
    _id("head"),  # digest of the last key event
    _whole("at"),  # when that was
    _whole("frozen", null=True),  # since when; NULL when not
    _id("secret"),  # what pairwise ids are made from
    _whole("created"),
)

KEY_EVENTS: Final = Table(
    "key_events",  # append-only
    METADATA,
    Column("account", LargeBinary(32), ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    _whole("seq", key=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("document", LargeBinary, nullable=False),  # as it came, at most 24 KiB
    _whole("taken"),  # when
)

OWNERS: Final = Table(
    "owners",
    METADATA,
    _id("id", key=True),  # pairwise
    Column("account", LargeBinary(32), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("app", String(255), nullable=False),
    _whole("seq"),  # of the last row in the outbox
    _whole("records"),
    _whole("bytes"),  # of records and blobs, before sealing
    _whole("generation"),  # of the key that all of it is sealed under; 0 when the owner is being erased
    _whole("dirty", null=True),  # since when deleted records wait for the next generation
    _whole("created"),
    UniqueConstraint("account", "app"),
)

TYPES: Final = Table(
    "types",
    METADATA,
    Column("name", String(128), primary_key=True),
    Column("document", LargeBinary, nullable=False),  # canonical JSON of the declaration
    _whole("declared"),
)

RECORDS: Final = Table(
    "records",
    METADATA,
    _owned(),
    _id("id", 16, key=True),  # sorts by time
    Column("type", String(128), nullable=False),
    _whole("rev"),
    _id("key", 60),  # this revision's own key, wrapped under the owner's
    Column("sealed", LargeBinary, nullable=False),
    _whole("bytes"),  # before sealing
    _whole("created"),
    _whole("changed"),
    Index(None, "owner", "type", "id"),
)

BLOBS: Final = Table(
    "blobs",
    METADATA,
    _owned(),
    _id("digest", key=True),  # SHA-256 of the content
    _whole("size"),
    _whole("received"),  # bytes so far; all of them and `completed` when it can be read
    _id("key", 60),
    _whole("created"),
    _whole("completed", null=True),
)

BLOB_PARTS: Final = Table(
    "blob_parts",
    METADATA,
    _id("owner", key=True),
    _id("digest", key=True),
    _whole("n", key=True),  # from 0; all but the last are of one size
    Column("sealed", LargeBinary, nullable=False),
    ForeignKeyConstraint(["owner", "digest"], ["blobs.owner", "blobs.digest"], ondelete="CASCADE"),
)

IDEMPOTENCY: Final = Table(
    "idempotency",
    METADATA,
    _owned(),
    Column("key", String(128), primary_key=True),
    _whole("n", key=True),  # place in a batch
    _id("fingerprint", 60),  # digest of the request, wrapped: a digest of little content would tell it
    _id("record", 16),
    _whole("rev"),
    _whole("at"),
    Index(None, "owner", "record"),
)

OUTBOX: Final = Table(
    "outbox",  # written in the transaction of the change that it tells of
    METADATA,
    _owned(),
    _whole("seq", key=True),  # from 1, without gaps
    Column("change", String(16), nullable=False),  # created, updated, deleted
    Column("type", String(128), nullable=False),
    _id("record", 16),
    _whole("rev"),
    _whole("at"),
    sqlite_with_rowid=False,  # rows are short, and found by their key: one tree instead of two
)

GRANTS: Final = Table(
    "grants",
    METADATA,
    _owned(),
    _id("id", 16, key=True),
    _id("digest"),
    Column("recipient", String(128), nullable=False),  # its application
    Column("document", LargeBinary, nullable=False),  # canonical JSON, with its signatures
    _whole("registered"),
    _whole("expires"),
    _whole("uses"),
    _whole("revoked", null=True),
    Column("revocation", LargeBinary, nullable=True),
)

ACCESSES: Final = Table(
    "accesses",
    METADATA,
    _owned(),
    _id("id", 16, key=True),  # sorts by time
    _id("grant", 16, null=True),  # NULL: the owner's own
    Column("who", String(255), nullable=False),
    Column("action", String(32), nullable=False),
    Column("type", String(128), nullable=False),
    _whole("records"),
    _whole("at"),
    Index(None, "owner", "grant"),
)

SESSIONS: Final = Table(
    "sessions",
    METADATA,
    _id("token", key=True),  # SHA-256 of what the client holds
    Column("account", LargeBinary(32), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("app", String(255), nullable=False),
    Column("signer", Text, nullable=False),  # the key that signed in
    _whole("created"),
    _whole("expires"),
    Index(None, "expires"),  # every sign-in drops those that ended
)

NONCES: Final = Table(
    "nonces",
    METADATA,
    _id("nonce", key=True),  # SHA-256 of what was given out, or the digest that was used
    Column("purpose", String(32), nullable=False),
    _whole("expires"),
    Index(None, "expires"),
)

TRANSFERS_OUT: Final = Table(
    "transfers_out",  # as their source sees them
    METADATA,
    _owned(),
    _id("id", 16, key=True),
    _id("grant", 16),
    Column("mode", String(8), nullable=False),  # copy, move
    Column("state", String(16), nullable=False),
    _id("key"),  # to which chunks are sealed
    _id("signer"),  # who signs the receipt
    Column("manifest", LargeBinary, nullable=True),  # canonical JSON, with its signature
    _id("head", null=True),  # where whoever took every chunk in arrives
    Column("receipt", LargeBinary, nullable=True),  # canonical JSON, with both signatures
    _whole("asked"),
    _whole("due", null=True),  # when a move erases
    Column("why", String(64), nullable=True),  # reason code for which the last receipt was not believed
)

TRANSFER_CHUNKS: Final = Table(
    "transfer_chunks",
    METADATA,
    _id("owner", key=True),
    _id("transfer", 16, key=True),
    _whole("n", key=True),  # from 0
    Column("sealed", LargeBinary, nullable=False),  # to the recipient: nobody here can read it
    Column("records", LargeBinary, nullable=False),  # id (16) and revision (8) of each
    ForeignKeyConstraint(["owner", "transfer"], ["transfers_out.owner", "transfers_out.id"], ondelete="CASCADE"),
)

TRANSFERS_IN: Final = Table(
    "transfers_in",  # as their recipient sees them
    METADATA,
    _owned(),
    _id("id", 16, key=True),
    _id("grant", 16),
    Column("manifest", LargeBinary, nullable=False),
    _whole("cursor"),  # the next chunk
    _id("head"),
    _whole("taken"),  # records that came to be
    _whole("dup"),  # records that were there
    Column("receipt", LargeBinary, nullable=True),
    _whole("begun"),
    _whole("until", null=True),  # when what came has to be erased
    Index(None, "until"),
)

TRANSFER_TAKEN: Final = Table(
    "transfer_taken",  # to be found again when the person wants it erased
    METADATA,
    _id("owner", key=True),
    _id("transfer", 16, key=True),
    _whole("n", key=True),
    Column("records", LargeBinary, nullable=False),  # ids (16 each) that came to be
    ForeignKeyConstraint(["owner", "transfer"], ["transfers_in.owner", "transfers_in.id"], ondelete="CASCADE"),
)

ARRIVALS: Final = Table(
    "arrivals",  # transfers that a person has ordered here, at their recipient
    METADATA,
    _owned(),
    _id("id", 16, key=True),  # of the transfer
    _id("grant", 16),
    Column("document", LargeBinary, nullable=False),  # the signed grant
    Column("source", String(300), nullable=False),  # site of the vault that holds the records
    _id("holder"),  # the Ed25519 key of that vault, as the person found it
    _id("key", 60, null=True),  # X25519, wrapped under the owner's; NULL once nothing is opened with it any more
    Column("state", String(16), nullable=False),  # running, incomplete, done, failed, undone
    Column("why", String(64), nullable=False),  # reason code; "" while all is well
    _whole("asked"),
    _whole("heard"),  # when the state or its reason last changed
    UniqueConstraint("owner", "grant"),
)

COMMITMENTS: Final = Table(
    "commitments",  # what this vault's ledger is to remember, and does: no more than digests
    METADATA,
    _id("leaf", key=True),
    _whole("place", null=True),  # of the entry in the ledger; NULL = still to be written
)

TRANSFER_REJECTS: Final = Table(
    "transfer_rejects",
    METADATA,
    _id("owner", key=True),
    _id("transfer", 16, key=True),
    _id("record", 16, key=True),
    _whole("n"),  # the chunk in which it is
    Column("code", String(64), nullable=False),
    ForeignKeyConstraint(["owner", "transfer"], ["transfers_in.owner", "transfers_in.id"], ondelete="CASCADE"),
)

ERASURES: Final = Table(
    "erasures",  # jobs, and afterwards their receipts; they outlive the owner
    METADATA,
    _id("id", 16, key=True),
    Column("owner", LargeBinary(32), nullable=False, index=True),
    Column("scope", LargeBinary, nullable=False),  # canonical JSON
    Column("step", String(16), nullable=False),
    Column("notes", LargeBinary, nullable=False),  # canonical JSON: what the steps so far found
    Column("receipt", LargeBinary, nullable=True),
    _whole("asked"),
    _whole("done", null=True),
)

SIGNERS: Final = Table(
    "signers",  # which accounts a key speaks for; follows from the key events
    METADATA,
    Column("signer", String(200), primary_key=True),
    Column(
        "account", LargeBinary(32), ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, index=True
    ),
)

EXPORTS: Final = Table(
    "exports",  # jobs; the archive itself is a sealed file beside the database
    METADATA,
    _id("id", 16, key=True),
    Column("account", LargeBinary(32), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("state", String(16), nullable=False),  # waiting, ready, failed
    Column("code", String(64), nullable=False),  # why it failed; "" if it did not
    _whole("size"),  # bytes of the archive
    Column("digest", LargeBinary(32), nullable=True),  # SHA-256 of the archive
    _whole("asked"),
    _whole("made", null=True),
)

SHARINGS: Final = Table(
    "sharings",  # who uses a grant, at its source
    METADATA,
    _owned(),
    _id("grant", 16, key=True),
    Column("holder", String(200), nullable=False),  # the key that signs the recipient's requests
    Column("policy", LargeBinary, nullable=False),  # its release policy, canonical JSON
    Column("site", String(300), nullable=True),  # where it answers; NULL: nowhere
)

FOLLOWED: Final = Table(
    "followed",  # records that came under a grant, to be found again when they have to be erased
    METADATA,
    _owned(),
    _id("grant", 16, key=True),
    _id("record", 16, key=True),
)

ORDERS: Final = Table(
    "orders",  # to erase what a grant gave: at its source, until the recipient confirms; they outlive the owner
    METADATA,
    _id("owner", key=True),
    _id("grant", 16, key=True),
    Column("recipient", String(128), nullable=False),  # its application
    _id("account"),  # pairwise, there
    Column("holder", String(200), nullable=False),  # the key that signs the recipient's receipt
    Column("site", String(300), nullable=False),  # "": nowhere
    Column("document", LargeBinary, nullable=False),  # the signed revocation
    Column("state", String(16), nullable=False),  # told, confirmed, refused
    Column("why", String(64), nullable=False),  # reason code of the last try; "" while all is well
    _whole("tries"),
    _whole("asked"),
    _whole("due", null=True),  # of the next try; NULL: none will follow
    Column("receipt", LargeBinary, nullable=True),
    Index(None, "due"),
)

FOLLOWINGS: Final = Table(
    "followings",  # grants under which this place gets records, at their recipient
    METADATA,
    _owned(),
    _id("grant", 16, key=True),
    Column("source", String(300), nullable=False),  # site of the vault that holds the records
    Column("document", LargeBinary, nullable=False),  # the signed grant
    _whole("cursor"),  # the last change that was dealt with
    _whole("received"),  # changes that were applied
    _whole("refused"),  # records that could not be taken
    Column("state", String(16), nullable=False),  # following, waiting, ended
    Column("why", String(64), nullable=False),  # reason code; "" while all is well
    _whole("begun"),
    _whole("heard"),  # when the source last said anything
)

COUNTED: Final = Table(
    "counted",  # who agreed to be counted in statistics of an application
    METADATA,
    _owned(),
    _whole("since"),
)
