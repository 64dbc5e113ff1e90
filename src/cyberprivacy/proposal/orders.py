"""Rent on chain: orders, claims of attested seconds, disputes."""

from dataclasses import dataclass
from enum import IntEnum
from functools import partial
from typing import Final

from cyberprivacy.proposal.abi import contract
from cyberprivacy.proposal.calls import Call, call, paying
from cyberprivacy.proposal.chain import Chain, LogServer
from cyberprivacy.proposal.release import Address, FinalBlock
from cyberprivacy.proposal.told import told

_call: Final = partial(call, "Orders")


class ClaimStatus(IntEnum):
    """What became of a claim. Source: IOrders.Status."""

    NONE = 0
    CLAIMED = 1
    DISPUTED = 2
    CLEARED = 3
    DRAWN = 4
    VOID = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is rented. Times in seconds since 1970.

    Attributes:
        provider: who serves.
        cluster: its cluster, whose log proves the service.
        rate: units of rent tokens for each second.
        start, end: from the first second to before the last.
        notice: how long before the end the payer must say so; seconds.
    """

    provider: Address
    cluster: int
    rate: int
    start: int
    end: int
    notice: int

    @property
    def rent(self) -> int:
        """All of it, in units: what opening the order takes."""
        return self.rate * (self.end - self.start)

    def struct(self) -> tuple[object, ...]:
        """As the contract takes it."""
        return (self.provider, self.cluster, self.rate, self.start, self.end, self.notice)


@dataclass(frozen=True, slots=True)
class Order:
    """An order at a block; amounts in units. `payer` is all zero if there is no such order.

    Attributes:
        claimed_until: nothing before this second can be claimed any more.
        pending: claimed, neither drawn nor void.
    """

    terms: Terms
    payer: Address
    claimed_until: int
    deposited: int
    paid: int
    pending: int
    refunded: int


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim at a block. Times in seconds since 1970, the amount in units."""

    order: int
    amount: int
    start: int
    until: int
    claimed_at: int
    status: ClaimStatus
    disputer: Address
    evidence: bytes


@dataclass(frozen=True, slots=True)
class Payment:
    """In what rent is paid, and what a dispute costs; units."""

    token: Address
    dispute_bond: int


def order_at(chain: Chain, orders: Address, number: int, *, at: FinalBlock) -> Order:
    """An order."""
    found = contract("Orders").read(chain, at, orders, "orderOf", number).struct("0")
    terms = found.struct("terms")
    return Order(
        terms=Terms(
            provider=terms.address("provider"),
            cluster=terms.integer("cluster"),
            rate=terms.integer("rate"),
            start=terms.integer("start"),
            end=terms.integer("end"),
            notice=terms.integer("notice"),
        ),
        payer=found.address("payer"),
        claimed_until=found.integer("claimedUntil"),
        deposited=found.integer("deposited"),
        paid=found.integer("paid"),
        pending=found.integer("pending"),
        refunded=found.integer("refunded"),
    )


def refundable(chain: Chain, orders: Address, number: int, *, at: FinalBlock) -> int:
    """Units that the payer of an order can get back now.

    Raises:
        Reverted: there is no such order.
    """
    return contract("Orders").read(chain, at, orders, "refundable", number).integer("0")


def claim_at(chain: Chain, orders: Address, number: int, *, at: FinalBlock) -> Claim:
    """A claim; its status is NONE if there is no such one."""
    found = contract("Orders").read(chain, at, orders, "claimOf", number).struct("0")
    return Claim(
        order=found.integer("order"),
        amount=found.integer("amount"),
        start=found.integer("from"),
        until=found.integer("until"),
        claimed_at=found.integer("claimedAt"),
        status=ClaimStatus(found.integer("status")),
        disputer=found.address("disputer"),
        evidence=found.octets("evidence"),
    )


def opened(logs: LogServer, orders: Address, *, at: FinalBlock, first: int = 0) -> tuple[int, ...]:
    """Numbers of all orders, from logs."""
    return tuple(each.integer("order") for each in told(logs, orders, "Orders", "OrderOpened", at=at, first=first))


def claims_of(logs: LogServer, orders: Address, number: int, *, at: FinalBlock, first: int = 0) -> tuple[int, ...]:
    """Numbers of the claims of an order, from logs."""
    made = told(logs, orders, "Orders", "ServiceClaimed", at=at, first=first)
    return tuple(each.integer("claim") for each in made if each.integer("order") == number)


def payment_of(chain: Chain, orders: Address, *, at: FinalBlock) -> Payment:
    """In what rent is paid, and what a dispute costs."""
    law = contract("Orders")
    return Payment(
        law.read(chain, at, orders, "token").address("0"),
        law.read(chain, at, orders, "disputeBond").integer("0"),
    )


def open_order(orders: Address, payment: Payment, terms: Terms) -> tuple[Call, ...]:
    """As a payer: open an order, with all of its rent."""
    return (paying(payment.token, orders, terms.rent), _call(orders, "open", terms.struct()))


def claim(orders: Address, number: int, *, start: int, until: int, evidence: bytes) -> tuple[Call, ...]:
    """As the provider: it served from `start` to before `until`; `evidence`: digest of its attestations."""
    return (_call(orders, "claim", number, start, until, evidence),)


def dispute(orders: Address, payment: Payment, number: int, *, reason: bytes) -> tuple[Call, ...]:
    """As anybody, with a bond: it was not so; `reason` is the digest of what speaks against it."""
    return (paying(payment.token, orders, payment.dispute_bond), _call(orders, "dispute", number, reason))


def rule(orders: Address, number: int, *, upheld: bool, case: bytes) -> tuple[Call, ...]:
    """As the court: `upheld` = the disputer is right, the seconds are not paid."""
    return (_call(orders, "rule", number, upheld, case),)


def simply(orders: Address, act: str, *arguments: int) -> tuple[Call, ...]:
    """One of the acts that need nothing else: `close`, `refund` (order), `draw`, `lapse` (claim), `collect`."""
    return (_call(orders, act, *arguments),)
