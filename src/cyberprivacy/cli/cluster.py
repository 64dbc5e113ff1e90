"""`cluster`: list the machines that you run, as a provider."""

from typing import Annotated

import typer

from cyberprivacy.cli.dao import Rpc, desk_of, digest_of, see
from cyberprivacy.cli.keys import Signing, parse_address, with_signer
from cyberprivacy.cli.output import Json, out
from cyberprivacy.cli.release import done
from cyberprivacy.proposal.clusters import (
    NO_HARDWARE,
    add_node,
    announce_measurement,
    register_cluster,
    remove_node,
    set_head_key,
)


def register(_app: typer.Typer) -> None:
    """Add `cluster …`."""
    from cyberprivacy.cli import expansion, group  # `expansion` needs what `dao` defines

    cluster = group("cluster", "List the machines that you run, as a provider.")
    where = "--clusters 0x… --rpc http://127.0.0.1:8545 --key provider.json"
    cluster.command("register", epilog=f"Example: cyberprivacy cluster register https://me.example {where}")(
        with_signer(open_cluster)
    )
    cluster.command("add-node", epilog=f"Example: cyberprivacy cluster add-node 1 0x… --node-key 0x… {where}")(
        with_signer(list_node)
    )
    cluster.command("remove-node", epilog=f"Example: cyberprivacy cluster remove-node 1 0x… {where}")(
        with_signer(unlist_node)
    )
    cluster.command("head-key", epilog=f"Example: cyberprivacy cluster head-key 1 0x… {where}")(
        with_signer(name_head_key)
    )
    cluster.command("announce", epilog=f"Example: cyberprivacy cluster announce 0x… {where}")(
        with_signer(announce)
    )
    expansion.register(cluster)


def open_cluster(
    uri: Annotated[str, typer.Argument(metavar="URI", help="Where people can read about it.")],
    clusters: Annotated[str, typer.Option(metavar="ADDRESS", help="The Clusters contract; `dao show` names it.")],
    rpc: Rpc,
    *,
    who: Signing,
    as_json: Json = False,
) -> None:
    """Open a cluster, as a provider; prints its number."""
    desk = desk_of(rpc, see(rpc), who)
    number = register_cluster(desk, parse_address(clusters, "--clusters"), uri=uri)
    out.result({"cluster": number, "provider": desk.address}, str(number), as_json=as_json)


def list_node(
    cluster: Annotated[int, typer.Argument(metavar="CLUSTER", min=1, help="Number of the cluster.")],
    node: Annotated[str, typer.Argument(metavar="ADDRESS", help="Account of the machine.")],
    node_key: Annotated[str, typer.Option(metavar="HEX", help="SHA-256 of the machine's identity key.")],
    clusters: Annotated[str, typer.Option(metavar="ADDRESS", help="The Clusters contract.")],
    rpc: Rpc,
    measurement: Annotated[str, typer.Option(metavar="HEX", help="Its OS; none = no hardware evidence.")] = "",
    *,
    who: Signing,
    as_json: Json = False,
) -> None:
    """List a machine in a cluster, as its provider. `cyberprivacy node identity` prints what to give here."""
    desk = desk_of(rpc, see(rpc), who)
    receipt = add_node(
        desk,
        parse_address(clusters, "--clusters"),
        cluster,
        node=parse_address(node, "ADDRESS"),
        node_key=digest_of(node_key, "--node-key"),
        measurement=digest_of(measurement, "--measurement") if measurement else NO_HARDWARE,
    )
    value = {"cluster": cluster, "node": node, "transaction": "0x" + receipt.transaction.hex()}
    out.result(value, f"node {node} is listed in cluster {cluster}", as_json=as_json)


def unlist_node(
    cluster: Annotated[int, typer.Argument(metavar="CLUSTER", min=1, help="Number of the cluster.")],
    node: Annotated[str, typer.Argument(metavar="ADDRESS", help="Account of the machine.")],
    clusters: Annotated[str, typer.Option(metavar="ADDRESS", help="The Clusters contract.")],
    rpc: Rpc,
    *,
    who: Signing,
    as_json: Json = False,
) -> None:
    """Take a machine out of a cluster, as its provider, at once."""
    place, machine = parse_address(clusters, "--clusters"), parse_address(node, "ADDRESS")
    receipt = remove_node(desk_of(rpc, see(rpc), who), place, cluster, node=machine)
    done(
        receipt,
        {"cluster": cluster, "node": machine},
        f"node {machine} is out of cluster {cluster}",
        as_json=as_json,
    )


def name_head_key(
    cluster: Annotated[int, typer.Argument(metavar="CLUSTER", min=1, help="Number of the cluster.")],
    signer: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="`node identity` of the machine that keeps the log.")
    ],
    clusters: Annotated[str, typer.Option(metavar="ADDRESS", help="The Clusters contract.")],
    rpc: Rpc,
    *,
    who: Signing,
    as_json: Json = False,
) -> None:
    """Name the key that signs the heads of a cluster's log for the chain, as its provider.

    A cluster has one log, kept by one machine: two machines that sign with keys of one cluster contradict each
    other, and that costs the stake. You answer for a former key for ever, so a new log needs a new cluster.
    """
    place, address = parse_address(clusters, "--clusters"), parse_address(signer, "ADDRESS")
    receipt = set_head_key(desk_of(rpc, see(rpc), who), place, cluster, key=address)
    human = f"heads of the log of cluster {cluster} are signed by {address}"
    done(receipt, {"cluster": cluster, "head_key": address}, human, as_json=as_json)


def announce(
    measurement: Annotated[str, typer.Argument(metavar="HEX", help="32 bytes: the software of a machine.")],
    clusters: Annotated[str, typer.Option(metavar="ADDRESS", help="The Clusters contract; `dao show` names it.")],
    rpc: Rpc,
    uri: Annotated[str, typer.Option(metavar="URI", help="Where people can read what it is.")] = "",
    *,
    who: Signing,
    as_json: Json = False,
) -> None:
    """Make a measurement of node software public, as the owner of Clusters; it counts after a waiting period."""
    desk = desk_of(rpc, see(rpc), who)
    where, digest = parse_address(clusters, "--clusters"), digest_of(measurement, "MEASUREMENT")
    receipt = announce_measurement(desk, where, digest, uri=uri)
    value = {"measurement": measurement, "transaction": "0x" + receipt.transaction.hex()}
    out.result(value, f"measurement {measurement} is public", as_json=as_json)
