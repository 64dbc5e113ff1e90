"""Declared data types of a vault, and the judging of records by them.

Patterns run in linear time (no backtracking), references lead nowhere but into the schema itself: a schema costs
what its document is long.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from jsonschema_rs import Draft202012Validator, RegexOptions, ValidationError
from sqlalchemy import Connection, insert, select, update

from cyberprivacy import strict_json
from cyberprivacy.bundle import datatype
from cyberprivacy.bundle.datatype import BadType, DataType
from cyberprivacy.bundle.growth import check_growth
from cyberprivacy.errors import Untrusted
from cyberprivacy.vault import numberform
from cyberprivacy.vault.tables import TYPES

MAX_BODY: Final = 256 << 10
"""Bytes of one record; what is larger is a blob."""
_REGEX_BYTES: Final = 1 << 20


class BadRecord(Untrusted):
    """A record is not what its data type says."""

    code = "record.schema"
    hint = "Compare the record with the schema of its type, at this place."


class NoType(Untrusted):
    """Nobody has declared this data type here."""

    code = "type.none"
    hint = "`GET /udi/v1/types` lists the declared types."


@dataclass(frozen=True, slots=True)
class Judged:
    """A declared type, ready to judge.

    Attributes:
        type: as it was declared.
        encrypted: fields in which numbers stand encrypted, with the least and the largest of each.
    """

    type: DataType
    encrypted: Mapping[str, tuple[int, int]]
    _validator: Draft202012Validator

    def check(self, body: bytes) -> object:
        """The value of a record's bytes.

        Raises:
            BadJson: not JSON that says one thing, or too large.
            BadRecord: not of this type. Place and keyword are told, never a value.
            BadNumber: what should be an encrypted number has not the form of one ("number.form").
        """
        value = strict_json.read(body, limit=MAX_BODY)
        if self._validator.is_valid(value):
            for name in self.encrypted:
                if isinstance(value, dict) and name in value:
                    numberform.octets(value[name])
            return value
        try:
            self._validator.validate(value)
        except ValidationError as error:
            place = "/".join(map(str, error.instance_path))[:200]
            keyword = str(error.schema_path[-1])[:64] if error.schema_path else ""
            raise BadRecord("not of its type", type=self.type.name, place=place, keyword=keyword) from None
        raise AssertionError("valid after all")


def judged(declared: DataType) -> Judged:
    """A type ready to judge.

    Raises:
        BadType: a pattern cannot run in linear time, or is no pattern ("type.pattern").
    """
    try:
        validator = Draft202012Validator(
            dict(declared.schema),
            validate_formats=True,
            pattern_options=RegexOptions(size_limit=_REGEX_BYTES, dfa_size_limit=_REGEX_BYTES),
            offline=True,
        )
    except (ValidationError, ValueError):
        raise BadType("the schema has a pattern that is not allowed", code="type.pattern") from None
    return Judged(declared, declared.encrypted(), validator)


class Types:
    """The types of one vault; each is made ready to judge once."""

    def __init__(self) -> None:
        """Begin without any; they are read when they are asked for."""
        self._ready: dict[str, Judged] = {}

    def declare(self, connection: Connection, declared: DataType, *, now: int) -> None:
        """Add a type, or a schema of the same version that only adds to the one before.

        Raises:
            BadType: it does more than add, or has a pattern that is not allowed.
        """
        judged(declared)
        before = self._stored(connection, declared.name)
        if before is None:
            row = {"name": declared.name, "document": declared.document, "declared": now}
            connection.execute(insert(TYPES).values(row))
        elif before.document != declared.document:
            check_growth(before, declared)
            kept = update(TYPES).where(TYPES.c.name == declared.name)
            connection.execute(kept.values(document=declared.document, declared=now))
        self._ready.pop(declared.name, None)

    def get(self, connection: Connection, name: str) -> Judged:
        """A declared type.

        Raises:
            NoType: nobody has declared it.
        """
        ready = self._ready.get(name)
        if ready is None:
            stored = self._stored(connection, name) if datatype.NAME.match(name) else None
            if stored is None:
                raise NoType("no such data type here", type=name[:140])
            ready = self._ready[name] = judged(stored)
        return ready

    def names(self, connection: Connection) -> tuple[str, ...]:
        """All declared types, sorted."""
        return tuple(connection.execute(select(TYPES.c.name).order_by(TYPES.c.name)).scalars())

    def _stored(self, connection: Connection, name: str) -> DataType | None:
        document = connection.execute(select(TYPES.c.document).where(TYPES.c.name == name)).scalar()
        return None if document is None else datatype.parse(name, bytes(document))
