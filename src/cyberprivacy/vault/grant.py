"""What a person allows: who may do what with which of their records, for how long; and how to take it back.

Pure forms: nothing here says whether a grant counts; `granting` does. Source: docs/spec/udi-1.md, "Grants".
"""

import re
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final, Self

from cyberprivacy.attest.document import BadDocument, Document
from cyberprivacy.errors import Untrusted
from cyberprivacy.typed_data import Schema
from cyberprivacy.vault.scope import Action, Scope, read_all
from cyberprivacy.vault.selector import LAST
from cyberprivacy.vault.wording import plain

LONGEST: Final = 180 * 86_400
"""Seconds that a grant may last."""
MAX_RETENTION: Final = 100 * 366 * 86_400
"""Seconds that a recipient may be allowed to keep what it got."""
MAX_PURPOSE: Final = 200
APP: Final = re.compile(r"[a-z0-9][a-z0-9._:-]{0,127}")
"""An application's name, the same everywhere, such as "eip155:1:0x…" of its DAO."""

_PARTY: Final = frozenset({"app", "cluster", "policy", "account"})
_GRANT: Final = frozenset(
    {
        *("id", "subject", "kelSeq", "source", "recipient", "scopes", "purpose", "mode"),
        *("maxUses", "notBefore", "expires", "retention", "onward", "textHash", "nonce"),
    }
)
_REVOKE: Final = frozenset({"grant", "subject", "kelSeq", "at", "erase", "nonce"})


class BadGrant(Untrusted):
    """Not a grant or a revocation in the form of the specification."""

    code = "grant.form"
    hint = "Make it with a client of this version of the specification."


class Mode(IntEnum):
    """What happens to the records."""

    ONCE = 0
    STANDING = 1
    MOVE = 2


@dataclass(frozen=True, slots=True)
class Party:
    """An application at a place, and the person as it knows them.

    Attributes:
        app: its name.
        cluster: the number of the cluster as 32 bytes.
        policy: SHA-256 of its release policy, 32 bytes; see `recipient`.
        account: the pairwise id there, 32 bytes.
    """

    app: str
    cluster: bytes
    policy: bytes
    account: bytes

    def message(self) -> dict[str, object]:
        """The fields as a wallet gets them."""
        return {"app": self.app, "cluster": self.cluster, "policy": self.policy, "account": self.account}


@dataclass(frozen=True, slots=True, kw_only=True)
class Grant:
    """One permission as a person signs it.

    Attributes:
        id: 16 random bytes.
        subject: the account, 32 bytes.
        kel_seq: the newest key event that the signer knew of.
        source: who holds the records. recipient: who gets them.
        scopes: 1 to 16, in order.
        purpose: one line, one of those that the recipient's policy lists.
        max_uses: how often; 0 = as often as wanted.
        not_before: POSIX seconds. expires: POSIX seconds, the first moment at which it no longer counts.
        retention: seconds that the recipient may keep what it got; 0 = until it is told to erase.
        onward: whether the recipient may hand it on; always 0 in this version.
        text_hash: SHA-256 of the text that was shown, 32 bytes.
        nonce: 32 random bytes.
    """

    id: bytes
    subject: bytes
    kel_seq: int
    source: Party
    recipient: Party
    scopes: tuple[Scope, ...]
    purpose: str
    mode: Mode
    max_uses: int
    not_before: int
    expires: int
    retention: int
    onward: int
    text_hash: bytes
    nonce: bytes

    def message(self) -> dict[str, object]:
        """The fields as a wallet gets them."""
        return {
            "id": self.id,
            "subject": self.subject,
            "kelSeq": self.kel_seq,
            "source": self.source.message(),
            "recipient": self.recipient.message(),
            "scopes": [each.message() for each in self.scopes],
            "purpose": self.purpose,
            "mode": int(self.mode),
            "maxUses": self.max_uses,
            "notBefore": self.not_before,
            "expires": self.expires,
            "retention": self.retention,
            "onward": self.onward,
            "textHash": self.text_hash,
            "nonce": self.nonce,
        }

    def digest(self, schema: Schema) -> bytes:
        """What is signed: 32 bytes."""
        return schema.digest("Grant", self.message())

    def allows(self, action: Action) -> bool:
        """Whether any scope has this action."""
        return any(action in each.actions for each in self.scopes)

    @classmethod
    def read(cls, value: object) -> "Grant":
        """A grant from its JSON values.

        Raises:
            BadGrant: a field is missing, unknown, malformed or out of range ("grant.form"), or it lasts
                longer than 180 days ("grant.long"), or may be handed on ("grant.onward").
            BadScope, BadSelector: a scope is malformed.
        """
        try:
            return _checked(Grant(**_fields(Document(value, "grant", _GRANT))))
        except BadDocument as error:
            raise BadGrant(str(error)) from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Revoke:
    """Words that take a grant back.

    Attributes:
        grant: its id, 16 bytes. subject: the account, 32 bytes. kel_seq: as in `Grant`.
        at: POSIX seconds by the signer's clock.
        erase: 1 = the recipient shall also erase what it got.
        nonce: 32 random bytes.
    """

    grant: bytes
    subject: bytes
    kel_seq: int
    at: int
    erase: int
    nonce: bytes

    def message(self) -> dict[str, object]:
        """The fields as a wallet gets them."""
        return {
            "grant": self.grant,
            "subject": self.subject,
            "kelSeq": self.kel_seq,
            "at": self.at,
            "erase": self.erase,
            "nonce": self.nonce,
        }

    def digest(self, schema: Schema) -> bytes:
        """What is signed: 32 bytes."""
        return schema.digest("Revoke", self.message())

    @classmethod
    def read(cls, value: object) -> Self:
        """A revocation from its JSON values.

        Raises:
            BadGrant: a field is missing, unknown, malformed or out of range.
        """
        try:
            document = Document(value, "revoke", _REVOKE)
            return cls(
                grant=document.octets("grant", size=16),
                subject=document.octets("subject", size=32),
                kel_seq=document.integer("kelSeq", most=(1 << 32) - 1),
                at=document.integer("at", least=1, most=LAST),
                erase=document.integer("erase", most=1),
                nonce=document.octets("nonce", size=32),
            )
        except BadDocument as error:
            raise BadGrant(str(error)) from None


def _fields(document: Document) -> dict[str, Any]:
    """In the order in which they are signed, so that every implementation names the same fault."""
    return {
        "id": document.octets("id", size=16),
        "subject": document.octets("subject", size=32),
        "kel_seq": document.integer("kelSeq", most=(1 << 32) - 1),
        "source": _party(document.raw("source")),
        "recipient": _party(document.raw("recipient")),
        "scopes": read_all(document.raw("scopes")),
        "purpose": _purpose(document.raw("purpose")),
        "mode": Mode(document.integer("mode", most=2)),
        "max_uses": document.integer("maxUses", most=(1 << 32) - 1),
        "not_before": document.integer("notBefore", most=LAST),
        "expires": document.integer("expires", most=LAST),
        "retention": document.integer("retention", most=MAX_RETENTION),
        "onward": document.integer("onward", most=255),
        "text_hash": document.octets("textHash", size=32),
        "nonce": document.octets("nonce", size=32),
    }


def _purpose(value: object) -> str:
    if not isinstance(value, str) or not plain(value, MAX_PURPOSE):
        raise BadGrant("a purpose is one line that hides nothing", most=MAX_PURPOSE)
    return value


def _checked(grant: Grant) -> Grant:
    """What a signature cannot make right."""
    if grant.onward:
        raise BadGrant("nothing is handed on in this version", code="grant.onward", onward=grant.onward)
    if grant.not_before >= grant.expires:
        raise BadGrant("it ends before it begins")
    if grant.expires - grant.not_before > LONGEST:
        raise BadGrant(
            "a grant lasts 180 days at most", code="grant.long", seconds=grant.expires - grant.not_before
        )
    if grant.mode is not Mode.STANDING:
        if grant.max_uses != 1 or not all(each.actions == (Action.READ,) for each in grant.scopes):
            raise BadGrant("a copy or a move is one use, and reads")
    elif not grant.max_uses and grant.allows(Action.DELETE):
        raise BadGrant("deleting is counted")
    return grant


def _party(value: object) -> Party:
    document = Document(value, "party", _PARTY)
    octets = (document.octets(name, size=32) for name in ("cluster", "policy", "account"))
    return Party(document.text("app", APP), *octets)
