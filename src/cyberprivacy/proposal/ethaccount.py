"""The one place that loads eth-account: it takes half a second, and only whoever signs needs it."""

import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from eth_account import Account

_PYTHONS_OWN_LIMIT: Final = 1_000


def load() -> "type[Account]":
    """The class that opens keystores, signs, and says who signed."""
    from eth_account import Account

    # py_ecc, which comes with eth-account, raises Python's recursion limit to 100,000 when it is first imported.
    # With that limit some 100 kB of "[[[[..." from a hostile server end the process inside the JSON parser: no
    # exception, no refusal. Nothing else of ours imports it.
    sys.setrecursionlimit(_PYTHONS_OWN_LIMIT)
    return Account
