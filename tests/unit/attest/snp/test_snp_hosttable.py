"""The host's table of certificates: what a guest takes from a host that may be hostile."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.attest.snp.hosttable import MAX_TABLE, BadTable, HostTable, encode


def der(size: int, fill: int = 0) -> bytes:
    return b"\x30\x82" + size.to_bytes(2, "big") + bytes([fill]) * size


def test_the_order_of_the_guids_bytes_is_that_in_which_they_are_written() -> None:
    leaf = der(300)
    table = (
        bytes.fromhex("63da758de6644564adc5f4b93be8accd")
        + (48).to_bytes(4, "little")
        + len(leaf).to_bytes(4, "little")
        + bytes(24)
        + leaf
    )
    assert HostTable.parse(table) == HostTable(leaf=leaf)
    assert table == encode(vcek=leaf)


@pytest.mark.parametrize("leaf", ["vcek", "vlek"])
def test_three_certificates_make_a_chain_and_fewer_none(leaf: str) -> None:
    parts = {leaf: der(10, 1), "ask": der(20, 2), "ark": der(30, 3), "crl": der(40, 4)}
    assert HostTable.parse(encode(**parts)).chain == der(10, 1) + der(20, 2) + der(30, 3)
    assert HostTable.parse(encode(**parts)).crl == der(40, 4)
    for missing in (leaf, "ask", "ark"):
        assert (
            HostTable.parse(encode(**{name: value for name, value in parts.items() if name != missing})).chain
            is None
        )


@pytest.mark.parametrize("empty", [b"", bytes(24), bytes(4096), bytes(7)])
def test_a_host_need_not_hand_out_anything(empty: bytes) -> None:
    assert HostTable.parse(empty) == HostTable()


def test_what_others_put_there_is_passed_over() -> None:
    table = bytes(range(16)) + (48).to_bytes(4, "little") + (3).to_bytes(4, "little") + bytes(24) + b"abc"
    assert HostTable.parse(table) == HostTable()


BAD = {
    "points outside": encode(vcek=der(10))[:-1],
    "not DER": encode(vcek=b"-----BEGIN CERTIFICATE-----"),
    "longer than it says": encode(vcek=der(10) + b"\x00"),
    "too large a certificate": encode(vcek=der(17 << 10)),
    "two leaves": encode(vcek=der(10), vlek=der(11)),
    "twice": encode(vcek=der(10))[:24] * 2 + bytes(24),
    "does not end": bytes(range(1, 17)) + bytes(8),
    "cut off": bytes(range(1, 11)),
    "too many": (bytes(range(1, 16)) + b"%c" + bytes(8)) % 0
    + b"".join(bytes(range(1, 16)) + bytes([i]) + bytes(8) for i in range(1, 30))
    + bytes(24),
    "too large": bytes(MAX_TABLE + 1),
}


@pytest.mark.parametrize("name", BAD)
def test_another_form_is_refused(name: str) -> None:
    with pytest.raises(BadTable) as refusal:
        HostTable.parse(BAD[name])
    assert refusal.value.code == "tsm.host-table"


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    with suppress(BadTable):
        HostTable.parse(data)


@given(st.integers(256, 2000), st.integers(256, 2000), st.integers(256, 2000), st.integers(256, 2000))
def test_a_table_gives_back_what_was_put_in(leaf: int, ask: int, ark: int, crl: int) -> None:
    parts = HostTable(der(leaf, 1), der(ask, 2), der(ark, 3), der(crl, 4))
    assert HostTable.parse(encode(vcek=parts.leaf, ask=parts.middle, ark=parts.root, crl=parts.crl)) == parts
