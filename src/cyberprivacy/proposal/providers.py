"""Providers on chain: licence, stake, and what takes the stake away."""

from dataclasses import dataclass
from functools import partial
from typing import Final

from cyberprivacy.proposal.abi import contract
from cyberprivacy.proposal.calls import Call, call, paying
from cyberprivacy.proposal.chain import Chain, LogServer
from cyberprivacy.proposal.heads import Past, Signed, Split
from cyberprivacy.proposal.release import NOBODY, Address, FinalBlock
from cyberprivacy.proposal.told import told

_call: Final = partial(call, "Providers")


@dataclass(frozen=True, slots=True)
class Standing:
    """How a provider stands at a block. Amounts in units, times in seconds since 1970.

    Attributes:
        document: digest of the licence that it shows; all zero = not registered.
        licensed_until: until when the registrar vouches for it.
        staked: what counts.
        leaving: taken out, still liable.
        ripe_at: when `leaving` can be withdrawn; 0 = nothing leaves.
        good: licensed, and enough at stake.
        rewards: what it can collect as a finder of forks.
    """

    document: bytes
    licensed_until: int
    staked: int
    leaving: int
    ripe_at: int
    good: bool
    rewards: int


def standing(chain: Chain, providers: Address, who: Address, *, at: FinalBlock) -> Standing:
    """How a provider stands."""
    law = contract("Providers")
    found = law.read(chain, at, providers, "providerOf", who).struct("0")
    return Standing(
        document=found.octets("document"),
        licensed_until=found.integer("licensedUntil"),
        staked=found.integer("staked"),
        leaving=found.integer("leaving"),
        ripe_at=found.integer("ripeAt"),
        good=law.read(chain, at, providers, "inGoodStanding", who).flag("0"),
        rewards=law.read(chain, at, providers, "rewards", who).integer("0"),
    )


def registered(logs: LogServer, providers: Address, *, at: FinalBlock, first: int = 0) -> tuple[Address, ...]:
    """Who ever registered, from logs: ask `standing` about each."""
    events = told(logs, providers, "Providers", "ProviderRegistered", at=at, first=first)
    return tuple(dict.fromkeys(each.address("provider") for each in events))


def token_of(chain: Chain, providers: Address, *, at: FinalBlock) -> Address:
    """The rent token in which stakes are."""
    return contract("Providers").read(chain, at, providers, "token").address("0")


def convicted(chain: Chain, providers: Address, cluster: int, *, at: FinalBlock) -> bool:
    """Whether a cluster's log was proven to have forked."""
    return contract("Providers").read(chain, at, providers, "convicted", cluster).flag("0")


def register(providers: Address, *, document: bytes, uri: str) -> tuple[Call, ...]:
    """As a provider: show a licence (32 bytes: its digest), and where people read it."""
    return (_call(providers, "register", document, uri),)


def stake(providers: Address, token: Address, amount: int) -> tuple[Call, ...]:
    """As a provider: put units of rent tokens at stake."""
    return (paying(token, providers, amount), _call(providers, "stake", amount))


def unbond(providers: Address, amount: int) -> tuple[Call, ...]:
    """As a provider: take some of the stake out; everything that leaves waits the whole period from now."""
    return (_call(providers, "unbond", amount),)


def withdraw(providers: Address) -> tuple[Call, ...]:
    """As a provider: get back what has ripened."""
    return (_call(providers, "withdraw"),)


def license_(providers: Address, who: Address, *, document: bytes, until: int) -> tuple[Call, ...]:
    """As the registrar: vouch for a document until a moment; a past one withdraws it."""
    return (_call(providers, "license", who, document, until),)


def slash(
    providers: Address, who: Address, amount: int, *, finder: Address | None, case: bytes
) -> tuple[Call, ...]:
    """As the court: take stake for a ruling (its digest); a tenth goes to the finder, if there is one."""
    return (_call(providers, "slash", who, amount, finder or NOBODY, case),)


def punish(providers: Address, first: Signed, second: Signed, why: Split | Past | None = None) -> tuple[Call, ...]:
    """As anybody: show two signed heads of one cluster that contradict each other.

    Args:
        providers: Providers.
        first: a head with its signature; for a `Past` the shorter one.
        second: the other one.
        why: what shows it; None = the heads contradict each other by themselves.
    """
    heads = (first.head.struct(), first.signature, second.head.struct(), second.signature)
    match why:
        case None:
            return (_call(providers, "punishFork", *heads),)
        case Past():
            return (_call(providers, "punishForkPast", *heads, why.root, list(why.proof)),)
        case Split():
            return (_call(providers, "punishForkAt", *heads, why.struct()),)


def collect(providers: Address) -> tuple[Call, ...]:
    """As a finder: get the shares."""
    return (_call(providers, "collect"),)
