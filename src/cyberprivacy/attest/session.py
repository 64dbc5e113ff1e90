"""What names one TLS 1.3 session and one side of it, so that evidence can be bound to it and to no other.

A key can be taken out of a machine; a session cannot be had twice. Both ends of a session, and nobody else, can
compute its exporter (RFC 8446, 7.5); a relay between them has two sessions, with two exporters. The context
names who attests to whom, so that an answer is of no use to send back to the one who gave it.
"""

from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDFExpand

from cyberprivacy.attest.evidence import length_prefixed
from cyberprivacy.errors import Untrusted

LABEL: Final = b"EXPORTER-CyberPrivacy-Attestation/1"
"""The exporter's label. Source: RFC 5705, section 4: labels of private use begin with "EXPORTER"."""
SIZE: Final = 32
UNBOUND: Final = bytes(SIZE)
"""Stands where there is no session: evidence that goes into a file or onto a chain."""

_HASHES: Final = {32: hashes.SHA256, 48: hashes.SHA384}


class BadSession(Untrusted):
    """What the TLS front says about a session cannot be."""

    code = "tls.session"
    hint = "The front must be the one that this node started: TLS 1.3, with `ssl_fc_exporter_secret`."


@dataclass(frozen=True, slots=True)
class TlsSession:
    """What the TLS front knows of a session.

    Attributes:
        secret: its exporter_master_secret, 32 or 48 bytes; no traffic key can be computed from it.
        certificate: SHA-256 of the DER certificate that the front used in it, 32 bytes.
    """

    secret: bytes = field(repr=False)
    certificate: bytes


def context(role: str, own: bytes, other: bytes = b"") -> bytes:
    """The exporter's context for the side that attests.

    Args:
        role: what that side is in the conversation, as in `Bound.role`.
        own: SHA-256 of the SubjectPublicKeyInfo of its certificate, 32 bytes.
        other: the same of the other side's certificate; b"" when that one has shown none.

    Source: docs/spec/attestation.md, "Session".
    """
    return b"".join(length_prefixed(part) for part in (role.encode("ascii"), own, other))


def exported(secret: bytes, role: str, own: bytes, other: bytes = b"") -> bytes:
    """The session's name, 32 bytes, from the session's exporter secret.

    Args:
        secret: exporter_master_secret of the session, 32 or 48 bytes: as long as the hash of its cipher suite.
        role: as for `context`.
        own: as for `context`.
        other: as for `context`.

    Raises:
        BadSession: a secret of another length.

    Source: RFC 8446, section 7.5.
    """
    algorithm = _HASHES.get(len(secret))
    if algorithm is None:
        raise BadSession("not the exporter secret of a TLS 1.3 session", size=len(secret))
    digest = algorithm()
    derived = _expand(secret, LABEL, _digest(digest, b""), digest.digest_size, digest)
    return _expand(derived, b"exporter", _digest(digest, context(role, own, other)), SIZE, digest)


def _digest(algorithm: hashes.HashAlgorithm, data: bytes) -> bytes:
    digest = hashes.Hash(algorithm)
    digest.update(data)
    return digest.finalize()


def _expand(secret: bytes, label: bytes, hashed: bytes, size: int, algorithm: hashes.HashAlgorithm) -> bytes:
    """HKDF-Expand-Label. Source: RFC 8446, section 7.1."""
    full = b"tls13 " + label
    info = size.to_bytes(2, "big") + bytes([len(full)]) + full + bytes([len(hashed)]) + hashed
    return HKDFExpand(algorithm, size, info).derive(secret)
