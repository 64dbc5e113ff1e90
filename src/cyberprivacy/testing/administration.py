"""An administrators' door without a node: who signs, who witnesses, what an application says."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from eth_account import Account

from cyberprivacy.admin.executor import Executor
from cyberprivacy.admin.office import Office, Standing
from cyberprivacy.admin.recorded import Recorder
from cyberprivacy.admin.refusals import BadContributions
from cyberprivacy.admin.request import Act, Request
from cyberprivacy.admin.statistics import Noise
from cyberprivacy.bundle.declared import (
    Administration,
    Choice,
    Setting,
    Statistic,
    WholeNumber,
)
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.errors import TryLater
from cyberprivacy.ledger.log import Entry, Ledger
from cyberprivacy.proposal.release import Address
from cyberprivacy.testing.clock import StandingClock

DAO = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
CHAIN = 31337
NOW = 1_800_000_000


class NoQuorum(TryLater):
    """Witnesses are out of reach."""

    code = "ledger.quorum"


@dataclass
class Quorum:
    """Witnesses who cosign while `reachable`."""

    reachable: bool = True
    seen: list[int] = field(default_factory=list)

    def witnessed(self, entry: Entry) -> tuple[str, ...]:
        """See `Witnessing.witnessed`."""
        if not self.reachable:
            raise NoQuorum("too few witnesses")
        self.seen.append(entry.index)
        return ("one.example", "two.example")


@dataclass
class AppNumbers:
    """An application that says what `says` holds; None = it is silent."""

    says: bytes | None = b"[]"
    asked: list[str] = field(default_factory=list)

    def contributions(self, statistic: str) -> bytes:
        """See `Numbers.contributions`."""
        self.asked.append(statistic)
        if self.says is None:
            raise BadContributions("no answer", code="admin.silent")
        return self.says


@dataclass
class CountedNoise:
    """No noise at all, and the privacy loss that real noise would have had, in thousandths."""

    loss: int = 0
    asked: list[tuple[int, int]] = field(default_factory=list)

    def add(self, values: Sequence[int], *, sensitivity: int, epsilon: int) -> tuple[int, ...]:
        """See `Noise.add`."""
        self.loss += epsilon
        self.asked.append((sensitivity, epsilon))
        return tuple(values)


@dataclass
class FixedRoles:
    """Who has which role of any contract."""

    holders: set[tuple[bytes, str]] = field(default_factory=set)

    def has(self, contract: Address, role: bytes, account: Address) -> bool:
        """See `Roles.has`."""
        del contract
        return (role, account) in self.holders


class Administrator:
    """Somebody with a wallet; each name has its own."""

    def __init__(self, name: str = "ada") -> None:
        self._account = Account.from_key(sha256(name.encode()).digest())
        self.address = Address(self._account.address)
        self.nonce = 0

    def means(self, act: Act, name: str, value: str = "", **other: object) -> Request:
        """A request as this administrator would make it now; `other` changes fields."""
        self.nonce += 1
        fields: dict[str, object] = {
            "dao": DAO,
            "chain_id": CHAIN,
            "release": RELEASE,
            "act": act,
            "name": name,
            "value": value,
            "why": "People asked for it",
            "nonce": self.nonce,
            "expiry": NOW + 600,
        }
        return Request(**(fields | other))  # type: ignore[arg-type]

    def signs(self, request: Request) -> bytes:
        """The request as it is sent."""
        return request.encode(bytes(self._account.sign_typed_data(full_message=request.document()).signature))

    def asks(self, act: Act, name: str, value: str = "", **other: object) -> bytes:
        """`means` and `signs` in one."""
        return self.signs(self.means(act, name, value, **other))


RELEASE = Cid.of(DAG_PB, b"release 1")
PAGES = Setting("per-page", WholeNumber(1, 50), "20", "messages", "On one page")
ORDER = Setting("order", Choice(("newest", "hearts")), "newest", "", "What stands first")
DAILY = Statistic("daily", "Messages", "sum", 0, 20, (), 500, 2_000, 86_400, 10)


def declared(**changes: object) -> Administration:
    """One parameter, one algorithm, one statistic, one administrator."""
    fields: dict[str, object] = {
        "administrators": (Administrator().address,),
        "delay": 0,
        "parameters": (PAGES,),
        "algorithms": (ORDER,),
        "statistics": (DAILY,),
    }
    return Administration(**(fields | changes))  # type: ignore[arg-type]


def standing(declaration: Administration | None = None, release: Cid = RELEASE) -> Standing:
    """A release that serves."""
    return Standing(chain_id=CHAIN, release=release, declared=declaration or declared())


def people(count: int, number: int = 1) -> bytes:
    """An application with so many users, each of whom contributes the same."""
    return json.dumps([[f"user-{one}", number] for one in range(count)]).encode()


@dataclass
class Counter:
    """A door and everything behind it; `office()` opens it anew from the ledger, as after a restart."""

    ledger: Ledger
    clock: StandingClock = field(default_factory=lambda: StandingClock(NOW))
    quorum: Quorum = field(default_factory=Quorum)
    numbers: AppNumbers = field(default_factory=lambda: AppNumbers(people(100)))
    noise: Noise = field(default_factory=CountedNoise)
    roles: FixedRoles = field(default_factory=FixedRoles)

    def office(self, serves: Standing | None = None) -> Office:
        """An office that has just started, with a release that serves."""
        recorder = Recorder(self.ledger, self.quorum)
        office = Office(
            DAO,
            ledger=self.ledger,
            recorder=recorder,
            executor=Executor(recorder, self.numbers, self.noise),
            roles=self.roles,
            clock=self.clock,
        )
        office.adopt(serves or standing())
        return office

    def kinds(self) -> list[str]:
        """What the ledger holds."""
        return [entry.kind for entry in self.ledger.entries()]
