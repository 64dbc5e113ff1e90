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
from cyberprivacy.testing.conformance import BINDING, NOW, OTHER, Bent, flipped, with_fields
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
    yield from _refused_whole(tpm, good, named, other)
    yield from _refused_parts(good, named)
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


def _refused_whole(tpm: PaperTpm, good: Evidence, root: bytes, other: DevelopmentRoot) -> Iterator[Bent]:
    born = datetime.fromtimestamp(NOW, UTC)
    stranger = replace(tpm, certificates=other.certify(tpm.public, now=born)).quote(BINDING)
    rows = (
        ("other-binding", "made for another use", tpm.quote(OTHER), "evidence.other-binding"),
        ("other-root", "under a root that is not trusted", stranger, "evidence.development-root"),
        (
            "loose-key",
            "a key that signs anything, not only what its TPM made",
            replace(tpm, attributes=0x00040072).quote(BINDING),
            "evidence.loose-key",
        ),
        (
            "pcrs-left-out",
            "the quote covers PCRs 0 to 7 only",
            replace(tpm, selection=bytes.fromhex("00000001 000b 03 ff0000")).quote(BINDING),
            "evidence.selection",
        ),
        (
            "not-a-quote",
            "a signed structure of another type",
            replace(tpm, kind=0x8017).quote(BINDING),
            "tpm2.type",
        ),
    )
    for name, about, evidence, code in rows:
        yield Bent(name=name, about=about, evidence=evidence, root=root, code=code)
    yield Bent(
        name="not-from-a-tpm",
        about="the magic number that a TPM sets before its own statements is another",
        evidence=replace(tpm, magic=0xFF544348).quote(BINDING),
        root=root,
        code="tpm2.magic",
        verdict=Answer.MALFORMED,
    )
    old = NOW + 91 * 86_400
    yield Bent(
        name="expired",
        about="judged after the certificates have ended",
        evidence=good,
        root=root,
        code="evidence.certificate-expired",
        at=old,
    )


def _refused_parts(good: Evidence, root: bytes) -> Iterator[Bent]:
    fields = good.fields
    changed = (replace(EVENTS[0], digest=bytes(32)), *EVENTS[1:])
    leaf, above = split(fields["certificates"])
    rows: tuple[tuple[str, str, dict[str, bytes], str], ...] = (
        ("bit-of-quote", "a bit of what is signed", {"attest": flipped(fields["attest"], 60)}, BAD),
        ("bit-of-signature", "a bit of the signature", {"signature": flipped(fields["signature"], -1)}, BAD),
        (
            "other-key",
            "another key than the certificate is for",
            {"public": PaperTpm(events=EVENTS).public.raw},
            f"evidence.other-key {BAD}",
        ),
        ("log-differs", "an event was changed", {"log": encode(changed)}, DIFFERS),
        ("log-cut", "the last event was left out", {"log": encode(EVENTS[:1])}, DIFFERS),
        ("chain-turned", "root first, leaf last", {"certificates": above + leaf}, "evidence.chain"),
        ("chain-cut", "the root was left out", {"certificates": leaf}, "evidence.chain"),
    )
    for name, about, parts, code in rows:
        yield Bent(name=name, about=about, evidence=with_fields(good, **parts), root=root, code=code)
    cut = fields["signature"][:-1]
    malformed = (
        ("no-log", "a field is missing", with_fields(good, log=None), "evidence.form"),
        ("more", "an unknown field", with_fields(good, more=b"x"), "evidence.form"),
        ("log-nonsense", "the log is no log", with_fields(good, log=b"[]x"), "evidence.log-form"),
        ("signature-cut", "the signature ends early", with_fields(good, signature=cut), "tpm2.form"),
    )
    for name, about, evidence, code in malformed:
        yield Bent(name=name, about=about, evidence=evidence, root=root, code=code, verdict=Answer.MALFORMED)
    rules: tuple[tuple[str, str, dict[str, object], str], ...] = (
        ("measurement-other", "the policy names no such software", {"measurements": []}, "os.not-in-policy"),
        ("level", "the policy asks for more than a development root", {"least": "measured-boot"}, "level.too-low"),
        ("hardware", "the policy names machines, the evidence none", {"hardware": []}, "hardware.unnamed"),
    )
    for name, about, policy, code in rules:
        yield Bent(name=name, about=about, evidence=good, root=root, code=code, policy=policy)


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
