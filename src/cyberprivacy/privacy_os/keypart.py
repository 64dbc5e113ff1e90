"""The other part of the data disk's key, as a port: where it comes from is another module's matter."""

from typing import Protocol


class KeyPart(Protocol):
    """Gives the same part for the same disk of the same machine, to software that may have it."""

    def fetch(self, disk: bytes) -> bytes:
        """The part; the first time it is born.

        Args:
            disk: the disk's name, 16 bytes.

        Raises:
            Untrusted: this machine gets none.
            TryLater: who has it does not answer.
        """
        ...


class NoPart:
    """The operator asked for none: the TPM alone has the key."""

    def fetch(self, disk: bytes) -> bytes:
        """Nothing."""
        del disk
        return b""
