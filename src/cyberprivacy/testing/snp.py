"""A development root for SEV-SNP: AMD's part, played with keys of our own, and chips that it vouches for.

What comes out is laid out byte for byte as real evidence, report version 5 included, of which nobody has published
a genuine one. The production verifier, unmodified, accepts it for a caller who names this very root by hand, and
then at the level "development".

    amd = FakeAmd.new(Product.TURIN, now=NOW)
    evidence = amd.chip().quote(binding)
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import cache
from hashlib import sha384
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from cyberprivacy.attest.certificates import DEVELOPMENT_MARK, fingerprint
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.snp import endorsement
from cyberprivacy.attest.snp.product import Product, Tcb
from cyberprivacy.attest.snp.report import (
    NO_AGENT,
    Cpuid,
    Firmware,
    GuestPolicy,
    Platform,
    Report,
    Signer,
    encode_signature,
)
from cyberprivacy.attest.snp.verifier import assemble

YEAR: Final = 365 * 86_400
CPUIDS: Final[Mapping[Product, Cpuid]] = {
    Product.MILAN: Cpuid(0x19, 0x01, 1),
    Product.GENOA: Cpuid(0x19, 0x11, 1),
    Product.TURIN: Cpuid(0x1A, 0x02, 1),
}
TCBS: Final[Mapping[Product, Tcb]] = {
    Product.MILAN: Tcb(bootloader=4, snp=0x18, microcode=0xDB),
    Product.GENOA: Tcb(bootloader=10, snp=0x17, microcode=0x54),
    Product.TURIN: Tcb(fmc=1, bootloader=1, tee=1, snp=3, microcode=0x4D),
}
MEASUREMENT: Final = sha384(b"a launch").digest()

_PSS: Final = padding.PSS(padding.MGF1(hashes.SHA384()), 48)


@cache
def authority_key(role: str) -> rsa.RSAPrivateKey:  # noqa: ARG001 - the name under which it is kept
    """A key of 4096 bits for "ARK", "ASK" or "ASVK"; made once in a process, as that takes seconds."""
    return rsa.generate_private_key(65537, 4096)


@dataclass(frozen=True, kw_only=True)
class FakeAmd:
    """The authorities of one product.

    Attributes:
        product: whose authorities they are, or say that they are.
        now: seconds since 1970, in the middle of every validity.
        root, ask, asvk: their certificates.
    """

    product: Product
    now: int
    root: x509.Certificate
    ask: x509.Certificate
    asvk: x509.Certificate

    @classmethod
    def new(cls, product: Product, *, now: int, marked: bool = True, below: int | None = None) -> "FakeAmd":
        """Authorities of a product.

        Args:
            product: of the chips that they will vouch for.
            now: seconds since 1970.
            marked: whether the root says that it is for development only.
            below: how many authorities the root allows below itself; None = any number.
        """
        name = _name(f"ARK-{product.value}")
        builder = _builder(name, name, authority_key("ARK").public_key(), now)
        builder = builder.add_extension(_usage(certificates=True, lists=True), critical=True)
        builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=below), critical=True)
        if marked:
            mark = x509.UnrecognizedExtension(DEVELOPMENT_MARK, b"\x05\x00")
            builder = builder.add_extension(mark, critical=True)
        root = builder.sign(authority_key("ARK"), hashes.SHA384(), rsa_padding=_PSS)
        ask, asvk = (
            _authority(name, f"SEV-{infix}{product.value}", role, now)
            for infix, role in (("", "ASK"), ("VLEK-", "ASVK"))
        )
        return cls(product=product, now=now, root=root, ask=ask, asvk=asvk)

    @property
    def fingerprint(self) -> bytes:
        """SHA-256 of the root's SubjectPublicKeyInfo, 32 bytes."""
        return fingerprint(self.root)

    def chip(
        self,
        *,
        signer: Signer = Signer.VCEK,
        tcb: Tcb | None = None,
        extensions: Mapping[str, bytes | None] | None = None,
        valid: tuple[int, int] | None = None,
    ) -> "FakeChip":
        """A new chip whose key is certified.

        Args:
            signer: its own key, or one lent to a cloud provider.
            tcb: of its firmware; None = a good one.
            extensions: by dotted OID, instead of what AMD would write; None = leave it out.
            valid: from and until when the certificate is; None = around now.
        """
        made = TCBS[self.product] if tcb is None else tcb
        key = ec.generate_private_key(ec.SECP384R1())
        chip_id = sha384(key.public_key().public_numbers().x.to_bytes(48, "big")).digest() + bytes(16)
        chip_id = chip_id[: self.product.chip_size].ljust(64, b"\x00")
        issuer, role = (self.ask, "ASK") if signer is not Signer.VLEK else (self.asvk, "ASVK")
        builder = _builder(_name(f"SEV-{signer.name}"), issuer.subject, key.public_key(), self.now, valid=valid)
        wanted = vendor_extensions(self.product, made, chip_id, signer)
        for oid, value in {**wanted, **(extensions or {})}.items():
            if value is not None:
                extension = x509.UnrecognizedExtension(x509.ObjectIdentifier(oid), value)
                builder = builder.add_extension(extension, critical=False)
        leaf = builder.sign(authority_key(role), hashes.SHA384(), rsa_padding=_PSS)
        chain = b"".join(each.public_bytes(Encoding.DER) for each in (leaf, issuer, self.root))
        return FakeChip(
            product=self.product, signer=signer, tcb=made, chip_id=chip_id, key=key, certificates=chain
        )

    def crl(self, *revoked: int, since: int | None = None, until: int | None = None, role: str = "ARK") -> bytes:
        """The DER list of revoked certificates: by serial number, signed by the authority in this role."""
        builder = x509.CertificateRevocationListBuilder().issuer_name(self.root.subject)
        builder = builder.last_update(datetime.fromtimestamp(self.now - YEAR if since is None else since, UTC))
        builder = builder.next_update(datetime.fromtimestamp(self.now + YEAR if until is None else until, UTC))
        builder = builder.add_extension(x509.CRLNumber(1), critical=False)
        for serial in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(serial)
            entry = entry.revocation_date(datetime.fromtimestamp(self.now - 1, UTC))
            builder = builder.add_revoked_certificate(
                entry.add_extension(x509.CRLReason(x509.ReasonFlags.key_compromise), critical=False).build()
            )
        made = builder.sign(authority_key(role), hashes.SHA384(), rsa_padding=_PSS)
        return made.public_bytes(Encoding.DER)


@dataclass(frozen=True, kw_only=True)
class FakeChip:
    """A chip with its key, and everything that a guest on it needs to prove itself. It is an `Attester`.

    Attributes:
        product, signer, tcb: as certified.
        chip_id: 64 bytes.
        key: what a real chip never lets out.
        certificates: DER, leaf first.
        crl: the root's list that comes along; None = none does.
        version: of its reports.
        changes: fields of `Report` that are not as in a good guest.
    """

    product: Product
    signer: Signer
    tcb: Tcb
    chip_id: bytes
    key: ec.EllipticCurvePrivateKey
    certificates: bytes
    crl: bytes | None = None
    version: int = 5
    changes: Mapping[str, Any] = field(default_factory=dict)

    def bend(self, **changes: Any) -> "FakeChip":
        """The same chip, but its reports have these fields."""
        return replace(self, changes={**self.changes, **changes})

    def report(self, report_data: bytes) -> Report:
        """What a good guest on this chip would get signed, but for `changes`."""
        tcb, firmware = self.tcb.encode(self.product), Firmware(5, 58, 1)
        good = Report(
            version=self.version,
            guest_svn=0,
            abi=0x0139,
            policy=GuestPolicy.RESERVED_ONE | GuestPolicy.SMT,
            family_id=bytes(16),
            image_id=bytes(16),
            vmpl=0,
            current_tcb=tcb,
            platform=Platform.SMT | Platform.ECC | Platform.ALIAS_CHECK,
            author_key=False,
            masked_key=False,
            signer=self.signer,
            report_data=report_data,
            measurement=MEASUREMENT,
            host_data=bytes(32),
            id_key_digest=bytes(48),
            author_key_digest=bytes(48),
            report_id=sha384(report_data).digest()[:32],
            agent_id=NO_AGENT,
            reported_tcb=tcb,
            cpuid=CPUIDS[self.product] if self.version > 2 else None,
            chip_id=self.chip_id if self.signer is Signer.VCEK else bytes(64),
            committed_tcb=tcb,
            current=firmware,
            committed=firmware,
            launch_tcb=tcb,
            launch_mitigations=3 if self.version > 4 else 0,
            current_mitigations=3 if self.version > 4 else 0,
        )
        return replace(good, **self.changes)

    def sign(self, signed: bytes) -> bytes:
        """The 1184 bytes of a report from the 672 that are signed."""
        r, s = decode_dss_signature(self.key.sign(signed, ec.ECDSA(hashes.SHA384())))
        return signed + encode_signature(r, s)

    def quote(self, binding: bytes) -> Evidence:
        """Evidence that carries these 64 bytes."""
        return assemble(self.sign(self.report(binding).encode()), self.certificates, self.crl)


def vendor_extensions(product: Product, tcb: Tcb, chip_id: bytes, signer: Signer) -> dict[str, bytes]:
    """AMD's extensions of a leaf certificate by their dotted OID, in DER."""
    made = {
        endorsement.VERSION: _integer(1 if product is Product.TURIN else 0),
        endorsement.NAME: _ia5(product.value),
        **{oid: _integer(getattr(tcb, part)) for part, oid in endorsement.COMPONENTS.items()},
        **{oid: _integer(0) for oid in endorsement.RESERVED[product is Product.TURIN :]},
    }
    if product is Product.TURIN:
        made[endorsement.FMC] = _integer(tcb.fmc)
    if signer is Signer.VLEK:
        made[endorsement.CSP] = _ia5("CN=a cloud")
    else:
        made[endorsement.HWID] = chip_id[: product.chip_size]
    return made


def _integer(number: int) -> bytes:
    value = number.to_bytes(number.bit_length() // 8 + 1, "big")
    return bytes((2, len(value))) + value


def _ia5(text: str) -> bytes:
    return bytes((0x16, len(text))) + text.encode("ascii")


def _name(common: str) -> x509.Name:
    """As AMD orders it."""
    parts: Iterable[tuple[x509.ObjectIdentifier, str]] = (
        (NameOID.ORGANIZATIONAL_UNIT_NAME, "Engineering"),
        (NameOID.COUNTRY_NAME, "US"),
        (NameOID.LOCALITY_NAME, "Nowhere"),
        (NameOID.ORGANIZATION_NAME, "Development root: proves nothing"),
        (NameOID.COMMON_NAME, common),
    )
    return x509.Name([x509.NameAttribute(oid, text) for oid, text in parts])


def _usage(*, certificates: bool, lists: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=False,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=lists,
        encipher_only=False,
        decipher_only=False,
    )


def _authority(issuer: x509.Name, common: str, role: str, now: int) -> x509.Certificate:
    builder = _builder(_name(common), issuer, authority_key(role).public_key(), now)
    builder = builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
    builder = builder.add_extension(_usage(certificates=True, lists=False), critical=True)
    return builder.sign(authority_key("ARK"), hashes.SHA384(), rsa_padding=_PSS)


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: rsa.RSAPublicKey | ec.EllipticCurvePublicKey,
    now: int,
    *,
    valid: tuple[int, int] | None = None,
) -> x509.CertificateBuilder:
    since, until = (datetime.fromtimestamp(at, UTC) for at in valid or (now - YEAR, now + YEAR))
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer).public_key(key)
    return builder.serial_number(x509.random_serial_number()).not_valid_before(since).not_valid_after(until)
