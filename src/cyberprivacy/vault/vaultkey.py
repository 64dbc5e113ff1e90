"""The key with which a vault signs what it tells: archives and receipts. Ed25519, in a file of its own."""

import os
from pathlib import Path
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cyberprivacy.errors import Misuse
from cyberprivacy.ledger.signers import Kind, Signer


class VaultKey:
    """The open key."""

    def __init__(self, key: Ed25519PrivateKey) -> None:
        self._key = key

    @classmethod
    def open(cls, path: Path) -> Self:
        """The key in a file; made where there is none.

        Raises:
            Misuse: it cannot be read or made, or others may read it ("vault.key").
        """
        try:
            try:
                file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            except FileExistsError:
                pass
            else:
                with os.fdopen(file, "wb") as made:
                    made.write(Ed25519PrivateKey.generate().private_bytes_raw())
                    made.flush()
                    os.fsync(made.fileno())
            with path.open("rb") as opened:
                mode, secret = os.fstat(opened.fileno()).st_mode, opened.read(33)
        except OSError as error:
            raise Misuse("the vault's key cannot be had", code="vault.key", why=error.strerror) from None
        if mode & 0o077 or len(secret) != 32:
            raise Misuse("the vault's key is damaged, or others may read it", code="vault.key", path=str(path))
        return cls(Ed25519PrivateKey.from_private_bytes(secret))

    @property
    def public(self) -> bytes:
        """32 bytes."""
        return self._key.public_key().public_bytes_raw()

    def log_signer(self, name: str) -> Signer:
        """The same key as that of a log: what it signs there begins with its name, and with no tag."""
        return Signer.of(name, Kind.LOG, self._key.private_bytes_raw())

    def sign(self, message: bytes) -> bytes:
        """A signature of 64 bytes; the message begins with a tag that says what it is."""
        return self._key.sign(message)
