"""`cyberprivacy verify` against a node with a real TPM engine, over real TLS, and a DAO on a real chain."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.unit.attest.staged import BUNDLE, Node, Stage, staged

from cyberprivacy.attest.agent import PATH, Agent
from cyberprivacy.attest.identity import NodeKey, TlsIdentity
from cyberprivacy.attest.onchain import read_facts
from cyberprivacy.attest.policy import Policy
from cyberprivacy.attest.report import Level
from cyberprivacy.attest.statement import parse
from cyberprivacy.attest.verify import CHECKS
from cyberprivacy.cli import verify as command
from cyberprivacy.cli.vendors import Vendors
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.proposal.abi import contract
from cyberprivacy.testing.attested import EVENTS, IMAGES
from cyberprivacy.testing.tpm import development_attester
from cyberprivacy.vault import outward
from cyberprivacy.vault.nodeproof import PARTY, NodeProver
from cyberprivacy.vault.place import Site
from cyberprivacy.vault.recipient import Declared, ReleasePolicy

pytestmark = pytest.mark.engines


@pytest.fixture(scope="module")
def stage(law: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with staged(law, tmp_path_factory.mktemp("stage")) as stage:
        yield stage


@pytest.fixture(autouse=True)
def honest(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    """The node tells the truth, and the user's clock shows the time of the chain, whose laps nobody waits for."""
    monkeypatch.setattr(command, "_now", lambda: stage.chain.now)
    node = stage.node
    node.images, node.answer, node.raw, node.other_key = dict(IMAGES), None, None, None
    node.paths.clear()


def test_an_honest_node_is_accepted_and_every_check_is_shown(stage: Stage) -> None:
    result = stage.verify()
    assert result.exit_code == 0, result.output
    for name in CHECKS:
        assert f"✓ {name} " in result.stdout
    assert "ACCEPTED" in result.stdout
    assert "development" in result.stdout
    assert "Who could still cheat" in result.stdout
    assert len(stage.node.paths) == 1
    assert stage.node.paths[0].startswith(f"{PATH}?nonce=")


def test_a_dao_of_another_factory_is_refused_and_of_any_it_is_said_so(stage: Stage) -> None:
    other = stage.verify("--json", "--factory", stage.chain.dao.registry, known=False)
    failed = [each["code"] for each in json.loads(other.stdout)["checks"] if each["verdict"] == "fail"]
    assert (other.exit_code, failed) == (1, ["dao.other-factory"])
    trusting = stage.verify(known=False)
    assert (trusting.exit_code, "whoever gave you the DAO's address" in trusting.stdout) == (0, True)


def test_the_report_for_programs_has_the_same_answer(stage: Stage) -> None:
    result = stage.verify("--json")
    report = json.loads(result.stdout)
    assert result.exit_code == 0
    assert (report["schema"], report["verdict"], report["level"]) == (
        "cyberprivacy.report/1",
        "accept",
        "development",
    )
    assert [check["name"] for check in report["checks"]] == list(CHECKS)
    laps = next(check["detail"] for check in report["checks"] if check["name"] == "release.laps")
    assert laps.startswith("review ")


def test_each_visit_sends_a_challenge_of_its_own(stage: Stage) -> None:
    stage.verify()
    stage.verify()
    assert len(set(stage.node.paths)) == 2


def test_a_development_root_that_is_not_named_is_refused(stage: Stage) -> None:
    assert ("evidence.root", "evidence.development-root") in stage.failures(allow=False)


def test_a_root_may_be_named_by_its_fingerprint(stage: Stage) -> None:
    named = f"sha256:{stage.root.fingerprint.hex()}"
    assert stage.verify("--allow-development", named, allow=False).exit_code == 0


def test_a_policy_may_ask_for_longer_laps_than_the_dao_does(stage: Stage, tmp_path: Path) -> None:
    policy = tmp_path / "policy.json"
    policy.write_text(json.dumps({"v": 1, "laps": {"vote": 30 * 86_400}}))
    report = json.loads(stage.verify("--json", "--policy", str(policy)).stdout)
    assert [check["code"] for check in report["checks"] if check["verdict"] == "fail"] == ["release.lap-policy"]


def test_a_swapped_image_is_named(stage: Stage) -> None:
    stage.node.images = {**IMAGES, "web": "sha256:" + "9" * 64}
    assert stage.failures() == {("release.images", "release.other-images")}


def test_an_old_answer_is_named(stage: Stage) -> None:
    old = stage.node.prove(bytes(32), bytes(32))
    stage.node.answer = lambda *_: old
    assert stage.failures() == {
        ("tls.session", "tls.other-session"),
        ("evidence.fresh", "evidence.replayed"),
        ("statement.fresh", "statement.replayed"),
    }


def test_a_relay_with_a_key_of_its_own_is_named(stage: Stage) -> None:
    stage.node.other_key = TlsIdentity.born(["127.0.0.1"], lifetime=3600, now=stage.chain.now)
    assert stage.failures() == {("tls.key", "tls.other-key")}


def test_other_software_is_named(stage: Stage, tmp_path: Path) -> None:
    changed = development_attester(tmp_path / "tpm", EVENTS[:-1], stage.root)
    agent = Agent(changed, stage.node.agent.key, stage.node.agent._account, clock=lambda: stage.chain.now)
    other = Node(agent, stage.node.tls, stage.node.approved)
    assert stage.failures(target=other.start()) == {("os.measurement", "os.not-accepted")}
    changed.close()


def test_a_node_with_another_key_is_named(stage: Stage, tmp_path: Path) -> None:
    agent = Agent(stage.attester, NodeKey.born(), stage.node.agent._account, clock=lambda: stage.chain.now)
    other = Node(agent, stage.node.tls, stage.node.approved)
    assert stage.failures(target=other.start()) == {("node.registered", "node.not-as-listed")}


def test_a_node_that_nobody_lists_is_named(stage: Stage, tmp_path: Path) -> None:
    agent = Agent(stage.attester, stage.node.agent.key, stage.chain.founder, clock=lambda: stage.chain.now)
    other = Node(agent, stage.node.tls, stage.node.approved)
    assert stage.failures(target=other.start()) == {("node.registered", "node.unknown")}


def test_a_vault_learns_who_is_there_from_the_same_node_and_the_same_chain(stage: Stage) -> None:
    """The road of a grant's recipient, with everything real but the application: see `vault.nodeproof`."""
    dao = stage.chain.dao.governor
    declared = Declared(frozenset({"org.example.order.v1"}), frozenset({"Show orders"}))
    policy = ReleasePolicy("book", stage.chain.final.chain_id, dao, Level.DEVELOPMENT, None, declared)
    said = {"app": "book", "cluster": "00" * 32, "holder": "ed25519-device:" + "ab" * 32, "site": stage.url}
    stage.node.party = json.dumps({**said, "policy": json.loads(policy.encode())}).encode()
    prover = NodeProver(
        facts=lambda dao, asked: read_facts(stage.chain.final, dao, asked),
        policy=Policy().allowing_development(stage.root.fingerprint),
        vendors=Vendors("", "", offline=True),
        reach=outward.anywhere,
        clock=lambda: stage.chain.now,
    )
    found = prover.prove(Site(stage.url), policy)
    assert found.report.accepted, found.report.failures
    assert (found.app, found.holder, found.declared) == ("book", b"\xab" * 32, declared)
    assert int.from_bytes(found.cluster) == 1, "as the chain lists the node, not as it says itself"
    assert found.until - found.at == Policy().age
    assert [path.partition("?")[0] for path in stage.node.paths] == [PATH, PARTY]
    other = ReleasePolicy("book", stage.chain.final.chain_id, stage.chain.shared.clusters, None, None, declared)
    with pytest.raises(CyberPrivacyError) as refused:
        prover.prove(Site(stage.url), other)
    assert refused.value.code == "recipient.evidence"


def test_a_saved_proof_can_be_judged_later(stage: Stage, tmp_path: Path) -> None:
    file = tmp_path / "proof.json"
    assert stage.verify("--save", str(file)).exit_code == 0
    assert parse(file.read_bytes()).statement.bundle == BUNDLE
    result = stage.verify("--json", target=str(file))
    assert result.exit_code == 0
    skipped = {check["code"] for check in json.loads(result.stdout)["checks"] if check["verdict"] == "skip"}
    assert skipped == {"offline.no-connection", "offline.no-session", "offline.no-nonce"}


def test_nonsense_instead_of_a_proof_is_one_failed_check(stage: Stage) -> None:
    stage.node.answer = lambda *_: b'{"v":1}'
    assert stage.failures(verdict="malformed") == {("attestation.form", "attestation.form")}


@pytest.mark.parametrize(
    ("raw", "code", "ended"),
    [
        (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "verify.no-attestation", 1),
        (b"HTTP/1.1 503 Busy\r\nContent-Length: 2\r\n\r\n{}", "verify.unreachable", 3),
        (
            b'HTTP/1.1 409 No\r\nContent-Length: 35\r\n\r\n{"type":"\x1b[31m","title":"attest...."}',
            "verify.no-attestation",
            1,
        ),
        (b"SSH-2.0-OpenSSH\r\n\r\n", "verify.unreachable", 3),
        (b"", "verify.unreachable", 3),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", "verify.unreachable", 3),
        (b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 16_000 + b"\r\n", "verify.unreachable", 3),
    ],
    ids=["not found", "busy", "refused", "another protocol", "nothing", "cut off", "a header bomb"],
)
def test_a_server_that_proves_nothing_is_told_apart(stage: Stage, raw: bytes, code: str, ended: int) -> None:
    stage.node.raw = raw
    error = stage.verify().exception
    assert isinstance(error, CyberPrivacyError)
    assert (error.code, error.exit_code) == (code, ended)
    assert "\x1b" not in str(error)


def test_an_endless_answer_is_read_to_its_limit_only(stage: Stage) -> None:
    stage.node.raw = b"HTTP/1.1 200 OK\r\n\r\n" + b"x" * (3 << 20)
    assert stage.failures(verdict="malformed") == {("attestation.form", "json.form")}


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["http://127.0.0.1"], "verify.url"),
        (["https://user@127.0.0.1"], "verify.url"),
        (["https://127.0.0.1:99999"], "verify.url"),
        (["no-such-file"], "verify.file"),
    ],
)
def test_a_target_that_cannot_be_is_misuse(stage: Stage, words: list[str], code: str) -> None:
    error = stage.verify(target=words[0]).exception
    assert isinstance(error, CyberPrivacyError)
    assert (error.code, error.exit_code) == (code, 2)


def test_a_closed_port_is_out_of_reach(stage: Stage) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    error = stage.verify(target=f"https://127.0.0.1:{port}").exception
    assert isinstance(error, CyberPrivacyError)
    assert (error.code, error.exit_code) == ("verify.unreachable", 3)


def test_a_halted_release_is_named_until_the_halt_lets_go(stage: Stage) -> None:
    halt = contract("ReleaseRegistry").encode("halt", BUNDLE.digest)
    for seat in stage.chain.seats[:3]:
        stage.chain.desk(seat).send(stage.chain.dao.registry, halt)
    stage.chain.settle()
    assert stage.failures() == {("release.active", "release.halted")}
    stage.chain.advance_to(stage.chain.now + stage.chain.laps.halt)
    stage.chain.settle()
    assert stage.verify().exit_code == 0
