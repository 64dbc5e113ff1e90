"""Enrolment with real TPM engines: the certificate comes to light in the right TPM and in no other."""

import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cyberprivacy.attest.authority import DAY
from cyberprivacy.attest.certificates import check_chain, split
from cyberprivacy.attest.enrolment import Refused, Vendors, hardware_id, vouch
from cyberprivacy.attest.quote import Tpm2Verifier
from cyberprivacy.attest.report import Level, Verdict
from cyberprivacy.attest.swtpm import SoftwareAttester, SoftwareTpm
from cyberprivacy.attest.tpmcommands import Tpm, TpmRefused
from cyberprivacy.attest.tpmendorsement import PIECE, certificates
from cyberprivacy.attest.tpmenrolment import HeldKey, NotCertified, accept, ask
from cyberprivacy.attest.tpmtemplates import ENDORSEMENT_ECC, ENDORSEMENT_RSA
from cyberprivacy.testing.attested import EVENTS
from cyberprivacy.testing.tpm import DevelopmentRoot, FakeVendor

pytestmark = pytest.mark.engines
INDICES = {ENDORSEMENT_RSA: 0x01C00002, ENDORSEMENT_ECC: 0x01C0000A}
BINDING = bytes(range(64))


class Machine:
    """A software TPM and its attestation key."""

    def __init__(self, folder: Path) -> None:
        self.engine = SoftwareTpm(folder)
        tpm = Tpm(self.engine)
        self.held = HeldKey(tpm, *tpm.create_attestation_key())


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "tpm")
    yield made
    made.engine.close()


@pytest.fixture
def stranger(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "another tpm")
    yield made
    made.engine.close()


@pytest.fixture(scope="module")
def vendor() -> FakeVendor:
    return FakeVendor.new()


@pytest.fixture(scope="module")
def vendors(vendor: FakeVendor) -> Vendors:
    return Vendors(roots=frozenset({vendor.fingerprint}), issuers=vendor.issuers)


@pytest.fixture(scope="module")
def root() -> DevelopmentRoot:
    return DevelopmentRoot.new()


@pytest.mark.parametrize("template", [ENDORSEMENT_RSA, ENDORSEMENT_ECC], ids=["L-1", "L-2"])
def test_a_tpm_from_the_factory_gets_a_certificate_that_its_quotes_are_believed_under(
    tmp_path: Path, template: bytes, vendor: FakeVendor, vendors: Vendors, root: DevelopmentRoot
) -> None:
    machine = Machine(tmp_path)
    endorsement = vendor.provision(machine.held.tpm, INDICES[template], template)
    request = ask(machine.held)
    assert request.endorsement == endorsement
    answer = vouch(request, root.authority, vendors, now=int(time.time()), life=DAY)
    chain = accept(machine.held, answer)
    assert (len(request.certificates) > PIECE) == (template is ENDORSEMENT_RSA)  # read in one piece, or in more
    machine.engine.close()

    attester = SoftwareAttester(tmp_path, EVENTS).certified(chain)
    findings = Tpm2Verifier().judge(
        attester.quote(BINDING),
        binding=BINDING,
        roots={root.fingerprint: Level.DEVELOPMENT},
        now=int(time.time()),
    )
    attester.close()
    assert {check.verdict for check in findings.checks} == {Verdict.PASS}
    assert findings.facts["tpm_ek"] == hardware_id(endorsement).hex()


def test_the_certificates_that_a_maker_leaves_above_are_sent_along(machine: Machine, vendor: FakeVendor) -> None:
    vendor.provision(machine.held.tpm, INDICES[ENDORSEMENT_ECC], ENDORSEMENT_ECC)
    vendor.leave(machine.held.tpm, 0x01C00100, vendor.issuers[0])
    vendor.leave(machine.held.tpm, 0x01C00101, vendor.issuers[1] + bytes(100))  # indices are of round sizes
    chain = split(ask(machine.held).certificates)
    assert chain[1:] == vendor.issuers
    assert check_chain(chain, now=int(time.time())).root == vendor.fingerprint


def test_an_answer_opens_beside_both_keys_only(
    machine: Machine, stranger: Machine, vendor: FakeVendor, vendors: Vendors, root: DevelopmentRoot
) -> None:
    vendor.provision(machine.held.tpm, INDICES[ENDORSEMENT_ECC], ENDORSEMENT_ECC)
    now = int(time.time())
    request = ask(machine.held)
    good = vouch(request, root.authority, vendors, now=now, life=DAY)
    with pytest.raises(Refused) as refusal:
        accept(stranger.held, good)
    assert refusal.value.code == "enrolment.other-tpm"
    # the attestation key of another TPM, vouched for beside our endorsement key: nobody can open that
    crossed = replace(request, attestation=stranger.held.public)
    answer = vouch(crossed, root.authority, vendors, now=now, life=DAY)
    with pytest.raises(Refused) as refusal:
        accept(machine.held, answer)
    assert refusal.value.code == "enrolment.not-opened"
    identity = good.credential.identity
    bent = replace(good.credential, identity=identity[:-1] + bytes([identity[-1] ^ 1]))
    with pytest.raises(Refused) as refusal:
        accept(machine.held, replace(good, credential=bent))
    assert refusal.value.code == "enrolment.not-opened"
    assert accept(machine.held, good)


def test_a_tpm_without_a_certificate_is_told_so_and_may_bring_one(
    machine: Machine, stranger: Machine, vendor: FakeVendor
) -> None:
    assert certificates(machine.held.tpm) is None
    with pytest.raises(NotCertified):
        ask(machine.held)
    theirs = vendor.provision(stranger.held.tpm, INDICES[ENDORSEMENT_ECC], ENDORSEMENT_ECC)
    with pytest.raises(Refused) as refusal:
        ask(machine.held, vendor.certify(theirs.key))
    assert refusal.value.code == "enrolment.other-tpm"
    assert ask(stranger.held, vendor.certify(theirs.key)).endorsement == theirs


def test_an_index_that_may_not_be_read_is_a_refusal_and_not_an_absence(
    machine: Machine, vendor: FakeVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cyberprivacy.testing import tpm as testing

    monkeypatch.setattr(testing, "NV_ATTRIBUTES", testing.NV_ATTRIBUTES & ~(1 << 18))
    vendor.leave(machine.held.tpm, INDICES[ENDORSEMENT_ECC], vendor.issuers[0])
    with pytest.raises(TpmRefused):
        ask(machine.held)
