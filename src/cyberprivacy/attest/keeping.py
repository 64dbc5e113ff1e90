"""Keeps the node key over restarts without ever writing it down.

Only the TPM can give it back, and only to the same measured software. When the software changes, a new key
is born, and the provider lists it anew.
"""

import os
from pathlib import Path
from typing import Final, Protocol

from cyberprivacy.attest.identity import NodeKey
from cyberprivacy.attest.tpm2 import BadStructure
from cyberprivacy.attest.tpmcommands import TpmRefused
from cyberprivacy.errors import TryLater

MAX_SEALED: Final = 4096


class Sealer(Protocol):
    """Hardware that encrypts for itself and for the software that runs now."""

    def seal(self, secret: bytes) -> bytes:
        """Encrypt.

        Raises:
            TryLater: the hardware does not answer.
        """
        ...

    def unseal(self, sealed: bytes) -> bytes:
        """Decrypt.

        Raises:
            TpmRefused: other hardware, or other software, sealed it.
            BadStructure: damaged.
            TryLater: the hardware does not answer.
        """
        ...


def kept_node_key(path: Path, sealer: Sealer) -> NodeKey:
    """The node key that this software on this hardware keeps at `path`; a new one when there is none.

    Raises:
        TryLater: the hardware does not answer, or the file cannot be written.
    """
    try:
        sealed = path.read_bytes()[:MAX_SEALED]
        return NodeKey.unsealed(sealer.unseal(sealed))
    except (FileNotFoundError, TpmRefused, BadStructure, ValueError):
        pass
    except OSError as error:
        raise _unusable(path, error) from error
    key = NodeKey.born()
    sealed = sealer.seal(key.seed())
    try:
        _replace(path, sealed)
    except OSError as error:
        raise _unusable(path, error) from error
    return key


def _replace(path: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".new")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)


def _unusable(path: Path, error: OSError) -> TryLater:
    return TryLater(
        "the sealed node key cannot be kept", code="node.key-file", path=str(path), reason=error.strerror
    )
