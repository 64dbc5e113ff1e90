"""`demo os`: the same story inside a machine that nobody can log in to, and what happens to a changed one."""

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.cli.privacy_os import Virtualised
from cyberprivacy.cli.stage import Screen, empty
from cyberprivacy.errors import Misuse, TryLater, Untrusted
from cyberprivacy.proposal.release import Address

if TYPE_CHECKING:
    from cyberprivacy.testing.story import Story
    from cyberprivacy.testing.townkeynode import TownKeyNode
    from cyberprivacy.testing.townmachine import TownMachine

PATIENCE = 1200.0
"""Seconds for a release under emulation."""
DATA = 512
"""MiB of the machine's data disk: a base image several times, and the guestbook."""
ONE = "ONE node: whoever runs it holds its part of the disk's key alone"


def machine(
    image: Annotated[Path, typer.Option(metavar="DIR", help="The files of an image.")] = Path("build/os"),
    folder: Annotated[Path, typer.Option(help="Where the demo keeps everything; an earlier demo's goes.")] = Path(
        ".demo-os"
    ),
    examples: Annotated[Path, typer.Option(help="The examples of a checkout.")] = Path("examples"),
    anvil: Annotated[Path, typer.Option(help="The anvil program.")] = Path(
        "contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
    ),
    *,
    kvm: Virtualised = None,
    as_json: Json = False,
) -> None:
    """Start the Privacy OS in QEMU, tell it a chain and a DAO, and watch it build, serve and prove a release.

    What it keeps is on an encrypted disk, a part of whose key is with ONE key node; it loses its power, and serves
    again under the same key. Then one byte of the image is changed: that machine starts, too, and is refused.
    Minutes long where the processor's virtualisation cannot be used: every instruction is emulated. The machine's
    TPM is software of this one, and the verifier says so.
    """
    from cyberprivacy.privacy_os.image import FILES
    from cyberprivacy.testing.town import Town

    if missing := [name for name in FILES if not (image / name).is_file()]:
        hint = "Make it: `make os-image`, or name another with --image."
        raise Misuse(
            "no image of the Privacy OS", code="demo.image", hint=hint, folder=str(image), missing=missing
        )
    if not examples.is_dir():
        hint = "Run it from the root of a checkout, or name its --examples."
        raise Misuse("the examples are not there", code="demo.examples", hint=hint, folder=str(examples))
    empty(folder.resolve())
    screen = Screen(folder.resolve(), aside=as_json)
    with Town(folder.resolve(), anvil.resolve(), told=screen.typed) as town:
        from cyberprivacy.testing.story import Story

        story = Story(town, examples.resolve(), cache=folder.resolve() / "debs", tell=screen)
        rows = MachineDemo(story, screen, image.resolve(), kvm=kvm).run()
    out.result(dict(rows), table(["what", "value"], rows), as_json=as_json)


class MachineDemo:
    """The order in which things are shown."""

    def __init__(self, story: "Story", screen: Screen, image: Path, *, kvm: bool | None) -> None:
        from cyberprivacy.privacy_os.image import MEASUREMENTS
        from cyberprivacy.testing.townmachine import Desk

        self._story, self._screen, self._image, self._kvm = story, screen, image, kvm
        self._predicted = str(json.loads((image / MEASUREMENTS).read_text())["measurement"])
        self._desk: Desk = Desk(story.town.folder / "desk", lambda *words: story.town.types(*words, chain=False))
        self._asked = self._desk.asked(image, level="development")
        self._rows: list[tuple[str, str]] = []

    def run(self) -> list[tuple[str, str]]:
        """Everything; gives what remains to be said, in rows.

        Raises:
            TypedBadly: the honest machine is refused.
            Untrusted: the changed one is not ("demo.accepted").
        """
        from cyberprivacy.privacy_os.image import DISK
        from cyberprivacy.testing.bases import BaseRegistry

        self._story.found()
        self._story.announce("0x" + self._predicted)
        self._screen.note("what such a machine will measure was computed from the image, before any was started")
        with BaseRegistry(self._story.bases) as bases:
            with (
                self._key_node() as keys,
                self._machine("honest", self._image / DISK, bases.port, keys.data) as honest,
            ):
                self._honest(honest)
                self._again(honest, keys)
            self._changed(bases.port)
        return [*self._rows, ("time", f"{time.monotonic() - self._screen.began:.0f} s")]

    def _key_node(self) -> "TownKeyNode":
        """It gives its part to this image only, on TPMs of the desk's maker, while the chain accepts the image."""
        from cyberprivacy.testing.townkeynode import TownKeyNode

        self._screen.chapter("A key node: it keeps a part of the key of each machine's disk")
        self._screen.note(ONE)
        town, desk = self._story.town, self._desk.folder
        self._await_standing()
        asked = ("--vendor", desk / "vendor.pem", "--issuers", desk / "issuer.pem", *self._asked[:2])
        chain = ("--dao", self._story.dao["governor"], "--rpc", town.chain.url)
        return TownKeyNode(town.folder / "key-node", (*asked, *chain))

    def _await_standing(self) -> None:
        """Until the chain accepts the image: it was public for long enough. A machine does not ask twice."""
        town, end = self._story.town, time.monotonic() + PATIENCE
        words = ("os", "release", "list", "--dao", self._story.dao["governor"], "--rpc", town.chain.url)
        with self._screen.waiting("the image has to be public for a while before it counts"):
            while time.monotonic() < end:
                code, said = town.answers(*words)
                listed = [] if code else json.loads(said)["measurements"]
                if any((each["measurement"], each["state"]) == (self._predicted, "counts") for each in listed):
                    return
                time.sleep(1)
        raise TryLater("the chain does not accept the image", code="demo.standing")

    def _machine(self, name: str, disk: Path, bases: int, data: str = "") -> "TownMachine":
        from cyberprivacy.testing.townmachine import TownMachine, told

        town = self._story.town
        ports = {"chain": town.chain.port, "bundles": int(town.gateway.rpartition(":")[2]), "bases": bases}
        configuration = told(self._story.dao["governor"], **ports, data=data)
        return TownMachine(
            town.folder / name,
            disk,
            configuration,
            desk=self._desk,
            kvm=self._kvm,
            types=lambda *words: town.types(*words, chain=False),
            data=DATA if data else 0,
        )

    def _honest(self, machine: "TownMachine") -> None:
        story, screen = self._story, self._screen
        screen.chapter("A machine with the Privacy OS starts: it is told a chain and a DAO, and where bytes are")
        machine.serves(self._console)
        # Before anything is proposed: a vote lasts seconds here, and this takes as long as the emulator wants.
        story.town.fund(Address(machine.identity()["account"]))
        story.enlist(machine, measurement="0x" + self._predicted)
        screen.chapter("A release: published, measured by auditors, voted in")
        cid = story.publish(story.sources("1.0.0"), "1.0.0")
        story.audit(cid)
        proposal = story.propose(cid, "guestbook 1.0.0")
        story.decide(cid)
        screen.chapter("Nobody gives an order: the node inside reads the chain and acts")
        story.await_release(machine, cid, patience=PATIENCE)
        screen.chapter("Anyone checks, from outside")
        law = ("--dao", story.dao["governor"], "--factory", story.factory)
        self._screen.report(self._verified(machine.url, *law, *self._asked))
        own = self._verified(*machine.evidence(), *self._asked, chain=False)
        self._rows += [
            ("proposal", proposal),
            ("source", f"ipfs://{cid}"),
            ("predicted", self._predicted),
            ("quoted", _quoted(own)),
            ("listens", ", ".join(machine.listening())),
        ]
        screen.note(f"predicted from the file  {self._predicted}")
        screen.note(f"quoted by the machine    {_quoted(own)}")

    def _verified(self, *words: str | Path, chain: bool = True) -> dict[str, Any]:
        """What the verifier says; asked again while the machine, which is emulated, does not answer in time."""
        from cyberprivacy.testing.town import TypedBadly

        end = time.monotonic() + PATIENCE
        while True:
            try:
                return self._story.town.types("verify", *words, chain=chain)
            except TypedBadly as refusal:
                if str(refusal.facts.get("exit_code")) != str(TryLater.exit_code) or time.monotonic() > end:
                    raise
                time.sleep(1)

    def _again(self, machine: "TownMachine", keys: "TownKeyNode") -> None:
        """Nobody votes, certifies or lists anything: what the machine was, it has on its disk."""
        screen, before, given = self._screen, machine.named(), keys.given()
        screen.chapter("Somebody pulls the plug, and puts it in again")
        machine.loses_power()
        machine.serves(self._console)
        if machine.named() != before or keys.given() != given + 1:
            raise Untrusted("the machine is another after a restart", code="demo.another", log=str(machine.log))
        words = ("verify", machine.url, "--dao", self._story.dao["governor"], "--rpc", self._story.town.chain.url)
        end = time.monotonic() + PATIENCE
        with screen.waiting("the node starts the release that it had"):
            while (said := self._story.town.answers(*words, *self._asked))[0]:
                if time.monotonic() > end:
                    raise TryLater("the release does not come back", code="demo.release", log=str(machine.log))
                time.sleep(1)
        screen.report(json.loads(said[1]))
        screen.note(f"the same account and key as before, {before['account']}, and the same certificates")
        self._rows += [("after a power cut", f"the same node, {before['account']}"), ("key node", ONE)]

    def _changed(self, bases: int) -> None:
        """One byte of the command line: nothing in the machine behaves in another way."""
        from cyberprivacy.privacy_os.image import PROGRAM
        from cyberprivacy.testing.townmachine import changed

        screen, town = self._screen, self._story.town
        screen.chapter("Somebody changes one byte of the image; the machine starts, and serves")
        disk = changed(
            self._image, town.folder / "changed.img", lambda line: line.replace("loglevel=4", "loglevel=5")
        )
        with self._machine("changed", disk, bases) as machine:
            machine.serves(self._console)
            machine.enrol()
            code, said = town.answers("verify", *machine.evidence(), *self._asked)
            report = json.loads(said)
            screen.report(report)
            if code != 1:
                raise Untrusted("a changed machine was not refused", code="demo.accepted", exit_code=code)
            found = town.answers("os", "diagnose", machine.boot_log(), "--image", self._image / PROGRAM)[1]
        for each in json.loads(found)["differences"]:
            screen.note(f"register {each['register']}: {each['expected']}: {each['cause']}")
        self._rows.append(("changed image", f"{report['verdict']}ed"))

    def _console(self, line: str) -> None:
        if line.startswith("privacy-os: "):
            self._screen.note(line)


def _quoted(report: dict[str, Any]) -> str:
    """The measurement of a report on evidence."""
    return str(report["facts"]["measurement"])
