"""Imports: records of an archive come in, a few hundred at a time; doing it again changes nothing.

A record keeps its id and its bytes; its revisions begin anew. What cannot come in is named, never left out in
silence.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from sqlalchemy import Connection

from cyberprivacy.canonical import nested_within
from cyberprivacy.errors import CyberPrivacyError, Misuse
from cyberprivacy.vault.archive import Line
from cyberprivacy.vault.change import MAX_BATCH, Create
from cyberprivacy.vault.records import Records
from cyberprivacy.vault.types import Types

DEPTH: Final = 64
_ID: Final = re.compile(r"[0-9a-f]{32}\Z")
_LINE: Final = msgspec.json.Decoder(Line)


class BadImport(Misuse):
    """Not lines of an archive; nothing came in."""

    code = "import.form"
    hint = "Send lines as they stand in an archive, at most 1,000 at a time."


@dataclass(frozen=True, slots=True)
class Refused:
    """A record that did not come in, and why: its code."""

    id: str
    code: str


@dataclass(frozen=True, slots=True)
class Imported:
    """What became of some lines.

    Attributes:
        created: that are new here.
        same: that were here already, to the byte.
    """

    created: int
    same: int
    refused: Sequence[Refused]


def read_lines(data: bytes) -> Sequence[Line]:
    """The records of some lines.

    Raises:
        BadImport: not lines of an archive, too many, or one record twice.
    """
    lines = [each for each in data.split(b"\n") if each]
    if not 0 < len(lines) <= MAX_BATCH:
        raise BadImport("no lines, or too many", most=MAX_BATCH, found=len(lines))
    try:
        found = [_LINE.decode(each) for each in lines if nested_within(each, DEPTH)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadImport("not a line of an archive", why=str(error)[:200]) from None
    named = {each.id for each in found}
    if len(named) != len(lines) or not all(map(_ID.match, named)):
        raise BadImport("an id is none, or stands twice, or a line is nested too deep")
    return found


def take_in(
    connection: Connection, records: Records, types: Types, owner: bytes, lines: Sequence[Line], *, dry: bool
) -> Imported:
    """Records come in, in the caller's transaction; `dry`: only say what would become of them.

    Raises:
        NoOwner, OverQuota, Untrusted: see `Records.change`.
    """
    new: list[Create] = []
    refused: list[Refused] = []
    same = 0
    ids = [bytes.fromhex(each.id) for each in lines]
    here = records.among(connection, owner, ids)
    for record, each in zip(ids, lines, strict=True):
        kept, body = here.get(record), each.original
        if kept is None:
            try:
                types.get(connection, each.type).check(body)
            except CyberPrivacyError as error:
                refused.append(Refused(each.id, error.code))
            else:
                new.append(Create(each.type, body, record, judged=True))
        elif (kept.type, kept.body) == (each.type, body):
            same += 1
        else:
            refused.append(Refused(each.id, "record.exists"))
    if new and not dry:
        records.change(connection, owner, new)
    return Imported(len(new), same, refused)
