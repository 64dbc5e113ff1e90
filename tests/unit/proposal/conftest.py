import io
import json
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from cyberprivacy import cli
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.proposal import actions
from cyberprivacy.proposal.abi import contract
from cyberprivacy.proposal.actions import Acting
from cyberprivacy.proposal.anvil import EmbeddedChain
from cyberprivacy.proposal.endpoint import Endpoint
from cyberprivacy.proposal.founding import DEMO, Shared, create_dao, deploy_shared, founding_from
from cyberprivacy.proposal.jsonrpc import JsonRpc
from cyberprivacy.proposal.law import Dao, cid_of
from cyberprivacy.proposal.life import Life, life
from cyberprivacy.proposal.reading import Reading, read
from cyberprivacy.proposal.release import Address, FinalBlock
from cyberprivacy.proposal.sending import Desk
from cyberprivacy.proposal.signing import ExternalSigner
from cyberprivacy.proposal.text import Proposal, update

LAPS = replace(
    DEMO,
    review_floor=3600,
    ceiling=7200,
    emergency_floor=600,
    cooldown=3600,
    voting_delay=600,
    voting_period=3600,
    deployment_lap=3600,
    seat_term=10_000_000,
    halt=3600,
)
"""Long enough that a slow machine, whose clock moves the chain's between two steps, never misses one."""

ANVIL = Path(__file__).parents[3] / "contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"


@pytest.fixture(scope="session")
def anvil() -> Path:
    if not ANVIL.exists():
        pytest.fail("anvil is missing: run `npm ci --ignore-scripts` in contracts/")
    return ANVIL


@pytest.fixture(scope="module")
def embedded(anvil: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedChain]:
    """A chain that makes a block for each transaction, so that tests decide what time it is."""
    with EmbeddedChain(anvil, tmp_path_factory.mktemp("chain"), block_time=None) as chain:
        yield chain


class World:
    """A chain whose time obeys the tests, the shared contracts, and one DAO of three members."""

    laps = LAPS

    def __init__(self, url: str) -> None:
        self.endpoint = Endpoint(url)
        self.final = JsonRpc(self.endpoint)
        self.latest = JsonRpc(self.endpoint, head="latest")
        people = [Address(to_checksum_address(str(each))) for each in self.ask("eth_accounts")]
        self.founder, self.members, self.auditors = people[0], people[1:4], people[4:6]
        self.organisations, self.provider = people[6:9], people[9]
        self.publisher = self.members[0]
        self.shared = self.shares(self.founder)
        self.dao = self.found("guestbook", b"\1" * 32)
        self.advance_to(self.now + 10)  # votes count from a past second

    def shares(self, owner: Address) -> Shared:
        """The shared contracts, brought by somebody."""
        return deploy_shared(
            self.desk(owner),
            minimums=LAPS,
            organisations=[(each, f"https://{each}.example") for each in self.organisations],
            owner=owner,
            measurement_wait=10,
        )

    def found(self, name: str, salt: bytes, factory: Address | None = None) -> Dao:
        founding = founding_from(
            LAPS,
            name=name,
            symbol="GUEST",
            members=self.members,
            publishers=[self.publisher],
            providers=[self.provider],
            auditors=self.auditors,
            organisations=self.organisations,
        )
        return create_dao(
            self.desk(self.founder), self.latest, factory or self.shared.factory, founding, salt=salt
        )

    def ask(self, method: str, *params: object) -> Any:
        return self.endpoint.ask(method, *params)

    def desk(self, who: Address) -> Desk:
        return Desk(self.endpoint, ExternalSigner(f"http://{self.endpoint.name}", who), pause=lambda _: None)

    def acting(self, who: Address) -> Acting:
        return Acting(self.desk(who), self.latest, self.dao)

    @property
    def seats(self) -> list[Address]:
        return [*self.auditors, *self.organisations]

    @property
    def now(self) -> int:
        return self.latest.block().timestamp

    def settle(self) -> None:
        """Until everything that happened is final: two blocks."""
        self.ask("anvil_mine", "0x3")

    def advance_to(self, moment: int) -> None:
        """Let the next block be at, or after, a moment; earlier moments need nothing."""
        if moment > self.now:
            self.ask("evm_setNextBlockTimestamp", moment)
            self.settle()

    def read(self, last: FinalBlock | None = None, max_age: int = 600) -> Reading:
        return read(self.final, self.dao.governor, last=last, now=self.now, max_age=max_age)

    def life(self, bundle: Cid) -> Life:
        return life(self.latest, self.dao, bundle, at=self.latest.block())

    def published(self, bundle: Cid, *, number: int, severity: int = 0, seats: int = 3) -> Cid:
        """Publish on what is live, and let some seats attest."""
        head = cid_of(
            contract("ReleaseRegistry")
            .read(self.latest, self.latest.block(), self.dao.registry, "head")
            .octets("0")
        )
        actions.publish(self.acting(self.publisher), bundle, parent=head, number=number, pipeline=1)
        for seat in self.seats[:seats]:
            actions.attest(
                self.acting(seat), bundle, lines=100, complexity=100, severity=severity, report=b"\x05" * 32
            )
        return bundle

    def proposed(self, bundle: Cid) -> Proposal:
        """Wait for the review lap and propose."""
        self.advance_to(self.life(bundle).review_ends)
        proposal = update(self.dao, bundle, name="guestbook 1.0", body="What changes: everything.")
        actions.propose(self.acting(self.members[0]), proposal)
        return proposal

    def carried(self, proposal: Proposal) -> None:
        """Vote, queue and execute, each as soon as the law allows it."""
        self.advance_to(self.acting(self.founder).state(proposal.id).opens + 1)
        for member in self.members[:2]:
            actions.vote(self.acting(member), proposal.id, actions.IN_FAVOUR)
        self.advance_to(self.acting(self.founder).state(proposal.id).closes + 1)
        actions.queue(self.acting(self.founder), proposal)
        self.advance_to(self.acting(self.founder).state(proposal.id).executable)
        actions.execute(self.acting(self.founder), proposal)
        self.settle()

    def live(self, bundle: Cid, *, number: int) -> Proposal:
        """The whole ordinary road."""
        proposal = self.proposed(self.published(bundle, number=number))
        self.carried(proposal)
        return proposal


@pytest.fixture(scope="module")
def world(embedded: EmbeddedChain) -> World:
    return World(embedded.url)


@pytest.fixture(autouse=True)
def untouched(request: pytest.FixtureRequest) -> Iterator[None]:
    """Each test that uses the world finds it as it was founded."""
    if "world" not in request.fixturenames:
        yield
        return
    world: World = request.getfixturevalue("world")
    snapshot = world.ask("evm_snapshot")
    yield
    world.ask("evm_revert", snapshot)
    world.settle()  # anvil forgets old states when it reverts


@pytest.fixture
def bundle() -> Cid:
    return Cid.of(DAG_PB, b"a bundle")


@pytest.fixture
def fix() -> Cid:
    return Cid.of(DAG_PB, b"a repair of it")


class Typist:
    """Types commands of the market as accounts of the chain's own signer; its answers, after the exit code was checked."""

    def __init__(self, world: World, capsys: pytest.CaptureFixture[str]) -> None:
        self.world, self._capsys, self.market = world, capsys, ""

    def __call__(self, *words: object, who: str = "", code: int = 0) -> dict[str, Any]:
        return dict(json.loads(self.says(*words, "--json", who=who, code=code)))

    def alone(self, *words: object, code: int = 0) -> dict[str, Any]:
        """A command of people who know no chain."""
        assert cli.run([*map(str, words), "--json"]) == code, self._capsys.readouterr()
        return dict(json.loads(self._capsys.readouterr().out))

    def says(self, *words: object, who: str = "", code: int = 0) -> str:
        url = f"http://{self.world.endpoint.name}"
        line = [*map(str, words), "--rpc", url]
        line += ["--signer", url, "--from", who] if who else []
        line += ["--market", self.market] if self.market and not {"--clusters", "--dao"} & set(line) else []
        assert cli.run(line) == code, self._capsys.readouterr()
        return self._capsys.readouterr().out

    def later(self, seconds: int) -> None:
        self.world.advance_to(self.world.now + seconds)

    def good_provider(self, licence: str) -> int:
        """Registered, licensed, staked, with one cluster that promised; its number."""
        world, who = self.world, self.world.provider
        self("provider", "register", licence, "--uri", "https://p.example", who=who)
        self("provider", "license", who, licence, "--days", 30, who=world.founder)
        self("provider", "stake", 2000, who=who)
        opened = self("cluster", "register", "https://p.example", "--clusters", world.shared.clusters, who=who)
        self("cluster", "promise", opened["cluster"], who=who)
        return int(opened["cluster"])

    def good_visit(self, who: Address, cluster: int, hardware: str, media: str) -> int:
        """By a validator that counts; its number."""
        self("validator", "register", "--uri", "https://v.example", who=who)
        self("validator", "bond", 100, who=who)
        self("validator", "accredit", who, "--days", 30, who=self.world.founder)
        return int(self("validator", "visit", cluster, "--hardware", hardware, "--media", media, who=who)["visit"])


@pytest.fixture(scope="module")
def market(world: World) -> str:
    """A market, opened once: court and registrar is the founder; provider and two others have RENT."""
    with redirect_stdout(io.StringIO()) as said:
        code = cli.run(
            [
                *("market", "deploy", "--clusters", world.shared.clusters, "--laps", "demo", "--json"),
                *("--court", world.founder, "--registrar", world.founder),
                *("--holder", f"{world.provider}=20000", "--holder", f"{world.members[0]}=20000"),
                *("--holder", f"{world.organisations[0]}=500.25", "--rpc", f"http://{world.endpoint.name}"),
                *("--signer", f"http://{world.endpoint.name}", "--from", world.founder),
            ]
        )
    told = json.loads(said.getvalue())
    assert (code, told["left"]) == (0, [])
    return str(told["market"])


@pytest.fixture
def typed(world: World, market: str, capsys: pytest.CaptureFixture[str]) -> Typist:
    made = Typist(world, capsys)
    made.market = market
    return made
