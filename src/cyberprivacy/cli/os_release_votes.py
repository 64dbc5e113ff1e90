"""What only a vote does about the Privacy OS: `os release withdraw-measurement`, `open-market`, `hand-over`."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final

import typer

from cyberprivacy.cli.dao import There, digest_of, with_dao
from cyberprivacy.cli.keys import parse_address
from cyberprivacy.cli.output import Json
from cyberprivacy.cli.release import done, read_text
from cyberprivacy.proposal import actions, os_releases, text
from cyberprivacy.proposal.actions import Acting
from cyberprivacy.proposal.calls import Call
from cyberprivacy.proposal.law import dao_at

Why = Annotated[Path | None, typer.Option("--text", metavar="FILE", help="Why.")]

_CHAIN: Final = "--dao 0x… --rpc http://127.0.0.1:8545 --key me.json"
_EXAMPLE: Final = "Example: cyberprivacy os release"


def register(release: typer.Typer) -> None:
    """Add them to `os release`."""
    example = f"{_EXAMPLE} withdraw-measurement 0x… --text why.md {_CHAIN}"
    release.command("withdraw-measurement", epilog=example)(with_dao(withdraw_measurement))
    release.command("open-market", epilog=f"{_EXAMPLE} open-market 0x… {_CHAIN}")(with_dao(open_market))
    release.command("hand-over", epilog=f"{_EXAMPLE} hand-over 0x… --text why.md {_CHAIN}")(with_dao(hand_over))


def withdraw_measurement(
    measurement: Annotated[
        list[str], typer.Argument(metavar="MEASUREMENT…", help="What shall not count any more: `os release list`.")
    ],
    why: Why = None,
    *,
    there: There,
    as_json: Json = False,
) -> None:
    """Propose to end measurements for good, whatever release brought them, or none. Only a vote may.

    Vote, queue and execute the proposal that it prints: from that moment machines that measure so do not count.
    """
    ended, body = [digest_of(each, "MEASUREMENT") for each in measurement], read_text(why)
    acting = there.act()
    calls = os_releases.withdraw_measurements(acting.chain, acting.dao, ended, at=acting.chain.block())
    named = {"measurements": [each.hex() for each in ended]}
    _propose(acting, calls, "Withdraw measurements of the Privacy OS", body, named, as_json=as_json)


def open_market(
    expansions: Annotated[
        str, typer.Argument(metavar="EXPANSIONS", help="The market's Expansions: `market deploy` prints it.")
    ],
    why: Why = None,
    *,
    there: There,
    as_json: Json = False,
) -> None:
    """Propose that a market says, once and for ever, which machines of providers are admitted."""
    named, body = parse_address(expansions, "EXPANSIONS"), read_text(why)
    acting = there.act()
    calls = os_releases.open_market(acting.chain, acting.dao, named, at=acting.chain.block())
    _propose(acting, calls, "Open a market for machines", body, {"expansions": named}, as_json=as_json)


def hand_over(
    heir: Annotated[str, typer.Argument(metavar="DAO", help="Whose releases shall count: its governor.")],
    why: Why = None,
    *,
    there: There,
    as_json: Json = False,
) -> None:
    """Propose that releases of another DAO say which Privacy OS counts, and those of this one no longer do.

    The other DAO's contract is brought to the chain first, by you. The vote hands over to it and has it accept:
    what was announced goes on counting, and the other DAO alone may end it.
    """
    governor, body = parse_address(heir, "DAO"), read_text(why)
    acting = there.act()
    at = acting.chain.block()
    made, calls = os_releases.hand_over(
        acting.desk, acting.chain, acting.dao, dao_at(acting.chain, governor, at), at=at
    )
    named = {"releases": made, "heir": governor}
    _propose(acting, calls, "Hand the Privacy OS over to another DAO", body, named, as_json=as_json)


def _propose(
    acting: Acting, calls: tuple[Call, ...], title: str, body: str, named: Mapping[str, object], *, as_json: bool
) -> None:
    motion = text.motion(calls, title=title, body=body)
    receipt = actions.propose(acting, motion)
    human = (
        f"proposed: {motion.title}\nproposal {motion.id}\n"
        f"next: `cyberprivacy vote {motion.id} for`, then `queue` and `execute` it"
    )
    done(receipt, {**named, **motion.facts()}, human, as_json=as_json)
