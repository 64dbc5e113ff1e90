"""`my transfer`, `transfers`: everything from one vault to another with one signature, and back."""

import re
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.table import Table

from cyberprivacy.cli.mydata import waiting
from cyberprivacy.cli.myreceipts import Logged, as_value, with_log
from cyberprivacy.cli.mysession import Certificate, Url, beside, connect, entered
from cyberprivacy.cli.mywallet import Whose, with_wallet
from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.cli.times import moment
from cyberprivacy.errors import Misuse, TryLater, Untrusted
from cyberprivacy.review.hidden import visible
from cyberprivacy.typed_data import Schema
from cyberprivacy.vault.client.connection import Connection
from cyberprivacy.vault.client.moving import Fate, Mover, Plan, bring
from cyberprivacy.vault.client.person import Person, Wallet
from cyberprivacy.vault.client.proving import Claim
from cyberprivacy.vault.cosigning import Proof
from cyberprivacy.vault.grant import Grant, Mode

_WAIT: Final = 0.5
"""Seconds between two questions how far it is."""
_ID: Final = re.compile(r"[0-9a-f]{32}\Z")
_PATH: Final = "/udi/v1/transfers"

Source = Annotated[str, typer.Argument(metavar="FROM", help="URL of the vault that holds the records.")]
Recipient = Annotated[str, typer.Argument(metavar="TO", help="URL of the vault that is to have them.")]


def add(my: typer.Typer) -> None:
    """Add the commands of this module."""
    a, b = "http://127.0.0.1:8300", "http://127.0.0.1:8301"
    my.command("transfer", epilog=f"Example: cyberprivacy my transfer {a} {b} --move --key me.json")(
        with_wallet(transfer)
    )
    my.command("transfers", epilog=f"Example: cyberprivacy my transfers {b}")(with_log(transfers))


def transfer(  # noqa: PLR0913  # each is one option of the command line
    source: Source,
    recipient: Recipient,
    *,
    move: Annotated[bool, typer.Option("--move", help="Erase at FROM, 72 hours later.")] = False,
    undo: Annotated[
        bool, typer.Option("--undo", help="Take it back: FROM keeps what it has, TO erases what came.")
    ] = False,
    which: Annotated[
        str, typer.Option("--id", metavar="ID", help="Which transfer to take back, if there are several.")
    ] = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would come, and what not.")] = False,
    types: Annotated[
        list[str], typer.Option("--type", metavar="TYPE", help="Only records of this type; repeat for more.")
    ] = [],  # noqa: B006
    partly: Annotated[bool, typer.Option("--partly", help="Go on though some of it cannot come.")] = False,
    purpose: Annotated[str, typer.Option(metavar="TEXT", help="For what, if TO lists several.")] = "",
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    certificate: Certificate = None,
    who: Whose,
    as_json: Json = False,
) -> None:
    """Bring all that FROM holds of you to TO, by one signature. TO fetches it by itself; you may close this.

    Ends with 1 if something did not come; it is listed with the reason.
    """
    if undo:
        _undo(source, recipient, which, who, certificate, as_json=as_json)
        return
    with ExitStack() as stack:
        mover, wallet = _between(stack, source, recipient, who, certificate)
        plan = mover.plan(Mode.MOVE if move else Mode.ONCE, types=types, purpose=purpose)
        if dry_run or not plan.fates:
            value = {"types": [_fate(each) for each in plan.fates], "full": plan.full, "dry_run": dry_run}
            out.result(value, _fates(plan.fates), as_json=as_json)
            raise typer.Exit(1 if _left(plan) or plan.full else 0)
        _agree(plan, partly=partly, yes=yes)
        report = _arrived(mover.recipient, mover.order(plan, Twice(wallet, mover.account)))
    out.result({**report, "left": [_fate(each) for each in _left(plan)]}, _told(report, source), as_json=as_json)
    if report["transfer"]["state"] != "done":
        if not as_json and report["rejected"]:
            out.human(_rejected(report["rejected"]))
        raise typer.Exit(1)


def transfers(
    url: Url,
    transfer: Annotated[
        str, typer.Argument(metavar="[ID]", help="One of them: what was not taken, and its receipt.")
    ] = "",
    *,
    resume: Annotated[bool, typer.Option("--resume", help="Try again what failed, or was not taken.")] = False,
    certificate: Certificate = None,
    logged: Logged,
    as_json: Json = False,
) -> None:
    """Your transfers from and to a vault, newest first; how far one is, and the receipt that both sides signed."""
    if (resume or logged.proof) and not transfer:
        raise Misuse("say which", code="my.transfer", hint="`my transfers URL` lists them.")
    vault, _ = connect(url, certificate)
    with vault:
        if not transfer:
            found = vault.ask("GET", _PATH)["transfers"]
            human = _table(found) if found else "nothing was transferred from or to here"
            out.result({"transfers": found}, human, as_json=as_json)
            return
        path = f"{_PATH}/{_id(transfer)}"
        report = _arrived(vault, vault.ask("POST", path + ":resume")) if resume else vault.ask("GET", path)
        claim = None if report["receipt"] is None else Claim.of_transfer(transfer, report["receipt"])
        if claim is None and logged.proof is not None:
            raise TryLater("there is no receipt yet", code="receipt.place", hint="Ask again when it has ended.")
        found = None if claim is None else logged.prove(vault, claim, report["place"])
        out.result({**report, "log": as_value(found)}, _table([report["transfer"]]), as_json=as_json)
        if not as_json:
            if report["rejected"]:
                out.human(_rejected(report["rejected"]))
            if claim is not None:
                out.human("both sides have signed a receipt; --json shows it")
                logged.tell(vault, report["place"], found)


@dataclass(frozen=True, slots=True)
class Twice:
    """Signs with the wallet, and beside it with this machine's own key if it is one of the account."""

    wallet: Wallet
    account: str

    def proofs(self, schema: Schema, grant: Grant) -> tuple[Proof, Proof | None]:
        """See the port."""
        mine = Proof(self.wallet.key, self.wallet.sign(schema, "Grant", grant.message()))
        return mine, beside(self.account, grant.digest(schema))


def _between(
    stack: ExitStack, source: str, recipient: str, who: Whose, certificate: Path | None
) -> tuple[Mover, Wallet]:
    """Somebody signed in at both; where there is no session yet, one is opened. TO is told of the account."""
    wallet = who.wallet()
    here, account = entered(source, wallet, certificate, account=None)
    stack.enter_context(here)
    with Connection(recipient, certificate=certificate) as stranger:
        if bring(here, stranger, account):
            out.progress(f"{recipient} knows your account now")
    there, other = entered(recipient, wallet, certificate, account=account)
    stack.enter_context(there)
    if other != account:
        raise Misuse(
            "signed in with two accounts",
            code="my.account",
            hint="`my sign-out`, then again.",
            accounts=[account, other],
        )
    return Mover(here, there, account, contracts=who.contracts()), wallet


def _agree(plan: Plan, *, partly: bool, yes: bool) -> None:
    """Show what is signed; refuse what would leave something behind unsaid."""
    left = _left(plan)
    if plan.grant is None or plan.full or (left and not partly):
        out.errors.print(_fates(plan.fates))
        raise Untrusted(
            "the other vault would not take all of it",
            code="my.partly",
            hint="--partly brings what it takes; the rest stays where it is." if plan.grant else "",
            full=plan.full,
            left=[each.data_type for each in left],
        )
    out.progress(plan.text)
    if not yes:
        typer.confirm("Sign this?", abort=True, err=True)


def _arrived(vault: Connection, report: Any) -> Any:
    """The report of a transfer that does not run any more; how far it is is told meanwhile."""
    with waiting("transferring") as tell:
        while report["transfer"]["state"] == "running":
            now = report["transfer"]
            tell(f"{now['done']} of {now['chunks']} chunks" + (f", waiting: {now['why']}" if now["why"] else ""))
            time.sleep(_WAIT)
            report = vault.ask("GET", f"{_PATH}/{now['transfer']}")
    return report


def _undo(source: str, recipient: str, which: str, who: Whose, certificate: Path | None, *, as_json: bool) -> None:
    """First FROM keeps what it has, then TO is told to erase: never the other way round."""
    wallet = who.wallet()
    here, account = entered(source, wallet, certificate, account=None)
    with here:
        path = f"{_PATH}/{_id(which) if which else _only(here)}"
        try:
            kept = here.ask("POST", path + ":undo")
            out.progress(f"{source} keeps what it has")
        except Misuse as error:  # what was never begun there has nothing to keep
            if error.code != "transfer.unknown":
                raise
            kept = None
        there, _ = entered(recipient, wallet, certificate, account=account)
        with there:
            grant = (kept or there.ask("GET", path))["transfer"]["grant"]
            Person(there, wallet, contracts=who.contracts()).revoke(
                account, bytes.fromhex(grant), erase=True, also=here
            )
            after = there.ask("GET", path)
    value = {**after, "source": kept and kept["transfer"]["state"]}
    human = f"taken back: {source} keeps what it has, {recipient} erased what came"
    out.result(value, human, as_json=as_json)


def _only(source: Connection) -> str:
    """The one transfer from here that can be taken back.

    Raises:
        Misuse: there is none, or more than one ("my.transfer").
    """
    found = [
        each["transfer"]
        for each in source.ask("GET", _PATH)["transfers"]
        if each["way"] == "out" and each["state"] not in ("erased", "kept", "cancelled")
    ]
    if len(found) != 1:
        what = "say which" if found else "nothing from there can be taken back"
        raise Misuse(
            what, code="my.transfer", hint="`my transfers FROM` lists them; --id names one.", ids=found[:8]
        )
    return str(found[0])


def _left(plan: Plan) -> list[Fate]:
    return [each for each in plan.fates if each.code]


def _fate(each: Fate) -> dict[str, object]:
    return {"type": each.data_type, "records": each.records, "code": each.code}


def _fates(fates: Sequence[Fate]) -> Table | str:
    rows = [(visible(each.data_type), str(each.records), visible(each.code) or "comes") for each in fates]
    return table(("type", "records", "what becomes of it"), rows) if rows else "nothing is kept of you there"


def _told(report: Mapping[str, Any], source: str) -> str:
    now = report["transfer"]
    counted = f"{now['count']} came, {now['dup']} were there, {now['rejected']} were not taken"
    if now["state"] != "done":
        return f"{now['state']}: {counted} {now['why']}  (transfer {now['transfer']}; nothing was erased)"
    after = f"; {source} erases them in 72 hours, --undo takes it back until then" if now["mode"] == "move" else ""
    return f"done: {counted}; both sides signed the receipt (transfer {now['transfer']}){after}"


def _table(found: Sequence[Mapping[str, Any]]) -> Table:
    now = int(time.time())
    rows = [
        (
            each["transfer"],
            f"{each['mode']} {'to' if each['way'] == 'out' else 'from'} {visible(each['app'])}",
            visible(f"{each['state']} {each['why']}".strip())
            + (f", erased here {moment(each['due'], now)}" if each["due"] else ""),
            f"{each['done']} of {each['chunks']}",
            f"{each['count']} + {each['dup']} of {each['total']}",
            str(each["rejected"]),
            moment(each["asked"], now),
        )
        for each in found
    ]
    return table(("transfer", "what", "state", "chunks", "came + there", "not taken", "asked"), rows)


def _rejected(rejected: Sequence[Mapping[str, str]]) -> Table:
    return table(
        ("record", "why it was not taken"), [(each["id"], visible(each["code"])) for each in rejected[:100]]
    )


def _id(text: str) -> str:
    if not _ID.match(text):
        raise Misuse(
            "not the id of a transfer", code="my.transfer", hint="`my transfers` lists them.", got=text[:80]
        )
    return text
