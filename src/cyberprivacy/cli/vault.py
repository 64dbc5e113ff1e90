"""`vault serve`: keep people's data for applications, in one command."""

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from cyberprivacy.bundle import typefolder
from cyberprivacy.bundle.datatype import DataType
from cyberprivacy.cli.judging import Judging, with_judging
from cyberprivacy.cli.output import out, verbatim
from cyberprivacy.cli.serving import log_to_stderr, socket_at
from cyberprivacy.cli.vendors import Vendors, with_vendors
from cyberprivacy.errors import Misuse
from cyberprivacy.vault.home import KEEPING, NOWHERE, Own
from cyberprivacy.vault.place import Place, Site
from cyberprivacy.vault.recipient import Declared

DEVELOPMENT = (
    "DEVELOPMENT: keys lie in a file beside the data. Whoever can read this machine's disk can read everything. "
    "Keep nothing here that matters."
)

EXAMPLE = """Example: cyberprivacy vault serve --data ./vault

With PostgreSQL, behind a TLS front, for two applications:
  cyberprivacy vault serve --data /var/lib/vault --database postgresql://vault@/vault \\
    --url https://data.example --app shop=https://shop.example --app books=https://books.example

One whose people grant others their orders, also to applications that have to prove what they are:
  cyberprivacy vault serve --data ./vault --app shop --shares shop --types ./types --rpc https://rpc.example
"""


def register(app: typer.Typer) -> None:
    """Add `vault serve`."""
    vault = typer.Typer(help="Keep people's data for applications.", no_args_is_help=True, rich_markup_mode=None)
    vault.command("serve", epilog=verbatim(EXAMPLE))(with_judging(with_vendors(serve)))
    app.add_typer(vault, name="vault")


def serve(  # noqa: PLR0913, PLR0917  # each is one option of the command line
    data: Annotated[
        Path, typer.Option("--data", metavar="DIR", help="Where keys and, by default, data are kept.")
    ],
    database: Annotated[
        str, typer.Option(metavar="URL", help="postgresql://user@host/name instead of SQLite in --data.")
    ] = "",
    listen: Annotated[str, typer.Option(metavar="HOST:PORT")] = "127.0.0.1:8300",
    url: Annotated[
        str, typer.Option(metavar="URL", help="Where people reach it, if a TLS front stands before it.")
    ] = "",
    app: Annotated[
        list[str],
        typer.Option("--app", metavar="NAME[=URL]", help="An application that keeps data here; repeat for more."),
    ] = [],  # noqa: B006 - typer copies it
    shares: Annotated[
        str,
        typer.Option(
            "--shares", metavar="NAME", help="Which application shares, if there are several: one for each vault."
        ),
    ] = "",
    types: Annotated[
        Path | None,
        typer.Option("--types", metavar="DIR", help="Data types to declare: NAME.json, a JSON Schema each."),
    ] = None,
    network: Annotated[
        str, typer.Option(metavar="NAME", help="Names the domain of what people sign.")
    ] = "cyberprivacy:dev",
    origin: Annotated[
        list[str], typer.Option(metavar="URL", help="Web pages from there may call it (CORS); repeat for more.")
    ] = [],  # noqa: B006
    purpose: Annotated[
        list[str],
        typer.Option(
            "--purpose", metavar="TEXT", help="What it may be granted others' records for; repeat for more."
        ),
    ] = [KEEPING],  # noqa: B006
    source: Annotated[
        list[str],
        typer.Option(
            "--source",
            metavar="NAME=URL",
            help="Another vault: it may be followed, and records brought from it; repeat for more.",
        ),
    ] = [],  # noqa: B006
    front: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="Address of the TLS front, which says who asks (X-Forwarded-For)."),
    ] = "",
    *,
    judging: Judging,
    vendors: Vendors,
) -> None:
    """Serve a vault until interrupted. One process; one vault for each --data."""
    from cyberprivacy.vault.web import server
    from cyberprivacy.vault.web.opening import opened

    log_to_stderr()
    with socket_at(listen, code="vault.listen") as bound:
        host = listen.rpartition(":")[0]
        site = Site.parse(url or f"http://{host}:{bound.getsockname()[1]}")
        apps, sources = (dict(_app(each, site) for each in named) for named in (app, source))
        place = Place(site, network, apps=apps, sources=sources)
        declared, prover = _types(types), judging.prover(vendors, local=site.local, clock=time.time)
        own = _own(shares, place, declared, purpose)
        contracts = judging.contracts()
        with opened(data, database, place, types=declared, own=own, prover=prover, contracts=contracts) as vault:
            out.progress(f"serving a vault at {site.uri}  (data in {data}; stop it with Ctrl-C)")
            out.progress(_told(own, data))
            if vault.development:
                out.warning(DEVELOPMENT)
            server.prepared(vault.application(origins=origin), front=front).run(sockets=[bound])


def _told(own: Own | None, data: Path) -> str:
    """What is not done here, or who remembers receipts."""
    if own is None:
        return "nothing is shared or moved from or to here: say which application does that (--shares)"
    return f"receipts of transfers are remembered in {data}/receipts.ledger, with proofs; nobody else witnesses it"


def _app(text: str, site: Site) -> tuple[str, Site]:
    """NAME=URL, or NAME alone for an application at the vault's own address."""
    name, equals, uri = text.partition("=")
    return name, Site.parse(uri) if equals else site


def _own(name: str, place: Place, types: Sequence[DataType], purposes: Sequence[str]) -> Own | None:
    """The application that shares: the one of this name, or the only one; None where neither is there."""
    if not name and len(place.apps) != 1:
        return None
    chosen = name or next(iter(place.apps))
    place.of(chosen)  # refuses a name that is not among --app
    return Own.of(chosen, NOWHERE, Declared(frozenset(each.name for each in types), frozenset(purposes)))


def _types(folder: Path | None) -> Sequence[DataType]:
    """The data types of a folder."""
    if folder is None:
        return ()
    if not folder.is_dir():
        raise Misuse("no such folder of data types", code="vault.types", path=str(folder))
    return typefolder.load(folder)
