"""Who people are here, what keeps them signed in, and what they have asked for."""

from typing import Final

from sqlalchemy import (
    Column,
    ForeignKey,
    Index,
    LargeBinary,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from cyberprivacy.vault.tables.columns import METADATA, id_, owned, whole

ACCOUNTS: Final = Table(
    "accounts",
    METADATA,
    id_("id", key=True),
    whole("seq"),  # of the last key event
    id_("head"),  # digest of the last key event
    whole("at"),  # when that was
    whole("frozen", null=True),  # since when; NULL when not
    id_("secret"),  # what pairwise ids are made from
    whole("created"),
)

KEY_EVENTS: Final = Table(
    "key_events",  # append-only
    METADATA,
    Column("account", LargeBinary(32), ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True),
    whole("seq", key=True),
    Column("digest", LargeBinary(32), nullable=False, unique=True),
    Column("document", LargeBinary, nullable=False),  # as it came, at most 24 KiB
    whole("taken"),  # when
)

SIGNERS: Final = Table(
    "signers",  # which accounts a key speaks for; follows from the key events
    METADATA,
    Column("signer", String(200), primary_key=True),
    Column(
        "account", LargeBinary(32), ForeignKey("accounts.id", ondelete="CASCADE"), primary_key=True, index=True
    ),
)

OWNERS: Final = Table(
    "owners",
    METADATA,
    id_("id", key=True),  # pairwise
    Column("account", LargeBinary(32), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False),
    Column("app", String(255), nullable=False),
    whole("seq"),  # of the last row in the outbox
    whole("records"),
    whole("bytes"),  # of records and blobs, before sealing
    whole("generation"),  # of the key that all of it is sealed under; 0 when the owner is being erased
    whole("dirty", null=True),  # since when deleted records wait for the next generation
    whole("created"),
    UniqueConstraint("account", "app"),
    Index(None, "dirty", sqlite_where=text("dirty IS NOT NULL"), postgresql_where=text("dirty IS NOT NULL")),
)

SESSIONS: Final = Table(
    "sessions",
    METADATA,
    id_("token", key=True),  # SHA-256 of what the client holds
    Column("account", LargeBinary(32), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("app", String(255), nullable=False),
    Column("signer", Text, nullable=False),  # the key that signed in
    whole("created"),
    whole("expires"),
    Index(None, "expires"),  # every sign-in drops those that ended
)

NONCES: Final = Table(
    "nonces",
    METADATA,
    id_("nonce", key=True),  # SHA-256 of what was given out, or the digest that was used
    Column("purpose", String(32), nullable=False),
    whole("expires"),
    Index(None, "expires"),
)

EXPORTS: Final = Table(
    "exports",  # jobs; the archive itself is a sealed file beside the database
    METADATA,
    id_("id", 16, key=True),
    Column("account", LargeBinary(32), ForeignKey("accounts.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("state", String(16), nullable=False),  # waiting, ready, failed
    Column("code", String(64), nullable=False),  # why it failed; "" if it did not
    whole("size"),  # bytes of the archive
    Column("digest", LargeBinary(32), nullable=True),  # SHA-256 of the archive
    whole("asked"),
    whole("made", null=True),
)

ERASURES: Final = Table(
    "erasures",  # jobs, and afterwards their receipts; they outlive the owner
    METADATA,
    id_("id", 16, key=True),
    Column("owner", LargeBinary(32), nullable=False, index=True),
    Column("scope", LargeBinary, nullable=False),  # canonical JSON
    Column("step", String(16), nullable=False),
    Column("notes", LargeBinary, nullable=False),  # canonical JSON: what the steps so far found
    Column("receipt", LargeBinary, nullable=True),
    whole("asked"),
    whole("done", null=True),
    Index(None, "step", "id"),
)

COUNTED: Final = Table(
    "counted",  # who agreed to be counted in statistics of an application
    METADATA,
    owned(),
    whole("since"),
)
