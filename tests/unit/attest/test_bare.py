"""Evidence about a bare key: one spelling, one meaning."""

import base64
from hashlib import sha256

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy import canonical
from cyberprivacy.attest.bare import MAX_DOCUMENT, MAX_PEM, EvidenceDocument, key_bound, spki_of_pem
from cyberprivacy.attest.document import BadDocument
from cyberprivacy.attest.evidence import Bound, Evidence
from cyberprivacy.canonical import NotCanonical
from cyberprivacy.errors import Misuse

KEY = sha256(b"a key").digest()
NONCE = sha256(b"a nonce").digest()
EVIDENCE = Evidence("sev-snp", {"report": b"\x01" * 1184, "certificates": b"\x30\x00"})


def document(**changes: object) -> EvidenceDocument:
    return EvidenceDocument(key_bound(KEY, NONCE, since=1, until=2, **changes), EVIDENCE)  # type: ignore[arg-type]


def test_a_document_is_what_was_written() -> None:
    assert EvidenceDocument.parse(document().encode()) == document()
    assert canonical.decode(document().encode()) == {
        "v": 1,
        "bound": document().bound.document(),
        "evidence": EVIDENCE.document(),
    }


@given(
    st.integers(0, (1 << 39) - 1),
    st.integers(0, 1 << 39),
    st.binary(max_size=200),
    st.from_regex(r"[a-z]{1,16}", fullmatch=True),
)
def test_every_document_comes_back(since: int, length: int, field: bytes, role: str) -> None:
    bound = key_bound(KEY, NONCE, since=since, until=since + length, role="x" if role == "node" else role)
    made = EvidenceDocument(bound, Evidence("tdx", {"quote": field}))
    assert EvidenceDocument.parse(made.encode()) == made


def test_another_spelling_is_refused() -> None:
    with pytest.raises(NotCanonical):
        EvidenceDocument.parse(document().encode() + b"\n")


@pytest.mark.parametrize("change", [{"v": 2}, {"more": 1}, {"bound": []}, {"evidence": None}])
def test_another_form_is_refused(change: dict[str, object]) -> None:
    value = {"v": 1, "bound": document().bound.document(), "evidence": EVIDENCE.document(), **change}
    with pytest.raises(BadDocument) as refusal:
        EvidenceDocument.parse(canonical.encode(value))
    assert refusal.value.code == ("attestation.version" if "v" in change else "attestation.form")


def test_a_missing_part_is_refused() -> None:
    with pytest.raises(BadDocument):
        EvidenceDocument.parse(canonical.encode({"v": 1, "evidence": EVIDENCE.document()}))


def test_too_much_is_refused_before_it_is_read_and_never_written() -> None:
    with pytest.raises(NotCanonical):
        EvidenceDocument.parse(b" " * (MAX_DOCUMENT + 1))
    large = EvidenceDocument(document().bound, Evidence("tdx", {name: bytes(256 << 10) for name in "abcd"}))
    with pytest.raises(BadDocument):
        large.encode()


def test_evidence_of_a_node_is_not_about_a_bare_key() -> None:
    for role, node in (("node", KEY), ("key", NONCE)):
        bound = Bound(role=role, spki=KEY, node=node, since=1, until=2, challenge=NONCE, session=bytes(32))
        with pytest.raises(BadDocument):
            EvidenceDocument(bound, EVIDENCE)


@pytest.mark.parametrize(
    "change", [{"role": "node"}, {"role": "KEY"}, {"role": ""}, {"since": 3}, {"until": 1 << 40}]
)
def test_a_binding_that_cannot_be_is_misuse(change: dict[str, object]) -> None:
    with pytest.raises(Misuse) as refusal:
        key_bound(KEY, NONCE, **{"since": 1, "until": 2, **change})  # type: ignore[arg-type]
    assert refusal.value.code == "evidence.bound"


@pytest.mark.parametrize(
    "key",
    [
        ec.generate_private_key(ec.SECP384R1()),
        ed25519.Ed25519PrivateKey.generate(),
        rsa.generate_private_key(65537, 2048),
    ],
)
def test_a_key_is_named_by_its_public_key_info(key: ec.EllipticCurvePrivateKey) -> None:
    public = key.public_key()
    der = public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    assert spki_of_pem(pem) == spki_of_pem(pem.replace(b"\n", b"\r\n")) == sha256(der).digest()


def test_what_is_not_one_public_key_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    public = key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    broken = public.replace(b"MFk", b"MFl")
    for pem in (
        b"",
        secret,
        public * 2,
        public + b" " * MAX_PEM,
        broken,
        b"-----BEGIN PUBLIC KEY-----\n=\n-----END PUBLIC KEY-----",
    ):
        with pytest.raises(Misuse) as refusal:
            spki_of_pem(pem)
        assert refusal.value.code == "evidence.key"


def test_a_second_spelling_of_a_key_is_refused() -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    point = key.public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    der = bytes.fromhex("3039301306072a8648ce3d020106082a8648ce3d030107032200") + point
    pem = b"-----BEGIN PUBLIC KEY-----\n" + base64.encodebytes(der) + b"-----END PUBLIC KEY-----\n"
    with pytest.raises(Misuse):
        spki_of_pem(pem)
