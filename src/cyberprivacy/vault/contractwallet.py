"""Wallets that are contracts: the chain says whether a signature is good, at one final block.

Source: ERC-1271 (isValidSignature). Counterfactual wallets (ERC-6492) are not accepted: what does not
exist yet cannot say who may sign for it.
"""

import time
from collections import OrderedDict
from hashlib import sha256
from threading import Lock
from typing import Final, Protocol

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address

from cyberprivacy.proposal.chain import Chain, NoContract, Reverted
from cyberprivacy.proposal.release import Address

MAX_SIGNATURE: Final = 4_096
"""Bytes; a multisignature of many owners fits."""
_SELECTOR: Final = bytes.fromhex("1626ba7e")
_MAGIC: Final = _SELECTOR.ljust(32, b"\0")


COUNTS: Final = 10.0
"""Seconds for which an answer is not asked for again: a grant is judged before its transaction, and in it."""
_REMEMBERED: Final = 256


class ContractWitness(Protocol):
    """Somebody who is believed about what contracts say."""

    def accepts(self, chain: int, address: bytes, digest: bytes, signature: bytes) -> bool:
        """Whether the contract at an address (20 bytes) accepts a signature for a digest (32 bytes).

        Raises:
            TryLater: nobody can say now, or this chain is not known here.
        """
        ...


class ChainWitness:
    """Asks a chain at its newest final block; give it several endpoints that must agree.

    What a contract said counts for 10 s. Whoever has no answer yet is refused, and nothing of that is remembered.
    """

    def __init__(self, chain: Chain) -> None:
        self._chain = chain
        self._said: OrderedDict[bytes, tuple[float, bool]] = OrderedDict()
        self._lock = Lock()

    def accepts(self, chain: int, address: bytes, digest: bytes, signature: bytes) -> bool:
        """See `ContractWitness.accepts`."""
        if chain != self._chain.chain_id:
            raise NoContract("this chain is not asked here", code="key.chain", chain=chain)
        about, now = sha256(address + digest + signature).digest(), time.monotonic()
        with self._lock:
            at, said = self._said.get(about, (-COUNTS, False))
        if now - at >= COUNTS:
            said = self._ask(address, digest, signature)
            with self._lock:
                self._said[about] = (now, said)
                self._said.move_to_end(about)
                if len(self._said) > _REMEMBERED:
                    self._said.popitem(last=False)
        return said

    def _ask(self, address: bytes, digest: bytes, signature: bytes) -> bool:
        call = _SELECTOR + encode(["bytes32", "bytes"], [digest, signature])
        try:
            answer = self._chain.call(Address(to_checksum_address(address)), call, self._chain.block())
        except Reverted:
            return False
        # Exactly one word: a contract without this function may return anything, or nothing at all.
        return answer == _MAGIC
