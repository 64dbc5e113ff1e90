"""Conformance cases of kind "tpm2", and of no kind at all."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from hashlib import sha256
from typing import Final

from cyberprivacy.attest.certificates import split
from cyberprivacy.attest.eventlog import Event, encode
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.report import Answer
from cyberprivacy.testing.conformance import BINDING, NOW, OTHER, Bent, Row, flipped, refused, with_fields
from cyberprivacy.testing.paperboot import SEPARATOR, START, PaperBoot, locality
from cyberprivacy.testing.papertpm import PaperTpm
from cyberprivacy.testing.tpm import DevelopmentRoot

BAD: Final = "evidence.signature"
DIFFERS: Final = "evidence.log-differs"
FORM: Final = "evidence.log-form"
EVENTS: Final = (
    Event(10, sha256(b"code").digest(), "file cyberprivacy/__init__.py"),
    Event(10, sha256(b"engine").digest(), "program podman"),
)


def tpm_cases() -> Iterator[Bent]:
    """Every case."""
    born = datetime.fromtimestamp(NOW, UTC)
    root, other = DevelopmentRoot.new(now=born), DevelopmentRoot.new(now=born)
    tpm = PaperTpm(events=EVENTS)
    tpm = replace(tpm, certificates=root.certify(tpm.public, now=born))
    good, named = tpm.quote(BINDING), root.fingerprint
    measured = f"sha256:{tpm.measurement.hex()}"
    yield Bent(name="good", about="a quote over the log's registers", evidence=good, root=named)
    yield Bent(
        name="measurement-named",
        about="the policy names the software",
        evidence=good,
        root=named,
        policy={"measurements": [measured]},
    )
    yield Bent(
        name="no-events",
        about="an empty log over untouched registers",
        evidence=replace(tpm, events=()).quote(BINDING),
        root=named,
    )
    yield from refused((*_others(tpm, other), *_changed(good)), root=named)
    yield from refused(_malformed(tpm, good), root=named, verdict=Answer.MALFORMED)
    yield from _rules(good, named)
    yield from _started(tpm, named)
    yield from _enrolled(tpm, root)
    yield Bent(
        name="unknown-kind",
        about="a kind that nobody knows",
        evidence=Evidence("abacus", dict(good.fields)),
        root=named,
        code="evidence.unknown-kind",
        verdict=Answer.UNSUPPORTED,
    )


def _others(tpm: PaperTpm, other: DevelopmentRoot) -> Iterator[Row]:
    """Evidence that is signed as it is, but is not what it should be."""
    born = datetime.fromtimestamp(NOW, UTC)
    stranger = replace(tpm, certificates=other.certify(tpm.public, now=born)).quote(BINDING)
    yield "other-binding", "made for another use", tpm.quote(OTHER), "evidence.other-binding"
    yield "other-root", "under a root that is not trusted", stranger, "evidence.development-root"
    loose = replace(tpm, attributes=0x00040072).quote(BINDING)
    yield "loose-key", "a key that signs anything, not only what its TPM made", loose, "evidence.loose-key"
    some = replace(tpm, selection=bytes.fromhex("00000001 000b 03 ff0000")).quote(BINDING)
    yield "pcrs-left-out", "the quote covers PCRs 0 to 7 only", some, "evidence.selection"
    certified = replace(tpm, kind=0x8017).quote(BINDING)
    yield "not-a-quote", "a signed structure of another type", certified, "tpm2.type"


def _changed(good: Evidence) -> Iterator[Row]:
    """Evidence of which a part was replaced."""
    fields = good.fields
    changed = (replace(EVENTS[0], digest=bytes(32)), *EVENTS[1:])
    leaf, above = split(fields["certificates"])
    swapped = PaperTpm(events=EVENTS).public.raw
    rows: tuple[tuple[str, str, dict[str, bytes], str], ...] = (
        ("bit-of-quote", "a bit of what is signed", {"attest": flipped(fields["attest"], 60)}, BAD),
        ("bit-of-signature", "a bit of the signature", {"signature": flipped(fields["signature"], -1)}, BAD),
        ("other-key", "not the certificate's key", {"public": swapped}, f"evidence.other-key {BAD}"),
        ("log-differs", "an event was changed", {"log": encode(changed)}, DIFFERS),
        ("log-cut", "the last event was left out", {"log": encode(EVENTS[:1])}, DIFFERS),
        ("chain-turned", "root first, leaf last", {"certificates": above + leaf}, "evidence.chain"),
        ("chain-cut", "the root was left out", {"certificates": leaf}, "evidence.chain"),
    )
    for name, about, parts, code in rows:
        yield name, about, with_fields(good, **parts), code


def _malformed(tpm: PaperTpm, good: Evidence) -> Iterator[Row]:
    cut = good.fields["signature"][:-1]
    odd = replace(tpm, magic=0xFF544348).quote(BINDING)
    yield "not-from-a-tpm", "not the number that begins all that a TPM says of itself", odd, "tpm2.magic"
    yield "no-log", "a field is missing", with_fields(good, log=None), "evidence.form"
    yield "more", "an unknown field", with_fields(good, more=b"x"), "evidence.form"
    yield "log-nonsense", "the log is no log", with_fields(good, log=b"[]x"), FORM
    yield "signature-cut", "the signature ends early", with_fields(good, signature=cut), "tpm2.form"


def _rules(good: Evidence, root: bytes) -> Iterator[Bent]:
    """Good evidence that is not what was asked for."""
    rules: tuple[tuple[str, str, dict[str, object], str], ...] = (
        ("measurement-other", "the policy names no such software", {"measurements": []}, "os.not-in-policy"),
        ("level", "the policy asks for more than a development root", {"least": "measured-boot"}, "level.too-low"),
        ("hardware", "the policy names machines, the evidence none", {"hardware": []}, "hardware.unnamed"),
    )
    for name, about, policy, code in rules:
        yield Bent(name=name, about=about, evidence=good, root=root, code=code, policy=policy)
    about, late = "judged after the certificates have ended", NOW + 91 * 86_400
    code = "evidence.certificate-expired"
    yield Bent(name="expired", about=about, evidence=good, root=root, code=code, at=late)


def _started(tpm: PaperTpm, root: bytes) -> Iterator[Bent]:
    """With firmware's own log of the start."""
    good = replace(tpm, boot=START).quote(BINDING)
    log = good.fields["tcg2"]
    yield Bent(name="boot", about="firmware's log of the start", evidence=good, root=root)
    rows = (
        ("boot-cut", "the last event was left out", PaperBoot(START.events[:-1]).encode(), DIFFERS, Answer.REJECT),
        (
            "boot-more",
            "an event that no register took",
            PaperBoot((*START.events, SEPARATOR)).encode(),
            DIFFERS,
            Answer.REJECT,
        ),
        (
            "boot-no-sha256",
            "a log without SHA-256",
            PaperBoot(START.events, banks=(4,)).encode(),
            FORM,
            Answer.MALFORMED,
        ),
        ("boot-half-event", "the log ends inside an event", log[:-1], FORM, Answer.MALFORMED),
        ("boot-twice", "two localities", PaperBoot((locality(3), *START.events)).encode(), FORM, Answer.MALFORMED),
    )
    for name, about, data, code, verdict in rows:
        bent = with_fields(good, tcg2=data)
        yield Bent(name=name, about=about, evidence=bent, root=root, code=code, verdict=verdict)
    both = with_fields(good, log=encode(EVENTS))
    about = "two logs, of which each would be something else"
    yield Bent(
        name="two-logs", about=about, evidence=both, root=root, code="evidence.form", verdict=Answer.MALFORMED
    )


def _enrolled(tpm: PaperTpm, root: DevelopmentRoot) -> Iterator[Bent]:
    """With a certificate that names the TPM."""
    hardware = sha256(b"an endorsement key").digest()
    validity = (NOW - 3600, NOW + 86_400)
    chain = root.authority.sign(tpm.public.key, hardware=hardware, validity=validity, serial=1)
    evidence = replace(tpm, certificates=chain).quote(BINDING)
    named, other = f"tpm2:{hardware.hex()}", f"tpm2:{bytes(32).hex()}"
    rows: tuple[tuple[str, str, str, list[str]], ...] = (
        ("hardware-named", "the policy names the TPM", "", [named, other]),
        ("hardware-other", "the policy names another TPM", "hardware.not-in-policy", [other]),
    )
    for name, about, code, machines in rows:
        policy = {"hardware": machines}
        yield Bent(name=name, about=about, evidence=evidence, root=root.fingerprint, code=code, policy=policy)
