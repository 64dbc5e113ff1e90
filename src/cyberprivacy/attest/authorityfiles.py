"""Where an authority is kept: its key (mode 0600) and its certificates, in one folder."""

import os
import stat
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from cyberprivacy.attest.authority import Authority, BadAuthority
from cyberprivacy.attest.certificates import UNREADABLE
from cyberprivacy.errors import Misuse, TryLater

KEY_FILE: Final = "authority.key"
CERTIFICATES_FILE: Final = "authority.pem"
MAX_FILE: Final = 128 << 10


def load(folder: Path) -> Authority:
    """The authority in a folder.

    Raises:
        BadAuthority: no such files, not a key and its certificates, or a key that others may read
            ("enrolment.key-mode").
    """
    try:
        key = load_pem_private_key(_secret(folder / KEY_FILE), None)
        with (folder / CERTIFICATES_FILE).open("rb") as file:
            chain = x509.load_pem_x509_certificates(file.read(MAX_FILE))
    except OSError as error:
        path = str(error.filename)
        raise BadAuthority("an authority's file cannot be read", path=path, reason=error.strerror) from error
    except (UnsupportedAlgorithm, *UNREADABLE) as error:
        raise BadAuthority("not an authority's key and certificates", path=str(folder)) from error
    if not isinstance(key, ec.EllipticCurvePrivateKey) or not isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1):
        raise BadAuthority("the authority's key is on neither P-256 nor P-384", path=str(folder))
    return Authority(key, tuple(chain))


def keep(authority: Authority, folder: Path) -> None:
    """Write an authority to a folder that has none; the key last, so that a key is never without its certificates.

    Raises:
        Misuse: there is one already ("enrolment.authority-exists").
        TryLater: the disk refuses.
    """
    secret = authority.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    certificates = b"".join(each.public_bytes(Encoding.PEM) for each in authority.chain)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        _create(folder / CERTIFICATES_FILE, certificates, 0o644)
        _create(folder / KEY_FILE, secret, 0o600)
    except FileExistsError as error:
        raise Misuse(
            "an authority is there already", code="enrolment.authority-exists", path=str(error.filename)
        ) from error
    except OSError as error:
        raise TryLater("the authority cannot be kept", path=str(folder), reason=error.strerror) from error


def _secret(path: Path) -> bytes:
    """The bytes of a file that is for its owner only."""
    with path.open("rb") as file:
        mode = os.fstat(file.fileno()).st_mode
        if not stat.S_ISREG(mode) or mode & 0o077:
            raise BadAuthority(
                "the authority's key is not for its owner only",
                code="enrolment.key-mode",
                hint=f"chmod 600 {path}",
                path=str(path),
                mode=oct(mode & 0o777),
            )
        return file.read(MAX_FILE)


def _create(path: Path, data: bytes, mode: int) -> None:
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
    with os.fdopen(os.open(path, flags, mode), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
