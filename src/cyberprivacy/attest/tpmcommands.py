"""The few TPM 2.0 commands that an attester needs, spoken directly: no files, no tools, nothing in argv.

Source: TCG TPM 2.0 Library, Part 3 (Commands), revision 1.59; sections named at each method.
"""

import struct
import threading
from contextlib import suppress
from hashlib import sha256
from typing import Final, Protocol

from cyberprivacy.attest.tpm2 import (
    ALG_NULL,
    ALG_SHA256,
    ALG_SHA384,
    FIXED_PARENT,
    FIXED_TPM,
    BadStructure,
    Public,
    Reader,
    Selection,
    encode_selections,
    sized,
)
from cyberprivacy.attest.tpmtemplates import ATTESTATION_KEY, NO_DICTIONARY_LOCK, STORAGE_KEY
from cyberprivacy.errors import TryLater

OWNER: Final = 0x40000001
NOBODY: Final = 0x40000007
ENDORSEMENT: Final = 0x4000000B
PLATFORM: Final = 0x4000000C
PASSWORD_SESSION: Final = struct.pack(">IHBH", 0x40000009, 0, 1, 0)

CC_PCR_ALLOCATE: Final = 0x12B
CC_CREATE_PRIMARY: Final = 0x131
CC_CREATE: Final = 0x153
CC_LOAD: Final = 0x157
CC_QUOTE: Final = 0x158
CC_UNSEAL: Final = 0x15E
CC_FLUSH_CONTEXT: Final = 0x165
CC_START_AUTH_SESSION: Final = 0x176
CC_POLICY_PCR: Final = 0x17F
CC_PCR_EXTEND: Final = 0x182

POLICY_SESSION: Final = 0x01
ALG_KEYEDHASH: Final = 0x0008
BANKS: Final = (0x0004, ALG_SHA256, ALG_SHA384, 0x000D)
"""SHA-1, SHA-256, SHA-384, SHA-512: those that a TPM may have. Source: TCG Algorithm Registry, 2."""
ALL_PCRS: Final = tuple(range(24))
MAX_ANSWER: Final = 4096
"""Bytes of an answer, as of a command. Source: PC Client Platform TPM Profile 1.05, 3.8 (sizes)."""

RETRY: Final = frozenset({0x922, 0x908, 0x909})
"""TPM_RC_RETRY, TPM_RC_YIELDED, TPM_RC_CANCELED: the same command may succeed when sent again."""

WARNING: Final = 0x900
WARNING_MASK: Final = 0x980
"""Format-zero response codes with these bits are warnings: temporary. Source: Part 2, 6.6.2 (TPM_RC_WARN)."""


class TpmRefused(TryLater):
    """The TPM answered with an error."""

    code = "tpm.refused"
    hint = "Look the response code up with `tpm2_rc_decode`; the TPM's state may have to be made again."


class TpmBusy(TryLater):
    """The TPM cannot do it now: it is locked for a while, or out of memory. This says nothing about its keys."""

    code = "tpm.busy"
    hint = "The node asks again; `tpm2_rc_decode` explains the response code."


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
        handle, answer = self.primary(ENDORSEMENT, ATTESTATION_KEY)
        return handle, Public.parse(Reader(answer, "new key").sized(1024))

    def allocate(self, bank: int) -> None:
        """Have registers in this bank alone, from the next time that the TPM gets power.

        Args:
            bank: its algorithm, one of `BANKS`.

        Raises:
            TpmRefused: it has no room for them.

        Source: Part 3, 22.5 (TPM2_PCR_Allocate).
        """
        wanted = encode_selections(tuple(Selection(each, ALL_PCRS if each == bank else ()) for each in BANKS))
        _, answer = self.command(CC_PCR_ALLOCATE, (PLATFORM,), wanted)
        if answer[:1] != b"\1":  # TPMI_YES_NO
            raise TpmRefused("the TPM has no room for these registers", bank=hex(bank))

    def extend(self, pcr: int, digest: bytes) -> None:
        """Let a PCR of the SHA-256 bank take a digest of 32 bytes. Source: Part 3, 22.2 (TPM2_PCR_Extend)."""
        self.command(CC_PCR_EXTEND, (pcr,), struct.pack(">IH", 1, ALG_SHA256) + digest)

    def quote(self, key: int, qualifying: bytes, selection: Selection) -> tuple[bytes, bytes]:
        """Have the registers signed, together with `qualifying` (at most 32 bytes on every TPM).

        Returns:
            TPMS_ATTEST and TPMT_SIGNATURE.

        Source: Part 3, 18.4 (TPM2_Quote).
        """
        parameters = sized(qualifying) + struct.pack(">H", ALG_NULL) + encode_selections((selection,))
        _, answer = self.command(CC_QUOTE, (key,), parameters)
        attest = Reader(answer, "quote").sized(1024)
        return attest, answer[2 + len(attest) :]

    def seal(self, secret: bytes, selection: Selection, composite: bytes) -> bytes:
        """Encrypt a secret so that only this TPM, with these register values, gives it back.

        Args:
            secret: at most 128 bytes.
            selection: the registers.
            composite: SHA-256 over the values that they must have.

        Returns:
            What to keep; without this TPM it says nothing.

        Source: Part 3, 23.7 (TPM2_PolicyPCR).
        """
        policy = sha256(
            bytes(32) + struct.pack(">I", CC_POLICY_PCR) + encode_selections((selection,)) + composite
        ).digest()
        template = struct.pack(">HHI", ALG_KEYEDHASH, ALG_SHA256, FIXED_TPM | FIXED_PARENT | NO_DICTIONARY_LOCK)
        template += sized(policy) + struct.pack(">H", ALG_NULL) + sized(b"")
        return self.create(template, secret)

    def unseal(self, sealed: bytes, selection: Selection) -> bytes:
        """Give back what was sealed, if the registers are what they were to be.

        Raises:
            TpmRefused: they are not, or it was sealed by another TPM.
            BadStructure: not the bytes that `seal` returned.

        Source: Part 3, 12.7 (TPM2_Unseal).
        """
        used = [self.load(sealed)]
        try:
            session = self.policy_session()
            used.append(session)
            chosen = struct.pack(">I", session) + sized(b"") + encode_selections((selection,))
            self.plain(CC_POLICY_PCR, chosen)
            _, answer = self.command(CC_UNSEAL, (used[0],), b"", sessions=(authorise(session),))
        finally:
            for handle in reversed(used):
                self.flush(handle)
        return Reader(answer, "unsealed secret").sized(256)

    def create(self, template: bytes, secret: bytes = b"") -> bytes:
        """Make a new key, or encrypt a secret, below this TPM's storage key.

        Returns:
            What `load` takes; without this TPM it says nothing.

        Source: Part 3, 12.1 (TPM2_Create).
        """
        parent, _ = self.primary(OWNER, STORAGE_KEY)
        try:
            _, answer = self.command(CC_CREATE, (parent,), creation(template, secret))
        finally:
            self.flush(parent)
        reader = Reader(answer, "sealed secret")
        return sized(reader.sized(1024)) + sized(reader.sized(1024))

    def load(self, blob: bytes) -> int:
        """Load what `create` returned.

        Returns:
            Its handle, to be flushed after use.

        Raises:
            TpmRefused: another TPM made it, or it was changed.
            BadStructure: not the bytes that `create` returned.

        Source: Part 3, 12.2 (TPM2_Load).
        """
        reader = Reader(blob, "sealed secret")
        parts = sized(reader.sized(1024)) + sized(reader.sized(1024))
        reader.end()
        parent, _ = self.primary(OWNER, STORAGE_KEY)
        try:
            return self.command(CC_LOAD, (parent,), parts, returns_handle=True)[0]
        finally:
            self.flush(parent)

    def primary(self, hierarchy: int, template: bytes) -> tuple[int, bytes]:
        """Make the key that a template has in a hierarchy: its handle, and the other answers.

        Source: Part 3, 24.1 (TPM2_CreatePrimary).
        """
        return self.command(CC_CREATE_PRIMARY, (hierarchy,), creation(template, b""), returns_handle=True)

    def policy_session(self) -> int:
        """Start a session that a policy authorises. Source: Part 3, 11.1 (TPM2_StartAuthSession)."""
        start = struct.pack(">II", NOBODY, NOBODY) + sized(bytes(16)) + sized(b"")
        start += struct.pack(">BHH", POLICY_SESSION, ALG_NULL, ALG_SHA256)
        return int.from_bytes(self.plain(CC_START_AUTH_SESSION, start)[:4], "big")

    def flush(self, handle: int) -> None:
        """Take a key or a session out of the TPM's memory. Source: Part 3, 28.4 (TPM2_FlushContext)."""
        with suppress(TpmRefused, TpmBusy):
            self.plain(CC_FLUSH_CONTEXT, struct.pack(">I", handle))

    def command(
        self,
        code: int,
        handles: tuple[int, ...],
        parameters: bytes,
        *,
        returns_handle: bool = False,
        sessions: tuple[bytes, ...] = (PASSWORD_SESSION,),
    ) -> tuple[int, bytes]:
        """Send a command that is authorised by sessions, and cut its answer.

        Args:
            code: TPM_CC.
            handles: what it is about.
            parameters: what follows the sessions.
            returns_handle: whether a new handle comes before the other answers.
            sessions: one for each handle that has to be authorised; the default is the empty password.

        Returns:
            The new handle, or 0; and the other answers.

        Raises:
            TpmRefused, TpmBusy: the TPM's own answer.
            TpmGone: no answer, or one that cannot be read.
        """
        new, answer, _ = self.whole(code, handles, parameters, sessions=sessions, returns_handle=returns_handle)
        return new, answer

    def whole(
        self,
        code: int,
        handles: tuple[int, ...],
        parameters: bytes,
        *,
        sessions: tuple[bytes, ...],
        returns_handle: bool,
    ) -> tuple[int, bytes, bytes]:
        """Like `command`, and what the sessions answer besides. Source: Part 1, 18.9 (response structure)."""
        area = b"".join(sessions)
        body = struct.pack(f">{len(handles)}II", *handles, len(area)) + area + parameters
        answer = self._send(0x8002, code, body)
        try:
            reader = Reader(answer, "answer of the TPM")
            new = reader.number(4) if returns_handle else 0
            given = reader.take(reader.number(4))
        except BadStructure as error:
            raise TpmGone("the TPM's answer cannot be read", command=hex(code), reason=error.what) from error
        return new, given, answer[4 * returns_handle + 4 + len(given) :]

    def plain(self, code: int, body: bytes) -> bytes:
        """Send a command that needs no authorisation; see `command`."""
        return self._send(0x8001, code, body)

    def _send(self, tag: int, code: int, body: bytes) -> bytes:
        """One exchange; what follows the header of the answer. Source: Part 1, 18 (command structure)."""
        command = struct.pack(">HII", tag, 10 + len(body), code) + body
        response = 0
        for _ in range(5):
            with self._lock:
                answer = self._transport.exchange(command)
            if len(answer) < 10 or int.from_bytes(answer[2:6], "big") != len(answer):
                raise TpmGone("the TPM's answer is cut off", size=len(answer))
            response = int.from_bytes(answer[6:10], "big")
            if response == 0:
                return answer[10:]
            if response not in RETRY:
                break
        refused = TpmBusy if response & WARNING_MASK == WARNING else TpmRefused
        raise refused("the TPM refused a command", command=hex(code), response=f"{response:#x}")


def authorise(session: int) -> bytes:
    """One entry of a command's authorisation area: this policy session, which goes on afterwards.

    Source: Part 2, 10.13.2 (TPMS_AUTH_COMMAND).
    """
    return struct.pack(">IHBH", session, 0, 1, 0)


def creation(template: bytes, secret: bytes) -> bytes:
    """The parameters that TPM2_CreatePrimary and TPM2_Create share: no password, no PCRs recorded."""
    return sized(sized(b"") + sized(secret)) + sized(template) + sized(b"") + struct.pack(">I", 0)
