"""The verdict on evidence about a bare key, of all three kinds, and what a policy changes in it."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.attest.bare import EvidenceDocument, key_bound
from cyberprivacy.attest.evidence import MAX_TIME, Attester, Bound, Evidence, utc
from cyberprivacy.attest.judge import (
    BARE_CHECKS,
    ONCE,
    claims,
    hardware_of,
    once,
    verify_document,
    verify_evidence,
)
from cyberprivacy.attest.policy import Policy
from cyberprivacy.attest.report import Answer, Check, Level, Report, Verdict
from cyberprivacy.attest.snp.product import Product
from cyberprivacy.attest.snp.report import Signer
from cyberprivacy.attest.tdx.policy import TdxPolicy
from cyberprivacy.testing.attested import EVENTS, World
from cyberprivacy.testing.papertd import PaperTd
from cyberprivacy.testing.papertpm import PaperTpm
from cyberprivacy.testing.snp import FakeAmd
from cyberprivacy.testing.tdx import PaperIntel
from cyberprivacy.testing.tpm import DevelopmentRoot

NOW = 1_800_000_000
KEY = sha256(b"a key").digest()
NONCE = sha256(b"a nonce").digest()
BOUND = key_bound(KEY, NONCE, since=NOW - 10, until=NOW + 600)

Asked = Callable[..., Report]


@pytest.fixture(scope="module")
def machines() -> dict[str, tuple[Attester, bytes]]:
    """An attester of each kind, and the root that vouches for it."""
    root, intel = DevelopmentRoot.new(), PaperIntel.new(now=NOW)
    amd = FakeAmd.new(Product.TURIN, now=NOW)
    return {
        "tpm2": (PaperTpm(events=EVENTS).under(root), root.fingerprint),
        "sev-snp": (amd.chip(), amd.fingerprint),
        "vlek": (amd.chip(signer=Signer.VLEK), amd.fingerprint),
        "tdx": (PaperTd.under(intel), intel.fingerprint),
    }


@pytest.fixture
def ask(machines: dict[str, tuple[Attester, bytes]]) -> Asked:
    """The verdict on evidence of a kind, under a policy that is changed in some fields."""

    def asked(
        kind: str = "sev-snp", *, bound: Bound = BOUND, evidence: Evidence | None = None, **changes: Any
    ) -> Report:
        attester, root = machines[kind]
        rest = {"at": NOW, "nonce": NONCE, "spki": KEY, "role": "key"}
        rest |= {name: changes.pop(name) for name in list(changes) if name in rest}
        policy = replace(Policy(any_software=True).allowing_development(root), **changes)
        return verify_evidence(evidence or attester.quote(bound.digest()), bound=bound, policy=policy, **rest)

    return asked


@pytest.mark.parametrize("kind", ["tpm2", "sev-snp", "vlek", "tdx"])
def test_good_evidence_of_each_kind_is_accepted_for_what_it_is(ask: Asked, kind: str) -> None:
    report = ask(kind)
    assert [check.name for check in report.checks] == list(BARE_CHECKS)
    assert (report.verdict, report.level) == (Answer.ACCEPT, Level.DEVELOPMENT)
    assert report.check("os.measurement").code == "os.any-software"
    assert (report.facts["key"], report.facts["age"]) == (KEY.hex(), 10)


def test_software_that_nobody_has_named_is_not_accepted(ask: Asked) -> None:
    report = ask(any_software=False)
    assert (report.verdict, report.failures) == (Answer.REJECT, ())
    check = report.check("os.measurement")
    assert (check.verdict, check.code) == (Verdict.SKIP, "os.no-measurements")


def test_software_that_the_policy_names_is_accepted_under_that_name(ask: Asked) -> None:
    measured = bytes.fromhex(str(ask().facts["measurement"]))
    report = ask(any_software=False, measurements=frozenset({measured}), names={measured: "Privacy OS 1.2"})
    assert report.accepted
    assert report.facts["os_release"] == "Privacy OS 1.2"
    assert "Privacy OS 1.2" in report.check("os.measurement").detail


@pytest.mark.parametrize("any_software", [True, False])
def test_a_policy_that_names_other_software_refuses_whatever_was_said_by_hand(
    ask: Asked, any_software: bool
) -> None:
    report = ask(any_software=any_software, measurements=frozenset({bytes(32)}))
    assert [check.code for check in report.failures] == ["os.not-in-policy"]


@pytest.mark.parametrize(
    ("changes", "name", "code"),
    [
        ({"spki": bytes(32)}, "bound.key", "bound.other-key"),
        ({"role": "backup"}, "bound.role", "bound.other-role"),
        ({"bound": replace(BOUND, role="backup")}, "bound.role", "bound.other-role"),
        ({"nonce": bytes(32)}, "evidence.fresh", "evidence.replayed"),
        ({"bound": replace(BOUND, until=NOW - 100, since=NOW - 200)}, "bound.valid", "bound.expired"),
        ({"bound": replace(BOUND, since=NOW - 5_000)}, "evidence.age", "evidence.old"),
        ({"evidence_age": 1, "skew": 0}, "evidence.age", "evidence.old"),
        ({"hardware": frozenset[str]()}, "evidence.hardware", "hardware.not-in-policy"),
        ({"kind": "vlek", "hardware": frozenset[str]()}, "evidence.hardware", "hardware.unnamed"),
        ({"least": Level.MEASURED_BOOT}, "level", "level.too-low"),
        ({"kind": "tdx", "tdx": TdxPolicy(evaluation=19)}, "evidence.key", "tdx.evaluation"),
        ({"kind": "tdx", "tdx": TdxPolicy(attributes=0x4000_0000)}, "evidence.log", "tdx.attributes"),
        ({"kind": "tdx", "tdx": TdxPolicy(platforms=frozenset())}, "evidence.key", "tdx.other-hardware"),
        ({"evidence": Evidence("abacus", {})}, "evidence.kind", "evidence.unknown-kind"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_fault_has_its_check_and_its_code(ask: Asked, changes: dict[str, Any], name: str, code: str) -> None:
    assert [(check.name, check.code) for check in ask(**changes).failures] == [(name, code)]


@given(st.integers(0, MAX_TIME - 1))
def test_every_moment_that_evidence_may_name_can_be_said(at: int) -> None:
    assert utc(at)


def test_a_moment_is_said_in_utc() -> None:
    assert [utc(NOW), utc(MAX_TIME - 1)] == ["2027-01-15 08:00:00Z", f"second {MAX_TIME - 1}"]


def test_evidence_from_tomorrow_is_neither_valid_nor_fresh(ask: Asked) -> None:
    codes = {check.code for check in ask(bound=replace(BOUND, since=NOW + 500)).failures}
    assert codes == {"bound.expired", "evidence.future"}


def test_without_key_or_nonce_the_report_says_what_nobody_asked(ask: Asked) -> None:
    report = ask(nonce=None, spki=None)
    assert report.accepted
    assert {check.code for check in report.checks if check.verdict is Verdict.SKIP} == {
        "offline.no-key",
        "offline.no-nonce",
        "os.any-software",
    }


def test_evidence_for_another_use_is_named(ask: Asked, machines: dict[str, tuple[Attester, bytes]]) -> None:
    other = machines["sev-snp"][0].quote(replace(BOUND, role="auditor").digest())
    assert [check.code for check in ask(evidence=other).failures] == ["evidence.other-binding"]


@pytest.mark.parametrize(("kind", "named"), [("sev-snp", "sev-snp:"), ("tdx", "tdx:00000000")])
def test_a_machine_that_the_policy_names_is_let_in(ask: Asked, kind: str, named: str) -> None:
    name = str(ask(kind).facts["hardware"])
    assert name.startswith(named)
    assert ask(kind, hardware=frozenset({name})).accepted
    assert ask(kind).facts["boot"] == ask(kind).facts.get("snp_boot", "")


def test_a_machine_without_a_name_has_none() -> None:
    assert hardware_of("sev-snp", {"snp_chip": "0" * 128}) == ""
    assert hardware_of("abacus", {"snp_chip": "1" * 128}) == ""


def test_a_version_to_come_is_unsupported_and_half_a_report_malformed(
    ask: Asked, machines: dict[str, tuple[Attester, bytes]]
) -> None:
    fields = machines["sev-snp"][0].quote(BOUND.digest()).fields
    later = Evidence("sev-snp", {**fields, "report": b"\x09" + fields["report"][1:]})
    assert ask(evidence=later).verdict is Answer.UNSUPPORTED
    half = Evidence("sev-snp", {**fields, "report": fields["report"][:600]})
    assert ask(evidence=half).verdict is Answer.MALFORMED
    assert ask(evidence=half, spki=bytes(32)).verdict is Answer.REJECT


def test_a_document_is_judged_like_its_parts(machines: dict[str, tuple[Attester, bytes]]) -> None:
    attester, root = machines["sev-snp"]
    policy = Policy(any_software=True).allowing_development(root)
    document = EvidenceDocument(BOUND, attester.quote(BOUND.digest()))
    report = verify_document(document.encode(), policy=policy, at=NOW, nonce=NONCE, spki=KEY)
    parts = verify_evidence(document.evidence, bound=BOUND, policy=policy, at=NOW, nonce=NONCE, spki=KEY)
    assert report == parts
    later = document.encode().replace(b'"v":1}', b'"v":2}')
    assert verify_document(later, policy=policy, at=NOW, nonce=None, spki=None).verdict is Answer.UNSUPPORTED


@given(st.binary(max_size=300))
def test_bytes_that_are_no_evidence_are_one_failed_check(data: bytes) -> None:
    report = verify_document(data, policy=Policy(), at=NOW, nonce=None, spki=None)
    assert [check.name for check in report.failures] == ["bare.form"]
    assert (report.verdict, [check.name for check in report.checks]) == (Answer.MALFORMED, list(BARE_CHECKS))


def test_a_document_says_what_it_is(machines: dict[str, tuple[Attester, bytes]], world: World) -> None:
    bare = EvidenceDocument(BOUND, machines["sev-snp"][0].quote(BOUND.digest())).encode()
    assert (claims(bare), claims(world.attest().encode())) == ("bare", "attestation")
    assert claims(b"[]") == claims(b'{"v":1}') == claims(b"\xff") == ""


def test_a_memory_of_what_was_seen_has_the_last_word() -> None:
    good = Report((Check.passed("level", "fine"),), Level.DEVELOPMENT)
    assert once(good, new=True).accepted
    assert [check.code for check in once(good, new=False).failures] == ["evidence.seen"]
    bad = Report((Check.failed("level", "level.too-low", ""),), Level.DEVELOPMENT)
    assert once(bad, new=None).check(ONCE).code == "needs.level"
