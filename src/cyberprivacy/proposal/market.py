"""The market's contracts: stakes, logs, visits and rent. Brought to a chain once, beside the shared contracts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cyberprivacy.errors import Untrusted
from cyberprivacy.proposal.abi import contract
from cyberprivacy.proposal.calls import Call, call, create
from cyberprivacy.proposal.chain import Chain, Reverted
from cyberprivacy.proposal.founding import DAY
from cyberprivacy.proposal.release import NOBODY, Address, FinalBlock
from cyberprivacy.proposal.sending import Desk

TOKEN: Final = 10**18
"""Units of one rent token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketRules:
    """What nobody can change afterwards. Times in seconds, amounts in units of 10^-18 rent tokens.

    Attributes:
        unbonding: how long stake answers after it was taken out; above `window` + `ruling`.
        least_stake: of a provider in good standing.
        window: how long a visit or a claim can be challenged.
        ruling: how long the court has for a claim.
        validity: how long a visit says something; above twice the window.
        least_bond: of a validator that counts.
        challenge_bond: of somebody who challenges a visit.
        dispute_bond: of somebody who disputes a claim.
        waiting: public waiting period of a machine.
        quorum: validators that must have seen it.
    """

    unbonding: int
    least_stake: int
    window: int
    ruling: int
    validity: int
    least_bond: int
    challenge_bond: int
    dispute_bond: int
    waiting: int
    quorum: int


PRODUCTION_MARKET: Final = MarketRules(
    unbonding=28 * DAY,
    least_stake=10_000 * TOKEN,
    window=7 * DAY,
    ruling=14 * DAY,
    validity=90 * DAY,
    least_bond=1_000 * TOKEN,
    challenge_bond=200 * TOKEN,
    dispute_bond=200 * TOKEN,
    waiting=7 * DAY,
    quorum=3,
)
"""Rules that give people time: days."""

DEMO_MARKET: Final = MarketRules(
    unbonding=60,
    least_stake=1_000 * TOKEN,
    window=10,
    ruling=20,
    validity=3_600,
    least_bond=100 * TOKEN,
    challenge_bond=10 * TOKEN,
    dispute_bond=10 * TOKEN,
    waiting=5,
    quorum=1,
)
"""Rules that show how it works: seconds. They protect nobody."""


@dataclass(frozen=True, slots=True)
class Market:
    """Where the market's contracts are: one market for all DAOs of a chain.

    Attributes:
        token: RentToken.
        anchor: LogAnchor.
        providers: Providers.
        validators: Validators.
        expansions: Expansions.
        orders: Orders; its address is the market's.
        clusters: the chain's Clusters.
    """

    token: Address
    anchor: Address
    providers: Address
    validators: Address
    expansions: Address
    orders: Address
    clusters: Address


class NotAMarket(Untrusted):
    """The contracts behind an address do not belong together."""

    code = "market.contracts"
    hint = "Use the address that `market deploy` printed: the market's Orders."


def deploy_market(
    desk: Desk,
    *,
    clusters: Address,
    court: Address,
    registrar: Address,
    holders: Sequence[tuple[Address, int]],
    rules: MarketRules,
) -> Market:
    """Bring the market to a chain. It opens when the owner of Clusters has let it: `adopt`.

    Args:
        desk: who pays; has no power over it afterwards.
        clusters: the chain's Clusters.
        court: who rules and slashes: a DAO's timelock.
        registrar: who licenses providers and accredits validators: a DAO's timelock.
        holders: who holds all rent tokens that there will ever be, and how many units.
        rules: for ever.
    """
    token = create(desk, "RentToken", [who for who, _ in holders], [amount for _, amount in holders])
    anchor = create(desk, "LogAnchor", clusters)
    providers = create(desk, "Providers", (token, anchor, court, registrar, rules.unbonding, rules.least_stake))
    validators = create(
        desk,
        "Validators",
        (providers, rules.window, rules.validity, rules.least_bond, rules.challenge_bond),
    )
    expansions = create(desk, "Expansions", validators, rules.waiting, rules.quorum)
    orders = create(desk, "Orders", (providers, rules.window, rules.ruling, rules.dispute_bond))
    return Market(token, anchor, providers, validators, expansions, orders, clusters)


def market_at(chain: Chain, orders: Address, at: FinalBlock) -> Market:
    """The market that an address stands for: that of its Orders.

    Raises:
        NotAMarket: the contracts do not name one another, or Clusters does not know them.
        NoContract: nothing is there (yet).
    """
    try:
        market = _related(chain, orders, at)
    except Reverted as reverted:
        raise NotAMarket("another contract is at this address", address=orders) from reverted
    if market.expansions == NOBODY:
        raise NotAMarket(
            "the owner of Clusters has not named this market yet",
            hint="`market deploy` printed the call; its DAO has to vote on it.",
            clusters=market.clusters,
        )
    told = _named(chain, at, "Validators", market.validators, "providers")
    if told != market.providers:
        raise NotAMarket("Clusters knows another market", market=orders, known=told)
    return market


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules(MarketRules):
    """The rules of a market, and who decides where code cannot.

    Attributes:
        court: rules on disputes.
        registrar: licenses providers and accredits validators.
    """

    court: Address
    registrar: Address


def rules_of(chain: Chain, market: Market, at: FinalBlock) -> Rules:
    """By which rules a market works."""

    def number(name: str, place: Address, function: str) -> int:
        return contract(name).read(chain, at, place, function).integer("0")

    return Rules(
        unbonding=number("Providers", market.providers, "unbondingPeriod"),
        least_stake=number("Providers", market.providers, "leastStake"),
        window=number("Orders", market.orders, "challengeWindow"),
        ruling=number("Orders", market.orders, "rulingPeriod"),
        validity=number("Validators", market.validators, "validity"),
        least_bond=number("Validators", market.validators, "leastBond"),
        challenge_bond=number("Validators", market.validators, "challengeBond"),
        dispute_bond=number("Orders", market.orders, "disputeBond"),
        waiting=number("Expansions", market.expansions, "waitingPeriod"),
        quorum=number("Expansions", market.expansions, "quorum"),
        court=_named(chain, at, "Providers", market.providers, "court"),
        registrar=_named(chain, at, "Providers", market.providers, "registrar"),
    )


def adopt(market: Market) -> tuple[Call, ...]:
    """As the owner of Clusters, once: let this market say which machines are admitted."""
    return (call("Clusters", market.clusters, "nameExpansions", market.expansions),)


def owner_of(chain: Chain, clusters: Address, at: FinalBlock) -> Address:
    """Who announces measurements for these clusters, and names their market."""
    return _named(chain, at, "Clusters", clusters, "owner")


def balance(chain: Chain, market: Market, who: Address, *, at: FinalBlock) -> int:
    """Units of rent tokens that an account holds."""
    return contract("RentToken").read(chain, at, market.token, "balanceOf", who).integer("0")


def pay(market: Market, to: Address, amount: int) -> tuple[Call, ...]:
    """Give somebody units of rent tokens."""
    return (call("RentToken", market.token, "transfer", to, amount),)


def _related(chain: Chain, orders: Address, at: FinalBlock) -> Market:
    """What the contracts say of one another; what is behind `expansions` may be another market, or none."""
    providers = _named(chain, at, "Orders", orders, "providers")
    anchor = _named(chain, at, "Providers", providers, "anchor")
    clusters = _named(chain, at, "LogAnchor", anchor, "clusters")
    expansions = _named(chain, at, "Clusters", clusters, "expansions")
    validators = NOBODY if expansions == NOBODY else _named(chain, at, "Expansions", expansions, "validators")
    token = _named(chain, at, "Providers", providers, "token")
    return Market(token, anchor, providers, validators, expansions, orders, clusters)


def _named(chain: Chain, at: FinalBlock, name: str, place: Address, function: str) -> Address:
    return contract(name).read(chain, at, place, function).address("0")
