"""`demo`: the whole story on one machine, told by the commands that people type; beside it three others."""

import socket
import threading
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cyberprivacy.cli.demo_network import network
from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.cli.stage import Screen, empty
from cyberprivacy.errors import CyberPrivacyError, Misuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cyberprivacy.testing.server import Neighbour
    from cyberprivacy.testing.story import Story
    from cyberprivacy.testing.townnode import TownNode
    from cyberprivacy.testing.visitors import Visitors

Folder = Annotated[Path, typer.Option(help="Where the demo keeps everything; what an earlier demo left goes.")]
Examples = Annotated[Path, typer.Option(help="The examples of a checkout.")]
Anvil = Annotated[Path, typer.Option(help="The anvil program.")]
Stay = Annotated[bool, typer.Option("--stay", help="Leave everything running until Ctrl-C.")]


def register(app: typer.Typer) -> None:
    """Add `demo`, `demo kubernetes`, `demo network` and `demo os`."""
    from cyberprivacy.cli.demo_kubernetes import kubernetes
    from cyberprivacy.cli.demo_os import machine

    group = typer.Typer(rich_markup_mode=None, invoke_without_command=True)
    group.callback(epilog="Example: cyberprivacy demo --stay   (from the root of a checkout, as root)")(demo)
    group.command("kubernetes", epilog="Example: cyberprivacy demo kubernetes   (as root)")(kubernetes)
    group.command("network", epilog="Example: cyberprivacy demo network   (as root)")(network)
    group.command("os", epilog="Example: cyberprivacy demo os --image build/os   (as root)")(machine)
    app.add_typer(group, name="demo")


def demo(
    context: typer.Context,
    folder: Folder = Path(".demo"),
    examples: Examples = Path("examples"),
    anvil: Anvil = Path("contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"),
    port: Annotated[int, typer.Option(help="Where users of the application connect.")] = 8443,
    *,
    stay: Stay = False,
    as_json: Json = False,
) -> None:
    """Found a DAO, vote a release in, watch a server build and prove it, and update it under load.

    Real engines, a real chain, real laps: seconds long here, and the verifier says so.
    """
    if context.invoked_subcommand is not None:
        return
    from cyberprivacy.testing.story import Story
    from cyberprivacy.testing.town import Town

    prepare(folder.resolve(), examples, port)
    screen = Screen(folder.resolve(), aside=as_json)
    with Town(folder.resolve(), anvil.resolve(), told=screen.typed) as town:
        story = Story(town, examples.resolve(), cache=folder.resolve() / "debs", tell=screen)
        perform(Demo(story, screen, port), stay=stay, as_json=as_json)


def prepare(folder: Path, examples: Path, port: int | None = None) -> None:
    """Have an empty folder, and refuse now what would fail later.

    Args:
        folder: where the demo keeps everything.
        examples: of a checkout.
        port: of this machine where users will connect, if that is one.

    Raises:
        Misuse: the examples are not there, the folder is somebody's, or the port is taken.
    """
    if not examples.is_dir():
        hint = "Run it from the root of a checkout, or name its --examples."
        raise Misuse("the examples are not there", code="demo.examples", hint=hint, folder=str(examples))
    empty(folder)
    if port is not None:
        _refuse_taken(port)


def perform(show: "Demo", *, stay: bool, as_json: bool) -> None:
    """Show everything; leave nothing running, however it ends."""
    try:
        rows = show.run()
        out.result(dict(rows), table(["what", "value"], rows), as_json=as_json)
        if stay:
            out.progress(f"running at {dict(rows)['application']}; Ctrl-C ends it")
            threading.Event().wait()
    except KeyboardInterrupt:
        out.progress("ending")
    finally:
        show.close()


class Demo:
    """The order in which things are shown.

    Args:
        story: what happens.
        screen: who tells it.
        port: where users of the application connect.
    """

    def __init__(self, story: "Story", screen: Screen, port: int = 0) -> None:
        self._story, self._screen, self._port = story, screen, port
        self._here: TownNode | None = None
        self._rows: list[tuple[str, str]] = []

    def run(self) -> list[tuple[str, str]]:
        """Everything; gives what remains to be said, in rows.

        Raises:
            RequestsLost: visitors got something else than answers during the update, or nobody got any.
        """
        from cyberprivacy.testing.visitors import Visitors

        self._story.found()
        node = self._begin()
        first = self._release(node, "1.0.0")
        self._look()
        self._verify(node)
        with Visitors(node.url) as crowd:
            self._release(node, "1.1.0", parent=first)
        self._look()
        self._screen.note(f"visitors asked {crowd.asked} times meanwhile; {crowd.failed} requests failed")
        self._rows.append(("during the update", f"{crowd.asked} requests, {crowd.failed} failed"))
        verdict = self._verify(node)
        refuse_losses(crowd)
        self._encore(node)
        return self._end(node, verdict)

    def close(self) -> None:
        """Stop everything; what was made stays in the folder."""
        from cyberprivacy.testing.townnode import sweep

        if self._here is not None:
            self._here.stop()
            sweep(self._here.config)

    def _begin(self) -> "Neighbour":
        """The node of this demo."""
        self._here = self._story.node("node", port=self._port)
        return self._here

    def _look(self) -> None:
        """Show where the release runs, if that is worth a look."""

    def _encore(self, node: "Neighbour") -> None:
        """What only this demo shows."""

    def _all(self, node: "Neighbour") -> "Sequence[Neighbour]":
        """Every node that serves the application."""
        return [node]

    def _trust(self, node: "Neighbour") -> tuple[str | Path, ...]:  # noqa: ARG002
        """Whom the verifier believes."""
        return ("--allow-development", self._story.town.root_file)

    def _release(self, node: "Neighbour", version: str, *, parent: str = "") -> str:
        story, screen = self._story, self._screen
        screen.chapter(f"Release {version}: published, sized, reviewed, voted, given time, executed")
        cid = story.publish(story.sources(version, parent=parent), version)
        story.audit(cid)
        proposal = story.propose(cid, f"guestbook {version}")
        if not parent:
            for each in self._all(node):
                story.enlist(each)
        story.decide(cid)
        screen.chapter("Nobody gives an order: the node reads the chain and acts")
        for each in self._all(node):
            story.await_release(each, cid)
        self._rows += [(f"proposal of {version}", proposal), (f"source of {version}", f"ipfs://{cid}")]
        return cid

    def _verify(self, node: "Neighbour") -> str:
        """What anyone can do from outside."""
        self._screen.chapter("Anyone checks, from outside")
        town, law = self._story.town, ("--dao", self._story.dao["governor"], "--factory", self._story.factory)
        return self._screen.report(town.types("verify", node.url, *law, *self._trust(node)))

    def _end(self, node: "Neighbour", verdict: str) -> list[tuple[str, str]]:
        from cyberprivacy.testing.story import VOTE

        running = node.told()["applications"][0]["running"]
        return [
            ("application", node.url),
            ("DAO", self._story.dao["governor"]),
            *self._rows,
            *((f"image {name}", digest) for name, digest in running["images"].items()),
            ("verify", verdict),
            ("laps", f"review 10 s, vote {VOTE} s, deployment 8 s: a demonstration; real DAOs have days"),
            ("time", f"{time.monotonic() - self._screen.began:.0f} s"),
        ]


class RequestsLost(CyberPrivacyError):
    """An update that users notice is not what was promised."""

    code = "demo.requests"
    hint = "Look into node/node.log in the demo's folder, and please report it."


def refuse_losses(crowd: "Visitors", when: str = "during the update") -> None:
    """Refuse a time during which a request failed, or during which nobody asked: that shows nothing.

    Args:
        crowd: who asked.
        when: the time, in words.

    Raises:
        RequestsLost: so it was.
    """
    if crowd.failed or not crowd.asked:
        others = {answer: times for answer, times in sorted(crowd.answers.items()) if answer != "200"}
        raise RequestsLost(
            f"requests failed {when}" if crowd.failed else f"nobody asked {when}",
            asked=crowd.asked,
            failed=crowd.failed,
            answers=others,
        )


def _refuse_taken(port: int) -> None:
    """Refuse now, not in a minute, if somebody else listens where users shall connect."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError as error:
        raise Misuse(
            "something else listens on this port",
            code="demo.port",
            hint="Choose another: `make demo DEMO='--port 9443'`.",
            port=port,
            reason=str(error.strerror),
        ) from None
