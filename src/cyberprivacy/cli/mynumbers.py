"""`my write`, `my sum`: records with numbers that only you can read, and sums that a vault makes blindly."""

import secrets
import sys
from pathlib import Path
from typing import Annotated, Final

import typer
from platformdirs import user_state_path

from cyberprivacy.cli.mydata import App
from cyberprivacy.cli.mysession import Certificate, Url, connect
from cyberprivacy.cli.output import Json, out
from cyberprivacy.errors import Misuse
from cyberprivacy.vault.types import MAX_BODY

Type = Annotated[str, typer.Argument(metavar="TYPE", help="Of the records, as the vault declares it.")]
KeyFile = Annotated[
    Path | None,
    typer.Option("--number-key", metavar="FILE", help="The key of your numbers, if it is not in its usual place."),
]
_STDIN: Final = "-"


def add(my: typer.Typer) -> None:
    """Add the commands of this module."""
    at, kind = "http://127.0.0.1:8300", "example.notes.weight.v1"
    my.command("write", epilog=f"Example: cyberprivacy my write {at} {kind} day.json --app notes --encrypt grams")(
        write
    )
    my.command("sum", epilog=f"Example: cyberprivacy my sum {at} {kind} grams --app notes")(sum_)


def write(
    url: Url,
    kind: Type,
    file: Annotated[str, typer.Argument(metavar="FILE", help="A record in JSON; - reads it from stdin.")],
    *,
    app: App,
    encrypt: Annotated[
        list[str],
        typer.Option(
            "--encrypt",
            metavar="FIELD",
            help="Encrypt the number in this field; each such field has to be named.",
        ),
    ] = [],  # noqa: B006 - typer copies it
    number_key: KeyFile = None,
    certificate: Certificate = None,
    as_json: Json = False,
) -> None:
    """Write a record of yours, with numbers encrypted on this machine before the vault sees them.

    The key is made when it is first needed, and stays here. Keep a copy: without it nobody reads the numbers.
    """
    from cyberprivacy.vault.client import numbers

    document = _document(file)
    vault, account = connect(url, certificate)
    with vault:
        declared = numbers.declared(vault, kind)
        where = number_key or _usual(account)
        key = _key(where) if encrypt else b""
        body = numbers.encrypted(declared, document, encrypt, key) if encrypt or declared.encrypted() else document
        made = vault.ask(
            "POST",
            "/udi/v1/records",
            query={"type": kind, "app": app},
            octets=body,
            headers={"Idempotency-Key": secrets.token_hex(16)},
        )
    value = {"record": made["id"], "encrypted": sorted(encrypt)}
    told = f"  ({', '.join(sorted(encrypt))} encrypted)" if encrypt else ""
    out.result(value, f"written: {made['id']}{told}", as_json=as_json)


def sum_(
    url: Url,
    kind: Type,
    field: Annotated[str, typer.Argument(metavar="FIELD", help="In which the numbers stand encrypted.")],
    *,
    app: App,
    where: Annotated[
        str,
        typer.Option("--where", metavar="SELECTOR", help='Only these records: since:1790000000, or day = "Mon".'),
    ] = "all",
    number_key: KeyFile = None,
    certificate: Certificate = None,
    as_json: Json = False,
) -> None:
    """Have numbers added up by a vault that cannot read them; the sum is decrypted here.

    Nothing proves that a vault added all of them, or only yours.
    """
    from cyberprivacy.vault.client import numbers

    vault, account = connect(url, certificate)
    key = numbers.read_key(number_key or _usual(account))
    with vault:
        query = {"type": kind, "field": field, "app": app, "selector": where}
        found = numbers.summed(vault, query, key)
    average = None if not found.count else f"{found.total / found.count:.3f}"
    value = {"sum": found.total, "count": found.count, "average": average}
    human = f"{found.total}  (of {found.count} numbers, average {average})" if found.count else "nothing to add"
    out.result(value, human, as_json=as_json)


def _document(file: str) -> bytes:
    try:
        if file == _STDIN:
            return sys.stdin.buffer.read(MAX_BODY + 1)
        with Path(file).open("rb") as opened:
            return opened.read(MAX_BODY + 1)
    except OSError as error:
        raise Misuse("the record cannot be read", code="my.file", path=file, why=error.strerror) from None


def _usual(account: str) -> Path:
    """Where an account's key lies: the same for all vaults, as records move between them."""
    return user_state_path("cyberprivacy") / "number-keys" / account


def _key(where: Path) -> bytes:
    from cyberprivacy.vault.client import numbers

    if not where.exists():
        out.warning(f"made a key for your numbers: {where}. Keep a copy; without it nobody can read them.")
    return numbers.make_key(where) if not where.exists() else numbers.read_key(where)
