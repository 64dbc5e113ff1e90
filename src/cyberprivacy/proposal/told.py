"""What contracts told in their logs: lists that state does not keep.

A log server may leave things out, and can add nothing: who lists something asks state about each of it.
"""

from collections.abc import Iterator

from cyberprivacy.proposal.abi import Fields, contract
from cyberprivacy.proposal.chain import LogServer, Wanted
from cyberprivacy.proposal.release import Address, FinalBlock


def told(
    logs: LogServer, place: Address, name: str, event: str, *, at: FinalBlock, first: int = 0
) -> Iterator[Fields]:
    """The events of one kind, in their order.

    Args:
        logs: who remembers.
        place: the contract.
        name: which one it is.
        event: which kind.
        at: the block up to which to look.
        first: the block from which to look.

    Raises:
        TryLater: the server does not answer.
        Untrusted: it answers nonsense.
    """
    law = contract(name)
    for log in logs.logs(Wanted(place, (law.topic(event),), first, at.number)):
        found = law.event(event, log)
        if found is not None:
            yield found
