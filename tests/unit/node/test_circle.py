"""Three clusters over HTTP: honest ones cosign and accuse nobody; who lies is found by the others."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette

from cyberprivacy.attest.identity import NodeKey
from cyberprivacy.errors import Misuse, TryLater
from cyberprivacy.ledger.checkpoint import Checkpoint
from cyberprivacy.ledger.findings import Findings
from cyberprivacy.ledger.fork import ForkEvidence
from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.ledger.publisher import Publisher
from cyberprivacy.ledger.quorum import NoQuorum, Quorum
from cyberprivacy.ledger.reading import FolderSource
from cyberprivacy.ledger.trust import Trust
from cyberprivacy.ledger.witness import Reply
from cyberprivacy.node.api import application
from cyberprivacy.node.circle import Circle, Other, Watching
from cyberprivacy.node.circle_api import circle_routes
from cyberprivacy.node.circle_config import watching
from cyberprivacy.node.pacing import by_connection
from cyberprivacy.node.publishing import log_signers, publisher, witness_signers
from cyberprivacy.testing.clock import StandingClock

NOW = 1_800_000_000
SILENCE = 8


class Cluster:
    """One cluster: its log, its circle, its HTTP interface."""

    def __init__(self, number: int, folder: Path, clock: StandingClock) -> None:
        self.key, self.folder, self.clock = NodeKey.unsealed(bytes([number]) * 32), folder / str(number), clock
        self.log = tuple(each.verifier for each in log_signers(self.key))
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.other = Other(self.url, self.log, tuple(each.verifier for each in witness_signers(self.key)))
        self.ledger = FileLedger(self.folder / "ledger.jsonl", clock=clock)

    def join(self, others: tuple[Other, ...], quorum: int = 2) -> None:
        self.circle = Circle(
            Watching(others, quorum, SILENCE), self.key, self.folder, self.ledger, clock=self.clock
        )
        self.public = publisher(
            self.ledger, self.folder / "log", self.key, clock=self.clock, quorum=self.circle.quorum
        )
        self.serve(self.public.public)

    def serve(self, public: Path) -> None:
        def attest(*_: object) -> bytes:
            raise TryLater("nothing runs")

        self.api: Starlette = application(
            attest=attest,
            status=lambda: {"witness": self.circle.status()},
            is_ready=bool,
            ledger=self.ledger,
            public=FolderSource(public),
            more=circle_routes(self.circle, clock=self.clock, asker=by_connection),
        )
        settings = uvicorn.Config(
            self.answer, interface="asgi3", log_config=None, access_log=False, lifespan="off"
        )
        self.server = uvicorn.Server(settings)
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]})
        self.thread.start()

    async def answer(self, scope, receive, send) -> None:
        await self.api(scope, receive, send)

    def show(self, public: Path) -> None:
        """From now on serve another folder as the log."""
        self.api = application(
            attest=lambda *_: b"",
            status=dict,
            is_ready=bool,
            ledger=self.ledger,
            public=FolderSource(public),
            more=circle_routes(self.circle, clock=self.clock, asker=by_connection),
        )

    def lie(self, name: str, entries: int, quorum: Quorum | None = None) -> Publisher:
        """Another past under the same keys."""
        other = FileLedger(self.folder / f"{name}.jsonl", clock=self.clock)
        other.extend([("other", {"n": at}) for at in range(entries)])
        made = Publisher(other, self.folder / name, signers=log_signers(self.key), clock=self.clock, quorum=quorum)
        other.close()
        return made

    def look(self) -> None:
        for watch in self.circle.watches.values():
            watch.look()

    def codes(self, about: str) -> list[str]:
        return [each.code for each in self.circle.findings.of(about)]

    def close(self) -> None:
        self.server.should_exit = True
        self.thread.join()
        self.circle.close()
        self.ledger.close()


@pytest.fixture
def trio(tmp_path: Path) -> Iterator[tuple[Cluster, Cluster, Cluster]]:
    clock = StandingClock(NOW)
    all_three = [Cluster(number, tmp_path, clock) for number in (1, 2, 3)]
    for one in all_three:
        one.join(tuple(each.other for each in all_three if each is not one))
    for one in all_three:
        one.ledger.extend([("n", {"n": at}) for at in range(3)])
        one.public.publish()
        one.look()
    yield all_three[0], all_three[1], all_three[2]
    for one in all_three:
        one.close()


def test_honest_clusters_cosign_and_accuse_nobody(trio: tuple[Cluster, Cluster, Cluster]) -> None:
    for _ in range(3):
        for one in trio:
            one.ledger.append("n", {})
            assert len(one.public.publish().witnesses) == 2
            one.clock.sleep(2)
            one.look()
    assert not [each for one in trio for each in one.circle.findings.all()]


def test_who_rewrites_its_past_is_found_by_both_and_cosigned_no_more(
    trio: tuple[Cluster, Cluster, Cluster],
) -> None:
    liar, *others = trio
    lie = liar.lie("lie", 5)
    lie.publish()
    liar.show(lie.public)
    for one in others:
        one.look()
        (found,) = one.circle.findings.of(liar.log[0].name)
        evidence = ForkEvidence.parse((one.circle.findings.folder / found.evidence).read_bytes())
        evidence.check(Trust.of(liar.log[0].name, liar.log))
        assert next(each.kind for each in one.ledger.entries() if each.kind == "watch.found")
        again = Findings(one.ledger, one.circle.findings.folder, calm=SILENCE, clock=one.clock)
        assert again.guilty(liar.log[0].name)
    liar.ledger.append("n", {})
    with pytest.raises(NoQuorum):
        liar.public.publish()


def test_who_shows_two_heads_of_one_size_is_found_as_soon_as_two_compare(
    trio: tuple[Cluster, Cluster, Cluster],
) -> None:
    liar, left, right = trio
    lie = liar.lie("lie", 3)
    seen = lie.publish()
    copy = right.circle.watches[liar.log[0].name].mirror
    assert seen.checkpoint.size == 3
    (copy / "checkpoint").write_bytes(seen.note.encode())  # what `right` was shown
    left.look()
    assert left.codes(liar.log[0].name) == ["log.fork"]


def test_who_is_silent_is_found_and_heard_again(trio: tuple[Cluster, Cluster, Cluster]) -> None:
    silent, other, _ = trio
    real = silent.api
    silent.api = Starlette()
    for _ in range(10):
        other.clock.sleep(2)
        other.look()
    assert other.codes(silent.log[0].name) == ["log.silent"]
    silent.api = real
    for _ in range(6):
        other.clock.sleep(2)
        other.look()
    assert other.codes(silent.log[0].name) == []


def test_a_clock_that_jumps_accuses_nobody(trio: tuple[Cluster, Cluster, Cluster]) -> None:
    silent, other, _ = trio
    silent.api = Starlette()
    other.clock.sleep(500)
    other.look()
    assert other.codes(silent.log[0].name) == []


def test_a_witness_that_signs_everything_fools_no_quorum_and_is_named(
    trio: tuple[Cluster, Cluster, Cluster],
) -> None:
    liar, blind, honest = trio
    signers = witness_signers(blind.key)

    def sign(body: bytes) -> Reply:
        from cyberprivacy.ledger.submission import Submission

        point: Checkpoint = Submission.parse(body).checkpoint
        return Reply(200, "".join(each.sign(point, time=NOW).line for each in signers).encode())

    blind.circle.add_checkpoint = sign  # type: ignore[method-assign]
    keys = {each.witness[0].name: each.witness for each in (blind.other, honest.other)}
    lines = liar.circle.quorum._lines  # type: ignore[union-attr]
    with pytest.raises(NoQuorum):
        liar.lie("both", 5, Quorum(lines, keys, needed=2, deadline=2)).publish()
    one = Quorum(lines, keys, needed=1, deadline=5)
    lie = liar.lie("lie", 5, one)
    lie.publish()
    liar.show(lie.public)
    honest.look()
    assert honest.codes(liar.log[0].name) == ["log.fork"]
    assert honest.codes(blind.other.witness[0].name) == ["witness.signed-both"]


def test_an_act_waits_for_real_witnesses_and_the_node_goes_on_without_them(
    trio: tuple[Cluster, Cluster, Cluster],
) -> None:
    one, two, three = trio
    assert len(one.public.log_before_act("admin.requested", {}).witnesses) == 2
    real, three.api = three.api, Starlette()
    one.circle.quorum._deadline = 1.0  # type: ignore[union-attr]
    with pytest.raises(NoQuorum) as refusal:
        one.public.log_before_act("admin.requested", {})
    assert (refusal.value.code, refusal.value.exit_code) == ("ledger.quorum", 3)
    three.api = real
    one.circle.quorum._deadline = 20.0  # type: ignore[union-attr]
    assert two.other.witness[0].name in one.public.log_before_act("admin.requested", {}).witnesses


def test_the_configuration_names_clusters_once_and_completely(trio: tuple[Cluster, Cluster, Cluster]) -> None:
    one, two, _ = trio
    table = {
        "url": one.url,
        "log": [key.encode() for key in one.log],
        "witness": [key.encode() for key in one.other.witness],
    }
    assert watching({"quorum": 1, "watch": [table]}) == Watching((one.other,), 1)
    assert watching({}) == Watching()
    for wrong in (
        {"quorum": 2, "watch": [table]},
        {"quorum": True, "watch": [table]},
        {"silence": 0},
        {"watch": [table, table]},
        {"watch": [table | {"log": table["log"][:1]}]},
        {"watch": [table | {"url": f"{one.url}/path"}]},
        {"watch": [table | {"log": [*table["log"], two.log[0].encode()]}]},
        {"watch": [table | {"witness": table["log"][:1]}]},
        {"watch": [table | {"more": 1}]},
        {"else": 1},
    ):
        with pytest.raises(Misuse):
            watching(wrong)
