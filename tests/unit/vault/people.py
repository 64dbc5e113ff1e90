"""People of the tests: keys made from their names, and what they sign."""

from collections.abc import Callable
from dataclasses import dataclass, field
from hashlib import sha256

from cyberprivacy import wallet
from cyberprivacy.vault import forms
from cyberprivacy.vault.account import State
from cyberprivacy.vault.key import Judge, Key
from cyberprivacy.vault.keyevent import NOTHING, Body, Event, Guardian, Kind, Opening, Signed
from cyberprivacy.vault.keylog import accept

SCHEMA = forms.schema("test:vault")
NOW = 1_800_000_000


def secret(name: str) -> bytes:
    return sha256(f"test key of {name}".encode()).digest()


def key(name: str) -> Key:
    return Key.of_address(wallet.address_of(secret(name)))


def opening(name: str) -> Opening:
    return Opening(key(name), sha256(f"salt of {name}".encode()).digest())


def guardians(*names: str) -> tuple[Guardian, ...]:
    made = [Guardian(opening(name).commitment, sha256(f"runs {name}".encode()).digest()) for name in names]
    return tuple(sorted(made, key=lambda each: each.commitment))


def sign(event: Event, name: str) -> Signed:
    return Signed(event, key(name), wallet.sign(secret(name), event.digest(SCHEMA)))


@dataclass
class Person:
    """An account in the making; each call signs the next event, and moves the clock if told to."""

    name: str
    now: float = NOW
    state: State | None = None
    log: list[Signed] = field(default_factory=list)
    judge: Judge = field(default_factory=Judge)

    def begin(self, *keys: str, guarded_by: tuple[str, ...] = ()) -> "Person":
        names = keys or (self.name,)
        body = Body(
            keys=tuple(sorted(key(name) for name in names)),
            guardians=guardians(*guarded_by),
            salt=sha256(self.name.encode()).digest(),
        )
        self.take(sign(Event(NOTHING, 0, NOTHING, Kind.INCEPT, body, int(self.now)), names[0]))
        return self

    def next(self, kind: Kind, by: str, **body: object) -> Signed:
        assert self.state is not None
        said = Body(**body)  # type: ignore[arg-type]
        return sign(Event(self.state.account, self.state.seq + 1, self.state.head, kind, said, int(self.now)), by)

    def does(self, kind: Kind, by: str | None = None, *, later: float = 0, **body: object) -> State:
        self.now += later
        return self.take(self.next(kind, by or self.name, **body))

    def take(self, signed: Signed) -> State:
        self.state = accept(self.state, signed, self.judge, SCHEMA, now=self.now)
        self.log.append(signed)
        return self.state


def refusal(call: Callable[[], object]) -> str:
    """The code with which something is refused; "" if it is not."""
    from cyberprivacy.errors import CyberPrivacyError

    try:
        call()
    except CyberPrivacyError as error:
        return error.code
    return ""
