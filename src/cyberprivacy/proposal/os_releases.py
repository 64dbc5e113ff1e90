"""Which Privacy OS counts, on chain: a DAO votes on its sources, and these say what machines measure.

The contract (`OsReleases`) owns the chain's Clusters, so nobody finds it but by asking Clusters who owns it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final

from cyberprivacy.errors import Misuse, Untrusted
from cyberprivacy.proposal.abi import contract
from cyberprivacy.proposal.calls import Call, call, create
from cyberprivacy.proposal.chain import Chain, LogServer, NoContract, Reverted
from cyberprivacy.proposal.clusters import measurement_since
from cyberprivacy.proposal.law import Dao
from cyberprivacy.proposal.release import Address, FinalBlock
from cyberprivacy.proposal.sending import Desk
from cyberprivacy.proposal.told import told
from cyberprivacy.proposal.wire import BadAnswer

_call: Final = partial(call, "OsReleases")


class NotEntrusted(Untrusted):
    """What the Privacy OS measures is not for this DAO to say."""

    code = "os.not-entrusted"
    hint = "As the owner of Clusters: `os release entrust`."


@dataclass(frozen=True, slots=True)
class Announced:
    """What machines may measure.

    Attributes:
        uri: where it comes from: ipfs:// and the CID of the sources, if they were voted on.
        since: when it began, or will begin, to count; seconds since 1970; 0 = it was withdrawn.
    """

    uri: str
    since: int


def entrust(desk: Desk, chain: Chain, dao: Dao, *, at: FinalBlock) -> Address:
    """Let the releases of a DAO say what counts, from now on; the address of the contract.

    Args:
        desk: of who owns Clusters.
        chain: as they see it.
        dao: its registry names these Clusters.
        at: the block that says who owns them.

    Raises:
        Misuse: it is somebody else ("os.not-owner").
    """
    owner = _owner(chain, dao, at)
    if owner != desk.address:
        raise Misuse("somebody else owns Clusters", code="os.not-owner", owner=owner, you=desk.address)
    made = create(desk, "OsReleases", dao.registry)
    desk.send(dao.clusters, contract("Clusters").encode("transferOwnership", made))
    desk.send(made, contract("OsReleases").encode("takeOver"))
    return made


def releases_of(chain: Chain, dao: Dao, *, at: FinalBlock) -> Address:
    """The contract by which a DAO's releases count.

    Raises:
        NotEntrusted: the owner of Clusters is somebody, or something, else.
    """
    owner, law = _owner(chain, dao, at), contract("OsReleases")
    try:
        named = tuple(law.read(chain, at, owner, name).address("0") for name in ("registry", "clusters"))
    except (NoContract, Reverted, BadAnswer):  # an account of somebody, or another contract
        named = ()
    if named != (dao.registry, dao.clusters):
        raise NotEntrusted("the Privacy OS is not for this DAO to release", dao=dao.governor, owner=owner)
    return owner


def _owner(chain: Chain, dao: Dao, at: FinalBlock) -> Address:
    return contract("Clusters").read(chain, at, dao.clusters, "owner").address("0")


def announce(releases: Address, root: bytes, measurement: bytes) -> Call:
    """Make public what machines measure (32 bytes) that run the live release; `root`: its bundle's root block."""
    return _call(releases, "announce", root, measurement)


def withdraw(releases: Address, root: bytes, measurement: bytes) -> Call:
    """End what a revoked release has announced."""
    return _call(releases, "withdraw", root, measurement)


def withdraw_measurements(
    chain: Chain, dao: Dao, measurements: Sequence[bytes], *, at: FinalBlock
) -> tuple[Call, ...]:
    """For a DAO's timelock: end measurements (32 bytes each) for good, whatever brought them.

    Args:
        chain: as they see it.
        dao: whose releases count.
        measurements: that stand.
        at: the block that says so.

    Raises:
        NotEntrusted: as `releases_of`.
        Misuse: one of them does not stand ("os.not-announced").
    """
    releases = releases_of(chain, dao, at=at)
    for each in measurements:
        if measurement_since(chain, dao.clusters, each, at=at) == 0:
            hint = "`os release list` shows which do."
            raise Misuse(
                "this measurement does not stand", code="os.not-announced", hint=hint, measurement=each.hex()
            )
    return tuple(_call(releases, "withdrawMeasurement", each) for each in measurements)


def open_market(chain: Chain, dao: Dao, expansions: Address, *, at: FinalBlock) -> tuple[Call, ...]:
    """For a DAO's timelock, once: name who says which machines are admitted.

    Raises:
        NotEntrusted: as `releases_of`.
    """
    return (_call(releases_of(chain, dao, at=at), "nameExpansions", expansions),)


def hand_over(
    desk: Desk, chain: Chain, dao: Dao, heir: Dao, *, at: FinalBlock
) -> tuple[Address, tuple[Call, ...]]:
    """Bring the contract of another DAO's releases to the chain; its address, and what a timelock hands over with.

    Args:
        desk: of whoever proposes it.
        chain: as they see it.
        dao: whose releases count.
        heir: whose releases shall count.
        at: the block that says so.

    Raises:
        NotEntrusted: as `releases_of`.
        Misuse: it is the same DAO, or one of other Clusters ("os.heir").
    """
    releases = releases_of(chain, dao, at=at)
    if heir.registry == dao.registry or heir.clusters != dao.clusters:
        facts = {"heir": heir.governor, "clusters": heir.clusters}
        raise Misuse("not another DAO of the same Clusters", code="os.heir", **facts)
    made = create(desk, "OsReleases", heir.registry)
    return made, (_call(releases, "handOver", made), _call(made, "takeOver"))


def announced(
    chain: Chain, logs: LogServer, clusters: Address, *, at: FinalBlock, first: int = 0
) -> Mapping[bytes, Announced]:
    """Every measurement that was ever announced, from logs; where each stands, state says."""
    found = told(logs, clusters, "Clusters", "MeasurementAnnounced", at=at, first=first)
    said = {each.octets("measurement"): each.text("uri") for each in found}
    return {each: Announced(uri, measurement_since(chain, clusters, each, at=at)) for each, uri in said.items()}
