import ipaddress
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from cyberprivacy.attest.certificates import spki
from cyberprivacy.attest.identity import LONGEST, NodeKey, TlsIdentity, node_id, signed_by
from cyberprivacy.errors import Misuse

NOW = 1_800_000_000


def test_a_tls_identity_answers_for_its_names_and_lives_briefly() -> None:
    identity = TlsIdentity.born(["app.example", "127.0.0.1"], lifetime=600, now=NOW)
    certificate = x509.load_pem_x509_certificate(identity.certificate())
    names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["app.example"]
    assert names.get_values_for_type(x509.IPAddress) == [ipaddress.ip_address("127.0.0.1")]
    assert certificate.not_valid_after_utc == datetime.fromtimestamp(NOW + 600, UTC)
    assert identity.spki == sha256(spki(certificate)).digest()


def test_the_front_gets_a_key_and_its_own_certificate() -> None:
    identity = TlsIdentity.born(["a"], lifetime=600, now=NOW)
    key = load_pem_private_key(identity.pem(), None)
    assert key.public_key() == x509.load_pem_x509_certificate(identity.pem()).public_key()


def test_each_identity_has_a_key_of_its_own() -> None:
    one, other = (TlsIdentity.born(["a"], lifetime=600, now=NOW) for _ in range(2))
    assert one.spki != other.spki


def test_an_identity_is_due_before_it_ends() -> None:
    identity = TlsIdentity.born(["a"], lifetime=600, now=NOW)
    assert [identity.due(NOW + late) for late in (0, 399, 400, 600)] == [False, False, True, True]


@pytest.mark.parametrize(
    ("names", "lifetime"),
    [([], 600), (["a"], 59), (["a"], LONGEST + 1), (["é.example"], 600)],
    ids=["nameless", "too short", "too long", "not ASCII"],
)
def test_an_identity_that_cannot_be_is_misuse(names: list[str], lifetime: int) -> None:
    with pytest.raises(Misuse) as refusal:
        TlsIdentity.born(names, lifetime=lifetime, now=NOW)
    assert refusal.value.code == "tls.identity"


def test_no_secret_reaches_a_log() -> None:
    identity = TlsIdentity.born(["a"], lifetime=600, now=NOW)
    assert "PRIVATE" not in repr(identity)
    assert "key=" not in repr(identity)
    node = NodeKey.born()
    assert node.seed().hex() not in repr(node)


def test_a_node_is_named_by_its_public_key() -> None:
    key = NodeKey.born()
    der = Ed25519PublicKey.from_public_bytes(key.public).public_bytes(
        Encoding.DER, PublicFormat.SubjectPublicKeyInfo
    )
    assert key.id == node_id(key.public) == sha256(der).digest()


def test_a_signature_counts_for_its_key_and_its_message_only() -> None:
    key = NodeKey.born()
    signature = key.sign(b"said")
    assert signed_by(key.public, signature, b"said")
    assert not signed_by(key.public, signature, b"unsaid")
    assert not signed_by(NodeKey.born().public, signature, b"said")
    assert not signed_by(key.public, signature[:-1], b"said")
    assert not signed_by(bytes(31), signature, b"said")


def test_an_unsealed_key_is_the_one_that_was_sealed() -> None:
    key = NodeKey.born()
    assert NodeKey.unsealed(key.seed()).id == key.id
    with pytest.raises(ValueError, match="32"):
        NodeKey.unsealed(bytes(31))
