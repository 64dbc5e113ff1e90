"""The operator's only input: what is not known is refused, on this side as in the machine."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.privacy_os.volume import MAGIC, SIZE, BadConfiguration, Configuration, make_volume, pieces

GOOD = b"address 192.0.2.10/24\ngateway 192.0.2.1\nchain https://rpc.example\nchain http://two.example\ndao 0x01\n"


def test_lines_that_we_know_are_read() -> None:
    read = Configuration.parse(GOOD)
    assert (str(read.address), str(read.gateway)) == ("192.0.2.10/24", "192.0.2.1")
    assert (read.chains, read.daos) == (("https://rpc.example", "http://two.example"), ("0x01",))
    assert (read.bundles, read.bases, read.wheels) == ((), "", "")
    assert Configuration.parse(GOOD + b"data tpm\nchassis disk\n").data == "tpm"
    more = Configuration.parse(GOOD + b"bundles a\nbundles b\nbases c\nwheels d\n")
    assert (more.bundles, more.bases, more.wheels) == (("a", "b"), "c", "d")


@pytest.mark.parametrize(
    "more",
    [
        *(
            b"shell /bin/sh",
            b"address 192.0.2.11/24",
            b"gateway 192.0.2.2",
            b"dao",
            b"dao ",
            b" dao x",
            b"dao a b",
        ),
        *(b"", b"dao \xc3\xa9", b"dao a\x00", b"dao a\r"),
        *(b'dao "x', b"dao a\\n", b"bases a\nbases b", b"wheels a\nwheels b"),
        *(b"chassis disk", b"data tpm\nchassis off", b"data tpm\nchassis disk\nchassis disk"),
    ],
)
def test_whatever_else_is_refused(more: bytes) -> None:
    with pytest.raises(BadConfiguration) as refusal:
        Configuration.parse(GOOD + more + b"\n")
    assert refusal.value.code == "os.configuration"


@pytest.mark.parametrize("address", [b"192.0.2.10", b"192.0.2.10/31", b"192.0.2.10/0", b"::1/64", b"x/24"])
def test_an_address_has_a_network(address: bytes) -> None:
    with pytest.raises(BadConfiguration):
        Configuration.parse(GOOD.replace(b"192.0.2.10/24", address))


@pytest.mark.parametrize("key", [b"address", b"chain", b"dao"])
def test_what_is_needed_must_be_there(key: bytes) -> None:
    text = b"".join(line + b"\n" for line in GOOD.splitlines() if not line.startswith(key))
    with pytest.raises(BadConfiguration):
        Configuration.parse(text)


def test_too_much_is_not_read() -> None:
    with pytest.raises(BadConfiguration):
        Configuration.parse(GOOD + b"dao 0x01\n" * 1000)


def test_a_volume_is_magic_length_text_and_zeros() -> None:
    made = make_volume(GOOD)
    assert made == MAGIC + len(GOOD).to_bytes(4, "big") + GOOD + bytes(SIZE - 20 - len(GOOD))


@given(st.binary(max_size=5000))
def test_pieces_are_all_of_it_and_none_is_too_much_for_a_tpm(text: bytes) -> None:
    assert b"".join(pieces(text)) == text
    assert all(0 < len(piece) <= 1024 for piece in pieces(text))
