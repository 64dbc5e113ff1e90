"""`attest`: an auditor vouches for a bundle; what they sign is first held against what the chain has recorded."""

from hashlib import sha256
from pathlib import Path
from typing import Annotated, Final

import typer

from cyberprivacy.cid import Cid
from cyberprivacy.cli.dao import There
from cyberprivacy.cli.output import Json
from cyberprivacy.cli.recorded import check_manifest, check_statement
from cyberprivacy.cli.release import Bundle, done, read_file
from cyberprivacy.cli.review import warn_of_privileges
from cyberprivacy.cli.sources import Sources, with_sources
from cyberprivacy.errors import Misuse
from cyberprivacy.proposal import actions
from cyberprivacy.proposal.law import Before, before
from cyberprivacy.review import privileges

_SEVERITIES: Final = ("none", "low", "medium", "high", "critical")
_URGENT: Final = frozenset(("high", "critical"))
_MAX_REPORT: Final = 16 << 20


@with_sources
def attest(
    bundle: Bundle,
    lines: Annotated[int, typer.Option(min=0, help="Size of the change: what `cyberprivacy measure` prints.")],
    report: Annotated[
        Path, typer.Option(metavar="FILE", help="Your written statement; its SHA-256 goes on chain.")
    ],
    complexity: Annotated[int, typer.Option(min=100, max=300, help="100 plain to 300 hard to read.")] = 100,
    severity: Annotated[str, typer.Option(help=f"Of what it repairs: {', '.join(_SEVERITIES)}.")] = "none",
    *,
    sources: Sources,
    there: There,
    as_json: Json = False,
) -> None:
    """Vouch, as an auditor: the bundle is public, I have it, and it is this big.

    A report that `measure --statement` made must be about this bundle, the parent that the chain has recorded,
    and this number. With --gateway, --kubo or --store the bundle is fetched once more, and refused if its
    manifest contradicts the chain.
    """
    if severity not in _SEVERITIES:
        raise Misuse("no such severity", code="attest.severity", got=severity, known=list(_SEVERITIES))
    cid, document = Cid.parse(bundle), read_file(report, _MAX_REPORT)
    digest = sha256(document).digest()
    acting = there.act()
    recorded = before(acting.chain, acting.dao, cid, acting.chain.block())
    if recorded.published:  # otherwise the law itself says no
        check_statement(document, cid, recorded, lines=lines)
        if sources.named:
            _look(cid, recorded, sources, urgent=severity in _URGENT)
    receipt = actions.attest(
        acting, cid, lines=lines, complexity=complexity, severity=_SEVERITIES.index(severity), report=digest
    )
    value = {"bundle": str(cid), "report": "0x" + digest.hex()}
    done(receipt, value, f"attested {cid}: {lines} lines, report {digest.hex()}", as_json=as_json)


def _look(cid: Cid, recorded: Before, sources: Sources, *, urgent: bool) -> None:
    """Hold the bundle itself against the chain; warn of an urgent repair that nodes will not run."""
    with sources.bundle(cid) as bundle:
        check_manifest(bundle.tree, recorded)
        if urgent and recorded.parent is not None:
            with sources.bundle(recorded.parent) as parent:
                warn_of_privileges(privileges.changed(parent.tree, bundle.tree))
