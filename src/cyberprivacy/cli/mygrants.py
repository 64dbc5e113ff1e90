"""`my grants`, `accesses`, `revoke`: whom you have allowed what, who made use of it, and its end."""

import re
import time
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final

import typer

from cyberprivacy.cli.keys import Signing, with_signer
from cyberprivacy.cli.mysession import Certificate, SignerWallet, Url, connect
from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.cli.times import moment
from cyberprivacy.errors import Misuse
from cyberprivacy.review.hidden import visible
from cyberprivacy.vault.client.connection import Connection, VaultSilent
from cyberprivacy.vault.client.person import Person

_ID: Final = re.compile(r"[0-9a-f]{32}\Z")
_PAGES: Final = 64
"""Pages that are asked for at most: a vault that never ends a list shall not keep anybody."""


def add(my: typer.Typer) -> None:
    """Add the commands of this module."""
    at = "http://127.0.0.1:8401"
    my.command("grants", epilog=f"Example: cyberprivacy my grants {at}")(grants)
    my.command("accesses", epilog=f"Example: cyberprivacy my accesses {at}")(accesses)
    my.command("revoke", epilog=f"Example: cyberprivacy my revoke {at} 0f1e… --key me.json")(with_signer(revoke))


def grants(url: Url, *, certificate: Certificate = None, as_json: Json = False) -> None:
    """What you have allowed at a vault, newest first, also what has ended."""
    vault, _ = connect(url, certificate)
    with vault:
        found = list(_all(vault, "/udi/v1/grants", "grants", {}))
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
    certificate: Certificate = None,
    who: Signing,
    as_json: Json = False,
) -> None:
    """Take a grant back, by your signature. What listens under it ends at once; what it got already, it has."""
    id_ = _id(grant)
    vault, account = connect(url, certificate)
    with vault:
        if id_ not in (each["grant"] for each in _all(vault, "/udi/v1/grants", "grants", {})):
            raise Misuse(
                "you have allowed no such thing here", code="my.grant", hint="See `my grants`.", grant=id_
            )
        Person(vault, SignerWallet.of(who)).revoke(account, bytes.fromhex(id_))
    out.result({"grant": id_, "revoked": True}, f"taken back: {id_}", as_json=as_json)


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
        return f"taken back; used {grant['uses']} times"
    if grant["expires"] <= now:
        return f"ended {moment(grant['expires'], now)}; used {grant['uses']} times"
    limit = f" of {grant['max_uses']}" if grant["max_uses"] else ""
    return f"{grant['mode']} until {moment(grant['expires'], now)}; used {grant['uses']}{limit} times"
