"""How commands of the market are told where it is and who acts; and the three ways of carrying out what they do.

Who acts signs (`--key`), or a DAO does it by a vote (`--for-dao`: your key proposes, its timelock acts), or nobody
does yet (`--encode`: the calls are printed, for any other wallet).
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.cli.dao import Rpc, desk_of, see
from cyberprivacy.cli.keys import SIGNING, Signing, parse_address
from cyberprivacy.cli.options import bundled
from cyberprivacy.cli.output import out
from cyberprivacy.cli.release import done, read_text
from cyberprivacy.errors import Misuse
from cyberprivacy.proposal import actions, text
from cyberprivacy.proposal.actions import Acting
from cyberprivacy.proposal.agreeing import Ledger
from cyberprivacy.proposal.calls import Call, carry_out, numbered
from cyberprivacy.proposal.law import dao_at, road_at
from cyberprivacy.proposal.market import TOKEN, Market, market_at
from cyberprivacy.proposal.release import Address, FinalBlock

MarketAddress = Annotated[
    str,
    typer.Option("--market", metavar="ADDRESS", envvar="CYBERPRIVACY_MARKET", help="`market deploy` prints it."),
]
ForDao = Annotated[
    str,
    typer.Option("--for-dao", metavar="ADDRESS", help="Put it to this DAO's vote instead: its timelock does it."),
]
Title = Annotated[str, typer.Option("--title", help="With --for-dao: what people vote on, in one line.")]
Text = Annotated[Path | None, typer.Option("--text", metavar="FILE", help="With --for-dao: why.")]
Encode = Annotated[bool, typer.Option("--encode", help="Send nothing: print the calls, for another wallet.")]
Amount = Annotated[str, typer.Argument(metavar="AMOUNT", help="In RENT, such as 1000 or 0.5.")]

_AMOUNT: Final = re.compile(r"(0|[1-9][0-9]{0,30})(?:\.([0-9]{1,18}))?", re.ASCII)


@dataclass(frozen=True, slots=True)
class View:
    """A market, seen at one block."""

    chain: Ledger
    market: Market
    at: FinalBlock

    @property
    def now(self) -> int:
        """The chain's time, seconds since 1970."""
        return self.at.timestamp


def look(rpc: Sequence[str], market: str) -> View:
    """Find a market, as it is this moment."""
    orders = parse_address(market, "--market")  # a slip of the pen is told without asking anybody
    chain = see(rpc)
    block = chain.block()
    return View(chain, market_at(chain, orders, block), block)


@dataclass(frozen=True, slots=True)
class Number:
    """Where a contract says which number it gave to what was made."""

    name: str
    place: Address
    event: str
    field: str


@dataclass(frozen=True, slots=True)
class Trade:
    """Somebody who wants to act at a market, as the options say."""

    rpc: list[str]
    market: str
    for_dao: str
    title: str
    text: Path | None
    encode: bool
    who: Signing

    def look(self) -> View:
        """Find the market."""
        if self.encode and self.for_dao:
            raise Misuse("--encode sends nothing, --for-dao proposes: choose one", code="market.how")
        return look(self.rpc, self.market)

    def early_enough(self, view: View, seconds: int) -> None:
        """Refuse what would have begun before a DAO can have voted on it and its deployment lap is over.

        Raises:
            Misuse: too soon ("market.too-soon").
        """
        if not self.for_dao:
            return
        road = road_at(view.chain, dao_at(view.chain, parse_address(self.for_dao, "--for-dao"), view.at), view.at)
        if seconds <= road:
            raise Misuse(
                "it would begin before the DAO can have decided",
                code="market.too-soon",
                hint="--starts-in must be longer than vote and deployment lap; leave some hours more for people.",
                seconds=seconds,
                road=road,
            )

    def do(
        self,
        view: View,
        calls: Sequence[Call],
        told: Mapping[str, object],
        human: str,
        *,
        made: Number | None = None,
        as_json: bool,
    ) -> None:
        """Carry it out in the way that was chosen, and print what came of it.

        Args:
            view: the market.
            calls: what is to be done, in this order.
            told: for programs.
            human: for people; `{number}` stands for the number of what was made.
            made: where that number is told.
            as_json: for programs or for people.
        """
        if self.encode:
            _print(calls, told, as_json=as_json)
        elif self.for_dao:
            self._propose(view, calls, told, as_json=as_json)
        else:
            receipt = carry_out(desk_of(self.rpc, view.chain, self.who), calls)
            number = None if made is None else numbered(receipt, made.place, made.name, made.event, made.field)
            value = dict(told) if made is None else {made.field: number, **told}
            done(receipt, value, human.replace("{number}", str(number)), as_json=as_json)

    def _propose(self, view: View, calls: Sequence[Call], told: Mapping[str, object], *, as_json: bool) -> None:
        if not self.title:
            raise Misuse("a proposal needs a title", code="market.title", hint="Give --title, in one line.")
        dao = dao_at(view.chain, parse_address(self.for_dao, "--for-dao"), view.at)
        acting = Acting(desk_of(self.rpc, view.chain, self.who), view.chain, dao)
        motion = text.motion(calls, title=self.title, body=read_text(self.text))
        receipt = actions.propose(acting, motion)
        human = (
            f"proposed: {motion.title}\nproposal {motion.id}\n"
            f"next: `cyberprivacy vote {motion.id} for`, then `queue` and `execute` it"
        )
        done(receipt, {**told, **motion.facts(), "as": dao.timelock}, human, as_json=as_json)


def _print(calls: Sequence[Call], told: Mapping[str, object], *, as_json: bool) -> None:
    shown = [{"to": each.to, "data": "0x" + each.data.hex()} for each in calls]
    out.result(
        {**told, "calls": shown},
        "\n".join(f"to {each['to']}\n  {each['data']}" for each in shown),
        as_json=as_json,
    )


def with_trade(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `Trade`; it takes them as one argument, `trade`."""

    def make(rpc: list[str], market: str, *, for_dao: str, title: str, text: Path | None, **rest: Any) -> Trade:
        return Trade(rpc, market, for_dao, title, text, rest.pop("encode"), Signing(**rest))

    required = inspect.Parameter.empty
    options = {
        "rpc": (Rpc, required),
        "market": (MarketAddress, required),
        **SIGNING,
        "for_dao": (ForDao, ""),
        "title": (Title, ""),
        "text": (Text, None),
        "encode": (Encode, False),
    }
    return bundled(command, "trade", options, make)


def with_view(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command that only looks the options --rpc and --market; it takes them as `view`."""
    required = inspect.Parameter.empty
    return bundled(command, "view", {"rpc": (Rpc, required), "market": (MarketAddress, required)}, look)


def offer(
    group: typer.Typer,
    words: str,
    acting: Mapping[str, tuple[Callable[..., None], str]],
    looking: Mapping[str, tuple[Callable[..., None], str]],
) -> None:
    """Add commands of the market to a group.

    Args:
        group: where they belong.
        words: by which the group is reached, such as "cluster expansion".
        acting: name -> command that takes a `Trade`, and arguments of an example.
        looking: name -> command that takes a `View`, and arguments of an example.
    """
    where = "--market 0x… --rpc http://127.0.0.1:8545"
    for name, (command, example) in acting.items():
        line = " ".join(filter(None, ("cyberprivacy", words, name, example, where, "--key me.json")))
        group.command(name, epilog=f"Example: {line}")(with_trade(command))
    for name, (command, example) in looking.items():
        line = " ".join(filter(None, ("cyberprivacy", words, name, example, where)))
        group.command(name, epilog=f"Example: {line}")(with_view(command))


def units(amount: str, where: str = "AMOUNT") -> int:
    """Units of 10^-18 RENT that somebody typed in RENT; never rounded.

    Raises:
        Misuse: not a number, more than 18 decimals, or nothing ("market.amount").
    """
    found = _AMOUNT.fullmatch(amount)
    whole = int(found[1]) * TOKEN + int((found[2] or "").ljust(18, "0")) if found else 0
    if not whole:
        hint = "Such as 1000 or 0.5, with 18 decimals at most."
        raise Misuse("not an amount of RENT", code="market.amount", hint=hint, where=where, got=amount[:60])
    return whole


def rent(amount: int) -> str:
    """Units as a number of RENT, exactly: 1500000000000000000 is "1.5"."""
    whole, rest = divmod(amount, TOKEN)
    return f"{whole}.{rest:018}".rstrip("0").rstrip(".")


def document_of(cid: str) -> bytes:
    """The digest of a document that somebody named by its UnixFS address.

    Raises:
        Misuse: not a CID, or not one of a UnixFS file or folder: the chain keeps the digest alone.
    """
    found = Cid.parse(cid)
    if found.codec != DAG_PB:
        hint = "Use the address that `ipfs add --cid-version 1 --raw-leaves=false`, or a folder around it, gives."
        raise Misuse("not the address of a UnixFS file or folder", code="market.document", hint=hint, cid=cid)
    return found.digest


def document(digest: bytes) -> str | None:
    """The address that a digest on chain stands for; None for zero."""
    return str(Cid(DAG_PB, digest)) if any(digest) else None
