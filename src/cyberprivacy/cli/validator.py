"""`validator`: people who go and look which machines there are, and who answer for what they saw."""

from dataclasses import asdict
from typing import Annotated

import typer

from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.cli.court import Case, Reason, Ruling, is_upheld
from cyberprivacy.cli.dao import digest_of
from cyberprivacy.cli.keys import parse_address
from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.cli.provider import DAY
from cyberprivacy.cli.times import moment, span
from cyberprivacy.cli.trade import Amount, Number, Trade, View, document_of, offer, rent, units
from cyberprivacy.errors import Misuse
from cyberprivacy.proposal import expansions, validators
from cyberprivacy.proposal.market import rules_of
from cyberprivacy.proposal.release import Address
from cyberprivacy.proposal.validators import Seen, Validator, Visit, VisitStatus

Who = Annotated[str, typer.Argument(metavar="ADDRESS", help="The validator's account.")]
Which = Annotated[int, typer.Argument(metavar="VISIT", min=1, help="Number of the visit; `validator visits`.")]
Hardware = Annotated[
    list[str], typer.Option(metavar="HEX", help="Identity of a machine that you saw, 32 bytes: a node's key.")
]
Since = Annotated[int, typer.Option("--since", metavar="BLOCK", help="Block from which to look for old logs.")]


def register(_app: typer.Typer) -> None:
    """Add the commands, in the order in which a validator meets them."""
    from cyberprivacy.cli import group

    offer(
        group("validator", "Go and see which machines there are, and answer for it with a bond."),
        "validator",
        {
            "register": (enrol, "--uri https://me.example"),
            "bond": (bond, "1000"),
            "accredit": (accredit, "0x… --days 365 --for-dao 0x… --title 'Accredit a validator'"),
            "visit": (visit, "1 --hardware 0x… --media bafybei…"),
            "report": (report, "1 --visit 7 --hardware 0x…"),
            "challenge": (challenge, "7 --reason bafybei…"),
            "rule": (rule, "7 upheld --case bafybei… --for-dao 0x… --title 'A ruling'"),
            "lapse": (lapse, "7"),
            "retire": (retire, ""),
            "withdraw": (withdraw, ""),
            "collect": (collect, ""),
        },
        {"show": (show, "0x…"), "list": (list_, ""), "visits": (visits, "--cluster 1")},
    )


def enrol(
    uri: Annotated[str, typer.Option(metavar="URI", help="Where people can read who you are.")],
    *,
    trade: Trade,
    as_json: Json = False,
) -> None:
    """Say that you are a validator. You count with a whole bond, accredited by the registrar's DAO."""
    view = trade.look()
    human = "registered\nnext: `validator bond`, and ask the registrar's DAO to accredit you"
    trade.do(view, validators.register(view.market.validators, uri=uri), {"uri": uri}, human, as_json=as_json)


def bond(amount: Amount, *, trade: Trade, as_json: Json = False) -> None:
    """Put up RENT, which you lose if a visit of yours was not so."""
    much, view = units(amount), trade.look()
    bonds = validators.bonds_of(view.chain, view.market.validators, at=view.at)
    least = rent(rules_of(view.chain, view.market, view.at).least_bond)
    human = f"{rent(much)} RENT put up; who counts has {least} RENT (`validator show`)"
    calls = validators.bond(view.market.validators, bonds, much)
    trade.do(view, calls, {"bonded": rent(much)}, human, as_json=as_json)


def accredit(
    validator: Who,
    days: Annotated[int, typer.Option(min=0, max=3650, help="For how long from now; 0 withdraws it.")],
    *,
    trade: Trade,
    as_json: Json = False,
) -> None:
    """As the registrar: vouch for a validator. A DAO's vote does it: give --for-dao."""
    who, view = parse_address(validator, "ADDRESS"), trade.look()
    until = view.now + days * DAY
    human = f"{who} is accredited until {moment(until, view.now)}" if days else f"{who} is not accredited any more"
    calls = validators.accredit(view.market.validators, who, until=until)
    trade.do(view, calls, {"validator": who, "until": until}, human, as_json=as_json)


def visit(
    cluster: Annotated[int, typer.Argument(metavar="CLUSTER", min=1, help="Where you were.")],
    hardware: Hardware,
    media: Annotated[
        list[str] | None, typer.Option(metavar="CID", help="A photo or video, as a UnixFS file or folder.")
    ] = None,
    at: Annotated[int, typer.Option(metavar="SECONDS", min=0, help="When, since 1970. [default: now]")] = 0,
    *,
    suspicious: Annotated[bool, typer.Option("--suspicious", help="Something was not as it should be.")] = False,
    trade: Trade,
    as_json: Json = False,
) -> None:
    """Report what you saw at a cluster: the machines by their identities, and photos and videos of them."""
    shown = [Cid(DAG_PB, document_of(each)) for each in media or ()]
    seen = [digest_of(each, "--hardware") for each in hardware]
    view = trade.look()
    calls = validators.report(
        view.market.validators,
        cluster,
        visited_at=at or view.now,
        suspicious=suspicious,
        hardware=seen,
        media=shown,
    )
    told = {"cluster": cluster, "suspicious": suspicious, "hardware": hardware, "media": media or []}
    human = (
        "visit {number} is public\nnext: `validator report EXPANSION --visit {number}` for an announced machine"
    )
    made = Number("Validators", view.market.validators, "VisitReported", "visit")
    trade.do(view, calls, told, human, made=made, as_json=as_json)


def report(
    expansion: Annotated[int, typer.Argument(metavar="EXPANSION", min=1, help="`cluster expansion list`.")],
    visit_: Annotated[int, typer.Option("--visit", min=1, help="Your visit that saw this machine.")],
    hardware: Annotated[
        list[str] | None, typer.Option(metavar="HEX", help="The list of that visit. [default: as its log tells]")
    ] = None,
    *,
    trade: Trade,
    as_json: Json = False,
) -> None:
    """Say that a visit of yours saw a machine that was announced; suspicious or not, as the visit says."""
    given = [digest_of(each, "--hardware") for each in hardware or ()]
    view = trade.look()
    given = given or _hardware(view, visit_)
    calls = expansions.report(view.market.expansions, expansion, visit=visit_, hardware=given)
    human = f"visit {visit_} counts for machine {expansion} now (`cluster expansion show {expansion}`)"
    trade.do(view, calls, {"expansion": expansion, "visit": visit_}, human, as_json=as_json)


def challenge(
    visit_: Which,
    reason: Reason,
    *,
    trade: Trade,
    as_json: Json = False,
) -> None:
    """Say, with a bond, that a visit was not so. It counts for nothing until the court has ruled."""
    digest, view = document_of(reason), trade.look()
    bonds = validators.bonds_of(view.chain, view.market.validators, at=view.at)
    calls = validators.challenge(view.market.validators, bonds, visit_, reason=digest)
    human = f"visit {visit_} is challenged, with {rent(bonds.challenge)} RENT of yours"
    trade.do(view, calls, {"visit": visit_, "bond": rent(bonds.challenge)}, human, as_json=as_json)


def rule(
    visit_: Which,
    ruling: Ruling,
    case: Case,
    *,
    trade: Trade,
    as_json: Json = False,
) -> None:
    """As the court: decide on a challenge. A DAO's vote does it: give --for-dao."""
    upheld, digest = is_upheld(ruling), document_of(case)
    view = trade.look()
    calls = validators.rule(view.market.validators, visit_, upheld=upheld, case=digest)
    human = f"visit {visit_} is void" if upheld else f"visit {visit_} stands"
    trade.do(view, calls, {"visit": visit_, "upheld": upheld, "case": case}, human, as_json=as_json)


def lapse(visit_: Which, *, trade: Trade, as_json: Json = False) -> None:
    """End a challenge on which the court was silent until the visit was too old; the bond goes back."""
    _simply(trade, "lapse", f"visit {visit_} lapsed", visit_, as_json=as_json)


def retire(*, trade: Trade, as_json: Json = False) -> None:
    """Report nothing more; the bond can be withdrawn when nobody can challenge your visits any more."""
    wait = rules_of((view := trade.look()).chain, view.market, view.at).window
    _simply(trade, "retire", f"retiring; `validator withdraw` in {span(wait)}", as_json=as_json)


def withdraw(*, trade: Trade, as_json: Json = False) -> None:
    """Get your bond back, as a validator that retired."""
    _simply(trade, "withdraw", "withdrawn", as_json=as_json)


def collect(*, trade: Trade, as_json: Json = False) -> None:
    """Get what you are owed: bonds of challenges that you won."""
    _simply(trade, "collect", "collected", as_json=as_json)


def show(validator: Who, *, view: View, as_json: Json = False) -> None:
    """Show a validator, and whether it counts."""
    who = parse_address(validator, "ADDRESS")
    it = validators.validator_at(view.chain, view.market.validators, who, at=view.at)
    if not it.registered:
        hint = "`validator list`."
        raise Misuse("not a registered validator", code="validator.unknown", hint=hint, validator=who)
    least = rules_of(view.chain, view.market, view.at).least_bond
    rows = [
        f"{who}: {_why(it, least, view.now) or 'counts'}",
        f"  bond        {rent(it.bond)} RENT, of {rent(least)} RENT that are needed",
        f"  accredited  {moment(it.accredited_until, view.now) or 'never'}",
        f"  challenged  {it.challenges} visit(s)",
        f"  owed        {rent(it.owed)} RENT",
    ]
    out.result({**_value(who, it), "why": _why(it, least, view.now)}, "\n".join(rows), as_json=as_json)


def list_(since: Since = 0, *, view: View, as_json: Json = False) -> None:
    """List everybody who ever registered as a validator, and whether he counts now."""
    law, least = view.market.validators, rules_of(view.chain, view.market, view.at).least_bond
    known = validators.registered(view.chain, law, at=view.at, first=since)
    found = [(who, validators.validator_at(view.chain, law, who, at=view.at)) for who in known]
    rows = [(who, _why(it, least, view.now) or "counts", rent(it.bond)) for who, it in found]
    shown = table(("validator", "standing", "RENT put up"), rows) if rows else "no validator yet"
    out.result({"validators": [_value(who, it) for who, it in found]}, shown, as_json=as_json)


def visits(
    cluster: Annotated[int, typer.Option(min=0, help="Only of this cluster. [default: all]")] = 0,
    since: Since = 0,
    *,
    view: View,
    as_json: Json = False,
) -> None:
    """List visits with what became of each, the machines that were seen, and where photos and videos are."""
    law = view.market.validators
    all_ = validators.seen(view.chain, law, at=view.at, first=since)
    told = [(each, validators.visit_at(view.chain, law, each.number, at=view.at)) for each in all_]
    found = [(each, it) for each, it in told if cluster in (0, it.cluster)]
    lines: list[str] = []
    for each, it in found:
        finding = "suspicious" if it.suspicious else "nothing suspicious"
        lines.append(f"visit {each.number} to cluster {it.cluster}, {moment(it.visited_at, view.now)}: {finding}")
        lines.append(f"  by {it.validator}; {_status(it)}")
        lines += [f"  machine 0x{one.hex()}" for one in each.hardware]
        lines += [f"  media   {one}" for one in each.media]
    value = {"visits": [_visit(each, it) for each, it in found]}
    out.result(value, "\n".join(lines) or "no visit yet", as_json=as_json)


def _simply(trade: Trade, act: str, human: str, *numbers: int, as_json: bool) -> None:
    view = trade.look()
    calls = validators.simply(view.market.validators, act, *numbers)
    trade.do(view, calls, {"done": act}, human, as_json=as_json)


def _hardware(view: View, number: int) -> list[bytes]:
    for each in validators.seen(view.chain, view.market.validators, at=view.at):
        if each.number == number:
            return list(each.hardware)
    hint = "`validator visits` lists them; or give --hardware."
    raise Misuse("no log tells of this visit", code="validator.visit", hint=hint, visit=number)


def _status(it: Visit) -> str:
    if it.status is VisitStatus.STANDING and not it.vouches:
        return "too old, or its validator counts no more"
    return it.status.name.lower()


def _why(it: Validator, least: int, now: int) -> str:
    """Why a validator does not count; "" if it does."""
    lacks = []
    if it.retiring_at:
        lacks.append("retiring")
    if it.accredited_until <= now:
        lacks.append("not accredited")
    if it.bond < least:
        lacks.append("bond too small")
    return ", ".join(lacks)


def _value(who: Address, it: Validator) -> dict[str, object]:
    return {"validator": who, **asdict(it), "bond": rent(it.bond), "owed": rent(it.owed)}


def _visit(each: Seen, it: Visit) -> dict[str, object]:
    return {
        "visit": each.number,
        "cluster": it.cluster,
        "validator": it.validator,
        "visited_at": it.visited_at,
        "suspicious": it.suspicious,
        "status": it.status.name.lower(),
        "counts": it.vouches,
        "hardware": ["0x" + one.hex() for one in each.hardware],
        "media": [str(one) for one in each.media],
    }
