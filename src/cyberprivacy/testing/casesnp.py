"""Conformance cases of kind "sev-snp"."""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature

from cyberprivacy.attest.certificates import split
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.report import Answer
from cyberprivacy.attest.snp import endorsement
from cyberprivacy.attest.snp import report as layout
from cyberprivacy.attest.snp.product import Product
from cyberprivacy.attest.snp.report import HOST_REQUESTED, Cpuid, Firmware, GuestPolicy, Platform, Signer
from cyberprivacy.attest.snp.verifier import measurement
from cyberprivacy.testing.conformance import BINDING, NOW, OTHER, Bent, Row, flipped, refused, with_fields
from cyberprivacy.testing.snp import MEASUREMENT, TCBS, FakeAmd, FakeChip

ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFC7634D81F4372DDF581A0DB248B0A77AECEC196ACCC52973
"""Of the group of P-384. Source: SEC 2, 2.5.1."""

_GENOA: Final = TCBS[Product.GENOA]
_LOW: Final = replace(_GENOA, microcode=1).encode(Product.GENOA)

BENDS: Final[Mapping[str, tuple[str, dict[str, Any], str]]] = {
    "debug": ("the hypervisor may debug", {"policy": GuestPolicy.RESERVED_ONE | GuestPolicy.DEBUG}, "snp.debug"),
    "agent-allowed": (
        "the guest policy allows a migration agent",
        {"policy": GuestPolicy.RESERVED_ONE | GuestPolicy.MIGRATION_AGENT},
        "snp.migration",
    ),
    "agent-there": ("a migration agent is named", {"agent_id": bytes(32)}, "snp.migration"),
    "vmpl": ("asked for at a lower privilege level", {"vmpl": 1}, "snp.vmpl"),
    "host-requested": ("the hypervisor has asked", {"vmpl": HOST_REQUESTED}, "snp.vmpl"),
    "unsigned": ("it says that no key signed it", {"signer": Signer.NONE}, "snp.unsigned"),
    "other-signer": ("it says that a VLEK signed it", {"signer": Signer.VLEK}, "snp.signer"),
    "masked-chip": ("the chip id is hidden", {"chip_id": bytes(64)}, "snp.masked-chip"),
    "other-chip": ("of another chip than the certificate", {"chip_id": b"c" * 64}, "snp.other-chip"),
    "other-tcb": ("its TCB is not the certificate's", {"reported_tcb": _LOW}, "snp.other-tcb"),
    "tcb-order": ("committed below reported", {"committed_tcb": _LOW}, "snp.tcb-order"),
    "provisional": ("firmware that can be rolled back", {"committed": Firmware(4, 58, 1)}, "snp.provisional"),
    "no-alias-check": ("memory was not checked for aliases", {"platform": Platform.ECC}, "snp.platform"),
    "other-cpuid": ("a Turin's CPUID", {"cpuid": Cpuid(0x1A, 0x02, 1)}, "snp.product"),
    "unknown-cpuid": ("a CPUID that nobody knows", {"cpuid": Cpuid(0x1B, 0x02, 1)}, "snp.product"),
}
"""What the report says, and the code that must answer."""

RULES: Final[Mapping[str, tuple[str, dict[str, object], str]]] = {
    "no-crl": ("the policy wants a list of revoked certificates", {"snp": {"crl": True}}, "snp.no-crl"),
    "smt": ("the policy forbids shared cores", {"snp": {"smt": False}}, "snp.smt"),
    "page-swap": ("the policy wants no page swap", {"snp": {"guest": ["page-swap-disabled"]}}, "snp.guest-policy"),
    "chip-not-allowed": ("a chip that the policy does not name", {"snp": {"chips": []}}, "snp.chip-not-allowed"),
    "product-not-allowed": ("only Turin is accepted", {"snp": {"products": ["Turin"]}}, "snp.product-not-allowed"),
    "tcb-too-low": (
        "a newer firmware is asked for",
        {"snp": {"least": {"Genoa": {"snp": 255}}}},
        "snp.tcb-too-low",
    ),
    "hardware": ("a machine that the policy does not name", {"hardware": []}, "hardware.not-in-policy"),
    "measurement-other": ("the policy names no such software", {"measurements": []}, "os.not-in-policy"),
    "level": ("more than development is asked for", {"least": "confidential-vm"}, "level.too-low"),
}
"""What the policy asks, and the code that must answer."""


def snp_cases() -> Iterator[Bent]:
    """Every case."""
    genoa = FakeAmd.new(Product.GENOA, now=NOW)
    chip = genoa.chip()
    root = genoa.fingerprint
    good = chip.quote(BINDING)
    yield from _accepted(genoa, chip)
    for name, (about, changes, code) in BENDS.items():
        yield Bent(name=name, about=about, evidence=chip.bend(**changes).quote(BINDING), root=root, code=code)
    for name, (about, policy, code) in RULES.items():
        yield Bent(name=name, about=about, evidence=good, root=root, code=code, policy=policy)
    yield from refused(_unknown(good), root=root, verdict=Answer.UNSUPPORTED)
    yield from refused(_malformed(good), root=root, verdict=Answer.MALFORMED)
    yield from refused((*_changed(chip, good), *_vouched(genoa, chip, good)), root=root)
    yield from _roots(good)
    yield from _products()


def _accepted(genoa: FakeAmd, chip: FakeChip) -> Iterator[Bent]:
    root, named = genoa.fingerprint, f"sha256:{measurement(MEASUREMENT).hex()}"
    for version in (2, 3, 4, 5):
        evidence = replace(chip, version=version).quote(BINDING)
        yield Bent(name=f"good-v{version}", about=f"a report of version {version}", evidence=evidence, root=root)
    good = chip.quote(BINDING)
    r, s = decode_dss_signature(layout.signature(good.fields["report"]))
    signed = good.fields["report"][: layout.SIGNED_SIZE]
    mirrored = with_fields(good, report=signed + layout.encode_signature(r, ORDER - s))
    yield Bent(name="mirrored", about="s and n-s are signatures both", evidence=mirrored, root=root)
    with_list = replace(chip, crl=genoa.crl(5)).quote(BINDING)
    yield Bent(
        name="crl", about="a list that names others", evidence=with_list, root=root, policy={"snp": {"crl": True}}
    )
    for name, about, policy in (
        ("chip-named", "the policy names the chip", {"snp": {"chips": [chip.chip_id.hex()]}}),
        ("hardware-named", "the policy names the machine", {"hardware": [f"sev-snp:{chip.chip_id.hex()}"]}),
        ("measurement-named", "the policy names the software", {"measurements": [named]}),
    ):
        yield Bent(name=name, about=about, evidence=good, root=root, policy=policy)
    low = chip.bend(vmpl=2).quote(BINDING)
    yield Bent(
        name="vmpl-asked",
        about="the policy asks for level 2",
        evidence=low,
        root=root,
        policy={"snp": {"vmpl": 2}},
    )


def _patched(good: Evidence, at: int, new: int) -> Evidence:
    report = good.fields["report"]
    return with_fields(good, report=report[:at] + bytes((new,)) + report[at + 1 :])


def _unknown(good: Evidence) -> Iterator[Row]:
    yield "version-1", "a report of version 1", _patched(good, 0, 1), "snp.version"
    yield "version-6", "a report of a version to come", _patched(good, 0, 6), "snp.version"
    yield "algorithm", "another signature algorithm", _patched(good, 0x34, 2), "snp.algorithm"


def _malformed(good: Evidence) -> Iterator[Row]:
    cut = with_fields(good, report=good.fields["report"][:-1])
    yield "reserved", "a reserved byte that is not zero", _patched(good, 0x4C, 1), "snp.form"
    yield "behind", "a byte behind the signature", _patched(good, 0x331, 1), "snp.form"
    yield "cut", "a byte too short", cut, "snp.form"
    yield "no-chain", "a field is missing", with_fields(good, certificates=None), "evidence.form"


def _changed(chip: FakeChip, good: Evidence) -> Iterator[Row]:
    report = good.fields["report"]
    for name, about, at in (
        ("bit", "a bit of the measurement", 0x90),
        ("bit-of-s", "a bit of the signature", 0x2E8),
    ):
        yield name, about, with_fields(good, report=flipped(report, at)), "evidence.signature"
    yield "other-binding", "made for another use", chip.quote(OTHER), "evidence.other-binding"
    forged = replace(chip, key=ec.generate_private_key(ec.SECP384R1())).quote(BINDING)
    yield "forged", "signed by a key that nobody certified", forged, "evidence.signature"


def _vouched(amd: FakeAmd, chip: FakeChip, good: Evidence) -> Iterator[Row]:
    """What the authorities say."""
    leaf, middle, top = split(chip.certificates)
    turned = with_fields(good, certificates=leaf + top + middle)
    yield "turned", "certificates in another order", turned, "evidence.chain"
    lists = (
        ("revoked", "the list names the ASK", amd.crl(amd.ask.serial_number), "evidence.revoked"),
        ("crl-forged", "a list that the ASK signed", amd.crl(role="ASK"), "snp.crl"),
        ("crl-old", "a list that ended", amd.crl(until=NOW - 1), "snp.crl-expired"),
    )
    for name, about, crl, code in lists:
        yield name, about, replace(chip, crl=crl).quote(BINDING), code
    ended = amd.chip(valid=(NOW - 90, NOW - 1)).quote(BINDING)
    yield "expired", "a certificate that ended", ended, "evidence.certificate-expired"
    nameless = amd.chip(extensions={endorsement.HWID: None}).quote(BINDING)
    yield "no-chip-in-certificate", "AMD's extension with the chip id is missing", nameless, "snp.extensions"


def _roots(good: Evidence) -> Iterator[Bent]:
    about = "no root is trusted"
    yield Bent(name="no-root", about=about, evidence=good, root=b"", code="evidence.development-root")
    other = FakeAmd.new(Product.GENOA, now=NOW, marked=False)
    evidence = other.chip().quote(BINDING)
    about = "a root that is neither AMD's nor made for development, although it is named"
    yield Bent(
        name="own-root", about=about, evidence=evidence, root=other.fingerprint, code="evidence.unknown-root"
    )


def _products() -> Iterator[Bent]:
    turin, milan = FakeAmd.new(Product.TURIN, now=NOW), FakeAmd.new(Product.MILAN, now=NOW)
    yield Bent(name="turin", about="a Turin", evidence=turin.chip().quote(BINDING), root=turin.fingerprint)
    lent = turin.chip(signer=Signer.VLEK).quote(BINDING)
    yield Bent(name="vlek", about="a key lent to a cloud", evidence=lent, root=turin.fingerprint)
    yield Bent(
        name="vlek-hardware",
        about="the policy names machines, a lent key names none",
        evidence=lent,
        root=turin.fingerprint,
        code="hardware.unnamed",
        policy={"hardware": []},
    )
    old = milan.chip().quote(BINDING)
    yield Bent(name="milan", about="a Milan", evidence=old, root=milan.fingerprint, code="snp.product-not-allowed")
    yield Bent(
        name="milan-allowed",
        about="a Milan, and a policy that takes it",
        evidence=old,
        root=milan.fingerprint,
        policy={"snp": {"products": ["Milan"]}},
    )
