"""`my erase`: the end of what is kept about you, here and at those to whom you granted it."""

import time
from typing import Annotated, Any

import typer

from cyberprivacy import canonical
from cyberprivacy.cli.mydata import WAIT, App, waiting
from cyberprivacy.cli.mygrants import erasing_words, granted
from cyberprivacy.cli.mysession import Certificate, Url, connect, forget
from cyberprivacy.cli.mywallet import Whose, with_wallet
from cyberprivacy.cli.output import Json, out
from cyberprivacy.errors import Misuse
from cyberprivacy.review.hidden import visible
from cyberprivacy.vault import receipt
from cyberprivacy.vault.client.connection import Connection


def add(my: typer.Typer) -> None:
    """Add the command of this module."""
    at = "http://127.0.0.1:8300"
    my.command("erase", epilog=f"Example: cyberprivacy my erase {at} --app shop --key me.json --yes")(
        with_wallet(erase)
    )


def erase(  # noqa: PLR0913  # each is one option of the command line
    url: Url,
    *,
    app: App = "",
    kind: Annotated[str, typer.Option("--type", metavar="TYPE", help="Only records of this type.")] = "",
    record: Annotated[str, typer.Option("--record", metavar="ID", help="Only this record.")] = "",
    everything: Annotated[bool, typer.Option("--everything", help="The account, at every application.")] = False,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask again.")] = False,
    certificate: Certificate = None,
    who: Whose,
    as_json: Json = False,
) -> None:
    """Erase for good: keys are overwritten, so that backups cannot be read either. Ends with a signed receipt.

    With --key, what applications got under your grants is erased there, too: each is told until it confirms.
    """
    if everything == bool(app) or (kind and record) or (everything and (kind or record)):
        raise Misuse(
            "say what to erase",
            code="my.erase",
            hint="--app NAME, with --type or --record if you like; or --everything.",
        )
    what = "account" if everything else "type" if kind else "record" if record else "owner"
    if not yes:
        name = "your whole account" if everything else f"{what} {kind or record or app}"
        typer.confirm(f"Erase {name} at {url}? This cannot be undone", abort=True, err=True)
    vault, account = connect(url, certificate)
    with vault:
        key = bytes.fromhex(str(vault.ask("GET", "/.well-known/udi")["key"]))
        if what in ("account", "owner"):
            _recall(vault, account, who)
        body = {"what": what, "app": app, "name": kind or record}
        job = vault.ask("POST", "/udi/v1/deletions", body=body)
        with waiting("erasing") as tell:
            while job["step"] != "done":
                time.sleep(WAIT)
                job = vault.ask("GET", f"/udi/v1/deletions/{job['id']}")
                tell(str(job["step"]))
    said: Any = receipt.check(canonical.encode(job["receipt"]), key)
    if everything:
        forget(vault.site.uri)
    value = {"id": job["id"], "receipt": job["receipt"], "recipients": job["recipients"]}
    out.result(value, told(said, job["recipients"]), as_json=as_json)
    if not as_json:
        out.human(f"Again, and that a log remembers it: cyberprivacy my receipt {url} {job['id']}")


def told(said: Any, recipients: Any) -> str:
    """A receipt in words, and how it stands with those who were told to erase, too."""
    counts = ", ".join(f"{count} {name}" for name, count in said["counts"].items())
    until = time.strftime("%Y-%m-%d", time.gmtime(said["backups"]["until"]))
    told = "".join(f"\n{visible(each['app'])}: {erasing_words(each['erasing'])}" for each in recipients)
    return (
        f"erased: {counts}. {len(said['keys'])} key(s) overwritten, epoch {said['epoch']} retired.\n"
        f"Backups of the database may hold what nobody can read until {until}. This vault signed the receipt."
        f"{told}"
    )


def _recall(vault: Connection, account: str, who: Whose) -> None:
    """Have everybody erase who got something under a grant; without a key, say who keeps it."""
    try:
        found = [
            each for each in granted(vault) if each["erasing"] is None or each["erasing"]["state"] == "refused"
        ]
    except Misuse as error:
        if error.code not in ("api.path", "owner.none"):
            raise
        return  # nothing can be granted at this vault
    if not found:
        return
    if not who.signs:
        names = ", ".join(sorted({visible(each["recipient"]) for each in found}))
        out.warning(f"These keep what they got under your grants, as no --key is given to tell them: {names}")
        return
    person = who.person(vault)
    for each in found:
        person.revoke(account, bytes.fromhex(each["grant"]), erase=True)
