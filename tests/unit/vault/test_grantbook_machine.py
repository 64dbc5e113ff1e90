"""Grants in a database, walked at random: a naive model that reads the whole past each time is the judge."""

import tempfile
from dataclasses import dataclass
from pathlib import Path

from grants import DAY, FOUND, ORDER, PLACE, alice, grant, h, signed, signed_revoke, states, take
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule
from people import NOW, refusal
from vaults import owner

from cyberprivacy.vault.account import HOUR
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.grant import Grant, Revoke
from cyberprivacy.vault.grantbook import Access, GrantBook
from cyberprivacy.vault.granting import check_use
from cyberprivacy.vault.keyevent import Kind
from cyberprivacy.vault.revoking import check_revoke
from cyberprivacy.vault.scope import Action

WHICH = st.integers(0, 2)


@dataclass
class Past:
    """Something that happened: what, when, and to which grant."""

    what: str
    at: int
    which: int = -1


class Naive:
    """Answers each question from all that ever happened, in the words of the specification."""

    def __init__(self) -> None:
        self.log: list[Past] = []

    def any(self, what: str, which: int) -> list[Past]:
        return [past for past in self.log if (past.what, past.which) == (what, which)]

    def frozen(self, now: int) -> bool:
        marks = [past for past in self.log if past.what in ("freeze", "unfreeze")]
        return bool(marks) and marks[-1].what == "freeze" and now < marks[-1].at + 5 * DAY

    def admits(self, which: int, made: Grant, now: int) -> str:
        if self.frozen(now):
            return "account.frozen"
        if now >= made.expires:
            return "grant.expired"
        if self.any("grant", which):
            return "grant.nonce"
        return "grant.revoked" if self.any("revoke", which) else ""

    def uses(self, which: int, made: Grant, now: int) -> str:
        if not self.any("grant", which):
            return "grant.unknown"
        if now >= made.expires:
            return "grant.expired"
        registered = self.any("grant", which)[0].at
        if self.any("revoke", which) or any(p.what == "before" and registered < p.which for p in self.log):
            return "grant.revoked"
        if self.frozen(now):
            return "account.frozen"
        return "grant.used" if made.max_uses and len(self.any("use", which)) >= made.max_uses else ""


class Grants(RuleBasedStateMachine):
    """Random people do random things; both must agree about each."""

    @initialize()
    def begin(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.database = Database.open(f"sqlite:///{Path(self.folder.name) / 'vault.db'}")
        self.owner = owner(self.database, "shop")
        self.person, self.naive, self.nonces = alice(), Naive(), 0
        days = (1, 30, 180)
        self.made = [
            grant(
                self.person,
                id=h(f"g{n}", 16),
                nonce=h(f"n{n}"),
                max_uses=(0, 1, 2)[n],
                expires=NOW + days[n] * DAY,
            )
            for n in range(3)
        ]

    def teardown(self) -> None:
        if hasattr(self, "database"):
            self.database.close()
            self.folder.cleanup()

    @property
    def now(self) -> int:
        return int(self.person.now)

    @rule(hours=st.sampled_from([1, 2, 49, 24 * 40]))
    def time_passes(self, hours: int) -> None:
        self.person.now += hours * HOUR

    def judged(self, call: object, expected: str, past: Past) -> None:
        assert refusal(call) == expected  # type: ignore[arg-type]
        if not expected:
            self.naive.log.append(past)

    @rule(which=WHICH)
    def grants(self, which: int) -> None:
        def once() -> None:
            with self.database.transaction() as connection:
                book = GrantBook(connection, self.owner)
                data = signed(self.made[which]).encode()
                book.register(take(data, self.person, notes=book, now=self.now))  # type: ignore[arg-type]

        expected = self.naive.admits(which, self.made[which], self.now)
        self.judged(once, expected, Past("grant", self.now, which))

    @rule(which=WHICH)
    def uses(self, which: int) -> None:
        def once() -> None:
            with self.database.transaction() as connection:
                book = GrantBook(connection, self.owner)
                held = book.held(self.made[which].id)
                state = states(self.person)[-1]
                check_use(held, Action.READ, ORDER, state=state, found=FOUND, now=self.now)
                book.use(held, Access("book", held.grant.id, Action.READ, ORDER, 1, self.now))

        expected = self.naive.uses(which, self.made[which], self.now)
        self.judged(once, expected, Past("use", self.now, which))

    @rule(which=st.just(0))
    def revokes(self, which: int) -> None:
        made, self.nonces = self.made[which], self.nonces + 1
        said = Revoke(
            grant=made.id, subject=made.subject, kel_seq=0, at=self.now, erase=0, nonce=h(f"back {self.nonces}")
        )

        def once() -> None:
            with self.database.transaction() as connection:
                book = GrantBook(connection, self.owner)
                data, log = signed_revoke(said).encode(), states(self.person)
                book.revoke(check_revoke(data, PLACE, states=log, memory=book, now=self.now), self.now)

        # Taking back what never came, twice, is the only thing that is refused.
        twice = not self.naive.any("grant", which) and bool(self.naive.any("revoke", which))
        self.judged(once, "grant.nonce" if twice else "", Past("revoke", self.now, which))

    @rule(ago=st.integers(0, 1))
    def revokes_all_before(self, ago: int) -> None:
        before = self.now - ago * HOUR
        if all(past.which <= before for past in self.naive.log if past.what == "before"):
            self.person.does(Kind.REVOKE_GRANTS, before=before)
            self.naive.log.append(Past("before", self.now, before))

    @rule(rarely=st.integers(0, 3))
    def freezes(self, rarely: int) -> None:
        if rarely:
            return
        self.person.does(Kind.FREEZE)
        self.naive.log.append(Past("freeze", self.now))

    @precondition(lambda self: self.naive.frozen(self.now))
    @rule()
    def unfreezes(self) -> None:
        last = [past for past in self.naive.log if past.what == "freeze"][-1]
        if self.now >= last.at + 2 * DAY:
            self.person.does(Kind.UNFREEZE)
            self.naive.log.append(Past("unfreeze", self.now))


TestGrants = Grants.TestCase
TestGrants.settings = settings(max_examples=12, stateful_step_count=30, deadline=None)
