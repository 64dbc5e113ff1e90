"""`market`: bring stakes, visits and rent to a chain, once for all DAOs; show its rules; pay in RENT."""

from dataclasses import asdict
from typing import Annotated, Final

import typer

from cyberprivacy.cli.dao import Rpc, desk_of, see
from cyberprivacy.cli.keys import Signing, parse_address, with_signer
from cyberprivacy.cli.output import Json, out
from cyberprivacy.cli.times import span
from cyberprivacy.cli.trade import Amount, Trade, View, offer, rent, units
from cyberprivacy.errors import Misuse
from cyberprivacy.proposal.calls import carry_out
from cyberprivacy.proposal.market import (
    DEMO_MARKET,
    PRODUCTION_MARKET,
    Rules,
    adopt,
    balance,
    deploy_market,
    owner_of,
    pay,
    rules_of,
)
from cyberprivacy.proposal.release import Address

_LAPS: Final = {"production": PRODUCTION_MARKET, "demo": DEMO_MARKET}


def register(_app: typer.Typer) -> None:
    """Add `market deploy`, `show`, `balance` and `pay`."""
    from cyberprivacy.cli import group

    market = group("market", "Stakes, visits and rent: one market for all DAOs of a chain.")
    market.command(
        "deploy",
        epilog="Example: cyberprivacy market deploy --clusters 0x… --court 0x… --registrar 0x… "
        "--holder 0x…=1000000 --laps production --rpc http://127.0.0.1:8545 --key me.json",
    )(with_signer(deploy))
    offer(market, "market", {"pay": (give, "0x… 250.5")}, {"show": (show, ""), "balance": (holds, "0x…")})


def deploy(
    clusters: Annotated[str, typer.Option(metavar="ADDRESS", help="The chain's Clusters; `dao show` names it.")],
    court: Annotated[str, typer.Option(metavar="ADDRESS", help="Rules on disputes: a DAO's timelock.")],
    registrar: Annotated[str, typer.Option(metavar="ADDRESS", help="Licenses and accredits: a DAO's timelock.")],
    holder: Annotated[list[str], typer.Option(metavar="ADDRESS=RENT", help="Gets RENT; no more is ever made.")],
    laps: Annotated[str, typer.Option(help="Waiting times, for ever: production (days) or demo (seconds).")],
    rpc: Rpc,
    *,
    who: Signing,
    as_json: Json = False,
) -> None:
    """Bring the market to a chain: RentToken, LogAnchor, Providers, Validators, Expansions, Orders."""
    rules = _LAPS.get(laps)
    if rules is None:
        raise Misuse("laps are `production` or `demo`", code="market.laps", got=laps[:60])
    holders = [_holder(each) for each in holder]
    chain = see(rpc)
    desk = desk_of(rpc, chain, who)
    place = parse_address(clusters, "--clusters")
    owner = owner_of(chain, place, chain.block())
    out.progress("bringing six contracts to the chain")
    made = deploy_market(
        desk,
        clusters=place,
        court=parse_address(court, "--court"),
        registrar=parse_address(registrar, "--registrar"),
        holders=holders,
        rules=rules,
    )
    calls = adopt(made)
    rows = [f"market {made.orders}", *(f"  {name:<11} {address}" for name, address in asdict(made).items())]
    if desk.address == owner:
        carry_out(desk, calls)
    else:
        rows.append(f"  not open yet: the owner of Clusters, {owner}, has to call {calls[0].to} with")
        rows.append(f"  0x{calls[0].data.hex()}")
        rows.append(f"  where a DAO releases the Privacy OS: `os release open-market {made.expansions}`")
    shown = [] if desk.address == owner else [{"to": each.to, "data": "0x" + each.data.hex()} for each in calls]
    out.result({"market": made.orders, **asdict(made), "left": shown}, "\n".join(rows), as_json=as_json)
    if laps == "demo":
        out.progress("note: waiting times of seconds show how it works; they protect nobody")


def show(view: View, *, as_json: Json = False) -> None:
    """Show a market: its contracts, its rules, and who decides where code cannot."""
    rules = rules_of(view.chain, view.market, view.at)
    named = asdict(view.market)
    value = {"market": view.market.orders, "contracts": named, "rules": _plain(rules)}
    rows = [f"market {view.market.orders} on chain {view.chain.chain_id}", ""]
    rows += [f"  {name:<11} {address}" for name, address in named.items()]
    rows += [
        "",
        f"  stake           {rent(rules.least_stake)} RENT or more; leaves after {span(rules.unbonding)}",
        f"  a validator     {rent(rules.least_bond)} RENT; what it saw counts for {span(rules.validity)}",
        f"  a machine       public for {span(rules.waiting)}, seen by {rules.quorum} validator(s)",
        f"  a challenge     within {span(rules.window)}, with {rent(rules.challenge_bond)} RENT",
        f"  a dispute       within {span(rules.window)}, with {rent(rules.dispute_bond)} RENT",
        f"  a ruling        within {span(rules.ruling)}, or the claim falls",
        f"  court           {rules.court}",
        f"  registrar       {rules.registrar}",
    ]
    out.result(value, "\n".join(rows), as_json=as_json)


def holds(
    account: Annotated[str, typer.Argument(metavar="ADDRESS", help="Whose.")],
    *,
    view: View,
    as_json: Json = False,
) -> None:
    """Show how much RENT an account holds."""
    who = parse_address(account, "ADDRESS")
    has = rent(balance(view.chain, view.market, who, at=view.at))
    out.result({"account": who, "rent": has}, f"{has} RENT", as_json=as_json)


def give(
    to: Annotated[str, typer.Argument(metavar="ADDRESS", help="To whom.")],
    amount: Amount,
    *,
    trade: Trade,
    as_json: Json = False,
) -> None:
    """Pay somebody in RENT, such as a DAO (its timelock) that will rent."""
    who, much, view = parse_address(to, "ADDRESS"), units(amount), trade.look()
    told = {"to": who, "rent": rent(much)}
    trade.do(view, pay(view.market, who, much), told, f"{rent(much)} RENT for {who}", as_json=as_json)


def _holder(text: str) -> tuple[Address, int]:
    name, equals, amount = text.partition("=")
    if not equals:
        raise Misuse("a holder is ADDRESS=RENT", code="market.holder", got=text[:80])
    return parse_address(name, "--holder"), units(amount, "--holder")


def _plain(rules: Rules) -> dict[str, object]:
    """Times in seconds, amounts in RENT."""
    amounts = {"least_stake", "least_bond", "challenge_bond", "dispute_bond"}
    return {name: rent(value) if name in amounts else value for name, value in asdict(rules).items()}
