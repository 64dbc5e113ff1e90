"""Any EVM node behind JSON-RPC: the ordinary adapter of `Chain` and `LogServer`."""

from typing import Final, Literal

from cyberprivacy.proposal.chain import Log, NoContract, Unreachable, Wanted
from cyberprivacy.proposal.endpoint import Endpoint
from cyberprivacy.proposal.release import Address, FinalBlock
from cyberprivacy.proposal.wire import (
    BadAnswer,
    address,
    as_data,
    as_quantity,
    items,
    mapping,
    octets,
    quantity,
)

Head = Literal["finalized", "latest"]

_PAGE: Final = 10_000
"""Blocks in one request for logs: what public endpoints commonly allow."""
_MOST_LOGS: Final = 10_000


class JsonRpc:
    """One EVM node. Everything that it answers is parsed strictly, and believed no further than that.

    Args:
        endpoint: where it listens, or its URL.
        head: which block counts as the newest. "finalized" for every decision; "latest" only to show a
            person what they did a second ago.
    """

    def __init__(self, endpoint: Endpoint | str, *, head: Head = "finalized") -> None:
        self.endpoint = Endpoint(endpoint) if isinstance(endpoint, str) else endpoint
        self._head = head
        self._chain_id: int | None = None

    def __repr__(self) -> str:
        return f"<chain at {self.endpoint.name}>"

    @property
    def chain_id(self) -> int:
        """EIP-155 chain id; asked once."""
        if self._chain_id is None:
            self._chain_id = quantity(self.endpoint.ask("eth_chainId"), "the chain id")
        return self._chain_id

    def block(self, number: int | None = None) -> FinalBlock:
        """The newest final block, or the one at a height. See `Chain.block`."""
        wanted = self._head if number is None else as_quantity(number)
        answer = self.endpoint.ask("eth_getBlockByNumber", wanted, False)
        if answer is None:
            raise Unreachable("the endpoint does not have this block", endpoint=self.endpoint.name, block=wanted)
        fields = mapping(answer, "the block")
        found = quantity(fields.get("number"), "the block's number")
        if number is not None and found != number:
            raise BadAnswer("another block than the one asked for", asked=number, got=found)
        return FinalBlock(
            found,
            octets(fields.get("hash"), "the block's hash", size=32),
            quantity(fields.get("timestamp"), "the block's timestamp"),
        )

    def call(self, to: Address, data: bytes, at: FinalBlock) -> bytes:
        """What a contract returns at a block, found by its hash. See `Chain.call`. Source: EIP-1898."""
        where = {"blockHash": as_data(at.hash), "requireCanonical": True}
        answer = self.endpoint.ask("eth_call", {"to": to, "input": as_data(data)}, where)
        returned = octets(answer, "what the contract returns")
        if not returned:  # every function that we call returns something
            raise NoContract("no contract at this address", address=to, block=at.number)
        return returned

    def logs(self, wanted: Wanted) -> tuple[Log, ...]:
        """All logs that match, page by page. See `LogServer.logs`."""
        found: list[Log] = []
        for first in range(wanted.first, wanted.last + 1, _PAGE):
            last = min(first + _PAGE - 1, wanted.last)
            found += self._page(Wanted(wanted.address, wanted.topics, first, last))
        return tuple(found)

    def _page(self, wanted: Wanted) -> list[Log]:
        query = {
            "address": wanted.address,
            "topics": [None if topic is None else as_data(topic) for topic in wanted.topics],
            "fromBlock": as_quantity(wanted.first),
            "toBlock": as_quantity(wanted.last),
        }
        answer = items(self.endpoint.ask("eth_getLogs", query), "the logs", limit=_MOST_LOGS)
        found = [parse_log(each) for each in answer]
        places = [(log.block, log.index) for log in found]
        if any(not _is(log, wanted) for log in found) or places != sorted(set(places)):
            raise BadAnswer("logs that nobody asked for, or out of order", endpoint=self.endpoint.name)
        return found


def parse_log(value: object) -> Log:
    """One log of an answer.

    Raises:
        BadAnswer: a field is missing or malformed, or the log was removed by a reorganisation.
    """
    fields = mapping(value, "a log")
    if fields.get("removed", False) is not False:
        raise BadAnswer("a log that was removed")
    topics = items(fields.get("topics"), "a log's topics", limit=4)
    return Log(
        address(fields.get("address"), "a log's address"),
        tuple(octets(topic, "a topic", size=32) for topic in topics),
        octets(fields.get("data"), "a log's data"),
        quantity(fields.get("blockNumber"), "a log's block"),
        octets(fields.get("blockHash"), "a log's block hash", size=32),
        octets(fields.get("transactionHash"), "a log's transaction", size=32),
        quantity(fields.get("logIndex"), "a log's index"),
    )


def _is(log: Log, wanted: Wanted) -> bool:
    return (
        log.address == wanted.address
        and wanted.first <= log.block <= wanted.last
        and len(log.topics) >= len(wanted.topics)
        and all(want in (None, got) for want, got in zip(wanted.topics, log.topics, strict=False))
    )
