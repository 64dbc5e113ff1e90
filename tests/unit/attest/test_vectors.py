"""Genuine quotes get the verdicts that vectors/attestation/MANIFEST.md names."""

import json
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

from cyberprivacy.attest.certificates import BadChain, check_chain, fingerprint, spki, split
from cyberprivacy.attest.eventlog import QUOTED, composite
from cyberprivacy.attest.tpm2 import Public, Quote, Selection, sized
from cyberprivacy.attest.tpmsignature import Signature

IN_2026 = 1_796_000_000
RSASSA_SHA256 = bytes.fromhex("0014000b")


def unsized(data: bytes) -> bytes:
    """A TPM2B as files hold it; the two bytes of length come off."""
    assert int.from_bytes(data[:2], "big") == len(data) - 2
    return data[2:]


@pytest.fixture
def keylime(vectors: Path) -> Path:
    return vectors / "attestation" / "tpm2-quote-keylime"


@pytest.fixture
def swtpm(vectors: Path) -> Path:
    return vectors / "attestation" / "tpm2-swtpm-full-chain"


@pytest.fixture
def azure(vectors: Path) -> Path:
    return vectors / "attestation" / "snp-v3-genoa-azure-vtpm"


def test_keylime_quote_has_a_good_signature_of_a_restricted_key(keylime: Path) -> None:
    public = Public.parse(unsized((keylime / "ak.pub").read_bytes()))
    assert public.name == (keylime / "ak.name").read_bytes()
    assert public.signs_only_for_its_tpm
    assert public.key == load_pem_public_key((keylime / "akpub.pem").read_bytes())
    attest = (keylime / "quote.out").read_bytes()
    signature = Signature.parse((keylime / "quotesig.out").read_bytes())
    assert signature.signs(attest, public)
    assert not signature.signs(attest[:-1] + bytes([attest[-1] ^ 1]), public)


def test_keylime_quote_is_of_an_emulator_over_three_registers(keylime: Path) -> None:
    quote = Quote.parse((keylime / "quote.out").read_bytes())
    assert quote.firmware == 0x2016051100162800
    assert quote.selections == (Selection(0x000B, (15, 16, 22)),)


def test_keylime_endorsement_key_is_no_attestation_key(keylime: Path) -> None:
    assert not Public.parse(unsized((keylime / "ek.pub").read_bytes())).signs_only_for_its_tpm


def test_swtpm_quote_is_signed_fresh_and_over_what_was_extended(swtpm: Path) -> None:
    public = Public.parse(unsized((swtpm / "ak.pub").read_bytes()))
    assert public.name == (swtpm / "ak.name").read_bytes()
    attest = (swtpm / "q.msg").read_bytes()
    bare = (swtpm / "q.sig").read_bytes()  # tpm2-tools wrote it without its TPMT_SIGNATURE header
    assert Signature.parse(RSASSA_SHA256 + sized(bare)).signs(attest, public)
    quote = Quote.parse(attest)
    assert quote.qualifying == bytes.fromhex((swtpm / "nonce").read_text().strip())
    value = bytes(32)
    for _ in range(2):
        value = sha256(value + sha256(b"hello").digest()).digest()
    ((bank, pcrs),) = ((selection.hash, selection.pcrs) for selection in quote.selections)
    assert bank == 0x000B
    assert composite({**dict.fromkeys(range(24), bytes(32)), 11: value}, pcrs) == quote.digest


def test_swtpm_endorsement_key_leads_to_its_root(swtpm: Path) -> None:
    root = x509.load_pem_x509_certificate((swtpm / "ek_root.pem").read_bytes())
    issuer = x509.load_pem_x509_certificate((swtpm / "ek_issuer.pem").read_bytes())
    leaf = (swtpm / "ek_rsa.der").read_bytes()
    ders = [leaf, *(each.public_bytes(Encoding.DER) for each in (issuer, root))]
    chain = check_chain(split(b"".join(ders)), now=IN_2026)
    assert chain.root == fingerprint(root)
    assert chain.leaf_spki == spki(x509.load_der_x509_certificate(leaf))
    assert not chain.development
    assert chain.purposes == {"2.23.133.8.1"}  # an endorsement key: it must not pass for an attestation key
    with pytest.raises(BadChain):
        check_chain([ders[0], ders[2]], now=IN_2026)


def test_azure_quote_in_a_confidential_machine_is_signed_and_complete(azure: Path) -> None:
    attest = (azure / "tpm-quote.msg").read_bytes()
    runtime = json.loads((azure / "runtime-data.json").read_bytes().rstrip(b"\x00"))
    (jwk,) = (key for key in runtime["keys"] if key["kid"] == "HCLAkPub")
    modulus = int.from_bytes(_base64url(jwk["n"]), "big")
    key = rsa.RSAPublicNumbers(65537, modulus).public_key()
    key.verify((azure / "tpm-quote.sig").read_bytes(), attest, padding.PKCS1v15(), hashes.SHA256())
    quote = Quote.parse(attest)
    pcrs = json.loads((azure / "evidence.json").read_bytes())["quote"]["pcrs"]
    values = {number: bytes(value) for number, value in enumerate(pcrs)}
    assert quote.selections == (Selection(0x000B, tuple(range(24))),)
    assert composite(values, range(24)) == quote.digest
    assert quote.selections != (QUOTED,)
    assert key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _base64url(text: str) -> bytes:
    import base64

    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
