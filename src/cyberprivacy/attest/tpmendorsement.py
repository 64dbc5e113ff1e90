"""What a TPM does with its endorsement key: show it and its certificates, and take a secret out of a credential.

Source: TCG TPM 2.0 Library, Part 3 (Commands), revision 1.59; TCG EK Credential Profile 2.5, 2.2.1 (NV indices).
"""

import struct
from typing import Final

from cyberprivacy.attest.credential import Credential
from cyberprivacy.attest.tpm2 import BadStructure, Public, Reader, sized
from cyberprivacy.attest.tpmcommands import (
    ENDORSEMENT,
    PASSWORD_SESSION,
    Tpm,
    TpmGone,
    TpmRefused,
    authorise,
)
from cyberprivacy.attest.tpmtemplates import ENDORSEMENT_ECC, ENDORSEMENT_RSA

CC_ACTIVATE_CREDENTIAL: Final = 0x147
CC_NV_READ: Final = 0x14E
CC_POLICY_SECRET: Final = 0x151
CC_NV_READ_PUBLIC: Final = 0x169

NO_SUCH_HANDLE: Final = "0x18b"
"""TPM_RC_HANDLE about the first handle: no index there. Source: Part 2, 6.6.2."""

CERTIFICATES: Final = {0x01C0000A: ENDORSEMENT_ECC, 0x01C00002: ENDORSEMENT_RSA}
"""Where a maker leaves the certificate of an endorsement key, and that key's template; the faster key first."""

ISSUERS: Final = 0x01C00100
"""First index where a maker may leave the certificates above it."""
MAX_ISSUERS: Final = 4

MAX_CERTIFICATE: Final = 16 << 10
PIECE: Final = 512
"""Bytes that we read at once; every TPM gives so many."""


def endorsement_key(tpm: Tpm, template: bytes) -> tuple[int, Public]:
    """Make the endorsement key of a template: always the same, as it derives from the seed that the maker left.

    Returns:
        Its handle, to be flushed after use, and its public area.

    Raises:
        TpmRefused: the TPM has no such keys, or its endorsement hierarchy has a password.
    """
    handle, answer = tpm.primary(ENDORSEMENT, template)
    try:
        return handle, Public.parse(Reader(answer, "endorsement key").sized(1024))
    except BadStructure as error:
        raise TpmGone("the TPM's answer cannot be read", reason=error.what) from error


def certificates(tpm: Tpm) -> tuple[bytes, bytes] | None:
    """The first endorsement certificate that the maker left in the TPM.

    Returns:
        The template of its key; and DER certificates one after another: the key's own first, then those that the
        maker left above it. None when there is none.

    Raises:
        TpmRefused: there is one, but it is not to be read.
    """
    for index, template in CERTIFICATES.items():
        own = _certificate(tpm, index)
        if own is not None:
            above = (_certificate(tpm, ISSUERS + place) for place in range(MAX_ISSUERS))
            return template, own + b"".join(each for each in above if each is not None)
    return None


def activate(tpm: Tpm, attestation_key: int, template: bytes, credential: Credential) -> bytes:
    """Take the secret out of a credential that was made for this TPM and this attestation key.

    Args:
        tpm: the TPM.
        attestation_key: handle of the loaded attestation key, whose authorisation is the empty password.
        template: of the endorsement key that the credential was made for.
        credential: what `make_credential` returned.

    Raises:
        TpmRefused: it was made for another TPM or another key, or was changed.

    Source: Part 3, 12.5 (TPM2_ActivateCredential), 23.4 (TPM2_PolicySecret).
    """
    used = [endorsement_key(tpm, template)[0]]
    try:
        session = tpm.policy_session()
        used.append(session)
        # no nonce, no command, no policy reference, no expiry
        parameters = sized(b"") + sized(b"") + sized(b"") + struct.pack(">i", 0)
        tpm.command(CC_POLICY_SECRET, (ENDORSEMENT, session), parameters)
        _, answer = tpm.command(
            CC_ACTIVATE_CREDENTIAL,
            (attestation_key, used[0]),
            credential.encode(),
            sessions=(PASSWORD_SESSION, authorise(session)),
        )
    finally:
        for handle in reversed(used):
            tpm.flush(handle)
    return Reader(answer, "secret").sized(64)


def _certificate(tpm: Tpm, index: int) -> bytes | None:
    """One DER certificate at an index; None when nothing is there. What fills the index behind it is left out."""
    size = _size(tpm, index)
    if size is None:
        return None
    size = min(size, MAX_CERTIFICATE)
    data = b""
    while len(data) < size:
        piece = struct.pack(">HH", min(PIECE, size - len(data)), len(data))
        _, answer = tpm.command(CC_NV_READ, (index, index), piece)
        found = Reader(answer, "NV data").sized(PIECE)
        if not found:
            raise TpmGone("the TPM gives less than it has", index=hex(index), size=size)
        data += found
    return data[: 4 + int.from_bytes(data[2:4], "big")]


def _size(tpm: Tpm, index: int) -> int | None:
    """How many bytes an index has. Source: Part 3, 31.6 (TPM2_NV_ReadPublic); Part 2, 13.5 (TPMS_NV_PUBLIC)."""
    try:
        answer = tpm.plain(CC_NV_READ_PUBLIC, struct.pack(">I", index))
    except TpmRefused as refusal:
        if refusal.facts["response"] == NO_SUCH_HANDLE:
            return None
        raise
    area = Reader(Reader(answer, "NV index").sized(1024), "NV index")
    area.take(10)  # index, hash, attributes
    area.sized(64)  # policy
    return area.number(2)
