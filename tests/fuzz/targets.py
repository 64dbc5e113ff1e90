"""What is fuzzed: every reader of bytes from outside in `attest`, what it may raise, and what it starts from."""

import json
import os
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from cyberprivacy.attest import (
    bare,
    bootlog,
    ccel,
    certificates,
    conformance,
    credential,
    enrolment,
    eventlog,
    policy,
    seen,
    statement,
    tpm2,
    tpmsignature,
)
from cyberprivacy.attest.conformance import Case, Said
from cyberprivacy.attest.describing import carries
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.attest.judge import VERIFIERS, claims, verify_document
from cyberprivacy.attest.policy import Policy
from cyberprivacy.attest.report import Level
from cyberprivacy.attest.snp import chain, endorsement, hosttable
from cyberprivacy.attest.snp import report as snp
from cyberprivacy.attest.snp.product import BadReport
from cyberprivacy.attest.tdx import collateral, pck, platform, quote, tcb
from cyberprivacy.attest.verify import questions
from cyberprivacy.errors import CyberPrivacyError, Misuse, Untrusted

NOW = 1_800_000_000
VECTORS = Path(
    os.environ.get("CYBERPRIVACY_VECTORS") or Path(__file__).resolve().parents[3] / "shared" / "vectors"
)
CASES = tuple(
    conformance.cases((resources.files("cyberprivacy.attest") / "cases" / "evidence.jsonl.gz").read_bytes())
)
TOOLS_HEADER = 8
"""Bytes that tpm2-tools write in front of a credential: a magic number and a version."""
GOOD = {kind: next(case for case in CASES if case.id.startswith(f"{kind}.good")) for kind in VERIFIERS}

Seeds = Callable[[], Iterator[bytes]]


@dataclass(frozen=True)
class Target:
    """One reader.

    Attributes:
        read: takes any bytes; what it raises beside `refusals` is a finding.
        refusals: what it may raise.
        seeds: well-formed input to start from.
    """

    read: Callable[[bytes], object]
    refusals: type[CyberPrivacyError]
    seeds: Seeds

    def __call__(self, data: bytes) -> None:
        try:
            self.read(data)
        except self.refusals:
            return


def field(name: str, *patterns: str) -> Seeds:
    """A field of each conformance case that has it, and genuine files, where they are at hand."""

    def seeds() -> Iterator[bytes]:
        yield from (case.evidence.fields[name] for case in CASES if name in case.evidence.fields)
        yield from genuine(*patterns)

    return seeds


def genuine(*patterns: str) -> Iterator[bytes]:
    for pattern in patterns:
        for path in sorted((VECTORS / "attestation").glob(pattern)):
            yield path.read_bytes()


def snp_report(data: bytes) -> None:
    snp.identity(data)
    try:
        parsed = snp.Report.parse(data[: snp.SIGNED_SIZE])
    except BadReport:
        pass
    else:
        assert parsed.encode() == data[: snp.SIGNED_SIZE], "a report has two spellings"
    snp.signature(data)


def snp_chain(data: bytes) -> None:
    found = chain.check_chain(data, now=NOW)
    endorsement.Endorsement.parse(found.leaf)


def tdx_quote(data: bytes) -> None:
    report, rest = quote.TdReport.split(data)
    assert len(report.identity) == 32
    seal = quote.Seal.parse(rest)
    if seal.chain is not None:
        pck.split_pem(seal.chain)


def tdx_collateral(data: bytes) -> None:
    for read in (tcb.parse_tcb_info, tcb.parse_qe_identity, platform.Platform.parse, collateral.Collateral.parse):
        try:
            read(data)
        except Untrusted:
            continue


def published() -> Iterator[bytes]:
    for data in (*field("collateral")(), *genuine("*/collateral.json")):
        yield data
        parts = json.loads(data)
        yield from (parts[name].encode() for name in ("tcb_info", "qe_identity") if name in parts)


def tpm2_structures(data: bytes) -> None:
    for read in (tpm2.Public.parse, tpm2.Quote.parse, tpmsignature.Signature.parse):
        try:
            read(data)
        except Untrusted:
            continue


def structures() -> Iterator[bytes]:
    for name in ("public", "attest", "signature"):
        yield from field(name)()
    yield from genuine("tpm2-*/ak.pub", "tpm2-*/q.*", "tpm2-*/quote*.out", "*/tpm-quote.*")


def judge(data: bytes) -> None:
    """Good evidence, in which one field is what the first byte chooses. A judge never raises."""
    if not data:
        return
    kind = sorted(GOOD)[data[0] % len(GOOD)]
    case = GOOD[kind]
    names = [*sorted(case.evidence.fields), "log", "crl"]
    name = names[data[0] // len(GOOD) % len(names)]
    evidence = Evidence(kind, {**case.evidence.fields, name: data[1:]})
    roots = dict.fromkeys(case.roots, Level.DEVELOPMENT)
    VERIFIERS[kind].judge(evidence, binding=case.binding, roots=roots, now=NOW)
    VERIFIERS[kind].measurement(evidence)


def judged() -> Iterator[bytes]:
    for number, kind in enumerate(sorted(GOOD)):
        fields = GOOD[kind].evidence.fields
        for place, name in enumerate(sorted(fields)):
            yield bytes((number + place * len(GOOD),)) + fields[name]


def bare_evidence(data: bytes) -> None:
    claims(data)
    with suppress(Untrusted):
        carries(bare.EvidenceDocument.parse(data).evidence, bytes(64))
    verify_document(data, policy=Policy(), at=NOW, nonce=None, spki=None)


def documents() -> Iterator[bytes]:
    for case in GOOD.values():
        bound = bare.key_bound(bytes(32), bytes(32), since=NOW, until=NOW)
        yield bare.EvidenceDocument(bound, case.evidence).encode()


def attestation(data: bytes) -> None:
    questions(data)
    statement.parse(data)


def attestations() -> Iterator[bytes]:
    from cyberprivacy.testing.attested import World

    yield World.new().attest().encode()


def policies() -> Iterator[bytes]:
    yield b'{"v":1}'
    yield b"""{"v":1,"least":"measured-boot","age":60,"laps":{"vote":1},"roots":{"sha256:%s":"measured-boot"},
        "vendors":false,"measurements":{"sha256:%s":"OS"},"hardware":["tdx:%s"],"tdx":{"statuses":["UpToDate"],
        "features":"0x3","platforms":[]},"snp":{"products":["Milan"],"least":{"Milan":{"snp":9}},"chips":[]}}""" % (
        b"ab" * 32,
        b"cd" * 32,
        b"00" * 16,
    )


def enrolments(data: bytes) -> None:
    for read in (enrolment.Request.parse, enrolment.Answer.parse, credential.Credential.parse):
        try:
            read(data)
        except Untrusted:
            continue


def credentials() -> Iterator[bytes]:
    key = tpm2.Public.parse(GOOD["tpm2"].evidence.fields["public"])
    yield enrolment.Request(b"", key, key).encode()
    for file in genuine("tpm2-*/cred.blob"):
        blob = file[TOOLS_HEADER:]
        yield blob
        yield enrolment.Answer(bytes(32), credential.Credential.parse(blob), b"sealed").encode()


def tables() -> Iterator[bytes]:
    leaf, middle, root = certificates.split(GOOD["sev-snp"].evidence.fields["certificates"])
    yield hosttable.encode(vcek=leaf, ask=middle, ark=root)
    yield bytes(hosttable.ENTRY_SIZE)


def case_lines() -> Iterator[bytes]:
    yield from (case.line(told=True) for case in GOOD.values())
    yield b'{"id":"a","verdict":"accept","codes":[]}'


def lines(data: bytes) -> None:
    for read in (Case.read, Said.read):
        try:
            read(data)
        except Misuse:
            continue


def chains() -> Iterator[bytes]:
    yield from field("certificates")()
    yield from genuine("*/*.der")


TARGETS: Mapping[str, Target] = {
    "snp-report": Target(snp_report, Untrusted, field("report", "snp-*/*report.bin")),
    "snp-chain": Target(snp_chain, Untrusted, chains),
    "certificates": Target(
        lambda data: certificates.check_chain(certificates.split(data), now=NOW), Untrusted, chains
    ),
    "tdx-quote": Target(tdx_quote, Untrusted, field("quote", "tdx-*/quote.bin")),
    "tdx-collateral": Target(tdx_collateral, Untrusted, published),
    "ccel": Target(ccel.parse, Untrusted, field("log", "*/ccel_data.bin")),
    "boot-log": Target(lambda data: bootlog.read(data).facts(), Untrusted, field("tcg2", "*/ccel_data.bin")),
    "enrolment": Target(enrolments, Untrusted, credentials),
    "host-table": Target(hosttable.HostTable.parse, Untrusted, tables),
    "event-log": Target(eventlog.parse, Untrusted, field("log")),
    "tpm2": Target(tpm2_structures, Untrusted, structures),
    "attestation": Target(attestation, Untrusted, attestations),
    "bare": Target(bare_evidence, Untrusted, documents),
    "judge": Target(judge, Untrusted, judged),
    "policy": Target(policy.parse, Misuse, policies),
    "cases": Target(lines, Misuse, case_lines),
    "seen": Target(seen.decode, Untrusted, lambda: iter((seen.encode({bytes(32): NOW}),))),
}


def all_of_them(data: bytes) -> None:
    """Every target in one process: the first byte chooses."""
    if data:
        list(TARGETS.values())[data[0] % len(TARGETS)](data[1:])


def every_seed() -> Iterator[bytes]:
    for number, target in enumerate(TARGETS.values()):
        for seed in target.seeds():
            yield bytes((number,)) + seed


def sow(seeds: Iterator[bytes]) -> str:
    """A new folder with one file for each seed."""
    folder = tempfile.mkdtemp(prefix="fuzz-")
    for number, seed in enumerate(seeds):
        Path(folder, f"{number:04}").write_bytes(seed)
    return folder
