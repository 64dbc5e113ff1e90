"""One event of a key event log: its form, its digest, the bytes in which it travels.

The digest covers everything but the signature, so a signature with a second spelling makes no second event. The id
of an account is the digest of its first event. Source: docs/spec/udi-1.md, "Key events".
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from hashlib import sha256
from typing import Any, Final, Self

from cyberprivacy import canonical
from cyberprivacy.errors import Untrusted
from cyberprivacy.typed_data import Schema
from cyberprivacy.vault.key import Key

LIMIT: Final = 24 << 10
"""Bytes of one signed event."""
MAX_KEYS: Final = 16
MAX_GUARDIANS: Final = 16
NOTHING: Final = bytes(32)
_HEX: Final = re.compile(r"(?:[0-9a-f]{2})*\Z")


class BadEvent(Untrusted):
    """Not a key event in the form of the specification."""

    code = "event.form"
    hint = "Make the event with a client of this version of the specification."


class Kind(Enum):
    """What an event does."""

    INCEPT = "incept"
    ADD = "add"
    REMOVE = "remove"
    ROTATE = "rotate"
    GUARDIANS = "guardians"
    FREEZE = "freeze"
    UNFREEZE = "unfreeze"
    REVOKE_GRANTS = "revoke-grants"
    RECOVER = "recover"
    APPROVE = "approve"
    CANCEL = "cancel"
    EXECUTE = "execute"


@dataclass(frozen=True, slots=True)
class Guardian:
    """Somebody who can help, as everybody sees them: a commitment, and who runs them (32 bytes each)."""

    commitment: bytes
    operator: bytes


@dataclass(frozen=True, slots=True)
class Opening:
    """A guardian who steps forward: the key, and the salt (32 bytes) of the commitment."""

    key: Key
    salt: bytes

    @property
    def commitment(self) -> bytes:
        """What the account holds for this guardian: 32 bytes."""
        return sha256(b"udi/1 guardian\0" + self.salt + self.key.text.encode()).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class Body:
    """What an event says; which fields it has depends on its kind, the others are None.

    Attributes:
        before: POSIX seconds.
        recovery: digest of the event that asked for it, 32 bytes.
        salt: 32 random bytes, so that one key may have several accounts that nobody can join.
    """

    keys: tuple[Key, ...] | None = None
    guardians: tuple[Guardian, ...] | None = None
    guardian: Opening | None = None
    key: Key | None = None
    old: Key | None = None
    before: int | None = None
    recovery: bytes | None = None
    salt: bytes | None = None

    def as_json(self) -> dict[str, object]:
        """The fields that are there, as JSON values."""
        found = {name: getattr(self, name) for name in _FIELDS if getattr(self, name) is not None}
        return {name: _plain(value) for name, value in found.items()}


@dataclass(frozen=True, slots=True)
class Event:
    """One step of an account.

    Attributes:
        account: 32 bytes; all zero in the first event.
        seq: place in the log, from 0.
        prior: digest of the event before, 32 bytes; all zero in the first event.
        at: POSIX seconds by the clock of whoever signed.
    """

    account: bytes
    seq: int
    prior: bytes
    kind: Kind
    body: Body
    at: int

    def message(self) -> dict[str, object]:
        """The fields as a wallet gets them."""
        return {
            "account": self.account,
            "seq": self.seq,
            "prior": self.prior,
            "kind": self.kind.value,
            "body": canonical.encode(self.body.as_json()).decode(),
            "at": self.at,
        }

    def digest(self, schema: Schema) -> bytes:
        """What is signed: 32 bytes."""
        return schema.digest("KeyEvent", self.message())


@dataclass(frozen=True, slots=True)
class Signed:
    """An event, and who says to have signed it; `keylog` checks that."""

    event: Event
    key: Key
    signature: bytes

    def encode(self) -> bytes:
        """The bytes in which it travels: canonical JSON."""
        said = {
            name: value.hex() if isinstance(value, bytes) else value
            for name, value in self.event.message().items()
        }
        return canonical.encode({"event": said, "key": self.key.text, "signature": self.signature.hex()})

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read one.

        Raises:
            BadEvent: not the form of the specification ("event.form"); NotCanonical: not its one spelling.
            BadKey, BadAssertion: a key in it is none.
        """
        match canonical.decode(data, limit=LIMIT):
            case {"event": dict(event), "key": str(key), "signature": str(signature), **other} if not other:
                return cls(_event(event), Key.parse(key), _octets(signature))
        raise BadEvent("not a signed event")


def _event(value: Mapping[str, object]) -> Event:
    match value:
        case {
            "account": str(account),
            "seq": int(seq),
            "prior": str(prior),
            "kind": str(name),
            "body": str(body),
            "at": int(at),
            **other,
        } if not other and _whole(seq, 0, 1 << 32) and _whole(at, 1, 1 << 40):
            kind = next((each for each in Kind if each.value == name), None)
            if kind is not None:
                return Event(
                    _octets(account, 32), seq, _octets(prior, 32), kind, parse_body(kind, body.encode()), at
                )
    raise BadEvent("not an event")


_NEEDED: Final[Mapping[Kind, tuple[frozenset[str], frozenset[str]]]] = {
    kind: (frozenset(needed.split()), frozenset(allowed.split()))
    for kind, needed, allowed in (
        (Kind.INCEPT, "keys guardians salt", ""),
        (Kind.ADD, "key", ""),
        (Kind.REMOVE, "key", ""),
        (Kind.ROTATE, "key old", ""),
        (Kind.GUARDIANS, "guardians", ""),
        (Kind.FREEZE, "", "guardian"),
        (Kind.UNFREEZE, "", ""),
        (Kind.REVOKE_GRANTS, "before", ""),
        (Kind.RECOVER, "key guardian", ""),
        (Kind.APPROVE, "recovery", "guardian"),
        (Kind.CANCEL, "recovery", "guardian"),
        (Kind.EXECUTE, "recovery", ""),
    )
}


def parse_body(kind: Kind, text: bytes) -> Body:
    """What an event of this kind says.

    Raises:
        BadEvent: a field is missing, unknown or malformed; or more keys or guardians than 16, or one twice.
    """
    value = canonical.decode(text, limit=LIMIT)
    needed, allowed = _NEEDED[kind]
    if not isinstance(value, dict) or not needed <= value.keys() <= needed | allowed:
        raise BadEvent("not the fields of this kind of event", kind=kind.value)
    fields: dict[str, Any] = {name: _FIELDS[name](item) for name, item in value.items()}
    return Body(**fields)


def _keys(value: object) -> tuple[Key, ...]:
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_KEYS:
        raise BadEvent("not a list of 1 to 16 keys")
    keys = tuple(Key.parse(each) for each in value)
    if list(keys) != sorted(set(keys)):
        raise BadEvent("keys are not in order, or one stands twice")
    return keys


def _guardians(value: object) -> tuple[Guardian, ...]:
    if not isinstance(value, list) or len(value) > MAX_GUARDIANS:
        raise BadEvent("not a list of at most 16 guardians")
    guardians = tuple(_guardian(each) for each in value)
    if len({each.operator for each in guardians}) != len(guardians):
        raise BadEvent("two guardians of one operator", code="event.operator")
    if [each.commitment for each in guardians] != sorted({each.commitment for each in guardians}):
        raise BadEvent("guardians are not in order, or one stands twice")
    return guardians


def _guardian(value: object) -> Guardian:
    match value:
        case {"commitment": str(commitment), "operator": str(operator), **other} if not other:
            return Guardian(_octets(commitment, 32), _octets(operator, 32))
    raise BadEvent("not a guardian")


def _opening(value: object) -> Opening:
    match value:
        case {"key": str(key), "salt": str(salt), **other} if not other:
            return Opening(Key.parse(key), _octets(salt, 32))
    raise BadEvent("not a guardian's opening")


def _time(value: object) -> int:
    if not isinstance(value, int) or not _whole(value, 0, 1 << 40):
        raise BadEvent("not a time")
    return value


def _whole(value: int, low: int, high: int) -> bool:
    """Whether this is a number from `low` to below `high`; true and false are none."""
    return not isinstance(value, bool) and low <= value < high


def _octets(value: object, size: int | None = None) -> bytes:
    if not isinstance(value, str) or not _HEX.match(value) or (size is not None and len(value) != 2 * size):
        raise BadEvent("not hex of this size", size=size)
    return bytes.fromhex(value)


def _octets32(value: object) -> bytes:
    return _octets(value, 32)


_FIELDS: Final[Mapping[str, Callable[[object], object]]] = {
    "keys": _keys,
    "guardians": _guardians,
    "guardian": _opening,
    "key": Key.parse,
    "old": Key.parse,
    "before": _time,
    "recovery": _octets32,
    "salt": _octets32,
}


def _plain(value: object) -> object:
    match value:
        case Key():
            return value.text
        case bytes():
            return value.hex()
        case Guardian():
            return {"commitment": value.commitment.hex(), "operator": value.operator.hex()}
        case Opening():
            return {"key": value.key.text, "salt": value.salt.hex()}
        case tuple():
            return [_plain(each) for each in value]
        case _:
            return value
