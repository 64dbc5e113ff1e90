"""Who has a role of an OpenZeppelin `AccessControl` contract, read at a final block."""

from typing import Final

from eth_utils.crypto import keccak

from cyberprivacy.proposal.chain import Chain
from cyberprivacy.proposal.release import Address, FinalBlock
from cyberprivacy.proposal.wire import BadAnswer

_HAS_ROLE: Final = keccak(text="hasRole(bytes32,address)")[:4]


def has_role(chain: Chain, contract: Address, role: bytes, account: Address, at: FinalBlock) -> bool:
    """Whether a contract says at a block that an account has a role of 32 bytes.

    Raises:
        Reverted, NoContract: it is no such contract.
        TryLater, Untrusted: nobody can say.

    Source: OpenZeppelin Contracts 5, IAccessControl.hasRole.
    """
    answer = chain.call(contract, _HAS_ROLE + role + bytes.fromhex(account[2:]).rjust(32, b"\0"), at)
    if len(answer) != 32 or answer[:31].strip(b"\0") or answer[31] > 1:
        raise BadAnswer("not a truth value", contract=contract)
    return answer[31] == 1
