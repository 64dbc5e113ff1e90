"""The hash tree of dm-verity: one hash stands for a file system, and each block is proven when it is read. Pure.

Source: Linux, Documentation/admin-guide/device-mapper/verity.rst (version 1: the salt stands before the block).
The tree follows the data at once, without a superblock: all that opens it stands on the measured command line.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cyberprivacy.errors import Misuse

BLOCK: Final = 4096
DIGEST: Final = 32


@dataclass(frozen=True, slots=True)
class Verified:
    """A file system with its tree.

    Attributes:
        data: the blocks of the file system, then those of the tree.
        root: the hash that stands for all of it, 32 bytes.
        salt: 32 bytes.
        blocks: of 4096 bytes, of the file system alone.
    """

    data: bytes
    root: bytes
    salt: bytes
    blocks: int

    @property
    def words(self) -> str:
        """How the first process is told of it, on the kernel's command line."""
        return f"privacy.root={self.root.hex()},{self.salt.hex()},{self.blocks}"


def with_tree(data: bytes, salt: bytes) -> Verified:
    """Add the tree to a file system.

    Raises:
        Misuse: not more than one block, or a salt of another size ("os.verity").
    """
    if len(data) <= BLOCK or len(salt) != DIGEST:
        raise Misuse("a file system and a salt of 32 bytes are needed", code="os.verity", size=len(data))
    data += bytes(-len(data) % BLOCK)
    levels = [_hashes(data, salt)]
    while len(levels[-1]) > BLOCK:
        levels.append(_hashes(levels[-1], salt))
    root = sha256(salt + levels[-1]).digest()
    # The level that holds the root's block comes first, the hashes of the data come last.
    return Verified(data + b"".join(reversed(levels)), root, salt, len(data) // BLOCK)


def _hashes(data: bytes, salt: bytes) -> bytes:
    """The hash of each block, in whole blocks."""
    salted = sha256(salt)
    made = bytearray()
    for at in range(0, len(data), BLOCK):
        each = salted.copy()
        each.update(data[at : at + BLOCK])
        made += each.digest()
    return bytes(made) + bytes(-len(made) % BLOCK)
