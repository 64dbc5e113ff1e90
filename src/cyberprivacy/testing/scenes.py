"""What three clusters do to one another, one scene for each way to cheat, and how it comes out.

In each scene one of them cheats, the others find it by themselves, and a third party who was not there checks the
evidence with public keys alone. A cheat that is not found is an error.
"""

import io
import json
import time
from collections.abc import Callable
from contextlib import AbstractContextManager, redirect_stdout
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from cyberprivacy.errors import Untrusted
from cyberprivacy.testing.neighbours import PATIENCE, SILENCE, Neighbour, NotSeen, Trio, until
from cyberprivacy.testing.wires import Wires

FORK: Final = "log.fork"
SILENT: Final = "log.silent"
SIGNED_BOTH: Final = "witness.signed-both"


class NotCaught(Untrusted):
    """A cluster cheated, and the others, or a third party, did not see it."""

    code = "network.not-caught"
    hint = "See the clusters' own logs, beside their folders, and please report it."


class Narrator(Protocol):
    """Who tells it."""

    def chapter(self, title: str) -> None:
        """A new scene begins."""
        ...

    def note(self, text: str) -> None:
        """Something happened."""
        ...

    def waiting(self, what: str) -> AbstractContextManager[object]:
        """While this is open, everybody waits."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a third party says of a file, and the command that made it say so."""

    said: str
    command: tuple[str, ...] = ()


TESTIMONY: Final = Verdict("testimony, no proof: silence proves itself to nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class Caught:
    """What one cluster found about another.

    Attributes:
        cheat: which one it was.
        by: who cheated.
        finder: who found it.
        code: of the finding.
        evidence: path of the file.
        seconds: from the cheat to the finding.
        third_party: what somebody says who checks the file with public keys alone.
        command: with which they check it; () where there is nothing to check.
    """

    cheat: str
    by: str
    finder: str
    code: str
    evidence: Path
    seconds: float
    third_party: str
    command: tuple[str, ...]

    def facts(self) -> dict[str, Any]:
        """As JSON values."""
        return {**asdict(self), "evidence": str(self.evidence), "seconds": round(self.seconds, 1)}


class Scenes:
    """The scenes in their order. Each is for three clusters that begin anew, but for the first two."""

    def __init__(self, folder: Path, tell: Narrator, *, patience: float = PATIENCE) -> None:
        """Nothing is started yet.

        Args:
            folder: where everything is kept.
            tell: who tells it.
            patience: seconds that a cheat may stay unseen.
        """
        self._folder, self._tell, self._patience = folder, tell, patience
        self.caught: list[Caught] = []
        self._cheated = 0.0

    def run(self) -> None:
        """All of them.

        Raises:
            NotCaught: somebody cheated unseen.
            TryLater: something honest has not happened in time, or this machine cannot make the network.
        """
        with Wires() as wires:
            self._tell.note(f"a network of its own: {wires.network}, a namespace and a cable for each cluster")
            with self._trio("One", wires) as trio:
                self.silence(trio, wires)
                self.equivocation(trio)
            with self._trio("Two", wires) as trio:
                self.rewritten(trio)
            with self._trio("Three", wires) as trio:
                self.blind(trio)

    def silence(self, trio: Trio, wires: Wires) -> None:
        """One goes silent, and is heard again."""
        _, _, silent = trio.all
        self._tell.chapter(f"{silent.name} goes silent: its cable is cut")
        self._cheated = time.monotonic()
        wires.cut(silent.number)
        with self._tell.waiting(f"{SILENCE} seconds of silence, in four looks at least"):
            self._catch("goes silent", silent, SILENT, trio.others(silent), lambda _: TESTIMONY)
        wires.mend(silent.number)
        with self._tell.waiting("all to be well for as long"):
            seconds = until(
                lambda: not any(each.found(silent.log, SILENT) for each in trio.others(silent)), "peace"
            )
        self._tell.note(f"mended: {seconds:.1f} s later nobody says so any more (watch.ended in both logs)")

    def equivocation(self, trio: Trio) -> None:
        """One shows two heads of one size to two watchers; each of them alone sees a log that grows."""
        one, liar, other = trio.all
        self._tell.chapter(f"{liar.name} equivocates: one past for {one.name}, another for {other.name}")
        self._cheated = time.monotonic()
        heads = liar.told(do="equivocate", to=other.address)
        self._tell.note(f"two signed heads of {heads['sizes'][0]} entries: {_short(heads['roots'])}")
        self._catch("equivocates", liar, FORK, [one, other], lambda path: self._judged(path, liar))

    def rewritten(self, trio: Trio) -> None:
        """One rewrites its past, with a longer log than before."""
        liar, *others = trio.all
        self._tell.chapter(f"{liar.name} rewrites its past")
        self._cheated = time.monotonic()
        liar.told(do="rewrite")
        self._catch("rewrites its past", liar, FORK, others, lambda path: self._judged(path, liar))

    def blind(self, trio: Trio) -> None:
        """One witness signs everything; a liar has it cosign another past. The quorum of two is not fooled."""
        liar, blind, honest = trio.all
        self._tell.chapter(f"{blind.name} cosigns everything, and {liar.name} brings it another past")
        blind.told(do="go-blind")
        self._cheated = time.monotonic()
        answer = liar.told(do="launder", through=blind.cosigner)
        if "ledger.quorum" not in answer["refused"] or honest.cosigner not in answer["refused"]:
            raise NotCaught("the quorum was fooled", answer=answer["refused"])
        self._tell.note(f"quorum of 2: refused, {honest.name} says {answer['refused'].rpartition(': ')[2]}")
        self._refused_by_reader(liar, [blind, honest])

        def judge(path: Path) -> Verdict:
            return self._judged(path, liar, blind)

        self._catch("brings another past", liar, FORK, [blind, honest], judge)
        self._catch("signs everything", blind, SIGNED_BOTH, [honest], judge)

    def _trio(self, number: str, wires: Wires) -> Trio:
        self._tell.chapter("Three clusters of three providers, each a witness of the two others")
        with self._tell.waiting("all logs to be cosigned by two, and copied by two"):
            began = time.monotonic()
            trio = Trio(self._folder / number.lower(), wires)
        accused = [each.name for each in trio.all if each.status().get("witness", {}).get("found")]
        if accused:
            trio.close()
            raise NotCaught("honest clusters are accused", code="network.accused", by=", ".join(accused))
        names = ", ".join(f"{each.name} {each.url}" for each in trio.all)
        self._tell.note(f"{names}: all cosigned by both others, {time.monotonic() - began:.1f} s")
        return trio

    def _catch(
        self,
        cheat: str,
        by: Neighbour,
        code: str,
        finders: list[Neighbour],
        judge: Callable[[Path], "Verdict"],
    ) -> None:
        """Wait until each of the finders has it on record, and show each file to a third party."""
        about = by.cosigner if code == SIGNED_BOTH else by.log
        for finder in finders:
            path, seconds = self._evidence(finder, about, code)
            self._tell.note(f"{finder.name} found it after {seconds:.1f} s [{code}]")
            self._tell.note(f"  {path}")
            verdict = judge(path)
            self._tell.note(f"  third party: {verdict.said}")
            found = Caught(
                cheat=cheat,
                by=by.name,
                finder=finder.name,
                code=code,
                evidence=path,
                seconds=seconds,
                third_party=verdict.said,
                command=verdict.command,
            )
            self.caught.append(found)

    def _evidence(self, finder: Neighbour, about: str, code: str) -> tuple[Path, float]:
        """The file that a finder keeps, and how long after the cheat it was there."""
        found: list[Path] = []

        def look() -> bool:
            path = finder.found(about, code)
            if path is not None:
                found.append(path)
            return bool(found)

        try:
            until(look, f"{finder.name} to find {code}", patience=self._patience)
        except NotSeen as late:
            raise NotCaught("a cheat is not found", finder=finder.name, expected=code) from late
        if not found[0].is_file():
            raise NotCaught("there is no evidence", finder=finder.name, path=str(found[0]))
        return found[0], time.monotonic() - self._cheated

    def _judged(self, path: Path, liar: Neighbour, *witnesses: Neighbour) -> "Verdict":
        """What `log verify` says, which knows nothing but public keys."""
        words = ["log", "verify", str(path), "--key", liar.keys["log"][0]]
        for each in witnesses:
            words += ["--witness", each.keys["witness"][0]]
        code, said = _typed(words)
        if code or said.get("origin") != liar.log:
            raise NotCaught("a third party is not convinced", evidence=str(path), said=json.dumps(said))
        both = [each.name for each in witnesses if each.cosigner in said["cosignedBoth"]]
        if len(both) != len(witnesses):
            raise NotCaught("a third party does not see who cosigned both", evidence=str(path))
        sizes = " and ".join(map(str, said["fork"]))
        told = f"proven: {liar.name} signed two pasts, of {sizes} entries"
        return Verdict("; ".join([told, *(f"{name} cosigned both" for name in both)]), tuple(words))

    def _refused_by_reader(self, liar: Neighbour, witnesses: list[Neighbour]) -> None:
        """Somebody who reads the log and asks for both witnesses is not fooled either."""
        words = ["log", "show", liar.url, "--key", liar.keys["log"][0], "--memory", str(self._folder / "reader")]
        for each in witnesses:
            words += ["--witness", each.keys["witness"][0]]
        code, said = _typed(words)
        if (code, said.get("error")) != (1, "log.quorum"):
            raise NotCaught("a reader believes a head that one witness alone has cosigned", ended=code)
        self._tell.note("a reader who asks for both witnesses: refused [log.quorum]")


def _short(roots: list[str]) -> str:
    return " and ".join(f"{each[:12]}…" for each in roots)


def _typed(words: list[str]) -> tuple[int, dict[str, Any]]:
    """Type a command with `--json`: its exit code, and what it printed."""
    from cyberprivacy.cli import run

    said = io.StringIO()
    with redirect_stdout(said):
        code = run([*words, "--json"])
    return code, dict(json.loads(said.getvalue()))
