"""Several independent endpoints read as one chain: what they do not all say is not used."""

from collections.abc import Callable, Sequence
from typing import Final, Protocol, TypeVar

from cyberprivacy.errors import Misuse
from cyberprivacy.proposal.chain import Chain, Disagree, Log, LogServer, Unreachable, Wanted
from cyberprivacy.proposal.endpoint import Endpoint
from cyberprivacy.proposal.jsonrpc import Head, JsonRpc
from cyberprivacy.proposal.release import Address, FinalBlock

_Answer = TypeVar("_Answer")

LEAST: Final = 2
"""Endpoints that must give the same answer. One that is out of reach is passed over while these are left."""


class Ledger(Chain, LogServer, Protocol):
    """A chain and its logs, as one endpoint serves both."""


class Agreeing:
    """At least two endpoints; every answer must be equal. One that contradicts stops everything.

    Source: reading with finality, DESIGN section 3; a single endpoint could otherwise choose what runs.
    """

    def __init__(self, chains: Sequence[Ledger]) -> None:
        if len(chains) < LEAST:
            raise Misuse("agreement needs at least two endpoints", code="chain.endpoints", given=len(chains))
        self._chains = tuple(chains)

    def __repr__(self) -> str:
        return f"<agreement of {', '.join(map(repr, self._chains))}>"

    @property
    def chain_id(self) -> int:
        """The chain id that all endpoints name. See `Chain.chain_id`."""
        return self._same("chain id", lambda chain: chain.chain_id)

    def block(self, number: int | None = None) -> FinalBlock:
        """The highest block that is final for all, or the one at a height. See `Chain.block`."""
        if number is None:
            heads = self._answers(lambda chain: chain.block())
            number = min(head.number for _, head in heads)
        return self._same(f"block {number}", lambda chain: chain.block(number))

    def call(self, to: Address, data: bytes, at: FinalBlock) -> bytes:
        """What a contract returns at a block, according to all. See `Chain.call`."""
        return self._same(f"call of {to}", lambda chain: chain.call(to, data, at))

    def logs(self, wanted: Wanted) -> tuple[Log, ...]:
        """The logs that all remember. See `LogServer.logs`."""
        return self._same(f"logs of {wanted.address}", lambda chain: chain.logs(wanted))

    def _same(self, what: str, ask: Callable[[Ledger], _Answer]) -> _Answer:
        answers = self._answers(ask)
        first, agreed = answers[0]
        for other, answer in answers[1:]:
            if answer != agreed:
                raise Disagree("two endpoints disagree", about=what, one=repr(first), other=repr(other))
        return agreed

    def _answers(self, ask: Callable[[Ledger], _Answer]) -> list[tuple[Ledger, _Answer]]:
        answers: list[tuple[Ledger, _Answer]] = []
        silent: Unreachable | None = None
        for chain in self._chains:
            try:
                answers.append((chain, ask(chain)))
            except Unreachable as error:
                silent = error
        if silent is not None and len(answers) < LEAST:
            raise silent
        return answers


def connect(urls: Sequence[str], *, head: Head = "finalized", timeout: float = 20.0) -> Ledger:
    """The chain behind one endpoint, or behind several that must agree.

    Raises:
        Misuse: no endpoint, the same one twice, or not a URL.
    """
    endpoints = [Endpoint(url, timeout=timeout) for url in urls]
    if not endpoints or len({each.place for each in endpoints}) != len(endpoints):
        raise Misuse(
            "give one endpoint, or several different ones",
            code="chain.endpoints",
            hint="Such as --rpc http://127.0.0.1:8545; endpoints of different operators are worth most.",
        )
    chains = [JsonRpc(endpoint, head=head) for endpoint in endpoints]
    return chains[0] if len(chains) == 1 else Agreeing(chains)
