"""`admin`: what administrators may turn and ask, and doing it, signed by a wallet and public before it happens."""

import inspect
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from cyberprivacy.admin.request import Act, Request, check_why
from cyberprivacy.admin.typed_data import signer as signer_of
from cyberprivacy.cid import Cid
from cyberprivacy.cli.dao import DaoAddress, Rpc, see
from cyberprivacy.cli.doorway import ask_door
from cyberprivacy.cli.keys import SIGNING, Signing, parse_address
from cyberprivacy.cli.options import bundled
from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.errors import Misuse
from cyberprivacy.proposal.reading import read
from cyberprivacy.proposal.signed import SignerLied
from cyberprivacy.review.hidden import visible

MAX_BLOCK_AGE: Final = 7_200
"""Seconds that the chain's final block may be old."""
_NAME: Final = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?\Z")

Url = Annotated[str, typer.Argument(metavar="URL", help="https://… of the application.")]
Name = Annotated[str, typer.Argument(metavar="NAME", help="As `admin show` lists it.")]
Why = Annotated[str, typer.Option(help="Why; public for ever: 1 to 500 characters, no personal data.")]
Valid = Annotated[
    int, typer.Option(min=10, max=86_400, metavar="SECONDS", help="How long the request may wait to be taken.")
]


def register(_app: typer.Typer) -> None:
    """Add `admin show`, `set`, `choose` and `ask`."""
    from cyberprivacy.cli import group

    admin = group("admin", "Turn what a release lets administrators turn; ask what it lets them ask.")
    who = '--why "People asked for it" --dao 0x… --rpc http://127.0.0.1:8545 --key me.json'
    admin.command("show", epilog="Example: cyberprivacy admin show https://app.example")(show)
    admin.command("set", epilog=f"Example: cyberprivacy admin set https://app.example per-page 30 {who}")(
        _with_desk(set_parameter)
    )
    admin.command("choose", epilog=f"Example: cyberprivacy admin choose https://app.example order hearts {who}")(
        _with_desk(choose_algorithm)
    )
    admin.command("ask", epilog=f"Example: cyberprivacy admin ask https://app.example messages-per-day {who}")(
        _with_desk(ask_statistic)
    )


@dataclass(frozen=True, slots=True)
class _Desk:
    """Somebody who wants to act, as the options say."""

    rpc: list[str]
    dao: str
    why: str
    valid: int
    who: Signing

    def act(self, url: str, act: Act, name: str, value: str) -> Mapping[str, Any]:
        """Sign one act for the release that the chain says is live, and hand it in."""
        check_why(self.why)
        if not _NAME.match(name):
            raise Misuse("not a name", code="admin.form", name=name[:60])
        dao, now = parse_address(self.dao, "--dao"), time.time()
        chain = see(self.rpc, latest=False)
        live = read(chain, dao, last=None, now=int(now), max_age=MAX_BLOCK_AGE).release
        if live is None:
            raise Misuse("this DAO has no live release", code="admin.release", dao=dao)
        request = Request(
            dao=dao,
            chain_id=live.chain_id,
            release=Cid.parse(str(live.bundle)),
            act=act,
            name=name,
            value=value,
            why=self.why,
            nonce=int(now * 1_000_000),  # grows by itself, with nothing to remember
            expiry=int(now) + self.valid,
        )
        return ask_door(url, self._signed(request))

    def _signed(self, request: Request) -> bytes:
        signer = self.who.signer()
        signature = signer.sign_typed(request.document())
        try:
            by = signer_of(request.digest(), signature)
        except ValueError as error:
            raise SignerLied(f"not a signature: {error}") from None
        if by != signer.address:
            raise SignerLied("signed by another key, or something else", signer=by, expected=signer.address)
        return request.encode(signature)


def _with_desk(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `_Desk`; it takes them as one argument, `desk`."""

    def make(rpc: list[str], dao: str, why: str, valid: int, **signing: Any) -> _Desk:
        return _Desk(rpc, dao, why, valid, Signing(**signing))

    nothing = inspect.Parameter.empty
    options = {"rpc": (Rpc, nothing), "dao": (DaoAddress, nothing), "why": (Why, nothing), "valid": (Valid, 600)}
    return bundled(command, "desk", {**options, **SIGNING}, make)


def set_parameter(
    url: Url,
    name: Name,
    value: Annotated[str, typer.Argument(metavar="VALUE", help="Within its bounds, in its one spelling.")],
    *,
    desk: _Desk,
    as_json: Json = False,
) -> None:
    """Set a declared parameter to a value within its declared bounds."""
    _told(desk.act(url, Act.SET, name, value), f"{name} = {value}", as_json=as_json)


def choose_algorithm(
    url: Url,
    name: Name,
    choice: Annotated[str, typer.Argument(metavar="CHOICE", help="One of the declared ones.")],
    *,
    desk: _Desk,
    as_json: Json = False,
) -> None:
    """Choose one of the declared ways of doing something."""
    _told(desk.act(url, Act.CHOOSE, name, choice), f"{name} = {choice}", as_json=as_json)


def ask_statistic(url: Url, name: Name, *, desk: _Desk, as_json: Json = False) -> None:
    """Ask a declared statistic; the answer is noisy, costs some of a budget, and is public."""
    told = desk.act(url, Act.ASK, name, "")
    answer = told.get("answer")
    value = answer.get("value") if isinstance(answer, dict) else None
    shown = "too few users to tell" if value is None else visible(str(value))
    _told(told, f"{name}: {shown}", as_json=as_json)


def show(url: Url, *, as_json: Json = False) -> None:
    """Show what may be turned and asked, its bounds and present values. Told by the node; `verify` proves it."""
    said = ask_door(url)
    rows: list[tuple[str, str, str, str, str]] = []
    for kind, word in (("parameters", "set"), ("algorithms", "choose")):
        rows += [_row(word, each, _text(each, "value"), _range(each)) for each in _rows(said, kind)]
    rows += [_row("ask", each, "", _cost(each)) for each in _rows(said, "statistics")]
    out.result(said, table(("act", "name", "value", "may be", "what it is"), rows), as_json=as_json)
    if not as_json:
        out.human(f"\n{_seen_by(said.get('witnesses'))}")


def _told(told: Mapping[str, Any], what: str, *, as_json: bool) -> None:
    where = f"entries {visible(str(told.get('request')))} and {visible(str(told.get('done')))} of the node's log"
    out.result(told, f"{what}  ({where})", as_json=as_json)


def _seen_by(witnesses: object) -> str:
    """Who must have seen an act before it happens."""
    match witnesses:
        case {"quorum": int(quorum), "asked": list(asked)} if quorum > 0:
            names = visible(", ".join(map(str, asked)))[:1_000]
            return f"An act happens when {quorum} of these clusters have cosigned its entry: {names}"
        case _:
            return "No other cluster has to have seen an act before it happens (quorum 0)."


def _rows(said: Mapping[str, Any], kind: str) -> list[Mapping[str, Any]]:
    found = said.get(kind)
    return [each for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _text(row: Mapping[str, Any], name: str) -> str:
    return visible(str(row.get(name, "")))[:300]


def _row(act: str, row: Mapping[str, Any], value: str, may_be: str) -> tuple[str, str, str, str, str]:
    return act, _text(row, "name"), value, may_be, _text(row, "doc")


def _cost(row: Mapping[str, Any]) -> str:
    names = ("query", "epsilon_thousandths", "spent_thousandths", "budget_thousandths")
    return "{}; costs {}, {} of {} spent".format(*(_text(row, name) for name in names))


def _range(row: Mapping[str, Any]) -> str:
    if isinstance(choices := row.get("choices"), list):
        return visible(", ".join(map(str, choices)))[:300]
    if "least" in row:
        return f"{_text(row, 'least')} to {_text(row, 'most')} {_text(row, 'unit')}".rstrip()
    return _text(row, "pattern") or _text(row, "type")
