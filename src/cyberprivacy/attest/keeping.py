"""Keeps the node key over restarts without ever writing it down.

Only the TPM can give it back, and only to the same measured software. When the software changes, a new key
is born, and the provider lists it anew. What was sealed before is put aside, as the same TPM may still open
it for the software that sealed it.
"""

from pathlib import Path
from typing import Protocol

import structlog

from cyberprivacy.attest.files import MAX_SEALED, replace_file
from cyberprivacy.attest.identity import NodeKey
from cyberprivacy.attest.tpm2 import BadStructure
from cyberprivacy.attest.tpmcommands import TpmRefused
from cyberprivacy.errors import TryLater

_log = structlog.get_logger("attest")


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

    A kept key that does not open goes to `<path>.lost-<n>` and is logged as "node.key-lost": from then on the
    node is somebody else, and whoever lists it must know.

    Raises:
        TryLater: the hardware does not answer, or the file cannot be written.
    """
    try:
        sealed = path.read_bytes()[:MAX_SEALED]
        return NodeKey.unsealed(sealer.unseal(sealed))
    except FileNotFoundError:
        why = None
    except (TpmRefused, BadStructure, ValueError) as refusal:
        why = refusal
    except OSError as error:
        raise _unusable(path, error) from error
    key = NodeKey.born()
    sealed = sealer.seal(key.seed())
    try:
        aside = None if why is None else _put_aside(path)
        replace_file(path, sealed)
    except OSError as error:
        raise _unusable(path, error) from error
    if why is not None:
        _log.warning("node key", code="node.key-lost", why=str(why), aside=str(aside), born=key.id.hex())
    return key


def _put_aside(path: Path) -> Path:
    """Another name for what is at `path`; after a crash in between it has both, and is put aside once more."""
    number = 1
    while True:
        aside = path.with_name(f"{path.name}.lost-{number}")
        try:
            aside.hardlink_to(path)
        except FileExistsError:
            number += 1
        else:
            return aside


def _unusable(path: Path, error: OSError) -> TryLater:
    return TryLater(
        "the sealed node key cannot be kept", code="node.key-file", path=str(path), reason=error.strerror
    )
