"""The market's contracts: stakes, logs, visits and rent. Brought to a chain once, beside the shared contracts."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cyberprivacy.proposal.abi import contract
from cyberprivacy.proposal.founding import DAY
from cyberprivacy.proposal.release import Address
from cyberprivacy.proposal.sending import Desk
from cyberprivacy.proposal.wire import BadAnswer

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
    """Where the market's contracts are. `orders`, `validators` and `expansions` name the others.

    Attributes:
        token: RentToken.
        anchor: LogAnchor.
        providers: Providers.
        validators: Validators.
        expansions: Expansions.
        orders: Orders.
    """

    token: Address
    anchor: Address
    providers: Address
    validators: Address
    expansions: Address
    orders: Address


def deploy_market(
    desk: Desk,
    *,
    clusters: Address,
    court: Address,
    registrar: Address,
    holders: Sequence[tuple[Address, int]],
    rules: MarketRules,
) -> Market:
    """Bring the market to a chain.

    Args:
        desk: who pays; has no power over it afterwards.
        clusters: the chain's Clusters.
        court: who rules and slashes: a DAO's timelock.
        registrar: who licenses providers and accredits validators: a DAO's timelock.
        holders: who holds all rent tokens that there will ever be, and how many units.
        rules: for ever.
    """
    token = _create(desk, "RentToken", [who for who, _ in holders], [amount for _, amount in holders])
    anchor = _create(desk, "LogAnchor", clusters)
    providers = _create(desk, "Providers", (token, anchor, court, registrar, rules.unbonding, rules.least_stake))
    validators = _create(
        desk,
        "Validators",
        (providers, rules.window, rules.validity, rules.least_bond, rules.challenge_bond),
    )
    expansions = _create(desk, "Expansions", validators, rules.waiting, rules.quorum)
    orders = _create(desk, "Orders", (providers, rules.window, rules.ruling, rules.dispute_bond))
    return Market(token, anchor, providers, validators, expansions, orders)


def _create(desk: Desk, name: str, *arguments: object) -> Address:
    made = desk.send(None, contract(name).creation(*arguments)).created
    if made is None:
        raise BadAnswer("a transaction that creates a contract created none", contract=name)
    return made
