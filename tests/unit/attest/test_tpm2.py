import struct
from hashlib import sha256
from typing import TypeVar

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.attest.tpm2 import (
    BadStructure,
    Public,
    Quote,
    Selection,
    encode_selections,
    sized,
)
from cyberprivacy.attest.tpmsignature import Signature
from cyberprivacy.testing.attested import EVENTS
from cyberprivacy.testing.papertpm import PaperTpm

TPM = PaperTpm(events=EVENTS)
QUOTE = TPM.statement(b"q" * 32)
SIGNATURE = TPM.sign(QUOTE)

Parser = TypeVar("Parser", type[Quote], type[Public], type[Signature])
GENUINE: list[tuple[type[Quote] | type[Public] | type[Signature], bytes]] = [
    (Quote, QUOTE),
    (Public, TPM.public.raw),
    (Signature, SIGNATURE),
]


def rsa_public(bits: int, modulus: bytes, exponent: int = 0) -> bytes:
    head = struct.pack(">HHIH", 0x0001, 0x000B, 0x00050072, 0)
    return head + struct.pack(">HHHHI", 0x0010, 0x0014, 0x000B, bits, exponent) + sized(modulus)


def test_a_quote_is_read_as_the_tpm_wrote_it() -> None:
    quote = Quote.parse(QUOTE)
    assert quote.qualifying == b"q" * 32
    assert quote.selections == (Selection(0x000B, tuple(range(16))),)
    assert (quote.resets, quote.restarts, quote.safe, quote.clock) == (1, 0, True, 1_000)


def test_a_key_is_named_by_the_hash_of_its_public_area() -> None:
    public = TPM.public
    assert public.name == b"\x00\x0b" + sha256(public.raw).digest()
    assert public.signs_only_for_its_tpm
    assert isinstance(public.key, ec.EllipticCurvePublicKey)


def test_an_rsa_key_of_2048_bits_is_read() -> None:
    key = rsa.generate_private_key(65537, 2048).public_key()
    public = Public.parse(rsa_public(2048, key.public_numbers().n.to_bytes(256, "big")))
    assert public.key == key


@pytest.mark.parametrize(
    "data",
    [
        rsa_public(1024, b"\xff" * 128),
        rsa_public(2048, b"\xff" * 255),
        rsa_public(2048, b"\x7f" + b"\xff" * 255),
        rsa_public(2048, b"\xff" * 256, exponent=2),
        TPM.public.raw.replace(b"\x00\x23\x00\x0b", b"\x00\x23\x00\x04", 1),
        TPM.public.raw.replace(b"\x00\x23\x00\x0b", b"\x00\x25\x00\x0b", 1),
        TPM.public.raw[:-1] + bytes([TPM.public.raw[-1] ^ 1]),  # not a point on the curve
    ],
    ids=["1024 bits", "short modulus", "no top bit", "even exponent", "SHA-1 name", "symmetric", "off the curve"],
)
def test_a_key_that_is_weak_or_none_is_refused(data: bytes) -> None:
    with pytest.raises(BadStructure):
        Public.parse(data)


@pytest.mark.parametrize("attributes", [0x00040072, 0x00010072, 0x00070072, 0x00050070, 0x00050062, 0x00050052])
def test_a_key_that_could_sign_what_its_tpm_did_not_make_is_seen(attributes: int) -> None:
    assert not PaperTpm(events=(), attributes=attributes).public.signs_only_for_its_tpm


@pytest.mark.parametrize(("kind", "data"), GENUINE, ids=["quote", "public", "signature"])
def test_a_structure_with_one_byte_more_or_less_is_refused(
    kind: type[Quote] | type[Public] | type[Signature], data: bytes
) -> None:
    kind.parse(data)
    with pytest.raises(BadStructure):
        kind.parse(data + b"\x00")
    for end in range(len(data)):
        with pytest.raises(BadStructure):
            kind.parse(data[:end])


@given(st.sampled_from([Quote, Public, Signature]), st.binary(max_size=400))
def test_any_bytes_are_read_or_refused(kind: type[Quote] | type[Public] | type[Signature], data: bytes) -> None:
    try:
        kind.parse(data)
    except BadStructure as error:
        assert error.code.startswith("tpm2.")


@given(st.sampled_from(GENUINE), st.data())
def test_a_genuine_structure_bent_anywhere_is_read_or_refused(
    genuine: tuple[type[Quote] | type[Public] | type[Signature], bytes], draw: st.DataObject
) -> None:
    kind, data = genuine
    at = draw.draw(st.integers(0, len(data) - 1))
    patch = draw.draw(st.binary(min_size=1, max_size=8))
    try:
        kind.parse(data[:at] + patch + data[at + len(patch) :])
    except BadStructure as error:
        assert error.code.startswith("tpm2.")


@given(st.sets(st.integers(0, 23)))
def test_a_selection_reads_back_as_it_was_written(pcrs: set[int]) -> None:
    selection = Selection(0x000B, tuple(sorted(pcrs)))
    bent = PaperTpm(events=EVENTS, selection=encode_selections((selection,)))
    assert Quote.parse(bent.statement(b"")).selections == (selection,)


@pytest.mark.parametrize("selection", ["00000005", "00000001 000b 04 ffffff00", "ffffffff"])
def test_a_selection_that_wants_too_much_is_refused_before_it_is_read(selection: str) -> None:
    with pytest.raises(BadStructure):
        Quote.parse(PaperTpm(events=(), selection=bytes.fromhex(selection)).statement(b""))


def test_a_structure_past_its_limit_is_refused_unread() -> None:
    with pytest.raises(BadStructure, match="too large"):
        Quote.parse(bytes(5_000))


def test_a_signature_counts_for_its_key_and_its_message_only() -> None:
    signature = Signature.parse(SIGNATURE)
    assert signature.signs(QUOTE, TPM.public)
    assert not signature.signs(QUOTE + b"\x00", TPM.public)
    assert not signature.signs(QUOTE, PaperTpm(events=EVENTS).public)


def test_a_signature_scheme_that_the_key_does_not_have_is_no_signature() -> None:
    claimed = Signature.parse(struct.pack(">HH", 0x0014, 0x000B) + sized(b"\x01" * 256))
    assert not claimed.signs(QUOTE, TPM.public)


@pytest.mark.parametrize("head", [(0x0014, 0x0004), (0x0016, 0x000B), (0x0010, 0x000B)])
def test_a_signature_with_another_hash_or_scheme_is_refused(head: tuple[int, int]) -> None:
    with pytest.raises(BadStructure):
        Signature.parse(struct.pack(">HH", *head) + SIGNATURE[4:])
