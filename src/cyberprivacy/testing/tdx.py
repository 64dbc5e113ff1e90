"""An Intel on paper, and machines on paper that it certifies: byte-exact TDX evidence without hardware.

Nothing here shares code with the verifier that judges it, but for the mark of development roots. Whoever has this
module can make evidence about anything, so it passes the production verifier, unmodified, only for a caller who
names this very root by hand. Bend one field with `dataclasses.replace` to make evidence wrong in one place.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, utils
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cyberprivacy import canonical
from cyberprivacy.attest.certificates import DEVELOPMENT_MARK, fingerprint

DAY: Final = 86_400
FMSPC: Final = bytes.fromhex("90c06f000000")
QE_SIGNER: Final = bytes.fromhex("dc9e2a7c6f948f17474e34a7fc43ed030f7c1563f1babddf6340c82e0e54a8c5")
COMPONENTS: Final = (3, 3, 2, 2, 4, 1, 0, 5, 0, 0, 0, 0, 0, 0, 0, 0)
TEE_TCB_SVN: Final = (7, 1, 3, *[0] * 13)
SGX_EXTENSIONS: Final = x509.ObjectIdentifier("1.2.840.113741.1.13.1")
ZERO: Final = bytes(48)

Json = dict[str, Any]


@dataclass(frozen=True)
class Holder:
    """A key on P-256 and its certificate."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    certificate: x509.Certificate

    def sign(self, message: bytes) -> bytes:
        """R and s over the message, 32 bytes each, big-endian."""
        return raw_signature(self.key, message)

    @property
    def der(self) -> bytes:
        """The certificate in DER."""
        return self.certificate.public_bytes(Encoding.DER)

    @property
    def pem(self) -> bytes:
        """The certificate in PEM."""
        return self.certificate.public_bytes(Encoding.PEM)


def raw_signature(key: ec.EllipticCurvePrivateKey, message: bytes) -> bytes:
    """ECDSA with SHA-256: r and s, 32 bytes each, big-endian."""
    r, s = utils.decode_dss_signature(key.sign(message, ec.ECDSA(hashes.SHA256())))
    return r.to_bytes(32, "big") + s.to_bytes(32, "big")


def certify(
    role: str,
    issuer: Holder | None,
    *,
    now: int,
    path_length: int | None = None,
    extension: x509.UnrecognizedExtension | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> Holder:
    """A key, and a certificate for it in Intel's style, valid for a year before and after `now`.

    Args:
        role: the common name.
        issuer: who signs; None = itself.
        now: seconds since 1970.
        path_length: of an authority; None = the certificate is none.
        extension: one more, not critical unless it is the mark of development.
        key: whose; None = a new one.
    """
    key = key or ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, role)])
    since, until = (datetime.fromtimestamp(now + days * DAY, UTC) for days in (-365, 365))
    authority = path_length is not None
    above = name if issuer is None else issuer.certificate.subject
    builder = x509.CertificateBuilder().issuer_name(above).subject_name(name).public_key(key.public_key())
    builder = builder.serial_number(x509.random_serial_number()).not_valid_before(since).not_valid_after(until)
    builder = builder.add_extension(x509.BasicConstraints(ca=authority, path_length=path_length), critical=True)
    usage = dict.fromkeys(("key_encipherment", "data_encipherment", "key_agreement"), False)
    usage |= dict.fromkeys(("encipher_only", "decipher_only", "content_commitment"), False)
    usage |= {"digital_signature": not authority, "key_cert_sign": authority, "crl_sign": authority}
    builder = builder.add_extension(x509.KeyUsage(**usage), critical=True)
    if extension is not None:
        builder = builder.add_extension(extension, critical=extension.oid == DEVELOPMENT_MARK)
    return Holder(key, builder.sign(key if issuer is None else issuer.key, hashes.SHA256()))


def tlv(tag: int, content: bytes) -> bytes:
    """One DER value."""
    size = len(content)
    head = bytes((size,)) if size < 0x80 else bytes((0x82, size >> 8, size & 0xFF))
    return bytes((tag,)) + head + content


def sgx_extensions(
    *, ppid: bytes, fmspc: bytes = FMSPC, components: Sequence[int] = COMPONENTS, pce_svn: int = 13
) -> bytes:
    """The SGX extensions of a PCK certificate, in DER."""
    arc = bytes.fromhex("2a864886f84d010d01")

    def pair(path: Sequence[int], value: bytes) -> bytes:
        return tlv(0x30, tlv(0x06, arc + bytes(path)) + value)

    def number(value: int) -> bytes:
        return tlv(0x02, value.to_bytes(value.bit_length() // 8 + 1, "big"))

    tcb = [pair((2, place), number(svn)) for place, svn in enumerate((*components, pce_svn), 1)]
    tcb.append(pair((2, 18), tlv(0x04, bytes(components))))
    parts = (
        pair((1,), tlv(0x04, ppid)),
        pair((2,), tlv(0x30, b"".join(tcb))),
        pair((3,), tlv(0x04, bytes(2))),
        pair((4,), tlv(0x04, fmspc)),
        pair((5,), tlv(0x0A, b"\x01")),
    )
    return tlv(0x30, b"".join(parts))


def stamp(at: int) -> str:
    """A time as Intel writes it."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def tcb_level(
    status: str = "UpToDate", *, sgx: Sequence[int] = COMPONENTS, tdx: Sequence[int] = TEE_TCB_SVN, pce: int = 13
) -> Json:
    """One line of TCB info."""
    tcb = {
        "sgxtcbcomponents": [{"svn": svn} for svn in sgx],
        "pcesvn": pce,
        "tdxtcbcomponents": [{"svn": svn} for svn in tdx],
    }
    return {"tcb": tcb, "tcbDate": "2024-11-13T00:00:00Z", "tcbStatus": status}


def svn_level(svn: int, status: str = "UpToDate", *advisories: str) -> Json:
    """One line of a table of an enclave or a TDX module."""
    line: Json = {"tcb": {"isvsvn": svn}, "tcbDate": "2024-11-13T00:00:00Z", "tcbStatus": status}
    return {**line, "advisoryIDs": list(advisories)} if advisories else line


def tcb_info(now: int, **changes: object) -> Json:
    """TCB info under which everything is up to date, but for these changes."""
    module = {"mrsigner": "00" * 48, "attributes": "00" * 8, "attributesMask": "FF" * 8}
    said: Json = {
        "id": "TDX",
        "version": 3,
        "issueDate": stamp(now - DAY),
        "nextUpdate": stamp(now + 29 * DAY),
        "fmspc": FMSPC.hex().upper(),
        "pceId": "0000",
        "tcbType": 0,
        "tcbEvaluationDataNumber": 18,
        "tdxModule": module,
        "tdxModuleIdentities": [{"id": "TDX_01", **module, "tcbLevels": [svn_level(6)]}],
        "tcbLevels": [tcb_level()],
    }
    return {**said, **changes}


def qe_identity(now: int, **changes: object) -> Json:
    """The identity of the quoting enclave, but for these changes."""
    said: Json = {
        "id": "TD_QE",
        "version": 2,
        "issueDate": stamp(now - DAY),
        "nextUpdate": stamp(now + 29 * DAY),
        "tcbEvaluationDataNumber": 18,
        "miscselect": "00000000",
        "miscselectMask": "FFFFFFFF",
        "attributes": "11000000000000000000000000000000",
        "attributesMask": "FBFFFFFFFFFFFFFF0000000000000000",
        "mrsigner": QE_SIGNER.hex().upper(),
        "isvprodid": 2,
        "tcbLevels": [svn_level(4)],
    }
    return {**said, **changes}


@dataclass(frozen=True, kw_only=True)
class PaperIntel:
    """A vendor: its authorities, and what it publishes.

    Attributes:
        root, authority, signer: who certifies authorities, who certifies platforms, who signs tables.
        now: when it publishes, seconds since 1970.
        info, qe: TCB info and QE identity.
        revoked: serial numbers on either list.
        parts: parts of the collateral that are replaced before it is encoded.
    """

    root: Holder
    authority: Holder
    signer: Holder
    now: int
    info: Json
    qe: Json
    revoked: frozenset[int] = frozenset()
    parts: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def new(cls, *, now: int, marked: bool = True) -> "PaperIntel":
        """A vendor whose root says that it is for development, or does not."""
        mark = x509.UnrecognizedExtension(DEVELOPMENT_MARK, b"\x05\x00") if marked else None
        root = certify("Intel SGX Root CA", None, now=now, path_length=1, extension=mark)
        return cls(
            root=root,
            authority=certify("Intel SGX PCK Platform CA", root, now=now, path_length=0),
            signer=certify("Intel SGX TCB Signing", root, now=now),
            now=now,
            info=tcb_info(now),
            qe=qe_identity(now),
        )

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the root's SubjectPublicKeyInfo, by which a verifier names it."""
        return fingerprint(self.root.certificate)

    def unmarked(self) -> "PaperIntel":
        """The same with a second certificate of the root's key, which does not say that it is for development.

        Our verifier refuses it; others, which do not know the mark, read nothing else.
        """
        root = certify("Intel SGX Root CA", None, now=self.now, path_length=1, key=self.root.key)
        return replace(self, root=root)

    def platform(self, **changes: Any) -> Holder:
        """A processor's key and PCK certificate; changes of `sgx_extensions`."""
        value = sgx_extensions(**{"ppid": bytes(15) + b"\x01", **changes})
        extension = x509.UnrecognizedExtension(SGX_EXTENSIONS, value)
        return certify("Intel SGX PCK Certificate", self.authority, now=self.now, extension=extension)

    def crl(self, issuer: Holder, *, since: int = -DAY, until: int = 29 * DAY) -> bytes:
        """What an authority has revoked, in DER."""
        begins, ends = (datetime.fromtimestamp(self.now + seconds, UTC) for seconds in (since, until))
        builder = x509.CertificateRevocationListBuilder().issuer_name(issuer.certificate.subject)
        builder = builder.last_update(begins).next_update(ends)
        builder = builder.add_extension(x509.CRLNumber(1), critical=False)
        name = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key())
        builder = builder.add_extension(name, critical=False)
        for serial in self.revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(begins).build()
            builder = builder.add_revoked_certificate(entry)
        return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)

    def published(self) -> dict[str, str]:
        """The nine parts."""
        info, qe = (json.dumps(said, separators=(",", ":")) for said in (self.info, self.qe))
        signing = (self.signer.pem + self.root.pem).decode()
        made = {
            "pck_crl_issuer_chain": (self.authority.pem + self.root.pem).decode(),
            "root_ca_crl": self.crl(self.root).hex(),
            "pck_crl": self.crl(self.authority).hex(),
            "tcb_info_issuer_chain": signing,
            "tcb_info": info,
            "tcb_info_signature": self.signer.sign(info.encode()).hex(),
            "qe_identity_issuer_chain": signing,
            "qe_identity": qe,
            "qe_identity_signature": self.signer.sign(qe.encode()).hex(),
        }
        return {**made, **self.parts}

    def collateral(self) -> bytes:
        """What travels with evidence."""
        return canonical.encode(self.published())
