"""Validators on chain: who they are, what they saw, and what became of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import Final

from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.proposal.abi import contract
from cyberprivacy.proposal.calls import Call, call, paying
from cyberprivacy.proposal.chain import Chain, LogServer
from cyberprivacy.proposal.release import Address, FinalBlock
from cyberprivacy.proposal.told import told

_call: Final = partial(call, "Validators")


class VisitStatus(IntEnum):
    """What became of a visit. Source: IValidators.Status."""

    NONE = 0
    STANDING = 1
    CHALLENGED = 2
    VOID = 3
    LAPSED = 4


@dataclass(frozen=True, slots=True)
class Validator:
    """A validator at a block. Amounts in units, times in seconds since 1970.

    Attributes:
        registered: whether it is one at all.
        bond: what it loses if a visit was not so.
        accredited_until: until when the registrar vouches for it.
        retiring_at: when it said that it retires; 0 = it stays.
        challenges: of its visits, under challenge now.
        counts: whether it counts now.
        owed: what it can collect.
    """

    registered: bool
    bond: int
    accredited_until: int
    retiring_at: int
    challenges: int
    counts: bool
    owed: int


@dataclass(frozen=True, slots=True)
class Visit:
    """A visit at a block. Times in seconds since 1970; `hardware` is a digest of the list of what was seen."""

    cluster: int
    validator: Address
    visited_at: int
    status: VisitStatus
    suspicious: bool
    hardware: bytes
    vouches: bool


@dataclass(frozen=True, slots=True)
class Seen:
    """What a validator showed of a visit, as a log tells it.

    Attributes:
        number: of the visit.
        hardware: digests of the identities of the machines; proven by `Visit.hardware`.
        media: UnixFS addresses of photos and videos; as the log says, state does not keep them.
    """

    number: int
    hardware: tuple[bytes, ...]
    media: tuple[Cid, ...]


@dataclass(frozen=True, slots=True)
class Bonds:
    """Where bonds are paid, and how large they are; units."""

    token: Address
    challenge: int


def validator_at(chain: Chain, validators: Address, who: Address, *, at: FinalBlock) -> Validator:
    """A validator, or an account that is none."""
    law = contract("Validators")
    found = law.read(chain, at, validators, "validatorOf", who).struct("0")
    return Validator(
        registered=found.flag("registered"),
        bond=found.integer("bond"),
        accredited_until=found.integer("accreditedUntil"),
        retiring_at=found.integer("retiringAt"),
        challenges=found.integer("challenges"),
        counts=law.read(chain, at, validators, "counts", who).flag("0"),
        owed=law.read(chain, at, validators, "owed", who).integer("0"),
    )


def visit_at(chain: Chain, validators: Address, visit: int, *, at: FinalBlock) -> Visit:
    """A visit; its status is NONE if there is no such one."""
    law = contract("Validators")
    found = law.read(chain, at, validators, "visitOf", visit).struct("0")
    return Visit(
        cluster=found.integer("cluster"),
        validator=found.address("validator"),
        visited_at=found.integer("visitedAt"),
        status=VisitStatus(found.integer("status")),
        suspicious=found.flag("suspicious"),
        hardware=found.octets("hardware"),
        vouches=law.read(chain, at, validators, "vouches", visit).flag("0"),
    )


def seen(logs: LogServer, validators: Address, *, at: FinalBlock, first: int = 0) -> tuple[Seen, ...]:
    """All visits, from logs: `visit_at` says what became of each."""
    return tuple(
        Seen(
            each.integer("visit"),
            each.many("hardware"),
            tuple(Cid(DAG_PB, digest) for digest in each.many("media")),
        )
        for each in told(logs, validators, "Validators", "VisitReported", at=at, first=first)
    )


def visitors(chain: Chain, validators: Address, cluster: int, *, within: int, at: FinalBlock) -> tuple[int, int]:
    """How many validators saw a cluster within so many seconds: found nothing suspicious, found something."""
    found = contract("Validators").read(chain, at, validators, "visitors", cluster, within)
    return found.integer("good"), found.integer("suspicious")


def registered(logs: LogServer, validators: Address, *, at: FinalBlock, first: int = 0) -> tuple[Address, ...]:
    """Who ever registered, from logs: ask `validator_at` about each."""
    events = told(logs, validators, "Validators", "ValidatorRegistered", at=at, first=first)
    return tuple(dict.fromkeys(each.address("validator") for each in events))


def bonds_of(chain: Chain, validators: Address, *, at: FinalBlock) -> Bonds:
    """What a challenge costs."""
    law = contract("Validators")
    return Bonds(
        law.read(chain, at, validators, "token").address("0"),
        law.read(chain, at, validators, "challengeBond").integer("0"),
    )


def register(validators: Address, *, uri: str) -> tuple[Call, ...]:
    """As a validator: say who you are."""
    return (_call(validators, "register", uri),)


def bond(validators: Address, bonds: Bonds, amount: int) -> tuple[Call, ...]:
    """As a validator: put up units of rent tokens."""
    return (paying(bonds.token, validators, amount), _call(validators, "bond", amount))


def accredit(validators: Address, who: Address, *, until: int) -> tuple[Call, ...]:
    """As the registrar: vouch for a validator until a moment; a past one withdraws it."""
    return (_call(validators, "accredit", who, until),)


def report(
    validators: Address,
    cluster: int,
    *,
    visited_at: int,
    suspicious: bool,
    hardware: Sequence[bytes],
    media: Sequence[Cid],
) -> tuple[Call, ...]:
    """As a validator: what you saw.

    Args:
        validators: Validators.
        cluster: where.
        visited_at: seconds since 1970.
        suspicious: whether something was not as it should be.
        hardware: digests (32 bytes) of the identities of the machines; a node's key for one that is listed.
        media: UnixFS addresses of photos and videos.
    """
    seen, shown = list(hardware), [each.digest for each in media]
    return (_call(validators, "report", cluster, visited_at, suspicious, seen, shown),)


def challenge(validators: Address, bonds: Bonds, visit: int, *, reason: bytes) -> tuple[Call, ...]:
    """As anybody, with a bond: a visit was not so; `reason` is the digest of what speaks against it."""
    return (paying(bonds.token, validators, bonds.challenge), _call(validators, "challenge", visit, reason))


def rule(validators: Address, visit: int, *, upheld: bool, case: bytes) -> tuple[Call, ...]:
    """As the court: `upheld` = the challenger is right."""
    return (_call(validators, "rule", visit, upheld, case),)


def simply(validators: Address, act: str, *arguments: int) -> tuple[Call, ...]:
    """One of the acts that need nothing else: `retire`, `withdraw`, `collect`, or `lapse` of a visit."""
    return (_call(validators, act, *arguments),)
