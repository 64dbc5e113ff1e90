"""Whoever changes one bit of a TD report is refused; whoever changes one elsewhere gains no second name for it."""

from hashlib import sha256

import pytest

from cyberprivacy.attest.evidence import EVIDENCE_CHECKS, Evidence, Findings
from cyberprivacy.attest.report import Level
from cyberprivacy.attest.tdx.verifier import TdxVerifier
from cyberprivacy.testing.papertd import PaperTd
from cyberprivacy.testing.tdx import PaperIntel

# the X.509 library warns of what it will refuse one day, and we refuse now
pytestmark = pytest.mark.filterwarnings("ignore:Parsed a serial number")

NOW = 1_800_000_000
SIGNED = 48 + 584
ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of the group of points on P-256."""
EVENTS = ((0, 1, b"\1" * 48, b"firmware"), (3, 13, b"\2" * 48, b"kernel"))


@pytest.fixture(scope="module")
def intel() -> PaperIntel:
    return PaperIntel.new(now=NOW)


@pytest.fixture(scope="module")
def evidence(intel: PaperIntel) -> Evidence:
    return PaperTd.under(intel).having(EVENTS).quote(bytes(64))


def judged(evidence: Evidence, intel: PaperIntel, **fields: bytes) -> Findings:
    changed = Evidence("tdx", {**evidence.fields, **fields})
    roots = {intel.fingerprint: Level.DEVELOPMENT}
    found = TdxVerifier().judge(changed, binding=bytes(64), roots=roots, now=NOW)
    assert tuple(check.name for check in found.checks) == EVIDENCE_CHECKS
    return found


def accepted(found: Findings) -> bool:
    return all(check.acceptable for check in found.checks)


def flip(data: bytes, bit: int) -> bytes:
    changed = bytearray(data)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


def test_every_flipped_bit_of_a_td_report_is_rejected(evidence: Evidence, intel: PaperIntel) -> None:
    quote = evidence.fields["quote"]
    assert accepted(judged(evidence, intel))
    for bit in range(0, SIGNED * 8, 3):  # every byte, and each of its bits somewhere
        assert not accepted(judged(evidence, intel, quote=flip(quote, bit)))


def test_a_flip_behind_the_td_report_never_changes_its_name(evidence: Evidence, intel: PaperIntel) -> None:
    quote = evidence.fields["quote"]
    name = sha256(quote[:SIGNED]).digest()
    for bit in range(SIGNED * 8, len(quote) * 8, 11):
        assert judged(evidence, intel, quote=flip(quote, bit)).identity == name


@pytest.mark.parametrize("part", ["collateral", "log"])
def test_a_flip_in_what_comes_along_never_changes_the_name(
    part: str, evidence: Evidence, intel: PaperIntel
) -> None:
    name, data = judged(evidence, intel).identity, evidence.fields[part]
    for bit in range(0, len(data) * 8, max(1, len(data) // 80)):
        found = judged(evidence, intel, **{part: flip(data, bit)})
        assert found.identity == name
        assert found.measurement in {None, judged(evidence, intel).measurement}


def test_a_quote_cut_anywhere_is_rejected(evidence: Evidence, intel: PaperIntel) -> None:
    quote = evidence.fields["quote"]
    for size in range(0, len(quote), 37):
        assert not accepted(judged(evidence, intel, quote=quote[:size]))


def test_a_respelled_signature_is_no_second_evidence(evidence: Evidence, intel: PaperIntel) -> None:
    quote, at = evidence.fields["quote"], SIGNED + 4 + 32
    s = int.from_bytes(quote[at : at + 32], "big")
    respelled = quote[:at] + (ORDER - s).to_bytes(32, "big") + quote[at + 32 :]
    found = judged(evidence, intel, quote=respelled)
    assert accepted(found)
    assert found.identity == judged(evidence, intel).identity


def test_a_signature_out_of_range_is_rejected(evidence: Evidence, intel: PaperIntel) -> None:
    quote, at = evidence.fields["quote"], SIGNED + 4
    for half in (bytes(32), ORDER.to_bytes(32, "big"), b"\xff" * 32):
        for place in (at, at + 32):
            assert not accepted(judged(evidence, intel, quote=quote[:place] + half + quote[place + 32 :]))
