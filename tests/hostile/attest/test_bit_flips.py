"""Whoever changes one bit of what was signed is refused; whoever changes one anywhere else gains nothing."""

import base64
import json
from collections.abc import Iterator

import pytest

from cyberprivacy.attest.report import Report
from cyberprivacy.attest.statement import parse
from cyberprivacy.attest.verify import CHECKS, Seen, verify
from cyberprivacy.testing.attested import World

# the X.509 library warns of what it will refuse one day, and we refuse now
pytestmark = pytest.mark.filterwarnings("ignore:Parsed a serial number")


@pytest.fixture(scope="module")
def world() -> World:
    return World.new().proved()


def flips(data: bytes) -> Iterator[bytes]:
    for at in range(len(data)):
        for bit in range(8):
            yield data[:at] + bytes([data[at] ^ 1 << bit]) + data[at + 1 :]


def judged(world: World, proof: bytes) -> Report:
    seen = Seen(world.tls.spki, world.nonce, world.session)
    report = verify(proof, seen=seen, facts=world.facts, policy=world.policy, now=world.now)
    assert tuple(check.name for check in report.checks) == CHECKS
    return report


def with_field(proof: bytes, name: str, data: bytes) -> bytes:
    document = json.loads(proof)
    document["evidence"]["fields"][name] = base64.b64encode(data).decode()
    return json.dumps(document, sort_keys=True, separators=(",", ":")).encode()


def test_every_flipped_bit_of_a_quote_is_rejected(world: World) -> None:
    attest = parse(world.proof).evidence.fields["attest"]
    assert judged(world, with_field(world.proof, "attest", attest)).accepted
    for flipped in flips(attest):
        report = judged(world, with_field(world.proof, "attest", flipped))
        assert [check.name for check in report.failures] == ["evidence.signature"]


def test_every_flipped_bit_of_a_log_is_rejected(world: World) -> None:
    log = parse(world.proof).evidence.fields["log"]
    for flipped in flips(log):
        report = judged(world, with_field(world.proof, "log", flipped))
        assert [check.name for check in report.failures] == ["evidence.log"]


ATTRIBUTES = slice(4, 8)
"""Of a public area, after its type and the algorithm of its name. Source: TPM 2.0 Part 2, 12.2.4 (TPMT_PUBLIC)."""

JUDGED = {"fixedTPM": 1, "fixedParent": 4, "sensitiveDataOrigin": 5, "restricted": 16, "decrypt": 17, "sign": 18}
"""Bits of TPMA_OBJECT that say whether a key signs only what its TPM made. Source: Part 2, 8.3."""


def test_no_flipped_bit_of_a_public_area_is_accepted_but_those_that_are_of_its_owners_concern(
    world: World,
) -> None:
    public = parse(world.proof).evidence.fields["public"]
    accepted: set[int] = set()
    for flipped in flips(public):
        if judged(world, with_field(world.proof, "public", flipped)).accepted:
            assert flipped[:4] + flipped[8:] == public[:4] + public[8:]
            changed = int.from_bytes(flipped[ATTRIBUTES]) ^ int.from_bytes(public[ATTRIBUTES])
            accepted.add(changed.bit_length() - 1)
    assert accepted == set(range(32)) - set(JUDGED.values())


def test_every_flipped_bit_of_a_statement_is_rejected(world: World) -> None:
    start = world.proof.index(b'"statement":') + len(b'"statement":')
    end = world.proof.index(b',"v":1}', world.proof.index(b'"tls":', start)) + len(b',"v":1}')
    assert json.loads(world.proof[start:end])["bundle"].startswith("bafybei")
    for flipped in flips(world.proof[start:end]):
        report = judged(world, world.proof[:start] + flipped + world.proof[end:])
        assert not report.accepted
        assert report.failures


def test_no_flipped_bit_of_a_certificate_crashes_or_raises_the_level(world: World) -> None:
    chain = parse(world.proof).evidence.fields["certificates"]
    good = judged(world, world.proof)
    for at in range(len(chain)):
        for bit in (0, 5, 7):
            flipped = chain[:at] + bytes([chain[at] ^ 1 << bit]) + chain[at + 1 :]
            report = judged(world, with_field(world.proof, "certificates", flipped))
            assert not report.accepted or report.facts == good.facts
            assert report.level in (None, good.level)


def test_no_flipped_bit_of_a_whole_proof_crashes_or_changes_what_is_proven(world: World) -> None:
    good = judged(world, world.proof)
    for at in range(len(world.proof)):
        flipped = bytearray(world.proof)
        flipped[at] ^= 1 << (at % 8)
        report = judged(world, bytes(flipped))
        if report.accepted:  # bytes around the signed regions: an unused part of a certificate, a second signature
            assert report.facts == good.facts


def test_a_proof_cut_anywhere_is_one_failed_check(world: World) -> None:
    for end in range(0, len(world.proof), 7):
        assert [check.name for check in judged(world, world.proof[:end]).failures] == ["attestation.form"]
