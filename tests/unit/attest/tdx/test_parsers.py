"""Any bytes are read or refused; nothing else comes out of a parser."""

import json
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tdxcases import BINDING, EVENTS, NOW, judged

from cyberprivacy.attest import ccel
from cyberprivacy.attest.certificates import BadChain
from cyberprivacy.attest.document import BadDocument
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.tdx.collateral import FIELDS, BadCollateral, Collateral
from cyberprivacy.attest.tdx.intel_json import parse_json
from cyberprivacy.attest.tdx.pck import split_pem
from cyberprivacy.attest.tdx.platform import Platform
from cyberprivacy.attest.tdx.quote import BadQuote, Seal, TdReport
from cyberprivacy.attest.tdx.tcb import parse_qe_identity, parse_tcb_info
from cyberprivacy.testing import papertd
from cyberprivacy.testing.papertd import PaperTd
from cyberprivacy.testing.tdx import PaperIntel, qe_identity, sgx_extensions, tcb_info

INTEL = PaperIntel.new(now=NOW)
QUOTE = PaperTd.under(INTEL).quote(BINDING).fields["quote"]
LOG = papertd.log(EVENTS)
PLATFORM = sgx_extensions(ppid=bytes(16))

splice = st.tuples(st.integers(0, 1 << 13), st.integers(0, 64), st.binary(max_size=64))


def spliced(data: bytes, cut: tuple[int, int, bytes]) -> bytes:
    """The bytes with some of them replaced by others."""
    at, size, new = cut
    at %= len(data) + 1
    return data[:at] + new + data[at + size :]


@given(st.binary(max_size=2000) | splice.map(lambda cut: spliced(QUOTE, cut)))
def test_a_quote_is_read_or_refused(data: bytes) -> None:
    with suppress(BadQuote):
        report, rest = TdReport.split(data)
        assert report.signed + rest == data
        Seal.parse(rest)


@given(st.binary(max_size=400) | splice.map(lambda cut: spliced(LOG, cut)))
def test_a_log_is_read_or_refused(data: bytes) -> None:
    with suppress(ccel.BadLog):
        assert len(ccel.replay(ccel.parse(data))) == 4


@given(st.binary(max_size=400) | splice.map(lambda cut: spliced(PLATFORM, cut)))
def test_sgx_extensions_are_read_or_refused(data: bytes) -> None:
    with suppress(BadChain):
        Platform.parse(data)


@given(st.binary(max_size=400) | splice.map(lambda cut: spliced(INTEL.root.pem, cut)))
def test_pem_is_read_or_refused(data: bytes) -> None:
    with suppress(BadChain):
        split_pem(data)


@given(splice)
def test_tables_are_read_or_refused(cut: tuple[int, int, bytes]) -> None:
    with suppress(BadDocument):
        parse_tcb_info(spliced(json.dumps(tcb_info(NOW)).encode(), cut))
    with suppress(BadDocument):
        parse_qe_identity(spliced(json.dumps(qe_identity(NOW)).encode(), cut))


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=5,
)


@given(st.sampled_from(sorted(tcb_info(NOW))), values)
def test_a_field_of_tables_of_another_form_is_refused(name: str, value: object) -> None:
    with suppress(BadDocument):
        parse_tcb_info(json.dumps({**tcb_info(NOW), name: value}).encode())


@given(st.binary(max_size=300) | splice.map(lambda cut: spliced(INTEL.collateral(), cut)))
def test_collateral_is_read_or_refused(data: bytes) -> None:
    with suppress(BadCollateral):
        assert Collateral.parse(data).parts.keys() == FIELDS


@given(
    st.dictionaries(
        st.sampled_from(["quote", "collateral", "certificates", "log", "more"]), st.binary(max_size=99)
    )
)
def test_any_evidence_is_judged_and_refused(fields: dict[str, bytes]) -> None:
    assert not all(check.acceptable for check in judged(Evidence("tdx", fields), INTEL).checks)


@given(st.sampled_from(["quote", "collateral", "certificates", "log"]), splice)
def test_evidence_with_a_part_replaced_is_judged(name: str, cut: tuple[int, int, bytes]) -> None:
    evidence = replace(PaperTd.under(INTEL), inside=name != "certificates").having(EVENTS).quote(BINDING)
    judged(Evidence("tdx", {**evidence.fields, name: spliced(evidence.fields[name], cut)}), INTEL)


@given(st.binary(min_size=16, max_size=16), st.lists(st.integers(0, 255), min_size=16, max_size=16))
def test_sgx_extensions_come_back_as_they_were_written(ppid: bytes, components: list[int]) -> None:
    platform = Platform.parse(sgx_extensions(ppid=ppid, components=components, pce_svn=300))
    assert (platform.ppid, list(platform.components), platform.pce_svn) == (ppid, components, 300)


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3), st.integers(0, 99), st.binary(min_size=48, max_size=48), st.binary(max_size=9)
        )
    )
)
def test_a_log_replays_to_what_an_independent_count_gives(events: list[papertd.Event]) -> None:
    assert ccel.replay(ccel.parse(papertd.log(events))) == papertd.registers(events)


@pytest.mark.parametrize("padding", [b"", bytes(40), b"\xff" * 40])
def test_firmware_may_fill_a_logs_buffer_with_one_byte(padding: bytes) -> None:
    assert len(ccel.parse(papertd.log(EVENTS, padding=padding))) == 2


@pytest.mark.parametrize("padding", [b"\xff" * 8 + b"\0", bytes(8) + b"\1", b"\1", bytes(7)[:3] + b"\xff"])
def test_something_else_behind_a_log_is_refused(padding: bytes) -> None:
    with pytest.raises(ccel.BadLog):
        ccel.parse(papertd.log(EVENTS, padding=padding))


def test_an_event_for_no_register_is_refused() -> None:
    with pytest.raises(ccel.BadLog):
        ccel.parse(papertd.log([(4, 1, bytes(48), b"")]))
    with pytest.raises(ccel.BadLog):
        ccel.parse(papertd.log([(-1, 1, bytes(48), b"")]))


def test_logs_are_capped() -> None:
    with pytest.raises(ccel.BadLog):
        ccel.parse(LOG + b"\xff" * ccel.MAX_LOG)
    with pytest.raises(ccel.BadLog):
        ccel.parse(papertd.log([(0, 1, bytes(48), b"")] * (ccel.MAX_EVENTS + 1)))


@pytest.mark.parametrize(
    "text",
    ["[" * 9 + "]" * 9, "{", '{"a":1,"a":2}', '{"a":1.5}', "NaN", '"\\', "[" + "1" * 5000 + "]", '{"a":[}]'],
)
def test_json_of_another_form_is_refused(text: str) -> None:
    with pytest.raises(BadDocument):
        parse_json(text.encode())


def test_brackets_in_text_are_text() -> None:
    assert parse_json(b'{"a":"[[[[[[[[[[[\\"[["}') == {"a": '[[[[[[[[[[["[['}


@pytest.mark.parametrize(
    "bend",
    [
        lambda der: der + b"\0",
        lambda der: der[:-1],
        lambda der: der.replace(bytes.fromhex("02010d"), bytes.fromhex("02018d")),  # an SVN below zero
        lambda der: der.replace(bytes.fromhex("2a864886f84d010d0105"), bytes.fromhex("2a864886f84d010d0104")),
        lambda der: der.replace(bytes.fromhex("2a864886f84d010d0105"), bytes.fromhex("2a864886f84d010d0109")),
    ],
)
def test_other_sgx_extensions_are_refused(bend: Callable[[bytes], bytes]) -> None:
    bent = bend(PLATFORM)
    assert bent != PLATFORM
    with pytest.raises(BadChain):
        Platform.parse(bent)


def test_too_many_certificates_are_refused() -> None:
    with pytest.raises(BadChain):
        split_pem(INTEL.root.pem * 6)
    with pytest.raises(BadChain):
        split_pem(b"")
    assert split_pem(INTEL.root.pem + b"\0") == (INTEL.root.der,)
    for between in (b"\0", b"\n", b"x"):
        with pytest.raises(BadChain):
            split_pem(INTEL.root.pem + between + INTEL.root.pem)
