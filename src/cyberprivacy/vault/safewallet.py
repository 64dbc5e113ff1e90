"""What the owners of a Safe sign: never what the Safe is asked, always that in a message to this one Safe.

A Safe is asked like any contract wallet (`contractwallet`). Its owners sign a message of the Safe's own with the
digest in it, so that nothing that they sign for one Safe counts for another, or for themselves.
Source: Safe contracts 1.3.0 and later, "Safe.sol" (checkNSignatures) and "CompatibilityFallbackHandler.sol".
"""

from collections.abc import Collection, Mapping
from typing import Final

from eth_abi.abi import decode
from eth_abi.exceptions import DecodingError
from eth_utils.address import to_checksum_address

from cyberprivacy.errors import Misuse
from cyberprivacy.proposal.chain import Chain, NoContract, Reverted
from cyberprivacy.proposal.release import Address
from cyberprivacy.typed_data import Schema
from cyberprivacy.vault.key import Key

MESSAGE: Final = "SafeMessage"
_THRESHOLD: Final = bytes.fromhex("e75235b8")
_OWNERS: Final = bytes.fromhex("a0e67e2b")


class BadOwners(Misuse):
    """Those who sign are not those whom a Safe wants."""

    code = "my.owners"
    hint = "Name enough owners: --key (or --signer) is one, and each --owner one more."


def schema(safe: Key) -> Schema:
    """The message that owners of this Safe sign, in the Safe's own domain.

    Args:
        safe: a key of kind `eip1271`.
    """
    chain, address = int.from_bytes(safe.material[:8]), safe.material[8:]
    return Schema({"chainId": chain, "verifyingContract": address}, {MESSAGE: (("message", "bytes"),)})


def message(digest: bytes) -> Mapping[str, object]:
    """The message for what the Safe is asked, a digest of 32 bytes."""
    return {"message": digest}


def together(signatures: Mapping[bytes, bytes]) -> bytes:
    """One signature of the Safe, from those of its owners' addresses (20 bytes): in order of these, end to end."""
    return b"".join(signatures[owner] for owner in sorted(signatures))


def check_owners(chain: Chain, safe: Key, signing: Collection[bytes]) -> None:
    """Refuse before anybody signs where it cannot be enough.

    Args:
        chain: the Safe's.
        safe: a key of kind `eip1271`.
        signing: addresses (20 bytes) of those who will.

    Raises:
        BadOwners: one of them is not an owner at the newest final block, or they are too few; or no Safe is there.
        TryLater: the chain does not answer, is another, or nothing is at this address yet.
    """
    if int.from_bytes(safe.material[:8]) != chain.chain_id:
        raise NoContract("this chain is not asked here", code="key.chain", chain=chain.chain_id)
    at, where = chain.block(), Address(to_checksum_address(safe.material[8:]))
    try:
        (threshold,) = decode(["uint256"], chain.call(where, _THRESHOLD, at))
        (owners,) = decode(["address[]"], chain.call(where, _OWNERS, at))
    except (Reverted, DecodingError):
        raise BadOwners("no Safe is at this address", hint="For other contract wallets: --contract.") from None
    strangers = {to_checksum_address(each) for each in signing} - {to_checksum_address(each) for each in owners}
    if strangers:
        raise BadOwners("not an owner of this Safe", strangers=sorted(strangers))
    if len(signing) < threshold:
        raise BadOwners("too few owners of this Safe sign", threshold=threshold, signing=len(signing))
