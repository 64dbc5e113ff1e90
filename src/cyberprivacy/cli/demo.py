"""`demo`: the whole story on one machine, told by the commands that people type."""

import json
import shutil
import socket
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from cyberprivacy.cli.output import out, table
from cyberprivacy.errors import Misuse, TryLater

STEPS: Final = {
    "release.fetched": "fetched and verified {entries} files, {size} bytes",
    "release.built": "built {images}",
    "release.reported": "reported the build on chain: {images}",
    "release.pushed": "pushed to the registry, digest read back",
    "release.deployed": "deployed; image ids read back from the engine",
    "release.announced": "announced on chain, with the digest of a proof",
    "release.failed": "failed at {step}: {what} [{code}]",
}
"""What the node's ledger says, in words."""

Folder = Annotated[Path, typer.Option(help="Where the demo keeps everything; emptied first.")]
Examples = Annotated[Path, typer.Option(help="The examples of a checkout.", exists=True, file_okay=False)]
Anvil = Annotated[Path, typer.Option(help="The anvil program.")]


def register(app: typer.Typer) -> None:
    """Add `demo`."""
    app.command(epilog="Example: cyberprivacy demo --stay   (from the root of a checkout, as root)")(demo)


def demo(
    folder: Folder = Path(".demo"),
    examples: Examples = Path("examples"),
    anvil: Anvil = Path("contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"),
    port: Annotated[int, typer.Option(help="Where users of the application connect.")] = 8443,
    *,
    stay: Annotated[bool, typer.Option("--stay", help="Leave everything running until Ctrl-C.")] = False,
) -> None:
    """Found a DAO, vote a release in, watch a server build and prove it, and update it under load.

    Real engines, a real chain, real laps: seconds long here, and the verifier says so.
    """
    began = time.monotonic()
    story = Story(folder.resolve(), examples.resolve(), anvil.resolve(), port)
    try:
        story.open()
        story.release("1.0.0", parent=None)
        story.verify()
        story.update("1.1.0")
        story.verify()
        story.end(time.monotonic() - began)
        if stay:
            out.progress(f"running at {story.node.url}; Ctrl-C ends it")
            threading.Event().wait()
    except KeyboardInterrupt:
        out.progress("ending")
    finally:
        story.close()


class Story:
    """What happens, in order; each step is a command that a person types or a deed of the node."""

    def __init__(self, folder: Path, examples: Path, anvil: Path, port: int) -> None:
        from cyberprivacy.testing.town import Town, TownNode, sweep

        if (folder / "node" / "node.toml").exists():
            sweep(folder / "node" / "node.toml")
        kept = folder / "debs"
        for old in folder.iterdir() if folder.exists() else ():
            if old != kept:  # packages of Debian, by hash: no need to fetch them twice
                shutil.rmtree(old) if old.is_dir() else old.unlink()
        _refuse_taken(port)
        self._began = time.monotonic()
        self._folder, self._examples, self._port = folder, examples, port
        self._town = Town(folder, anvil, told=self._typed)
        self._node_class = TownNode
        self.node: TownNode
        self._dao: dict[str, Any] = {}
        self._rows: list[tuple[str, str]] = []
        self._cid, self._verdict = "", ""
        self._listing: tuple[str | Path, ...] = ()

    def open(self) -> None:
        """People, contracts, a node, and the base image that every build starts from."""
        from cyberprivacy.build.base import make_base

        self._chapter("A town: people with keys, a chain, a DAO whose law is in contracts")
        layout, lock = self._folder / "bases", self._examples / "base-images" / "python" / "base.lock"
        with ThreadPoolExecutor(1) as aside:
            base = aside.submit(
                make_base, lock, layout, cache=self._folder / "debs", renewed=self._folder / "base.lock"
            )
            self._found()
            self._chapter("A Privacy Server: it is told the chain and the DAO, and nothing else")
            self.node = self._node_class(
                self._town, "node", self._dao["governor"], port=self._port, bases=layout
            ).start()
            self._enlist(self.node.identity())
            with self._waiting("the base image, from Debian's packages by hash"):
                self._note(f"base image cyberprivacy/python@{base.result()}")

    def release(self, version: str, *, parent: str | None) -> None:
        """From a directory to a running application."""
        self._chapter(f"Release {version}: published, sized, reviewed, voted, given time, executed")
        source = self._sources(version, parent)
        self._town.types("pin", source, "--bases", self._folder / "bases", chain=False)
        self._town.types("lint", source, chain=False)
        packed = self._town.types("pack", source, "--store", self._folder / "author", chain=False)
        cid = str(packed["cid"])
        self._note(f"ipfs://{cid}  ({packed['entries']} files, {packed['size']} bytes)")
        self._act("publish", source, person="dev")
        self._audit(source, cid, parent)
        name = f"guestbook {version}"
        with self._waiting("the review lap: everybody may read, and leave"):
            proposal = self._act("propose", cid, "--name", name, "--wait", person="alice")["proposal"]
        if self._listing:  # the measurement of its software was public for as long as the source
            self._act(*self._listing, person="provider", dao=False)
            self._listing = ()
        with self._waiting("the vote"):
            for member in ("alice", "bob"):  # two of three members: carol has not made up her mind
                self._act("vote", cid, "for", "--wait", person=member)
            self._act("queue", cid, "--wait", person="bob")
        with self._waiting("the deployment lap: it is decided, nobody can change it, users may leave"):
            self._act("execute", cid, "--wait", person="bob")
        self._chapter("Nobody gives an order: the node reads the chain and acts")
        self._watch(cid)
        self._cid = cid
        self._rows.append((f"proposal of {version}", str(proposal)))
        self._rows.append((f"source of {version}", f"ipfs://{cid}"))

    def update(self, version: str) -> None:
        """The next release, while visitors keep asking."""
        from cyberprivacy.testing.visitors import Visitors

        with Visitors(self.node.url) as crowd:
            self.release(version, parent=self._cid)
        self._note(f"visitors asked {crowd.asked} times meanwhile; {crowd.failed} requests failed")
        self._rows.append(("requests during the update", f"{crowd.asked}, of which failed: {crowd.failed}"))

    def verify(self) -> None:
        """What anyone can do from outside."""
        self._chapter("Anyone checks, from outside")
        root = self._town.root_file
        report = self._town.types(
            "verify", self.node.url, "--dao", self._dao["governor"], "--allow-development", root
        )
        for check in report["checks"]:
            mark = {"pass": "✓", "fail": "✗"}.get(check["verdict"], "·")
            self._note(f"{mark} {check['name']:<20} {check['detail'][:150]}")
        self._verdict = f"{report['verdict']}, level {report['level']}"
        self._note(self._verdict)

    def end(self, seconds: float) -> None:
        """The table that remains."""
        status = self._town.types("node", "status", "--config", self.node.config, chain=False)
        running = status["applications"][0]["running"]
        rows = [
            ("application", self.node.url),
            ("DAO", self._dao["governor"]),
            *self._rows,
            *((f"image {name}", digest) for name, digest in running["images"].items()),
            ("verify", self._verdict),
            ("laps", "review 10 s, vote 8 s, deployment 8 s: a demonstration; real DAOs have days"),
            ("time", f"{seconds:.0f} s"),
        ]
        out.human("")
        out.human(table(("what", "value"), rows))

    def close(self) -> None:
        """Stop everything; what was made stays in the folder."""
        from cyberprivacy.testing.town import sweep

        if hasattr(self, "node"):
            self.node.stop()
            sweep(self.node.config)
        self._town.close()

    def _found(self) -> None:
        """People, the shared contracts, and the DAO."""
        names = ("founder", "alice", "bob", "carol", "dev", "provider", "ann", "ben", "org1", "org2", "org3")
        people = {name: self._town.person(name) for name in names}
        organisations = [f"{people[name]}=https://{name}.example" for name in ("org1", "org2", "org3")]
        listed = [word for each in organisations for word in ("--organisation", each)]
        shared = self._act("dao", "deploy-shared", "--laps", "demo", *listed, person="founder", dao=False)

        def who(*some: str) -> str:
            return json.dumps([people[name] for name in some])

        founding = self._folder / "guestbook.toml"
        founding.write_text(
            'name = "guestbook"\nsymbol = "GUEST"\n'
            f"members = {who('alice', 'bob', 'carol')}\npublishers = {who('dev')}\nproviders = {who('provider')}\n"
            f"auditors = {who('ann', 'ben')}\norganisations = {who('org1', 'org2', 'org3')}\n"
        )
        self._dao = self._act(
            "dao", "create", founding, "--factory", shared["factory"], person="founder", dao=False
        )

    def _enlist(self, identity: dict[str, str]) -> None:
        """The provider lists its machine; the measurement of its software is announced and waits in public."""
        where = ("--clusters", self._dao["clusters"])
        self._town.fund(identity["account"])  # type: ignore[arg-type]
        self._act("cluster", "announce", identity["measurement"], *where, person="founder", dao=False)
        cluster = self._act(
            "cluster", "register", "https://provider.example", *where, person="provider", dao=False
        )
        self._listing = ("cluster", "add-node", cluster["cluster"], identity["account"])
        self._listing += ("--node-key", identity["nodeKey"], "--measurement", identity["measurement"], *where)

    def _sources(self, version: str, parent: str | None) -> Path:
        """A work copy of an example, as its author has it."""
        source = self._folder / f"guestbook-{version}"
        shutil.copytree(self._examples / "guestbook" / "1.0.0", source)
        if version != "1.0.0":
            shutil.copytree(self._examples / "guestbook" / version, source, dirs_exist_ok=True)
        if parent is not None:
            manifest = source / "cyberprivacy.yaml"
            text = manifest.read_text()
            lines = [f"parent: {parent}" if line.startswith("parent:") else line for line in text.splitlines()]
            manifest.write_text("\n".join(lines) + "\n")
        return source

    def _audit(self, source: Path, cid: str, parent: str | None) -> None:
        """Three of five auditors measure and attest: a majority starts the clock."""
        against = ["--against", parent] if parent else []
        words = ["measure", cid, *against, "--store", str(self._folder / "author")]
        lines = self._town.types(*words, chain=False)["lines"]
        report = source.with_name(f"{source.name}.report.json")
        report.write_text(self._town.says(*words, "--statement", chain=False))
        for auditor in ("ann", "org1", "org2"):
            self._act("attest", cid, "--lines", str(lines), "--report", report, person=auditor)
        self._note(f"{lines} lines to read, say three of five auditors")

    def _watch(self, cid: str) -> None:
        """Tell what the node's public log says, until the release is announced."""
        told, end = 0, time.monotonic() + 120
        with self._waiting("the node"):
            while time.monotonic() < end:
                entries = [json.loads(line) for line in self.node.ledger.read_text().splitlines()]
                mine = [entry for entry in entries if entry["facts"].get("bundle") == cid]
                for entry in mine[told:]:
                    self._note(STEPS[entry["kind"]].format(**entry["facts"]))
                told = len(mine)
                if mine and mine[-1]["kind"] == "release.announced":
                    return
                time.sleep(0.2)
        raise TryLater("the node did not finish", code="demo.node", log=str(self.node.log))

    def _act(self, *words: str | Path, person: str, dao: bool = True) -> dict[str, Any]:
        more = ("--dao", self._dao["governor"]) if dao else ()
        return self._town.types(*words, *more, person=person)

    def _typed(self, words: Sequence[str]) -> None:
        """Show a command as a person would type it, without what is the same in each."""
        shown, skip = [], False
        for word in words:
            if skip or word in ("--rpc", "--dao", "--password-file", "--clusters", "--factory"):
                skip = not skip
                continue
            shown.append(word.replace(f"{self._folder}/", ""))
        self._line("$ " + " ".join(shown), "cyan")

    def _chapter(self, title: str) -> None:
        out.human("")
        self._line(title, "bold")

    def _note(self, text: str) -> None:
        self._line("  " + text, "")

    def _line(self, text: str, style: str) -> None:
        stamp = f"{time.monotonic() - self._began:5.1f} s  "
        out.human(Text(stamp, style="dim").append(text, style=style))

    def _waiting(self, what: str) -> AbstractContextManager[object]:
        """A spinner on a terminal, one line in a pipe."""
        if out.terminal:
            return out.errors.status(f"waiting: {what}")
        self._note(f"… {what}")
        return nullcontext()


def _refuse_taken(port: int) -> None:
    """Refuse now, not in a minute, if somebody else listens where users shall connect."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise Misuse(
            "something else listens on this port",
            code="demo.port",
            port=port,
            reason=str(error.strerror),
            hint="Choose another: `make demo DEMO='--port 9443'`.",
        ) from None
