"""`my grants`, `accesses`, `revoke`: whom you have allowed what, who made use of it, and its end."""

import re
import time
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import typer

from cyberprivacy import canonical
from cyberprivacy.cli.mysession import Certificate, Url, connect
from cyberprivacy.cli.mywallet import Whose, with_wallet
from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.cli.times import moment
from cyberprivacy.errors import Misuse
from cyberprivacy.review.hidden import visible
from cyberprivacy.vault import receipt
from cyberprivacy.vault.client.connection import Connection, VaultSilent

_ID: Final = re.compile(r"[0-9a-f]{32}\Z")
_PATIENCE: Final = 5.0
"""Seconds that a command waits for a recipient to confirm; the vault goes on telling it by itself."""
_WAIT: Final = 0.2
_PAGES: Final = 64
"""Pages that are asked for at most: a vault that never ends a list shall not keep anybody."""


_STANDINGS: Final = {
    "hears": "hears of the end of each record",
    "keeps": "KEEPS what it got",
    "told": "told to erase",
    "confirmed": "has erased",
    "refused": "did NOT erase",
}


def add(my: typer.Typer) -> None:
    """Add the commands of this module."""
    at = "http://127.0.0.1:8401"
    my.command("grants", epilog=f"Example: cyberprivacy my grants {at}")(grants)
    my.command("accesses", epilog=f"Example: cyberprivacy my accesses {at}")(accesses)
    my.command("revoke", epilog=f"Example: cyberprivacy my revoke {at} 0f1e… --key me.json")(with_wallet(revoke))


def grants(url: Url, *, certificate: Certificate = None, as_json: Json = False) -> None:
    """What you have allowed at a vault, newest first, also what has ended."""
    vault, _ = connect(url, certificate)
    with vault:
        found = granted(vault)
    now = int(time.time())
    rows = [
        (each["grant"], visible(each["recipient"]), _scopes(each), visible(each["purpose"]), _standing(each, now))
        for each in found
    ]
    human = table(("grant", "to", "what", "purpose", "state"), rows) if rows else "nothing is allowed here"
    out.result({"grants": found}, human, as_json=as_json)


def accesses(
    url: Url,
    *,
    grant: Annotated[str, typer.Option("--grant", metavar="ID", help="Only under this one.")] = "",
    certificate: Certificate = None,
    as_json: Json = False,
) -> None:
    """Who made use of your records, and when, oldest first."""
    query = {"grant": _id(grant)} if grant else {}
    vault, _ = connect(url, certificate)
    with vault:
        found = list(_all(vault, "/udi/v1/accesses", "accesses", query))
    now = int(time.time())
    rows = [
        (
            moment(each["at"], now),
            visible(each["who"]),
            each["action"],
            visible(each["type"]),
            str(each["records"]),
        )
        for each in found
    ]
    human = table(("when", "who", "did", "type", "records"), rows) if rows else "nobody made use of anything here"
    out.result({"accesses": found}, human, as_json=as_json)


def revoke(
    url: Url,
    grant: Annotated[str, typer.Argument(metavar="ID", help="As `my grants` shows it.")],
    *,
    erase: Annotated[
        bool, typer.Option("--erase", help="The recipient also erases what it got, and signs that it did.")
    ] = False,
    certificate: Certificate = None,
    who: Whose,
    as_json: Json = False,
) -> None:
    """Take a grant back, by your signature. What listens under it ends at once.

    What the recipient got already, it keeps, unless you say --erase: then the vault tells it until it confirms.
    `my grants` shows whether it has.
    """
    id_ = _id(grant)
    vault, account = connect(url, certificate)
    with vault:
        if id_ not in (each["grant"] for each in granted(vault)):
            raise Misuse(
                "you have allowed no such thing here", code="my.grant", hint="See `my grants`.", grant=id_
            )
        who.person(vault).revoke(account, bytes.fromhex(id_), erase=erase)
        told = _erasing(vault, id_) if erase else None
    human = f"taken back: {id_}" + (f"; {erasing_words(told)}" if erase else "")
    out.result({"grant": id_, "revoked": True, "erasing": told}, human, as_json=as_json)


def granted(vault: Connection) -> list[Mapping[str, Any]]:
    """What somebody has allowed at a vault, newest first, also what has ended."""
    return list(_all(vault, "/udi/v1/grants", "grants", {}))


def _erasing(vault: Connection, grant: str) -> Any:
    """How it stands with the recipient, once it has confirmed or the time that a person likes to wait is over."""
    end = time.monotonic() + _PATIENCE
    while True:
        told = next((each["erasing"] for each in granted(vault) if each["grant"] == grant), None)
        if told is None or told["state"] != "told" or told["why"] or time.monotonic() > end:
            return told
        time.sleep(_WAIT)


def erasing_words(told: Mapping[str, Any] | None) -> str:
    """How it stands with a recipient that was told to erase, in words; its receipt is checked."""
    if told is None:
        return "nobody got anything under it"
    if told["state"] == "confirmed":
        said = receipt.check(canonical.encode(told["receipt"]), bytes.fromhex(told["holder"]))
        return "erased there, with a signed receipt" + _onward(said.get("recipients"))
    if told["why"] == "grant.unknown":
        return "nothing came there, it says"
    why = f" ({visible(told['why'])})" if told["why"] else ""
    if told["state"] == "refused":
        return f"NOT erased there{why}; it is told no more"
    return f"told to erase, has not confirmed yet{why}"


def _onward(recipients: object) -> str:
    """To whom it had given on what it erased, and how it stood with each."""
    found = [each for each in recipients if isinstance(each, dict)] if isinstance(recipients, list) else []
    told = [
        f"{visible(str(each.get('app')))[:128]} ({_STANDINGS.get(str(each.get('state')), '?')})" for each in found
    ]
    return (
        f"; under other grants of yours, to be taken back there, it had given on to {', '.join(told)}"
        if told
        else ""
    )


def _all(vault: Connection, path: str, name: str, query: Mapping[str, str]) -> Iterator[Mapping[str, Any]]:
    """Every entry of a list that comes in pages."""
    asked: dict[str, str | int] = {**query, "limit": 250}
    for _ in range(_PAGES):
        page = vault.ask("GET", path, query=asked)
        yield from page[name]
        if page["next"] is None:
            return
        asked["after"] = page["next"]
    raise VaultSilent("the list does not end", code="vault.answer", entries=250 * _PAGES)


def _id(text: str) -> str:
    if not _ID.match(text):
        raise Misuse(
            "not the id of a grant", code="my.grant", hint="32 hex digits; see `my grants`.", got=text[:80]
        )
    return text


def _scopes(grant: Mapping[str, Any]) -> str:
    return "; ".join(
        f"{', '.join(each['actions'])} {each['type']}"
        + ("" if each["selector"] == "all" else f" where {each['selector']}")
        for each in grant["scopes"]
    )


def _standing(grant: Mapping[str, Any], now: int) -> str:
    """Whether it counts, and how often it was used."""
    if grant["revoked"]:
        used = f"taken back; used {grant['uses']} times"
        return f"{used}; {erasing_words(grant['erasing'])}" if grant["erasing"] else used
    if grant["expires"] <= now:
        return f"ended {moment(grant['expires'], now)}; used {grant['uses']} times"
    limit = f" of {grant['max_uses']}" if grant["max_uses"] else ""
    return f"{grant['mode']} until {moment(grant['expires'], now)}; used {grant['uses']}{limit} times"
