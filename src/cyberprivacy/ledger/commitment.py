"""What one receipt is to a ledger. Source: docs/spec/udi-1.md, "Receipts in a ledger"."""

from dataclasses import dataclass
from typing import Final

TRANSFER: Final = "transfer.receipt"
ERASURE: Final = "erasure.receipt"
KINDS: Final = frozenset({TRANSFER, ERASURE})
"""Kinds of entries that receipts make."""


@dataclass(frozen=True, slots=True)
class Commitment:
    """A digest that tells nobody anything who has not the receipt.

    Attributes:
        kind: one of `KINDS`.
        leaf: 32 bytes.
    """

    kind: str
    leaf: bytes
