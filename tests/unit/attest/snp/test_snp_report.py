"""Reports are read in one spelling, or refused by name."""

import struct
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.attest.snp.product import BadReport, Product, Tcb, product_of
from cyberprivacy.attest.snp.report import (
    Cpuid,
    GuestPolicy,
    Platform,
    Report,
    Signer,
    encode_signature,
    identity,
    signature,
)

BYTES = st.integers(0, 255)


def good(court: Any, version: int) -> bytes:
    return replace(court.chip(), version=version).report(bytes(range(64))).encode()


def at(data: bytes, offset: int, new: bytes) -> bytes:
    return data[:offset] + new + data[offset + len(new) :]


@pytest.mark.parametrize("version", [2, 3, 4, 5])
def test_a_report_of_a_known_version_is_read_and_written_alike(court: Any, version: int) -> None:
    data = good(court, version)
    report = Report.parse(data)
    assert report.encode() == data
    assert (report.version, report.report_data) == (version, bytes(range(64)))
    assert report.cpuid == (None if version == 2 else Cpuid(0x19, 0x11, 1))
    assert bool(report.launch_mitigations) == (version == 5)


@pytest.mark.parametrize("version", [0, 1, 6, 7, 0xFFFFFFFF])
def test_a_report_of_an_unknown_version_is_refused_by_name(court: Any, version: int) -> None:
    with pytest.raises(BadReport) as refusal:
        Report.parse(at(good(court, 5), 0, struct.pack("<I", version)))
    assert refusal.value.code == "snp.version"
    assert refusal.value.facts["version"] == version


def test_fields_stand_where_the_specification_puts_them(court: Any) -> None:
    # offsets of AMD 56860, as research/attestation.md 3.1 lists them: a second reading, independent of the parser
    chip = court.chip(Product.TURIN).bend(guest_svn=7, vmpl=2, host_data=b"h" * 32)
    data = chip.report(bytes(range(64))).encode()
    report = Report.parse(data)
    assert len(data) == 0x2A0
    assert struct.unpack_from("<IIQ", data) == (5, 7, report.policy | report.abi)
    assert struct.unpack_from("<II8sQI", data, 0x30) == (2, 1, report.current_tcb, report.platform, 0)
    where = {0x50: 64, 0x90: 48, 0xC0: 32, 0xE0: 48, 0x110: 48, 0x140: 32, 0x160: 32, 0x180: 8}
    fields = (
        report.report_data,
        report.measurement,
        report.host_data,
        report.id_key_digest,
        report.author_key_digest,
        report.report_id,
        report.agent_id,
        report.reported_tcb,
    )
    assert tuple(data[start : start + size] for start, size in where.items()) == fields
    assert data[0x188:0x18B] == bytes((0x1A, 2, 1))
    assert data[0x1A0:0x1E0] == report.chip_id == chip.chip_id
    assert data[0x1E0:0x1E8] == report.committed_tcb
    assert data[0x1E8:0x1F0] == bytes((5, 58, 1, 0, 5, 58, 1, 0))
    assert struct.unpack_from("<8sQQ", data, 0x1F0) == (report.launch_tcb, 3, 3)


RESERVED = {
    "policy bit 17": (0x08, bytes(8)),
    "policy bit 26": (0x08, struct.pack("<Q", 1 << 26 | 1 << 17)),
    "platform bit 6": (0x40, struct.pack("<Q", 1 << 6)),
    "platform bit 8": (0x40, struct.pack("<Q", 1 << 8)),
    "signing key 2": (0x48, struct.pack("<I", 2 << 2)),
    "signer bit 5": (0x48, struct.pack("<I", 1 << 5)),
    "after the signer": (0x4C, b"\x01"),
    "after the CPUID": (0x18B, b"\x01"),
    "after the versions": (0x1EB, b"\x01"),
    "at the end": (0x29F, b"\x01"),
}


@pytest.mark.parametrize("case", RESERVED)
@pytest.mark.parametrize("version", [2, 3, 5])
def test_a_reserved_bit_is_refused(court: Any, case: str, version: int) -> None:
    with pytest.raises(BadReport) as refusal:
        Report.parse(at(good(court, version), *RESERVED[case]))
    assert refusal.value.code == "snp.form"


def test_what_a_later_version_brought_is_reserved_in_an_earlier_one(court: Any) -> None:
    for version, offset in ((2, 0x188), (2, 0x1F8), (3, 0x1F8), (4, 0x200)):
        with pytest.raises(BadReport):
            Report.parse(at(good(court, version), offset, b"\x01"))
    assert Report.parse(at(good(court, 5), 0x200, b"\x01")).current_mitigations == 1
    assert Report.parse(at(good(court, 3), 0x18A, b"\x09")).cpuid == Cpuid(0x19, 0x11, 9)


def test_another_algorithm_is_refused_by_name(court: Any) -> None:
    with pytest.raises(BadReport) as refusal:
        Report.parse(at(good(court, 5), 0x34, struct.pack("<I", 2)))
    assert refusal.value.code == "snp.algorithm"


@given(st.binary(max_size=1300))
def test_any_bytes_are_a_report_or_a_refusal(data: bytes) -> None:
    for reader in (Report.parse, signature):
        try:
            read = reader(data)
        except BadReport:
            continue
        assert not isinstance(read, Report) or read.encode() == data


@given(st.data())
def test_a_bent_report_is_read_in_its_one_spelling_or_refused(court: Any, data: st.DataObject) -> None:
    raw = bytearray(good(court, data.draw(st.sampled_from([2, 3, 4, 5]))))
    for _ in range(data.draw(st.integers(1, 4))):
        raw[data.draw(st.integers(0, 671))] = data.draw(BYTES)
    try:
        report = Report.parse(bytes(raw))
    except BadReport:
        return
    assert report.encode() == bytes(raw)


@given(st.data())
def test_every_report_that_can_be_made_is_read_back(court: Any, data: st.DataObject) -> None:
    version = data.draw(st.sampled_from([2, 3, 4, 5]))
    flags = st.sampled_from(list(GuestPolicy))
    chosen: dict[str, Any] = {
        "policy": GuestPolicy.RESERVED_ONE | data.draw(flags),
        "platform": data.draw(st.sampled_from(list(Platform))),
        "signer": data.draw(st.sampled_from(list(Signer))),
        "masked_key": data.draw(st.booleans()),
        "author_key": data.draw(st.booleans()),
        "vmpl": data.draw(st.integers(0, (1 << 32) - 1)),
        "abi": data.draw(st.integers(0, 0xFFFF)),
        "chip_id": data.draw(st.binary(min_size=64, max_size=64)),
    }
    report = (
        replace(court.chip(), version=version)
        .bend(**chosen)
        .report(data.draw(st.binary(min_size=64, max_size=64)))
    )
    assert Report.parse(report.encode()) == report


@given(st.integers(0, (1 << 384) - 1), st.integers(0, (1 << 384) - 1))
def test_a_signature_is_two_numbers_between_zeros(r: int, s: int) -> None:
    whole = bytes(672) + encode_signature(r, s)
    assert len(whole) == 1184
    assert whole[672:720] == r.to_bytes(48, "little")
    signature(whole)
    for offset in (672 + 48, 672 + 143, 672 + 144, 1183):
        with pytest.raises(BadReport):
            signature(at(whole, offset, b"\x01"))


def test_the_name_of_evidence_is_the_hash_of_what_is_signed() -> None:
    data = bytes(range(256)) * 4 + bytes(160)
    assert identity(data) == sha256(data[:672]).digest()
    assert identity(data[:-1]) == identity(data + b"x") == b""


@given(st.tuples(BYTES, BYTES, BYTES, BYTES, BYTES))
def test_a_tcb_is_written_as_its_product_does(parts: tuple[int, int, int, int, int]) -> None:
    fmc, boot, tee, snp, microcode = parts
    old = Tcb(bootloader=boot, tee=tee, snp=snp, microcode=microcode)
    assert old.encode(Product.GENOA) == bytes((boot, tee, 0, 0, 0, 0, snp, microcode))
    new = replace(old, fmc=fmc)
    assert new.encode(Product.TURIN) == bytes((fmc, boot, tee, snp, 0, 0, 0, microcode))
    assert Tcb.parse(old.encode(Product.MILAN), Product.MILAN) == old
    assert Tcb.parse(new.encode(Product.TURIN), Product.TURIN) == new


@pytest.mark.parametrize("product", Product)
def test_reserved_bytes_of_a_tcb_are_zero(product: Product) -> None:
    for data in (b"\x01" * 8, bytes(7), bytes(9)):
        with pytest.raises(BadReport):
            Tcb.parse(data, product)


def test_a_tcb_is_compared_part_by_part() -> None:
    assert Tcb(snp=2, microcode=2).reaches(Tcb(snp=2, microcode=1))
    assert not Tcb(snp=1, microcode=255).reaches(Tcb(snp=2))


def test_products_are_told_by_family_and_model() -> None:
    known = {
        (0x19, 0x01): "Milan",
        (0x19, 0x11): "Genoa",
        (0x19, 0xA0): "Genoa",
        (0x1A, 0x02): "Turin",
        (0x1A, 0x11): "Turin",
    }
    assert {key: getattr(product_of(*key), "value", None) for key in known} == known
    assert product_of(0x1A, 0x50) is None  # Venice, whose TCB is laid out in yet another way
    assert product_of(0x17, 0x31) is None
