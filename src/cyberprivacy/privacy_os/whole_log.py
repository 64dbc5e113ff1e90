"""One log of a start, in the form of firmware's: what firmware wrote, what kernel and first process measured.

Firmware's log ends where the kernel begins. The kernel measures once (IMA's "boot_aggregate", register 10), the
first process measures the configuration (register 14), and later that the way to the data disk's key is shut
(register 11). Only with these does a replay give what a TPM signs.

Source: TCG PC Client Platform Firmware Profile 1.06, 10.2.2 (TCG_PCR_EVENT2), 10.4.1 (event types); Linux,
security/integrity/ima/ima_fs.c (`binary_runtime_measurements`, numbers little-endian) and ima_crypto.c (digests).
"""

import struct
from collections.abc import Iterator
from hashlib import new
from typing import Final

from cyberprivacy.attest.bootlog import LIMITS
from cyberprivacy.attest.tcg2 import ALG_SHA1, ALG_SHA256, ALG_SHA384, BadLog, parse
from cyberprivacy.privacy_os.measuring import SHUT
from cyberprivacy.privacy_os.volume import pieces

CONFIGURATION_REGISTER: Final = 14
IMAGE_REGISTER: Final = 11
MAX_KERNEL_LOG: Final = 64 << 10

_EVENT_TAG: Final = 0x0000_0006
_BANKS: Final = {ALG_SHA1: "sha1", ALG_SHA256: "sha256", ALG_SHA384: "sha384", 0x000D: "sha512"}
_IMA_HEAD: Final = struct.Struct("<I20sI")


def whole_log(firmware: bytes, kernel: bytes, configuration: bytes, *, shut: bool = True) -> bytes:
    """The log.

    Args:
        firmware: its own log, as the kernel shows it.
        kernel: what IMA measured, in its binary form.
        configuration: the text that the first process measured.
        shut: whether it has measured the end of unlocking, too.

    Raises:
        BadLog: one of them is of another form, or too large, or there is a bank that we cannot compute.
    """
    banks = sorted(parse(firmware, LIMITS).banks)
    if unknown := [bank for bank in banks if bank not in _BANKS]:
        raise BadLog("a bank that we cannot compute", banks=unknown)
    made = bytearray(firmware)
    said = [*_kernel_events(kernel), *((CONFIGURATION_REGISTER, piece) for piece in pieces(configuration))]
    for register, data in (*said, *([(IMAGE_REGISTER, SHUT)] if shut else [])):
        made += struct.pack("<III", register, _EVENT_TAG, len(banks))
        for bank in banks:
            made += struct.pack("<H", bank) + new(_BANKS[bank], data, usedforsecurity=False).digest()
        made += struct.pack("<I", len(data)) + data
    parse(bytes(made), LIMITS)
    return bytes(made)


def _kernel_events(log: bytes) -> Iterator[tuple[int, bytes]]:
    """Register and template data of each entry: what the digests of every bank are over."""
    if len(log) > MAX_KERNEL_LOG:
        raise BadLog("the kernel measured too much", size=len(log), limit=MAX_KERNEL_LOG)
    at = 0
    while at < len(log):
        try:
            register, _, name = _IMA_HEAD.unpack_from(log, at)
            size = struct.unpack_from("<I", log, at + _IMA_HEAD.size + name)[0]
        except struct.error:
            raise BadLog("the kernel's log ends early", at=at) from None
        begin = at + _IMA_HEAD.size + name + 4
        at = begin + size
        if at > len(log):
            raise BadLog("the kernel's log ends early", at=begin)
        yield register, log[begin:at]
