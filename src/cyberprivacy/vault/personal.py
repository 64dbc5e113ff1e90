"""What an application sees of the person who is signed in: the records that are kept for them, and where it asks.

A vault inside of the application (`inside`) and one that several applications share (`shared`) are the same to it.
"""

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

from starlette.types import Receive, Scope, Send

from cyberprivacy.vault.followings import Following
from cyberprivacy.vault.granting import Registered


@dataclass(frozen=True, slots=True)
class Kept:
    """A record with its value.

    Attributes:
        id: 32 hex digits; they sort by time.
        type: data type with its version.
        rev: revision, from 1; a change names the one that it saw.
        value: what was written, of the declared type.
        created, changed: POSIX seconds.
    """

    id: str
    type: str
    rev: int
    value: Mapping[str, object]
    created: int
    changed: int


class PersonalRecords(Protocol):
    """What one person keeps through one application: the one that they are signed in with.

    Every call asks what the person's account allows now: who froze it, or gave up the key that signed in, is heard
    at once. Calls are plain functions, for Starlette's `def` endpoints, which run in threads; each may raise
    TryLater.
    """

    @property
    def person(self) -> str:
        """How the application knows this person: 64 hex digits that no other application can join with its own."""
        ...

    def create(self, kind: str, value: Mapping[str, object], *, key: str | None = None) -> str:
        """Write a new record of a declared type; its id. The same `key` again writes nothing new.

        Raises:
            CyberPrivacyError: the value is not of its type ("record.schema"), there is no such type ("type.none"),
                no room ("quota.*"), or the account does not allow it ("account.*").
        """
        ...

    def read(self, record: str) -> Kept:
        """One record.

        Raises:
            Misuse: this person has none of this id ("record.none").
        """
        ...

    def list(self, kind: str | None = None, *, after: str = "", limit: int = 100) -> Sequence[Kept]:
        """Records of one type, or of all, oldest first; the last id of a page is `after` of the next.

        Raises:
            CyberPrivacyError: `limit` is not 1 to 1,000 ("record.limit").
        """
        ...

    def update(self, seen: Kept, value: Mapping[str, object]) -> int:
        """Write another value in place of the one that was seen; the new revision.

        Raises:
            CyberPrivacyError: as `create`; or somebody has changed it since ("record.rev").
        """
        ...

    def delete(self, seen: Kept) -> None:
        """End a record; raises as `update`."""
        ...

    def followings(self) -> Sequence[Following]:
        """The grants under which other applications' records of this person come here, and how they stand."""
        ...

    def grants(self) -> Sequence[Registered]:
        """What this person allows others with the records that are kept here, newest first; what ended, too.

        Only of a vault inside: one that is shared tells its owner alone, and an application nothing.
        """
        ...

    def counted(self, agreed: bool | None = None) -> bool:
        """Whether this person is counted in the application's statistics; `agreed` changes it.

        Raises:
            Misuse: the vault is shared, and makes no statistics ("app.inside").
        """
        ...


@dataclass(frozen=True, slots=True)
class Visit:
    """Somebody who is signed in to an application.

    Attributes:
        records: theirs.
        account: id of their account, 64 hex digits; None where only the vault knows it.
        expires: POSIX seconds.
        leave: ends the session.
    """

    records: PersonalRecords
    account: str | None
    expires: float
    leave: Callable[[], None]


class Backing(Protocol):
    """The vault behind an application: it answers what people ask the vault, and knows who is there."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request to the vault."""
        ...

    def visit(self, token: str) -> Visit:
        """Who is there with this token.

        Raises:
            NoSession: nobody, or not in this application.
        """
        ...

    def contributions(self, statistic: str) -> Sequence[tuple[str, int]] | None:
        """A number for each user who agreed, for the node; None where the application answers for itself.

        Raises:
            CyberPrivacyError: the numbers cannot be made now.
        """
        ...

    def receipts(self, question: bytes) -> bytes:
        """The answer to the question of the node that hosts the application, see `hosted`.

        Raises:
            CyberPrivacyError: no such question, none can be told now, or the vault is shared ("app.inside").
        """
        ...

    def running(self) -> AbstractAsyncContextManager[None]:
        """Do what has to go on while the application serves."""
        ...

    def close(self) -> None:
        """Let go of everything; twice does nothing more."""
        ...
