"""Firmware's log is believed as far as its replay is what the TPM signed, and its words as far as digests prove them."""

import struct
from collections.abc import Sequence
from dataclasses import replace
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.attest import bootlog
from cyberprivacy.attest.eventlog import MEASUREMENT_TAG
from cyberprivacy.attest.evidence import Evidence, Findings
from cyberprivacy.attest.quote import Tpm2Verifier
from cyberprivacy.attest.report import Level, Verdict
from cyberprivacy.attest.tcg2 import BadLog, Limits, parse
from cyberprivacy.testing.paperboot import (
    SEPARATOR,
    START,
    Measured,
    PaperBoot,
    command_line,
    honest,
    locality,
    secure_boot,
)
from cyberprivacy.testing.papertpm import PaperTpm
from cyberprivacy.testing.tpm import DevelopmentRoot

LOG = START.encode()
HEAD = len(PaperBoot(()).encode())
EVENT = st.builds(
    Measured,
    st.integers(0, 23),
    st.sampled_from([1, 4, 8, 13, 0x80000001, 0x80000003]),
    st.binary(max_size=40),
    st.binary(max_size=8),
)
BANKS = st.sampled_from([(0x000B,), (0x0004, 0x000B), (0x000C, 0x000B), (0x0004, 0x000B, 0x000C, 0x000D)])
BINDING = bytes(range(64))
ROOT = DevelopmentRoot.new()
NOW = int(ROOT.certificate.not_valid_before_utc.timestamp()) + 600
TPM = PaperTpm(events=(), boot=START).under(ROOT)


def judged(evidence: Evidence) -> Findings:
    return Tpm2Verifier().judge(evidence, binding=BINDING, roots={ROOT.fingerprint: Level.DEVELOPMENT}, now=NOW)


def failed(evidence: Evidence) -> list[str]:
    return [check.code for check in judged(evidence).checks if check.verdict is not Verdict.PASS]


def with_log(boot: bytes, **more: bytes) -> Evidence:
    evidence = TPM.quote(BINDING)
    return Evidence(evidence.kind, {**evidence.fields, "tcg2": boot, **more})


@given(st.lists(EVENT, max_size=12), BANKS, st.sampled_from([None, 0, 3, 4]))
def test_a_replay_is_what_an_independent_count_gives(
    events: list[Measured], banks: Sequence[int], start: int | None
) -> None:
    boot = PaperBoot([*([] if start is None else [locality(start)]), *events], banks)
    assert bootlog.read(boot.encode()).replay() == dict(enumerate(boot.registers()))


def test_a_measured_start_is_accepted_and_says_what_is_proven() -> None:
    findings = judged(TPM.quote(BINDING))
    assert {check.verdict for check in findings.checks} == {Verdict.PASS}
    assert findings.facts["boot_secure"] == "on"
    assert findings.facts["boot_firmware"] == "Firmware on paper 1.0"
    assert findings.facts["boot_command_line"] == "/vmlinuz ro quiet"
    assert findings.facts["boot_events"] == 13
    assert findings.facts["boot_explained"] == 10


def test_the_measurement_is_as_the_specification_writes_it_out() -> None:
    values = START.registers()
    written = struct.pack(">I", len(MEASUREMENT_TAG)) + MEASUREMENT_TAG + struct.pack(">I", 9) + b"tpm2-boot"
    for pcr in (4, 8, 9, 11, 12, 13):
        written += struct.pack(">IBI", 1, pcr, 32) + values[pcr]
    assert judged(TPM.quote(BINDING)).measurement == sha256(written).digest()
    assert Tpm2Verifier().measurement(TPM.quote(BINDING)) == sha256(written).digest()


@pytest.mark.parametrize(
    ("register", "same"),
    [(0, True), (1, True), (5, True), (7, True), (14, True), (4, False), (9, False), (12, False)],
)
def test_the_measurement_is_of_what_was_started_and_not_of_the_makers_firmware(register: int, same: bool) -> None:
    other = PaperBoot((*START.events, honest(register, 0x0D, b"more")))
    one, two = (judged(replace(TPM, boot=boot).quote(BINDING)).measurement for boot in (START, other))
    assert (one == two) == same


def test_a_log_that_the_registers_did_not_take_is_refused() -> None:
    for other in (START.events[:-1], (*START.events, honest(9, 13, b"x")), START.events[1:], START.events[::-1]):
        code = failed(with_log(PaperBoot(other).encode()))
        assert code in (["evidence.log-differs"], ["evidence.log-form"])  # reversed: started after it was used
    assert failed(with_log(LOG)) == []


def test_there_is_one_log() -> None:
    assert failed(with_log(LOG, log=b"[]"))[0] == "evidence.form"
    evidence = TPM.quote(BINDING)
    bare = {name: data for name, data in evidence.fields.items() if name != "tcg2"}
    assert failed(Evidence(evidence.kind, bare))[0] == "evidence.form"


def test_words_that_no_digest_proves_are_no_facts() -> None:
    lies = PaperBoot(
        (
            Measured(0, 8, "Trustworthy\0".encode("utf-16-le"), b"something else"),
            replace(secure_boot(b"\1"), digested=b"off"),
            SEPARATOR,
            replace(command_line(b"quiet"), digested=b"init=/bin/sh"),
        )
    )
    facts = bootlog.read(lies.encode()).facts()
    assert facts == {"boot_events": 4, "boot_explained": 1}


@pytest.mark.parametrize(
    ("events", "state"),
    [
        ((secure_boot(b"\1"), SEPARATOR), "on"),
        ((secure_boot(b"\0"), SEPARATOR), "off"),
        ((secure_boot(b""), SEPARATOR), "off"),
        ((secure_boot(b"\0"), SEPARATOR, secure_boot(b"\1")), "off"),
        ((SEPARATOR, secure_boot(b"\1")), None),
        ((secure_boot(b"\0"), secure_boot(b"\1")), None),
        ((secure_boot(b"\2"),), None),
        ((replace(secure_boot(b"\1"), register=8),), None),
        ((replace(secure_boot(b"\1"), kind=13),), None),
        ((), None),
    ],
)
def test_secure_boot_is_what_firmware_said_before_it_let_others_speak(
    events: tuple[Measured, ...], state: str | None
) -> None:
    assert bootlog.read(PaperBoot(events).encode()).facts().get("boot_secure") == state


def test_two_command_lines_are_none() -> None:
    boot = PaperBoot((command_line(b"ro"), command_line(b"init=/bin/sh")))
    assert "boot_command_line" not in bootlog.read(boot.encode()).facts()
    for words in (b"", b"\xff", b"a\nb", b"x" * 2000):
        assert "boot_command_line" not in bootlog.read(PaperBoot((command_line(words),)).encode()).facts()


@pytest.mark.parametrize(
    "boot",
    [
        PaperBoot((locality(1),)),
        PaperBoot((locality(3), locality(3))),
        PaperBoot((honest(0, 8, b"v"), locality(3))),
        PaperBoot((replace(locality(3), register=1),)),
        PaperBoot((honest(0, 3, b"StartupLocality\0"),)),
        PaperBoot((honest(24, 1, b""),)),
        PaperBoot((), (0x0004,)),
        PaperBoot((honest(1, 1, bytes((64 << 10) + 1)),)),
        PaperBoot([honest(1, 1, b"")] * 2049),
        PaperBoot([honest(1, 1, bytes(60 << 10))] * 5),
    ],
    ids=[
        "locality 1",
        "twice",
        "late",
        "elsewhere",
        "none",
        "register 24",
        "no SHA-256",
        "event",
        "events",
        "log",
    ],
)
def test_a_log_of_a_start_that_cannot_be_is_refused(boot: PaperBoot) -> None:
    with pytest.raises(BadLog) as refusal:
        bootlog.read(boot.encode())
    assert refusal.value.code == "tcg2.form"
    assert failed(with_log(boot.encode())) == ["evidence.log-form"]


def test_the_limits_are_just_beyond_what_is_read() -> None:
    assert bootlog.read(PaperBoot((honest(1, 1, bytes(64 << 10)),)).encode())
    assert bootlog.read(PaperBoot([honest(1, 1, b"")] * 2048).encode())


@pytest.mark.parametrize(
    ("at", "patch"),
    [
        (0, b"\2"),
        (4, b"\4"),
        (8, b"\1"),
        (32, b"s"),
        (HEAD - 1, b"\1"),
        (56, b"\0"),
        (56, b"\x09"),
        (60, b"\x0b"),
        (62, b"\x15"),
        (HEAD + 8, b"\2"),
        (HEAD + 12, b"\x05"),
        (HEAD + 12, b"\x0b"),
    ],
)
def test_another_form_is_refused(at: int, patch: bytes) -> None:
    bootlog.read(LOG)
    with pytest.raises(BadLog):
        bootlog.read(LOG[:at] + patch + LOG[at + len(patch) :])


def test_a_log_that_is_cut_off_or_goes_on_is_refused() -> None:
    whole = {
        HEAD,
        *(HEAD + len(PaperBoot(START.events[:count]).encode()) - HEAD for count in range(len(START.events))),
    }
    for end in range(len(LOG)):
        if end not in whole:
            with pytest.raises(BadLog):
                bootlog.read(LOG[:end])
    for more in (b"\0", bytes(8), b"\xff" * 64):  # only confidential machines hand their buffers out as they are
        with pytest.raises(BadLog):
            bootlog.read(LOG + more)


def test_every_flipped_bit_of_a_log_is_refused_or_changes_no_register() -> None:
    wanted, size = START.registers(), len(LOG)
    for at in range(size):
        bent = LOG[:at] + bytes([LOG[at] ^ 1 << at % 8]) + LOG[at + 1 :]
        try:
            values = bootlog.read(bent).replay()
        except BadLog:
            continue
        same = values == dict(enumerate(wanted))
        assert same or failed(with_log(bent)) == ["evidence.log-differs"]


@given(st.integers(0, 10_000), st.binary(min_size=1, max_size=8))
def test_a_log_bent_anywhere_is_read_or_refused(where: int, patch: bytes) -> None:
    at = where % len(LOG)
    try:
        bootlog.read(LOG[:at] + patch + LOG[at + len(patch) :]).facts()
    except BadLog as error:
        assert error.code == "tcg2.form"


@given(st.binary(max_size=300))
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    for bytes_ in (data, LOG[:HEAD] + data):
        try:
            parse(bytes_, Limits(log=1000, events=10, event=100), padded=True)
        except BadLog as error:
            assert error.code == "tcg2.form"


def test_the_hardware_is_named_only_by_a_certificate_for_the_key_that_signed() -> None:
    authority, validity = ROOT.authority, (NOW - 60, NOW + 60)
    for key, named in ((TPM.public, True), (PaperTpm(events=()).public, False)):
        chain = authority.sign(key.key, hardware=bytes(32), validity=validity, serial=1)
        facts = judged(replace(TPM, certificates=chain).quote(BINDING)).facts
        assert ("tpm_ek" in facts) == named
