"""A release on its way: publish, attest, propose, vote, queue, execute; stop it; see where each stands."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from time import time
from typing import Annotated, Final, TypeVar

import typer

from cyberprivacy.cid import Cid
from cyberprivacy.cli import status
from cyberprivacy.cli.dao import There, with_dao
from cyberprivacy.cli.output import Json, out
from cyberprivacy.cli.status import Since
from cyberprivacy.cli.times import moment, span
from cyberprivacy.errors import Misuse
from cyberprivacy.proposal import actions, text
from cyberprivacy.proposal.actions import Acting
from cyberprivacy.proposal.law import proposal_at
from cyberprivacy.proposal.refusals import NotYet
from cyberprivacy.proposal.sending import Receipt
from cyberprivacy.proposal.text import Proposal
from cyberprivacy.proposal.waiting import patiently

Bundle = Annotated[str, typer.Argument(metavar="CID", help="The bundle: bafybei…")]
Which = Annotated[
    str, typer.Argument(metavar="CID|PROPOSAL", help="The bundle that is voted on, or a proposal's id.")
]
Wait = Annotated[bool, typer.Option("--wait", help="Wait until the law allows it, and say what for.")]

_Done = TypeVar("_Done")

_COMMON: Final = "--dao 0x… --rpc http://127.0.0.1:8545 --key me.json"
_SUPPORT: Final = {"for": actions.IN_FAVOUR, "against": actions.AGAINST, "abstain": actions.ABSTAIN}


def register(app: typer.Typer) -> None:
    """Add the commands, in the order in which a release meets them."""
    from cyberprivacy.cli.attest import attest  # it needs what this module defines

    commands: tuple[tuple[Callable[..., None], str], ...] = (
        (publish, f"publish ./guestbook {_COMMON}"),
        (attest, f"attest bafybei… --lines 420 --complexity 120 --report review.md {_COMMON}"),
        (propose, f"propose bafybei… --name 'guestbook 1.0.0' --text changes.md --wait {_COMMON}"),
        (vote, f"vote bafybei… for --wait {_COMMON}"),
        (queue, f"queue bafybei… --wait {_COMMON}"),
        (execute, f"execute bafybei… --wait {_COMMON}"),
        (activate, f"activate bafybei… --emergency {_COMMON}"),
        (halt, f"halt bafybei… {_COMMON}"),
        (revoke, f"revoke bafybei… --text why.md {_COMMON}"),
    )
    for command, example in commands:
        app.command(command.__name__, epilog=f"Example: cyberprivacy {example}")(with_dao(command))
    status.register(app)


def publish(
    bundle: Annotated[str, typer.Argument(metavar="DIR|CID", help="Directory with cyberprivacy.yaml, or a CID.")],
    number: Annotated[int, typer.Option(help="Release number; read from DIR.")] = 0,
    pipeline: Annotated[int, typer.Option(help="Pipeline template number; read from DIR.")] = 0,
    parent: Annotated[str, typer.Option(metavar="CID", help="What it was measured against; read from DIR.")] = "",
    already_read: Annotated[str, typer.Option(metavar="CID", help="Release whose lap is over.")] = "",
    *,
    there: There,
    as_json: Json = False,
) -> None:
    """Put a bundle before the auditors and the public. Its blocks must be where they can fetch them."""
    cid, told = _told(bundle, number=number, pipeline=pipeline, parent=parent)
    acting = there.act()
    receipt = actions.publish(
        acting,
        cid,
        parent=told[2],
        number=told[0],
        pipeline=told[1],
        already_read=Cid.parse(already_read) if already_read else None,
    )
    done(
        receipt, {"bundle": str(cid), "number": told[0]}, f"published {cid} as release {told[0]}", as_json=as_json
    )


def propose(
    bundle: Bundle,
    name: Annotated[str, typer.Option(help="Name and version, for the title after 'Software Update: '.")],
    text_file: Annotated[
        Path | None, typer.Option("--text", metavar="FILE", help="What changes, and why.")
    ] = None,
    *,
    wait: Wait = False,
    there: There,
    as_json: Json = False,
) -> None:
    """Put a reviewed bundle to the vote. Title and second line are written for you, as the law wants them."""
    cid, body = Cid.parse(bundle), read_text(text_file)
    acting = there.act()
    made = text.update(acting.dao, cid, name=name, body=body)
    receipt = _when_allowed(partial(actions.propose, acting, made), wait=wait)
    done(receipt, made.facts(), f"proposed: {made.title}\nproposal {made.id}", as_json=as_json)


def vote(
    which: Which,
    support: Annotated[str, typer.Argument(metavar="for|against|abstain")],
    reason: Annotated[str, typer.Option(help="Why; public for ever.")] = "",
    *,
    wait: Wait = False,
    there: There,
    as_json: Json = False,
) -> None:
    """Cast a vote on a bundle, or on any other proposal."""
    if support not in _SUPPORT:
        raise Misuse("vote for, against or abstain", code="vote.support", got=support)
    acting = there.act()
    proposal = _proposal_id(acting, which)
    receipt = _when_allowed(lambda: actions.vote(acting, proposal, _SUPPORT[support], reason=reason), wait=wait)
    done(receipt, {"proposal": str(proposal), "vote": support}, f"voted {support}", as_json=as_json)


def queue(
    which: Which,
    since: Since = 0,
    *,
    wait: Wait = False,
    there: There,
    as_json: Json = False,
) -> None:
    """Start the deployment lap of a proposal that passed. Anybody may."""
    acting = there.act()
    found = _find(acting, which, since)
    receipt = _when_allowed(partial(actions.queue, acting, found), wait=wait)
    until = acting.state(found.id).executable
    human = f"queued; executable from {moment(until, int(time()))}"
    done(receipt, {**found.facts(), "executable": until}, human, as_json=as_json)


def execute(
    which: Which,
    since: Since = 0,
    *,
    wait: Wait = False,
    there: There,
    as_json: Json = False,
) -> None:
    """Carry out a proposal whose deployment lap is over; an update goes live with it. Anybody may."""
    acting = there.act()
    found = _find(acting, which, since)
    receipt = _when_allowed(partial(actions.execute, acting, found), wait=wait)
    done(receipt, found.facts(), f"executed: {found.title}", as_json=as_json)


def activate(
    bundle: Bundle,
    *,
    emergency: Annotated[bool, typer.Option("--emergency", help="The urgent lane; dies unless ratified.")] = False,
    wait: Wait = False,
    there: There,
    as_json: Json = False,
) -> None:
    """Bring a small urgent repair live before its vote. The ordinary road is propose, vote, queue, execute."""
    if not emergency:
        raise Misuse(
            "only a passed vote activates a release",
            code="activate.ordinary",
            hint="Take the ordinary road (`propose`), or the other one: --emergency.",
        )
    cid, acting = Cid.parse(bundle), there.act()
    receipt = _when_allowed(partial(actions.activate_emergency, acting, cid), wait=wait)
    human = f"{cid} is live until the vote ratifies it, or it dies; `status` says when"
    done(receipt, {"bundle": str(cid)}, human, as_json=as_json)


def halt(bundle: Bundle, *, there: There, as_json: Json = False) -> None:
    """Ask, as an auditor, to stop a bundle now. A majority of seats stops it, once, for a while."""
    cid = Cid.parse(bundle)
    receipt = actions.halt(there.act(), cid)
    done(receipt, {"bundle": str(cid)}, f"asked to halt {cid}; `status` shows whether it stopped", as_json=as_json)


def revoke(
    bundle: Bundle,
    text_file: Annotated[Path | None, typer.Option("--text", metavar="FILE", help="Why.")] = None,
    *,
    there: There,
    as_json: Json = False,
) -> None:
    """Propose to withdraw a bundle for good. Only a vote may: vote, queue and execute the proposal it prints."""
    cid, body = Cid.parse(bundle), read_text(text_file)
    acting = there.act()
    made = text.revocation(acting.dao, cid, body=body)
    receipt = actions.propose(acting, made)
    done(receipt, made.facts(), f"proposed: {made.title}\nproposal {made.id}", as_json=as_json)


def _told(bundle: str, *, number: int, pipeline: int, parent: str) -> tuple[Cid, tuple[int, int, Cid | None]]:
    """CID, and number, pipeline and parent: from the manifest of a directory, or from the options."""
    given = (number, pipeline, Cid.parse(parent) if parent and parent != "none" else None)
    if not Path(bundle).is_dir():
        if not number or not pipeline:
            raise Misuse(
                "a CID alone does not say its number and pipeline",
                code="publish.manifest",
                hint="Give --number and --pipeline (and --parent), or the directory.",
            )
        return Cid.parse(bundle), given
    from cyberprivacy.bundle.manifest import parse
    from cyberprivacy.bundle.pack import pack

    packed = pack(Path(bundle))
    manifest = parse(read_file(Path(bundle) / "cyberprivacy.yaml", 1 << 20))
    says = (manifest.release, manifest.pipeline, manifest.parent)
    for option, value, said in zip(("--number", "--pipeline", "--parent"), given, says, strict=True):
        if value and value != said:
            raise Misuse("the manifest says otherwise", code="publish.manifest", option=option, manifest=str(said))
    return packed.cid, says


def _proposal_id(acting: Acting, which: str) -> int:
    """The id of a proposal: itself, or of the vote on a bundle."""
    if which.isascii() and which.isdecimal():
        return int(which)
    cid = Cid.parse(which)
    found = proposal_at(acting.chain, acting.dao, cid.digest, acting.chain.block())
    if found == 0:
        raise Misuse("nobody has proposed this bundle", code="law.no-proposal", hint="`propose` it.", bundle=which)
    return found


def _find(acting: Acting, which: str, since: int) -> Proposal:
    """The text and actions of a proposal, proven by its id."""
    at = acting.chain.block()
    if which.isascii() and which.isdecimal():
        return text.find_proposal(acting.chain, acting.chain, acting.dao, int(which), at=at, first=since)
    return text.update_of(acting.chain, acting.chain, acting.dao, Cid.parse(which), at=at)


def _when_allowed(attempt: Callable[[], _Done], *, wait: bool) -> _Done:
    return patiently(attempt, say=_say) if wait else attempt()


def _say(early: NotYet) -> None:
    left = f", for {span(max(1, early.until - int(time())))}" if early.until else ""
    out.progress(f"waiting{left}: {early.what}")


def done(receipt: Receipt, value: Mapping[str, object], human: str, *, as_json: bool) -> None:
    """Print what a transaction did, and which one it was."""
    sent = {"transaction": "0x" + receipt.transaction.hex(), "block": receipt.block, "gas": receipt.gas}
    out.result({**value, **sent}, human, as_json=as_json)


def read_text(path: Path | None) -> str:
    """The text of a proposal, from a file; empty without one.

    Raises:
        Misuse: it cannot be read, is too large, or is not UTF-8.
    """
    if path is None:
        return ""
    try:
        return read_file(path, text.MAX_TEXT).decode()
    except UnicodeDecodeError:
        raise Misuse("the text is not UTF-8", code="proposal.text-form", path=str(path)) from None


def read_file(path: Path, most: int) -> bytes:
    """A file that somebody named.

    Raises:
        Misuse: it cannot be read, or is larger than `most` bytes ("file").
    """
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except OSError as error:
        raise Misuse("the file cannot be read", code="file", path=str(path), why=error.strerror) from None
    if len(content) > most:
        raise Misuse("the file is too large", code="file", path=str(path), most=most)
    return content
