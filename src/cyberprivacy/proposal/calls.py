"""What is to be done on chain, before it is known who does it: a key that signs, or a DAO that votes."""

from collections.abc import Sequence
from dataclasses import dataclass

from cyberprivacy.errors import Misuse
from cyberprivacy.proposal.abi import contract
from cyberprivacy.proposal.release import Address
from cyberprivacy.proposal.sending import Desk, Receipt
from cyberprivacy.proposal.wire import BadAnswer


@dataclass(frozen=True, slots=True)
class Call:
    """One call of a contract.

    Attributes:
        to: the contract.
        data: function and arguments.
    """

    to: Address
    data: bytes


def call(name: str, to: Address, function: str, *arguments: object) -> Call:
    """Call a function of one of our contracts.

    Raises:
        Misuse: an argument is not what the function takes ("law.argument").
    """
    return Call(to, contract(name).encode(function, *arguments))


def create(desk: Desk, name: str, *arguments: object) -> Address:
    """Bring one of our contracts to a chain; its address.

    Raises:
        CyberPrivacyError: as `Desk.send`.
    """
    made = desk.send(None, contract(name).creation(*arguments)).created
    if made is None:
        raise BadAnswer("a transaction that creates a contract created none", contract=name)
    return made


def carry_out(desk: Desk, calls: Sequence[Call]) -> Receipt:
    """Send calls one after the other; the receipt of the last. A refusal stops what would follow.

    Raises:
        CyberPrivacyError: as `Desk.send`.
    """
    receipts = [desk.send(each.to, each.data) for each in calls]
    if not receipts:
        raise Misuse("there is nothing to do", code="law.nothing")
    return receipts[-1]


def paying(token: Address, spender: Address, amount: int) -> Call:
    """Let a contract take an amount of rent tokens, in units of 10^-18; it takes them in the call that follows."""
    return call("RentToken", token, "approve", spender, amount)


def numbered(receipt: Receipt, where: Address, name: str, event: str, field: str) -> int:
    """The number that a contract gave to what a transaction made.

    Raises:
        BadAnswer: the receipt has no such event of that contract.
    """
    for log in receipt.logs:
        told = contract(name).event(event, log) if log.address == where else None
        if told is not None:
            return told.integer(field)
    raise BadAnswer("no number for what was made", contract=where, event=event)
