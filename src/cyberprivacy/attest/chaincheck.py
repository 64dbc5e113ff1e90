"""The part of the decision that compares what a node says with what the chain says. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from cyberprivacy.attest.evidence import Findings
from cyberprivacy.attest.facts import ChainFacts, ReleaseFacts
from cyberprivacy.attest.policy import Policy
from cyberprivacy.attest.report import ANY_FACTORY, Check, Verdict
from cyberprivacy.attest.statement import Statement
from cyberprivacy.build.image import images_digest

CHAIN_CHECKS: Final = (
    "chain.fresh",
    "dao.factory",
    "statement.block",
    "os.measurement",
    "node.registered",
    "release.active",
    "release.proposal",
    "release.laps",
    "release.images",
)
"""What is compared with the chain, in this order."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Case:
    statement: Statement
    findings: Findings
    key: Check
    facts: ChainFacts
    policy: Policy
    now: int

    @property
    def release(self) -> ReleaseFacts | None:
        """What the chain says about the bundle that the node says it runs."""
        return self.facts.releases.get(self.statement.bundle)


def judge_chain(
    statement: Statement, findings: Findings, key: Check, *, facts: ChainFacts, policy: Policy, now: int
) -> Iterator[Check]:
    """Compare a statement and the findings of its evidence with the chain; one check for each of `CHAIN_CHECKS`.

    Args:
        statement: what the node says.
        findings: what its evidence turned out to say.
        key: the check "node.key".
        facts: what the chain says.
        policy: what the user asks for.
        now: seconds since 1970.
    """
    case = _Case(statement=statement, findings=findings, key=key, facts=facts, policy=policy, now=now)
    yield _chain_fresh(case)
    yield _factory(case)
    yield _block(case)
    yield _measurement(case)
    yield _registered(case)
    yield _active(case)
    release = case.release
    if release is None:
        yield from (
            Check.needs(name, "release.active")
            for name in CHAIN_CHECKS[CHAIN_CHECKS.index("release.active") + 1 :]
        )
        return
    yield _proposal(case, release)
    yield _laps(case, release)
    yield _images(case, release)


def _chain_fresh(case: _Case) -> Check:
    name, age = "chain.fresh", case.now - case.facts.block.timestamp
    if age > case.policy.chain_age + case.policy.skew:
        return Check.failed(name, "chain.stale", f"the newest final block is {age} s old")
    if age < -case.policy.skew:
        return Check.failed(name, "chain.future", f"the newest final block is {-age} s in the future")
    return Check.passed(name, f"final block {case.facts.block.number}, {max(age, 0)} s old")


def _factory(case: _Case) -> Check:
    """Whether contracts that the user knows say all that follows: others can say what they like."""
    name, known = "dao.factory", case.policy.factories
    if not known:
        detail = "you name no factory: nobody has looked who made the contracts of this DAO"
        return Check.skipped(name, ANY_FACTORY, detail)
    if case.facts.factory not in known:
        return Check.failed(name, "dao.other-factory", "no factory that you name made the contracts of this DAO")
    return Check.passed(name, f"factory {case.facts.factory} made the contracts of this DAO")


def _block(case: _Case) -> Check:
    """Whether the node reads the same chain, and reads on; how old a block is, the chain says, not the node."""
    name, said = "statement.block", case.statement.block
    known = case.facts.blocks.get(said.number)
    if known is None and said.number > case.facts.block.number:
        return _block_ahead(case)
    if known is None:
        return Check.failed(name, "statement.block-unknown", f"the chain does not give block {said.number}")
    if known.hash != said.hash:
        return Check.failed(name, "statement.other-fork", f"block {said.number} is another one on our chain")
    if known.timestamp != said.timestamp:
        detail = f"block {said.number} is of second {known.timestamp}, not {said.timestamp} as the node says"
        return Check.failed(name, "statement.block-time", detail)
    age = case.now - known.timestamp
    if age > case.policy.chain_age + case.policy.skew:
        return Check.failed(name, "statement.block-old", f"the node last read the chain at a block {age} s old")
    return Check.passed(name, f"the node has read the same chain, up to block {said.number}")


def _block_ahead(case: _Case) -> Check:
    """A block that our chain does not have yet: nobody can check its hash, but its time must be possible."""
    name, said, ours = "statement.block", case.statement.block, case.facts.block
    if not ours.timestamp <= said.timestamp <= case.now + case.policy.skew:
        detail = f"block {said.number} comes after ours, of second {ours.timestamp}; not in {said.timestamp}"
        return Check.failed(name, "statement.block-time", detail)
    return Check.skipped(name, "statement.block-ahead", f"the node is ahead, at block {said.number}")


def _measurement(case: _Case) -> Check:
    name, measured = "os.measurement", case.findings.measurement
    if measured is None:
        return Check.needs(name, "evidence.log")
    allowed = case.policy.measurements
    if allowed is not None and measured not in allowed:
        return Check.failed(name, "os.not-in-policy", f"your policy does not name {measured.hex()}")
    since = case.facts.measurements.get(measured)
    if since is None:
        return Check.failed(name, "os.not-accepted", f"nobody has announced software {measured.hex()}")
    if since > case.facts.block.timestamp:
        wait = since - case.facts.block.timestamp
        return Check.failed(name, "os.waiting", f"announced, but in its public waiting period for {wait} s more")
    node = case.facts.nodes.get(case.statement.account)
    if node is not None and node.id == case.statement.node and node.measurement != measured:
        return Check.failed(name, "os.not-as-listed", f"the node is listed with {node.measurement.hex()}")
    return Check.passed(name, f"accepted on chain: {measured.hex()}")


def _registered(case: _Case) -> Check:
    name, statement = "node.registered", case.statement
    if case.key.verdict is not Verdict.PASS:
        return Check.needs(name, case.key.name)
    node = case.facts.nodes.get(statement.account)
    if node is None or node.cluster == 0:
        return Check.failed(name, "node.unknown", f"no cluster lists a node {statement.account}")
    if node.id != statement.node:
        detail = f"{statement.account} is listed with key {node.id.hex()}, not {statement.node.hex()}"
        return Check.failed(name, "node.not-as-listed", detail)
    if not node.authorised:
        detail = f"the DAO does not let provider {node.provider} run it"
        return Check.failed(name, "node.not-authorised", detail)
    if not node.admitted:
        detail = f"cluster {node.cluster} has promised to have admitted machines only, and this is none"
        return Check.failed(name, "node.not-admitted", detail)
    return Check.passed(name, f"listed in cluster {node.cluster} of provider {node.provider}")


def _active(case: _Case) -> Check:
    name, statement, release = "release.active", case.statement, case.release
    if release is None:
        return Check.failed(name, "release.unknown", f"the DAO has published no bundle {statement.bundle}")
    ends = (
        (release.revoked, "release.revoked", "the DAO has withdrawn this release"),
        (release.halted, "release.halted", "the auditors have stopped this release"),
        (0 < release.expires <= case.now, "release.expired", "an emergency release, never ratified"),
    )
    for ended, code, detail in ends:
        if ended:
            return Check.failed(name, code, detail)
    if case.facts.active != statement.bundle:
        live = case.facts.active
        what = "nothing may run" if live is None else f"{live} is live"
        return Check.failed(name, "release.not-live", f"at block {case.facts.block.number} {what}")
    if (release.number, release.pipeline) != (statement.release, statement.pipeline):
        detail = f"the chain has release {release.number}, pipeline {release.pipeline}"
        return Check.failed(name, "release.other-number", detail)
    return Check.passed(name, f"release {release.number} is live at block {case.facts.block.number}")


def _proposal(case: _Case, release: ReleaseFacts) -> Check:
    name, said = "release.proposal", case.statement.proposal
    if release.emergency and said in (0, release.proposal):
        return Check.passed(name, f"emergency release, not voted on yet; it dies at {release.expires}")
    if said != release.proposal or said == 0:
        return Check.failed(name, "release.other-proposal", f"the chain has proposal {release.proposal}")
    if not release.executed:
        return Check.failed(name, "release.not-executed", f"proposal {said} was not executed")
    return Check.passed(name, f"proposal {said} was passed and executed")


def _laps(case: _Case, release: ReleaseFacts) -> Check:
    name = "release.laps"
    wanted = {"emergency"} if release.emergency else {"review", "vote", "deployment"}
    if missing := wanted - {lap.name for lap in release.laps}:
        return Check.failed(name, "release.lap-missing", f"no record of {', '.join(sorted(missing))}")
    for lap in release.laps:
        if lap.taken < lap.least:
            return Check.failed(name, "release.lap-short", f"{lap.name}: {lap.taken} s, rules say {lap.least} s")
        asked = case.policy.laps.get(lap.name, 0)
        if lap.taken < asked:
            return Check.failed(name, "release.lap-policy", f"{lap.name}: {lap.taken} s, you ask for {asked} s")
    told = (f"{lap.name} {_duration(lap.taken)} (at least {_duration(lap.least)})" for lap in release.laps)
    return Check.passed(name, ", ".join(told))


def _images(case: _Case, release: ReleaseFacts) -> Check:
    name = "release.images"
    if release.images is None:
        detail = f"{release.builders} of {release.needed} providers reported, or they differ"
        return Check.failed(name, "release.images-not-agreed", detail)
    if images_digest(case.statement.images) != release.images:
        return Check.failed(name, "release.other-images", "what runs is not what providers built from the bundle")
    shown = ", ".join(f"{image}={digest}" for image, digest in sorted(case.statement.images.items()))
    return Check.passed(name, f"{shown}, built alike by {release.builders}")


def _duration(seconds: int) -> str:
    """Such as "7d", "90min", "12s": exact, in the largest unit that is."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds and seconds % size == 0:
            return f"{seconds // size}{unit}"
    return f"{seconds}s"
