"""The story of one application in a town: a DAO, a node, releases that are voted in and run.

The demo tells it aloud; the tests of the whole road go through it in silence. Each step is a command that
a person types, or a deed of the node that its public ledger shows.
"""

import json
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any, Final, Protocol

from cyberprivacy.build.base import make_base
from cyberprivacy.errors import TryLater
from cyberprivacy.proposal.release import Address
from cyberprivacy.testing.server import Server
from cyberprivacy.testing.town import Town, TypedBadly
from cyberprivacy.testing.townnode import TownNode

MEMBERS: Final = ("alice", "bob", "carol")
AUDITORS: Final = ("ann", "ben", "org1", "org2", "org3")
"""Two named by the DAO, three by independent organisations."""
VOTE: Final = 20
"""Seconds that a vote lasts: two people type one after the other, on a machine that does much else."""
PATIENCE: Final = 240.0
"""Seconds that a node may take for a release, on a machine that does much else."""


class Narrator(Protocol):
    """Who tells the story."""

    def chapter(self, title: str) -> None:
        """A new part begins."""
        ...

    def note(self, text: str) -> None:
        """Something happened."""
        ...

    def typed(self, words: Sequence[str]) -> None:
        """Somebody types a command."""
        ...

    def waiting(self, what: str) -> AbstractContextManager[object]:
        """While this is open, everybody waits."""
        ...

    def deed(self, entry: dict[str, Any]) -> None:
        """The node's ledger has a new entry."""
        ...


class Silence:
    """Tells nothing."""

    def chapter(self, title: str) -> None:
        """Nothing."""

    def note(self, text: str) -> None:
        """Nothing."""

    def typed(self, words: Sequence[str]) -> None:
        """Nothing."""

    def waiting(self, what: str) -> AbstractContextManager[object]:  # noqa: ARG002
        """Nothing."""
        return nullcontext()

    def deed(self, entry: dict[str, Any]) -> None:
        """Nothing."""


class Story:
    """One application's DAO, and what its people do.

    Args:
        town: where it plays.
        examples: the examples of a checkout.
        cache: where Debian packages are kept by hash between stories.
        tell: who tells it.

    Attributes:
        dao: addresses of the DAO's contracts, by role.
        cids: bundle of each version that was published.
        factory: who made the DAO's contracts.
    """

    def __init__(self, town: Town, examples: Path, *, cache: Path, tell: Narrator | None = None) -> None:
        self.town, self._examples, self._cache = town, examples, cache
        self._tell: Narrator = tell or Silence()
        self.bases = town.folder / "bases"
        self.dao: dict[str, str] = {}
        self.cids: dict[str, str] = {}
        self._cluster: dict[str, Any] = {}
        self.factory = ""

    def found(self, name: str = "guestbook") -> None:
        """People, the shared contracts, a DAO; beside it the base image, from Debian's packages by hash."""
        self._tell.chapter("A town: people with keys, a chain, a DAO whose law is in contracts")
        lock = self._examples / "base-images" / "python" / "base.lock"
        with ThreadPoolExecutor(1) as aside:
            base = aside.submit(
                make_base, lock, self.bases, cache=self._cache, renewed=self.town.folder / "base.lock"
            )
            self.law(name)
            with self._tell.waiting("the base image, from Debian's packages by hash"):
                self._tell.note(f"base image cyberprivacy/python@{base.result()}")

    def sister(self, name: str) -> "Story":
        """The story of another application: the same town, people and contracts, a DAO of its own."""
        other = Story(self.town, self._examples, cache=self._cache, tell=self._tell)
        other.cids, other._cluster, other.factory = dict(self.cids), self._cluster, self.factory
        other._create(name)
        return other

    def law(self, name: str) -> None:
        """People, the shared contracts, a DAO."""
        names = ("founder", *MEMBERS, "dev", "provider", *AUDITORS)
        people = {each: self.town.person(each) for each in names}
        listed = [f"--organisation={people[each]}=https://{each}.example" for each in AUDITORS[2:]]
        shared = self.town.types("dao", "deploy-shared", "--laps", "demo", *listed, person="founder")
        self.factory = str(shared["factory"])
        self._create(name)

    def _create(self, name: str) -> None:
        def who(*some: str) -> str:
            return json.dumps([self.town.person(each) for each in some])

        founding = self.town.folder / f"{name}.toml"
        founding.write_text(
            f'name = "{name}"\nsymbol = "VOTE"\nmembers = {who(*MEMBERS)}\n'
            f"publishers = {who('dev')}\nproviders = {who('provider')}\n"
            f"auditors = {who(*AUDITORS[:2])}\norganisations = {who(*AUDITORS[2:])}\n"
            f"voting_period = {VOTE}\n"
        )
        self.dao = self.town.types("dao", "create", founding, "--factory", self.factory, person="founder")

    def node(
        self,
        name: str,
        *,
        port: int,
        rpc: str | Sequence[str] = "",
        gateways: Sequence[str] = (),
        index: str | None = None,
        more: str = "",
    ) -> TownNode:
        """Start a node for the DAO; its provider announces its software and pays its fees.

        `more` are tables of its configuration that not every node has.
        """
        self._tell.chapter("A Privacy Server: it is told the chain and the DAO, and nothing else")
        node = TownNode(
            self.town,
            name,
            self.dao["governor"],
            port=port,
            bases=self.bases,
            rpc=rpc,
            gateways=gateways,
            index=index,
        ).configured(more)
        identity = node.start().identity()
        self.town.fund(Address(identity["account"]))
        if not self._cluster:
            self.announce(identity["measurement"])
        return node

    def announce(self, measurement: str) -> None:
        """The software of machines is made public, and the provider has a cluster for them."""
        where = ("--clusters", self.dao["clusters"])
        self.town.types("cluster", "announce", measurement, *where, person="founder")
        self._cluster = self.town.types(
            "cluster", "register", "https://provider.example", *where, person="provider"
        )

    def enlist(self, node: Server, *, key: str = "", measurement: str = "") -> None:
        """The provider lists a node, once its software has been public for long enough; or tells a lie."""
        identity = node.identity()
        words = (
            *("cluster", "add-node", str(self._cluster["cluster"]), identity["account"]),
            *("--node-key", key or identity["nodeKey"]),
            *("--measurement", measurement or identity["measurement"]),
            *("--clusters", self.dao["clusters"]),
        )
        end = time.monotonic() + PATIENCE
        while True:
            try:
                self.town.types(*words, person="provider")
            except TypedBadly as refusal:
                announced = int(str(refusal.facts.get("fact_from", 0)))
                if not announced or time.monotonic() > end:
                    raise
                time.sleep(1)  # its software has not been public for long enough
            else:
                return

    def publish(self, source: Path, version: str) -> str:
        """A directory becomes a bundle on IPFS and a release before the auditors; its CID."""
        self.town.types("pin", source, "--bases", self.bases, chain=False)
        self.town.types("lint", source, chain=False)
        packed = self.town.types("pack", source, "--store", self.town.folder / "author", chain=False)
        self.cids[version] = str(packed["cid"])
        self._tell.note(f"ipfs://{packed['cid']}  ({packed['entries']} files, {packed['size']} bytes)")
        self.act("publish", source, person="dev")
        return self.cids[version]

    def audit(self, cid: str, *, severity: str = "none", auditors: int = 3) -> None:
        """Auditors measure the change and attest; a majority of the seats starts the review lap's clock."""
        words = ["measure", cid, "--dao", self.dao["governor"], "--store", str(self.town.folder / "author")]
        lines = self.town.types(*words)["lines"]
        report = self.town.folder / f"{cid}.report.json"
        report.write_text(self.town.says(*words, "--statement"))
        for auditor in ("ann", "org1", "org2", "ben", "org3")[:auditors]:
            self.act(
                *("attest", cid, "--lines", str(lines), "--report", report, "--severity", severity),
                person=auditor,
            )
        self._tell.note(f"{lines} lines to read, say {auditors} of five auditors")

    def propose(self, cid: str, title: str) -> str:
        """Put a reviewed release to the vote, when its lap is over; the proposal's number."""
        with self._tell.waiting("the review lap: everybody may read, and leave"):
            return str(self.act("propose", cid, "--name", title, "--wait", person="alice")["proposal"])

    def decide(self, which: str) -> None:
        """Vote, queue and execute, each as soon as the law allows."""
        with self._tell.waiting("the vote"):
            for member in ("alice", "bob"):  # two of three members: carol has not made up her mind
                if self._votes(which, member):
                    break
            self.act("queue", which, "--wait", person="bob")
        with self._tell.waiting("the deployment lap: it is decided, nobody can change it, users may leave"):
            self.act("execute", which, "--wait", person="bob")

    def _votes(self, which: str, member: str) -> bool:
        """Vote for it; whether the vote was over, and won, before this member had typed: on a machine at work."""
        try:
            self.act("vote", which, "for", "--wait", person=member)
        except TypedBadly as refusal:
            if refusal.facts.get("fact_state") != "succeeded":
                raise
            return True
        return False

    def await_release(
        self, node: Server, cid: str, *, until: str = "release.announced", patience: float = PATIENCE
    ) -> None:
        """Wait until a node's ledger says that it has done all for a release, telling what it does.

        Args:
            node: which.
            cid: the release's bundle.
            until: the kind of entry to wait for.
            patience: seconds.

        Raises:
            TryLater: it takes too long, or the node has ended.
        """
        told, end = 0, time.monotonic() + patience
        with self._tell.waiting("the node"):
            while time.monotonic() < end and node.alive():
                mine = [entry for entry in node.entries() if entry["facts"].get("bundle") == cid]
                for entry in mine[told:]:
                    self._tell.deed(entry)
                told = len(mine)
                if any(entry["kind"] == until for entry in mine):
                    return
                time.sleep(0.1)
        raise TryLater("the node did not finish", code="town.node", log=str(node.log))

    def sources(self, version: str, *, parent: str = "") -> Path:
        """A work copy of the guestbook, as its author has it; later versions are laid over the first."""
        source = self.town.folder / f"guestbook-{version}"
        shutil.copytree(self._examples / "guestbook" / "1.0.0", source)
        if version != "1.0.0":
            shutil.copytree(self._examples / "guestbook" / version, source, dirs_exist_ok=True)
        manifest = source / "cyberprivacy.yaml"
        lines = manifest.read_text().splitlines()
        told = [f"parent: {parent}" if parent and line.startswith("parent:") else line for line in lines]
        manifest.write_text("\n".join(told) + "\n")
        return source

    def act(self, *words: str | Path, person: str) -> dict[str, Any]:
        """Somebody types a command about the DAO; its JSON answer."""
        return self.town.types(*words, "--dao", self.dao["governor"], person=person)
