"""The launch measurement is predicted as the firmware ABI says; what cannot be launched has none."""

import struct
from dataclasses import replace
from hashlib import sha256, sha384
from pathlib import Path
from uuid import UUID

import pytest
from sevsnpmeasure.sev_mode import SevMode  # type: ignore[import-untyped]
from sevsnpmeasure.vcpu_types import CPU_SIGS  # type: ignore[import-untyped]
from sevsnpmeasure.vmm_types import VMMType  # type: ignore[import-untyped]
from sevsnpmeasure.vmsa import VMSA  # type: ignore[import-untyped]

from cyberprivacy.attest.snp.prediction import CPUS, Launch
from cyberprivacy.errors import Misuse

RESET = 0x80B004
HASHES = 0x10C00
NORMAL, VMSA_PAGE, ZERO, SECRETS, CPUID = 1, 2, 3, 5, 6
SECTIONS = [(0x800000, 0x2000, 1), (0x802000, 0x1000, 2), (0x803000, 0x1000, 3)]
WITH_KERNEL = [*SECTIONS, (0x10000, 0x1000, 0x10)]


def entry(guid: str, data: bytes) -> bytes:
    return data + struct.pack("<H", len(data) + 18) + UUID(guid).bytes_le


def firmware(sections: list[tuple[int, int, int]], *, size: int = 4 * 4096) -> bytes:
    """OVMF as far as a launch looks at it: a table of entries, 32 bytes before the end, read from behind."""
    metadata = b"ASEV" + struct.pack("<III", 16 + 12 * len(sections), 1, len(sections))
    metadata += b"".join(struct.pack("<III", *section) for section in sections)
    offset = 0x400
    table = entry("dc886566-984a-4798-a75e-5585a7bf67cc", struct.pack("<I", offset))
    table += entry("7255371f-3a3b-4b04-927b-1da6efa8d454", struct.pack("<II", HASHES, 0x400))
    table += entry("00f771de-1a7e-4fcb-890e-68c77e2fb44e", struct.pack("<I", RESET))
    table += struct.pack("<H", len(table) + 18) + UUID("96b582de-1fb2-45f7-baea-a366c55a082d").bytes_le
    made = bytearray(i % 251 for i in range(size))
    made[size - offset : size - offset + len(metadata)] = metadata
    made[size - 32 - len(table) : size - 32] = table
    return bytes(made)


def extend(digest: bytes, kind: int, place: int, page: bytes | None = None) -> bytes:
    """One page of a launch. Source: AMD 56860, table "PAGE_INFO"."""
    contents = bytes(48) if page is None else sha384(page).digest()
    return sha384(digest + contents + struct.pack("<HBBBBBBQ", 0x70, kind, 0, 0, 0, 0, 0, place)).digest()


def naive(
    data: bytes, sections: list[tuple[int, int, int]], *, cpus: int, cpu: str, hashes: bytes | None = None
) -> bytes:
    """The same, page by page."""
    digest, start = bytes(48), (1 << 32) - len(data)
    for at in range(0, len(data), 4096):
        digest = extend(digest, NORMAL, start + at, data[at : at + 4096])
    for place, size, kind in sections:
        for at in range(place, place + size, 4096):
            if kind == 0x10 and hashes is not None:
                digest = extend(digest, NORMAL, at, hashes)
            else:
                digest = extend(digest, {1: ZERO, 2: SECRETS, 3: CPUID, 0x10: ZERO}[kind], at)
    for page in VMSA(SevMode.SEV_SNP, RESET, CPU_SIGS[cpu], 1, VMMType.QEMU).pages(cpus):
        digest = extend(digest, VMSA_PAGE, 0xFFFFFFFFF000, bytes(page))
    return digest


def hashes_page(kernel: bytes, initrd: bytes, append: str) -> bytes:
    """Source: OvmfPkg/AmdSev, "SEV hash table"."""
    names = (
        "97d02dd8-bd20-4c94-aa78-e7714d36ab2a",
        "44baf731-3a2f-4bd7-9af1-41e29169781d",
        "4de79437-abd2-427f-b835-d5b172d2045b",
    )
    parts = (append.encode() + b"\0", initrd, kernel)
    body = b"".join(
        UUID(name).bytes_le + struct.pack("<H", 50) + sha256(part).digest()
        for name, part in zip(names, parts, strict=True)
    )
    table = UUID("9438d606-4f22-4cc9-b479-a793d411fd21").bytes_le + struct.pack("<H", 18 + len(body)) + body
    return (bytes(HASHES & 0xFFF) + table).ljust(4096, b"\0")


@pytest.fixture
def launch(tmp_path: Path) -> Launch:
    file = tmp_path / "OVMF.fd"
    file.write_bytes(firmware(SECTIONS))
    return Launch(firmware=file, cpus=2, cpu="EPYC-v4")


@pytest.mark.parametrize(("cpus", "cpu"), [(1, "EPYC-v4"), (3, "EPYC-v4"), (1, "EPYC-Genoa"), (2, "EPYC-Turin")])
def test_firmware_and_processors_are_measured(launch: Launch, cpus: int, cpu: str) -> None:
    expected = naive(launch.firmware.read_bytes(), SECTIONS, cpus=cpus, cpu=cpu)
    assert replace(launch, cpus=cpus, cpu=cpu).digest() == expected


@pytest.mark.parametrize(("initrd", "append"), [(b"", ""), (b"initrd", ""), (b"initrd", "console=ttyS0")])
def test_a_kernel_that_firmware_starts_is_measured(
    launch: Launch, tmp_path: Path, initrd: bytes, append: str
) -> None:
    launch.firmware.write_bytes(firmware(WITH_KERNEL))
    (tmp_path / "kernel").write_bytes(b"kernel")
    (tmp_path / "initrd").write_bytes(initrd)
    started = replace(
        launch, kernel=tmp_path / "kernel", initrd=tmp_path / "initrd" if initrd else None, append=append
    )
    page = hashes_page(b"kernel", initrd, append)
    assert started.digest() == naive(firmware(WITH_KERNEL), WITH_KERNEL, cpus=2, cpu="EPYC-v4", hashes=page)
    assert launch.digest() == naive(firmware(WITH_KERNEL), WITH_KERNEL, cpus=2, cpu="EPYC-v4")


def test_one_bit_of_anything_makes_another_measurement(launch: Launch) -> None:
    data = bytearray(launch.firmware.read_bytes())
    found = {launch.digest(), replace(launch, cpus=1).digest(), replace(launch, cpu="EPYC-Milan").digest()}
    found |= {replace(launch, features=0x21).digest(), replace(launch, vmm="ec2").digest()}
    data[0] ^= 1
    launch.firmware.write_bytes(data)
    assert len(found | {launch.digest()}) == 6


def test_a_kernel_without_firmware_that_checks_it_has_no_measurement(launch: Launch, tmp_path: Path) -> None:
    (tmp_path / "kernel").write_bytes(b"kernel")
    with pytest.raises(Misuse) as refusal:
        replace(launch, kernel=tmp_path / "kernel").digest()
    assert refusal.value.code == "predict.kernel"


BENT = {
    "nothing": b"",
    "no page": b"x" * 100,
    "half a page": firmware(SECTIONS) + b"x",
    "no table": bytes(8192),
    "nothing of SEV-SNP": firmware([]),
    "an unknown section": firmware([(0, 4096, 99)]),
    "half a page of a section": firmware([(0, 100, 1)]),
}


@pytest.mark.parametrize("name", BENT)
def test_what_is_no_firmware_is_refused_by_name(launch: Launch, name: str) -> None:
    launch.firmware.write_bytes(BENT[name])
    with pytest.raises(Misuse) as refusal:
        launch.digest()
    assert refusal.value.code == "predict.firmware"
    assert refusal.value.hint


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"cpu": "486"}, "predict.cpu"),
        ({"vmm": "bochs"}, "predict.cpu"),
        ({"cpus": 0}, "predict.cpu"),
        ({"cpus": 513}, "predict.cpu"),
        ({"features": -1}, "predict.cpu"),
        ({"initrd": Path("initrd")}, "predict.kernel"),
        ({"append": "quiet"}, "predict.kernel"),
    ],
)
def test_a_launch_that_cannot_be_is_misuse(launch: Launch, change: dict[str, object], code: str) -> None:
    with pytest.raises(Misuse) as refusal:
        replace(launch, **change)  # type: ignore[arg-type]
    assert refusal.value.code == code


def test_a_file_that_cannot_be_read_is_named(launch: Launch, tmp_path: Path) -> None:
    for change in ({"firmware": tmp_path / "nothing"}, {"kernel": tmp_path / "nothing"}):
        with pytest.raises(Misuse) as refusal:
            replace(launch, **change).digest()  # type: ignore[arg-type]
        assert refusal.value.code == "predict.file"


def test_the_processors_of_three_generations_are_known() -> None:
    assert {"EPYC-v4", "EPYC-Milan", "EPYC-Genoa", "EPYC-Turin"} <= set(CPUS)
