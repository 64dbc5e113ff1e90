"""`dao`: found a DAO and show its law; and how other commands are told which DAO and which chain."""

import inspect
import secrets
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cyberprivacy.cli.keys import SIGNING, Signing, parse_address, with_signer
from cyberprivacy.cli.options import bundled
from cyberprivacy.cli.output import Json, out, table, verbatim
from cyberprivacy.cli.times import span
from cyberprivacy.errors import Misuse
from cyberprivacy.proposal import charter
from cyberprivacy.proposal.abi import contract
from cyberprivacy.proposal.actions import Acting
from cyberprivacy.proposal.agreeing import Ledger, connect
from cyberprivacy.proposal.endpoint import Endpoint
from cyberprivacy.proposal.founding import (
    DEMO,
    PRODUCTION,
    Minimums,
    Policy,
    create_dao,
    deploy_shared,
    factory_minimums,
    minimums_of,
    policy_of,
)
from cyberprivacy.proposal.law import Dao, cid_of, dao_at
from cyberprivacy.proposal.release import FinalBlock
from cyberprivacy.proposal.sending import Desk

Rpc = Annotated[
    list[str],
    typer.Option("--rpc", metavar="URL", envvar="CYBERPRIVACY_RPC", help="Chain endpoint; several must agree."),
]
DaoAddress = Annotated[
    str, typer.Option("--dao", metavar="ADDRESS", envvar="CYBERPRIVACY_DAO", help="The DAO: its governor.")
]

_CHARTER: Final = """Example: cyberprivacy dao create guestbook.toml --factory 0x… --rpc http://127.0.0.1:8545
--key me.json

where guestbook.toml says (addresses in full):

  name = "guestbook"
  symbol = "GUEST"
  members = ["0x…", "0x…", "0x…"]
  publishers = ["0x…"]
  providers = ["0x…"]
  auditors = ["0x…", "0x…"]
  organisations = ["0x…", "0x…", "0x…"]

Laps are the shortest that the factory allows unless the file sets deployment_lap, voting_period, [policy] …
"""
_DAY: Final = 86_400


def register(app: typer.Typer) -> None:
    """Add `dao …` and `cluster …`."""
    from cyberprivacy.cli import cluster, group  # `cluster` needs what this module defines

    dao = group("dao", "Found a DAO and show its law.")
    dao.command("create", epilog=verbatim(_CHARTER))(with_signer(create))
    dao.command("show", epilog="Example: cyberprivacy dao show --dao 0x… --rpc http://127.0.0.1:8545")(show)
    dao.command(
        "deploy-shared",
        epilog="Example: cyberprivacy dao deploy-shared --laps production --organisation 0x…=https://a.example "
        "--organisation … --organisation … --rpc http://127.0.0.1:8545 --key me.json",
    )(with_signer(deploy))
    cluster.register(app)


def see(rpc: Sequence[str], *, latest: bool = True) -> Ledger:
    """The chain: as it is this moment, for people who act on it, or at its final block."""
    return connect(rpc, head="latest" if latest else "finalized")


@dataclass(frozen=True, slots=True)
class There:
    """Somebody who wants to act on a DAO, as the options --rpc, --dao and those of `Signing` say."""

    rpc: list[str]
    dao: str
    who: Signing

    def act(self) -> Acting:
        """Reach the chain, find the DAO, open the key."""
        governor = parse_address(self.dao, "--dao")  # a slip of the pen is told without asking anybody
        chain = see(self.rpc)
        contracts = dao_at(chain, governor, chain.block())
        return Acting(desk_of(self.rpc, chain, self.who), chain, contracts)


def desk_of(rpc: Sequence[str], chain: Ledger, who: Signing) -> Desk:
    """Transactions go through the first endpoint; which chain they are for, all endpoints say."""
    return Desk(Endpoint(rpc[0]), who.signer(), chain_id=chain.chain_id)


def with_dao(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `There`; it takes them as one argument, `there`."""

    def make(rpc: list[str], dao: str, **signing: Any) -> There:
        return There(rpc, dao, Signing(**signing))

    required = inspect.Parameter.empty
    return bundled(command, "there", {"rpc": (Rpc, required), "dao": (DaoAddress, required), **SIGNING}, make)


def create(
    file: Annotated[Path, typer.Argument(metavar="FOUNDING.toml", help="What the founder decides.")],
    factory: Annotated[str, typer.Option(metavar="ADDRESS", help="The DaoFactory of this chain.")],
    rpc: Rpc,
    salt: Annotated[str, typer.Option(metavar="HEX", help="32 bytes; random if not given.")] = "",
    *,
    who: Signing,
    as_json: Json = False,
) -> None:
    """Found a DAO for an application: five contracts in one transaction, with nothing to set afterwards."""
    maker, chain = parse_address(factory, "--factory"), see(rpc)
    least = factory_minimums(chain, maker)
    founding = charter.parse(_file(file), least)
    desk = desk_of(rpc, see(rpc), who)
    out.progress(f"founding {founding.name}")
    made = create_dao(
        desk, chain, maker, founding, salt=digest_of(salt, "--salt") if salt else secrets.token_bytes(32)
    )
    out.result({"name": founding.name, **asdict(made)}, _addresses(made, founding.name), as_json=as_json)
    _warn(least)


def show(
    rpc: Rpc,
    dao: DaoAddress,
    *,
    latest: Annotated[
        bool, typer.Option("--latest", help="This moment, not the final block that nodes act on.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Show a DAO: its contracts, its laps, who audits it, and what is live."""
    governor = parse_address(dao, "--dao")
    chain = see(rpc, latest=latest)
    block = chain.block()
    contracts = dao_at(chain, governor, block)
    registry, law = contract("ReleaseRegistry"), contract("AppGovernor")
    policy = policy_of(registry.read(chain, block, contracts.registry, "policy").struct("0"))
    least = minimums_of(registry.read(chain, block, contracts.registry, "minimums").struct("0"))
    name = law.read(chain, block, contracts.governor, "name").text("0")
    laps = {
        "voting_delay": law.read(chain, block, contracts.governor, "votingDelay").integer("0"),
        "voting_period": law.read(chain, block, contracts.governor, "votingPeriod").integer("0"),
        "deployment_lap": contract("AppTimelock")
        .read(chain, block, contracts.timelock, "getMinDelay")
        .integer("0"),
    }
    live = cid_of(registry.read(chain, block, contracts.registry, "active").octets("bundle"))
    value = {
        "name": name,
        "chain": chain.chain_id,
        "block": block.number,
        "final": not latest,
        "contracts": asdict(contracts),
        "laps": laps,
        "policy": asdict(policy),
        "minimums": asdict(least),
        "seats": _seats(chain, contracts, block),
        "live": None if live is None else str(live),
    }
    out.result(value, _law(value, policy, laps), as_json=as_json)
    _warn(least)


def deploy(
    organisation: Annotated[
        list[str], typer.Option(metavar="ADDRESS=URI", help="Independent auditors; at least three.")
    ],
    rpc: Rpc,
    laps: Annotated[str, typer.Option(help="Floors for all DAOs, for ever: production (days) or demo (seconds).")],
    *,
    who: Signing,
    as_json: Json = False,
) -> None:
    """Bring the shared contracts to a chain that has none: DaoFactory, Clusters, AuditorRegistry."""
    floors = {"production": PRODUCTION, "demo": DEMO}.get(laps)
    if floors is None:
        raise Misuse("laps are `production` or `demo`", code="dao.laps", got=laps)
    pairs = [each.partition("=") for each in organisation]
    desk = desk_of(rpc, see(rpc), who)
    made = deploy_shared(
        desk,
        minimums=floors,
        organisations=[(parse_address(name, "--organisation"), uri) for name, _, uri in pairs],
        owner=desk.address,
        motion_period=floors.ceiling,
        measurement_wait=floors.review_floor,
    )
    rows = [(name, address) for name, address in asdict(made).items()]
    out.result(asdict(made), table(("contract", "address"), rows), as_json=as_json)
    _warn(floors)


def _seats(chain: Ledger, dao: Dao, block: FinalBlock) -> list[dict[str, str]]:
    seats = contract("AuditorSeats")
    holders = seats.read(chain, block, dao.seats, "holders").many("0")
    own = seats.read(chain, block, dao.seats, "daoSeats").integer("0")
    named = ("the DAO" if place < own else "an organisation" for place in range(len(holders)))
    return [{"auditor": str(holder), "named_by": by} for holder, by in zip(holders, named, strict=True)]


def _law(value: dict[str, object], policy: Policy, laps: dict[str, int]) -> str:
    contracts, seats = value["contracts"], value["seats"]
    assert isinstance(contracts, dict)  # noqa: S101  built a few lines above
    assert isinstance(seats, list)  # noqa: S101
    kind = "final block" if value["final"] else "block"
    lines = [f"{value['name']} on chain {value['chain']}, at {kind} {value['block']}", ""]
    lines += [f"  {name:<10} {address}" for name, address in contracts.items()]
    lines += [
        "",
        f"  review lap      {span(policy.floor)} to {span(policy.ceiling)}; {policy.lines_per_day} lines a day",
        f"  vote            opens after {span(laps['voting_delay'])}, lasts {span(laps['voting_period'])}",
        f"  deployment lap  {span(laps['deployment_lap'])}",
        f"  emergency lane  after {span(policy.emergency_floor)}, {policy.emergency_quorum} of {len(seats)} seats",
        f"                  at most {policy.emergency_lines} lines, one in {span(policy.cooldown)}",
        f"  served when     {policy.builders} provider(s) built the same images",
        "",
    ]
    lines += [
        f"  seat {place}  {seat['auditor']}  named by {seat['named_by']}" for place, seat in enumerate(seats)
    ]
    return "\n".join([*lines, "", f"  live: {value['live'] or 'nothing'}"])


def _addresses(dao: Dao, name: str) -> str:
    rows = "\n".join(f"  {role:<10} {address}" for role, address in asdict(dao).items() if role != "governor")
    return f"{name}: DAO {dao.governor}\n{rows}"


def _warn(least: Minimums) -> None:
    if least.review_floor < _DAY or least.deployment_lap < _DAY:
        out.progress(
            f"note: laps of {span(least.review_floor)} and {span(least.deployment_lap)} show how it works; "
            "they give nobody time to read or to leave"
        )


def _file(path: Path) -> bytes:
    try:
        with path.open("rb") as opened:
            return opened.read(charter.MAX_CHARTER + 1)
    except OSError as error:
        raise Misuse("the file cannot be read", code="dao.charter", path=str(path), why=error.strerror) from None


def digest_of(text: str, where: str) -> bytes:
    """32 bytes that somebody typed in hex.

    Raises:
        Misuse: not that.
    """
    try:
        raw = bytes.fromhex(text.removeprefix("0x"))
    except ValueError:
        raw = b""
    if len(raw) != 32:
        raise Misuse("not 32 bytes in hex", code="hex", where=where)
    return raw
