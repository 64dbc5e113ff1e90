"""`status`: the whole life of every release of a DAO."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import Annotated

import typer

from cyberprivacy.cli.dao import DaoAddress, Rpc, see
from cyberprivacy.cli.keys import parse_address
from cyberprivacy.cli.output import Json, out
from cyberprivacy.cli.times import moment
from cyberprivacy.errors import Misuse
from cyberprivacy.proposal.law import dao_at
from cyberprivacy.proposal.life import LIVE, Life, Stage, Vote, lives, vote_at
from cyberprivacy.proposal.release import FinalBlock
from cyberprivacy.proposal.text import find_proposal

Since = Annotated[int, typer.Option("--since", metavar="BLOCK", help="Block from which to look for old logs.")]


def register(app: typer.Typer) -> None:
    """Add `status`."""
    app.command("status", epilog="Example: cyberprivacy status --dao 0x… --rpc http://127.0.0.1:8545")(status)


def status(
    rpc: Rpc,
    dao: DaoAddress,
    since: Since = 0,
    *,
    proposal: Annotated[
        str, typer.Option("--proposal", metavar="ID", help="Show this vote instead, whatever it decides on.")
    ] = "",
    latest: Annotated[
        bool, typer.Option("--latest", help="This moment, not the final block that nodes act on.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show the whole life of every release of a DAO: where it stands, what it waits for, and until when."""
    governor = parse_address(dao, "--dao")
    chain = see(rpc, latest=latest)
    block = chain.block()
    contracts = dao_at(chain, governor, block)
    if proposal:
        if not proposal.isascii() or not proposal.isdecimal():
            raise Misuse("a proposal's id is a number", code="status.proposal", got=proposal[:80])
        vote = vote_at(chain, contracts, int(proposal), block)
        title = find_proposal(chain, chain, contracts, vote.id, at=block, first=since).title
        out.result({"title": title, **_vote(vote)}, _one(title, vote, block), as_json=as_json)
        return
    found = lives(chain, chain, contracts, at=block, first=since)
    live = next((each for each in found if each.stage in LIVE), None)
    value = {
        "dao": dao,
        "block": block.number,
        "time": block.timestamp,
        "final": not latest,
        "live": None if live is None else str(live.bundle),
        "releases": [_life(each) for each in found],
    }
    out.result(value, _table(found, block), as_json=as_json)


def _table(found: Sequence[Life], block: FinalBlock) -> str:
    """One row for each release, and its CID below it on a line of its own: a folded CID cannot be copied."""
    head = ("#", "state", "waits for", "until")
    rows = [
        (str(it.number), _stage(it), it.waits_for or "-", moment(it.until, block.timestamp) or "-") for it in found
    ]
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) for row in (head, *rows)
    ]
    below = ["", *(f"{'':{widths[0]}}  {it.bundle}" for it in found)]
    return "\n".join(line.rstrip() for pair in zip(lines, below, strict=True) for line in pair if line)


def _stage(it: Life) -> str:
    """The stage, with the number that people ask for next."""
    match it.stage:
        case Stage.VOTING if it.vote is not None:
            return f"voting: {_votes(it.vote.in_favour)} for, {_votes(it.vote.against)} against"
        case Stage.REVIEW:
            return f"in review: {it.weight} weighted lines, {it.ahead} ahead"
        case _:
            return str(it.stage)


def _vote(it: Vote) -> dict[str, object]:
    """A vote; numbers past 2**53 are texts, as other readers of JSON would round them."""
    large = {name: str(getattr(it, name)) for name in ("id", "against", "in_favour", "abstaining")}
    return {**asdict(it), **large, "state": it.state.name.lower()}


def _one(title: str, it: Vote, block: FinalBlock) -> str:
    now = block.timestamp
    votes = f"{_votes(it.in_favour)} for, {_votes(it.against)} against, {_votes(it.abstaining)} abstaining"
    return "\n".join(
        (
            title,
            f"  {it.state.name.lower()}",
            f"  votes       {votes}",
            f"  opens       {moment(it.opens, now)}",
            f"  closes      {moment(it.closes, now)}",
            f"  executable  {moment(it.executable, now) or 'once it is queued and its lap is over'}",
        )
    )


def _votes(count: int) -> str:
    """Whole votes, whether a vote is 1 (membership) or has 18 decimals."""
    return f"{count / 10**18:g}" if count >= 10**15 else str(count)


def _life(it: Life) -> dict[str, object]:
    value = asdict(it)
    value |= {
        "bundle": str(it.bundle),
        "parent": str(it.parent) if it.parent else None,
        "already_read": str(it.already_read) if it.already_read else None,
        "stage": str(it.stage),
    }
    value["vote"] = None if it.vote is None else _vote(it.vote)
    value["images"]["digest"] = None if it.images.digest is None else "0x" + it.images.digest.hex()
    return value
