"""How one application stands, as JSON values for the public status."""

from cyberprivacy.deploy.deployment import Deployment, Tended
from cyberprivacy.deploy.fleet.fleet import Fleet
from cyberprivacy.ledger.log import Head
from cyberprivacy.ledger.signers import VerifierKey
from cyberprivacy.node.reconcile import Status


def shown(now: Status, listen: str) -> dict[str, object]:
    """What a node says of one DAO.

    Args:
        now: where it stands.
        listen: where its users connect.
    """
    return {
        "dao": now.dao,
        "listen": listen,
        "state": now.state,
        "step": now.step,
        "wanted": now.wanted,
        "release": now.number,
        "running": _running(now.running),
        "code": now.code,
        "why": now.why,
        "hint": now.hint,
        "retry": int(now.retry),
        "block": None if now.block is None else {"number": now.block.number, "time": now.block.timestamp},
    }


def shown_clusters(runtime: Tended, name: str) -> dict[str, object]:
    """What was last seen of an application in each cluster, and how far a roll-out is; {} on one engine.

    Args:
        runtime: of the node.
        name: of the application.
    """
    if not isinstance(runtime, Fleet):
        return {}
    stage = runtime.stage(name)
    clusters = [
        {"name": one.cluster, "wave": one.wave, "running": _running(one.running), "code": one.code}
        for one in runtime.seen(name)
    ]
    return {"clusters": clusters, "rollout": None if stage is None else {"wave": stage.wave, "doing": stage.doing}}


def _running(found: Deployment | None) -> dict[str, object] | None:
    if found is None:
        return None
    return {
        "bundle": str(found.release),
        "images": dict(found.images),
        "ready": found.ready,
        "wanted": found.wanted,
    }


def shown_log(head: Head, keys: tuple[VerifierKey, ...], held_up: str) -> dict[str, object]:
    """What a node says of its own log; `held_up` = reason code of what keeps it from being published."""
    return {
        "size": head.size,
        "root": head.root.hex(),
        "keys": [key.encode() for key in keys],
        "heldUp": held_up,
    }
