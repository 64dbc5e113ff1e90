"""A whole key event log: every signature, every link, every rule, from the first event on."""

from collections.abc import Iterable, Sequence
from typing import Final

from cyberprivacy.typed_data import Schema
from cyberprivacy.vault.account import EventRefused, State
from cyberprivacy.vault.changes import advance
from cyberprivacy.vault.key import Judge
from cyberprivacy.vault.keyevent import Signed

MAX_EVENTS: Final = 4_096
SKEW: Final = 120
"""Seconds by which an event's time may differ from the clock of whoever takes it in."""


def accept(state: State | None, signed: Signed, judge: Judge, schema: Schema, *, now: float) -> State:
    """The account after an event that arrives now.

    Raises:
        EventRefused: see `changes.advance`; or not of this time ("account.clock"): a delay must not be cut short
            by claiming another time.
        Untrusted: the signature is not good.
    """
    if abs(signed.event.at - now) > SKEW:
        raise EventRefused("the event is not of this time", code="account.clock", at=signed.event.at, now=int(now))
    if state is not None and state.seq + 1 >= MAX_EVENTS:
        raise EventRefused("the account has too many events", code="account.full", limit=MAX_EVENTS)
    return _step(state, signed, judge, schema)


def replay(log: Iterable[Signed], judge: Judge, schema: Schema) -> Sequence[State]:
    """Every state of a log that somebody hands over, first to last.

    When its events were taken in cannot be seen here: whoever hands it over could have held the clock.

    Raises:
        EventRefused: empty or too long, or an event does not follow the rules.
        Untrusted: a signature is not good.
    """
    states: list[State] = []
    for signed in log:
        if len(states) >= MAX_EVENTS:
            raise EventRefused("the account has too many events", code="account.full", limit=MAX_EVENTS)
        states.append(_step(states[-1] if states else None, signed, judge, schema))
    if not states:
        raise EventRefused("an account begins with its inception", code="account.link", seq=0, next=0)
    return states


def _step(state: State | None, signed: Signed, judge: Judge, schema: Schema) -> State:
    digest = signed.event.digest(schema)
    judge.check(signed.key, digest, signed.signature)
    return advance(state, signed.event, signed.key, digest)
