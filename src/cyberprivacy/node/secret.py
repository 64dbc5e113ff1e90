"""What a node must know again after a restart and nobody else may know: two keys of 32 bytes.

They lie in the data directory, readable by root only. On a machine whose disk is not sealed to its
measured software, whoever has root has them; the assurance level says which kind of machine it is.
"""

import secrets
from pathlib import Path
from typing import Final

from cyberprivacy.errors import Untrusted
from cyberprivacy.node import files

SIZE: Final = 32


class SecretDamaged(Untrusted):
    """A key file of this node is not what was written."""

    code = "node.secret"
    hint = "Restore the file, or move it away to be born anew; the provider must then list the node again."


def kept(folder: Path, name: str) -> bytes:
    """The secret of this name, 32 bytes; born at the first call.

    Raises:
        SecretDamaged: the file has another length.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    path = folder / name
    try:
        secret = path.read_bytes()
    except FileNotFoundError:
        secret = secrets.token_bytes(SIZE)
        files.replace(path, secret, mode=0o600)
    if len(secret) != SIZE or path.stat().st_mode & 0o077:
        raise SecretDamaged("a key file is damaged or open to others", path=str(path), size=len(secret))
    return secret
