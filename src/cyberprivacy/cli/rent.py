"""`rent`: a DAO pays a provider for each second of attested service, and for no other."""

from dataclasses import asdict
from typing import Annotated

import typer

from cyberprivacy.cli.court import Case, Reason, Ruling, is_upheld
from cyberprivacy.cli.dao import digest_of
from cyberprivacy.cli.keys import parse_address
from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.cli.times import moment, span
from cyberprivacy.cli.trade import Number, Trade, View, document_of, offer, rent, units
from cyberprivacy.cli.validator import Since
from cyberprivacy.errors import Misuse
from cyberprivacy.proposal import orders
from cyberprivacy.proposal.heads import anchored
from cyberprivacy.proposal.market import rules_of
from cyberprivacy.proposal.orders import Claim, ClaimStatus, Order, Terms
from cyberprivacy.proposal.release import NOBODY

Which = Annotated[int, typer.Argument(metavar="ORDER", min=1, help="Number of the order; `rent list`.")]
Claimed = Annotated[
    int, typer.Argument(metavar="CLAIM", min=1, help="Number of the claim; `rent show` lists them.")
]


def register(_app: typer.Typer) -> None:
    """Add the commands, in the order of an order's life."""
    from cyberprivacy.cli import group

    dao = "--for-dao 0x… --title 'Rent a cluster'"
    offer(
        group("rent", "Pay providers for attested seconds, and be paid for them."),
        "rent",
        {
            "open": (open_, f"0x… 1 --rate 0.001 --days 30 {dao}"),
            "claim": (claim, "1 --evidence 0x…"),
            "draw": (draw, "1"),
            "dispute": (dispute, "1 --reason bafybei…"),
            "rule": (rule, "1 dismissed --case bafybei… --for-dao 0x… --title 'A ruling'"),
            "lapse": (lapse, "1"),
            "close": (close, "1 --for-dao 0x… --title 'End an order'"),
            "refund": (refund, "1 --for-dao 0x… --title 'Take back what is left'"),
            "collect": (collect, ""),
        },
        {"show": (show, "1"), "list": (list_, "")},
    )


def open_(
    provider: Annotated[str, typer.Argument(metavar="ADDRESS", help="Who will serve.")],
    cluster: Annotated[int, typer.Argument(metavar="CLUSTER", min=1, help="With which cluster of his.")],
    rate: Annotated[str, typer.Option(metavar="RENT", help="For each second, such as 0.001.")],
    days: Annotated[float, typer.Option(min=0.0001, max=1825, help="How long.")],
    starts_in: Annotated[
        int, typer.Option(metavar="SECONDS", min=0, help="From now; after the vote, if a DAO votes on it.")
    ] = 60,
    notice: Annotated[int, typer.Option(metavar="SECONDS", min=0, help="Before it can end earlier.")] = 0,
    *,
    trade: Trade,
    as_json: Json = False,
) -> None:
    """Open an order and pay all of its rent into it; what is not claimed comes back (`rent refund`).

    Who opens it pays it. A DAO does so by a vote (--for-dao): its timelock needs the RENT (`market pay`), and the
    order must start after the vote and its deployment lap (--starts-in).
    """
    who, each_second = parse_address(provider, "ADDRESS"), units(rate, "--rate")
    view = trade.look()
    start = view.now + starts_in
    trade.early_enough(view, starts_in)
    end = start + max(1, round(days * 86_400))
    terms = Terms(provider=who, cluster=cluster, rate=each_second, start=start, end=end, notice=notice)
    payment = orders.payment_of(view.chain, view.market.orders, at=view.at)
    told = {**asdict(terms), "rate": rent(terms.rate), "rent": rent(terms.rent)}
    human = (
        f"order {{number}}: {rent(terms.rent)} RENT for {span(end - start)}, "
        f"{rent(terms.rate * 86_400)} RENT a day, from {moment(start, view.now)}\n"
        "next: the provider serves, and claims with `rent claim {number}`"
    )
    made = Number("Orders", view.market.orders, "OrderOpened", "order")
    trade.do(view, orders.open_order(view.market.orders, payment, terms), told, human, made=made, as_json=as_json)


def claim(
    order: Which,
    evidence: Annotated[
        str, typer.Option(metavar="HEX", help="Digest of the attestations of that time, 32 bytes.")
    ],
    start: Annotated[int, typer.Option("--from", min=0, help="Since 1970. [default: what was claimed until]")] = 0,
    until: Annotated[int, typer.Option(min=0, help="Since 1970. [default: what the anchored log covers]")] = 0,
    *,
    trade: Trade,
    as_json: Json = False,
) -> None:
    """As the provider: claim seconds that you served; each once, and in order.

    A head of the cluster's log that was signed after them has to be on chain first: `cluster anchor`.
    """
    digest, view = digest_of(evidence, "--evidence"), trade.look()
    it = _order(view, order)
    head = anchored(view.chain, view.market.anchor, it.terms.cluster, at=view.at)
    first, last = start or it.claimed_until, until or min(view.now, it.terms.end, head.time)
    if last <= first:
        raise Misuse(
            "there is nothing to claim yet",
            code="rent.nothing",
            hint="`cluster anchor` a head that was signed after the seconds that you claim.",
            claimed_until=it.claimed_until,
            anchored=head.time,
            now=view.now,
        )
    calls = orders.claim(view.market.orders, order, start=first, until=last, evidence=digest)
    wait = rules_of(view.chain, view.market, view.at).window
    amount = rent((last - first) * it.terms.rate)
    human = (
        f"claim {{number}}: {amount} RENT for {span(last - first)}\nnext: `rent draw {{number}}` in {span(wait)}"
    )
    made = Number("Orders", view.market.orders, "ServiceClaimed", "claim")
    told = {"order": order, "from": first, "until": last, "amount": amount}
    trade.do(view, calls, told, human, made=made, as_json=as_json)


def draw(claim_: Claimed, *, trade: Trade, as_json: Json = False) -> None:
    """As the provider: be paid for a claim that nobody disputed in time, or that the court confirmed."""
    _simply(trade, "draw", f"paid for claim {claim_}", claim_, as_json=as_json)


def dispute(
    claim_: Claimed,
    reason: Reason,
    *,
    trade: Trade,
    as_json: Json = False,
) -> None:
    """Say, with a bond, that a claim is not true. It is not paid unless the court confirms it."""
    digest, view = document_of(reason), trade.look()
    payment = orders.payment_of(view.chain, view.market.orders, at=view.at)
    calls = orders.dispute(view.market.orders, payment, claim_, reason=digest)
    bond = rent(payment.dispute_bond)
    human = f"claim {claim_} is disputed, with {bond} RENT of yours"
    trade.do(view, calls, {"claim": claim_, "bond": bond}, human, as_json=as_json)


def rule(
    claim_: Claimed,
    ruling: Ruling,
    case: Case,
    *,
    trade: Trade,
    as_json: Json = False,
) -> None:
    """As the court: decide on a dispute. A DAO's vote does it: give --for-dao."""
    upheld, digest = is_upheld(ruling), document_of(case)
    view = trade.look()
    calls = orders.rule(view.market.orders, claim_, upheld=upheld, case=digest)
    human = f"claim {claim_} is void" if upheld else f"claim {claim_} is confirmed: `rent draw {claim_}`"
    trade.do(view, calls, {"claim": claim_, "upheld": upheld, "case": case}, human, as_json=as_json)


def lapse(claim_: Claimed, *, trade: Trade, as_json: Json = False) -> None:
    """End a claim on whose dispute the court was silent for too long, or whose cluster's log forked."""
    _simply(trade, "lapse", f"claim {claim_} is void", claim_, as_json=as_json)


def close(order: Which, *, trade: Trade, as_json: Json = False) -> None:
    """As the payer: end an order earlier, after its notice."""
    _simply(trade, "close", f"order {order} ends earlier; `rent show {order}` says when", order, as_json=as_json)


def refund(order: Which, *, trade: Trade, as_json: Json = False) -> None:
    """As the payer: get back what nobody can claim any more."""
    view = trade.look()
    left = rent(orders.refundable(view.chain, view.market.orders, order, at=view.at))
    calls = orders.simply(view.market.orders, "refund", order)
    trade.do(view, calls, {"order": order, "refunded": left}, f"{left} RENT came back", as_json=as_json)


def collect(*, trade: Trade, as_json: Json = False) -> None:
    """Get bonds of disputes that are yours."""
    _simply(trade, "collect", "collected", as_json=as_json)


def show(order: Which, since: Since = 0, *, view: View, as_json: Json = False) -> None:
    """Show an order: its terms, what was claimed and paid, what is left, and each claim."""
    it, law = _order(view, order), view.market.orders
    left = orders.refundable(view.chain, law, order, at=view.at)
    numbers = orders.claims_of(view.chain, law, order, at=view.at, first=since)
    claims = [(number, orders.claim_at(view.chain, law, number, at=view.at)) for number in numbers]
    terms = it.terms
    claimed = f"until {moment(it.claimed_until, view.now)}" if it.claimed_until > terms.start else "nothing yet"
    rows = [
        f"order {order}: cluster {terms.cluster} of {terms.provider}, paid by {it.payer}",
        f"  from      {moment(terms.start, view.now)}",
        f"  until     {moment(terms.end, view.now)}; notice {span(terms.notice)}",
        f"  rate      {rent(terms.rate)} RENT a second, {rent(terms.rate * 86_400)} RENT a day",
        f"  claimed   {claimed}",
        f"  RENT      {rent(it.deposited)} deposited, {rent(it.paid)} paid, {rent(it.pending)} pending",
        f"            {rent(it.refunded)} refunded, {rent(left)} to refund",
    ]
    rows += [f"  claim {number}   {rent(each.amount)} RENT: {_state(each, view.now)}" for number, each in claims]
    value = {**_value(order, it), "refundable": rent(left), "claims": [_claim(*each) for each in claims]}
    out.result(value, "\n".join(rows), as_json=as_json)


def list_(since: Since = 0, *, view: View, as_json: Json = False) -> None:
    """List all orders."""
    law = view.market.orders
    numbers = orders.opened(view.chain, law, at=view.at, first=since)
    found = [(number, orders.order_at(view.chain, law, number, at=view.at)) for number in numbers]
    rows = [
        (
            str(n),
            str(it.terms.cluster),
            it.terms.provider,
            rent(it.deposited),
            rent(it.paid),
            moment(it.terms.end, view.now),
        )
        for n, it in found
    ]
    heads = ("order", "cluster", "provider", "RENT", "paid", "until")
    shown = table(heads, rows) if rows else "no order yet"
    out.result({"orders": [_value(number, it) for number, it in found]}, shown, as_json=as_json)


def _order(view: View, number: int) -> Order:
    it = orders.order_at(view.chain, view.market.orders, number, at=view.at)
    if it.payer == NOBODY:
        raise Misuse("there is no such order", code="rent.unknown", hint="`rent list`.", order=number)
    return it


def _simply(trade: Trade, act: str, human: str, *numbers: int, as_json: bool) -> None:
    view = trade.look()
    calls = orders.simply(view.market.orders, act, *numbers)
    trade.do(view, calls, {"done": act}, human, as_json=as_json)


def _state(it: Claim, now: int) -> str:
    since = f" {moment(it.claimed_at, now)}" if it.status is ClaimStatus.CLAIMED else ""
    return it.status.name.lower() + since


def _value(number: int, it: Order) -> dict[str, object]:
    amounts = {name: rent(getattr(it, name)) for name in ("deposited", "paid", "pending", "refunded")}
    terms = {**asdict(it.terms), "rate": rent(it.terms.rate)}
    return {"order": number, **terms, "payer": it.payer, "claimed_until": it.claimed_until, **amounts}


def _claim(number: int, it: Claim) -> dict[str, object]:
    shown = {"amount": rent(it.amount), "status": it.status.name.lower(), "evidence": "0x" + it.evidence.hex()}
    disputer = None if it.disputer == NOBODY else it.disputer
    return {"claim": number, **asdict(it), **shown, "disputer": disputer}
