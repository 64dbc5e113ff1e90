"""What Intel publishes about its platforms, as it comes along with a quote: genuine, whole, valid now. Pure.

The layout is that of `QuoteCollateralV3`, which verifiers of several projects share: nine texts, of which those
that Intel signed stand as Intel wrote them.

Source: Intel PCS API version 4; docs/spec/attestation.md.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, TypeVar

from cryptography.x509 import CertificateRevocationList

from cyberprivacy import canonical
from cyberprivacy.attest.certificates import BadChain
from cyberprivacy.attest.document import BadDocument, Document
from cyberprivacy.attest.tdx.pck import TCB_ROLES, Line, check_crl, line, revoked, signs, split_pem
from cyberprivacy.attest.tdx.tcb import QeIdentity, TcbInfo, Validity, parse_qe_identity, parse_tcb_info
from cyberprivacy.errors import Untrusted

MAX_COLLATERAL: Final = 256 << 10
FIELDS: Final = frozenset(
    {
        "pck_crl_issuer_chain",
        "root_ca_crl",
        "pck_crl",
        "tcb_info_issuer_chain",
        "tcb_info",
        "tcb_info_signature",
        "qe_identity_issuer_chain",
        "qe_identity",
        "qe_identity_signature",
    }
)
_HEX: Final = re.compile(r"[0-9a-f]++")
_Said = TypeVar("_Said", TcbInfo, QeIdentity)


class BadCollateral(Untrusted):
    """What Intel publishes cannot be used: missing, damaged, expired, or not about this platform."""

    code = "tdx.collateral-form"
    hint = "The node has to fetch collateral from Intel again."


@dataclass(frozen=True, slots=True)
class Collateral:
    """The nine parts, unproven.

    Attributes:
        parts: by name; lists of revoked certificates and signatures as bytes, all else as UTF-8.
    """

    parts: Mapping[str, bytes]

    @classmethod
    def parse(cls, data: bytes) -> "Collateral":
        """Read the canonical JSON.

        Raises:
            BadCollateral: any other form.
        """
        try:
            document = Document(canonical.decode(data, limit=MAX_COLLATERAL), "collateral", FIELDS)
            return cls({name: _part(document, name) for name in sorted(FIELDS)})
        except Untrusted as error:
            raise BadCollateral("the collateral is not of the known form", reason=str(error)[:300]) from None


def _part(document: Document, name: str) -> bytes:
    if name.endswith(("_crl", "_signature")):
        digits = document.text(name, _HEX)
        if len(digits) % 2:
            raise BadDocument(f"{name} has half a byte", digits=len(digits))
        return bytes.fromhex(digits)
    text = document.raw(name)
    if not isinstance(text, str) or not text:
        raise BadDocument(f"{name} is not text")
    return text.encode()


@dataclass(frozen=True, slots=True)
class Advice:
    """What Intel says of platforms now, proven.

    Attributes:
        tcb_info: of the family of processors that it is about.
        qe: the quoting enclave.
    """

    tcb_info: TcbInfo
    qe: QeIdentity

    @property
    def evaluation(self) -> int:
        """The lower tcbEvaluationDataNumber of the two."""
        return min(self.tcb_info.validity.evaluation, self.qe.validity.evaluation)


def check_revocation(collateral: Collateral, pck: Line, *, now: int) -> CertificateRevocationList:
    """Check that Intel has revoked neither the PCK certificate nor the authority that issued it.

    Returns:
        The root's list, for the certificates of others who sign for Intel.

    Raises:
        BadChain: one is revoked ("tdx.revoked"), or a list cannot be used ("tdx.crl", "tdx.collateral-expired").
    """
    leaf, authority, root = pck.certificates
    of_root = check_crl(collateral.parts["root_ca_crl"], root, now=now)
    of_authority = check_crl(collateral.parts["pck_crl"], authority, now=now)
    for crl, subject in ((of_root, authority), (of_authority, leaf)):
        if revoked(crl, subject):
            raise BadChain("Intel has revoked a certificate of this platform", code="tdx.revoked")
    return of_root


def check_advice(collateral: Collateral, root: bytes, of_root: CertificateRevocationList, *, now: int) -> Advice:
    """Check that Intel signed TCB info and QE identity, under the root of the quote, and that both hold now.

    Args:
        collateral: what came along.
        root: SHA-256 of the SubjectPublicKeyInfo of the root that the PCK certificate leads to.
        of_root: its list of revoked certificates, checked.
        now: seconds since 1970.

    Raises:
        BadCollateral: "tdx.collateral-chain", "tdx.collateral-signature", "tdx.collateral-form",
            "tdx.collateral-expired".
        BadChain: "tdx.revoked", "tdx.crl".
    """
    parts = collateral.parts
    chains = {name: parts[f"{name}_issuer_chain"] for name in ("tcb_info", "qe_identity")}
    signers = {chain: _signer(chain, root, of_root, now) for chain in set(chains.values())}
    info = _said(collateral, "tcb_info", signers[chains["tcb_info"]], parse_tcb_info)
    qe = _said(collateral, "qe_identity", signers[chains["qe_identity"]], parse_qe_identity)
    for name, validity in (("tcb_info", info.validity), ("qe_identity", qe.validity)):
        _in_time(name, validity, now)
    return Advice(info, qe)


def _signer(chain: bytes, root: bytes, of_root: CertificateRevocationList, now: int) -> Line:
    try:
        found = line(split_pem(chain), TCB_ROLES, now=now)
    except BadChain as error:
        late = error.code == "evidence.certificate-expired"
        code = "tdx.collateral-expired" if late else "tdx.collateral-chain"
        raise BadCollateral("Intel's signing certificate does not hold", code=code, reason=str(error)) from None
    if found.checked.root != root:
        raise BadCollateral("Intel's statement leads to another root than the quote", code="tdx.collateral-chain")
    if revoked(of_root, found.leaf):
        raise BadChain("Intel has revoked the certificate that signs TCB info", code="tdx.revoked")
    return found


def _said(collateral: Collateral, name: str, signer: Line, parse: Callable[[bytes], _Said]) -> _Said:
    data, signature = collateral.parts[name], collateral.parts[f"{name}_signature"]
    if len(signature) != 64 or not signs(signer.leaf, signature, data):
        raise BadCollateral(f"Intel did not sign this {name}", code="tdx.collateral-signature")
    try:
        return parse(data)
    except BadDocument as error:
        raise BadCollateral(f"Intel's {name} has another form", reason=str(error)[:300]) from None


def _in_time(name: str, validity: Validity, now: int) -> None:
    if not validity.since <= now <= validity.until:
        raise BadCollateral(
            f"Intel's {name} does not hold now",
            code="tdx.collateral-expired",
            since=validity.since,
            until=validity.until,
        )
