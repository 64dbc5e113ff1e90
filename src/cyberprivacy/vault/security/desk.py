"""What a security application does for whom: nothing without a check, nothing heavy without both and a delay.

A freeze is done at once, because it only stops things. A recovery waits, in everybody's sight, and one check is
enough to end it; then the vault's own delays begin. Source: docs/spec/udi-1.md, "Security applications".
"""

import secrets
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

import structlog

from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted
from cyberprivacy.vault.carriage import SignedGrant
from cyberprivacy.vault.client.connection import Connection
from cyberprivacy.vault.client.person import about, history
from cyberprivacy.vault.cosigning import Proof
from cyberprivacy.vault.key import Key
from cyberprivacy.vault.keyevent import Guardian
from cyberprivacy.vault.security.book import Act, Book, Protected, Request, Standing
from cyberprivacy.vault.security.checks import Given, NotYou, Shown
from cyberprivacy.vault.security.guard import Guard

TRIES: Final = 5
"""Failed checks after which nobody is checked for a day."""
CLOSED: Final = 86_400
"""Seconds."""
WAITING: Final = 3
"""Requests that may wait for one person at a time."""
GIVEN_UP: Final = 30 * 86_400
"""Seconds for which a vault that does not answer is asked again."""
_log = structlog.get_logger("security")


class NotNow(Untrusted):
    """This cannot be done for a request as it stands."""

    code = "security.state"
    hint = "Look at what was asked for: `cyberprivacy security requests`."


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Somebody who is protected from now on: what they are given, once."""

    protected: Protected
    given: Given
    card: Guardian


class Desk:
    """The rules, over a book and a guard.

    Args:
        book: what is remembered.
        guard: what signs.
        vaults: the vaults for which this works, by address: no other is ever spoken to.
        delay: seconds before a recovery is asked for.
        clock: POSIX seconds.
    """

    def __init__(
        self, book: Book, guard: Guard, vaults: Mapping[str, Connection], *, delay: int,
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        self.book, self.guard, self.vaults, self.delay = book, guard, vaults, delay
        self._clock = clock

    def enrol(self, vault: str, account: bytes) -> Enrolled:
        """Begin to protect an account; it has power over it only if the account itself then takes the card.

        Raises:
            Misuse: this application does not work for that vault ("security.vault").
            CyberPrivacyError: the vault has no such account, or does not answer.
        """
        connection = self.vaults.get(vault)
        if connection is None:
            raise Misuse("not a vault that is served here", code="security.vault", serves=", ".join(self.vaults))
        history(connection, account.hex(), about(connection))
        given, salt = Given.make(), secrets.token_bytes(32)
        one = Protected(id=secrets.token_bytes(16), vault=vault, account=account, salt=salt, checks=given.kept())
        self.book.protect(one)
        return Enrolled(one, given, self.guard.card(salt))

    def freeze(self, id_: bytes, shown: Shown) -> Request:
        """Freeze the account at once; one check is enough. While its vault does not answer, it is tried again."""
        one = self._known(id_, shown, both=False)
        return self.carry_out(self._ask(one, Act.FREEZE, None, 0))

    def recover(self, id_: bytes, shown: Shown, key: Key) -> Request:
        """Ask for a new key, after the delay; both checks are needed.

        Raises:
            NotYou: see `Checks.passed`. NotNow: too much waits already ("security.busy").
            NotGuarded: the account does not name this guardian, or not yet.
        """
        one = self._known(id_, shown, both=True)
        self.guard.check(one, self._vault(one), self._clock())
        return self._ask(one, Act.RECOVER, key, self.delay)

    def cancel(self, id_: bytes, shown: Shown, request: bytes) -> Request:
        """End what waits; one check is enough.

        Raises:
            NotNow: it does not wait any more.
        """
        one = self._known(id_, shown, both=False)
        with self.book.alone():
            found = self.book.request(request)
            if found.protected != one.id:
                raise NotNow("this was asked for somebody else", code="security.account")
            if found.state is not Standing.WAITING:
                raise NotNow("it does not wait any more", state=found.state.value)
            ended = replace(found, state=Standing.CANCELLED, code="")
            self.book.keep(ended)
        return ended

    def cosign(self, id_: bytes, shown: Shown, signed: SignedGrant) -> Proof:
        """A second signature over a grant that the person has signed; both checks are needed."""
        one = self._known(id_, shown, both=True)
        return self.guard.cosign(signed, one, self._vault(one), self._clock())

    def carry_out(self, request: Request) -> Request:
        """Do what was asked for, if it still waits; what cannot be done now stays waiting."""
        one, now = self.book.protected(request.protected), self._clock()
        try:
            self.guard.act(request, one, self._vault(one), now)
        except TryLater as failure:
            late = now > request.due + GIVEN_UP
            done = replace(request, code=failure.code, state=Standing.REFUSED if late else Standing.WAITING)
        except CyberPrivacyError as refusal:
            done = replace(request, code=refusal.code, state=Standing.REFUSED)
        else:
            done = replace(request, code="", state=Standing.DONE)
        return self._settle(done)

    def work(self) -> int:
        """Do what is due; how many requests came to an end."""
        ended = 0
        for request in self.book.due(int(self._clock())):
            ended += self.carry_out(request).state is not Standing.WAITING
        return ended

    def _vault(self, one: Protected) -> Connection:
        if one.vault not in self.vaults:  # it was taken from the command line since
            raise TryLater("this vault is not served any more", code="security.vault", vault=one.vault)
        return self.vaults[one.vault]

    def _settle(self, done: Request) -> Request:
        with self.book.alone():
            if self.book.request(done.id).state is Standing.WAITING:
                self.book.keep(done)
            else:  # cancelled while it was handed in: what the vault has is cancelled there
                done = self.book.request(done.id)
        _log.info("request", act=done.act.value, state=done.state.value, code=done.code)
        return done

    def _ask(self, one: Protected, act: Act, key: Key | None, delay: int) -> Request:
        now = int(self._clock())
        with self.book.alone():
            if sum(each.state is Standing.WAITING for each in self.book.of(one.id)) >= WAITING:
                raise NotNow(
                    "too much waits already", code="security.busy", hint="Cancel one of the requests first."
                )
            return self.book.ask(one.id, act, key, now, now + delay)

    def _known(self, id_: bytes, shown: Shown, *, both: bool) -> Protected:
        """Whoever is protected under a number, if they have shown who they are; wrong tries are counted first."""
        now = self._clock()
        failed: NotYou | None = None
        with self.book.alone():
            one = self.book.protected(id_)
            if now < one.closed:
                raise NotYou(
                    "too many wrong tries", code="security.closed", hint="Try again later.", until=one.closed
                )
            try:
                checks = one.checks.passed(shown, both=both, now=now)
            except NotYou as failure:
                failed, wrong = failure, one.wrong + (failure.code == NotYou.code)
                closed = int(now) + CLOSED if wrong >= TRIES else 0
                one = replace(one, wrong=wrong % TRIES, closed=closed)
            else:
                one = replace(one, checks=checks, wrong=0)
            self.book.checked(one)
        if failed is not None:
            raise failed
        return one
