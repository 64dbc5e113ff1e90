"""The decision whether to believe a node. Pure: bytes and values in, a report out; no clock, disk or network.

Every check is made that can be made, so that a reader sees all that is wrong at once. A check whose answer
would mean nothing, because another one failed, is skipped and says so (`needs.…`).
"""

from dataclasses import dataclass
from typing import Final

from cyberprivacy.attest.chaincheck import CHAIN_CHECKS, judge_chain
from cyberprivacy.attest.evidence import EVIDENCE_CHECKS, NODE_ROLE, Findings
from cyberprivacy.attest.facts import ChainFacts, Questions
from cyberprivacy.attest.identity import node_id, signed_by
from cyberprivacy.attest.judge import (
    VERIFIERS,
    evidence_facts,
    judge_age,
    judge_evidence,
    judge_hardware,
    judge_level,
    proven,
)
from cyberprivacy.attest.policy import Policy
from cyberprivacy.attest.report import Check, Report, Verdict, one_of_each
from cyberprivacy.attest.statement import Attestation, parse
from cyberprivacy.errors import Untrusted

CHECKS: Final = (
    "attestation.form",
    "tls.key",
    "tls.session",
    *EVIDENCE_CHECKS,
    "evidence.fresh",
    "evidence.age",
    "evidence.hardware",
    "node.key",
    "statement.signature",
    "statement.subject",
    "statement.fresh",
    *CHAIN_CHECKS,
    "level",
)
"""Every report has exactly these, in this order."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What the verifier itself saw and did on the connection; None = there was none, only a file.

    Attributes:
        spki: SHA-256 of the SubjectPublicKeyInfo that the server proved to hold, 32 bytes.
        nonce: the challenge that was sent on this connection, 32 bytes.
        session: what `session.context` of a node with that key gives on this connection, 32 bytes.
    """

    spki: bytes | None
    nonce: bytes | None
    session: bytes | None


def questions(data: bytes) -> Questions | None:
    """What to ask the chain about before `verify`; None when the attestation cannot be read at all."""
    try:
        attestation = parse(data)
    except Untrusted:
        return None
    statement, evidence = attestation.statement, attestation.evidence
    verifier = VERIFIERS.get(evidence.kind)
    return Questions(
        bundle=statement.bundle,
        account=statement.account,
        measurement=None if verifier is None else verifier.measurement(evidence),
        height=statement.block.number,
    )


def verify(data: bytes, *, seen: Seen, facts: ChainFacts, policy: Policy, now: int) -> Report:
    """Decide whether an attestation may be believed.

    Args:
        data: the attestation as it came.
        seen: what happened on the connection that it came over.
        facts: what the chain says, asked for with `questions(data)`.
        policy: what the user asks for.
        now: seconds since 1970.

    Returns:
        A report with exactly the checks in `CHECKS`. It never raises for bad input.
    """
    try:
        attestation = parse(data)
    except Untrusted as error:
        form = Check.failed("attestation.form", error.code, str(error))
        return Report((form, *(Check.needs(name, form.name) for name in CHECKS[1:])), None)
    evidence = attestation.evidence
    findings = judge_evidence(evidence, attestation.bound.digest(), policy, now)
    key = _node_key(attestation)
    fresh = _statement_fresh(attestation, seen, policy, now)
    checks = [
        Check.passed("attestation.form", f"{len(data)} bytes in the one spelling of version 2"),
        _tls_key(attestation, seen, policy, now),
        _tls_session(attestation, seen),
        *findings.checks,
        _evidence_fresh(attestation, seen),
        judge_hardware(evidence.kind, findings, policy),
        key,
        _signature(attestation, key),
        _subject(attestation, facts),
        fresh,
        _evidence_age(attestation, fresh, policy, now),
        *judge_chain(attestation.statement, findings, key, facts=facts, policy=policy, now=now),
    ]
    checks.append(judge_level(findings, policy))
    level = findings.level if proven(findings) else None
    said = _said(attestation, findings, policy, now)
    return Report(one_of_each(checks, CHECKS), level, said, attestation.statement.clusters)


def _tls_key(attestation: Attestation, seen: Seen, policy: Policy, now: int) -> Check:
    name, bound = "tls.key", attestation.bound
    if not bound.since - policy.skew <= now <= bound.until + policy.skew:
        return Check.failed(name, "tls.expired", f"the TLS identity is for {bound.since} to {bound.until}")
    if seen.spki is None:
        return Check.skipped(name, "offline.no-connection", "read from a file: nobody has shown to hold the key")
    if seen.spki != bound.spki:
        detail = f"the server answered with key {seen.spki.hex()}, the evidence is for {bound.spki.hex()}"
        return Check.failed(name, "tls.other-key", detail)
    return Check.passed(name, f"the evidence is for the key of this connection, {bound.spki.hex()}")


def _tls_session(attestation: Attestation, seen: Seen) -> Check:
    name = "tls.session"
    if seen.session is None:
        return Check.skipped(name, "offline.no-session", "read from a file: made in somebody else's session")
    if attestation.bound.session != seen.session:
        return Check.failed(name, "tls.other-session", "made in another TLS session: somebody stands in between")
    return Check.passed(name, "made in this very TLS session")


def _evidence_fresh(attestation: Attestation, seen: Seen) -> Check:
    name = "evidence.fresh"
    if seen.nonce is None:
        return Check.skipped(name, "offline.no-nonce", "read from a file: made for somebody else's challenge")
    if attestation.bound.challenge != seen.nonce:
        return Check.failed(name, "evidence.replayed", "made for another challenge than ours")
    return Check.passed(name, "made for the challenge that we have just chosen")


def _evidence_age(attestation: Attestation, fresh: Check, policy: Policy, now: int) -> Check:
    """Evidence is made with the statement, which says when."""
    if fresh.verdict is not Verdict.PASS:
        return Check.needs("evidence.age", fresh.name)
    return judge_age(attestation.statement.time, policy, now)


def _node_key(attestation: Attestation) -> Check:
    name, bound = "node.key", attestation.bound
    if bound.role != NODE_ROLE:
        return Check.failed(name, "node.other-role", f"evidence for the role {bound.role!r}")
    if node_id(attestation.node) != bound.node:
        return Check.failed(name, "node.other-key", f"the evidence is about node {bound.node.hex()}")
    return Check.passed(name, f"born in that machine: node {bound.node.hex()}")


def _signature(attestation: Attestation, key: Check) -> Check:
    name = "statement.signature"
    if key.verdict is not Verdict.PASS:
        return Check.needs(name, key.name)
    if not signed_by(attestation.node, attestation.signature, attestation.statement.signed_bytes()):
        return Check.failed(name, "statement.signature", "not signed by the node's key")
    return Check.passed(name, "signed by the node's key")


def _subject(attestation: Attestation, facts: ChainFacts) -> Check:
    """Whether the statement is about this node, this key, and the DAO that the user named."""
    name, statement, bound = "statement.subject", attestation.statement, attestation.bound
    about = (
        ("statement.other-node", statement.node, node_id(attestation.node), "node"),
        ("statement.other-tls", statement.tls, bound.spki, "TLS key"),
        ("statement.other-chain", statement.chain, facts.chain_id, "chain"),
        ("statement.other-dao", statement.dao, facts.dao, "DAO"),
        ("statement.other-registry", statement.registry, facts.registry, "registry"),
    )
    for code, said, wanted, what in about:
        if said != wanted:
            return Check.failed(name, code, f"it speaks of {what} {_show(said)}, not of {_show(wanted)}")
    return Check.passed(name, f"about this node, and DAO {statement.dao} on chain {statement.chain}")


def _statement_fresh(attestation: Attestation, seen: Seen, policy: Policy, now: int) -> Check:
    name, statement = "statement.fresh", attestation.statement
    if seen.nonce is not None and statement.nonce != seen.nonce:
        return Check.failed(name, "statement.replayed", "signed for another challenge than ours")
    age = now - statement.time
    if age < -policy.skew:
        return Check.failed(name, "statement.future", f"signed {-age} s in the future")
    if age > policy.age + policy.skew:
        return Check.failed(name, "statement.old", f"signed {age} s ago; at most {policy.age} s are accepted")
    return Check.passed(name, f"signed {max(age, 0)} s ago")


def _said(attestation: Attestation, findings: Findings, policy: Policy, now: int) -> dict[str, str | int]:
    statement = attestation.statement
    return {
        "chain": statement.chain,
        "dao": statement.dao,
        "bundle": str(statement.bundle),
        "release": statement.release,
        "proposal": str(statement.proposal),
        **{f"image.{name}": statement.images[name] for name in sorted(statement.images)},
        **({"clusters": ", ".join(statement.clusters)} if statement.clusters else {}),
        "node": attestation.bound.node.hex(),
        "account": statement.account,
        "tls": attestation.bound.spki.hex(),
        "log_size": statement.log.size,
        "log_root": statement.log.root.hex(),
        "age": now - statement.time,
        **evidence_facts(attestation.evidence.kind, attestation.bound, findings, policy),
    }


def _show(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)
