"""How one application stands, as JSON values for the public status."""

from cyberprivacy.ledger.log import Head
from cyberprivacy.ledger.signers import VerifierKey
from cyberprivacy.node.reconcile import Status


def shown(now: Status, listen: str) -> dict[str, object]:
    """What a node says of one DAO.

    Args:
        now: where it stands.
        listen: where its users connect.
    """
    running = now.running
    return {
        "dao": now.dao,
        "listen": listen,
        "state": now.state,
        "step": now.step,
        "wanted": now.wanted,
        "release": now.number,
        "running": None
        if running is None
        else {
            "bundle": str(running.release),
            "images": dict(running.images),
            "ready": running.ready,
            "wanted": running.wanted,
        },
        "code": now.code,
        "why": now.why,
        "hint": now.hint,
        "retry": int(now.retry),
        "block": None if now.block is None else {"number": now.block.number, "time": now.block.timestamp},
    }


def shown_log(head: Head, keys: tuple[VerifierKey, ...], held_up: str) -> dict[str, object]:
    """What a node says of its own log; `held_up` = reason code of what keeps it from being published."""
    return {
        "size": head.size,
        "root": head.root.hex(),
        "keys": [key.encode() for key in keys],
        "heldUp": held_up,
    }
