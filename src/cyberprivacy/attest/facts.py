"""What a verifier has to know from the chain, as values; and which of them an attestation makes it ask for.

Whoever fills `ChainFacts` reads everything at one finalised block, from endpoints that he trusts to agree,
and asks about what the attestation *claims* (`questions`). What the chain does not know stays out of the
mappings, and the check that needs it fails.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from cyberprivacy.cid import Cid
from cyberprivacy.proposal.release import Address, FinalBlock


@dataclass(frozen=True, slots=True)
class Lap:
    """A time for people to look, as it went.

    Attributes:
        name: "review", "vote", "deployment", or "emergency".
        taken: seconds that it really took.
        least: seconds that the DAO's own rules ask for.
    """

    name: str
    taken: int
    least: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ReleaseFacts:
    """A release, as the chain has it.

    Attributes:
        number: its release number.
        pipeline: number of its pipeline template.
        revoked: withdrawn by the DAO, for good.
        halted: stopped by the auditors, now.
        expires: end of an emergency release that is not ratified; 0 = never.
        emergency: live by the emergency lane and not ratified.
        proposal: the proposal that names this bundle; 0 = none was made.
        executed: whether that proposal was passed and executed.
        laps: how long people had to look; empty when it never went live.
        images: 32-byte digest of the images that its providers built alike; None = not agreed.
        builders: how many providers reported them.
        needed: how many must.
    """

    number: int
    pipeline: int
    revoked: bool
    halted: bool
    expires: int
    emergency: bool
    proposal: int
    executed: bool
    laps: tuple[Lap, ...]
    images: bytes | None
    builders: int
    needed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NodeFacts:
    """A node, as the chain lists it.

    Attributes:
        id: its node id, 32 bytes.
        measurement: the OS measurement that it is listed with, 32 bytes; zeros = claims no hardware evidence.
        cluster: number of its cluster.
        provider: who runs the cluster.
        authorised: whether the DAO lets this provider run the application now.
        admitted: False = its cluster has promised to have admitted machines only, and this is none, as of now.
    """

    id: bytes
    measurement: bytes
    cluster: int
    provider: Address
    authorised: bool
    admitted: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class ChainFacts:
    """What the chain says at one finalised block.

    Attributes:
        chain_id: EIP-155 chain id.
        dao: the DAO that the verifier's user named.
        registry: its ReleaseRegistry.
        factory: which of the factories that were asked made its contracts; None = none of them.
        block: the finalised block at which all of this was read.
        active: the live bundle; None = none may run.
        releases: the bundles that were asked about.
        nodes: the nodes that were asked about, by account.
        measurements: since when (seconds since 1970) a measurement that was asked about is accepted; one
            that was never announced, or was withdrawn, is not here.
        blocks: the chain's own final blocks at the heights that were asked about.
    """

    chain_id: int
    dao: Address
    registry: Address
    block: FinalBlock
    active: Cid | None
    factory: Address | None = None
    releases: Mapping[Cid, ReleaseFacts] = field(default_factory=dict)
    nodes: Mapping[Address, NodeFacts] = field(default_factory=dict)
    measurements: Mapping[bytes, int] = field(default_factory=dict)
    blocks: Mapping[int, FinalBlock] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Questions:
    """What to ask the chain about, because an attestation claims it.

    Attributes:
        bundle: the bundle that it says it runs.
        account: the account that it says it is listed under.
        measurement: the measurement that its evidence claims; None when it claims none that can be read.
        height: height of the block that it says it read.
    """

    bundle: Cid
    account: Address
    measurement: bytes | None
    height: int
