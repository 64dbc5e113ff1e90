"""The chain as the rest of CyberPrivacy sees it: two ports, and what can go wrong behind them."""

from dataclasses import dataclass
from typing import Protocol

from cyberprivacy.errors import TryLater, Untrusted
from cyberprivacy.proposal.release import Address, FinalBlock


class Unreachable(TryLater):
    """An endpoint does not answer, or answers that it cannot answer now."""

    code = "chain.unreachable"
    hint = "Check the address of the endpoint; the same request may succeed later."


class RpcError(TryLater):
    """An endpoint understood the request and answered with an error of its own.

    Attributes:
        rpc_code: the JSON-RPC error code.
    """

    code = "chain.refused"
    hint = "The endpoint may not have this block yet, or not keep its state any more; try again or another."

    def __init__(self, what: str, *, rpc_code: int, code: str | None = None, **facts: object) -> None:
        super().__init__(what, code=code)
        self.facts = {"rpc_code": rpc_code, **facts}
        self.rpc_code = rpc_code


class Reverted(Untrusted):
    """A contract refused a call.

    Attributes:
        data: what the contract said: a selector of four bytes and its arguments; b"" if it said nothing.
    """

    code = "chain.reverted"
    hint = "Check that the address is that of a DAO made by the factory."

    def __init__(self, what: str, *, data: bytes, **facts: object) -> None:
        super().__init__(what)
        self.facts = {"data": "0x" + data[:64].hex(), **facts}
        self.data = data


class NoContract(TryLater):
    """There is no contract at an address, at the block that was asked for."""

    code = "chain.no-contract"
    hint = "Check the address; a contract that is minutes old may not be final yet."


class Disagree(Untrusted):
    """Two endpoints tell different stories about the same block."""

    code = "chain.disagree"
    hint = "One of the endpoints lies or is on another chain: find out which before going on."


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which logs to look for.

    Attributes:
        address: the contract that wrote them.
        topics: exact topics from the first on, 32 bytes each; None = any.
        first: lowest block height, inclusive.
        last: highest block height, inclusive.
    """

    address: Address
    topics: tuple[bytes | None, ...]
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Log:
    """One log of a contract, as an endpoint tells it; not proven.

    Attributes:
        address: the contract that wrote it.
        topics: 32 bytes each.
        data: ABI-encoded rest.
        block: height of its block.
        block_hash: 32 bytes.
        transaction: hash of its transaction, 32 bytes.
        index: position among the logs of its block.
    """

    address: Address
    topics: tuple[bytes, ...]
    data: bytes
    block: int
    block_hash: bytes
    transaction: bytes
    index: int


class Chain(Protocol):
    """State at final blocks. Every answer belongs to one block, named by its hash."""

    @property
    def chain_id(self) -> int:
        """EIP-155 chain id.

        Raises:
            TryLater: the endpoint does not answer.
            Untrusted: it answers nonsense.
        """
        ...

    def block(self, number: int | None = None) -> FinalBlock:
        """The newest final block, or the one at a height that is final.

        Raises:
            TryLater: the endpoint does not answer, or does not have the block.
            Untrusted: it answers nonsense, or not the block that was asked for.
        """
        ...

    def call(self, to: Address, data: bytes, at: FinalBlock) -> bytes:
        """What a contract returns for `data` in the state after block `at`, found by its hash (EIP-1898).

        Raises:
            Reverted: the contract refused.
            TryLater: the endpoint does not answer, or does not have the state.
            Untrusted: it answers nonsense.
        """
        ...


class LogServer(Protocol):
    """Anything that remembers logs. It is never believed: what it says is checked against state."""

    def logs(self, wanted: Wanted) -> tuple[Log, ...]:
        """All logs that match, in the order in which they were written.

        Raises:
            TryLater: the server does not answer.
            Untrusted: it answers nonsense, or logs that nobody asked for.
        """
        ...
