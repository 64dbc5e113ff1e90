"""A machine shows the newest good certificates of its attestation key, and never forgets good ones for bad ones."""

import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cyberprivacy.attest.judge import VERIFIERS, judge_evidence, proven
from cyberprivacy.attest.machine import NoHardware, confidential, trusted_platform
from cyberprivacy.attest.policy import Policy
from cyberprivacy.attest.snp.product import Product
from cyberprivacy.attest.tpm2 import Public
from cyberprivacy.attest.tpmcommands import Tpm
from cyberprivacy.attest.tpmdevice import DeviceTpm
from cyberprivacy.node import files
from cyberprivacy.node.machine import CERTIFICATES, Machine
from cyberprivacy.testing.faketsm import FakeTsm
from cyberprivacy.testing.paperboot import START, PaperBoot
from cyberprivacy.testing.papertpm import PaperTpm
from cyberprivacy.testing.snp import FakeAmd
from cyberprivacy.testing.terminal import Terminal
from cyberprivacy.testing.tpm import DevelopmentRoot

pytestmark = pytest.mark.engines


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path)
    yield made
    made.close()


def shown(machine: Machine) -> bytes:
    return machine.quote(bytes(64)).fields["certificates"]


def certified(folder: Path) -> bytes:
    """What a new root says of the machine's key."""
    public = (folder / "tpm" / "attestation-key.pub").read_bytes()
    return DevelopmentRoot.new().certify(Public.parse(public))


def test_renewed_certificates_are_shown_without_a_restart(machine: Machine, tmp_path: Path) -> None:
    assert shown(machine) == b""
    for _ in range(3):
        new = certified(tmp_path)
        files.replace(tmp_path / "tpm" / CERTIFICATES, new)
        assert shown(machine) == new


@pytest.mark.parametrize("kind", ["half", "nothing", "another key"])
def test_bad_certificates_do_not_take_the_place_of_good_ones(machine: Machine, tmp_path: Path, kind: str) -> None:
    file, good = tmp_path / "tpm" / CERTIFICATES, certified(tmp_path)
    file.write_bytes(good)
    assert shown(machine) == good
    other = PaperTpm(events=()).under(DevelopmentRoot.new()).certificates
    file.write_bytes({"half": good[:-1], "nothing": b"", "another key": other}[kind])
    with capture_logs() as logs:
        assert [shown(machine), shown(machine)] == [good, good]
    code = "evidence.other-key" if kind == "another key" else "evidence.chain"
    assert [each["code"] for each in logs] == [code]  # said once, not at each visit
    new = certified(tmp_path)
    file.write_bytes(new)
    assert shown(machine) == new


def test_certificates_that_are_gone_or_cannot_be_read_stay_as_they_were(machine: Machine, tmp_path: Path) -> None:
    file, good = tmp_path / "tpm" / CERTIFICATES, certified(tmp_path)
    file.write_bytes(good)
    assert shown(machine) == good
    file.unlink()
    assert shown(machine) == good
    file.mkdir()
    with capture_logs() as logs:
        assert shown(machine) == good
    assert [each["code"] for each in logs] == ["node.certificates"]


def test_a_confidential_vm_proves_itself_with_its_processor(tmp_path: Path) -> None:
    amd = FakeAmd.new(Product.GENOA, now=int(time.time()))
    report = tmp_path / "report"
    report.mkdir()
    with FakeTsm.of_chip(amd.chip()).mounted(report), capture_logs() as logs:
        made = Machine(tmp_path, hardware=True, candidates=[confidential(lambda found: found, folder=report)])
        evidence = made.quote(bytes(64))
        again = Machine(tmp_path, hardware=True, candidates=[confidential(lambda found: found, folder=report)])
    policy = Policy().allowing_development(amd.fingerprint)
    assert proven(judge_evidence(evidence, bytes(64), policy, int(time.time())))
    assert made.measurement == VERIFIERS["sev-snp"].measurement(evidence)
    assert made.key.id != again.key.id, "nothing keeps a key over restarts there"
    assert [each["code"] for each in logs if "code" in each] == ["node.key-born"] * 2


def test_a_machine_with_a_tpm_keeps_its_key_for_the_same_start_only(tmp_path: Path) -> None:
    boot, log = PaperBoot(START.events[1:]), tmp_path / "log"
    log.write_bytes(boot.encode())
    terminal = Terminal().engine(tmp_path / "chip")
    device = DeviceTpm(terminal.path)
    for event in boot.events:
        Tpm(device).extend(event.register, sha256(event.digested).digest())
    device.close()
    candidates = [trusted_platform(tmp_path / "tpm", device=terminal.path, log=log)]

    def start() -> tuple[bytes, bytes]:
        made = Machine(tmp_path, hardware=True, candidates=candidates)
        evidence = made.quote(bytes(64))
        made.close()
        assert VERIFIERS["tpm2"].measurement(evidence) == made.measurement
        return made.key.id, evidence.fields["certificates"]

    first, none = start()
    files.replace(tmp_path / "tpm" / CERTIFICATES, certified(tmp_path))
    second, chain = start()
    assert (second, none) == (first, b"")
    assert chain
    device = DeviceTpm(terminal.path)
    Tpm(device).extend(12, bytes(32))
    device.close()
    with capture_logs() as logs:
        assert start()[0] != first
    assert "node.key-lost" in [each.get("code") for each in logs]
    terminal.close()


def test_a_node_that_is_to_use_hardware_does_not_start_without(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    with pytest.raises(NoHardware):
        Machine(tmp_path, hardware=True, candidates=[trusted_platform(tmp_path, device=nowhere)])
