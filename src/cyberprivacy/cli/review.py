"""`lint`, `measure`, `bundle diff`: what authors, auditors and members do before they decide."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer
from rich.text import Text

from cyberprivacy.bundle.manifest import parse as read_manifest
from cyberprivacy.bundle.pack import IGNORED, pack
from cyberprivacy.cid import Cid
from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.cli.sources import Sources, with_sources
from cyberprivacy.errors import Misuse
from cyberprivacy.review import privileges
from cyberprivacy.review.diff import Change, Difference, compare
from cyberprivacy.review.finding import Finding
from cyberprivacy.review.lint import findings
from cyberprivacy.review.measure import METRIC, Measurement, measure
from cyberprivacy.review.names import MANIFEST
from cyberprivacy.review.rules import RULES
from cyberprivacy.review.statement import report_hash, statement

_SIGNS: Final = {"+": "green", "-": "red", "@": "cyan", "\\": "yellow"}


@dataclass(frozen=True, slots=True)
class _Source:
    """A tree to read: its directory, what is left out of it, and its address."""

    tree: Path
    ignore: frozenset[str]
    named: Cid | None

    @property
    def cid(self) -> Cid:
        """The address; a directory is packed to learn it."""
        return self.named or pack(self.tree).cid


def register(app: typer.Typer) -> None:
    """Add the commands of this room."""
    from cyberprivacy.cli import group

    app.command("lint", epilog="Example: cyberprivacy lint ./guestbook")(with_sources(_lint))
    app.command(
        "measure",
        epilog="Example: cyberprivacy measure bafybei… -g https://ipfs.example --dao 0x… --rpc https://rpc.example",
    )(with_sources(_measure))
    bundle = group("bundle", "Fetch, read, serve and host bundles by CID.")
    bundle.command(
        "diff", epilog="Example: cyberprivacy bundle diff bafybei… ./guestbook -g https://ipfs.example"
    )(with_sources(_diff))


def _lint(
    source: Annotated[str, typer.Argument(metavar="DIR|CID", help="The sources of a bundle.")] = ".",
    rules: Annotated[bool, typer.Option("--rules", help="Print every rule instead.")] = False,
    *,
    sources: Sources,
    as_json: Json = False,
) -> None:
    """Say whether clusters would take a bundle: every rule that it breaks, with file, line and a hint."""
    if rules:
        _print_rules(as_json=as_json)
        return
    with _all([source], sources) as (tree,):
        found = findings(tree.tree, ignore=tree.ignore)
    value = {
        "passes": not any(one.refuses for one in found),
        "findings": [
            {"code": one.code, "path": one.path, "line": one.line, "what": one.what, "hint": one.hint}
            | {"refuses": one.refuses}
            for one in found
        ],
    }
    out.result(value, _findings_text(found), as_json=as_json)
    if not value["passes"]:
        raise typer.Exit(1)


def _print_rules(*, as_json: bool) -> None:
    rows = [
        {"code": code, "says": rule.says, "hint": rule.hint, "refuses": not rule.note}
        for code, rule in RULES.items()
    ]
    lines = ((code, rule.says + (" (a note only)" if rule.note else "")) for code, rule in RULES.items())
    out.result({"rules": rows}, table(("code", "rule"), lines), as_json=as_json)


def _findings_text(found: Sequence[Finding]) -> Text:
    text = Text()
    for one in found:
        text.append(f"{one.place}: ", style="bold")
        text.append(f"{one.what}  ")
        text.append(f"[{one.code}]\n", style="red" if one.refuses else "yellow")
        text.append(f"  → {one.hint}\n", style="dim")
    if not any(one.refuses for one in found):
        notes = f", {len(found)} notes for reviewers" if found else ""
        text.append(f"passes: {len(RULES)} rules kept{notes}", style="green")
    return text


def _measure(
    new: Annotated[str, typer.Argument(metavar="NEW", help="Directory or CID of the release to measure.")],
    against: Annotated[
        list[str],
        typer.Option("--against", metavar="OLD", help="Instead: what was read, the parent first."),
    ] = [],  # noqa: B006 - typer copies it
    dao: Annotated[
        str,
        typer.Option(metavar="ADDRESS", envvar="CYBERPRIVACY_DAO", help="Whose registry says what was read."),
    ] = "",
    rpc: Annotated[
        list[str],
        typer.Option(metavar="URL", envvar="CYBERPRIVACY_RPC", help="Chain endpoint; several must agree."),
    ] = [],  # noqa: B006
    as_statement: Annotated[
        bool, typer.Option("--statement", help="Print an auditor's in-toto statement of it.")
    ] = False,
    *,
    sources: Sources,
    as_json: Json = False,
    context: typer.Context,
) -> None:
    """Count the lines of a release that nobody has read yet: the number that sets its review lap.

    With --dao and --rpc the chain says what was read: the parent and the credit with which the bundle was
    published, or what runs now if nobody has published it. A manifest that names another parent is refused.
    Without them the manifest's own word is taken. A first release is new as a whole. The hash that --statement
    prints on stderr is the `report` of an attestation on chain.
    """
    source = context.get_parameter_source("dao")
    if against and dao and source is not None and source.name == "COMMANDLINE":
        raise Misuse("give either --against or --dao", code="measure.against", hint="The chain knows the parent.")
    with ExitStack() as stack:
        tree = _source(stack, new, sources)
        names = against or (_recorded(tree, rpc, dao) if dao else _parent(tree))
        old = [_source(stack, name, sources) for name in names]
        measured = measure([one.tree for one in old], tree.tree, ignore=tree.ignore)
        if old and all((one.tree / MANIFEST).is_file() for one in (old[0], tree)):
            ignored = old[0].ignore | tree.ignore
            warn_of_privileges(privileges.changed(old[0].tree, tree.tree, ignore=ignored))
        if as_statement:
            document = statement(tree.cid, [one.cid for one in old], measured)
            typer.echo(document, nl=False)
            out.progress(f"report: 0x{report_hash(document).hex()}")
            return
    value = {"metric": METRIC, "lines": measured.total, "against": names, "files": _rows(measured)}
    rows = [(row.path, str(row.lines), row.reason) for row in measured.rows]
    human = table(("file", "lines", "reason"), [*rows, ("together", str(measured.total), "lines to read")])
    out.result(value, human, as_json=as_json)


def _parent(tree: _Source) -> list[str]:
    """The parent that a release's manifest names, if it names one."""
    if not (tree.tree / MANIFEST).is_file():
        return []
    parent = read_manifest((tree.tree / MANIFEST).read_bytes()).parent
    if parent is None:
        return []
    out.progress(f"against its parent {parent}: its author says so; --dao and --rpc ask the chain")
    return [str(parent)]


def _recorded(tree: _Source, rpc: Sequence[str], dao: str) -> list[str]:
    """What the chain says was read before a release, whatever its manifest says."""
    if not rpc:
        raise Misuse("no chain to ask", code="measure.chain", hint="Give --rpc, or leave out --dao.")
    from cyberprivacy.cli import recorded  # brings in all that signs and hashes; `lint` needs none of it

    found = recorded.ask(rpc, dao, tree.cid)
    recorded.check_manifest(tree.tree, found)
    why = "as the chain has recorded" if found.published else "which runs now; the bundle is not published"
    out.progress(f"against its parent {found.parent}, {why}" if found.parent else "the first release: all is new")
    if found.already_read is not None:
        out.progress(f"and {found.already_read}, whose review lap is over")
    return [str(cid) for cid in found.read]


def warn_of_privileges(changed: Sequence[str]) -> None:
    """Say that a change takes a vote, if it touches these files."""
    if changed:
        out.progress(
            f"note: it changes what the application may do ({', '.join(changed)}): "
            "no node runs it by the emergency lane before it is ratified"
        )


def _rows(measured: Measurement) -> list[dict[str, object]]:
    return [
        {"path": row.path, "lines": row.lines, "factor": row.factor, "reason": row.reason} for row in measured.rows
    ]


def _diff(
    old: Annotated[str, typer.Argument(metavar="OLD", help="Directory or CID of what runs now.")],
    new: Annotated[str, typer.Argument(metavar="NEW", help="Directory or CID of what shall run.")],
    *,
    sources: Sources,
    as_json: Json = False,
) -> None:
    """Show what a release changes: first how it is built and what it may do, then its code; nothing hidden."""
    with _all([old, new], sources) as (before, after):
        found = compare(before.tree, after.tree, ignore=before.ignore | after.ignore)
    value = {
        "lines": found.measurement.total,
        "inputs": [{"kind": one.kind, "name": one.name, "old": one.old, "new": one.new} for one in found.inputs],
        "changes": [
            {"kind": one.kind, "path": one.path, "old_path": one.old_path, "lines": one.lines}
            | {"text": list(one.text)}
            for one in found.changes
        ],
    }
    if as_json:
        out.result(value, "", as_json=True)
        return
    if found.inputs:
        rows = [(one.kind, one.name, one.old or "-", one.new or "-") for one in found.inputs]
        out.human(table(("beside the text", "name", "old", "new"), rows))
    out.human(_diff_text(found))


def _diff_text(found: Difference) -> Text:
    text = Text()
    for change in found.changes:
        text.append(f"\n{_title(change)}\n", style="bold")
        for line in change.text:
            text.append(f"{line}\n", style=_SIGNS.get(line[0], ""))
    text.append(f"\n{found.measurement.total} lines to read in {len(found.changes)} files", style="bold")
    return text


def _title(change: Change) -> str:
    where = f"{change.old_path} → {change.path}" if change.old_path else change.path
    return f"{change.kind}: {where}  (to read: {change.lines})"


@contextmanager
def _all(names: Sequence[str], sources: Sources) -> Iterator[list[_Source]]:
    """Directories as they are, CIDs fetched and verified, for as long as the block lasts."""
    with ExitStack() as stack:
        yield [_source(stack, name, sources) for name in names]


def _source(stack: ExitStack, name: str, sources: Sources) -> _Source:
    if Path(name).is_dir():
        return _Source(Path(name), IGNORED, None)
    text = name.removeprefix("ipfs://")
    if not text.startswith("baf"):
        raise Misuse(
            "neither a directory nor a CID",
            code="review.source",
            hint="Name a directory with cyberprivacy.yaml in it, or bafy….",
            source=name,
        )
    bundle = stack.enter_context(sources.bundle(Cid.parse(text)))
    return _Source(bundle.tree, frozenset(), bundle.cid)
