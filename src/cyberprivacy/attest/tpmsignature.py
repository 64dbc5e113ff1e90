"""A TPM 2.0's signature, read strictly, and whether it is a key's signature over a message. Pure.

Source: TCG TPM 2.0 Library, Part 2 (Structures), revision 1.59.
"""

from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

from cyberprivacy.attest.tpm2 import (
    ALG_ECDSA,
    ALG_NULL,
    ALG_RSASSA,
    ALG_SHA256,
    BadStructure,
    Public,
    Reader,
)


@dataclass(frozen=True, slots=True)
class Signature:
    """A TPM's signature with SHA-256. Source: Part 2, 11.3.4 (TPMT_SIGNATURE).

    Attributes:
        algorithm: 0x0014 RSASSA (PKCS #1 v1.5) or 0x0018 ECDSA.
        data: the RSA signature, or the ECDSA pair (r, s) in DER.
    """

    algorithm: int
    data: bytes

    @classmethod
    def parse(cls, data: bytes) -> "Signature":
        """Read a TPMT_SIGNATURE.

        Raises:
            BadStructure: another scheme or hash, or malformed.
        """
        reader = Reader(data, "signature")
        algorithm, digest = reader.number(2), reader.number(2)
        if algorithm not in (ALG_RSASSA, ALG_ECDSA) or digest != ALG_SHA256:
            raise BadStructure("neither RSASSA nor ECDSA with SHA-256", scheme=hex(algorithm), hash=hex(digest))
        if algorithm == ALG_RSASSA:
            made = reader.sized(512)
        else:
            r, s = (int.from_bytes(reader.sized(32), "big") for _ in range(2))
            made = utils.encode_dss_signature(r, s)
        reader.end()
        return cls(algorithm, made)

    def signs(self, message: bytes, public: Public) -> bool:
        """Whether this is a signature of the key over the message."""
        if public.scheme not in (ALG_NULL, self.algorithm):
            return False
        try:
            match public.key:
                case rsa.RSAPublicKey() if self.algorithm == ALG_RSASSA:
                    public.key.verify(self.data, message, padding.PKCS1v15(), hashes.SHA256())
                case ec.EllipticCurvePublicKey() if self.algorithm == ALG_ECDSA:
                    public.key.verify(self.data, message, ec.ECDSA(hashes.SHA256()))
                case _:
                    return False
        except (InvalidSignature, UnsupportedAlgorithm):
            return False
        return True
