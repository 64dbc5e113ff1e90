"""A DAO rents a cluster by a vote and pays attested seconds; a log that forks costs the stake. Real logs, real chain."""

from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address

from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.ledger.findings import FORK, Findings
from cyberprivacy.ledger.headsigner import HeadSigner
from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.ledger.note import Note
from cyberprivacy.ledger.publisher import Publisher
from cyberprivacy.ledger.reading import FolderSource
from cyberprivacy.ledger.signers import Kind, Signer
from cyberprivacy.ledger.trust import Trust
from cyberprivacy.ledger.watching import LogWatch, Watched
from cyberprivacy.proposal.accusing import signed_heads
from cyberprivacy.proposal.market import DEMO_MARKET

LICENCE, CASE = (str(Cid(DAG_PB, sha256(word).digest())) for word in (b"licence", b"case"))
EVIDENCE = "0x" + sha256(b"attestations").hexdigest()
ORIGIN, SECRET = "cyberprivacy.log/of-one-cluster", sha256(b"head key").digest()
LOG = Signer.of(ORIGIN, Kind.LOG, bytes(range(32)))


class Log:
    """A cluster's log as its node keeps it, signed with its own key and for the chain."""

    def __init__(self, folder: Path, typed: Any, cluster: int) -> None:
        self.time = typed.world.now
        self.key = HeadSigner.of(
            ORIGIN,
            SECRET,
            chain_id=31337,
            anchor=bytes.fromhex(typed("market", "show")["contracts"]["anchor"][2:]),
            cluster=cluster,
        )
        self.ledger = FileLedger(folder / "ledger.jsonl", clock=lambda: self.time)
        self.publisher = Publisher(self.ledger, folder / "log", signers=[LOG, self.key], clock=lambda: self.time)
        self.address = to_checksum_address(self.key.place.address)

    def grows(self, *words: str, time: int) -> Path:
        """Add entries and publish at a time; the folder that is served."""
        self.time = time
        for word in words:
            self.ledger.append("test.said", {"word": word})
        self.publisher.publish()
        return self.publisher.public


@pytest.fixture
def cluster(typed: Any) -> int:
    return typed.good_provider(LICENCE)


def head_key(typed: Any, cluster: int, log: Log) -> None:
    typed(
        *("cluster", "head-key", cluster, log.address, "--clusters", typed.world.shared.clusters),
        who=typed.world.provider,
    )


def opened_by_a_vote(typed: Any, cluster: int) -> dict[str, Any]:
    """An order of the DAO, which its timelock pays."""
    world, member = typed.world, typed.world.members[0]
    typed("market", "pay", world.dao.timelock, 5000, who=member)
    opening = ("rent", "open", world.provider, cluster, "--rate", 1, "--days", 0.01, "--notice", 1, "--starts-in")
    assert typed(*opening, 20_000, "--for-dao", world.dao.governor, who=member, code=2)["error"] == "market.title"
    for_dao = ("--for-dao", world.dao.governor, "--title", "Rent a cluster")
    assert typed(*opening, 600, *for_dao, who=member, code=2)["error"] == "market.too-soon"
    passed(typed, typed(*opening, 20_000, *for_dao, who=member)["proposal"])
    (order,) = typed("rent", "list")["orders"]
    return dict(order)


def test_a_dao_rents_by_a_vote_and_pays_what_is_attested(typed: Any, cluster: int, tmp_path: Path) -> None:
    world, provider, member = typed.world, typed.world.provider, typed.world.members[0]
    order = opened_by_a_vote(typed, cluster)
    assert (order["payer"], order["deposited"], order["rate"]) == (world.dao.timelock, "864", "1")
    log = Log(tmp_path, typed, cluster)
    head_key(typed, cluster, log)
    world.advance_to(order["start"] + 100)
    assert typed("rent", "claim", 1, "--evidence", EVIDENCE, who=provider, code=2)["error"] == "rent.nothing"
    served = log.grows("one", "two", time=order["start"] + 90)
    assert typed("cluster", "anchor", served, who=member)["size"] == 2
    assert typed("cluster", "anchor", served, who=member, code=2)["error"] == "cluster.anchored"
    claim = typed("rent", "claim", 1, "--evidence", EVIDENCE, who=provider)
    assert (claim["amount"], claim["until"]) == ("90", order["start"] + 90)
    assert typed("rent", "draw", 1, who=provider, code=3)["error"] == "law.claim-waits"
    typed.later(DEMO_MARKET.window)
    typed("rent", "draw", 1, who=provider)
    told = typed("rent", "show", 1)
    assert (told["paid"], told["claims"][0]["status"]) == ("90", "drawn")
    assert "1 RENT a second" in typed.says("rent", "show", 1)

    again = log.grows("three", time=world.now)
    typed("cluster", "anchor", again, who=member)  # with the proof that it grew
    second = typed("rent", "claim", 1, "--evidence", EVIDENCE, who=provider)["claim"]
    typed("rent", "dispute", second, "--reason", CASE, who=member)
    typed("rent", "rule", second, "upheld", "--case", CASE, who=world.founder)
    assert typed("rent", "show", 1)["claims"][1]["status"] == "void"
    world.advance_to(order["end"] + DEMO_MARKET.window)
    assert typed("rent", "refund", 1, who=member, code=2)["error"] == "law.order-not-yours"
    encoded = typed("rent", "refund", 1, "--encode")
    assert (encoded["refunded"], encoded["calls"][0]["to"]) == ("774", typed.market)


def passed(typed: Any, proposal: str) -> None:
    """The vote of a DAO, with the commands that people know."""
    world, dao = typed.world, ("--dao", typed.world.dao.governor)
    early = typed("vote", proposal, "for", *dao, who=world.members[0], code=3)
    world.advance_to(int(early["facts"]["until"]) + 1)
    for member in world.members[:2]:
        typed("vote", proposal, "for", *dao, who=member)
    early = typed("queue", proposal, *dao, who=world.founder, code=3)
    world.advance_to(int(early["facts"]["until"]))
    world.advance_to(typed("queue", proposal, *dao, who=world.founder)["executable"])
    typed("execute", proposal, *dao, who=world.founder)


def test_a_log_with_two_pasts_costs_the_stake_by_the_file_that_a_reader_keeps(
    typed: Any, cluster: int, tmp_path: Path
) -> None:
    truth, lie = Log(tmp_path / "truth", typed, cluster), Log(tmp_path / "lie", typed, cluster)
    head_key(typed, cluster, truth)
    now = typed.world.now
    typed("cluster", "anchor", truth.grows("one", "two", "three", time=now), who=typed.world.founder)
    reading = ("--key", LOG.verifier.encode(), "--memory", tmp_path / "memory")
    typed.alone("log", "show", truth.publisher.public, *reading)
    lie.grows("one", "another", time=now)
    lie.grows("three", "four", "five", time=now + 1)
    kept = typed.alone("log", "show", lie.publisher.public, *reading, code=1)["facts"]["evidence"]

    finder = typed.world.members[1]
    told = typed("provider", "accuse", kept, who=finder)
    assert (told["cluster"], told["provider"], told["fork"]) == (cluster, typed.world.provider, [3, 5])
    provider = typed("provider", "show", typed.world.provider)
    assert (provider["staked"], provider["good"]) == ("0", False)
    assert typed("provider", "accuse", kept, who=finder, code=2)["error"] == "law.already-punished"
    assert "FORKED" in typed.says("cluster", "show", cluster)
    typed("provider", "collect", who=finder)
    assert typed("market", "balance", finder)["rent"] == "200"


def test_the_file_that_another_cluster_put_on_record_costs_the_stake(
    typed: Any, cluster: int, tmp_path: Path
) -> None:
    truth, lie = Log(tmp_path / "truth", typed, cluster), Log(tmp_path / "lie", typed, cluster)
    head_key(typed, cluster, truth)
    now = typed.world.now
    shown = tmp_path / "what it shows"
    shown.symlink_to(truth.grows("one", "two", "three", time=now))
    with closing(FileLedger(tmp_path / "watcher.jsonl", clock=lambda: now)) as own:
        findings = Findings(own, tmp_path / "watch", calm=600, clock=lambda: now)
        trust = Trust.of(ORIGIN, [LOG.verifier, truth.key.verifier], max_age=600)
        watched = Watched(trust, FolderSource(shown), (), 600)
        watch = LogWatch(watched, tmp_path / "mirror", findings, clock=lambda: now)
        watch.look()
        assert not findings.all()
        shown.unlink()
        shown.symlink_to(lie.grows("one", "another", "past", "of", "it", time=now + 1))
        watch.look()
        (found,) = findings.of(ORIGIN)
    assert found.code == FORK
    told = typed("provider", "accuse", tmp_path / "watch" / found.evidence, who=typed.world.organisations[1])
    assert (told["cluster"], told["fork"]) == (cluster, [3, 5])
    assert typed("provider", "show", typed.world.provider)["staked"] == "0"


def test_heads_that_the_cluster_did_not_sign_accuse_nobody(typed: Any, cluster: int, tmp_path: Path) -> None:
    truth, lie = Log(tmp_path / "truth", typed, cluster), Log(tmp_path / "lie", typed, cluster)
    reading = ("--key", LOG.verifier.encode(), "--memory", tmp_path / "memory")
    typed.alone("log", "show", truth.grows("one", time=typed.world.now), *reading)
    kept = typed.alone("log", "show", lie.grows("lie", time=typed.world.now), *reading, code=1)["facts"][
        "evidence"
    ]
    # The key that signed both was never the cluster's: its provider never named it.
    assert typed("provider", "accuse", kept, who=typed.world.founder, code=1)["error"] == "accuse.not-on-chain"
    (tmp_path / "nonsense").write_text("{}")
    typed("provider", "accuse", tmp_path / "nonsense", who=typed.world.founder, code=1)


def test_a_clock_that_is_set_back_costs_an_honest_provider_nothing(
    typed: Any, cluster: int, tmp_path: Path
) -> None:
    """The log signs on with the time that it signed last, so no head of its own can be held against it."""
    log, now = Log(tmp_path, typed, cluster), typed.world.now
    anchor = typed("market", "show")["contracts"]["anchor"]
    times = []
    for word, time in (("one", now), ("two", now - 86_400), ("three", now - 10), ("four", now + 5)):
        served = log.grows(word, time=time)
        note = Note.parse((served / "checkpoint").read_bytes())
        times += [each.head.time for each in signed_heads(note, chain_id=31337, anchor=anchor)]
    assert times == [now, now, now, now + 5]
