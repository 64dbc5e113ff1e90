"""The state machine of accounts, walked at random and held against a naive model that reads the whole log each time."""

from dataclasses import dataclass
from hashlib import sha256

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from people import NOW, SCHEMA, guardians, key, opening

from cyberprivacy.vault.account import DAY, HOUR, Act, EventRefused, State, check
from cyberprivacy.vault.changes import advance
from cyberprivacy.vault.keyevent import NOTHING, Body, Event, Kind

KEYS = [key(f"k{each}") for each in range(4)]
HELPERS = [f"g{each}" for each in range(4)]
NAMES = st.integers(0, 3)
WHO = st.integers(0, 7)
"""0-3 a key, 4-7 a guardian."""


@dataclass
class Past:
    """One event that happened: who did what when."""

    at: int
    kind: Kind
    who: int
    body: Body
    digest: bytes


class Naive:
    """Answers each question from the whole log, in the words of the specification."""

    def __init__(self, first: Body) -> None:
        self.first, self.log = first, [Past(NOW, Kind.INCEPT, 0, first, NOTHING)]

    def held(self) -> dict[object, int]:
        held: dict[object, int] = dict.fromkeys(self.first.keys or (), NOW)
        for past in self.log:
            if past.kind in (Kind.REMOVE, Kind.ROTATE):
                held.pop(past.body.old if past.kind is Kind.ROTATE else past.body.key, None)
            if past.kind in (Kind.ADD, Kind.ROTATE):
                held[past.body.key] = past.at + DAY
            if past.kind is Kind.EXECUTE:
                held = {KEYS[past.who]: past.at + DAY}
        return held

    def helpers(self, now: int) -> set[bytes]:
        """The newest set that is 7 days old and was neither replaced nor dropped before it came."""
        chosen = self.first.guardians or ()
        for place, past in enumerate(self.log):
            if past.kind is Kind.GUARDIANS and now >= past.at + 7 * DAY:
                ends = [p.at for p in self.log[place + 1 :] if p.kind in (Kind.GUARDIANS, Kind.EXECUTE)]
                if not ends or ends[0] >= past.at + 7 * DAY:
                    chosen = past.body.guardians or ()
        return {each.commitment for each in chosen}

    def frozen(self, now: int) -> bool:
        marks = [past for past in self.log if past.kind in (Kind.FREEZE, Kind.UNFREEZE)]
        return bool(marks) and marks[-1].kind is Kind.FREEZE and now < marks[-1].at + 5 * DAY

    def asked(self) -> Past | None:
        marks = [p for p in self.log if p.kind in (Kind.RECOVER, Kind.CANCEL, Kind.EXECUTE)]
        return marks[-1] if marks and marks[-1].kind is Kind.RECOVER else None

    def ready(self) -> int | None:
        asked = self.asked()
        if asked is None:
            return None
        agreed, enough, device = {HELPERS[asked.who - 4]}, None, None
        for past in self.log[self.log.index(asked) :]:
            if past.kind is Kind.APPROVE and past.who < 4:
                device = past.at
            elif past.kind in (Kind.APPROVE, Kind.RECOVER):
                agreed.add(HELPERS[past.who - 4])
                now = self.helpers(past.at)
                votes = len({opening(name).commitment for name in agreed} & now)
                if enough is None and 2 * votes > len(now):
                    enough = past.at
        if enough is None:
            return None
        return enough + 7 * DAY if device is None else min(enough + 7 * DAY, max(enough, device) + 2 * DAY)

    def calm(self, now: int) -> bool:
        count, until = 0, 0
        for past in self.log:
            if past.kind is Kind.CANCEL:
                count += 1
                if count == 3:
                    count, until = 0, past.at + 30 * DAY
            if past.kind is Kind.EXECUTE:
                count = 0
        return now < until


class Accounts(RuleBasedStateMachine):
    """Random people do random things; both implementations must agree about each."""

    @initialize(count=st.integers(1, 3), helpers=st.integers(0, 4))
    def begin(self, count: int, helpers: int) -> None:
        keys = tuple(sorted(KEYS[:count]))
        body = Body(keys=keys, guardians=guardians(*HELPERS[:helpers]), salt=bytes(32))
        event = Event(NOTHING, 0, NOTHING, Kind.INCEPT, body, NOW)
        self.state: State = advance(None, event, keys[0], event.digest(SCHEMA))
        self.naive, self.now = Naive(body), NOW

    @rule(hours=st.integers(0, 60))
    def time_passes(self, hours: int) -> None:
        self.now += hours * HOUR

    def attempt(self, kind: Kind, who: int, allowed: bool, **fields: object) -> None:
        if who >= 4:
            fields["guardian"] = opening(HELPERS[who - 4])
        body = Body(**fields)  # type: ignore[arg-type]
        event = Event(self.state.account, self.state.seq + 1, self.state.head, kind, body, self.now)
        digest = sha256(repr(event).encode()).digest()
        signer = KEYS[who] if who < 4 else key(HELPERS[who - 4])
        try:
            after = advance(self.state, event, signer, digest)
        except EventRefused:
            assert not allowed, (kind, who, fields)
            return
        assert allowed, (kind, who, fields)
        self.state = after
        self.naive.log.append(Past(self.now, kind, who, body, digest))

    def known(self, who: int) -> bool:
        if who < 4:
            return KEYS[who] in self.naive.held()
        return opening(HELPERS[who - 4]).commitment in self.naive.helpers(self.now)

    def old(self, who: int) -> bool:
        return self.now >= self.naive.held()[KEYS[who]]

    def may_push(self, who: int, target: int) -> bool:
        keys = self.naive.held()
        if KEYS[who] not in keys or KEYS[target] not in keys:
            return False
        return self.old(who) or keys[KEYS[target]] >= keys[KEYS[who]]

    @rule(who=NAMES, new=NAMES)
    def add(self, who: int, new: int) -> None:
        good = self.known(who) and not self.naive.frozen(self.now) and KEYS[new] not in self.naive.held()
        self.attempt(Kind.ADD, who, good, key=KEYS[new])

    @rule(who=NAMES, old=NAMES)
    def remove(self, who: int, old: int) -> None:
        good = self.may_push(who, old) and len(self.naive.held()) > 1
        self.attempt(Kind.REMOVE, who, good, key=KEYS[old])

    @rule(who=NAMES, old=NAMES, new=NAMES)
    def rotate(self, who: int, old: int, new: int) -> None:
        good = self.may_push(who, old) and KEYS[new] not in self.naive.held() and not self.naive.frozen(self.now)
        self.attempt(Kind.ROTATE, who, good, key=KEYS[new], old=KEYS[old])

    @rule(who=NAMES, count=st.integers(0, 4))
    def change_guardians(self, who: int, count: int) -> None:
        good = self.known(who) and not self.naive.frozen(self.now) and self.old(who)
        self.attempt(Kind.GUARDIANS, who, good, guardians=guardians(*HELPERS[:count]))

    @rule(who=WHO)
    def freeze(self, who: int) -> None:
        self.attempt(Kind.FREEZE, who, self.known(who))

    @rule(who=NAMES)
    def unfreeze(self, who: int) -> None:
        marks = [past.at for past in self.naive.log if past.kind is Kind.FREEZE]
        good = (
            self.known(who) and self.old(who) and self.naive.frozen(self.now) and self.now >= marks[-1] + 2 * DAY
        )
        self.attempt(Kind.UNFREEZE, who, good)

    @rule(who=st.integers(4, 7), new=NAMES)
    def recover(self, who: int, new: int) -> None:
        good = self.known(who) and KEYS[new] not in self.naive.held()
        good = good and self.naive.asked() is None and not self.naive.calm(self.now)
        self.attempt(Kind.RECOVER, who, good, key=KEYS[new])

    @precondition(lambda self: self.naive.asked() is not None)
    @rule(who=WHO)
    def approve(self, who: int) -> None:
        asked = self.naive.asked()
        assert asked is not None
        since = self.naive.log[self.naive.log.index(asked) :]
        if who < 4:
            again = any(past.kind is Kind.APPROVE and past.who < 4 for past in since)
        else:
            again = any(past.kind in (Kind.APPROVE, Kind.RECOVER) and past.who == who for past in since)
        self.attempt(Kind.APPROVE, who, self.known(who) and not again, recovery=asked.digest)

    @precondition(lambda self: self.naive.asked() is not None)
    @rule(who=WHO)
    def cancel(self, who: int) -> None:
        asked = self.naive.asked()
        assert asked is not None
        self.attempt(Kind.CANCEL, who, self.known(who), recovery=asked.digest)

    @precondition(lambda self: self.naive.asked() is not None)
    @rule(who=NAMES, wait=st.booleans())
    def execute(self, who: int, wait: bool) -> None:
        asked, ready = self.naive.asked(), self.naive.ready()
        assert asked is not None
        if wait and ready is not None:
            self.now = max(self.now, ready)
        good = KEYS[who] == asked.body.key and ready is not None and self.now >= ready
        self.attempt(Kind.EXECUTE, who, good and not self.naive.frozen(self.now), recovery=asked.digest)

    @invariant()
    def both_tell_the_same(self) -> None:
        assert dict(self.state.keys) == self.naive.held()
        assert self.state.is_frozen(self.now) == self.naive.frozen(self.now)
        assert {each.commitment for each in self.state.helpers(self.now)} == self.naive.helpers(self.now)
        recovery = self.state.recovery
        assert (recovery is None) == (self.naive.asked() is None)
        assert (None if recovery is None else recovery.ready) == self.naive.ready()

    @invariant()
    def there_is_always_a_key_and_what_is_frozen_gives_nothing_away(self) -> None:
        assert self.state.keys
        for each in self.state.keys:
            if self.state.is_frozen(self.now):
                for act in (Act.GRANT, Act.HEAVY):
                    try:
                        check(self.state, each, act, now=self.now)
                    except EventRefused:
                        continue
                    raise AssertionError("a frozen account gave something away")


TestAccounts = Accounts.TestCase
TestAccounts.settings = settings(stateful_step_count=40)
