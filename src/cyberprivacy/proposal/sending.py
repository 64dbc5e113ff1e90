"""Transactions: tried first, then signed, checked, sent, and waited for."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from eth_utils.crypto import keccak

from cyberprivacy.errors import Misuse, TryLater, Untrusted
from cyberprivacy.proposal.chain import Disagree, Log, Reverted, Unreachable
from cyberprivacy.proposal.endpoint import Endpoint
from cyberprivacy.proposal.jsonrpc import parse_log
from cyberprivacy.proposal.refusals import refusal
from cyberprivacy.proposal.release import Address
from cyberprivacy.proposal.signed import check_signed
from cyberprivacy.proposal.signing import Signer, Transaction
from cyberprivacy.proposal.wire import BadAnswer, address, as_data, as_quantity, items, mapping, octets, quantity

DEAREST: Final = 10**18
"""Wei that one transaction may cost at most: an endpoint proposes the fees, and may lie about them."""
MOST_GAS: Final = 1 << 24
"""Gas of one transaction. Source: EIP-7825."""
_MOST_LOGS: Final = 1_000
_PATIENCE: Final = 600.0


@dataclass(frozen=True, slots=True)
class Receipt:
    """A transaction that took effect.

    Attributes:
        transaction: its hash, 32 bytes.
        block: height.
        gas: used.
        created: address of the contract that it created, if it did.
        logs: what contracts wrote.
    """

    transaction: bytes
    block: int
    gas: int
    created: Address | None
    logs: tuple[Log, ...]


class Desk:
    """One signer's way to one chain. Threads may share it, and must: each transaction takes the next nonce.

    Args:
        endpoint: who forwards transactions; it can delay or drop them, never change them.
        signer: whose transactions they are.
        dearest: wei that one transaction may cost.
        patience: seconds to wait for a transaction to be mined.
        pause: how waiting is done.
        chain_id: the chain that is meant, as others tell it; a function is asked when the first transaction
            is made, None = as `endpoint` tells it. An endpoint that names another chain would have us sign
            something that is valid there.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        signer: Signer,
        *,
        dearest: int = DEAREST,
        patience: float = _PATIENCE,
        pause: Callable[[float], None] = time.sleep,
        chain_id: int | Callable[[], int] | None = None,
    ) -> None:
        self._endpoint, self._signer, self._dearest = endpoint, signer, dearest
        self._patience, self._pause = patience, pause
        self._meant, self._turn = chain_id, threading.Lock()

    @property
    def address(self) -> Address:
        """Whose transactions these are."""
        return self._signer.address

    @cached_property
    def chain_id(self) -> int:
        """EIP-155 chain id; asked once."""
        told = quantity(self._endpoint.ask("eth_chainId"), "the chain id")
        meant = self._meant() if callable(self._meant) else self._meant
        if meant not in (None, told):
            raise Disagree("the endpoint is on another chain", meant=meant, told=told, about=repr(self._endpoint))
        return told

    def send(self, to: Address | None, data: bytes, *, value: int = 0) -> Receipt:
        """Send a transaction and wait until it is in a block (which may not be final yet).

        Raises:
            CyberPrivacyError: a contract would refuse it (nothing was sent), with the contract's reason.
            Misuse: it would cost too much, or the account cannot pay for it.
            SignerLied: the signer changed it (nothing was sent).
            TryLater: an endpoint or the signer is out of reach; the transaction may still be mined.
        """
        with self._turn:
            gas = self._try(to, data, value)
            transaction = self._price(to, data, value, gas)
            raw = self._signer.sign(transaction)
            check_signed(raw, transaction, self.address)
            name = self._forward(raw)
        return self._await(name)

    def _try(self, to: Address | None, data: bytes, value: int) -> int:
        """Run it without sending; how much gas it took."""
        call = {"from": self.address, "input": as_data(data), "value": as_quantity(value)}
        if to is not None:
            call["to"] = to
        try:
            if to is not None:
                self._endpoint.ask("eth_call", call, "latest")
            used = quantity(self._endpoint.ask("eth_estimateGas", call), "the gas estimate")
        except Reverted as error:
            raise refusal(error.data) from error
        if used > MOST_GAS:
            raise Misuse("more gas than a transaction may use", code="law.gas", gas=used, most=MOST_GAS)
        return min(MOST_GAS, used + used // 4)

    def _price(self, to: Address | None, data: bytes, value: int, gas: int) -> Transaction:
        """What will be signed. Source: EIP-1559; twice the base fee outlasts six full blocks."""
        head = mapping(self._endpoint.ask("eth_getBlockByNumber", "latest", False), "the block")
        base = quantity(head.get("baseFeePerGas"), "the base fee", bits=128)
        tip = quantity(self._endpoint.ask("eth_maxPriorityFeePerGas"), "the tip", bits=128)
        dear = (2 * base + tip) * gas + value
        if dear > self._dearest:
            raise Misuse("this would cost more than allowed", code="key.dear", wei=dear, most=self._dearest)
        has = quantity(self._endpoint.ask("eth_getBalance", self.address, "latest"), "the balance", bits=256)
        if has < dear:
            raise Misuse(
                "the account cannot pay for this", code="key.funds", account=self.address, has=has, needs=dear
            )
        nonce = self._endpoint.ask("eth_getTransactionCount", self.address, "pending")
        return Transaction(
            chain_id=self.chain_id,
            nonce=quantity(nonce, "the nonce"),
            to=to,
            value=value,
            data=data,
            gas=gas,
            max_fee=2 * base + tip,
            tip=tip,
        )

    def _forward(self, raw: bytes) -> bytes:
        name = keccak(raw)
        answer = octets(self._endpoint.ask("eth_sendRawTransaction", as_data(raw)), "the transaction's hash")
        if answer != name:
            raise BadAnswer("the hash of another transaction", endpoint=self._endpoint.name)
        return name

    def _await(self, name: bytes) -> Receipt:
        until = time.monotonic() + self._patience
        delay = 0.05
        while time.monotonic() < until:
            try:
                answer = self._endpoint.ask("eth_getTransactionReceipt", as_data(name))
            except Unreachable:
                answer = None  # it was sent: a pause of the endpoint must not look like a failure
            if answer is not None:
                return self._receipt(name, answer)
            self._pause(delay)
            delay = min(2.0, delay * 1.5)
        raise TryLater("the transaction is not in a block yet", code="chain.pending", transaction=as_data(name))

    def _receipt(self, name: bytes, answer: object) -> Receipt:
        fields = mapping(answer, "the receipt")
        if octets(fields.get("transactionHash"), "the receipt's transaction", size=32) != name:
            raise BadAnswer("the receipt of another transaction", endpoint=self._endpoint.name)
        if quantity(fields.get("status"), "the receipt's status") != 1:
            raise Untrusted(
                "the transaction failed although its trial went well",
                code="chain.failed",
                hint="Something changed in between; look at `status` and try again.",
                transaction=as_data(name),
            )
        created = fields.get("contractAddress")
        return Receipt(
            name,
            quantity(fields.get("blockNumber"), "the receipt's block"),
            quantity(fields.get("gasUsed"), "the receipt's gas"),
            None if created is None else address(created, "the created contract"),
            tuple(parse_log(each) for each in items(fields.get("logs"), "the logs", limit=_MOST_LOGS)),
        )
