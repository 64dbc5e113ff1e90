"""What a person asks of a security application: protection now, and help when a key is lost or stolen."""

import io
import json
import os
import re
import sys
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any, Final

import segno
import typer

from cyberprivacy.canonical import nested_within
from cyberprivacy.cli.myevents import account_id
from cyberprivacy.cli.mysession import Certificate, session
from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.cli.times import moment
from cyberprivacy.errors import Misuse, Untrusted
from cyberprivacy.review.hidden import visible
from cyberprivacy.vault.carriage import SignedGrant
from cyberprivacy.vault.client.connection import Connection, VaultSilent
from cyberprivacy.vault.cosigning import Proof
from cyberprivacy.vault.key import Key

_LIMIT: Final = 64 << 10
_LAST: Final = 1 << 37
"""POSIX seconds that a calendar still has."""
_GIVEN: Final = {
    "id": re.compile(r"[0-9a-f]{32}"),
    "paper": re.compile(r"[0-9a-f]{32}"),
    "phone": re.compile(r"otpauth://totp/[!-~]{1,1000}"),
    "card": re.compile(r"guardian1:[0-9a-f]{64}:[0-9a-f]{64}"),
}
_WHY: Final = "Look at the account: `cyberprivacy my account`. A new guardian counts after seven days."
_PHONE: Final = re.compile(r"[0-9]{6}\Z")

Paper = Annotated[
    Path, typer.Option("--paper", metavar="FILE", help="What `security enrol` wrote; keep it on paper or offline.")
]
PhoneCode = Annotated[
    Path | None,
    typer.Option("--phone-code", metavar="FILE", help="The code that the phone shows; without it you are asked."),
]


def add(security: typer.Typer) -> None:
    """Add the commands of this module."""
    at, paper = "http://127.0.0.1:8400", "--paper paper.json"
    for name, command, example in (
        ("enrol", enrol, f"{at} http://127.0.0.1:8300 {paper}"),
        ("freeze", freeze, paper),
        ("recover", recover, f"{paper} --new-key eip155-eoa:…"),
        ("cancel", cancel, f"{paper} 0f1e…"),
        ("cosign", cosign, f"{paper} grant.json --to cosigned.json"),
        ("requests", requests, f"{at} --account 9a7c…"),
    ):
        security.command(name, epilog=f"Example: cyberprivacy security {name} {example}")(command)


def enrol(
    security: Annotated[str, typer.Argument(metavar="SECURITY", help="Of the security application.")],
    vault: Annotated[str, typer.Argument(metavar="VAULT", help="Where the account is.")],
    *,
    paper: Annotated[
        Path, typer.Option(metavar="FILE", help="Where to write what belongs on paper; must not exist.")
    ],
    account: Annotated[str, typer.Option(metavar="ID", help="Without it, the one that is signed in there.")] = "",
    certificate: Certificate = None,
    as_json: Json = False,
) -> None:
    """Let a security application help you: a file for paper, a code for the phone, a card for your account."""
    vault = vault.rstrip("/")
    whose = account_id(account) if account else session(vault).account
    if paper.exists():
        raise Misuse(
            "this file is there already", code="security.paper", path=str(paper), hint="Name another one."
        )
    with Connection(security, certificate=certificate) as desk:
        made = _given(desk.ask("POST", "/security/v1/people", body={"vault": vault, "account": whose}))
    kept = {"security": desk.site.uri, "vault": vault, "account": whose, "id": made["id"], "paper": made["paper"]}
    with os.fdopen(os.open(paper, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(json.dumps(kept, indent=1) + "\n")
    shown = {"paper": str(paper), "phone": made["phone"], "card": made["card"], "account": whose}
    out.result(shown, _told(shown, vault), as_json=as_json)


def freeze(*, paper: Paper, certificate: Certificate = None, as_json: Json = False) -> None:
    """Stop grants, moves, erasing and exports of your account at once. The paper is enough."""
    _ask(paper, "freezes", {}, None, certificate, as_json=as_json)


def recover(
    *,
    paper: Paper,
    new_key: Annotated[str, typer.Option(metavar="KEY", help="Your new key, kind:hex.")],
    phone_code: PhoneCode = None,
    certificate: Certificate = None,
    as_json: Json = False,
) -> None:
    """Ask for a new key because the old ones are lost: both checks, then a delay in everybody's sight."""
    _ask(paper, "recoveries", {"key": Key.parse(new_key).text}, _phone(phone_code), certificate, as_json=as_json)


def cancel(
    request: Annotated[str, typer.Argument(metavar="REQUEST", help="Its number, as it was shown.")],
    *,
    paper: Paper,
    certificate: Certificate = None,
    as_json: Json = False,
) -> None:
    """End a request that waits. The paper is enough; with a key of the account, use `my cancel`."""
    _ask(paper, "cancels", {"request": request}, None, certificate, as_json=as_json)


def cosign(
    grant: Annotated[Path, typer.Argument(metavar="GRANT", help="The grant that you have signed, as it travels.")],
    *,
    paper: Paper,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="Where to write the grant with both.")],
    phone_code: PhoneCode = None,
    certificate: Certificate = None,
    as_json: Json = False,
) -> None:
    """Get a second signature over a grant that you have signed. Both checks."""
    signed = SignedGrant.decode(_bytes(grant))
    sent = {"grant": signed.encode().decode()}
    said = _said(paper, "cosignatures", sent, _phone(phone_code), certificate)
    second = Proof.read(said)
    to.write_bytes(replace(signed, cosigned=second).encode())
    out.result({"key": second.key.text, "grant": str(to)}, f"cosigned by {second.key}: {to}", as_json=as_json)


def requests(
    security: Annotated[str, typer.Argument(metavar="SECURITY", help="Of the security application.")],
    *,
    account: Annotated[str, typer.Option(metavar="ID", help="Of the account; anybody who knows it may ask.")],
    certificate: Certificate = None,
    as_json: Json = False,
) -> None:
    """What was asked about an account, newest first."""
    with Connection(security, certificate=certificate) as desk:
        said = desk.ask("GET", f"/security/v1/accounts/{account_id(account)}/requests")
    listed = said.get("requests") if isinstance(said, dict) else None
    found, now = [_request(each) for each in listed or ()], int(time.time())
    rows = [
        (*(visible(each[name] or "") for name in ("id", "act", "key", "state")), moment(each["due"], now))
        for each in found
    ]
    human = table(("request", "act", "new key", "state", "due"), rows) if rows else "nothing was asked"
    out.result({"requests": found}, human, as_json=as_json)


def _ask(
    paper: Path, where: str, more: Mapping[str, str], phone: str | None, certificate: Path | None, *, as_json: bool
) -> None:
    said = _request(_said(paper, where, more, phone, certificate))
    if said["state"] == "refused":
        raise Untrusted(
            "it was refused", code=visible(str(said["code"]))[:60], hint=_WHY, request=visible(said["id"])
        )
    due = moment(said["due"], int(time.time()))
    told = f"{visible(said['act'])}: {visible(said['state'])}, due {due}\nrequest  {visible(said['id'])}"
    if said["code"]:
        told += f"\nwaits for [{visible(said['code'])}]; it is tried again"
    out.result(said, told, as_json=as_json)


def _said(
    paper: Path, where: str, more: Mapping[str, str], phone: str | None, certificate: Path | None
) -> Mapping[str, Any]:
    kept = _kept(paper)
    body = {"id": kept["id"], "paper": kept["paper"], "phone": phone or "", **more}
    with Connection(kept["security"], certificate=certificate) as desk:
        said: Mapping[str, Any] = desk.ask("POST", f"/security/v1/{where}", body=body)
    return said


def _given(said: Any) -> dict[str, str]:
    """What `enrol` is told, if each part has its form: a stranger's words reach neither terminal nor file."""
    match said:
        case dict() if all(form.fullmatch(str(said.get(name))) for name, form in _GIVEN.items()):
            return {name: str(said[name]) for name in _GIVEN}
    raise VaultSilent("what answers there is no security application", code="security.answer")


def _request(said: Any) -> Mapping[str, Any]:
    """A request as a security application tells it."""
    match said:
        case {"id": str(), "act": str(), "state": str(), "code": str(), "due": int(due), "key": str() | None} if (
            0 <= due < _LAST
        ):
            told: Mapping[str, Any] = said
            return told
    raise VaultSilent("what answers there is no security application", code="security.answer")


def _kept(paper: Path) -> Mapping[str, str]:
    """What `enrol` wrote."""
    data = _bytes(paper)
    try:
        value = json.loads(data) if nested_within(data, 2) else None
    except ValueError:
        value = None
    match value:
        case {"security": str(security), "id": str(id_), "paper": str(code)}:
            return {"security": security, "id": id_, "paper": code}
    raise Misuse("not what `security enrol` wrote", code="security.paper", path=str(paper))


def _bytes(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            return opened.read(_LIMIT)
    except OSError as error:
        raise Misuse("a file cannot be read", code="security.file", path=str(file), why=error.strerror) from None


def _phone(file: Path | None) -> str:
    """The one-time code: from a file, or asked for, so that it is in no list of processes."""
    if file is not None:
        code = _bytes(file).decode(errors="replace").strip()
    elif sys.stdin.isatty():
        code = typer.prompt("Code that the phone shows", err=True).strip()
    else:
        raise Misuse(
            "nobody is there to type the phone's code", code="security.phone", hint="Give --phone-code FILE."
        )
    if not _PHONE.match(code):
        raise Misuse("not a one-time code", code="security.phone", hint="Six digits.")
    return code


def _told(shown: Mapping[str, str], vault: str) -> str:
    """What to do with each of the three; the phone's secret also as a picture to photograph."""
    picture = io.StringIO()
    segno.make(shown["phone"], error="m").terminal(picture, compact=True)
    return "\n".join(
        (
            f"1. Print {shown['paper']} and take it off this machine: whoever has it can freeze your account.",
            "2. Show this to the app for one-time codes on your phone (it is shown this once):",
            f"{picture.getvalue()}   {shown['phone']}",
            "3. Let your account know it, beside your other guardians; it counts after seven days:",
            f"   cyberprivacy my guardians {vault} {shown['card']} --key …",
        )
    )
