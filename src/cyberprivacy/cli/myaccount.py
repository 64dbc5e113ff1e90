"""`my sign-in`, `sign-out`, `account`, and which keys speak for it."""

import time
from pathlib import Path
from typing import Annotated, Any

import typer

from cyberprivacy.cli.myevents import Account, account_id, append
from cyberprivacy.cli.mysession import (
    NEW,
    Certificate,
    Url,
    connect,
    device,
    device_key,
    forget,
    keep_device,
    remember,
)
from cyberprivacy.cli.mywallet import Whose, with_wallet
from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.cli.times import moment
from cyberprivacy.errors import Misuse
from cyberprivacy.proposal.signing import keystore_address
from cyberprivacy.vault.client.connection import Connection
from cyberprivacy.vault.client.person import Person
from cyberprivacy.vault.key import Key
from cyberprivacy.vault.keyevent import Body, Kind


def add(my: typer.Typer) -> None:
    """Add the commands of this module."""
    at, key = "http://127.0.0.1:8300", "--key me.json"
    for name, command, example in (
        ("sign-in", with_wallet(sign_in), f"{at} --new {key}"),
        ("sign-out", sign_out, at),
        ("account", account, at),
        ("add-key", with_wallet(add_key), f"{at} eip155-eoa:… {key}"),
        ("remove-key", with_wallet(remove_key), f"{at} eip155-eoa:… {key}"),
    ):
        my.command(name, epilog=f"Example: cyberprivacy my {name} {example}")(command)


def sign_in(
    url: Url,
    *,
    new: Annotated[
        bool, typer.Option("--new", help="Begin an account first: this key, and one that this machine makes.")
    ] = False,
    also: Annotated[
        list[str] | None,
        typer.Option(
            "--also", metavar="KEYSTORE|KEY", help="Begin it with this key of yours, too: some things need two."
        ),
    ] = None,
    whose: Account = "",
    certificate: Certificate = None,
    who: Whose,
    as_json: Json = False,
) -> None:
    """Sign in; the session is kept on this machine for an hour. Your wallet shows what you sign."""
    with Connection(url, certificate=certificate) as vault:
        person = who.person(vault)
        if also and not new:
            raise Misuse("keys of an account that is there come by `add-key`", code="my.key", hint="See --new.")
        others = [_named(each) for each in also or []]
        chosen = _begun(person, others) if new else account_id(whose) if whose else None
        opened = person.sign_in(account=chosen)
    kept = remember(vault.site.uri, opened)
    value = {"url": vault.site.uri, "account": kept.account, "expires": kept.expires, "new": new}
    until = moment(kept.expires, int(time.time()))
    out.result(value, f"signed in as {kept.account} until {until}", as_json=as_json)


def _begun(person: Person, others: list[Key]) -> str:
    """An account of two keys or more: this machine's own signs beside the wallet's what is dangerous."""
    account = person.begin(also=[device_key(device(NEW)), *others])
    keep_device(account)
    out.progress("this machine has a key of its own for the account, which signs beside yours what is dangerous")
    return account


def _named(text: str) -> Key:
    """A key by its text, or by the keystore in which it is; that one is not opened."""
    if ":" in text:
        return Key.parse(text)
    return Key.of_address(bytes.fromhex(keystore_address(Path(text))[2:]))


def sign_out(
    url: Url,
    *,
    everywhere: Annotated[
        bool, typer.Option("--everywhere", help="End every session, of every application.")
    ] = False,
    certificate: Certificate = None,
    as_json: Json = False,
) -> None:
    """End the session of this machine, or all that there are."""
    vault, _ = connect(url, certificate)
    with vault:
        ended = vault.ask("DELETE", "/udi/v1/auth/sessions" if everywhere else "/udi/v1/auth/session")
    forget(vault.site.uri)
    out.result(ended, f"{ended['ended']} session(s) ended", as_json=as_json)


def account(url: Url, *, certificate: Certificate = None, as_json: Json = False) -> None:
    """Your keys, guardians, freeze and recovery, and who is signed in."""
    vault, id_ = connect(url, certificate)
    with vault:
        status = vault.ask("GET", f"/udi/v1/accounts/{id_}/status")
        sessions = vault.ask("GET", "/udi/v1/auth/sessions")["sessions"]
    now = int(time.time())
    rows = [("account", id_), ("events", str(status["seq"] + 1)), ("guardians", str(status["guardians"]))]
    rows += [("key", _key_line(each, now)) for each in status["keys"]]
    rows += [("frozen until", moment(status["frozen_until"], now))] if status["frozen"] else []
    if status["recovery"]:
        rows += [("RECOVERY", f"for {status['recovery']['key']}, {status['recovery']['approvals']} approval(s)")]
    rows += [
        (
            "session",
            f"{each['app'] or 'you'} until {moment(each['expires'], now)}{' (this one)' if each['mine'] else ''}",
        )
        for each in sessions
    ]
    out.result({**status, "sessions": sessions}, table(("what", "value"), rows), as_json=as_json)


def add_key(
    url: Url,
    which: Annotated[str, typer.Argument(metavar="KEY", help="kind:hex, such as eip155-eoa:… of another wallet.")],
    *,
    certificate: Certificate = None,
    who: Whose,
    as_json: Json = False,
) -> None:
    """Let another key speak for your account. It needs a day before it may move, erase or export."""
    new = Body(key=Key.parse(which))
    append(url, "", Kind.ADD, lambda _: new, who=who, certificate=certificate, as_json=as_json)


def remove_key(
    url: Url,
    which: Annotated[str, typer.Argument(metavar="KEY", help="As `my account` shows it.")],
    *,
    certificate: Certificate = None,
    who: Whose,
    as_json: Json = False,
) -> None:
    """Take a key off your account; its sessions end at once."""
    old = Body(key=Key.parse(which))
    append(url, "", Kind.REMOVE, lambda _: old, who=who, certificate=certificate, as_json=as_json)


def _key_line(key: Any, now: int) -> str:
    """A key, and what it may not do yet."""
    return str(key["key"]) + (
        "" if key["old"] <= now else f" (may not move, erase or export until {moment(key['old'], now)})"
    )
