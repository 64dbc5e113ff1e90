"""The records of one person, as an application that the vault runs inside of reads and writes them.

Every call is one transaction and asks what the person's account allows now: who froze it, or gave up the key that
signed in, is heard at once. Calls are plain functions, for Starlette's `def` endpoints, which run in threads.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import msgspec

from cyberprivacy.vault import account as rules
from cyberprivacy.vault import counting
from cyberprivacy.vault.account import Act
from cyberprivacy.vault.change import Change, Create, Delete, Done, Update
from cyberprivacy.vault.followings import Following, Followings
from cyberprivacy.vault.grantbook import GrantBook
from cyberprivacy.vault.granting import Registered
from cyberprivacy.vault.records import Record
from cyberprivacy.vault.sessions import Session
from cyberprivacy.vault.web.assembly import Vault


@dataclass(frozen=True, slots=True)
class Kept:
    """A record with its value.

    Attributes:
        id: 32 hex digits; they sort by time.
        type: data type with its version.
        rev: revision, from 1.
        value: what was written, of the declared type.
        created, changed: POSIX seconds.
    """

    id: str
    type: str
    rev: int
    value: Mapping[str, object]
    created: int
    changed: int


@dataclass(frozen=True, slots=True)
class PersonalRecords:
    """What one person keeps through one application: the one that they are signed in with."""

    vault: Vault
    session: Session
    _followings: Followings

    @property
    def person(self) -> str:
        """How the application knows this person: 64 hex digits that no other application can join with its own."""
        return self.session.owner().hex()

    def create(self, kind: str, value: Mapping[str, object], *, key: str | None = None) -> str:
        """Write a new record of a declared type; its id. The same `key` again writes nothing new.

        Raises:
            CyberPrivacyError: the value is not of its type ("record.schema"), there is no such type ("type.none"),
                no room ("quota.*"), or the account does not allow it ("account.*").
        """
        return self._change(Create(kind, msgspec.json.encode(value)), key=key).record.hex()

    def read(self, record: str) -> Kept:
        """One record.

        Raises:
            Misuse: this person has none of this id ("record.none").
        """
        self._check(Act.READ)
        with self.vault.database.reading() as connection:
            return _kept(self.vault.records.read(connection, self.session.owner(), bytes.fromhex(record)))

    def list(self, kind: str | None = None, *, after: str = "", limit: int = 100) -> Sequence[Kept]:
        """Records of one type, or of all, oldest first; the last id of a page is `after` of the next one."""
        self._check(Act.READ)
        with self.vault.database.reading() as connection:
            page = self.vault.records.page(
                connection, self.session.owner(), kind=kind, after=bytes.fromhex(after), limit=limit
            )
        return [_kept(each) for each in page]

    def update(self, seen: Kept, value: Mapping[str, object]) -> int:
        """Write another value in place of the one that was seen; the new revision.

        Raises:
            CyberPrivacyError: as `create`; or somebody has changed it since ("record.rev").
        """
        return self._change(Update(bytes.fromhex(seen.id), seen.rev, msgspec.json.encode(value))).rev

    def delete(self, seen: Kept) -> None:
        """End a record; raises as `update`."""
        self._change(Delete(bytes.fromhex(seen.id), seen.rev))

    def followings(self) -> Sequence[Following]:
        """The grants under which other applications' records of this person come here, and how they stand."""
        return self._followings.all(self.session.owner())

    def grants(self) -> Sequence[Registered]:
        """What this person allows others with the records that are kept here, newest first; what ended, too."""
        with self.vault.database.reading() as connection:
            book = GrantBook(connection, self.session.owner())
            return book.listed()

    def counted(self, agreed: bool | None = None) -> bool:
        """Whether this person is counted in the application's statistics; `agreed` changes it."""
        self._check(Act.READ if agreed is None else Act.WRITE)
        with self.vault.database.transaction() as connection:
            if agreed:
                counting.agree(connection, self.session.owner(), now=int(self.vault.clock()))
            elif agreed is not None:
                counting.disagree(connection, self.session.owner())
            return counting.since(connection, self.session.owner()) is not None

    def _change(self, change: Change, *, key: str | None = None) -> Done:
        self._check(Act.WRITE)
        with self.vault.database.transaction() as connection:
            return self.vault.records.change(connection, self.session.owner(), [change], key=key)[0]

    def _check(self, act: Act) -> None:
        state = self.vault.accounts.state(self.session.account)
        rules.check(state, self.session.key, act, now=self.vault.clock())


def _kept(record: Record) -> Kept:
    value = msgspec.json.decode(record.body, type=dict[str, object])
    return Kept(record.id.hex(), record.type, record.rev, value, record.created, record.changed)
