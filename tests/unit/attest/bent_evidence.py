"""What can be wrong with evidence: each fails its own check."""

from collections.abc import Callable
from dataclasses import replace

from tests.unit.attest.bending import (
    another_kind,
    another_role,
    bent_log,
    changed,
    evidence,
    expired_certificate,
    old_evidence,
    other_identity,
    other_tpm_key,
    pinned,
    tpm,
    vendor,
)

from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.identity import TlsIdentity
from cyberprivacy.attest.policy import Policy
from cyberprivacy.attest.report import Level
from cyberprivacy.attest.session import UNBOUND
from cyberprivacy.attest.verify import Seen
from cyberprivacy.testing.attested import (
    NOW,
    World,
)
from cyberprivacy.testing.tpm import DevelopmentRoot

BENT_EVIDENCE: dict[str, tuple[Callable[[World], World], str, str]] = {
    # name of the case: (what is wrong, the one check that fails, its code)
    "another TLS key answers": (
        lambda w: w.bend(seen=Seen(other_identity(w).spki, w.nonce, w.session)),
        "tls.key",
        "tls.other-key",
    ),
    "a relay has a session of its own with the node": (
        lambda w: w.bend(seen=Seen(w.tls.spki, w.nonce, bytes(32))),
        "tls.session",
        "tls.other-session",
    ),
    "the proof was made for a file": (
        lambda w: w.bend(seen=Seen(w.tls.spki, w.nonce, w.session), session=UNBOUND),
        "tls.session",
        "tls.other-session",
    ),
    "the TLS identity has run out": (
        lambda w: w.bend(tls=TlsIdentity.born(["a"], lifetime=60, now=NOW - 3600)),
        "tls.key",
        "tls.expired",
    ),
    "an unknown kind of evidence": (another_kind, "evidence.kind", "evidence.unknown-kind"),
    "evidence with a part missing": (
        lambda w: w.bend(
            proof=changed(made := w.attest(), evidence=Evidence("tpm2", {"log": made.evidence.fields["log"]}))
        ),
        "evidence.kind",
        "evidence.form",
    ),
    "a vendor's root that nobody named": (vendor, "evidence.root", "evidence.unknown-root"),
    "a certificate for an endorsement key": (
        lambda w: pinned(vendor(w, purpose="2.23.133.8.1")),
        "evidence.key",
        "evidence.purpose",
    ),
    "evidence for another role": (another_role, "node.key", "node.other-role"),
    "a development root that nobody named": (
        lambda w: w.bend(policy=Policy(least=Level.DEVELOPMENT)),
        "evidence.root",
        "evidence.development-root",
    ),
    "another development root": (
        lambda w: w.bend(attester=tpm(w).under(DevelopmentRoot.new())),
        "evidence.root",
        "evidence.development-root",
    ),
    "a certificate that has run out": (expired_certificate, "evidence.root", "evidence.certificate-expired"),
    "no certificates": (lambda w: evidence(w, certificates=b""), "evidence.root", "evidence.chain"),
    "a key that signs anything": (
        lambda w: w.bend(attester=replace(tpm(w), attributes=0x00040072).under(w.root)),
        "evidence.key",
        "evidence.loose-key",
    ),
    "a key that the certificate does not name": (other_tpm_key, "evidence.key", "evidence.other-key"),
    "a signature of another TPM": (
        lambda w: evidence(w, attest=w.attest().evidence.fields["attest"], signature=tpm(w).sign(b"else")),
        "evidence.signature",
        "evidence.signature",
    ),
    "something that a TPM did not make": (
        lambda w: w.bend(attester=replace(tpm(w), magic=0xFF544346)),
        "evidence.signature",
        "tpm2.magic",
    ),
    "a TPM's statement that is no quote": (
        lambda w: w.bend(attester=replace(tpm(w), kind=0x8017)),
        "evidence.signature",
        "tpm2.type",
    ),
    "evidence bound to something else than it says": (
        lambda w: evidence(w, **w.bend(nonce=bytes(32)).attest().evidence.fields),
        "evidence.binding",
        "evidence.other-binding",
    ),
    "a log that the registers did not take": (bent_log, "evidence.log", "evidence.log-differs"),
    "a log in another spelling": (lambda w: evidence(w, log=b"[ ]"), "evidence.log", "evidence.log-form"),
    "a quote over no registers": (
        lambda w: w.bend(attester=replace(tpm(w), selection=bytes.fromhex("00000001 000b 03 000000"))),
        "evidence.log",
        "evidence.selection",
    ),
    "a quote over the SHA-1 bank": (
        lambda w: w.bend(attester=replace(tpm(w), selection=bytes.fromhex("00000001 0004 03 ffff00"))),
        "evidence.log",
        "evidence.selection",
    ),
    "old evidence beside a fresh statement": (old_evidence, "evidence.fresh", "evidence.replayed"),
}
