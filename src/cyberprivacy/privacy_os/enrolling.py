"""Certificates as firmware takes them: `PK.auth`, `KEK.auth`, `db.auth`, each a signed change of a variable.

Firmware without a platform key is in setup mode: it takes these from its own menu, or from systemd-boot, which
finds them on the system partition. Each is signed by the key above it, the platform's by itself: so firmware takes
them that asks for signatures in setup mode, too.

Source: UEFI 2.10, 8.2.2 (EFI_VARIABLE_AUTHENTICATION_2, what is signed), 32.3 (which key changes which variable);
systemd-boot(7), "Files" (/loader/keys/).
"""

import struct
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final
from uuid import UUID

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key
from cryptography.hazmat.primitives.serialization.pkcs7 import PKCS7Options, PKCS7SignatureBuilder

from cyberprivacy.errors import Misuse
from cyberprivacy.privacy_os.secure_boot import ATTRIBUTES, Keys, variables

SIGNS: Final = {"PK": "PK", "KEK": "PK", "db": "KEK"}
"""Variable -> whose key signs its change."""
AUTO: Final = "loader/keys/auto"
"""Where systemd-boot looks for them on the system partition."""

_PKCS7: Final = UUID("4aafd29d-68df-49ee-8aa9-347d375665a7")
_REVISION: Final = 0x0200
_GUID_KIND: Final = 0x0EF1
_WRAPPED: Final = bytes.fromhex("06092a864886f70d010702a082")
"""In a ContentInfo: signedData, and that the value follows, with a length of two bytes."""


class Signer:
    """One of the two keys that change variables.

    Attributes:
        certificate: its certificate.
    """

    def __init__(self, certificate: bytes, key: bytes) -> None:
        """Open the key.

        Args:
            certificate: DER.
            key: RSA, PEM, without a password.

        Raises:
            Misuse: not an RSA key, or not that of the certificate ("os.secure-boot").
        """
        self.certificate = x509.load_der_x509_certificate(certificate)
        try:
            private = load_pem_private_key(key, None)
        except (ValueError, TypeError, UnsupportedAlgorithm) as problem:
            raise Misuse("not a private key", code="os.secure-boot", problem=str(problem)[:200]) from None
        if not isinstance(private, rsa.RSAPrivateKey) or private.public_key() != self.certificate.public_key():
            raise Misuse("not the RSA key of its certificate", code="os.secure-boot")
        self._key = private

    def sign(self, message: bytes) -> bytes:
        """A PKCS #7 SignedData over a message that is not in it, DER."""
        built = PKCS7SignatureBuilder().set_data(message).add_signer(self.certificate, self._key, SHA256())
        options = (PKCS7Options.DetachedSignature, PKCS7Options.Binary, PKCS7Options.NoAttributes)
        made = built.sign(Encoding.DER, options)
        return made[4 + len(_WRAPPED) + 2 :] if made[4 : 4 + len(_WRAPPED)] == _WRAPPED else made


def changes(keys: Keys, platform: Signer, exchange: Signer, *, at: datetime) -> Iterator[tuple[str, bytes]]:
    """Each variable's name, and the change that puts our certificate into it, alone.

    Args:
        keys: the certificates.
        platform: with the platform's private key.
        exchange: with the exchange's.
        at: later than of any change of these variables before.
    """
    signers = {"PK": platform, "KEK": exchange}
    for name, vendor, data in variables(keys):
        if name in SIGNS:
            yield name, change(name, vendor, data, signers[SIGNS[name]], at=at)


def change(name: str, vendor: UUID, data: bytes, signer: Signer, *, at: datetime) -> bytes:
    """A change of one variable: when, the signature, the new content."""
    time = at.astimezone(UTC)
    day = (time.year, time.month, time.day, time.hour, time.minute, time.second)
    since = struct.pack("<HBBBBBBIhBB", *day, 0, 0, 0, 0, 0)
    signed = name.encode("utf-16-le") + vendor.bytes_le + struct.pack("<I", ATTRIBUTES) + since + data
    signature = signer.sign(signed)
    head = struct.pack("<IHH", 24 + len(signature), _REVISION, _GUID_KIND) + _PKCS7.bytes_le
    return since + head + signature + data


def write(keys: Keys, private: Path, to: Path, *, at: datetime) -> None:
    """Write the three files into a folder.

    Args:
        keys: the certificates.
        private: folder with `PK.key` and `KEK.key`.
        to: made when missing.
        at: now.

    Raises:
        Misuse: a key is missing, or is none ("os.secure-boot").
    """
    try:
        platform, exchange = ((private / f"{name}.key").read_bytes() for name in ("PK", "KEK"))
    except OSError as error:
        hint = "Name a folder with PK.key and KEK.key."
        raise Misuse("a private key is missing", code="os.secure-boot", reason=str(error), hint=hint) from None
    to.mkdir(parents=True, exist_ok=True)
    signers = Signer(keys.platform, platform), Signer(keys.exchange, exchange)
    for name, data in changes(keys, *signers, at=at):
        (to / f"{name}.auth").write_bytes(data)
