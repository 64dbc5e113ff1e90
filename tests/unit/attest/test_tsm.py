"""The attester over configfs-tsm, unmodified, on a file system that answers as the kernel does."""

import errno
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha384
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.machine import Candidate, Found, confidential, find
from cyberprivacy.attest.report import Level
from cyberprivacy.attest.snp.product import Product, Tcb
from cyberprivacy.attest.snp.verifier import SnpVerifier
from cyberprivacy.attest.tdx.verifier import TdxVerifier
from cyberprivacy.attest.tsm import ATTEMPTS, NoTsm, TsmAttester, TsmSilent
from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted
from cyberprivacy.testing import papertd
from cyberprivacy.testing.faketsm import FakeTsm
from cyberprivacy.testing.papertd import PaperTd
from cyberprivacy.testing.snp import FakeAmd, FakeChip
from cyberprivacy.testing.tdx import PaperIntel

pytestmark = pytest.mark.engines

NOW = 1_800_000_000
BINDING = bytes(range(64))


@pytest.fixture(scope="module")
def amd() -> FakeAmd:
    return FakeAmd.new(Product.GENOA, now=NOW)


@pytest.fixture(scope="module")
def chip(amd: FakeAmd) -> FakeChip:
    return replace(amd.chip(), crl=amd.crl())


@pytest.fixture(scope="module")
def td() -> PaperTd:
    return PaperTd.under(PaperIntel.new(now=NOW)).having([(0, 1, sha384(b"kernel").digest(), b"kernel")])


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    made = tmp_path / "report"
    made.mkdir()
    yield made
    assert list(made.iterdir()) == []  # the mount is gone, too


def as_it_is(evidence: Evidence) -> Evidence:
    return evidence


def attester(
    folder: Path, *, timeout: float = 10.0, privlevel: int | None = None, ccel: Path | None = None
) -> TsmAttester:
    return TsmAttester(
        as_it_is, folder=folder, ccel=ccel or folder.parent / "CCEL", timeout=timeout, privlevel=privlevel
    )


def test_a_guest_of_sev_snp_proves_itself_with_what_its_host_hands_out(
    folder: Path, amd: FakeAmd, chip: FakeChip
) -> None:
    tsm = FakeTsm.of_chip(chip)
    with tsm.mounted(folder):
        evidence = attester(folder).quote(BINDING)
    roots = {amd.fingerprint: Level.DEVELOPMENT}
    findings = SnpVerifier().judge(evidence, binding=BINDING, roots=roots, now=NOW)
    assert [check.code for check in findings.checks] == ["ok"] * 6
    assert evidence.kind == "sev-snp"
    assert evidence.fields.keys() == {"report", "certificates", "crl"}
    assert tsm.asked == [(BINDING, 0)]
    assert tsm.items == {}


def test_a_td_proves_itself(folder: Path, td: PaperTd) -> None:
    ccel = folder.parent / "CCEL"
    ccel.write_bytes(papertd.log(td.events or ()))

    def complete(evidence: Evidence) -> Evidence:
        return Evidence(evidence.kind, {**evidence.fields, "collateral": td.intel.collateral()})

    with FakeTsm.of_td(td).mounted(folder):
        evidence = TsmAttester(complete, folder=folder, ccel=ccel).quote(BINDING)
    roots = {td.intel.fingerprint: Level.DEVELOPMENT}
    findings = TdxVerifier().judge(evidence, binding=BINDING, roots=roots, now=NOW)
    assert [check.code for check in findings.checks] == ["ok"] * 6
    assert evidence.fields.keys() == {"quote", "collateral", "log"}


def test_an_event_log_that_does_not_explain_the_registers_stays_at_home(folder: Path, td: PaperTd) -> None:
    ccel = folder.parent / "CCEL"
    for log in (papertd.log([(1, 1, bytes(48), b"")]), b"no log", bytes(300 << 10)):
        ccel.write_bytes(log)
        with FakeTsm.of_td(td).mounted(folder), capture_logs() as said:
            assert attester(folder, ccel=ccel).quote(BINDING).fields.keys() == {"quote"}
        assert len(said) == 1


def test_a_host_that_hands_out_nothing_or_nonsense_is_no_obstacle(folder: Path, chip: FakeChip) -> None:
    bare = FakeTsm.of_chip(chip, certificates=False)
    nonsense = replace(bare, hardware=lambda blob, level: (bare.hardware(blob, level)[0], b"\x01" * 100))
    for tsm in (bare, nonsense):
        with tsm.mounted(folder):
            assert attester(folder).quote(BINDING).fields.keys() == {"report"}


def test_a_certificate_from_before_an_update_of_the_firmware_stays_at_home(
    folder: Path, amd: FakeAmd, chip: FakeChip
) -> None:
    table = FakeTsm.of_chip(chip).hardware(BINDING, 0)[1]
    newer = chip.bend(reported_tcb=Tcb(bootloader=10, snp=0x18, microcode=0x54).encode(Product.GENOA))
    for other in (newer, amd.chip()):
        genuine = FakeTsm.of_chip(other).hardware
        tsm = replace(
            FakeTsm.of_chip(other), hardware=lambda blob, level, ask=genuine: (ask(blob, level)[0], table)
        )  # type: ignore[misc]
        with tsm.mounted(folder), capture_logs() as said:
            assert attester(folder).quote(BINDING).fields.keys() == {"report"}
        assert [event["code"] for event in said] == ["tsm.host-table"]


@pytest.mark.parametrize("part", [1, 7, 1183, 1184])
def test_short_reads_are_read_on(folder: Path, chip: FakeChip, part: int) -> None:
    tsm = FakeTsm.of_chip(chip, certificates=False)
    with tsm.mounted(folder, part=part):
        assert len(attester(folder).quote(BINDING).fields["report"]) == 1184


def test_a_race_is_tried_again_and_then_given_up(folder: Path, chip: FakeChip) -> None:
    tsm = FakeTsm.of_chip(chip)
    tsm.races = 2
    with tsm.mounted(folder):
        assert attester(folder).quote(BINDING).fields["report"][0x50:0x90] == BINDING
        assert [blob for blob, _ in tsm.asked].count(BINDING) == 3
        tsm.races = ATTEMPTS
        with pytest.raises(TsmSilent) as refusal:
            attester(folder).quote(BINDING)
        assert (refusal.value.code, tsm.races, tsm.items) == ("tsm.raced", 0, {})


def test_the_highest_privilege_that_the_kernel_offers_is_asked_for(folder: Path, chip: FakeChip) -> None:
    tsm = FakeTsm.of_chip(chip)
    tsm.floor = 2
    with tsm.mounted(folder):
        attester(folder).quote(BINDING)
        attester(folder, privlevel=3).quote(BINDING)
        for level in (1, 4):
            with pytest.raises(NoTsm) as refusal:
                attester(folder, privlevel=level).quote(BINDING)
            assert refusal.value.code == "tsm.privlevel"
    assert [level for _, level in tsm.asked] == [2, 3]
    assert tsm.items == {}


REFUSALS: list[tuple[str, int, type[CyberPrivacyError], str]] = [
    ("mkdir", errno.ENXIO, Misuse, "tsm.no-provider"),
    ("mkdir", errno.EACCES, Misuse, "tsm.root"),
    ("inblob", errno.EPERM, Misuse, "tsm.root"),
    ("outblob", errno.EFBIG, Misuse, "tsm.too-large"),
    ("outblob", errno.ENOTTY, Misuse, "tsm.no-provider"),
    ("outblob", errno.EIO, TryLater, "tsm.io"),
    ("outblob", errno.EINVAL, TryLater, "tsm.io"),
    ("outblob", errno.ETIMEDOUT, TryLater, "tsm.timeout"),
    ("auxblob", errno.EIO, TryLater, "tsm.io"),
    ("generation", errno.EIO, TryLater, "tsm.io"),
]


@pytest.mark.parametrize(("file", "number", "kind", "code"), REFUSALS)
def test_every_refusal_of_the_kernel_has_its_name(
    folder: Path, chip: FakeChip, file: str, number: int, kind: type[CyberPrivacyError], code: str
) -> None:
    tsm = FakeTsm.of_chip(chip)
    tsm.errors[file] = [number]
    with tsm.mounted(folder), pytest.raises(kind) as refusal:
        attester(folder).quote(BINDING)
    assert refusal.value.code == code
    assert refusal.value.hint
    assert tsm.items == {}


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EAGAIN])
def test_busy_hardware_is_asked_again_a_few_times(folder: Path, chip: FakeChip, number: int) -> None:
    tsm = FakeTsm.of_chip(chip)
    tsm.errors["outblob"] = [number, number]
    with tsm.mounted(folder):
        attester(folder).quote(BINDING)
        tsm.errors["outblob"] = [number] * ATTEMPTS
        with pytest.raises(TsmSilent) as refusal:
            attester(folder).quote(BINDING)
        assert (refusal.value.code, tsm.errors["outblob"], tsm.items) == ("tsm.busy", [], {})


def test_a_hanging_provider_is_given_up_and_cleaned_up_behind(folder: Path, chip: FakeChip) -> None:
    tsm = FakeTsm.of_chip(chip)
    tsm.hang = threading.Event()
    with tsm.mounted(folder):
        asking = attester(folder, timeout=0.2)
        for code in ("tsm.timeout", "tsm.busy"):
            with pytest.raises(TsmSilent) as refusal:
                asking.quote(BINDING)
            assert refusal.value.code == code
        assert len(tsm.items) == 1  # never two questions to hardware that hangs
        tsm.hang.set()
        worker = next(thread for thread in threading.enumerate() if thread.name == "tsm")
        worker.join(5)
        assert tsm.items == {}
        assert asking.quote(BINDING).kind == "sev-snp"


def test_an_answer_about_something_else_is_refused(folder: Path, chip: FakeChip, td: PaperTd) -> None:
    for tsm in (FakeTsm.of_chip(chip), FakeTsm.of_td(td)):
        other = replace(tsm, hardware=lambda _, level, true=tsm.hardware: true(bytes(64), level))  # type: ignore[misc]
        with other.mounted(folder), pytest.raises(Untrusted) as refusal:
            attester(folder).quote(BINDING)
        assert refusal.value.code == "tsm.other-answer"
    short = replace(FakeTsm.of_chip(chip), hardware=lambda *_: (b"\x02", b""))
    endless = replace(short, hardware=lambda *_: (bytes(1 << 20), b""))
    with endless.mounted(folder), pytest.raises(NoTsm) as too_large:
        attester(folder).quote(BINDING)
    assert too_large.value.code == "tsm.too-large"
    with short.mounted(folder), pytest.raises(Untrusted):
        attester(folder).quote(BINDING)


def test_hardware_of_an_unknown_kind_is_named(folder: Path, td: PaperTd) -> None:
    tsm = replace(FakeTsm.of_td(td), provider="arm_cca_guest")
    with tsm.mounted(folder):
        assert attester(folder).provider() == "arm_cca_guest"
        with pytest.raises(NoTsm) as refusal:
            attester(folder).quote(BINDING)
    assert (refusal.value.code, refusal.value.facts["provider"]) == ("tsm.provider", "arm_cca_guest")


def test_no_interface_is_misuse_and_so_is_another_size(folder: Path) -> None:
    gone = attester(folder / "nothing")
    for ask in (gone.provider, lambda: gone.quote(BINDING)):
        with pytest.raises(NoTsm) as refusal:
            ask()
        assert refusal.value.code == "tsm.missing"
    with pytest.raises(Misuse) as wrong:
        gone.quote(b"short")
    assert wrong.value.code == "tsm.binding"


def test_the_machine_is_found_by_asking_and_never_replaced_when_it_may_not_be_asked(
    folder: Path, chip: FakeChip
) -> None:
    tsm = FakeTsm.of_chip(chip)
    weaker = Candidate("a TPM", lambda: Found("TPM", attester(folder)))
    with tsm.mounted(folder):
        found = find([confidential(as_it_is, folder=folder), weaker])
        assert (found.what, found.attester.quote(BINDING).kind) == ("sev_guest", "sev-snp")
        tsm.errors["mkdir"] = [errno.ENXIO]  # an ordinary machine, whose kernel has the interface all the same
        assert find([confidential(as_it_is, folder=folder), weaker]).what == "TPM"
        for number in (errno.EACCES, errno.EIO):
            tsm.errors["mkdir"] = [number]
            with pytest.raises(CyberPrivacyError):
                find([confidential(as_it_is, folder=folder), weaker])


def test_what_a_killed_process_left_behind_is_removed(folder: Path, chip: FakeChip) -> None:
    tsm = FakeTsm.of_chip(chip)
    dead = subprocess.Popen([sys.executable, "-c", ""])
    dead.wait()
    with tsm.mounted(folder):
        theirs = [f"cyberprivacy-{dead.pid}-{'0' * 16}", f"cyberprivacy-{os.getpid()}-{'0' * 16}", "somebody-else"]
        for name in theirs:
            (folder / name).mkdir()
        attester(folder).quote(BINDING)
        assert list(tsm.items) == theirs[1:]
        for name in theirs[1:]:
            (folder / name).rmdir()


def test_many_threads_each_get_their_own_answer(folder: Path, chip: FakeChip) -> None:
    with FakeTsm.of_chip(chip).mounted(folder):
        asking, found = attester(folder), dict[bytes, bytes]()

        def ask(number: int) -> None:
            found[bytes([number]) * 64] = asking.quote(bytes([number]) * 64).fields["report"][0x50:0x90]

        threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 8
    assert all(asked == answered for asked, answered in found.items())
