"""The few TPM 2.0 commands that an attester needs, spoken directly: no files, no tools, nothing in argv.

Source: TCG TPM 2.0 Library, Part 3 (Commands), revision 1.59; sections named at each method.
"""

import struct
import threading
from typing import Final, Protocol

from cyberprivacy.attest.tpm2 import (
    ALG_ECC,
    ALG_ECDSA,
    ALG_NULL,
    ALG_SHA256,
    CURVE_P256,
    FIXED_PARENT,
    FIXED_TPM,
    RESTRICTED,
    SENSITIVE_DATA_ORIGIN,
    SIGN,
    BadStructure,
    Public,
    Reader,
    Selection,
    encode_selections,
    sized,
)
from cyberprivacy.errors import TryLater

ENDORSEMENT: Final = 0x4000000B
PASSWORD_SESSION: Final = struct.pack(">IHBH", 0x40000009, 0, 1, 0)

USER_WITH_AUTH: Final = 1 << 6

CC_PCR_EXTEND: Final = 0x182
CC_CREATE_PRIMARY: Final = 0x131
CC_QUOTE: Final = 0x158

RETRY: Final = frozenset({0x922, 0x908, 0x909})
"""TPM_RC_RETRY, TPM_RC_YIELDED, TPM_RC_CANCELED: the same command may succeed when sent again."""

ATTESTATION_KEY: Final = (
    struct.pack(
        ">HHI",
        ALG_ECC,
        ALG_SHA256,
        FIXED_TPM | FIXED_PARENT | SENSITIVE_DATA_ORIGIN | USER_WITH_AUTH | RESTRICTED | SIGN,
    )
    + sized(b"")  # no policy
    + struct.pack(">HHHHH", ALG_NULL, ALG_ECDSA, ALG_SHA256, CURVE_P256, ALG_NULL)
    + sized(b"")
    + sized(b"")
)
"""TPMT_PUBLIC template of the attestation key: on P-256, signs only what the TPM made, never leaves it."""


class TpmRefused(TryLater):
    """The TPM answered with an error."""

    code = "tpm.refused"
    hint = "Look the response code up with `tpm2_rc_decode`; the TPM's state may have to be made again."


class TpmGone(TryLater):
    """The TPM does not answer, or answers nonsense."""

    code = "tpm.gone"
    hint = "The node starts it again by itself; if that goes on, look at its state directory and its disk."


class Transport(Protocol):
    """Carries a command to a TPM and its answer back."""

    def exchange(self, command: bytes) -> bytes:
        """Send one command and wait for its answer.

        Raises:
            TpmGone: no answer.
        """
        ...


class Tpm:
    """A TPM 2.0 behind a transport. One command at a time; any number of threads."""

    def __init__(self, transport: Transport) -> None:
        self._transport, self._lock = transport, threading.Lock()

    def create_attestation_key(self) -> tuple[int, Public]:
        """Make the attestation key: the same one each time, as it derives from the TPM's own seed.

        Returns:
            Its handle, valid until the TPM is reset, and its public area.

        Source: Part 3, 24.1 (TPM2_CreatePrimary).
        """
        parameters = sized(sized(b"") + sized(b"")) + sized(ATTESTATION_KEY) + sized(b"") + struct.pack(">I", 0)
        handle, answer = self._command(CC_CREATE_PRIMARY, ENDORSEMENT, parameters, returns_handle=True)
        return handle, Public.parse(Reader(answer, "new key").sized(1024))

    def extend(self, pcr: int, digest: bytes) -> None:
        """Let a PCR of the SHA-256 bank take a digest of 32 bytes. Source: Part 3, 22.2 (TPM2_PCR_Extend)."""
        self._command(CC_PCR_EXTEND, pcr, struct.pack(">IH", 1, ALG_SHA256) + digest)

    def quote(self, key: int, qualifying: bytes, selection: Selection) -> tuple[bytes, bytes]:
        """Have the registers signed, together with `qualifying` (at most 32 bytes on every TPM).

        Returns:
            TPMS_ATTEST and TPMT_SIGNATURE.

        Source: Part 3, 18.4 (TPM2_Quote).
        """
        parameters = sized(qualifying) + struct.pack(">H", ALG_NULL) + encode_selections((selection,))
        _, answer = self._command(CC_QUOTE, key, parameters)
        attest = Reader(answer, "quote").sized(1024)
        return attest, answer[2 + len(attest) :]

    def _command(
        self, code: int, handle: int, parameters: bytes, *, returns_handle: bool = False
    ) -> tuple[int, bytes]:
        """Send a command on one handle, authorised by the empty password, and cut its answer."""
        body = struct.pack(">I", handle) + struct.pack(">I", len(PASSWORD_SESSION)) + PASSWORD_SESSION + parameters
        command = struct.pack(">HII", 0x8002, 10 + len(body), code) + body
        with self._lock:
            answer = self._send(command)
        try:
            reader = Reader(answer, "answer of the TPM")
            reader.take(10)
            new = reader.number(4) if returns_handle else 0
            return new, reader.take(reader.number(4))
        except BadStructure as error:
            raise TpmGone("the TPM's answer cannot be read", command=hex(code), reason=error.what) from error

    def _send(self, command: bytes) -> bytes:
        code = 0
        for _ in range(5):
            answer = self._transport.exchange(command)
            if len(answer) < 10 or int.from_bytes(answer[2:6], "big") != len(answer):
                raise TpmGone("the TPM's answer is cut off", size=len(answer))
            code = int.from_bytes(answer[6:10], "big")
            if code == 0:
                return answer
            if code not in RETRY:
                break
        raise TpmRefused("the TPM refused a command", command=command[6:10].hex(), response=f"{code:#x}")
