"""What a TPM remembers of a machine's chassis: a counter, and how much of it was told in a public log.

Whoever erases a machine's keys counts on, which is one command and waits for nobody (`os/init/tamper.rs`). A
later start compares: a counter that is not what was told last says that the chassis was opened meanwhile, or that
somebody made the counter anew; it never comes back to a value that it had. What was told is beside it, as the log
may be gone with the keys.

Who starts other software on the machine can take both away: `node/chassis.py` says what is noticed of that.

Source: TCG TPM 2.0 Library, revision 1.59, Part 2, 13.4 (TPMA_NV); Part 3, 31.7 (TPM2_NV_Write).
"""

import struct
from dataclasses import dataclass
from typing import Final, Self

from cyberprivacy.attest import tpmcounter
from cyberprivacy.attest.tpm2 import sized
from cyberprivacy.attest.tpmcommands import Tpm

COUNTER: Final = 0x0180C9B2
"""The same number as in `os/init/tpm.rs`."""
RECORD: Final = 0x0180C9B3

CC_NV_WRITE: Final = 0x137

_ATTRIBUTES: Final = 1 << 2 | 1 << 18 | 1 << 25
"""Plain bytes; its own empty password lets them be written and read; no guesses are counted."""
_RECORD: Final = struct.Struct(">QQ32s")


@dataclass(frozen=True, slots=True)
class Told:
    """What was last told in a log.

    Attributes:
        counter: the counter's value then.
        openings: how often the chassis had been opened by then, as far as it was noticed.
        node: who told it: the id of its key, 32 bytes.
    """

    counter: int
    openings: int
    node: bytes

    @classmethod
    def read(cls, tpm: Tpm) -> Self | None:
        """What the TPM has been told; None when it has nothing, or something else."""
        if tpmcounter.found_at(tpm, RECORD) != tpmcounter.name_of(RECORD, _ATTRIBUTES, _RECORD.size):
            return None
        return cls(*_RECORD.unpack(tpmcounter.read(tpm, RECORD, _RECORD.size)))

    def write(self, tpm: Tpm) -> None:
        """Have the TPM keep it.

        Raises:
            TpmRefused: it does not, or something else is in its place.
        """
        if tpmcounter.found_at(tpm, RECORD) is None:
            tpmcounter.define(tpm, tpmcounter.area(RECORD, _ATTRIBUTES, _RECORD.size))
        data = _RECORD.pack(self.counter, self.openings, self.node)
        tpm.command(CC_NV_WRITE, (RECORD, RECORD), sized(data) + struct.pack(">H", 0))


def counted(tpm: Tpm) -> int:
    """The value of the counter, which is made if there is none.

    Raises:
        NoCounter: something else is in its place.
    """
    return tpmcounter.have_counter(tpm, COUNTER)
