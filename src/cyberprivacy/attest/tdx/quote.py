"""Intel TDX quotes of versions 4 and 5, as bytes. Pure.

A quote is a signed region (header, in version 5 a descriptor, and the TD report) and what seals it: a signature by
the attestation key, and why that key is to be believed. Only the signed region names the evidence, because
signatures and certificates can be respelled by anybody.

Source: Intel TDX DCAP Quoting Library API, A.3 (version 4) and A.4 (version 5). Numbers are little-endian.
"""

from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cyberprivacy.errors import Untrusted

MAX_QUOTE: Final = 16 << 10
HEADER_SIZE: Final = 48
TEE_TDX: Final = 0x81
KEY_P256: Final = 2
INTEL_QE: Final = bytes.fromhex("939a7233f79c4ca9940a0db3957f0607")
"""The quoting enclave's vendor. Source: the same, A.3.1, "QE Vendor ID"."""

BODY_SIZES: Final = {2: 584, 3: 648, 4: 885}
"""Size of each type of TD report: TDX 1.0, TDX 1.5, TDX 1.5 extended. Version 4 carries the first, unsaid.

Type 4 follows dcap-qvl 0.7.0, which the tests hold it against; we have no genuine quote of it.
"""

QE_REPORT: Final = 6
"""Certification data that holds the QE's report and its own certification data."""
PEM_CHAIN: Final = 5
"""Certification data that is the PCK certificate chain itself."""
MAX_AUTH: Final = 1024


class BadQuote(Untrusted):
    """Bytes are not a TDX quote that this program can read."""

    code = "tdx.form"
    hint = "The evidence was damaged, made up, or is of a version that this program does not know."


class Reader:
    """Takes values from the front of a buffer and refuses to read past its end."""

    __slots__ = ("_at", "_data", "_what")

    def __init__(self, data: bytes, what: str) -> None:
        self._data, self._at, self._what = data, 0, what

    def __bool__(self) -> bool:
        """Whether something is left."""
        return self._at < len(self._data)

    def take(self, size: int) -> bytes:
        """The next `size` bytes."""
        end = self._at + size
        if end > len(self._data):
            raise BadQuote(f"{self._what} ends early", wanted=size, left=len(self._data) - self._at)
        taken, self._at = self._data[self._at : end], end
        return taken

    def number(self, size: int) -> int:
        """An unsigned number of `size` bytes."""
        return int.from_bytes(self.take(size), "little")

    def rest(self) -> bytes:
        """All that is left."""
        return self.take(len(self._data) - self._at)

    def end(self) -> None:
        """Refuse bytes that are left over."""
        if self._at != len(self._data):
            raise BadQuote(f"{self._what} has trailing bytes", left=len(self._data) - self._at)


@dataclass(frozen=True, slots=True, kw_only=True)
class TdReport:
    """The signed region of a quote: what the TDX module says of a TD (a confidential virtual machine).

    Attributes:
        signed: the bytes that the attestation key signs: header, descriptor (version 5 only), body.
        version: 4 or 5.
        tee_tcb_svn: 16 security version numbers of TDX module and loader.
        seam, seam_signer, seam_attributes: measurement, signer (48 bytes each) and attributes of the TDX module.
        attributes: TDATTRIBUTES; bit 0 means that the host may debug the TD.
        xfam: extended features that the TD may use.
        mrtd: build-time measurement of the TD, 48 bytes.
        config_id, owner, owner_config: what the host set at launch, 48 bytes each; no measurement of code.
        rtmrs: the four run-time registers, 48 bytes each.
        report_data: 64 bytes that the TD chose.
        service_td: hash of service TDs bound to it, such as one for migration; zero in TDX 1.0.
        companions: in the extended report, number of the partition that asked, devices, and service TDs at birth
            and now with their attributes; zero when the TD is alone, and in the other reports.
    """

    signed: bytes
    version: int
    tee_tcb_svn: bytes
    seam: bytes
    seam_signer: bytes
    seam_attributes: int
    attributes: int
    xfam: int
    mrtd: bytes
    config_id: bytes
    owner: bytes
    owner_config: bytes
    rtmrs: tuple[bytes, bytes, bytes, bytes]
    report_data: bytes
    service_td: bytes
    companions: bytes

    @property
    def identity(self) -> bytes:
        """The name of this evidence: SHA-256 of the signed region."""
        return sha256(self.signed).digest()

    @classmethod
    def split(cls, data: bytes) -> "tuple[TdReport, bytes]":
        """Read the signed region of a quote; what follows it comes back as it is.

        Raises:
            BadQuote: cut off or too large ("tdx.form"); or of another version ("tdx.version"), TEE ("tdx.tee"),
                type of key ("tdx.key-type"), vendor ("tdx.vendor") or type of report ("tdx.body-type").
        """
        if len(data) > MAX_QUOTE:
            raise BadQuote("the quote is too large", size=len(data), limit=MAX_QUOTE)
        reader = Reader(data, "the quote")
        version = _header(reader)
        start, size = HEADER_SIZE, BODY_SIZES[2]
        if version == 5:
            start, size = HEADER_SIZE + 6, _descriptor(reader)
        body = Reader(reader.take(size), "the TD report")
        return cls._body(body, data[: start + size], version), reader.rest()

    @classmethod
    def _body(cls, body: Reader, signed: bytes, version: int) -> "TdReport":
        """Source: Intel TDX DCAP Quoting Library API, A.3.2 and A.4.3."""
        return cls(
            signed=signed,
            version=version,
            tee_tcb_svn=body.take(16),
            seam=body.take(48),
            seam_signer=body.take(48),
            seam_attributes=body.number(8),
            attributes=body.number(8),
            xfam=body.number(8),
            mrtd=body.take(48),
            config_id=body.take(48),
            owner=body.take(48),
            owner_config=body.take(48),
            rtmrs=(body.take(48), body.take(48), body.take(48), body.take(48)),
            report_data=body.take(64),
            service_td=_service_td(body),
            companions=_companions(body),
        )


def _service_td(body: Reader) -> bytes:
    """MRSERVICETD of TDX 1.5, behind TEE_TCB_SVN_2."""
    return body.take(64)[16:] if body else bytes(48)


def _companions(body: Reader) -> bytes:
    """The end of an extended report, without what names the TD and the platform it was born on."""
    if not body:
        return b""
    partition = body.take(1)
    body.take(32)  # TD_ID
    devices_and_birth = body.take(48 + 48 + 8)
    body.take(16 + 16 + 12)  # CPUSVN, TEE_TCB_SVN and FMSPC at birth
    return partition + devices_and_birth + body.rest()


def _header(reader: Reader) -> int:
    version, key, tee = reader.number(2), reader.number(2), reader.number(4)
    if version not in (4, 5):
        raise BadQuote("a quote of a version that this program does not know", code="tdx.version", version=version)
    if tee != TEE_TDX:
        raise BadQuote("a quote of another technology than TDX", code="tdx.tee", tee=hex(tee))
    if key != KEY_P256:
        raise BadQuote("signed with another kind of key than P-256", code="tdx.key-type", type=key)
    reader.take(4)  # SVNs of QE and PCE in older text, reserved in newer; the signed QE report says the same
    if (vendor := reader.take(16)) != INTEL_QE:
        raise BadQuote("made by another quoting enclave than Intel's", code="tdx.vendor", vendor=vendor.hex())
    reader.take(20)
    return version


def _descriptor(reader: Reader) -> int:
    kind, size = reader.number(2), reader.number(4)
    if kind not in BODY_SIZES:
        raise BadQuote("a report of a type that this program does not know", code="tdx.body-type", type=kind)
    if size != BODY_SIZES[kind]:
        raise BadQuote("a report that is not as large as its type", type=kind, size=size)
    return size


@dataclass(frozen=True, slots=True)
class QeReport:
    """What the platform says of the quoting enclave that made the attestation key: an SGX report, 384 bytes.

    Source: Intel SDM volume 3D, 38.15 (REPORT).
    """

    raw: bytes

    @property
    def misc_select(self) -> bytes:
        """MISCSELECT, 4 bytes."""
        return self.raw[16:20]

    @property
    def attributes(self) -> bytes:
        """ATTRIBUTES, 16 bytes."""
        return self.raw[48:64]

    @property
    def mr_signer(self) -> bytes:
        """Who signed the enclave, 32 bytes."""
        return self.raw[128:160]

    @property
    def product(self) -> int:
        """ISVPRODID."""
        return int.from_bytes(self.raw[256:258], "little")

    @property
    def svn(self) -> int:
        """ISVSVN."""
        return int.from_bytes(self.raw[258:260], "little")

    @property
    def report_data(self) -> bytes:
        """What the enclave vouches for, 64 bytes."""
        return self.raw[320:384]


@dataclass(frozen=True, slots=True, kw_only=True)
class Seal:
    """What stands behind the signed region.

    Attributes:
        signature: r and s over the signed region, 32 bytes each, big-endian.
        key: the attestation key: x and y on P-256, 32 bytes each, big-endian.
        qe: the quoting enclave's report.
        qe_signature: r and s over that report, by the PCK.
        auth: data that the quoting enclave adds to what it vouches for.
        chain: PCK certificate chain in PEM; None when the quote does not carry it.
    """

    signature: bytes
    key: bytes
    qe: QeReport
    qe_signature: bytes
    auth: bytes
    chain: bytes | None

    @property
    def vouched(self) -> bytes:
        """What the QE's report must carry if it vouches for the key. Source: the same, A.3.8."""
        return sha256(self.key + self.auth).digest() + bytes(32)

    @classmethod
    def parse(cls, data: bytes) -> "Seal":
        """Read what follows the signed region, to the end of the quote.

        Zeros may follow, as kernels hand quotes out in buffers of a fixed size.

        Raises:
            BadQuote: anything else.
        """
        outer = Reader(data, "the quote")
        reader = Reader(outer.take(outer.number(4)), "the signature data")
        if any(outer.rest()):
            raise BadQuote("something other than zeros follows the quote")
        signature, key = reader.take(64), reader.take(64)
        if (kind := reader.number(2)) != QE_REPORT:
            raise BadQuote("certification data of another type than a QE report", type=kind)
        inner = Reader(reader.take(reader.number(4)), "the certification data")
        reader.end()
        qe, qe_signature = QeReport(inner.take(384)), inner.take(64)
        if (size := inner.number(2)) > MAX_AUTH:
            raise BadQuote("too much QE authentication data", size=size, limit=MAX_AUTH)
        auth, kind = inner.take(size), inner.number(2)
        chain = inner.take(inner.number(4))
        inner.end()
        return cls(
            signature=signature,
            key=key,
            qe=qe,
            qe_signature=qe_signature,
            auth=auth,
            chain=chain if kind == PEM_CHAIN else None,
        )
