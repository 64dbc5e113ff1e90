"""An administrators' door without a node: who signs, who witnesses, what an application says."""

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Final

from eth_account import Account

from cyberprivacy.admin.executor import Executor
from cyberprivacy.admin.office import Office, Standing
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
from cyberprivacy.ledger.log import Ledger
from cyberprivacy.ledger.publisher import Publisher
from cyberprivacy.proposal.release import Address
from cyberprivacy.testing.clock import StandingClock
from cyberprivacy.testing.witnesses import LOG, Bench

DAO = Address("0x5FbDB2315678afecb367f032d93F642f64180aa3")
CHAIN = 31337
NOW = 1_800_000_000


WITNESSES: Final = ("one.example", "two.example")


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
    """A door and everything behind it; `office()` opens it anew from the ledger, as after a restart.

    Attributes:
        ledger: of the node.
        folder: for the public log.
        witnesses: all of whom have to cosign; None = this log asks nobody.
    """

    ledger: Ledger
    folder: Path
    clock: StandingClock = field(default_factory=lambda: StandingClock(NOW))
    witnesses: Bench | None = None
    numbers: AppNumbers = field(default_factory=lambda: AppNumbers(people(100)))
    noise: Noise = field(default_factory=CountedNoise)
    roles: FixedRoles = field(default_factory=FixedRoles)

    def __post_init__(self) -> None:
        quorum = None if self.witnesses is None else self.witnesses.quorum(len(self.witnesses.lines))
        self.public = Publisher(self.ledger, self.folder, signers=[LOG], clock=self.clock, quorum=quorum)

    def office(self, serves: Standing | None = None) -> Office:
        """An office that has just started, with a release that serves."""
        office = Office(
            DAO,
            ledger=self.ledger,
            public=self.public,
            executor=Executor(self.ledger, self.numbers, self.noise),
            roles=self.roles,
            clock=self.clock,
        )
        office.adopt(serves or standing())
        return office

    def kinds(self) -> list[str]:
        """What the ledger holds."""
        return [entry.kind for entry in self.ledger.entries()]
