"""What a start puts on record: which configuration was read, and whether the node is still who it was."""

from collections.abc import Mapping
from typing import Final

from cyberprivacy.ledger.log import Ledger

STARTED: Final = "node.started"
KEY_BORN: Final = "node.key-born"
KEY_LOST: Final = "node.key-lost"


def record_start(ledger: Ledger, identity: Mapping[str, str], configuration: bytes) -> None:
    """Log a start; before it, that the node's key is new, or another one than at the last start.

    Args:
        ledger: of this node.
        identity: `Machine.identity`; all of it is public.
        configuration: SHA-256 of the file as it was read: 32 bytes, none if there was no file.

    Raises:
        LedgerFull: the disk refused; the node must not start unseen.
    """
    before = [str(entry.facts.get("nodeKey")) for entry in ledger.entries() if entry.kind == STARTED]
    key = identity["nodeKey"]
    if not before:
        ledger.append(KEY_BORN, {"nodeKey": key})
    elif before[-1] != key:
        ledger.append(KEY_LOST, {"nodeKey": key, "before": before[-1]})
    ledger.append(STARTED, {**identity, "configuration": configuration.hex()})
