"""Each TPM vector as a whole gets the verdict of vectors/attestation/MANIFEST.md; its pieces are in test_vectors."""

import base64
import json
import re
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding

from cyberprivacy.attest.certificates import fingerprint
from cyberprivacy.attest.enrolment import Refused, Request, Vendors, examine, hardware_id
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.quote import Tpm2Verifier
from cyberprivacy.attest.report import Level, Verdict
from cyberprivacy.attest.snp.chain import PINS
from cyberprivacy.attest.snp.product import Product
from cyberprivacy.attest.snp.verifier import SnpVerifier, assemble
from cyberprivacy.attest.tpm2 import Public, Quote, sized
from cyberprivacy.attest.tpmsignature import Signature
from cyberprivacy.attest.tpmtemplates import ENDORSEMENT_RSA

IN_2025 = 1_750_000_000
IN_2026 = 1_796_000_000
RSASSA_SHA256 = bytes.fromhex("0014000b")


def public_of(key: object) -> Public:
    """The endorsement key of template L-1 that a certificate is for."""
    assert isinstance(key, rsa.RSAPublicKey)
    return Public.parse(ENDORSEMENT_RSA.removesuffix(bytes(256)) + key.public_numbers().n.to_bytes(256, "big"))


def attestation_public(modulus: bytes) -> Public:
    """TPMT_PUBLIC of a restricted signing key of RSA 2048 with RSASSA and SHA-256."""
    head = bytes.fromhex("0001 000b 00050072 0000 0010 0014 000b 0800 00000000")
    return Public.parse(head + sized(modulus))


class FullChain:
    """The vector that we made with tpm2-tools and an authority of our own."""

    def __init__(self, folder: Path) -> None:
        pems = [
            x509.load_pem_x509_certificate((folder / f"ek_{name}.pem").read_bytes()) for name in ("issuer", "root")
        ]
        self.root = fingerprint(pems[-1])
        self.certificates = (folder / "ek_rsa.der").read_bytes()
        self.issuers = tuple(each.public_bytes(Encoding.DER) for each in pems)
        leaf = x509.load_der_x509_certificate(self.certificates)
        attestation = Public.parse((folder / "ak.pub").read_bytes()[2:])
        self.request = Request(self.certificates, public_of(leaf.public_key()), attestation)
        self.attest, bare = (folder / "q.msg").read_bytes(), (folder / "q.sig").read_bytes()
        self.signature = RSASSA_SHA256 + sized(bare)


@pytest.fixture
def full(vectors: Path) -> FullChain:
    return FullChain(vectors / "attestation" / "tpm2-swtpm-full-chain")


def test_the_endorsement_and_attestation_keys_of_the_full_chain_would_be_vouched_for(full: FullChain) -> None:
    vendors = Vendors(roots=frozenset({full.root}), issuers=full.issuers)
    examine(full.request, vendors, now=IN_2026, development=False)
    assert len(hardware_id(full.request.endorsement)) == 32
    with pytest.raises(Refused) as refusal:
        examine(full.request, Vendors(roots=frozenset(), issuers=full.issuers), now=IN_2026, development=True)
    assert refusal.value.code == "enrolment.ek-vendor"
    with pytest.raises(Refused) as refusal:
        examine(full.request, Vendors(roots=frozenset({full.root})), now=IN_2026, development=False)
    assert refusal.value.code == "enrolment.ek-chain"


def test_its_quote_under_the_endorsement_chain_is_no_evidence(full: FullChain) -> None:
    fields = {
        "public": full.request.attestation.raw,
        "attest": full.attest,
        "signature": full.signature,
        "certificates": full.certificates + b"".join(full.issuers),
        "log": b"[]",
    }
    roots = {full.root: Level.MEASURED_BOOT}
    found = Tpm2Verifier().judge(Evidence("tpm2", fields), binding=bytes(64), roots=roots, now=IN_2026)
    verdicts = {check.name: check.code for check in found.checks if check.verdict is not Verdict.PASS}
    assert verdicts == {
        "evidence.key": "evidence.other-key",
        "evidence.binding": "evidence.other-binding",
        "evidence.log": "evidence.selection",
    }


def test_keylimes_quote_is_signed_and_nobody_vouches_for_it(vectors: Path) -> None:
    folder = vectors / "attestation" / "tpm2-quote-keylime"
    fields = {
        "public": (folder / "ak.pub").read_bytes()[2:],
        "attest": (folder / "quote.out").read_bytes(),
        "signature": (folder / "quotesig.out").read_bytes(),
        "certificates": b"",
        "log": b"[]",
    }
    found = Tpm2Verifier().judge(Evidence("tpm2", fields), binding=bytes(64), roots={}, now=IN_2026)
    verdicts = {check.name: check.code for check in found.checks}
    assert verdicts["evidence.root"] == "evidence.chain"
    assert verdicts["evidence.signature"] == "ok"
    assert found.level is None


def test_the_key_of_azures_quote_is_rooted_in_the_processor(vectors: Path) -> None:
    folder = vectors / "attestation" / "snp-v3-genoa-azure-vtpm"
    snp = (folder / "snp-report.bin").read_bytes()
    ask, ark, _ = pem(vectors / "attestation" / "roots" / "amd_genoa_ask_ark_asvk.pem")
    evidence = assemble(snp, pem(folder / "vcek.pem")[0] + ask + ark)
    roots = {PINS[Product.GENOA]: Level.CONFIDENTIAL_VM}
    found = SnpVerifier().judge(evidence, binding=snp[0x50:0x90], roots=roots, now=IN_2025)
    assert {check.verdict for check in found.checks} == {Verdict.PASS}

    runtime = (folder / "runtime-data.json").read_bytes().rstrip(b"\x00")
    assert snp[0x50:0x70] == sha256(runtime).digest()
    (jwk,) = (key for key in json.loads(runtime)["keys"] if key["kid"] == "HCLAkPub")
    key = attestation_public(base64.urlsafe_b64decode(jwk["n"] + "=" * (-len(jwk["n"]) % 4)))

    attest = (folder / "tpm-quote.msg").read_bytes()
    signature = Signature.parse(RSASSA_SHA256 + sized((folder / "tpm-quote.sig").read_bytes()))
    assert signature.signs(attest, key)
    quote = Quote.parse(attest)
    values = [bytes(value) for value in json.loads((folder / "evidence.json").read_bytes())["quote"]["pcrs"]]
    assert quote.selections[0].pcrs == tuple(range(24))
    assert quote.digest == sha256(b"".join(values)).digest()


def pem(path: Path) -> list[bytes]:
    found = re.findall(rb"-----BEGIN CERTIFICATE-----(.*?)-----END", path.read_bytes(), re.DOTALL)
    return [base64.b64decode(part) for part in found]
