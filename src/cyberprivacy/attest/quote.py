"""The judge of TPM 2.0 evidence, and how such evidence is put together. Pure.

Evidence of kind "tpm2" has these fields: `public` (TPMT_PUBLIC of the attestation key), `attest` (TPMS_ATTEST),
`signature` (TPMT_SIGNATURE), `certificates` (DER, one after another: attestation key first, root last), and one
log: `log` (canonical JSON, see `eventlog`) of what software measured itself, or `tcg2` (see `bootlog`) of what
firmware measured.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cyberprivacy.attest import bootlog, certificates, eventlog
from cyberprivacy.attest.certificates import BadChain
from cyberprivacy.attest.evidence import EVIDENCE_CHECKS, Evidence, Findings
from cyberprivacy.attest.report import Check, Level, Verdict, one_of_each
from cyberprivacy.attest.tpm2 import BadStructure, Public, Quote
from cyberprivacy.attest.tpmsignature import Signature
from cyberprivacy.errors import Untrusted

KIND: Final = "tpm2"
SIGNED: Final = frozenset({"public", "attest", "signature", "certificates"})
FIELDS: Final = (SIGNED | {"log"}, SIGNED | {"tcg2"})
"""Evidence has all of these or all of those."""

AK_PURPOSE: Final = "2.23.133.8.3"
"""tcg-kp-AIKCertificate: the issuer has seen an attestation key. Source: TCG EK Credential Profile 2.5, 3.5."""


def qualifying(binding: bytes) -> bytes:
    """What a TPM signs along for our 64 bytes: their SHA-256, as a TPM may not take more than one digest."""
    return sha256(binding).digest()


def assemble(
    public: Public,
    attest: bytes,
    signature: bytes,
    *,
    certificates: bytes,
    log: Iterable[eventlog.Event] | bytes,
) -> Evidence:
    """Put a TPM's answer, the chain of its key and a log (our events, or firmware's bytes) into one envelope."""
    name, data = ("tcg2", log) if isinstance(log, bytes) else ("log", eventlog.encode(log))
    return Evidence(
        KIND,
        {
            "public": public.raw,
            "attest": attest,
            "signature": signature,
            "certificates": certificates,
            name: data,
        },
    )


@dataclass(frozen=True, slots=True)
class _Root:
    check: Check
    level: Level | None
    leaf_spki: bytes | None
    purposes: frozenset[str]
    hardware: bytes | None


class Tpm2Verifier:
    """Judges quotes of TPM 2.0, whatever stands behind them: a chip, a hypervisor, or a software TPM."""

    kind = KIND

    def measurement(self, evidence: Evidence) -> bytes | None:
        """The measurement that the log claims; unproven."""
        try:
            return _read(evidence.fields).measurement
        except (Untrusted, KeyError):
            return None

    def judge(self, evidence: Evidence, *, binding: bytes, roots: Mapping[bytes, Level], now: int) -> Findings:
        """Check a quote; see `EvidenceVerifier`."""
        if evidence.kind != KIND or evidence.fields.keys() not in FIELDS:
            return unreadable(
                Check.failed("evidence.kind", "evidence.form", f"not the parts of evidence of kind {KIND!r}")
            )
        fields = evidence.fields
        root = _judge_root(fields["certificates"], roots, now)
        key, public = _judge_key(fields["public"], root)
        signature, quote = _judge_signature(fields["attest"], fields["signature"], public)
        log, replayed = _judge_log(fields, quote)
        checks = (
            Check.passed("evidence.kind", "a quote of a TPM 2.0"),
            root.check,
            key,
            signature,
            _judge_binding(quote, binding),
            log,
        )
        return Findings(
            checks=one_of_each(checks, EVIDENCE_CHECKS),
            level=root.level,
            measurement=None if replayed is None else replayed.measurement,
            identity=sha256(fields["attest"]).digest(),
            facts=_facts(quote, root.hardware if key.verdict is Verdict.PASS else None)
            | ({} if replayed is None else dict(replayed.facts)),
        )


def unreadable(kind: Check) -> Findings:
    """What is found in evidence that nobody here can read."""
    rest = (Check.needs(name, "evidence.kind") for name in EVIDENCE_CHECKS[1:])
    return Findings(checks=(kind, *rest), level=None, measurement=None, identity=b"", facts={})


def _judge_root(chain: bytes, roots: Mapping[bytes, Level], now: int) -> _Root:
    name = "evidence.root"
    try:
        found = certificates.check_chain(certificates.split(chain), now=now)
    except BadChain as error:
        return _Root(Check.failed(name, error.code, str(error)), None, None, frozenset(), None)
    pinned = roots.get(found.root)
    if pinned is None:
        code = "evidence.development-root" if found.development else "evidence.unknown-root"
        what = "a root made for development" if found.development else "a root that you do not trust"
        check = Check.failed(name, code, f"{what}: sha256:{found.root.hex()}")
        return _Root(check, None, found.leaf_spki, found.purposes, None)
    level = Level.DEVELOPMENT if found.development else min(pinned, Level.MEASURED_BOOT)
    check = Check.passed(name, f"leads to root sha256:{found.root.hex()} ({level.label})")
    return _Root(check, level, found.leaf_spki, found.purposes, found.hardware)


def _judge_key(data: bytes, root: _Root) -> tuple[Check, Public | None]:
    name = "evidence.key"
    try:
        public = Public.parse(data)
    except BadStructure as error:
        return Check.failed(name, error.code, str(error)), None
    if not public.signs_only_for_its_tpm:
        return Check.failed(
            name, "evidence.loose-key", f"a key that may sign anything: {public.attributes:#x}"
        ), public
    if root.leaf_spki is None:
        return Check.needs(name, "evidence.root"), public
    if public.key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo) != root.leaf_spki:
        return Check.failed(name, "evidence.other-key", "the certificate is for another key"), public
    if AK_PURPOSE not in root.purposes:
        return Check.failed(name, "evidence.purpose", "the certificate is not for an attestation key"), public
    return Check.passed(name, "restricted to what its TPM made, and certified as such"), public


def _judge_signature(attest: bytes, signature: bytes, public: Public | None) -> tuple[Check, Quote | None]:
    name = "evidence.signature"
    quote: Quote | None = None
    try:
        signed = Signature.parse(signature)
        if public is None:
            return Check.needs(name, "evidence.key"), None
        if not signed.signs(attest, public):
            return Check.failed(name, "evidence.signature", "not signed by this TPM's key"), None
        quote = Quote.parse(attest)
    except BadStructure as error:
        return Check.failed(name, error.code, str(error)), None
    return Check.passed(name, "the TPM's own signature over its registers"), quote


def _judge_binding(quote: Quote | None, binding: bytes) -> Check:
    name = "evidence.binding"
    if quote is None:
        return Check.needs(name, "evidence.signature")
    if quote.qualifying != qualifying(binding):
        return Check.failed(name, "evidence.other-binding", "made for another key, node, time or challenge")
    return Check.passed(name, "made for this TLS key, this node and this challenge")


@dataclass(frozen=True, slots=True)
class _Replayed:
    """A log, and what it comes to.

    Attributes:
        size: how many events it has.
        values: of registers 0 to 15.
        measurement: the name of what was measured, 32 bytes.
        facts: what it says of itself.
    """

    size: int
    values: Mapping[int, bytes]
    measurement: bytes
    facts: Mapping[str, str | int]


def _read(fields: Mapping[str, bytes]) -> _Replayed:
    """Replay the one log that is there.

    Raises:
        Untrusted: it cannot be read.
    """
    if "tcg2" in fields:
        boot = bootlog.read(fields["tcg2"])
        values = boot.replay()
        return _Replayed(len(boot.events), values, bootlog.measurement(values), boot.facts())
    events = eventlog.parse(fields["log"])
    return _Replayed(len(events), eventlog.replay(events), eventlog.measurement(events), {})


def _judge_log(fields: Mapping[str, bytes], quote: Quote | None) -> tuple[Check, _Replayed | None]:
    name = "evidence.log"
    if quote is None:
        return Check.needs(name, "evidence.signature"), None
    if quote.selections != (eventlog.QUOTED,):
        return Check.failed(
            name, "evidence.selection", "the quote does not cover exactly PCRs 0-15, SHA-256"
        ), None
    try:
        replayed = _read(fields)
    except Untrusted as error:
        return Check.failed(name, "evidence.log-form", str(error)), None
    if eventlog.composite(replayed.values, eventlog.QUOTED.pcrs) != quote.digest:
        return Check.failed(name, "evidence.log-differs", "the log is not what the TPM's registers took"), None
    return Check.passed(name, f"{replayed.size} events replay to the signed registers"), replayed


def _facts(quote: Quote | None, hardware: bytes | None) -> dict[str, str | int]:
    if quote is None:
        return {}
    facts: dict[str, str | int] = {
        "tpm_firmware": f"{quote.firmware:#x}",
        "tpm_resets": quote.resets,
        "tpm_restarts": quote.restarts,
        "tpm_clock_ms": quote.clock,
    }
    if hardware is not None:
        facts["tpm_ek"] = hardware.hex()
    return facts
