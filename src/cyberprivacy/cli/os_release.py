"""`os release …`: which Privacy OS counts, decided by a DAO that votes on its sources."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cyberprivacy.cid import Cid
from cyberprivacy.cli import os_release_votes
from cyberprivacy.cli.dao import DaoAddress, Rpc, There, see, with_dao
from cyberprivacy.cli.keys import parse_address
from cyberprivacy.cli.os_sources import Bundle, saying
from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.cli.privacy_os import CACHE, MADE, SOURCES, Cache
from cyberprivacy.cli.release import done, read_file
from cyberprivacy.cli.sources import Sources, with_sources
from cyberprivacy.cli.status import Since
from cyberprivacy.cli.times import moment
from cyberprivacy.errors import Misuse, Untrusted
from cyberprivacy.proposal import os_releases
from cyberprivacy.proposal.calls import Call, carry_out
from cyberprivacy.proposal.clusters import measurement_since
from cyberprivacy.proposal.law import dao_at
from cyberprivacy.proposal.os_releases import Announced
from cyberprivacy.proposal.release import Address

if TYPE_CHECKING:
    from cyberprivacy.privacy_os.release import Measured

_CHAIN: Final = "--dao 0x… --rpc http://127.0.0.1:8545"


def register(parent: typer.Typer) -> None:
    """Add `release` to `os`."""
    made = typer.Typer(
        help="Which Privacy OS counts: a DAO votes on its sources.", no_args_is_help=True, rich_markup_mode=None
    )
    parent.add_typer(made, name="release")
    example = "Example: cyberprivacy os release "
    made.command("bundle", epilog=f"{example}bundle --image build/os --to next")(bundle)
    made.command("rebuild", epilog=f"{example}rebuild bafybei… -g https://ipfs.example")(with_sources(rebuild))
    made.command("entrust", epilog=f"{example}entrust {_CHAIN} --key owner.json")(with_dao(entrust))
    made.command("announce", epilog=f"{example}announce bafybei… {_CHAIN} --key me.json")(
        with_dao(with_sources(announce))
    )
    made.command("withdraw", epilog=f"{example}withdraw bafybei… {_CHAIN} --key me.json")(
        with_dao(with_sources(withdraw))
    )
    os_release_votes.register(made)
    made.command("list", epilog=f"{example}list {_CHAIN}")(list_)


def bundle(
    to: Annotated[Path, typer.Option(metavar="DIR", help="Folder that is made.")],
    image: Annotated[Path, typer.Option(metavar="DIR", help="The image that these sources make.")] = MADE,
    sources: Annotated[
        Path, typer.Option(metavar="DIR", help="The folder os/ of a checkout.", show_default=False)
    ] = SOURCES,
    *,
    as_json: Json = False,
) -> None:
    """Lay out the sources of an image as its DAO votes on them, with what the image measures beside them.

    `pack` then gives their address. Whoever votes makes the image again (`os release rebuild`) and compares.
    """
    from cyberprivacy.bundle.pack import pack
    from cyberprivacy.privacy_os.image import PROGRAM
    from cyberprivacy.privacy_os.pe import MAX_IMAGE
    from cyberprivacy.privacy_os.release import PIPELINE, Measured, lay_out

    measured = Measured.of(read_file(image / PROGRAM, MAX_IMAGE))
    lay_out(sources.resolve().parent, measured, to)
    cid = pack(to).cid
    value = {"cid": str(cid), "folder": str(to), **measured.facts()}
    human = (
        f"{to}: the sources of an image that measures {measured.plain.hex()}\n{cid}\n"
        f"next: `pack {to} --store DIR`, then `publish {cid} --number N --pipeline {PIPELINE}`"
    )
    out.result({**value, "pipeline": PIPELINE}, human, as_json=as_json)


def rebuild(
    bundle: Bundle,
    cache: Cache = CACHE,
    to: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Keep the image that they make, whatever they say; made.")
    ] = None,
    *,
    sources: Sources,
    as_json: Json = False,
) -> None:
    """Have sources make their image, and compare what it measures with what they say. Needs root, and minutes.

    Their own builder runs, as root: read it before, or do this on a machine that has nothing else. What the image
    measures is computed by the program that you have.
    """
    from cyberprivacy.build.scratch import scratch
    from cyberprivacy.privacy_os.rebuilding import rebuild as rebuilt
    from cyberprivacy.privacy_os.release import MAX_LINE, Measured

    if to is not None and to.exists():
        raise Misuse(
            "the folder exists", code="os.exists", to=str(to), hint="Name one that is to be made with --to."
        )
    with sources.bundle(Cid.parse(bundle)) as found, scratch(cache / "again") as place:
        says = Measured.said(lambda name: read_file(found.tree / name, MAX_LINE))
        out.progress(f"they say {says.plain.hex()}; their builder runs")
        measured = rebuilt(found.tree, place, cache)
        if to is not None:
            shutil.copytree(place / "os", to)
    if measured != says:
        hint = "Vote against it: what would be accepted is not what its sources make."
        facts = {"says": says.facts(), "measured": measured.facts()}
        raise Untrusted("the sources make another image than they say", code="os.release", hint=hint, **facts)
    human = f"{bundle} makes an image that measures {says.plain.hex()}, as it says"
    out.result({"cid": bundle, **says.facts()}, human, as_json=as_json)


def entrust(*, there: There, as_json: Json = False) -> None:
    """As the owner of Clusters: from now on a DAO's releases say which Privacy OS counts, and you do not."""
    acting = there.act()
    made = os_releases.entrust(acting.desk, acting.chain, acting.dao, at=acting.chain.block())
    human = f"{made} owns {acting.dao.clusters} from now on: only releases of {acting.dao.governor} count"
    out.result({"releases": made, "clusters": acting.dao.clusters}, human, as_json=as_json)


def announce(bundle: Bundle, *, sources: Sources, there: There, as_json: Json = False) -> None:
    """Make public what machines of the live release measure; it counts after a waiting period. Anybody may."""
    human = "{} is public; `os release list` says from when it counts"
    _act(os_releases.announce, human, saying(bundle, sources), there, as_json=as_json)


def withdraw(bundle: Bundle, *, sources: Sources, there: There, as_json: Json = False) -> None:
    """End, at once and for good, what a revoked release had announced. Anybody may; `revoke` takes a vote."""
    human = "{} does not count any more"
    _act(os_releases.withdraw, human, saying(bundle, sources), there, as_json=as_json)


def list_(
    rpc: Rpc,
    dao: DaoAddress,
    since: Since = 0,
    *,
    latest: Annotated[
        bool, typer.Option("--latest", help="This moment, not the final block that machines act on.")
    ] = False,
    as_json: Json = False,
) -> None:
    """List what machines may measure, where it comes from, and from when it counts."""
    governor, chain = parse_address(dao, "--dao"), see(rpc, latest=latest)
    block = chain.block()
    found = os_releases.announced(chain, chain, dao_at(chain, governor, block).clusters, at=block, first=since)
    value = [
        {"measurement": each.hex(), "uri": it.uri, "since": it.since, "state": _state(it, block.timestamp)}
        for each, it in found.items()
    ]
    rows = [
        (each.hex(), _state(it, block.timestamp), moment(it.since, block.timestamp) or "-", it.uri or "-")
        for each, it in found.items()
    ]
    shown = table(("measurement", "state", "since", "sources"), rows) if rows else "nothing was announced yet"
    out.result({"measurements": value}, shown, as_json=as_json)


def _state(it: Announced, now: int) -> str:
    if not it.since:
        return "withdrawn"
    return "counts" if it.since <= now else "waits"


def _act(
    make: Callable[[Address, bytes, bytes], Call],
    human: str,
    saying: "tuple[bytes, Measured]",
    there: There,
    *,
    as_json: bool,
) -> None:
    """One transaction for each measurement; not for one that an earlier try, which was cut off, has seen to."""
    acting, (root, said) = there.act(), saying
    at, both = acting.chain.block(), (said.secure, said.plain)
    releases = os_releases.releases_of(acting.chain, acting.dao, at=at)
    stand = [measurement_since(acting.chain, acting.dao.clusters, each, at=at) != 0 for each in both]
    wanted = both if len(set(stand)) == 1 else (both[stand.index(make is os_releases.withdraw)],)
    receipt = carry_out(acting.desk, [make(releases, root, each) for each in wanted])
    done(receipt, said.facts(), human.format(said.plain.hex()), as_json=as_json)
