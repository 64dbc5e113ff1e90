"""One entry of the table: a method and a path, who may call it, what comes in and what goes out.

`dispatch` keeps to it and `openapi` describes it, so that what is published and what is enforced are one thing.
"""

import re
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final, TypeVar

import msgspec

from cyberprivacy.errors import Misuse
from cyberprivacy.vault.account import Act
from cyberprivacy.vault.sessions import Session

SMALL: Final = 64 << 10
"""Bytes of a body where an entry says nothing else."""
PARAMETER: Final = re.compile(r"\{([a-z]+)\}")
"""Where a parameter stands in the path of an entry."""
_Struct = TypeVar("_Struct", bound=msgspec.Struct)


class Who(Enum):
    """Who may call an endpoint."""

    ANYBODY = "anybody"
    SIGNED = "whoever signed the body; the signature is checked, no session is needed"
    HOLDER = "an application to which it was granted; it signs the request (RFC 9421)"
    SESSION = "a session, of the owner or of an application for that owner"
    OWNER = "a session of the owner"


class Media(Enum):
    """Bytes that are not one of our JSON structures."""

    JSON = "application/json"
    LINES = "application/x-ndjson"
    OCTETS = "application/octet-stream"
    ZIP = "application/zip"
    EVENTS = "text/event-stream"
    TEXT = "text/plain; charset=utf-8"
    HTML = "text/html; charset=utf-8"
    NOTHING = ""


PARAMETERS: Final[Mapping[str, tuple[str, str]]] = {
    "account": (r"[0-9a-f]{64}", "Id of an account."),
    "record": (r"[0-9a-f]{32}", "Id of a record."),
    "digest": (r"[0-9a-f]{64}", "SHA-256 of a blob."),
    "type": (r"[a-z0-9.-]{1,128}", "Name of a declared data type."),
    "job": (r"[0-9a-f]{32}", "Id of an export."),
    "erasure": (r"[0-9a-f]{32}", "Id of an erasure."),
    "grant": (r"[0-9a-f]{32}", "Id of a grant."),
    "transfer": (r"[0-9a-f]{32}", "Id of a transfer."),
    "chunk": (r"0|[1-9][0-9]{0,8}", "Number of a chunk, from 0."),
}
"""What may stand in a path: its form, and what it is. The table cannot name any other."""
HEADERS: Final[Mapping[str, str]] = {
    "If-Match": "The revision that is to be changed, as the ETag of the record says it.",
    "Idempotency-Key": "1 to 64 letters, digits, `-` or `_`: the same request with the same key happens once.",
    "Range": "`bytes=<first>-[<last>]`: one part only.",
    "Content-Range": "`bytes <first>-<last>/<size>`: which part of the blob the body is.",
    "Signature-Input": "What the signature covers; see docs/spec/udi-1.md.",
    "Signature": "Of the application to which something was granted.",
    "Content-Digest": "SHA-256 of the body (RFC 9530); the signature covers it.",
    "Udi-Token": "A service token, base64url: the part of the grant for which its holder signs the request.",
    "Last-Event-ID": "Where the events that were received end.",
}

LONGER: Final[Mapping[str, int]] = {"Udi-Token": 8_192}
"""Characters of headers that hold a document."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request that was let through: sizes, forms, session and pace are checked.

    Attributes:
        session: whose; None where the entry needs none.
        path: parameters by name, each of its declared form.
        query: as the entry's `query` says; None if it has none.
        body: as the entry's `body` says: a structure, bytes, or None.
        headers: those of `HEADERS` that the entry names and the request has, by their names there.
        now: POSIX seconds.
    """

    session: Session | None
    path: Mapping[str, str]
    query: msgspec.Struct | None
    body: msgspec.Struct | bytes | None
    headers: Mapping[str, str]
    now: float

    @property
    def who(self) -> Session:
        """The session, where the entry needs one."""
        if self.session is None:
            raise Misuse("an endpoint without a session asks for one", code="api.table")
        return self.session

    def asked(self, kind: type[_Struct]) -> _Struct:
        """The query, as its declared structure."""
        assert isinstance(self.query, kind)  # noqa: S101  (the dispatcher made it of the entry's own type)
        return self.query

    def sent(self, kind: type[_Struct]) -> _Struct:
        """The body, as its declared structure."""
        assert isinstance(self.body, kind)  # noqa: S101  (the dispatcher made it of the entry's own type)
        return self.body

    @property
    def octets(self) -> bytes:
        """The body, where the entry takes bytes."""
        assert isinstance(self.body, bytes)  # noqa: S101  (the dispatcher made it so)
        return self.body


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes out.

    Attributes:
        value: a structure (as JSON), bytes, pieces of bytes, or None.
        status: None for the one that the entry names.
    """

    value: msgspec.Struct | bytes | Iterator[bytes] | AsyncIterator[bytes] | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    status: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One entry of the table.

    Attributes:
        name: of the operation, for clients that are generated.
        run: does it, in a thread; raises CyberPrivacyError to refuse.
        act: what the key of the session has to be allowed now; None asks nothing of the account's state.
        limit: bytes of a body.
        cost: of a call, in units of the pace: what a call costs a vault, against reading one record.
        body, answer: a structure, or the media type of bytes.
        short: done together with others of its kind (`crew`). It reads or changes a few records, in one
            transaction, and waits for nothing else.
        needs: headers without which the call is refused, of `takes`.
    """

    method: str
    path: str
    name: str
    who: Who
    summary: str
    run: Callable[[Call], Reply]
    act: Act | None = None
    query: type[msgspec.Struct] | None = None
    body: type[msgspec.Struct] | Media | None = None
    limit: int = SMALL
    answer: Any = Media.NOTHING
    status: int = 200
    also: tuple[int, ...] = ()
    takes: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    cost: int = 1
    short: bool = False

    def __post_init__(self) -> None:
        unknown = (
            {*self.parameters} - PARAMETERS.keys() | {*self.takes} - HEADERS.keys() | {*self.needs} - {*self.takes}
        )
        if unknown:
            raise Misuse("an endpoint names what nobody declared", code="api.table", names=sorted(unknown))
        if self.act is not None and self.who not in (Who.SESSION, Who.OWNER):
            raise Misuse("an act needs a session", code="api.table", endpoint=self.name)

    @property
    def parameters(self) -> tuple[str, ...]:
        """Names that stand in the path, in order."""
        return tuple(PARAMETER.findall(self.path))
