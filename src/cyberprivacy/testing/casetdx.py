"""Conformance cases of kind "tdx"."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.report import Answer
from cyberprivacy.testing.conformance import BINDING, NOW, OTHER, Bent, Row, flipped, refused, with_fields
from cyberprivacy.testing.papertd import Event, PaperTd
from cyberprivacy.testing.tdx import COMPONENTS, DAY, PaperIntel, qe_identity, stamp, tcb_info, tcb_level

EVENTS: Final[tuple[Event, ...]] = (
    (0, 0x80000001, b"\x01" * 48, b"firmware"),
    (2, 13, b"\x02" * 48, b"kernel"),
    (1, 3, b"\x03" * 48, b"a note, never extended"),
)
SEAL: Final = 48 + 584 + 4
"""Where the signature of a quote of version 4 begins."""

EXPIRED: Final = "tdx.collateral-expired"

UNKNOWN: Final[Mapping[str, tuple[str, dict[str, Any], str]]] = {
    "version-3": ("a quote of version 3", {"version": 3}, "tdx.version"),
    "version-6": ("a quote of a version to come", {"version": 6}, "tdx.version"),
    "sgx": ("a quote of SGX", {"tee": 0}, "tdx.tee"),
    "p384": ("an attestation key on another curve", {"key_type": 3}, "tdx.key-type"),
    "other-vendor": ("a quoting enclave of another vendor", {"vendor": bytes(16)}, "tdx.vendor"),
    "unknown-body": ("a body that nobody knows", {"version": 5, "body_type": 5}, "tdx.body-type"),
}
"""How the quote is made, and the code that must answer: unsupported."""

BENDS: Final[Mapping[str, tuple[str, dict[str, Any], str]]] = {
    "debug": ("its host may debug the TD", {"attributes": 1 << 28 | 1}, "tdx.debug"),
    "exceptions": ("the host may raise exceptions at will", {"attributes": 0}, "tdx.attributes"),
    "migratable": ("the TD may be moved", {"attributes": 1 << 28 | 1 << 29}, "tdx.attributes"),
    "features": ("a feature that nobody knows", {"xfam": 3 | 1 << 40}, "tdx.features"),
    "service-td": (
        "a service TD has a part in it",
        {"version": 5, "body_type": 3, "service_td": b"\1" * 48},
        "tdx.service-td",
    ),
    "partition": (
        "a partition asked",
        {"version": 5, "body_type": 4, "companions": b"\1" + bytes(236)},
        "tdx.service-td",
    ),
    "log-differs": ("a log of other events", {"events": EVENTS}, "evidence.log-differs"),
    "enclave-signer": ("a quoting enclave of another signer", {"qe_signer": bytes(32)}, "tdx.qe-identity"),
    "module-signer": ("a TDX module of another signer", {"seam_signer": b"\1" * 48}, "tdx.module"),
    "module-old": ("an old TDX module", {"tee_tcb_svn": bytes((5, 1, 3, *[0] * 13))}, "tdx.no-tcb-level"),
    "enclave-old": ("an old quoting enclave", {"qe_svn": 3}, "tdx.no-tcb-level"),
}
"""What the TD or its quoting enclave is, and the code that must answer: reject."""

RULES: Final[Mapping[str, tuple[str, dict[str, object], str]]] = {
    "evaluation": ("a newer round of advice is asked for", {"tdx": {"evaluation": 19}}, "tdx.evaluation"),
    "platform": ("a processor that the policy does not name", {"tdx": {"platforms": []}}, "tdx.other-hardware"),
    "hardware": ("a machine that the policy does not name", {"hardware": []}, "hardware.not-in-policy"),
    "attributes": ("the policy wants PKS", {"tdx": {"attributes": "0x50000000"}}, "tdx.attributes"),
    "measurement-other": ("the policy names no such software", {"measurements": []}, "os.not-in-policy"),
    "level": ("more than development is asked for", {"least": "confidential-vm"}, "level.too-low"),
}
"""What the policy asks, and the code that must answer."""

_LATE: Final = {"issueDate": stamp(NOW - 60 * DAY), "nextUpdate": stamp(NOW - 30 * DAY)}


def tdx_cases() -> Iterator[Bent]:
    """Every case."""
    td = PaperTd.under(PaperIntel.new(now=NOW))
    root, good = td.intel.fingerprint, td.quote(BINDING)
    yield from _accepted(td, good)
    for name, (about, changes, code) in UNKNOWN.items():
        evidence = replace(td, **changes).quote(BINDING)
        yield Bent(name=name, about=about, evidence=evidence, root=root, code=code, verdict=Answer.UNSUPPORTED)
    for name, (about, changes, code) in BENDS.items():
        yield Bent(name=name, about=about, evidence=replace(td, **changes).quote(BINDING), root=root, code=code)
    for name, (about, policy, code) in RULES.items():
        yield Bent(name=name, about=about, evidence=good, root=root, code=code, policy=policy)
    yield from refused((*_tables(td), *_processors(td), *_changed(td, good)), root=root)
    yield from refused(_malformed(good), root=root, verdict=Answer.MALFORMED)
    yield from _roots(good)


def _accepted(td: PaperTd, good: Evidence) -> Iterator[Bent]:
    root = td.intel.fingerprint
    forms: tuple[tuple[str, str, PaperTd], ...] = (
        ("good-v4", "a quote of version 4", td),
        ("good-v5", "a quote of version 5", replace(td, version=5)),
        ("good-v5-tdx15", "a body of TDX 1.5", replace(td, version=5, body_type=3)),
        ("good-v5-extended", "an extended body", replace(td, version=5, body_type=4)),
        ("log", "a log that replays to the registers", td.having(EVENTS)),
        ("chain-beside", "certificates beside the quote", replace(td, inside=False)),
        ("padded", "zeros behind the quote", replace(td, trailing=bytes(70))),
    )
    for name, about, made in forms:
        yield Bent(name=name, about=about, evidence=made.quote(BINDING), root=root)
    machine = "00" * 15 + "01"
    for name, policy in (
        ("platform-named", {"tdx": {"platforms": [machine]}}),
        ("hardware-named", {"hardware": [f"tdx:{machine}"]}),
    ):
        yield Bent(name=name, about="the policy names the machine", evidence=good, root=root, policy=policy)
    hardening = _intel(td, info=tcb_info(NOW, tcbLevels=[tcb_level("SWHardeningNeeded")]))
    yield Bent(
        name="status-allowed",
        about="a status that the policy accepts",
        evidence=hardening.quote(BINDING),
        root=root,
        policy={"tdx": {"statuses": ["UpToDate", "SWHardeningNeeded"]}},
    )


def _tables(td: PaperTd) -> Iterator[Row]:
    """What the vendor publishes about machines of this kind."""
    intel = td.intel
    revoked = frozenset({td.pck.certificate.serial_number})
    swapped, ended = intel.crl(intel.root).hex(), intel.crl(intel.authority, until=-60).hex()
    rows: tuple[tuple[str, str, PaperTd, str], ...] = (
        ("out-of-date", "a platform that is out of date", _status(td, "OutOfDate"), "tdx.tcb-status"),
        ("revoked-level", "a platform whose level is revoked", _status(td, "Revoked"), "tdx.tcb-status"),
        ("revoked", "a revoked processor", _intel(td, revoked=revoked), "tdx.revoked"),
        ("tables-old", "tables that ended", _intel(td, info=tcb_info(NOW, **_LATE)), EXPIRED),
        ("identity-old", "an identity that ended", _intel(td, qe=qe_identity(NOW, **_LATE)), EXPIRED),
        (
            "round-old",
            "an older round of advice",
            _intel(td, info=tcb_info(NOW, tcbEvaluationDataNumber=17)),
            "tdx.evaluation",
        ),
        (
            "tables-changed",
            "tables that Intel did not sign",
            _intel(td, parts={"tcb_info": "{}"}),
            "tdx.collateral-signature",
        ),
        ("crl-swapped", "a list of another issuer", _intel(td, parts={"pck_crl": swapped}), "tdx.crl"),
        ("crl-old", "a list that ended", _intel(td, parts={"pck_crl": ended}), EXPIRED),
    )
    for name, about, made, code in rows:
        yield name, about, made.quote(BINDING), code


def _processors(td: PaperTd) -> Iterator[Row]:
    """Other processors than the tables speak of."""
    other = replace(td, pck=td.intel.platform(fmspc=bytes(6))).quote(BINDING)
    yield "other-family", "tables for other processors", other, "tdx.fmspc"
    old = replace(td, pck=td.intel.platform(components=(2, *COMPONENTS[1:]))).quote(BINDING)
    yield "processor-old", "old microcode", old, "tdx.no-tcb-level"


def _changed(td: PaperTd, good: Evidence) -> Iterator[Row]:
    quote = good.fields["quote"]
    yield "no-collateral", "no collateral", with_fields(good, collateral=None), "tdx.collateral-missing"
    yield "other-binding", "made for another use", td.quote(OTHER), "evidence.other-binding"
    for name, about, at, code in (
        ("bit", "a bit of MRTD", 48 + 136, "evidence.signature"),
        ("bit-of-signature", "a bit of the signature", SEAL, "evidence.signature"),
        ("bit-of-enclave", "a bit of the QE report", SEAL + 134, "tdx.qe-signature"),
    ):
        yield name, about, with_fields(good, quote=flipped(quote, at)), code


def _malformed(good: Evidence) -> Iterator[Row]:
    rows: tuple[tuple[str, str, dict[str, bytes], str], ...] = (
        ("empty", "an empty quote", {"quote": b""}, "tdx.form"),
        ("trailing", "text behind the quote", {"quote": good.fields["quote"] + b"\0text"}, "tdx.form"),
        ("more", "an unknown field", {"more": b"x"}, "evidence.form"),
        ("chain-twice", "certificates in the quote and beside it", {"certificates": b"x"}, "evidence.form"),
        ("log-nonsense", "a log that is none", {"log": b"log"}, "evidence.log-form"),
        ("collateral-nonsense", "collateral that is none", {"collateral": b"{}"}, "tdx.collateral-form"),
    )
    for name, about, fields, code in rows:
        yield name, about, with_fields(good, **fields), code


def _roots(good: Evidence) -> Iterator[Bent]:
    about = "no root is trusted"
    yield Bent(name="no-root", about=about, evidence=good, root=b"", code="evidence.development-root")
    forger = PaperIntel.new(now=NOW, marked=False)
    yield Bent(
        name="own-root",
        about="a root that is neither Intel's nor made for development, although it is named",
        evidence=PaperTd.under(forger).quote(BINDING),
        root=forger.fingerprint,
        code="evidence.unknown-root",
    )


def _intel(td: PaperTd, **changes: Any) -> PaperTd:
    return replace(td, intel=replace(td.intel, **changes))


def _status(td: PaperTd, name: str) -> PaperTd:
    return _intel(td, info=tcb_info(NOW, tcbLevels=[tcb_level(name)]))
