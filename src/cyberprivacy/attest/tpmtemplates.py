"""The keys that we ask a TPM to make: TPMT_PUBLIC templates, byte for byte. Pure.

Source: TCG TPM 2.0 Library, Part 2, 12.2.4; TCG EK Credential Profile 2.5, B.3 (endorsement keys).
"""

import struct
from typing import Final

from cyberprivacy.attest.tpm2 import (
    ALG_AES,
    ALG_CFB,
    ALG_ECC,
    ALG_ECDSA,
    ALG_NULL,
    ALG_RSA,
    ALG_SHA256,
    CURVE_P256,
    DECRYPT,
    FIXED_PARENT,
    FIXED_TPM,
    RESTRICTED,
    SENSITIVE_DATA_ORIGIN,
    SIGN,
    sized,
)

USER_WITH_AUTH: Final = 1 << 6
ADMIN_WITH_POLICY: Final = 1 << 7
NO_DICTIONARY_LOCK: Final = 1 << 10
"""On each of our keys, as none has a password to guess. Without it a TPM takes every power cut after a use of the
key for a guess, and locks itself after three. Source: Part 1, 19.8.2 (dictionary attack lockout)."""

ATTESTATION_KEY: Final = (
    struct.pack(
        ">HHI",
        ALG_ECC,
        ALG_SHA256,
        FIXED_TPM | FIXED_PARENT | SENSITIVE_DATA_ORIGIN | USER_WITH_AUTH | NO_DICTIONARY_LOCK | RESTRICTED | SIGN,
    )
    + sized(b"")  # no policy
    + struct.pack(">HHHHH", ALG_NULL, ALG_ECDSA, ALG_SHA256, CURVE_P256, ALG_NULL)
    + sized(b"")
    + sized(b"")
)
"""TPMT_PUBLIC template of the attestation key: on P-256, signs only what the TPM made, never leaves it."""

STORAGE_KEY: Final = (
    struct.pack(
        ">HHI",
        ALG_ECC,
        ALG_SHA256,
        FIXED_TPM
        | FIXED_PARENT
        | SENSITIVE_DATA_ORIGIN
        | USER_WITH_AUTH
        | NO_DICTIONARY_LOCK
        | RESTRICTED
        | DECRYPT,
    )
    + sized(b"")
    + struct.pack(">HHH", ALG_AES, 128, ALG_CFB)
    + struct.pack(">HHH", ALG_NULL, CURVE_P256, ALG_NULL)
    + sized(b"")
    + sized(b"")
)
"""TPMT_PUBLIC template of the key under which secrets are sealed."""

ENDORSEMENT_POLICY: Final = bytes.fromhex("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa")
"""PolicyA with SHA-256: whoever has the authorisation of the endorsement hierarchy. Source: the same, B.6.2."""

_ENDORSEMENT_ATTRIBUTES: Final = (
    FIXED_TPM | FIXED_PARENT | SENSITIVE_DATA_ORIGIN | ADMIN_WITH_POLICY | RESTRICTED | DECRYPT
)

ENDORSEMENT_RSA: Final = (
    struct.pack(">HHI", ALG_RSA, ALG_SHA256, _ENDORSEMENT_ATTRIBUTES)
    + sized(ENDORSEMENT_POLICY)
    + struct.pack(">HHHH", ALG_AES, 128, ALG_CFB, ALG_NULL)
    + struct.pack(">HI", 2048, 0)
    + sized(bytes(256))
)
"""Template L-1: RSA 2048. Source: the same, B.3.3."""

ENDORSEMENT_ECC: Final = (
    struct.pack(">HHI", ALG_ECC, ALG_SHA256, _ENDORSEMENT_ATTRIBUTES)
    + sized(ENDORSEMENT_POLICY)
    + struct.pack(">HHHH", ALG_AES, 128, ALG_CFB, ALG_NULL)
    + struct.pack(">HH", CURVE_P256, ALG_NULL)
    + sized(bytes(32))
    + sized(bytes(32))
)
"""Template L-2: P-256. Source: the same, B.3.4."""
