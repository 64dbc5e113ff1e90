"""Secrets that a TPM gives back while its registers and its counter are what they were to be, and no longer.

What goes in and comes out is encrypted between here and the TPM (`tpmsession`). See `tpmcounter` for what the
counter is for.

Source: TCG TPM 2.0 Library, revision 1.59, Part 3: 12.1 (TPM2_Create), 12.7 (TPM2_Unseal), 23.7 (TPM2_PolicyPCR),
23.9 (TPM2_PolicyNV); Part 2, 6.8 (TPM_EO).
"""

import struct
from contextlib import ExitStack
from dataclasses import dataclass
from hashlib import sha256
from typing import Final, Self

from cyberprivacy.attest import eventlog, tpmcounter
from cyberprivacy.attest.tpm2 import (
    ALG_NULL,
    ALG_SHA256,
    FIXED_PARENT,
    FIXED_TPM,
    Public,
    Reader,
    Selection,
    encode_selections,
    sized,
)
from cyberprivacy.attest.tpmcommands import (
    ALG_KEYEDHASH,
    CC_CREATE,
    CC_POLICY_PCR,
    CC_UNSEAL,
    OWNER,
    PASSWORD_SESSION,
    Tpm,
    TpmGone,
    authorise,
    creation,
)
from cyberprivacy.attest.tpmsession import OF_ANSWER, OF_COMMAND, Encrypting
from cyberprivacy.attest.tpmtemplates import NO_DICTIONARY_LOCK, STORAGE_KEY

CC_POLICY_NV: Final = 0x149
CC_PCR_READ: Final = 0x17E
AT_MOST: Final = 9
"""TPM_EO_UNSIGNED_LE: the counter is not above a value."""


@dataclass(frozen=True, slots=True)
class Guard:
    """When a secret comes out.

    Attributes:
        registers: which must have certain values.
        composite: SHA-256 over those values, ascending.
        most: what the counter may be at most.
    """

    registers: Selection
    composite: bytes
    most: int

    @classmethod
    def now(cls, tpm: Tpm, registers: Selection, *, most: int) -> Self:
        """The registers as they are."""
        return cls(registers, eventlog.composite(values_of(tpm, registers), registers.pcrs), most)

    def policy(self) -> bytes:
        """The digest that a TPM compares: 32 bytes."""
        opens = struct.pack(">I", CC_POLICY_PCR) + encode_selections((self.registers,)) + self.composite
        counts = struct.pack(">I", CC_POLICY_NV) + sha256(self._operand() + self._operation()).digest()
        first = sha256(bytes(32) + opens).digest()
        return sha256(first + counts + tpmcounter.NAME).digest()

    def show(self, tpm: Tpm, session: int) -> None:
        """Have the TPM look at its registers and its counter for a session.

        Raises:
            TpmRefused: the counter is above what it may be, or is not there.
        """
        tpm.plain(CC_POLICY_PCR, struct.pack(">I", session) + sized(b"") + encode_selections((self.registers,)))
        handles = (tpmcounter.INDEX, tpmcounter.INDEX, session)
        tpm.command(CC_POLICY_NV, handles, sized(self._operand()) + self._operation())

    def _operand(self) -> bytes:
        return self.most.to_bytes(tpmcounter.SIZE, "big")

    def _operation(self) -> bytes:
        return struct.pack(">HH", 0, AT_MOST)


def values_of(tpm: Tpm, selection: Selection) -> dict[int, bytes]:
    """The values that these registers have now; at most eight of them.

    Raises:
        TpmGone: the TPM gives others, or fewer.

    Source: Part 3, 22.4 (TPM2_PCR_Read).
    """
    chosen = encode_selections((selection,))
    reader = Reader(tpm.plain(CC_PCR_READ, chosen), "values of registers")
    reader.take(4)  # a count of changes
    if reader.take(len(chosen)) != chosen or reader.number(4) != len(selection.pcrs):
        raise TpmGone("the TPM does not give the registers that were asked for", pcrs=selection.pcrs)
    return {pcr: reader.sized(32) for pcr in selection.pcrs}


def seal(tpm: Tpm, secret: bytes, guard: Guard) -> bytes:
    """Encrypt a secret so that only this TPM gives it back, and only while the guard lets it.

    Args:
        tpm: the TPM.
        secret: at most 128 bytes.
        guard: what must hold then; nothing of it has to hold now.

    Returns:
        What to keep; without this TPM it says nothing.
    """
    template = struct.pack(">HHI", ALG_KEYEDHASH, ALG_SHA256, FIXED_TPM | FIXED_PARENT | NO_DICTIONARY_LOCK)
    template += sized(guard.policy()) + struct.pack(">H", ALG_NULL) + sized(b"")
    with ExitStack() as ends:
        parent, public, session = _storage(tpm, ends)
        answer = session.command(
            CC_CREATE,
            ((parent, public.name),),
            creation(template, secret),
            authorised=PASSWORD_SESSION,
            encrypts=OF_COMMAND,
        )
    reader = Reader(answer, "sealed secret")
    return sized(reader.sized(1024)) + sized(reader.sized(1024))


def unseal(tpm: Tpm, sealed: bytes, guard: Guard) -> bytes:
    """Give back what was sealed.

    Args:
        tpm: the TPM.
        sealed: what `seal` gave.
        guard: the one that it was sealed with; the TPM looks at its registers and its counter itself.

    Raises:
        TpmRefused: something is not as it was to be, or another TPM sealed it.
        BadStructure: not the bytes that `seal` gave.
    """
    area = Reader(sealed, "sealed secret")
    area.sized(1024)
    name = struct.pack(">H", ALG_SHA256) + sha256(area.sized(1024)).digest()
    with ExitStack() as ends:
        held = tpm.load(sealed)
        ends.callback(tpm.flush, held)
        _, _, session = _storage(tpm, ends)
        policy = tpm.policy_session()
        ends.callback(tpm.flush, policy)
        guard.show(tpm, policy)
        answer = session.command(CC_UNSEAL, ((held, name),), b"", authorised=authorise(policy), encrypts=OF_ANSWER)
    return Reader(answer, "unsealed secret").sized(256)


def _storage(tpm: Tpm, ends: ExitStack) -> tuple[int, Public, Encrypting]:
    """The storage key, and a session that encrypts with it."""
    parent, answer = tpm.primary(OWNER, STORAGE_KEY)
    ends.callback(tpm.flush, parent)
    public = Public.parse(Reader(answer, "storage key").sized(1024))
    session = Encrypting(tpm, parent, public)
    ends.callback(tpm.flush, session.handle)
    return parent, public, session
