"""Our keys as changes that firmware takes: each of its one form, signed by the key above it, judged by OpenSSL."""

import struct
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cyberprivacy.errors import Misuse
from cyberprivacy.privacy_os.enrolling import SIGNS, Signer, write
from cyberprivacy.privacy_os.secure_boot import Keys, variables

NOW = datetime(2030, 2, 3, 4, 5, 6, tzinfo=UTC)
TIME = struct.pack("<HBBBBB", 2030, 2, 3, 4, 5, 6).ljust(16, b"\0")
CONTENT_INFO = bytes.fromhex("06092a864886f70d010702")


def certificate(key: rsa.RSAPrivateKey, name: str) -> bytes:
    named = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, name)])
    made = x509.CertificateBuilder().subject_name(named).issuer_name(named).public_key(key.public_key())
    made = made.serial_number(7).not_valid_before(NOW).not_valid_after(NOW + timedelta(days=1))
    return made.sign(key, SHA256()).public_bytes(Encoding.DER)


def pem(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@pytest.fixture(scope="module")
def held() -> dict[str, rsa.RSAPrivateKey]:
    return {name: rsa.generate_private_key(public_exponent=65537, key_size=2048) for name in SIGNS}


@pytest.fixture(scope="module")
def keys(held: dict[str, rsa.RSAPrivateKey]) -> Keys:
    return Keys(*(certificate(key, name) for name, key in held.items()))


@pytest.fixture
def private(held: dict[str, rsa.RSAPrivateKey], tmp_path: Path) -> Path:
    for name, key in held.items():
        (tmp_path / f"{name}.key").write_bytes(pem(key))
    return tmp_path


def signed_by(signature: bytes, message: bytes, signer: bytes, folder: Path) -> bool:
    """Whether OpenSSL takes a bare SignedData over a message, of this certificate."""
    value = b"\xa0\x82" + struct.pack(">H", len(signature)) + signature
    whole = b"\x30\x82" + struct.pack(">H", len(CONTENT_INFO) + len(value)) + CONTENT_INFO + value
    (folder / "signature").write_bytes(whole)
    (folder / "message").write_bytes(message)
    (folder / "signer").write_bytes(x509.load_der_x509_certificate(signer).public_bytes(Encoding.PEM))
    words = ("-inform", "DER", "-in", "signature", "-content", "message", "-binary")
    trust = ("-certfile", "signer", "-nointern", "-noverify", "-out", "said")
    done = subprocess.run(
        ["openssl", "cms", "-verify", *words, *trust], cwd=folder, capture_output=True, check=False
    )
    return done.returncode == 0


def test_each_change_is_signed_by_the_key_above_it(
    keys: Keys, private: Path, tmp_path: Path, held: dict[str, rsa.RSAPrivateKey]
) -> None:
    write(keys, private, tmp_path / "auth", at=NOW)
    assert {path.name for path in (tmp_path / "auth").iterdir()} == {f"{name}.auth" for name in held}
    certificates = dict(zip(held, (keys.platform, keys.exchange, keys.images), strict=True))
    for name, vendor, data in variables(keys):
        if name not in SIGNS:
            continue
        change = (tmp_path / "auth" / f"{name}.auth").read_bytes()
        size, revision, kind = struct.unpack_from("<IHH", change, 16)
        signature = change[40 : 16 + size]
        assert (change[:16], revision, kind, change[16 + size :]) == (TIME, 0x0200, 0x0EF1, data)
        message = name.encode("utf-16-le") + vendor.bytes_le + struct.pack("<I", 0x27) + TIME + data
        for other, its in certificates.items():
            assert signed_by(signature, message, its, tmp_path) == (other == SIGNS[name])
        assert not signed_by(signature, message + b"\0", certificates[SIGNS[name]], tmp_path)


def test_what_is_not_the_key_of_its_certificate_signs_nothing(
    keys: Keys, private: Path, held: dict[str, rsa.RSAPrivateKey], tmp_path: Path
) -> None:
    for wrong in (b"", pem(held["KEK"]), pem(ec.generate_private_key(ec.SECP256R1()))):
        with pytest.raises(Misuse) as refused:
            Signer(keys.platform, wrong)
        assert refused.value.code == "os.secure-boot"
    (private / "KEK.key").unlink()
    with pytest.raises(Misuse):
        write(keys, private, tmp_path / "auth", at=NOW)
    assert not (tmp_path / "auth").exists()
