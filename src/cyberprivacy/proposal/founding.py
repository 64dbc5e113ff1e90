"""Bringing the law to a chain: the shared contracts once, then a DAO for each application."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Final

from eth_utils.crypto import keccak

from cyberprivacy.errors import Misuse
from cyberprivacy.proposal.abi import Fields, contract
from cyberprivacy.proposal.agreeing import Ledger
from cyberprivacy.proposal.calls import create
from cyberprivacy.proposal.law import Dao, dao_at
from cyberprivacy.proposal.release import Address
from cyberprivacy.proposal.sending import Desk
from cyberprivacy.proposal.wire import BadAnswer

DAY: Final = 86_400


@dataclass(frozen=True, slots=True, kw_only=True)
class Minimums:
    """What no vote of any DAO of one factory can go below. Times in seconds; see contracts/src/Laps.sol."""

    review_floor: int
    ceiling: int
    emergency_floor: int
    cooldown: int
    voting_delay: int
    voting_period: int
    deployment_lap: int
    seat_term: int
    halt: int
    most_lines_per_day: int
    most_emergency_lines: int
    builders: int
    quorum_percent: int


PRODUCTION: Final = Minimums(
    review_floor=7 * DAY,
    ceiling=30 * DAY,
    emergency_floor=12 * 3600,
    cooldown=14 * DAY,
    voting_delay=DAY,
    voting_period=3 * DAY,
    deployment_lap=2 * DAY,
    seat_term=180 * DAY,
    halt=14 * DAY,
    most_lines_per_day=2_000,
    most_emergency_lines=1_000,
    builders=2,
    quorum_percent=4,
)
"""Floors of a factory that protects people: days."""

DEMO: Final = Minimums(
    review_floor=10,
    ceiling=60,
    emergency_floor=5,
    cooldown=30,
    voting_delay=2,
    voting_period=8,
    deployment_lap=8,
    seat_term=3600,
    halt=60,
    most_lines_per_day=4_000_000_000,
    most_emergency_lines=1_000,
    builders=1,
    quorum_percent=1,
)
"""Floors of a factory that shows how it works: seconds. They protect nobody, and everything shows them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """A DAO's rules for its releases. Times in seconds; see contracts/src/Policy.sol."""

    floor: int
    ceiling: int
    emergency_floor: int
    vote_allowance: int
    cooldown: int
    lines_per_day: int
    emergency_lines: int
    emergency_quorum: int
    builders: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Founding:
    """What a founder decides. Times in seconds; see contracts/src/interfaces/IDaoFactory.sol.

    Attributes:
        holders: first members; each is their own delegate from birth.
        amounts: their votes: 18 decimals, or 1 each if `soulbound`.
        auditors: named by the DAO: a strict minority of the seats.
        organisations: of the AuditorRegistry, for the other seats.
        providers: operators that may run this application, from birth.
    """

    name: str
    symbol: str
    soulbound: bool
    holders: tuple[Address, ...]
    amounts: tuple[int, ...]
    voting_delay: int
    voting_period: int
    late_extension: int
    proposal_threshold: int
    quorum_percent: int
    deployment_lap: int
    policy: Policy
    publishers: tuple[Address, ...]
    providers: tuple[Address, ...]
    auditors: tuple[Address, ...]
    organisations: tuple[Address, ...]
    seat_term: int


@dataclass(frozen=True, slots=True)
class Shared:
    """The contracts that all DAOs of a chain share.

    Attributes:
        factory: DaoFactory.
        clusters: Clusters.
        organisations: AuditorRegistry.
    """

    factory: Address
    clusters: Address
    organisations: Address


def deploy_shared(
    desk: Desk,
    *,
    minimums: Minimums,
    organisations: Sequence[tuple[Address, str]],
    owner: Address,
    motion_period: int = 14 * DAY,
    measurement_wait: int = 7 * DAY,
    measurements: Sequence[bytes] = (),
) -> Shared:
    """Bring the shared contracts to a chain that does not have them.

    Args:
        desk: who pays; has no power over them afterwards.
        minimums: floors for all DAOs, for ever.
        organisations: independent auditors, at least three: address, and where it says who it is.
        owner: who announces measurements of the OS.
        motion_period: seconds for which an organisation's support for a motion counts.
        measurement_wait: seconds for which a new measurement is public before it is accepted.
        measurements: accepted from birth, 32 bytes each.
    """
    clusters = create(desk, "Clusters", owner, measurement_wait, list(measurements))
    names, uris = [each for each, _ in organisations], [uri for _, uri in organisations]
    auditors = create(desk, "AuditorRegistry", names, uris, motion_period)
    accepted = {
        "votes": "AppVotes",
        "membership": "AppMembership",
        "timelock": "AppTimelock",
        "seats": "AuditorSeats",
        "registry": "ReleaseRegistry",
        "governor": "AppGovernor",
    }
    digests = {role: keccak(contract(name).bytecode) for role, name in accepted.items()}
    factory = create(desk, "DaoFactory", digests, _struct(minimums), clusters, auditors)
    return Shared(factory, clusters, auditors)


def create_dao(desk: Desk, chain: Ledger, factory: Address, founding: Founding, *, salt: bytes) -> Dao:
    """Found a DAO: five contracts in one transaction, with nothing to set afterwards.

    Args:
        desk: the founder; has no power over the DAO beyond what `founding` gives.
        chain: with head "latest", to see what was made.
        factory: DaoFactory.
        founding: what the founder decides.
        salt: 32 bytes that this founder has not used with this factory.
    """
    token = "AppMembership" if founding.soulbound else "AppVotes"
    codes = {
        "token": contract(token).bytecode,
        "timelock": contract("AppTimelock").bytecode,
        "seats": contract("AuditorSeats").bytecode,
        "registry": contract("ReleaseRegistry").bytecode,
        "governor": contract("AppGovernor").bytecode,
    }
    factories = contract("DaoFactory")
    receipt = desk.send(factory, factories.encode("create", _struct(founding), codes, salt))
    for log in receipt.logs:
        made = factories.event("DaoCreated", log) if log.address == factory else None
        if made is not None:
            return dao_at(chain, made.address("governor"), chain.block())
    raise BadAnswer("the factory says nothing of the DAO that it made", factory=factory)


def factory_minimums(chain: Ledger, factory: Address) -> Minimums:
    """The floors of a factory's DAOs."""
    return minimums_of(contract("DaoFactory").read(chain, chain.block(), factory, "minimums").struct("0"))


def minimums_of(values: Fields) -> Minimums:
    """Floors as a contract returns them."""
    return Minimums(**{each.name: values.integer(_camel(each.name)) for each in fields(Minimums)})


def policy_of(values: Fields) -> Policy:
    """Rules as a contract returns them."""
    return Policy(**{each.name: values.integer(_camel(each.name)) for each in fields(Policy)})


def policy_from(least: Minimums, *, seats: int) -> Policy:
    """The quickest policy that a factory allows for a DAO with so many auditors' seats."""
    return Policy(
        floor=least.review_floor,
        ceiling=least.ceiling,
        emergency_floor=least.emergency_floor,
        vote_allowance=allowance(least.voting_delay + least.voting_period + least.deployment_lap),
        cooldown=least.cooldown,
        lines_per_day=least.most_lines_per_day,
        emergency_lines=least.most_emergency_lines,
        emergency_quorum=seats // 2 + 2,
        builders=least.builders,
    )


def allowance(road: int) -> int:
    """Seconds in which an emergency release must be ratified, where vote and deployment lap take `road` seconds.

    Three times as long: a proposal may fail once, and people sleep. Source: contracts/src/Policy.sol, the ceiling.
    """
    return min(60 * DAY, 3 * road)


def founding_from(
    least: Minimums,
    *,
    name: str,
    symbol: str,
    members: Sequence[Address],
    publishers: Sequence[Address],
    providers: Sequence[Address],
    auditors: Sequence[Address],
    organisations: Sequence[Address],
) -> Founding:
    """A DAO of equal members (one member, one vote) with the shortest laps that its factory allows."""
    if len(auditors) * 2 >= len(auditors) + len(organisations):
        raise Misuse(
            "the DAO would name half of its auditors, or more",
            code="dao.auditors",
            hint="Let independent organisations hold most seats: 2 of the DAO and 3 others, for instance.",
        )
    return Founding(
        name=name,
        symbol=symbol,
        soulbound=True,
        holders=tuple(members),
        amounts=(1,) * len(members),
        voting_delay=least.voting_delay,
        voting_period=least.voting_period,
        late_extension=least.voting_period // 4,
        proposal_threshold=1,
        quorum_percent=max(least.quorum_percent, 20),
        deployment_lap=least.deployment_lap,
        policy=policy_from(least, seats=len(auditors) + len(organisations)),
        publishers=tuple(publishers),
        providers=tuple(providers),
        auditors=tuple(auditors),
        organisations=tuple(organisations),
        seat_term=least.seat_term,
    )


def _struct(value: Minimums | Founding) -> Mapping[str, Any]:
    """A dataclass as the struct of the same fields; Solidity spells their names in its own way."""
    return _camels(asdict(value))


def _camels(values: Mapping[str, Any]) -> dict[str, Any]:
    return {_camel(name): _camels(each) if isinstance(each, dict) else each for name, each in values.items()}


def _camel(name: str) -> str:
    return re.sub("_(.)", lambda match: match[1].upper(), name)
