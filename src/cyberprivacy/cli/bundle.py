"""`pack` and `bundle …`: make bundles, read them from anywhere, serve them."""

import base64
import sys
from pathlib import Path, PurePosixPath
from typing import Annotated, Final

import typer

from cyberprivacy.bundle import serve
from cyberprivacy.bundle.kubo import Kubo
from cyberprivacy.bundle.pack import IGNORED, pack
from cyberprivacy.bundle.panel import Panel
from cyberprivacy.bundle.reading import Reading
from cyberprivacy.bundle.space import on_disk
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.bundle.tree import TreeBlocks
from cyberprivacy.cid import Cid
from cyberprivacy.cli import pins
from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.cli.sources import Sources, Store, kept, with_sources
from cyberprivacy.errors import Misuse

_EXAMPLE_CID: Final = "bafybei…"


def register(app: typer.Typer) -> None:
    """Add the commands of this room."""
    from cyberprivacy.cli import group

    app.command("pack", epilog="Example: cyberprivacy pack ./guestbook --car guestbook.car")(_pack)
    bundle = group("bundle", "Fetch, read, serve and host bundles by CID.")
    example = f"Example: cyberprivacy bundle {{}} {_EXAMPLE_CID}{{}} -g https://gateway.example"
    bundle.command("fetch", epilog=example.format("fetch", "") + " --to ./source")(with_sources(_fetch))
    bundle.command("ls", epilog=example.format("ls", "/app"))(with_sources(_ls))
    bundle.command("cat", epilog=example.format("cat", "/Dockerfile"))(with_sources(_cat))
    bundle.command("serve", epilog="Example: cyberprivacy bundle serve --store ./store --listen 127.0.0.1:8080")(
        _serve
    )
    bundle.command("push", epilog="Example: cyberprivacy bundle push ./guestbook --kubo http://127.0.0.1:5001")(
        _push
    )
    pins.register(bundle)


def _pack(
    directory: Annotated[Path, typer.Argument(metavar="DIR", help="Directory with cyberprivacy.yaml in it.")],
    car: Annotated[Path | None, typer.Option("--car", metavar="FILE", help="Write the bundle as a CAR.")] = None,
    store: Annotated[Path | None, typer.Option("--store", metavar="DIR", help="Keep the blocks there.")] = None,
    everything: Annotated[bool, typer.Option("--everything", help="Leave nothing out.")] = False,
    as_json: Json = False,
) -> None:
    """Turn a directory into a bundle: its CID, and its blocks where you want them.

    Left out, and listed: version control and caches of tools, unless --everything is given.
    """
    packed = pack(
        directory,
        store=None if store is None else FolderStore(store),
        car_file=car,
        ignore=frozenset() if everything else IGNORED,
    )
    for path in packed.ignored:
        out.progress(f"left out: {path}")
    value = {
        "cid": str(packed.cid),
        "size": packed.size,
        "entries": packed.entries,
        "blocks": packed.blocks,
        "ignored": [str(path) for path in packed.ignored],
        "car": None if car is None else str(car),
        "store": None if store is None else str(store),
    }
    out.result(value, str(packed.cid), as_json=as_json)


def _fetch(
    cid: Annotated[str, typer.Argument(metavar="CID")],
    to: Annotated[Path | None, typer.Option("--to", metavar="DIR", help="Where the tree goes.")] = None,
    *,
    sources: Sources,
    as_json: Json = False,
) -> None:
    """Fetch a bundle from untrusted gateways and write its verified tree.

    Every block is checked against the CID; a gateway that lies is named, and the next one is asked. A fetch that
    was interrupted goes on where it stopped.
    """
    root = Cid.parse(cid)
    into = Path(cid) if to is None else to
    with on_disk():
        into.parent.mkdir(parents=True, exist_ok=True)
    bundle = sources.fetch(root, into.absolute())
    value = {"cid": cid, "tree": str(into), "size": bundle.size, "entries": bundle.entries}
    human = f"{into}: {bundle.entries} entries, {bundle.size} bytes, verified against {cid}"
    out.result(value, human, as_json=as_json)


def _ls(
    where: Annotated[str, typer.Argument(metavar="CID[/PATH]")],
    *,
    sources: Sources,
    as_json: Json = False,
) -> None:
    """List what is in a bundle, after verifying all of it."""
    root, path = _where(where)
    with sources.bundle(root) as bundle:
        below = bundle.tree / path
        if not below.exists():
            raise Misuse("no such path in the bundle", code="bundle.path", path=str(path))
        found = sorted((below, *below.rglob("*")) if below.is_dir() else (below,))
        rows = [
            {"path": str(item.relative_to(bundle.tree)), "size": None if item.is_dir() else item.stat().st_size}
            for item in found
            if item != bundle.tree
        ]
    lines = [(str(row["path"]), "" if row["size"] is None else str(row["size"])) for row in rows]
    out.result({"cid": str(root), "entries": rows}, table(("path", "bytes"), lines), as_json=as_json)


def _cat(
    where: Annotated[str, typer.Argument(metavar="CID/PATH")],
    *,
    sources: Sources,
    as_json: Json = False,
) -> None:
    """Write one file of a bundle to stdout; only the blocks on the way to it are fetched, each checked."""
    root, path = _where(where)
    with sources.panel() as asked:
        reading = Reading(asked.take)
        entry = reading.at(root, path)
        if entry.size is None:
            raise Misuse("this is a directory", code="bundle.path", path=str(path))
        parts = reading.content(entry.cid, entry.size)
        if as_json:
            content = base64.b64encode(b"".join(parts)).decode()
            value = {"cid": str(root), "path": str(path), "size": entry.size, "base64": content}
            out.result(value, "", as_json=True)
            return
        for part in parts:
            sys.stdout.buffer.write(part)
    sys.stdout.buffer.flush()


def _serve(
    store: Annotated[Path, typer.Option("--store", metavar="DIR", help="Folder that keeps blocks.")],
    listen: Annotated[str, typer.Option("--listen", metavar="HOST:PORT")] = "127.0.0.1:8080",
) -> None:
    """Serve the bundles of a store as a trustless gateway, until interrupted."""
    host, _, port = listen.rpartition(":")
    if not port.isdecimal() or int(port) > 65535 or not host:
        raise Misuse("not HOST:PORT", code="bundle.listen", listen=listen)
    kept = FolderStore(store)
    try:
        bound = serve.listening(host.strip("[]"), int(port))
    except OSError as problem:
        reason = str(problem.strerror)
        raise Misuse("cannot listen there", code="bundle.listen", listen=listen, reason=reason) from problem
    with bound:
        out.progress(f"serving {store} at http://{host}:{bound.getsockname()[1]}/ipfs/")
        serve.server(kept.find).run(sockets=[bound])


def _push(
    what: Annotated[
        str, typer.Argument(metavar="DIR|CID", help="A directory, or the CID of a bundle in --store.")
    ],
    kubo: Annotated[str, typer.Option("--kubo", metavar="URL", help="RPC address of your own Kubo.")],
    store: Store = None,
    as_json: Json = False,
) -> None:
    """Host a bundle at your own Kubo: import it and pin it."""
    if Path(what).is_dir():
        with on_disk():
            packed = TreeBlocks(Path(what), ignore=IGNORED)
        root, find = packed.root, packed.find
        for path in packed.ignored:
            out.progress(f"left out: {path}")
    else:
        root, find = Cid.parse(what), Panel([kept(store)]).take
    Kubo(kubo).push(root, find)
    out.result({"cid": str(root), "kubo": kubo}, f"pinned {root} at {kubo}", as_json=as_json)


def _where(text: str) -> tuple[Cid, PurePosixPath]:
    cid, _, path = text.removeprefix("ipfs://").removeprefix("/ipfs/").partition("/")
    found = PurePosixPath(path)
    if found.is_absolute() or ".." in found.parts:
        raise Misuse("not a path in a bundle", code="bundle.path", path=path)
    return Cid.parse(cid), found
