"""`cluster …` at the market: show one, anchor its log, let people look at its machines first."""

from dataclasses import asdict
from typing import Annotated, Final

import typer

from cyberprivacy.cli.dao import digest_of
from cyberprivacy.cli.keys import parse_address
from cyberprivacy.cli.logsource import source_of
from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.cli.times import moment, span
from cyberprivacy.cli.trade import Number, Trade, View, offer
from cyberprivacy.errors import Misuse
from cyberprivacy.ledger.checkpoint import Checkpoint
from cyberprivacy.ledger.note import MAX_NOTE, Note
from cyberprivacy.ledger.proofs import consistency_proof
from cyberprivacy.ledger.publisher import CHECKPOINT
from cyberprivacy.ledger.reading import LogReader, Missing
from cyberprivacy.proposal import expansions, providers
from cyberprivacy.proposal.accusing import NotOnChain, signed_heads
from cyberprivacy.proposal.clusters import NO_HARDWARE, Machine, cluster_at, machines, require_admission
from cyberprivacy.proposal.expansions import Expansion, Stage
from cyberprivacy.proposal.heads import anchor_head, anchored
from cyberprivacy.proposal.market import rules_of

Which = Annotated[int, typer.Argument(metavar="EXPANSION", min=1, help="`cluster expansion list`.")]
Cluster = Annotated[int, typer.Argument(metavar="CLUSTER", min=1, help="Number of the cluster.")]
Since = Annotated[int, typer.Option("--since", metavar="BLOCK", help="Block from which to look for old logs.")]


def register(cluster: typer.Typer) -> None:
    """Add to `cluster`: `show`, `anchor`, `promise` and `expansion …`."""
    offer(
        cluster,
        "cluster",
        {"anchor": (anchor, "https://my-node.example"), "promise": (promise, "1")},
        {"show": (show, "1")},
    )
    made = typer.Typer(
        help="Announce a machine, let validators see it, then let it count.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    cluster.add_typer(made, name="expansion")
    offer(
        made,
        "cluster expansion",
        {
            "announce": (announce, "1 0x… --node-key 0x… --evidence 0x…"),
            "commit": (commit, "1"),
            "stop": (stop, "1"),
        },
        {"show": (show_expansion, "1"), "list": (list_, "")},
    )


def show(cluster: Cluster, since: Since = 0, *, view: View, as_json: Json = False) -> None:
    """Show a cluster: whose it is, what it has promised, its machines, and the newest head of its log on chain."""
    it = cluster_at(view.chain, view.market.clusters, cluster, at=view.at)
    head = anchored(view.chain, view.market.anchor, cluster, at=view.at)
    good = providers.standing(view.chain, view.market.providers, it.provider, at=view.at).good
    forked = providers.convicted(view.chain, view.market.providers, cluster, at=view.at)
    nodes = machines(view.chain, view.chain, view.market.clusters, cluster, at=view.at, first=since)
    newest = f"{head.size} entries, signed {moment(head.time, view.now)}" if head.size else "nothing yet"
    takes = "admitted ones only" if it.needs_admission else "any: nobody can rent it (`cluster promise`)"
    rows = [
        f"cluster {cluster} of {it.provider}{'' if good else ' (not in good standing: `provider show`)'}",
        f"  head key   {it.head_key or 'none: `cluster head-key` names it'}",
        f"  anchored   {newest}",
        f"  machines   {takes}",
    ]
    rows += ["  FORKED     its log was proven to have two pasts; nothing is paid any more"] if forked else []
    rows += [f"  node       {each.account}  {_state(each, cluster)}" for each in nodes]
    value = {
        "cluster": cluster,
        **asdict(it),
        "good_standing": good,
        "forked": forked,
        "anchored": {"size": head.size, "root": head.root.hex(), "time": head.time} if head.size else None,
        "nodes": [_machine(each) for each in nodes],
    }
    out.result(value, "\n".join(rows), as_json=as_json)


def promise(cluster: Cluster, *, trade: Trade, as_json: Json = False) -> None:
    """Promise, as the provider and for ever, that only admitted machines join a cluster and report for it.

    Only such clusters are rented. Machines that are not admitted yet report nothing from that moment on.
    """
    view = trade.look()
    human = f"cluster {cluster} has admitted machines only, from now on and for ever"
    calls = require_admission(view.market.clusters, cluster)
    trade.do(view, calls, {"cluster": cluster, "needs_admission": True}, human, as_json=as_json)


def anchor(
    source: Annotated[str, typer.Argument(metavar="SOURCE", help="A node's address, or files of its log.")],
    *,
    trade: Trade,
    as_json: Json = False,
) -> None:
    """Bring the newest head of a cluster's log to the chain, with the proof that it grew. Anybody may."""
    files, view = source_of(source), trade.look()
    data = files.read(CHECKPOINT, MAX_NOTE)
    if data is None:
        raise Missing("the source has no checkpoint", source=files.name)
    note = Note.parse(data)
    signed = next(iter(signed_heads(note, chain_id=view.chain.chain_id, anchor=view.market.anchor)), None)
    if signed is None:
        hint = "The configuration of its node names chain, anchor and cluster in [head]."
        raise NotOnChain("no key signed this head for this chain", hint=hint, source=files.name)
    head = signed.head
    last = anchored(view.chain, view.market.anchor, head.cluster, at=view.at)
    if head.size <= last.size:
        raise Misuse(
            "the chain has this head, or a newer one",
            code="cluster.anchored",
            hint="The log's next entry makes a new one.",
            cluster=head.cluster,
            anchored=last.size,
            size=head.size,
        )
    reader = LogReader(files, Checkpoint.parse(note.text).head)
    proof = consistency_proof(reader.node, last.size, head.size)
    told = {"cluster": head.cluster, "size": head.size, "root": head.root.hex(), "time": head.time}
    human = f"cluster {head.cluster}: {head.size} entries are on chain, signed {moment(head.time, view.now)}"
    trade.do(view, anchor_head(view.market.anchor, signed, proof), told, human, as_json=as_json)


def announce(
    cluster: Cluster,
    node: Annotated[str, typer.Argument(metavar="ADDRESS", help="Account of the machine.")],
    node_key: Annotated[str, typer.Option(metavar="HEX", help="SHA-256 of the machine's identity key.")],
    evidence: Annotated[str, typer.Option(metavar="HEX", help="Digest of its attestation, 32 bytes.")],
    measurement: Annotated[str, typer.Option(metavar="HEX", help="Its OS; none = no hardware evidence.")] = "",
    *,
    trade: Trade,
    as_json: Json = False,
) -> None:
    """Announce a machine, as the provider. `cyberprivacy node identity` prints what to give here."""
    machine = parse_address(node, "ADDRESS")
    digests = {
        "node_key": digest_of(node_key, "--node-key"),
        "measurement": digest_of(measurement, "--measurement") if measurement else NO_HARDWARE,
        "evidence": digest_of(evidence, "--evidence"),
    }
    view = trade.look()
    calls = expansions.announce(view.market.expansions, cluster, node=machine, **digests)
    rules = rules_of(view.chain, view.market, view.at)
    human = (
        f"machine {{number}} is announced\nnext: {rules.quorum} validator(s) see it, then "
        f"`cluster expansion commit {{number}}` in {span(rules.waiting)} or later"
    )
    made = Number("Expansions", view.market.expansions, "ExpansionAnnounced", "expansion")
    trade.do(view, calls, {"cluster": cluster, "node": machine}, human, made=made, as_json=as_json)


def commit(number: Which, *, trade: Trade, as_json: Json = False) -> None:
    """Let a machine count, as its provider, when it waited in public and enough validators saw it."""
    view = trade.look()
    calls = expansions.commit(view.market.expansions, number)
    human = (
        f"machine {number} is admitted with this key and this OS\n"
        "next: `cluster add-node` if it is not listed yet; the node joins by itself"
    )
    trade.do(view, calls, {"expansion": number}, human, as_json=as_json)


def stop(number: Which, *, trade: Trade, as_json: Json = False) -> None:
    """Stop a machine: as the court at any time (--for-dao), as anybody when enough validators are suspicious."""
    view = trade.look()
    calls = expansions.stop(view.market.expansions, number)
    trade.do(view, calls, {"expansion": number}, f"machine {number} is not admitted", as_json=as_json)


def show_expansion(number: Which, *, view: View, as_json: Json = False) -> None:
    """Show an announced machine: what it waits for, and who saw it."""
    it = expansions.expansion_at(view.chain, view.market.expansions, number, at=view.at)
    if it.stage is Stage.NONE:
        hint = "`cluster expansion list`."
        raise Misuse("there is no such expansion", code="expansion.unknown", hint=hint, expansion=number)
    rows = [
        f"machine {number} of cluster {it.cluster}: {it.node}",
        f"  stage       {_stage(it)}",
        f"  node key    0x{it.node_key.hex()}",
        f"  OS          {'0x' + it.measurement.hex() if any(it.measurement) else 'claims no hardware evidence'}",
        f"  public      since {moment(it.announced_at, view.now)}, open from {moment(it.opens_at, view.now)}",
        f"  validators  {it.good} of {it.quorum} found nothing, {it.suspicious} suspicious",
    ]
    out.result(_value(number, it), "\n".join(rows), as_json=as_json)


def list_(since: Since = 0, *, view: View, as_json: Json = False) -> None:
    """List all machines that were ever announced, and where each stands."""
    law = view.market.expansions
    numbers = expansions.announced(view.chain, law, at=view.at, first=since)
    found = [(number, expansions.expansion_at(view.chain, law, number, at=view.at)) for number in numbers]
    rows = [
        (str(number), str(it.cluster), it.node, _stage(it), f"{it.good} of {it.quorum}") for number, it in found
    ]
    shown = table(("#", "cluster", "node", "stage", "seen by"), rows) if rows else "no machine was announced yet"
    out.result({"expansions": [_value(number, it) for number, it in found]}, shown, as_json=as_json)


_STAGES: Final = {
    Stage.ANNOUNCED: "announced",
    Stage.COMMITTED: "committed; no such node has joined",
    Stage.STOPPED: "stopped",
}


def _stage(it: Expansion) -> str:
    return "admitted" if it.admitted and it.stage is Stage.COMMITTED else _STAGES[it.stage]


def _value(number: int, it: Expansion) -> dict[str, object]:
    digests = {name: "0x" + getattr(it, name).hex() for name in ("node_key", "measurement")}
    return {"expansion": number, **asdict(it), **digests, "stage": it.stage.name.lower()}


def _state(it: Machine, cluster: int) -> str:
    if it.cluster != cluster:
        return "listed, has not joined" if not it.cluster else f"is in cluster {it.cluster}"
    return "in service" if it.in_service else "joined, but not admitted, or its OS is not accepted"


def _machine(it: Machine) -> dict[str, object]:
    return {**asdict(it), "node_key": "0x" + it.node_key.hex(), "measurement": "0x" + it.measurement.hex()}
