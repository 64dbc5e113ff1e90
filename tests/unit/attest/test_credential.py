"""A credential opens in the TPM that it was made for, beside the key that it names, and nowhere else."""

import struct
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.attest.credential import (
    ENDORSEMENT_HASHES,
    Credential,
    WrongEndorsement,
    make_credential,
)
from cyberprivacy.attest.swtpm import SoftwareTpm
from cyberprivacy.attest.tpm2 import BadStructure, Public, Reader, sized
from cyberprivacy.attest.tpmcommands import ENDORSEMENT, PASSWORD_SESSION, Tpm, TpmRefused
from cyberprivacy.attest.tpmendorsement import CC_ACTIVATE_CREDENTIAL, activate, endorsement_key
from cyberprivacy.attest.tpmtemplates import ENDORSEMENT_ECC, ENDORSEMENT_RSA
from cyberprivacy.errors import Misuse
from cyberprivacy.testing.paperek import PaperEndorsement
from cyberprivacy.testing.papertpm import PaperTpm

NAME = b"\x00\x0b" + sha256(b"an attestation key").digest()
SECRET = bytes(range(32))
ECC = PaperEndorsement()
RSA = PaperEndorsement(key=rsa.generate_private_key(65537, 2048))
RSA_3072 = PaperEndorsement(key=rsa.generate_private_key(65537, 3072))

H_POLICY = bytes.fromhex(
    "b26e7d28d11a50bc53d882bcf5fd3a1a074148bb35d3b4e4cb1c0ad9bde419cacb47ba09699646150f9fc000f3f80e12"
)
ENDORSEMENT_RSA_3072 = (
    struct.pack(">HHI", 0x0001, 0x000C, 0x000300F2)
    + sized(H_POLICY)
    + struct.pack(">HHHHHI", 0x0006, 256, 0x0043, 0x0010, 3072, 0)
    + sized(b"")
)
"""Template H-6. Source: TCG EK Credential Profile 2.5, B.4.6."""


@pytest.mark.parametrize("paper", [ECC, RSA, RSA_3072], ids=["P-256", "RSA 2048", "RSA 3072"])
def test_a_credential_opens_by_hand(paper: PaperEndorsement) -> None:
    made = make_credential(paper.public, NAME, SECRET)
    assert paper.open(made, NAME) == SECRET
    assert paper.open(made, NAME[:-1] + b"?") is None
    assert PaperEndorsement().open(made, NAME) is None


@given(st.binary(min_size=1, max_size=32), st.binary(min_size=34, max_size=34))
def test_any_secret_comes_back_for_any_name(secret: bytes, name: bytes) -> None:
    for paper in (ECC, RSA):
        assert paper.open(Credential.parse(make_credential(paper.public, name, secret).encode()), name) == secret


def test_every_flipped_bit_is_noticed() -> None:
    made = make_credential(ECC.public, NAME, SECRET)
    for at in range(len(made.identity)):
        for bit in range(8):
            bent = made.identity[:at] + bytes([made.identity[at] ^ 1 << bit]) + made.identity[at + 1 :]
            assert ECC.open(Credential(bent, made.seed), NAME) is None


def test_the_same_randomness_gives_the_same_credential_and_other_randomness_another() -> None:
    one, two = (make_credential(ECC.public, NAME, SECRET, random=lambda size: b"r" * size) for _ in range(2))
    assert one == two
    assert make_credential(ECC.public, NAME, SECRET) != one


@pytest.mark.parametrize("size", [0, 33])
def test_a_secret_of_another_size_is_misuse(size: int) -> None:
    with pytest.raises(Misuse) as refusal:
        make_credential(ECC.public, NAME, bytes(size))
    assert refusal.value.code == "tpm2.secret"


def test_a_key_that_protects_no_storage_is_refused() -> None:
    with pytest.raises(WrongEndorsement) as refusal:
        make_credential(PaperTpm(events=()).public, NAME, SECRET)
    assert refusal.value.code == "tpm2.endorsement"


@given(st.binary(max_size=200))
def test_any_bytes_are_read_as_a_credential_or_refused(data: bytes) -> None:
    try:
        assert Credential.parse(data).encode() == data
    except BadStructure as error:
        assert error.code == "tpm2.form"


def test_the_credentials_of_the_vectors_have_the_form_of_ours(vectors: Path) -> None:
    folder = vectors / "attestation" / "tpm2-swtpm-full-chain"
    stored = (folder / "cred.blob").read_bytes()
    assert stored[:8] == bytes.fromhex("badcc0de00000001")  # tpm2-tools' own file header
    certified = x509.load_der_x509_certificate((folder / "ek_rsa.der").read_bytes()).public_key()
    assert isinstance(certified, rsa.RSAPublicKey)
    modulus = certified.public_numbers().n.to_bytes(256, "big")
    key = Public.parse(ENDORSEMENT_RSA.removesuffix(bytes(256)) + modulus)
    ours = make_credential(key, (folder / "ak.name").read_bytes(), (folder / "secret.bin").read_bytes())
    theirs = Credential.parse(stored[8:])
    assert (len(ours.identity), len(ours.seed)) == (len(theirs.identity), len(theirs.seed))


def test_keylimes_credential_has_the_form_of_ours(vectors: Path) -> None:
    folder = vectors / "attestation" / "tpm2-quote-keylime"
    key = Public.parse(Reader((folder / "ek.pub").read_bytes(), "ek.pub").sized(1024))
    ours = make_credential(key, (folder / "ak.name").read_bytes(), bytes(32))
    theirs = Credential.parse((folder / "mkcred.out").read_bytes().removeprefix(bytes.fromhex("badcc0de00000001")))
    assert len(ours.seed) == len(theirs.seed)
    assert theirs.identity[:2] == ours.identity[:2]
    assert key.opens_only_for_its_tpm


class Machine:
    """A software TPM and its attestation key."""

    def __init__(self, folder: Path) -> None:
        self.engine = SoftwareTpm(folder)
        self.tpm = Tpm(self.engine)
        self.handle, self.public = self.tpm.create_attestation_key()


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    made = Machine(tmp_path / "tpm")
    yield made
    made.engine.close()


@pytest.mark.engines
@pytest.mark.parametrize("template", [ENDORSEMENT_RSA, ENDORSEMENT_ECC], ids=["L-1", "L-2"])
def test_a_real_tpm_opens_it(machine: Machine, template: bytes) -> None:
    handle, key = endorsement_key(machine.tpm, template)
    machine.tpm.flush(handle)
    assert key.opens_only_for_its_tpm
    made = make_credential(key, machine.public.name, SECRET)
    for _ in range(4):  # nothing of it stays in the TPM's few slots
        assert activate(machine.tpm, machine.handle, template, made) == SECRET


@pytest.mark.engines
def test_a_real_tpm_opens_one_for_an_endorsement_key_of_rsa_3072_and_sha_384(machine: Machine) -> None:
    handle, answer = machine.tpm.primary(ENDORSEMENT, ENDORSEMENT_RSA_3072)
    key = Public.parse(Reader(answer, "key").sized(1024), named_by=ENDORSEMENT_HASHES)
    assert key.name[:2] == b"\x00\x0c"
    made = make_credential(key, machine.public.name, SECRET)
    both = (PASSWORD_SESSION, PASSWORD_SESSION)  # this template lets its user in without a policy
    _, opened = machine.tpm.command(CC_ACTIVATE_CREDENTIAL, (machine.handle, handle), made.encode(), sessions=both)
    assert opened == sized(SECRET)


@pytest.mark.engines
def test_a_real_tpm_refuses_what_was_made_for_another_key_or_changed(machine: Machine) -> None:
    handle, key = endorsement_key(machine.tpm, ENDORSEMENT_ECC)
    machine.tpm.flush(handle)
    good = make_credential(key, machine.public.name, SECRET)
    bent = good.identity[:-1] + bytes([good.identity[-1] ^ 1])
    for wrong in (
        make_credential(key, NAME, SECRET),
        make_credential(ECC.public, machine.public.name, SECRET),
        Credential(bent, good.seed),
    ):
        with pytest.raises(TpmRefused):
            activate(machine.tpm, machine.handle, ENDORSEMENT_ECC, wrong)
    assert activate(machine.tpm, machine.handle, ENDORSEMENT_ECC, good) == SECRET
