"""`cyberprivacy log`: what a node did, as it cannot deny it. Nothing is printed before it is proven."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from json import dumps
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from platformdirs import user_state_path

from cyberprivacy import canonical
from cyberprivacy.cli.logsource import source_of, trust_of
from cyberprivacy.cli.options import bundled
from cyberprivacy.cli.output import Json, out
from cyberprivacy.errors import Misuse, TryLater
from cyberprivacy.ledger.client import LightClient
from cyberprivacy.ledger.compare import cosigned_both
from cyberprivacy.ledger.disk import replace
from cyberprivacy.ledger.fork import MAX_EVIDENCE, ForkEvidence
from cyberprivacy.ledger.merkle import leaf_hash
from cyberprivacy.ledger.mirror import mirror as copy
from cyberprivacy.ledger.offline import FIRST_LINE, MAX_FILE, OfflineProof
from cyberprivacy.ledger.proofs import inclusion_proof
from cyberprivacy.ledger.reading import LogReader
from cyberprivacy.ledger.tiles import MAX_ENTRY
from cyberprivacy.ledger.trust import SeenHead, Trust

WHAT: Final = "https://app.example --key NAME+ID+KEY"
FILES: Final = "A node's address, the address of a log's files, or a folder."

LogSource = Annotated[str, typer.Argument(metavar="SOURCE", help=FILES)]
Keys = Annotated[
    list[str] | None, typer.Option("--key", metavar="VKEY", help="A key of the log; may be given again.")
]
Witnesses = Annotated[
    list[str] | None, typer.Option("--witness", metavar="VKEY", help="A key of a witness; may be given again.")
]
Quorum = Annotated[int | None, typer.Option(min=0, help="How many witnesses must have cosigned. [default: all]")]
MaxAge = Annotated[
    int | None, typer.Option(min=1, help="Seconds that a head may be old. [default: a day, if it is dated]")
]
Memory = Annotated[Path | None, typer.Option(help="Folder where the newest heads are remembered.")]


def register(app: typer.Typer) -> None:
    """Add `log show`, `prove`, `verify`, `follow` and `mirror`."""
    log = typer.Typer(help="Read what a node did, with proofs.", no_args_is_help=True, rich_markup_mode=None)
    log.command("show", epilog=f"Example: cyberprivacy log show {WHAT} --from 100 --count 20")(_asking(show))
    log.command("prove", epilog=f"Example: cyberprivacy log prove {WHAT} --index 42 --save 42.tlog-proof")(
        _asking(prove)
    )
    log.command("verify", epilog="Example: cyberprivacy log verify 42.tlog-proof --key NAME+ID+KEY")(
        _asking(verify)
    )
    log.command("follow", epilog=f"Example: cyberprivacy log follow {WHAT}")(_asking(follow))
    log.command("mirror", epilog=f"Example: cyberprivacy log mirror {WHAT} --to copy")(_asking(mirror))
    app.add_typer(log, name="log")


@dataclass(frozen=True, slots=True)
class Asked:
    """What a reader asks of a log, as the options say."""

    key: list[str] | None
    witness: list[str] | None
    quorum: int | None
    max_age: int | None
    memory: Path | None

    def trust(self, *, offline: bool = False) -> Trust:
        """Whose heads are believed. See `trust_of`."""
        return trust_of(
            self.key or (), self.witness or (), quorum=self.quorum, max_age=self.max_age, offline=offline
        )

    def client(self) -> LightClient:
        """Reads the log, and remembers its newest head."""
        trust = self.trust()
        folder = user_state_path("cyberprivacy") / "logs" if self.memory is None else self.memory
        if trust.max_age is None:
            out.progress("no key was given whose owner dates what it signs: how old the head is, nobody says")
        return LightClient(trust, folder, clock=time.time)


def _asking(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `Asked`; it takes them as one argument, `asked`."""
    options = {
        "key": (Keys, None),
        "witness": (Witnesses, None),
        "quorum": (Quorum, None),
        "max_age": (MaxAge, None),
        "memory": (Memory, None),
    }
    return bundled(command, "asked", options, Asked)


def show(
    source: LogSource,
    start: Annotated[int, typer.Option("--from", min=0, help="The first entry to print.")] = 0,
    count: Annotated[int, typer.Option(min=1, max=10_000, help="How many entries at most.")] = 100,
    *,
    asked: Asked,
    as_json: Json = False,
) -> None:
    """Print entries, each checked against a head that the log has signed and that grew from the last one seen."""
    client = asked.client()
    reader, head = client.update(source_of(source))
    entries = [_entry(at, data) for at, data in _numbered(reader, start, start + count)]
    lines = [_line(entry) for entry in entries]
    out.result({**_facts(head), "entries": entries}, "\n".join([*lines, _words(head)]), as_json=as_json)


def prove(
    source: LogSource,
    index: Annotated[int, typer.Option(min=0, help="Which entry.")],
    save: Annotated[Path | None, typer.Option(help="Keep the proof in this file (C2SP tlog-proof).")] = None,
    *,
    asked: Asked,
    as_json: Json = False,
) -> None:
    """Prove that an entry is in the log, to anybody, offline."""
    client = asked.client()
    reader, head = client.update(source_of(source))
    size = head.checkpoint.size
    if index >= size:
        raise Misuse("the log has no such entry", code="log.index", index=index, size=size)
    (entry,) = reader.entries(index, index + 1)
    proof = OfflineProof(entry, index, inclusion_proof(reader.node, index, size), head.whole)
    proof.check(client.trust, now=time.time())
    if save is not None:
        replace(save, proof.encode())
    facts = {**_facts(head), "entry": _entry(index, entry), "proof": proof.encode().decode()}
    human = f"{_line(_entry(index, entry))}\nproven with {len(proof.path)} hashes; {_words(head)}"
    out.result(facts, human, as_json=as_json)


def verify(
    what: Annotated[str, typer.Argument(metavar="FILE|SOURCE", help="A proof, evidence of a fork, or a log.")],
    *,
    asked: Asked,
    as_json: Json = False,
) -> None:
    """Check a proof or the evidence of a fork without a network; or a whole log, every entry of it."""
    path = Path(what)
    if not path.is_file():
        reader, head = asked.client().update(source_of(what))
        checked = sum(1 for _ in reader.entries())
        out.result(
            {**_facts(head), "checked": checked}, f"{checked} entries checked; {_words(head)}", as_json=as_json
        )
        return
    data, trust = _bytes(path), asked.trust(offline=True)
    if data.startswith(FIRST_LINE.encode()):
        proof = OfflineProof.parse(data)
        head = proof.check(trust, now=time.time())
        entry = _entry(proof.index, proof.entry)
        out.result({**_facts(head), "entry": entry}, f"{_line(entry)}\nproven; {_words(head)}", as_json=as_json)
        return
    evidence = ForkEvidence.parse(data)
    evidence.check(trust)
    both = cosigned_both(evidence, trust)
    human = f"proven: {trust.origin} signed two pasts, at {evidence.sizes[0]} and {evidence.sizes[1]} entries"
    human += "".join(f"\nproven: {name} cosigned both" for name in both)
    facts = {"origin": trust.origin, "fork": list(evidence.sizes), "cosignedBoth": list(both)}
    out.result(facts, human, as_json=as_json)


def follow(
    source: LogSource,
    every: Annotated[float, typer.Option(min=0.1, help="Seconds between two looks.")] = 5.0,
    once: Annotated[bool, typer.Option(help="Look once, and end.")] = False,
    *,
    asked: Asked,
    as_json: Json = False,
) -> None:
    """Print what is new since the last look, and keep looking; with --json one document a line.

    Ends at once when the log shows another past, goes back, or is too old; waits when it is out of reach.
    """
    client = asked.client()
    where, seen = source_of(source), client.remembered()
    at = 0 if seen is None else seen.checkpoint.size
    while True:
        try:
            reader, head = client.update(where)
            for number, data in _numbered(reader, at, head.checkpoint.size):
                entry = _entry(number, data)
                typer.echo(dumps(entry, ensure_ascii=False) if as_json else _line(entry))
            at = head.checkpoint.size
        except TryLater as later:
            if once:
                raise
            out.progress(str(later))
        if once:
            return
        time.sleep(every)


def mirror(
    source: LogSource,
    to: Annotated[Path, typer.Option(metavar="FOLDER", help="Where the copy is kept.")],
    *,
    asked: Asked,
    as_json: Json = False,
) -> None:
    """Copy a log, every file of it checked; any web server can serve the folder to others."""
    client = asked.client()
    reader, head = client.update(source_of(source))
    written = copy(reader, head.whole, to, told=lambda tile: out.progress(tile.path))
    human = f"{written} files written to {to}; {_words(head)}"
    out.result({**_facts(head), "written": written, "folder": str(to)}, human, as_json=as_json)


def _numbered(reader: LogReader, start: int, stop: int) -> Iterator[tuple[int, bytes]]:
    return enumerate(islice(reader.entries(start, stop), max(0, stop - start)), start)


def _entry(index: int, data: bytes) -> dict[str, Any]:
    """An entry as JSON; one that is no document of ours is shown as it is, as other logs have other entries."""
    try:
        value = canonical.decode(data, limit=MAX_ENTRY)
    except canonical.NotCanonical:
        value = None
    shown = {"entry": value} if isinstance(value, dict) else {"text": data.decode("utf-8", "backslashreplace")}
    return {"index": index, "hash": leaf_hash(data).hex(), **shown}


def _line(entry: dict[str, Any]) -> str:
    match entry.get("entry"):
        case {"time": int(at), "kind": str(kind), "facts": dict(facts)} if 0 <= at < 1 << 36:
            when = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(at))
            shown = f"{when}Z  {kind}  {dumps(facts, ensure_ascii=False)}"
        case None:
            shown = str(entry["text"])
        case other:
            shown = dumps(other, ensure_ascii=False)
    # What strangers logged must not steer a terminal.
    return f"{entry['index']:>6}  " + "".join(each if each.isprintable() else "�" for each in shown)


def _facts(head: SeenHead) -> dict[str, Any]:
    point = head.checkpoint
    return {
        "origin": point.origin,
        "size": point.size,
        "root": point.root.hex(),
        "witnesses": dict(head.witnesses),
        "dated": head.dated,
    }


def _words(head: SeenHead) -> str:
    point, names = head.checkpoint, ", ".join(sorted(head.witnesses)) or "no witness"
    return f"{point.origin}: {point.size} entries, head {point.root.hex()[:16]}…, seen by {names}"


def _bytes(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(max(MAX_FILE, MAX_EVIDENCE) + 1)
    except OSError as error:
        raise Misuse("the file cannot be read", code="log.file", path=str(path), reason=error.strerror) from error
