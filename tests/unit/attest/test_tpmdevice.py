"""A TPM behind a device file. Here a terminal stands in for the kernel's driver, with a real swtpm at its other end."""

import os
import threading
import time
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest

from cyberprivacy.attest.authority import DAY
from cyberprivacy.attest.enrolment import Vendors, vouch
from cyberprivacy.attest.evidence import Findings
from cyberprivacy.attest.quote import Tpm2Verifier
from cyberprivacy.attest.report import Level, Verdict
from cyberprivacy.attest.tpmcommands import Tpm, TpmGone
from cyberprivacy.attest.tpmdevice import KEY_FILE, DeviceTpm, NoTpm, OtherTpm, TpmAttester, read_event_log
from cyberprivacy.attest.tpmenrolment import accept, ask
from cyberprivacy.attest.tpmtemplates import ENDORSEMENT_ECC
from cyberprivacy.testing.paperboot import START, PaperBoot, honest
from cyberprivacy.testing.terminal import Terminal
from cyberprivacy.testing.tpm import DevelopmentRoot, FakeVendor

BINDING = bytes(range(64))
BOOT = PaperBoot(START.events[1:])  # swtpm was started by nobody in particular
GET_RANDOM = bytes.fromhex("80010000000c0000017b0008")


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    made = Terminal()
    yield made
    made.close()


@pytest.fixture
def machine(tmp_path: Path, terminal: Terminal) -> Terminal:
    """A machine that was started as its log says."""
    terminal.engine(tmp_path / "chip")
    device = DeviceTpm(terminal.path)
    for event in BOOT.events:
        Tpm(device).extend(event.register, sha256(event.digested).digest())
    device.close()
    (tmp_path / "log").write_bytes(BOOT.encode())
    return terminal


def attester(machine: Terminal, tmp_path: Path) -> TpmAttester:
    return TpmAttester(tmp_path / "keys", device=machine.path, log=tmp_path / "log", timeout=20)


def judged(made: TpmAttester, root: DevelopmentRoot) -> Findings:
    evidence = made.quote(BINDING)
    roots = {root.fingerprint: Level.DEVELOPMENT}
    return Tpm2Verifier().judge(evidence, binding=BINDING, roots=roots, now=int(time.time()))


@pytest.mark.engines
def test_a_machine_enrols_and_its_start_is_believed(machine: Terminal, tmp_path: Path) -> None:
    root, vendor = DevelopmentRoot.new(), FakeVendor.new()
    made = attester(machine, tmp_path)
    vendor.provision(made.held.tpm, 0x01C0000A, ENDORSEMENT_ECC)
    vendors = Vendors(roots=frozenset({vendor.fingerprint}), issuers=vendor.issuers)
    answer = vouch(ask(made.held), root.authority, vendors, now=int(time.time()), life=DAY)
    findings = judged(made.certified(accept(made.held, answer)), root)
    made.close()
    assert {check.verdict for check in findings.checks} == {Verdict.PASS}
    assert findings.measurement == made.measurement
    assert findings.facts["boot_secure"] == "on"
    assert "tpm_ek" in findings.facts


@pytest.mark.engines
def test_what_was_measured_beside_the_log_is_seen(machine: Terminal, tmp_path: Path) -> None:
    root = DevelopmentRoot.new()
    made = attester(machine, tmp_path)
    made.certified(root.certify(made.held.public))
    assert {check.verdict for check in judged(made, root).checks} == {Verdict.PASS}
    made.held.tpm.extend(12, bytes(32))
    assert [check.code for check in judged(made, root).checks if check.verdict is Verdict.FAIL] == [
        "evidence.log-differs"
    ]
    made.close()


@pytest.mark.engines
def test_the_key_stays_the_same_over_restarts_and_is_nobody_elses_to_read(
    machine: Terminal, tmp_path: Path
) -> None:
    first = attester(machine, tmp_path)
    first.close()
    for _ in range(5):  # a TPM has three slots for keys: none is left in use
        again = attester(machine, tmp_path)
        assert again.held.public == first.held.public
        assert again.quote(BINDING).fields["public"] == first.held.public.raw
        again.close()
    path = tmp_path / "keys" / KEY_FILE
    assert path.stat().st_mode & 0o777 == 0o600
    (tmp_path / "keys" / KEY_FILE).unlink()
    other = attester(machine, tmp_path)
    assert other.held.public != first.held.public
    other.close()


@pytest.mark.engines
def test_a_kept_key_of_another_tpm_or_a_damaged_one_is_never_replaced(machine: Terminal, tmp_path: Path) -> None:
    attester(machine, tmp_path).close()
    path = tmp_path / "keys" / KEY_FILE
    good = path.read_bytes()
    for damaged in (b"", good[:-1], good + b"x", good[:9] + bytes([good[9] ^ 1]) + good[10:]):
        path.write_bytes(damaged)
        with pytest.raises(OtherTpm) as refusal:
            attester(machine, tmp_path)
        assert refusal.value.code == "tpm.other-key"
        assert path.read_bytes() == damaged
    path.write_bytes(good)
    machine.kill()
    machine.engine(tmp_path / "another chip")
    with pytest.raises(OtherTpm):
        attester(machine, tmp_path)
    assert path.read_bytes() == good


@pytest.mark.engines
def test_a_device_that_failed_is_opened_again_by_the_next_quote(machine: Terminal, tmp_path: Path) -> None:
    made = attester(machine, tmp_path)
    made._transport.close()
    assert made.quote(BINDING).kind == "tpm2"
    machine.kill()
    made._transport._timeout = made._timeout = 0.05
    with pytest.raises(TpmGone):
        made.quote(BINDING)
    made.close()


def test_no_device_is_misuse_and_says_what_to_do(tmp_path: Path) -> None:
    for path in (tmp_path / "tpmrm0", Path("/dev/null/tpm")):
        with pytest.raises(NoTpm) as refusal:
            DeviceTpm(path)
        assert (refusal.value.code, refusal.value.exit_code) == ("tpm.device", 2)
        assert refusal.value.hint


def test_silence_ends_after_a_while_and_a_late_answer_is_never_taken_for_another(terminal: Terminal) -> None:
    device = DeviceTpm(terminal.path, timeout=0.05)
    with pytest.raises(TpmGone, match="does not answer"):
        device.exchange(GET_RANDOM)
    os.write(terminal.behind, bytes.fromhex("80010000000a00000000"))
    with pytest.raises(TpmGone):
        device.exchange(GET_RANDOM)
    device.close()


@pytest.mark.parametrize("answer", ["8001 00001001 00000000", "8001 ffffffff 00000000"])
def test_an_answer_of_no_possible_size_is_refused(terminal: Terminal, answer: str) -> None:
    device = DeviceTpm(terminal.path, timeout=5)
    os.write(terminal.behind, bytes.fromhex(answer))
    with pytest.raises(TpmGone):
        device.exchange(GET_RANDOM)
    assert device._device < 0


def test_an_answer_may_come_in_pieces(terminal: Terminal) -> None:
    answer = bytes.fromhex("8001 00000014 00000000 0008 0102030405060708")

    def slowly() -> None:
        os.read(terminal.behind, 100)
        for at in range(len(answer)):
            os.write(terminal.behind, answer[at : at + 1])

    other = threading.Thread(target=slowly)
    other.start()
    device = DeviceTpm(terminal.path, timeout=5)
    assert device.exchange(GET_RANDOM) == answer
    other.join()
    device.close()


def test_a_device_that_ends_is_gone(tmp_path: Path) -> None:
    empty = tmp_path / "device"
    empty.write_bytes(b"")
    with pytest.raises(TpmGone):
        DeviceTpm(empty, timeout=1).exchange(GET_RANDOM)


def test_an_event_log_is_read_up_to_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "log"
    with pytest.raises(NoTpm) as refusal:
        read_event_log(path)
    assert refusal.value.code == "tpm.event-log"
    path.write_bytes(PaperBoot((honest(0, 1, b""),)).encode())
    assert read_event_log(path) == path.read_bytes()
    path.write_bytes(bytes((256 << 10) + 1))
    with pytest.raises(NoTpm):
        read_event_log(path)
