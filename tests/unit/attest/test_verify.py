"""Each check passes in a world where everything is right, and fails alone when its own thing is wrong."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.unit.attest.bending import changed, emergency, evidence, pinned, said, tpm, vendor
from tests.unit.attest.bent_evidence import BENT_EVIDENCE
from tests.unit.attest.bent_standing import BENT_STANDING

from cyberprivacy.attest.eventlog import Event
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.facts import Questions
from cyberprivacy.attest.identity import NodeKey
from cyberprivacy.attest.policy import Policy
from cyberprivacy.attest.report import HARMLESS, Answer, Level, Verdict
from cyberprivacy.attest.verify import CHECKS, Seen, questions, verify
from cyberprivacy.proposal.release import FinalBlock
from cyberprivacy.testing.attested import (
    ACCOUNT,
    BLOCK,
    BUNDLE,
    EVENTS,
    NOW,
    World,
    approved,
)

BENT = BENT_EVIDENCE | BENT_STANDING


def test_a_node_that_does_everything_right_is_accepted_for_what_it_is(world: World) -> None:
    report = world.report()
    assert [(check.name, check.verdict) for check in report.checks] == [(name, Verdict.PASS) for name in CHECKS]
    assert (report.verdict, report.level) == (Answer.ACCEPT, Level.DEVELOPMENT)


def test_who_administers_a_cluster_in_which_it_runs_could_cheat(world: World) -> None:
    alone, several = world.report(), world.bend(clusters=("north", "south")).report()
    assert several.accepted
    assert several.facts["clusters"] == "north, south"
    assert "clusters" not in alone.facts
    assert [name in cheat for name, cheat in zip(("north", "south"), several.cheats[-2:], strict=True)] == [
        True
    ] * 2
    assert several.cheats[:-2] == alone.cheats


def test_whoever_gave_the_address_could_cheat_where_nobody_looks_who_made_the_dao(world: World) -> None:
    known, trusting = world.report(), world.bend(policy=replace(world.policy, factories=frozenset())).report()
    assert trusting.accepted
    assert trusting.check("dao.factory").code == "dao.any-factory"
    (more,) = set(trusting.cheats) - set(known.cheats)
    assert "whoever gave you the DAO's address" in more


@pytest.mark.parametrize("case", BENT)
def test_what_is_wrong_fails_its_own_check_and_no_other(world: World, case: str) -> None:
    bend, name, code = BENT[case]
    report = bend(world).report()
    assert [(check.name, check.code) for check in report.failures] == [(name, code)]
    assert not report.accepted
    skipped = [check for check in report.checks if check.verdict is Verdict.SKIP]
    failed = {check.name for check in report.failures}
    assert all(_leads_to(check.code, failed, skipped) for check in skipped)


def _leads_to(code: str, failed: set[str], skipped: list[Any]) -> bool:
    """Whether a skipped check names, in the end, the check that failed."""
    needed = code.removeprefix("needs.")
    if needed in failed or code in HARMLESS:
        return True
    return any(_leads_to(check.code, failed, skipped) for check in skipped if check.name == needed)


def test_every_check_has_a_case_that_fails_it() -> None:
    assert {name for _, name, _ in BENT.values()} | {"attestation.form"} == set(CHECKS)


def test_every_code_of_the_specification_has_a_case() -> None:
    page = (Path(__file__).parents[3] / "docs" / "spec" / "attestation.md").read_text()
    rows = [line.split("|") for line in page.splitlines() if re.match(r"\| `[a-z]+(\.[a-z]+)?` \| .* \| `", line)]
    documented = {
        code for row in rows if row[1].strip(" `") in CHECKS for code in re.findall(r"`([^`]+)`", row[3])
    }
    malformed = {
        "attestation.form",
        "json.form",
        "cid.form",
        "tpm2.form",
        "attestation.version",
    }  # tests/hostile/attest has these
    snp = {code for code in documented if code.startswith("snp.")} | {"evidence.revoked"}  # ./snp has these
    bare = {"evidence.future", "hardware.not-in-policy", "os.no-measurements"}  # ./test_judge.py has these
    documented -= {code for code in documented if code.startswith("tdx.")}  # ./tdx has these
    assert documented - malformed - snp - bare - HARMLESS == {code for _, _, code in BENT.values()}


@pytest.mark.parametrize("proof", [b"", b"{}", b"[]", b"\xff", b'{"v":1}', b"null"])
def test_a_proof_that_cannot_be_read_is_one_failed_check_and_no_crash(world: World, proof: bytes) -> None:
    seen = Seen(world.tls.spki, world.nonce, world.session)
    report = verify(proof, seen=seen, facts=world.facts, policy=world.policy, now=NOW)
    assert [check.name for check in report.failures] == ["attestation.form"]
    assert [check.name for check in report.checks] == list(CHECKS)
    assert (report.verdict, report.level) == (Answer.MALFORMED, None)


def test_a_whole_old_answer_is_refused_by_its_challenge(world: World) -> None:
    old = world.bend(nonce=bytes(32)).proved().proof
    codes = {check.code for check in world.bend(proof=old).report().failures}
    assert codes == {"evidence.replayed", "statement.replayed"}


def test_a_node_key_swapped_in_transit_is_named(world: World) -> None:
    report = world.bend(proof=changed(world.attest(), node=NodeKey.born().public)).report()
    assert "node.key" in {check.name for check in report.failures}
    assert report.check("statement.signature").code == "needs.node.key"


def test_a_proof_from_a_file_is_accepted_but_says_what_nobody_saw(world: World) -> None:
    report = world.bend(seen=Seen(None, None, None)).report()
    assert report.accepted
    codes = {check.code for check in report.checks if check.verdict is Verdict.SKIP}
    assert codes == {"offline.no-connection", "offline.no-session", "offline.no-nonce"}


def test_a_proof_from_a_file_grows_old(world: World) -> None:
    report = world.proved().bend(seen=Seen(None, None, None), now=NOW + 3000).report()
    assert "statement.old" in {check.code for check in report.failures}


def test_a_node_that_is_a_block_ahead_of_the_verifier_is_no_liar(world: World) -> None:
    ahead = FinalBlock(2_000, bytes(32), NOW)
    report = world.bend(release=approved(block=ahead)).report()
    assert report.check("statement.block").code == "statement.block-ahead"
    assert report.accepted


def test_an_emergency_release_is_accepted_while_it_lives(world: World) -> None:
    for own in (0, world.release.proposal):  # nobody has begun its vote, or somebody has
        report = said(emergency(world), proposal=own).report()
        assert report.accepted
        assert "emergency" in report.check("release.proposal").detail


def test_a_pinned_root_that_says_it_is_for_development_is_worth_no_more(world: World) -> None:
    pinned = Policy(roots={world.root.fingerprint: Level.CONFIDENTIAL_VM}, least=Level.DEVELOPMENT)
    assert world.bend(policy=pinned).report().level is Level.DEVELOPMENT
    assert not world.bend(policy=replace(pinned, least=Level.OPERATOR_TRUSTED)).report().accepted


def test_a_vendors_root_that_is_named_is_worth_a_measured_boot_and_no_more(world: World) -> None:
    report = pinned(vendor(world)).report()
    assert report.accepted
    assert report.level is Level.MEASURED_BOOT


def test_no_level_is_printed_when_the_evidence_proves_nothing(world: World) -> None:
    report = evidence(world, attest=b"").report()
    assert report.level is None
    assert report.check("level").verdict is Verdict.SKIP


def test_the_chain_is_asked_about_what_the_proof_claims(world: World) -> None:
    assert questions(world.attest().encode()) == Questions(
        bundle=BUNDLE, account=ACCOUNT, measurement=tpm(world).measurement, height=BLOCK.number
    )
    assert questions(b"nonsense") is None
    unreadable = questions(evidence(world, log=b"?").proof)
    assert unreadable is not None
    assert unreadable.measurement is None


def test_the_name_of_evidence_does_not_change_with_its_signature(world: World) -> None:
    made = world.attest()
    twice = [
        world.bend(
            proof=changed(made, evidence=Evidence("tpm2", {**made.evidence.fields, "signature": signature}))
        )
        for signature in (tpm(world).sign(made.evidence.fields["attest"]) for _ in range(2))
    ]
    one, two = (each.report() for each in twice)
    assert one.accepted
    assert two.accepted
    assert one.facts["evidence"] == two.facts["evidence"]


def test_an_event_cannot_be_relabelled(world: World) -> None:
    relabelled = world.attest().evidence.fields["log"].replace(b"program podman", b"program docker")
    report = evidence(world, log=relabelled).report()
    assert [check.code for check in report.failures] == ["evidence.log-differs"]


def test_the_order_of_events_matters(world: World) -> None:
    turned: tuple[Event, ...] = tuple(reversed(EVENTS))
    assert replace(tpm(world), events=turned).measurement != tpm(world).measurement
