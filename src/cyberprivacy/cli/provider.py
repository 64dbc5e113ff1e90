"""`provider`: who operates clusters, with what licence, and what it loses if it cheats."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from cyberprivacy.cli.court import Case
from cyberprivacy.cli.keys import parse_address
from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.cli.release import read_file
from cyberprivacy.cli.times import moment, span
from cyberprivacy.cli.trade import Amount, Trade, View, document, document_of, offer, rent, units
from cyberprivacy.errors import Misuse
from cyberprivacy.ledger.fork import MAX_EVIDENCE, ForkEvidence
from cyberprivacy.proposal import providers
from cyberprivacy.proposal.accusing import accusation
from cyberprivacy.proposal.market import rules_of
from cyberprivacy.proposal.providers import Standing
from cyberprivacy.proposal.release import Address

DAY = 86_400

Who = Annotated[str, typer.Argument(metavar="ADDRESS", help="The provider's account.")]
Document = Annotated[str, typer.Argument(metavar="CID", help="The licence, as a UnixFS file or folder.")]


def register(_app: typer.Typer) -> None:
    """Add the commands, in the order in which a provider meets them."""
    from cyberprivacy.cli import group

    provider = group("provider", "Operate clusters: licence and stake, and what takes the stake away.")
    offer(
        provider,
        "provider",
        {
            "register": (enrol, "bafybei… --uri https://me.example"),
            "stake": (stake, "10000"),
            "unbond": (unbond, "2500"),
            "withdraw": (withdraw, ""),
            "license": (licence, "0x… bafybei… --days 365 --for-dao 0x… --title 'License a provider'"),
            "slash": (slash, "0x… 500 --case bafybei… --for-dao 0x… --title 'A ruling'"),
            "accuse": (accuse, "fork-0123456789abcdef.json"),
            "collect": (collect, ""),
        },
        {"show": (show, "0x…"), "list": (list_, "")},
    )


def enrol(
    licence: Document,
    uri: Annotated[str, typer.Option(metavar="URI", help="Where people can read about you.")],
    *,
    trade: Trade,
    as_json: Json = False,
) -> None:
    """Say who you are: show a licence. The registrar's DAO vouches for it, and again for another one."""
    digest, view = document_of(licence), trade.look()
    human = f"registered with {licence}\nnext: `provider stake`, and ask the registrar's DAO to license it"
    calls = providers.register(view.market.providers, document=digest, uri=uri)
    trade.do(view, calls, {"licence": licence, "uri": uri}, human, as_json=as_json)


def stake(amount: Amount, *, trade: Trade, as_json: Json = False) -> None:
    """Put RENT at stake."""
    much, view = units(amount), trade.look()
    least = rent(rules_of(view.chain, view.market, view.at).least_stake)
    calls = providers.stake(view.market.providers, view.market.token, much)
    human = f"{rent(much)} RENT at stake; {least} RENT are needed for good standing (`provider show`)"
    trade.do(view, calls, {"staked": rent(much)}, human, as_json=as_json)


def unbond(amount: Amount, *, trade: Trade, as_json: Json = False) -> None:
    """Take RENT out of the stake. All that is leaving stays liable for the whole unbonding period from now."""
    much, view = units(amount), trade.look()
    wait = rules_of(view.chain, view.market, view.at).unbonding
    human = f"{rent(much)} RENT are leaving; `provider withdraw` in {span(wait)}"
    calls = providers.unbond(view.market.providers, much)
    trade.do(view, calls, {"leaving": rent(much), "seconds": wait}, human, as_json=as_json)


def withdraw(*, trade: Trade, as_json: Json = False) -> None:
    """Get back what left the stake, when its unbonding period is over."""
    view = trade.look()
    trade.do(view, providers.withdraw(view.market.providers), {}, "withdrawn", as_json=as_json)


def collect(*, trade: Trade, as_json: Json = False) -> None:
    """Get your share of stakes that were slashed for a fork that you showed."""
    view = trade.look()
    trade.do(view, providers.collect(view.market.providers), {}, "collected", as_json=as_json)


def licence(
    provider: Who,
    document_: Document,
    days: Annotated[int, typer.Option(min=0, max=3650, help="For how long from now; 0 withdraws it.")],
    *,
    trade: Trade,
    as_json: Json = False,
) -> None:
    """As the registrar: vouch for a provider's licence. A DAO's vote does it: give --for-dao."""
    who, digest = parse_address(provider, "ADDRESS"), document_of(document_)
    view = trade.look()
    until = view.now + days * DAY
    calls = providers.license_(view.market.providers, who, document=digest, until=until)
    human = f"{who} is licensed until {moment(until, view.now)}" if days else f"the licence of {who} is withdrawn"
    trade.do(view, calls, {"provider": who, "licence": document_, "until": until}, human, as_json=as_json)


def slash(
    provider: Who,
    amount: Amount,
    case: Case,
    finder: Annotated[str, typer.Option(metavar="ADDRESS", help="Gets a tenth; none = all is burned.")] = "",
    *,
    trade: Trade,
    as_json: Json = False,
) -> None:
    """As the court: take stake for a ruling, each case once. A DAO's vote does it: give --for-dao."""
    who, much = parse_address(provider, "ADDRESS"), units(amount)
    found, ruling = parse_address(finder, "--finder") if finder else None, document_of(case)
    view = trade.look()
    calls = providers.slash(view.market.providers, who, much, finder=found, case=ruling)
    told = {"provider": who, "slashed": rent(much), "case": case}
    trade.do(view, calls, told, f"{rent(much)} RENT taken from {who}", as_json=as_json)


def accuse(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="Evidence of a fork, as watchers and readers keep it.")
    ],
    *,
    trade: Trade,
    as_json: Json = False,
) -> None:
    """Show the chain that a cluster's log has two pasts: it loses its whole stake, and a tenth of that is yours.

    The chain judges by the two heads alone, if both bear the cluster's on-chain key. Nobody has to be believed.
    """
    evidence = ForkEvidence.parse(read_file(file, MAX_EVIDENCE))
    view = trade.look()
    found = accusation(view.chain, view.market, evidence, at=view.at)
    told = {"cluster": found.cluster, "provider": found.provider, "fork": list(evidence.sizes)}
    human = (
        f"cluster {found.cluster} signed two pasts, at {evidence.sizes[0]} and {evidence.sizes[1]} entries: "
        f"{found.provider} loses its stake\nnext: `provider collect` pays your tenth"
    )
    trade.do(view, found.calls, told, human, as_json=as_json)


def show(provider: Who, *, view: View, as_json: Json = False) -> None:
    """Show how a provider stands: licence, stake, what is leaving, and what it can collect."""
    who = parse_address(provider, "ADDRESS")
    it = providers.standing(view.chain, view.market.providers, who, at=view.at)
    if not any(it.document) and not it.rewards:
        raise Misuse("not a registered provider", code="provider.unknown", hint="`provider list`.", provider=who)
    least = rules_of(view.chain, view.market, view.at).least_stake
    rows = [
        f"{who}: {_why(it, least, view.now) or 'in good standing'}",
        f"  licence   {document(it.document) or 'none'}",
        f"  licensed  {_until(it, view.now)}",
        f"  stake     {rent(it.staked)} RENT, of {rent(least)} RENT that are needed",
    ]
    if it.leaving:
        rows.append(f"  leaving   {rent(it.leaving)} RENT, from {moment(it.ripe_at, view.now)}")
    if it.rewards:
        rows.append(f"  owed      {rent(it.rewards)} RENT: `provider collect`")
    out.result({**_value(who, it), "why": _why(it, least, view.now)}, "\n".join(rows), as_json=as_json)


def list_(
    since: Annotated[int, typer.Option(metavar="BLOCK", help="Block from which to look for old logs.")] = 0,
    *,
    view: View,
    as_json: Json = False,
) -> None:
    """List providers that ever registered, and how each stands now."""
    law, least = view.market.providers, rules_of(view.chain, view.market, view.at).least_stake
    known = providers.registered(view.chain, law, at=view.at, first=since)
    found = [(who, providers.standing(view.chain, law, who, at=view.at)) for who in known]
    rows = [(who, _why(it, least, view.now) or "good", rent(it.staked), _until(it, view.now)) for who, it in found]
    shown = table(("provider", "standing", "RENT at stake", "licensed"), rows) if rows else "no provider yet"
    out.result({"providers": [_value(who, it) for who, it in found]}, shown, as_json=as_json)


def _until(it: Standing, now: int) -> str:
    return moment(it.licensed_until, now) or "never"


def _why(it: Standing, least: int, now: int) -> str:
    """Why a provider is not in good standing; "" if it is."""
    lacks = []
    if it.licensed_until <= now:
        lacks.append("not licensed")
    if it.staked < least:
        lacks.append("too little at stake")
    return ", ".join(lacks)


def _value(who: Address, it: Standing) -> dict[str, Any]:
    amounts = {name: rent(getattr(it, name)) for name in ("staked", "leaving", "rewards")}
    return {"provider": who, **asdict(it), **amounts, "document": document(it.document)}
