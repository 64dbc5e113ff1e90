"""What can be wrong with a statement, a node or a release: each fails its own check."""

from collections.abc import Callable
from dataclasses import replace

from tests.unit.attest.bending import (
    OTHER,
    STRANGER,
    changed,
    emergency,
    node_facts,
    one_byte_of_the_software_changed,
    read_at,
    said,
    tpm,
)

from cyberprivacy.attest.facts import Lap
from cyberprivacy.attest.identity import NodeKey
from cyberprivacy.attest.report import Level
from cyberprivacy.proposal.release import FinalBlock
from cyberprivacy.testing.attested import (
    BLOCK,
    DAY,
    IMAGES,
    NOW,
    World,
    approved,
)

BENT_STANDING: dict[str, tuple[Callable[[World], World], str, str]] = {
    # name of the case: (what is wrong, the one check that fails, its code)
    "a statement signed by nobody": (
        lambda w: w.bend(proof=changed(w.attest(), signature=bytes(64))),
        "statement.signature",
        "statement.signature",
    ),
    "a statement signed by another key": (
        lambda w: said(w, NodeKey.born()),
        "statement.signature",
        "statement.signature",
    ),
    "evidence about another node": (
        lambda w: w.bend(
            proof=changed(
                w.attest(),
                bound=(other := w.bend(key=NodeKey.born()).attest()).bound,
                evidence=other.evidence,
            )
        ),
        "node.key",
        "node.other-key",
    ),
    "a statement about another node": (
        lambda w: node_facts(said(w, node=bytes(32)), id=bytes(32)),
        "statement.subject",
        "statement.other-node",
    ),
    "a statement about another TLS key": (
        lambda w: said(w, tls=bytes(32)),
        "statement.subject",
        "statement.other-tls",
    ),
    "a statement about another chain": (
        lambda w: said(w, chain=1),
        "statement.subject",
        "statement.other-chain",
    ),
    "a statement about another DAO": (
        lambda w: said(w, dao=STRANGER),
        "statement.subject",
        "statement.other-dao",
    ),
    "a statement about another registry": (
        lambda w: said(w, registry=STRANGER),
        "statement.subject",
        "statement.other-registry",
    ),
    "an old statement beside fresh evidence": (
        lambda w: said(w, nonce=bytes(32)),
        "statement.fresh",
        "statement.replayed",
    ),
    "a statement of an hour ago": (
        lambda w: said(w, time=NOW - 1800),
        "statement.fresh",
        "statement.old",
    ),
    "evidence that is older than the user wants": (
        lambda w: said(w.bend(policy=replace(w.policy, evidence_age=100, skew=0)), time=NOW - 200),
        "evidence.age",
        "evidence.old",
    ),
    "a machine without a name, where only some are let in": (
        lambda w: w.bend(policy=replace(w.policy, hardware=frozenset({"tpm2:" + "ab" * 32}))),
        "evidence.hardware",
        "hardware.unnamed",
    ),
    "a statement of tomorrow": (lambda w: said(w, time=NOW + DAY), "statement.fresh", "statement.future"),
    "a chain that has stopped": (
        lambda w: w.chain(block=FinalBlock(1_001, bytes(32), NOW - 2 * 3600)),
        "chain.fresh",
        "chain.stale",
    ),
    "a chain of tomorrow": (
        lambda w: w.chain(block=FinalBlock(1_001, bytes(32), NOW + DAY)),
        "chain.fresh",
        "chain.future",
    ),
    "a node that does not read the chain any more": (
        lambda w: read_at(w, replace(BLOCK, timestamp=NOW - DAY)),
        "statement.block",
        "statement.block-old",
    ),
    "a node that says that an old block is new": (
        lambda w: read_at(w, replace(BLOCK, timestamp=NOW - DAY), said=BLOCK),
        "statement.block",
        "statement.block-time",
    ),
    "a node that says that a new block is newer": (
        lambda w: read_at(w, BLOCK, said=replace(BLOCK, timestamp=NOW - 1)),
        "statement.block",
        "statement.block-time",
    ),
    "a block to come, of yesterday": (
        lambda w: w.bend(release=approved(block=FinalBlock(2_000, bytes(32), NOW - DAY))),
        "statement.block",
        "statement.block-time",
    ),
    "a block to come, of tomorrow": (
        lambda w: w.bend(release=approved(block=FinalBlock(2_000, bytes(32), NOW + DAY))),
        "statement.block",
        "statement.block-time",
    ),
    "a node on another fork": (
        lambda w: w.chain(blocks={BLOCK.number: replace(BLOCK, hash=bytes(32))}),
        "statement.block",
        "statement.other-fork",
    ),
    "a block that nobody has": (
        lambda w: w.chain(blocks={}),
        "statement.block",
        "statement.block-unknown",
    ),
    "one byte of the measured software changed": (
        one_byte_of_the_software_changed,
        "os.measurement",
        "os.not-accepted",
    ),
    "a measurement in its waiting period": (
        lambda w: w.chain(measurements={tpm(w).measurement: NOW + DAY}),
        "os.measurement",
        "os.waiting",
    ),
    "a measurement that the policy does not name": (
        lambda w: w.bend(policy=replace(w.policy, measurements=frozenset({bytes(32)}))),
        "os.measurement",
        "os.not-in-policy",
    ),
    "a node listed with other software": (
        lambda w: node_facts(w, measurement=bytes(32)),
        "os.measurement",
        "os.not-as-listed",
    ),
    "a node that nobody lists": (lambda w: w.chain(nodes={}), "node.registered", "node.unknown"),
    "a node listed with another key": (
        lambda w: node_facts(w, id=NodeKey.born().id),
        "node.registered",
        "node.not-as-listed",
    ),
    "a node of a provider that the DAO does not know": (
        lambda w: node_facts(w, authorised=False),
        "node.registered",
        "node.not-authorised",
    ),
    "a machine that nobody admitted, in a cluster that promised": (
        lambda w: node_facts(w, admitted=False),
        "node.registered",
        "node.not-admitted",
    ),
    "a bundle that was never published": (
        lambda w: w.chain(releases={}),
        "release.active",
        "release.unknown",
    ),
    "a revoked release": (
        lambda w: w.listed(revoked=True).chain(active=None),
        "release.active",
        "release.revoked",
    ),
    "a halted release": (
        lambda w: w.listed(halted=True).chain(active=None),
        "release.active",
        "release.halted",
    ),
    "a DAO that another factory made": (lambda w: w.chain(factory=STRANGER), "dao.factory", "dao.other-factory"),
    "a DAO that no known factory made": (lambda w: w.chain(factory=None), "dao.factory", "dao.other-factory"),
    "a replaced release": (lambda w: w.chain(active=OTHER), "release.active", "release.not-live"),
    "nothing live": (lambda w: w.chain(active=None), "release.active", "release.not-live"),
    "another release number": (lambda w: said(w, release=3), "release.active", "release.other-number"),
    "an emergency release that has died": (
        lambda w: w.listed(expires=NOW, emergency=True, laps=(Lap("emergency", 9, 9),)),
        "release.active",
        "release.expired",
    ),
    "another proposal": (lambda w: said(w, proposal=7), "release.proposal", "release.other-proposal"),
    "an emergency release under another's proposal": (
        lambda w: said(emergency(w), proposal=7),
        "release.proposal",
        "release.other-proposal",
    ),
    "a proposal that was not executed": (
        lambda w: w.listed(executed=False),
        "release.proposal",
        "release.not-executed",
    ),
    "no proposal at all": (
        lambda w: said(w.listed(proposal=0), proposal=0),
        "release.proposal",
        "release.other-proposal",
    ),
    "a lap that was cut short": (
        lambda w: w.listed(laps=(Lap("review", 8, 8), Lap("vote", 9, 9), Lap("deployment", 2 * DAY - 1, 2 * DAY))),
        "release.laps",
        "release.lap-short",
    ),
    "a lap that nobody recorded": (
        lambda w: w.listed(laps=(Lap("review", 8, 8), Lap("vote", 9, 9))),
        "release.laps",
        "release.lap-missing",
    ),
    "a lap shorter than the user asks for": (
        lambda w: w.bend(policy=replace(w.policy, laps={"vote": 4 * DAY})),
        "release.laps",
        "release.lap-policy",
    ),
    "a swapped image": (
        lambda w: w.bend(images={**IMAGES, "web": "sha256:" + "9" * 64}),
        "release.images",
        "release.other-images",
    ),
    "an image too many": (
        lambda w: w.bend(images={**IMAGES, "miner": "sha256:" + "9" * 64}),
        "release.images",
        "release.other-images",
    ),
    "images that providers do not agree on": (
        lambda w: w.listed(images=None),
        "release.images",
        "release.images-not-agreed",
    ),
    "a level below what the user asks for": (
        lambda w: w.bend(policy=replace(w.policy, least=Level.MEASURED_BOOT)),
        "level",
        "level.too-low",
    ),
}
