from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cyberprivacy.attest.certificates import (
    DEVELOPMENT_MARK,
    HARDWARE_ID,
    BadChain,
    check_chain,
    fingerprint,
    split,
)
from cyberprivacy.testing.tpm import DevelopmentRoot

NOW = datetime(2026, 11, 24, tzinfo=UTC)
AT = int(NOW.timestamp())
CRITICAL_STRANGER = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4"), b"\x05\x00")


def key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


WEAK = rsa.generate_private_key(65537, 1024)  # noqa: S505  weak on purpose
ROOT, MIDDLE, LEAF = key(), key(), key()


def certificate(
    subject: str,
    of: Any,
    issuer: str,
    by: Any,
    *,
    ca: bool,
    path: int | None = None,
    digest: hashes.HashAlgorithm | None = None,
    extra: x509.ExtensionType | None = None,
    critical: bool = True,
    since: datetime = NOW - timedelta(days=1),
    until: datetime = NOW + timedelta(days=1),
) -> bytes:
    name = [x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)]) for text in (subject, issuer)]
    builder = x509.CertificateBuilder().subject_name(name[0]).issuer_name(name[1]).public_key(of.public_key())
    builder = builder.serial_number(7).not_valid_before(since).not_valid_after(until)
    builder = builder.add_extension(x509.BasicConstraints(ca=ca, path_length=path), critical=True)
    if extra is not None:
        builder = builder.add_extension(extra, critical=critical)
    return builder.sign(by, digest or hashes.SHA256()).public_bytes(Encoding.DER)


def chain(leaf: dict[str, Any] = {}, middle: dict[str, Any] = {}, root: dict[str, Any] = {}) -> list[bytes]:  # noqa: B006
    return [
        certificate("leaf", LEAF, "middle", MIDDLE, **{"ca": False, **leaf}),
        certificate("middle", MIDDLE, "root", ROOT, **{"ca": True, **middle}),
        certificate("root", ROOT, "root", ROOT, **{"ca": True, **root}),
    ]


def test_an_authority_may_insist_on_its_policies_but_not_on_ours() -> None:
    any_policy = x509.CertificatePolicies([x509.PolicyInformation(x509.ObjectIdentifier("2.5.29.32.0"), None)])
    assert check_chain(chain(middle={"extra": any_policy}), now=AT)  # as the issuers of Intel and ST do
    explicit = x509.PolicyConstraints(require_explicit_policy=0, inhibit_policy_mapping=None)
    with pytest.raises(BadChain, match="unknown critical"):
        check_chain(chain(middle={"extra": explicit}), now=AT)


@pytest.mark.parametrize(
    ("value", "hardware"),
    [(b"\x04\x20" + bytes(range(32)), bytes(range(32))), (b"\x04\x21" + bytes(33), None), (b"", None)],
)
def test_hardware_is_named_in_one_form(value: bytes, hardware: bytes | None) -> None:
    leaf = {"extra": x509.UnrecognizedExtension(HARDWARE_ID, value), "critical": False}
    if hardware is not None:
        assert check_chain(chain(leaf=leaf), now=AT).hardware == hardware
        assert check_chain(chain(), now=AT).hardware is None
    else:
        with pytest.raises(BadChain, match="another form"):
            check_chain(chain(leaf=leaf), now=AT)


def test_a_chain_that_holds_together_names_its_root() -> None:
    made = chain()
    found = check_chain(split(b"".join(made)), now=AT)
    assert found.root == fingerprint(x509.load_der_x509_certificate(made[-1]))
    assert not found.development


@pytest.mark.parametrize(
    "broken",
    [
        chain()[1:2],
        chain()[:2],
        [chain()[0], chain()[2]],
        chain()[::-1],
        chain(leaf={"ca": True}),
        chain(middle={"ca": False}),
        chain(root={"ca": False}),
        chain(root={"path": 0}),
        chain(leaf={"extra": CRITICAL_STRANGER}),
        chain(leaf={"digest": hashes.SHA224()}),
        [*chain()[:2], certificate("root", LEAF, "root", LEAF, ca=True)],
        [certificate("leaf", ec.generate_private_key(ec.SECP192R1()), "middle", MIDDLE, ca=False), *chain()[1:]],
        [certificate("leaf", WEAK, "middle", MIDDLE, ca=False), *chain()[1:]],
        [chain()[0], *[chain()[1]] * 4, chain()[2]],
    ],
    ids=[
        "one certificate",
        "no root",
        "a gap",
        "upside down",
        "an authority as device",
        "a device as authority",
        "a root that is no authority",
        "too long for its root",
        "an unknown critical extension",
        "a short hash",
        "another root of the same name",
        "a small curve",
        "a small RSA key",
        "six certificates",
    ],
)
def test_a_chain_that_does_not_hold_together_is_refused(broken: list[bytes]) -> None:
    with pytest.raises(BadChain) as refusal:
        check_chain(broken, now=AT)
    assert refusal.value.code == "evidence.chain"


@pytest.mark.parametrize("place", ["leaf", "middle", "root"])
@pytest.mark.parametrize(
    "times",
    [
        {"since": NOW - timedelta(days=9), "until": NOW - timedelta(seconds=1)},
        {"since": NOW + timedelta(seconds=1), "until": NOW + timedelta(days=9)},
    ],
    ids=["run out", "not yet"],
)
def test_time_is_an_input_and_each_certificate_is_held_to_it(place: str, times: dict[str, datetime]) -> None:
    made = chain(**{place: times})
    with pytest.raises(BadChain) as refusal:
        check_chain(made, now=AT)
    assert refusal.value.code == "evidence.certificate-expired"


def test_certificates_are_cut_at_their_own_ends_only() -> None:
    made = chain()
    assert split(b"".join(made)) == tuple(made)
    for bent in (b"".join(made) + b"\x00", b"".join(made)[:-1], b"", b"\x30\x82\xff\xff" + bytes(20)):
        with pytest.raises(BadChain):
            split(bent)


def test_a_development_root_says_so_of_itself() -> None:
    root = DevelopmentRoot.new(now=NOW)
    assert root.certificate.extensions.get_extension_for_oid(DEVELOPMENT_MARK).critical
