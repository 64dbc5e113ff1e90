"""Expansions on chain: how a machine becomes one that users are told to rely on."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import Final

from cyberprivacy.proposal.abi import contract
from cyberprivacy.proposal.calls import Call, call
from cyberprivacy.proposal.chain import Chain, LogServer
from cyberprivacy.proposal.release import Address, FinalBlock
from cyberprivacy.proposal.told import told

_call: Final = partial(call, "Expansions")


class Stage(IntEnum):
    """Where an expansion stands. Source: IExpansions.Stage."""

    NONE = 0
    ANNOUNCED = 1
    COMMITTED = 2
    STOPPED = 3


@dataclass(frozen=True, slots=True)
class Expansion:
    """An announced machine at a block. Times in seconds since 1970.

    Attributes:
        opens_at: when it can be committed.
        good, suspicious: validators that saw it.
        quorum: how many good ones it needs, with no suspicious one.
        admitted: whether the machine is admitted now, as it is listed.
    """

    cluster: int
    node: Address
    node_key: bytes
    measurement: bytes
    stage: Stage
    announced_at: int
    opens_at: int
    good: int
    suspicious: int
    quorum: int
    admitted: bool


def expansion_at(chain: Chain, expansions: Address, number: int, *, at: FinalBlock) -> Expansion:
    """An expansion; its stage is NONE if there is no such one."""
    law = contract("Expansions")
    found = law.read(chain, at, expansions, "expansionOf", number).struct("0")
    opinions = law.read(chain, at, expansions, "opinions", number)
    waiting = law.read(chain, at, expansions, "waitingPeriod").integer("0")
    return Expansion(
        cluster=found.integer("cluster"),
        node=found.address("node"),
        node_key=found.octets("nodeKey"),
        measurement=found.octets("measurement"),
        stage=Stage(found.integer("stage")),
        announced_at=found.integer("announcedAt"),
        opens_at=found.integer("announcedAt") + waiting,
        good=opinions.integer("good"),
        suspicious=opinions.integer("suspicious"),
        quorum=law.read(chain, at, expansions, "quorum").integer("0"),
        admitted=admitted(chain, expansions, found.address("node"), at=at),
    )


def admitted(chain: Chain, expansions: Address, node: Address, *, at: FinalBlock) -> bool:
    """Whether a node is a machine that was admitted as it is listed now."""
    return contract("Expansions").read(chain, at, expansions, "admitted", node).flag("0")


def announced(logs: LogServer, expansions: Address, *, at: FinalBlock, first: int = 0) -> tuple[int, ...]:
    """Numbers of all announced machines, from logs."""
    events = told(logs, expansions, "Expansions", "ExpansionAnnounced", at=at, first=first)
    return tuple(each.integer("expansion") for each in events)


def announce(
    expansions: Address, cluster: int, *, node: Address, node_key: bytes, measurement: bytes, evidence: bytes
) -> tuple[Call, ...]:
    """As the provider: announce a machine; digests of 32 bytes, `evidence` that of its attestation."""
    return (_call(expansions, "announce", cluster, node, node_key, measurement, evidence),)


def report(expansions: Address, number: int, *, visit: int, hardware: Sequence[bytes]) -> tuple[Call, ...]:
    """As a validator: a visit of yours saw this machine; `hardware` is the list that it was reported with."""
    return (_call(expansions, "report", number, visit, list(hardware)),)


def commit(expansions: Address, number: int) -> tuple[Call, ...]:
    """As the provider, after the waiting period: the machine is admitted."""
    return (_call(expansions, "commit", number),)


def stop(expansions: Address, number: int) -> tuple[Call, ...]:
    """As the court, or as anybody when enough validators are suspicious."""
    return (_call(expansions, "stop", number),)
