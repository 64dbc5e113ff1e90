"""Each check passes in a world where everything is right, and fails alone when its own thing is wrong."""

import dataclasses
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cyberprivacy.attest.certificates import fingerprint, split
from cyberprivacy.attest.eventlog import Event
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.facts import Lap, Questions
from cyberprivacy.attest.identity import NodeKey, TlsIdentity
from cyberprivacy.attest.policy import Policy
from cyberprivacy.attest.report import HARMLESS, Answer, Level, Verdict
from cyberprivacy.attest.session import UNBOUND
from cyberprivacy.attest.statement import SEAL, Attestation
from cyberprivacy.attest.verify import CHECKS, Seen, questions, verify
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.proposal.release import Address, FinalBlock
from cyberprivacy.testing.attested import (
    ACCOUNT,
    BLOCK,
    BUNDLE,
    DAY,
    EVENTS,
    IMAGES,
    NOW,
    World,
    approved,
)
from cyberprivacy.testing.papertpm import PaperTpm
from cyberprivacy.testing.tpm import DevelopmentRoot

OTHER = Cid(DAG_PB, sha256(b"another bundle").digest())
STRANGER = Address("0x90F79bf6EB2c4f870365E785982E1f101E93b906")


def tpm(world: World) -> PaperTpm:
    assert isinstance(world.attester, PaperTpm)
    return world.attester


def changed(attestation: Attestation, **changes: Any) -> bytes:
    """The attestation with fields replaced, signed by nobody anew."""
    fields = {f.name: getattr(attestation, f.name) for f in dataclasses.fields(attestation)}
    return Attestation(**{**fields, **changes}, seal=SEAL).encode()


def said(world: World, key: NodeKey | None = None, **changes: Any) -> World:
    """The world's node states something else, and signs it."""
    made = world.attest()
    statement = replace(made.statement, **changes)
    signature = (key or world.key).sign(statement.signed_bytes())
    return world.bend(proof=changed(made, statement=statement, signature=signature))


def evidence(world: World, **fields: bytes) -> World:
    made = world.attest()
    return world.bend(
        proof=changed(made, evidence=Evidence(made.evidence.kind, {**made.evidence.fields, **fields}))
    )


def another_kind(world: World) -> World:
    made = world.attest()
    return world.bend(proof=changed(made, evidence=Evidence("abacus", made.evidence.fields)))


def old_evidence(world: World) -> World:
    """A fresh statement beside the evidence of yesterday's challenge."""
    old = world.bend(nonce=bytes(32)).attest()
    return world.bend(proof=changed(world.attest(), bound=old.bound, evidence=old.evidence))


def node_facts(world: World, **changes: Any) -> World:
    return world.chain(nodes={ACCOUNT: replace(world.facts.nodes[ACCOUNT], **changes)})


def one_byte_of_the_software_changed(world: World) -> World:
    code = bytearray(EVENTS[0].digest)
    code[0] ^= 1
    events = (replace(EVENTS[0], digest=bytes(code)), *EVENTS[1:])
    return world.bend(attester=replace(tpm(world), events=events))


def bent_log(world: World) -> World:
    log = world.attest().evidence.fields["log"]
    return evidence(world, log=log.replace(b'"pcr":10', b'"pcr":11', 1))


def read_at(world: World, block: FinalBlock, *, said: FinalBlock | None = None) -> World:
    """The chain has this block, and the node says that it has read it, as it is or as the node makes it up."""
    return world.chain(blocks={block.number: block}).bend(release=approved(block=said or block))


def emergency(world: World) -> World:
    """The release is live by the emergency lane; the vote that may ratify it has begun."""
    lap = Lap("emergency", 9, 9)
    return world.listed(emergency=True, expires=NOW + DAY, executed=False, laps=(lap,))


def expired_certificate(world: World) -> World:
    made = world.root.certify(tpm(world).public, now=datetime.fromtimestamp(NOW - 200 * DAY, UTC))
    return world.bend(attester=replace(tpm(world), certificates=made))


def vendor(world: World, *, purpose: str = "2.23.133.8.3") -> World:
    """The same TPM under a root that looks like a vendor's: it has no development mark."""
    key = ec.generate_private_key(ec.SECP256R1())
    usage = x509.ExtendedKeyUsage([x509.ObjectIdentifier(purpose)])
    made = b""
    for subject, public, ca in (("TPM", tpm(world).public.key, False), ("vendor", key.public_key(), True)):
        names = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (subject, "vendor")]
        builder = x509.CertificateBuilder(names[1], names[0], public, x509.random_serial_number())
        builder = builder.not_valid_before(datetime.fromtimestamp(NOW - DAY, UTC))
        builder = builder.not_valid_after(datetime.fromtimestamp(NOW + DAY, UTC))
        builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        made += builder.add_extension(usage, critical=False).sign(key, hashes.SHA256()).public_bytes(Encoding.DER)
    return world.bend(attester=replace(tpm(world), certificates=made))


def pinned(world: World) -> World:
    """The same world, whose user trusts the root that the evidence comes with."""
    (_, root) = split(tpm(world).certificates)
    name = fingerprint(x509.load_der_x509_certificate(root))
    return world.bend(policy=Policy(roots={name: Level.CONFIDENTIAL_VM}, least=Level.MEASURED_BOOT))


def another_role(world: World) -> World:
    made = world.attest()
    bound = replace(made.bound, role="auditor")
    return world.bend(proof=changed(made, bound=bound, evidence=world.attester.quote(bound.digest())))


def other_identity(world: World) -> TlsIdentity:
    return TlsIdentity.born(["127.0.0.1"], lifetime=3600, now=world.now)


def other_tpm_key(world: World) -> World:
    return world.bend(attester=replace(PaperTpm(events=EVENTS), certificates=tpm(world).certificates))


BENT: dict[str, tuple[Callable[[World], World], str, str]] = {
    # name of the case: (what is wrong, the one check that fails, its code)
    "another TLS key answers": (
        lambda w: w.bend(seen=Seen(other_identity(w).spki, w.nonce, w.session)),
        "tls.key",
        "tls.other-key",
    ),
    "a relay has a session of its own with the node": (
        lambda w: w.bend(seen=Seen(w.tls.spki, w.nonce, bytes(32))),
        "tls.session",
        "tls.other-session",
    ),
    "the proof was made for a file": (
        lambda w: w.bend(seen=Seen(w.tls.spki, w.nonce, w.session), session=UNBOUND),
        "tls.session",
        "tls.other-session",
    ),
    "the TLS identity has run out": (
        lambda w: w.bend(tls=TlsIdentity.born(["a"], lifetime=60, now=NOW - 3600)),
        "tls.key",
        "tls.expired",
    ),
    "an unknown kind of evidence": (another_kind, "evidence.kind", "evidence.unknown-kind"),
    "evidence with a part missing": (
        lambda w: w.bend(
            proof=changed(made := w.attest(), evidence=Evidence("tpm2", {"log": made.evidence.fields["log"]}))
        ),
        "evidence.kind",
        "evidence.form",
    ),
    "a vendor's root that nobody named": (vendor, "evidence.root", "evidence.unknown-root"),
    "a certificate for an endorsement key": (
        lambda w: pinned(vendor(w, purpose="2.23.133.8.1")),
        "evidence.key",
        "evidence.purpose",
    ),
    "evidence for another role": (another_role, "node.key", "node.other-role"),
    "a development root that nobody named": (
        lambda w: w.bend(policy=Policy(least=Level.DEVELOPMENT)),
        "evidence.root",
        "evidence.development-root",
    ),
    "another development root": (
        lambda w: w.bend(attester=tpm(w).under(DevelopmentRoot.new())),
        "evidence.root",
        "evidence.development-root",
    ),
    "a certificate that has run out": (expired_certificate, "evidence.root", "evidence.certificate-expired"),
    "no certificates": (lambda w: evidence(w, certificates=b""), "evidence.root", "evidence.chain"),
    "a key that signs anything": (
        lambda w: w.bend(attester=replace(tpm(w), attributes=0x00040072).under(w.root)),
        "evidence.key",
        "evidence.loose-key",
    ),
    "a key that the certificate does not name": (other_tpm_key, "evidence.key", "evidence.other-key"),
    "a signature of another TPM": (
        lambda w: evidence(w, attest=w.attest().evidence.fields["attest"], signature=tpm(w).sign(b"else")),
        "evidence.signature",
        "evidence.signature",
    ),
    "something that a TPM did not make": (
        lambda w: w.bend(attester=replace(tpm(w), magic=0xFF544346)),
        "evidence.signature",
        "tpm2.magic",
    ),
    "a TPM's statement that is no quote": (
        lambda w: w.bend(attester=replace(tpm(w), kind=0x8017)),
        "evidence.signature",
        "tpm2.type",
    ),
    "evidence bound to something else than it says": (
        lambda w: evidence(w, **w.bend(nonce=bytes(32)).attest().evidence.fields),
        "evidence.binding",
        "evidence.other-binding",
    ),
    "a log that the registers did not take": (bent_log, "evidence.log", "evidence.log-differs"),
    "a log in another spelling": (lambda w: evidence(w, log=b"[ ]"), "evidence.log", "evidence.log-form"),
    "a quote over no registers": (
        lambda w: w.bend(attester=replace(tpm(w), selection=bytes.fromhex("00000001 000b 03 000000"))),
        "evidence.log",
        "evidence.selection",
    ),
    "a quote over the SHA-1 bank": (
        lambda w: w.bend(attester=replace(tpm(w), selection=bytes.fromhex("00000001 0004 03 ffff00"))),
        "evidence.log",
        "evidence.selection",
    ),
    "old evidence beside a fresh statement": (old_evidence, "evidence.fresh", "evidence.replayed"),
    "a statement signed by nobody": (
        lambda w: w.bend(proof=changed(w.attest(), signature=bytes(64))),
        "statement.signature",
        "statement.signature",
    ),
    "a statement signed by another key": (
        lambda w: said(w, NodeKey.born()),
        "statement.signature",
        "statement.signature",
    ),
    "evidence about another node": (
        lambda w: w.bend(
            proof=changed(
                w.attest(),
                bound=(other := w.bend(key=NodeKey.born()).attest()).bound,
                evidence=other.evidence,
            )
        ),
        "node.key",
        "node.other-key",
    ),
    "a statement about another node": (
        lambda w: node_facts(said(w, node=bytes(32)), id=bytes(32)),
        "statement.subject",
        "statement.other-node",
    ),
    "a statement about another TLS key": (
        lambda w: said(w, tls=bytes(32)),
        "statement.subject",
        "statement.other-tls",
    ),
    "a statement about another chain": (
        lambda w: said(w, chain=1),
        "statement.subject",
        "statement.other-chain",
    ),
    "a statement about another DAO": (
        lambda w: said(w, dao=STRANGER),
        "statement.subject",
        "statement.other-dao",
    ),
    "a statement about another registry": (
        lambda w: said(w, registry=STRANGER),
        "statement.subject",
        "statement.other-registry",
    ),
    "an old statement beside fresh evidence": (
        lambda w: said(w, nonce=bytes(32)),
        "statement.fresh",
        "statement.replayed",
    ),
    "a statement of an hour ago": (
        lambda w: said(w, time=NOW - 1800),
        "statement.fresh",
        "statement.old",
    ),
    "evidence that is older than the user wants": (
        lambda w: said(w.bend(policy=replace(w.policy, evidence_age=100, skew=0)), time=NOW - 200),
        "evidence.age",
        "evidence.old",
    ),
    "a machine without a name, where only some are let in": (
        lambda w: w.bend(policy=replace(w.policy, hardware=frozenset({"tpm2:" + "ab" * 32}))),
        "evidence.hardware",
        "hardware.unnamed",
    ),
    "a statement of tomorrow": (lambda w: said(w, time=NOW + DAY), "statement.fresh", "statement.future"),
    "a chain that has stopped": (
        lambda w: w.chain(block=FinalBlock(1_001, bytes(32), NOW - 2 * 3600)),
        "chain.fresh",
        "chain.stale",
    ),
    "a chain of tomorrow": (
        lambda w: w.chain(block=FinalBlock(1_001, bytes(32), NOW + DAY)),
        "chain.fresh",
        "chain.future",
    ),
    "a node that does not read the chain any more": (
        lambda w: read_at(w, replace(BLOCK, timestamp=NOW - DAY)),
        "statement.block",
        "statement.block-old",
    ),
    "a node that says that an old block is new": (
        lambda w: read_at(w, replace(BLOCK, timestamp=NOW - DAY), said=BLOCK),
        "statement.block",
        "statement.block-time",
    ),
    "a node that says that a new block is newer": (
        lambda w: read_at(w, BLOCK, said=replace(BLOCK, timestamp=NOW - 1)),
        "statement.block",
        "statement.block-time",
    ),
    "a block to come, of yesterday": (
        lambda w: w.bend(release=approved(block=FinalBlock(2_000, bytes(32), NOW - DAY))),
        "statement.block",
        "statement.block-time",
    ),
    "a block to come, of tomorrow": (
        lambda w: w.bend(release=approved(block=FinalBlock(2_000, bytes(32), NOW + DAY))),
        "statement.block",
        "statement.block-time",
    ),
    "a node on another fork": (
        lambda w: w.chain(blocks={BLOCK.number: replace(BLOCK, hash=bytes(32))}),
        "statement.block",
        "statement.other-fork",
    ),
    "a block that nobody has": (
        lambda w: w.chain(blocks={}),
        "statement.block",
        "statement.block-unknown",
    ),
    "one byte of the measured software changed": (
        one_byte_of_the_software_changed,
        "os.measurement",
        "os.not-accepted",
    ),
    "a measurement in its waiting period": (
        lambda w: w.chain(measurements={tpm(w).measurement: NOW + DAY}),
        "os.measurement",
        "os.waiting",
    ),
    "a measurement that the policy does not name": (
        lambda w: w.bend(policy=replace(w.policy, measurements=frozenset({bytes(32)}))),
        "os.measurement",
        "os.not-in-policy",
    ),
    "a node listed with other software": (
        lambda w: node_facts(w, measurement=bytes(32)),
        "os.measurement",
        "os.not-as-listed",
    ),
    "a node that nobody lists": (lambda w: w.chain(nodes={}), "node.registered", "node.unknown"),
    "a node listed with another key": (
        lambda w: node_facts(w, id=NodeKey.born().id),
        "node.registered",
        "node.not-as-listed",
    ),
    "a node of a provider that the DAO does not know": (
        lambda w: node_facts(w, authorised=False),
        "node.registered",
        "node.not-authorised",
    ),
    "a bundle that was never published": (
        lambda w: w.chain(releases={}),
        "release.active",
        "release.unknown",
    ),
    "a revoked release": (
        lambda w: w.listed(revoked=True).chain(active=None),
        "release.active",
        "release.revoked",
    ),
    "a halted release": (
        lambda w: w.listed(halted=True).chain(active=None),
        "release.active",
        "release.halted",
    ),
    "a replaced release": (lambda w: w.chain(active=OTHER), "release.active", "release.not-live"),
    "nothing live": (lambda w: w.chain(active=None), "release.active", "release.not-live"),
    "another release number": (lambda w: said(w, release=3), "release.active", "release.other-number"),
    "an emergency release that has died": (
        lambda w: w.listed(expires=NOW, emergency=True, laps=(Lap("emergency", 9, 9),)),
        "release.active",
        "release.expired",
    ),
    "another proposal": (lambda w: said(w, proposal=7), "release.proposal", "release.other-proposal"),
    "an emergency release under another's proposal": (
        lambda w: said(emergency(w), proposal=7),
        "release.proposal",
        "release.other-proposal",
    ),
    "a proposal that was not executed": (
        lambda w: w.listed(executed=False),
        "release.proposal",
        "release.not-executed",
    ),
    "no proposal at all": (
        lambda w: said(w.listed(proposal=0), proposal=0),
        "release.proposal",
        "release.other-proposal",
    ),
    "a lap that was cut short": (
        lambda w: w.listed(laps=(Lap("review", 8, 8), Lap("vote", 9, 9), Lap("deployment", 2 * DAY - 1, 2 * DAY))),
        "release.laps",
        "release.lap-short",
    ),
    "a lap that nobody recorded": (
        lambda w: w.listed(laps=(Lap("review", 8, 8), Lap("vote", 9, 9))),
        "release.laps",
        "release.lap-missing",
    ),
    "a lap shorter than the user asks for": (
        lambda w: w.bend(policy=replace(w.policy, laps={"vote": 4 * DAY})),
        "release.laps",
        "release.lap-policy",
    ),
    "a swapped image": (
        lambda w: w.bend(images={**IMAGES, "web": "sha256:" + "9" * 64}),
        "release.images",
        "release.other-images",
    ),
    "an image too many": (
        lambda w: w.bend(images={**IMAGES, "miner": "sha256:" + "9" * 64}),
        "release.images",
        "release.other-images",
    ),
    "images that providers do not agree on": (
        lambda w: w.listed(images=None),
        "release.images",
        "release.images-not-agreed",
    ),
    "a level below what the user asks for": (
        lambda w: w.bend(policy=replace(w.policy, least=Level.MEASURED_BOOT)),
        "level",
        "level.too-low",
    ),
}


def test_a_node_that_does_everything_right_is_accepted_for_what_it_is(world: World) -> None:
    report = world.report()
    assert [(check.name, check.verdict) for check in report.checks] == [(name, Verdict.PASS) for name in CHECKS]
    assert (report.verdict, report.level) == (Answer.ACCEPT, Level.DEVELOPMENT)


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
