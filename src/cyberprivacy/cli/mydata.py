"""`my data`, `export`, `import`: what is kept about you, and how it comes out and in."""

import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn

from cyberprivacy.cli.mysession import Certificate, Url, connect
from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.errors import Misuse, TryLater, Untrusted
from cyberprivacy.review.hidden import visible
from cyberprivacy.vault.archivefile import Archive
from cyberprivacy.vault.client.connection import Connection

PART: Final = 3 << 20
"""Bytes of one part of an import."""
LINES: Final = 500
PIECE: Final = 256 << 10
"""Bytes of one part of a blob."""
TOLD: Final = 1
"""Seconds after which somebody who waits for an archive is told how far it is."""
WAIT: Final = 0.3
"""Seconds between two questions how far an erasure is."""

App = Annotated[str, typer.Option("--app", metavar="NAME", help="Of which application, as `my data` lists them.")]


def add(my: typer.Typer) -> None:
    """Add the commands of this module."""
    at = "http://127.0.0.1:8300"
    my.command("data", epilog=f"Example: cyberprivacy my data {at}")(data)
    my.command("export", epilog=f"Example: cyberprivacy my export {at} --to export.udi.zip")(export)
    my.command("import", epilog=f"Example: cyberprivacy my import {at} export.udi.zip")(import_)


def data(url: Url, *, certificate: Certificate = None, as_json: Json = False) -> None:
    """What is kept about you: by application and type, how many records and bytes."""
    vault, _ = connect(url, certificate)
    with vault:
        held = vault.ask("GET", "/udi/v1/data")
    rows = [
        (visible(each["app"] or "(exports)"), visible(kind["type"]), str(kind["records"]), str(kind["bytes"]))
        for each in held["apps"]
        for kind in each["types"]
    ]
    empty = "nothing is kept about you here"
    out.result(held, table(("application", "type", "records", "bytes"), rows) if rows else empty, as_json=as_json)


def export(
    url: Url,
    *,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="Where the archive goes; must not exist.")],
    keep: Annotated[bool, typer.Option("--keep", help="Leave the archive at the vault, too.")] = False,
    certificate: Certificate = None,
    as_json: Json = False,
) -> None:
    """Take everything out, as one archive for people and programs. It is checked, then removed at the vault.

    A fetch that was cut off goes on where it was if you type the same again.
    """
    if to.exists():
        raise Misuse("there is a file of this name already", code="my.file", path=str(to))
    vault, _ = connect(url, certificate)
    with vault:
        key = bytes.fromhex(str(vault.ask("GET", "/.well-known/udi")["key"]))
        found = _ready(vault)
        partial = to.with_name(f"{to.name}.{found['id'][:8]}.part")
        _fetch(vault, found, partial)
        with Archive.open(partial) as archive:
            if archive.signer != key:
                raise Untrusted("signed by another key than this vault's", code="archive.signature")
            archive.check()
            value = {
                "archive": str(to),
                "size": found["size"],
                "sha256": found["sha256"],
                "apps": list(archive.apps),
            }
        partial.rename(to)
        if not keep:
            vault.ask("POST", f"/udi/v1/exports/{found['id']}:acknowledge")
    out.result(value, f"{to}  ({found['size']} bytes, checked; open README.html in it)", as_json=as_json)


def import_(
    url: Url,
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="An archive that `my export` made, here or elsewhere.")
    ],
    *,
    app: App = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would happen.")] = False,
    certificate: Certificate = None,
    as_json: Json = False,
) -> None:
    """Bring an archive in. Records keep their ids and bytes; doing it again changes nothing.

    Ends with 1 if records did not come in; they are listed with the reason.
    """
    vault, _ = connect(url, certificate)
    total = {"created": 0, "same": 0}
    refused: list[dict[str, str]] = []
    blobs = 0
    with vault, Archive.open(file) as archive:
        wanted = [app] if app else list(archive.apps)
        for name in wanted:
            if name not in archive.apps:
                raise Misuse(
                    "the archive has no such application", code="my.app", app=name, has=list(archive.apps)
                )
        with _bar("importing", None) as bar:
            for name in wanted:
                if not dry_run:
                    blobs += sum(upload(vault, archive, name, digest) for digest in archive.blobs(name))
                for part, count in _parts(archive.lines(name)):
                    done = vault.ask(
                        "POST", "/udi/v1/imports", query={"app": name, "dry": str(dry_run).lower()}, octets=part
                    )
                    total = {each: total[each] + int(done[each]) for each in total}
                    refused += [{**each, "app": name} for each in done["refused"]]
                    bar.advance(bar.task_ids[0], count)
        signer = archive.signer.hex()
    value = {**total, "blobs": blobs, "refused": refused, "dry_run": dry_run, "signer": signer}
    would = "would be " if dry_run else ""
    rows = [(visible(each["app"]), each["id"], visible(each["code"])) for each in refused]
    counted = f"{total['created']} {would}created, {total['same']} there already, {len(refused)} refused"
    out.result(value, counted, as_json=as_json)
    if refused:
        if not as_json:
            out.human(table(("application", "record", "why not"), rows[:100]))
        raise typer.Exit(1)


def _ready(vault: Connection) -> Mapping[str, Any]:
    """An export that is ready: one that waits for us already, or a new one."""
    known = vault.ask("GET", "/udi/v1/exports")["exports"]
    usable = [each for each in known if each["state"] != "failed"]
    found: Mapping[str, Any] = usable[0] if usable else vault.ask("POST", "/udi/v1/exports")
    with waiting("gathering") as tell:
        while found["state"] == "waiting":
            found = vault.ask("GET", f"/udi/v1/exports/{found['id']}", query={"seconds": TOLD})
            tell(f"{found['done']} records")
    if found["state"] != "ready":
        raise TryLater(
            "the export failed", code=str(found["code"]), hint="Ask again; tell whoever runs the vault."
        )
    return found


def _fetch(vault: Connection, export: Mapping[str, Any], file: Path) -> None:
    """An archive into a file, from where an earlier try ended; compared with its checksum."""
    have = file.stat().st_size if file.exists() else 0
    have = have if have < export["size"] else 0
    with file.open("ab" if have else "wb") as opened, _bar("fetching", export["size"]) as bar:
        bar.advance(bar.task_ids[0], have)
        path = f"/udi/v1/exports/{export['id']}/archive"
        headers = {"Range": f"bytes={have}-"} if have else {}
        with vault.stream("GET", path, headers=headers) as answer:
            for part in answer.iter_raw():
                opened.write(part)
                bar.advance(bar.task_ids[0], len(part))
        opened.flush()
        os.fsync(opened.fileno())
    digest = sha256()
    with file.open("rb") as opened:
        while piece := opened.read(1 << 20):
            digest.update(piece)
    if digest.hexdigest() != export["sha256"]:
        file.unlink()
        raise Untrusted(
            "what was fetched is not the archive", code="archive.checksum", hint="Type the same again."
        )


def upload(vault: Connection, archive: Archive, app: str, digest: str) -> bool:
    """A blob of an archive, from where an earlier upload ended; whether there was anything to do."""
    size, path = archive.blobs(app)[digest], f"/udi/v1/blobs/{digest}"
    try:
        known = vault.ask("GET", f"{path}/status", query={"app": app})
    except Misuse as error:
        if error.code not in ("blob.none", "owner.none"):
            raise
        known = {"received": 0, "whole": False}
    if known["whole"]:
        return False
    have, offset = int(known["received"]), 0
    for part in _pieces(archive.blob(app, digest), PIECE):
        if offset >= have:
            vault.ask("PUT", path, query={"app": app, "size": size, "offset": offset}, octets=part)
        offset += len(part)
    return True


def _pieces(parts: Iterator[bytes], size: int) -> Iterator[bytes]:
    """The same bytes in pieces of one size; at least one, which may be empty."""
    held = bytearray()
    for part in parts:
        held += part
        while len(held) > size:
            yield bytes(held[:size])
            held = held[size:]
    yield bytes(held)


def _parts(lines: Iterator[bytes]) -> Iterator[tuple[bytes, int]]:
    """Lines as many as one request takes, and how many they are."""
    held: list[bytes] = []
    size = 0
    for each in lines:
        if held and (size + len(each) > PART or len(held) >= LINES):
            yield b"".join(held), len(held)
            held, size = [], 0
        held.append(each)
        size += len(each)
    if held:
        yield b"".join(held), len(held)


@contextmanager
def _bar(what: str, total: int | None) -> Iterator[Progress]:
    """A bar on stderr, where somebody watches."""
    columns = (
        TextColumn(what),
        BarColumn(),
        DownloadColumn() if total else TextColumn("{task.completed} records"),
    )
    with Progress(
        *columns, TimeRemainingColumn(), console=out.errors, disable=not out.terminal, transient=True
    ) as bar:
        bar.add_task(what, total=total)
        yield bar


@contextmanager
def waiting(what: str) -> Iterator[Any]:
    """A line on stderr that says how far it is, where somebody watches."""
    with out.errors.status(what) if out.terminal else _quiet() as status:
        yield (lambda how: status.update(f"{what}: {how}")) if status is not None else (lambda _: None)


@contextmanager
def _quiet() -> Iterator[None]:
    yield None
