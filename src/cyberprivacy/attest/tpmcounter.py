"""A counter in a TPM that never goes back: what was sealed to an earlier value stays shut for good.

Whoever speaks to the TPM may count on, or take the counter away; made anew, it begins above every value that any
counter of this TPM has had. So somebody can make sealed secrets useless; nobody can make an old one good again.

Source: TCG TPM 2.0 Library, revision 1.59, Part 1, 37.2.4 (NV counters); Part 2, 13.4 (TPMA_NV), 13.5
(TPMS_NV_PUBLIC); Part 3, 31.3 (TPM2_NV_DefineSpace), 31.6 (TPM2_NV_ReadPublic), 31.8 (TPM2_NV_Increment).
"""

import struct
from hashlib import sha256
from typing import Final

from cyberprivacy.attest.tpm2 import ALG_SHA256, Reader, sized
from cyberprivacy.attest.tpmcommands import OWNER, Tpm, TpmRefused

INDEX: Final = 0x0180C9B1
"""Among those that are an owner's. Source: TCG Registry of Reserved TPM 2.0 Handles and Localities, 2.2."""
SIZE: Final = 8

CC_NV_DEFINE: Final = 0x12A
CC_NV_INCREMENT: Final = 0x134
CC_NV_READ: Final = 0x14E
CC_NV_READ_PUBLIC: Final = 0x169

_WRITTEN: Final = 1 << 29
_ATTRIBUTES: Final = 1 << 2 | 1 << 4 | 1 << 18 | 1 << 25
"""A counter; its own empty password lets it be written and read; no guesses are counted."""
_NO_SUCH_INDEX: Final = "0x18b"


def area(index: int, attributes: int, size: int) -> bytes:
    """The public area of an index without a policy. Source: Part 2, 13.5 (TPMS_NV_PUBLIC)."""
    return struct.pack(">IHIHH", index, ALG_SHA256, attributes, 0, size)


def name_of(index: int, attributes: int = _ATTRIBUTES, size: int = SIZE) -> bytes:
    """The name of an index with exactly these properties that was written: no other thing has it."""
    return struct.pack(">H", ALG_SHA256) + sha256(area(index, attributes | _WRITTEN, size)).digest()


NAME: Final = name_of(INDEX)
"""Of the counter that policies ask, so that no other thing serves."""


class NoCounter(TpmRefused):
    """What is at our index is not our counter, or nothing is."""

    code = "tpm.counter"
    hint = "The TPM was cleared, or somebody took the counter away: what was sealed to it is lost."


def have_counter(tpm: Tpm, index: int = INDEX) -> int:
    """The value of a counter, which is made if there is none.

    Raises:
        NoCounter: something else is at its index.
    """
    if (found := found_at(tpm, index)) is None:
        define(tpm, area(index, _ATTRIBUTES, SIZE))
        count(tpm, index)
    elif found != name_of(index):  # made, and the power went before it counted; or something else
        count(tpm, index)
    return value(tpm, index)


def value(tpm: Tpm, index: int = INDEX) -> int:
    """The value of a counter.

    Raises:
        NoCounter: it is not there.
    """
    if found_at(tpm, index) != name_of(index):
        raise NoCounter("the TPM does not have our counter", index=hex(index))
    return int.from_bytes(read(tpm, index, SIZE), "big")


def count(tpm: Tpm, index: int = INDEX) -> None:
    """Count on by one."""
    tpm.command(CC_NV_INCREMENT, (index, index), b"")


def define(tpm: Tpm, properties: bytes) -> None:
    """Make an index with an empty password; see `area`."""
    tpm.command(CC_NV_DEFINE, (OWNER,), sized(b"") + sized(properties))


def read(tpm: Tpm, index: int, size: int) -> bytes:
    """All bytes of an index. Source: Part 3, 31.13 (TPM2_NV_Read)."""
    _, answer = tpm.command(CC_NV_READ, (index, index), struct.pack(">HH", size, 0))
    return Reader(answer, "NV index").sized(size)


def found_at(tpm: Tpm, index: int) -> bytes | None:
    """The name of what is at an index; None when nothing is."""
    try:
        answer = tpm.plain(CC_NV_READ_PUBLIC, struct.pack(">I", index))
    except TpmRefused as refusal:
        if refusal.facts["response"] == _NO_SUCH_INDEX:
            return None
        raise
    reader = Reader(answer, "NV index")
    reader.sized(1024)
    return reader.sized(66)
