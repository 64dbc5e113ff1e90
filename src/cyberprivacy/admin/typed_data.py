"""An administrator's act as typed data: what a wallet shows its owner, the 32 bytes that it signs, and who did.

One flat struct of strings and numbers, one domain of four fields. Source: EIP-712.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from eth_utils.address import to_checksum_address

from cyberprivacy import wallet
from cyberprivacy.proposal.release import Address
from cyberprivacy.typed_data import BadTypedData, Schema

Type = Literal["string", "uint64"]
Field = tuple[str, Type]


@dataclass(frozen=True, slots=True)
class Domain:
    """Where a signature counts: an application's name and version, a chain, and a contract on it."""

    name: str
    version: str
    chain_id: int
    contract: Address

    def values(self) -> dict[str, str | int]:
        """By the names of EIP712Domain, as wallets take them."""
        return {
            "name": self.name,
            "version": self.version,
            "chainId": self.chain_id,
            "verifyingContract": self.contract,
        }


def digest(domain: Domain, primary: str, fields: Sequence[Field], values: Mapping[str, str | int]) -> bytes:
    """The 32 bytes that are signed.

    Args:
        domain: where it counts.
        primary: name of the struct.
        fields: name and type of each member, in order.
        values: of all members.

    Raises:
        ValueError: a value is not of its type.
    """
    where = {**domain.values(), "verifyingContract": bytes.fromhex(domain.contract[2:])}
    try:
        return Schema(where, {primary: tuple(fields)}).digest(primary, values)
    except BadTypedData as error:
        raise ValueError(f"not a value of its type: {error.what}") from None


def document(
    domain: Domain, primary: str, fields: Sequence[Field], values: Mapping[str, str | int]
) -> dict[str, object]:
    """The same as the JSON that wallets take by `eth_signTypedData_v4`."""
    schema = Schema(domain.values(), {primary: tuple(fields)})
    structs = {"EIP712Domain": schema.domain_fields, **schema.structs}
    return {
        "types": {
            name: [{"name": label, "type": kind} for label, kind in members] for name, members in structs.items()
        },
        "primaryType": primary,
        "domain": domain.values(),
        "message": {name: values[name] for name, _ in fields},
    }


def signer(digest_: bytes, signature: bytes) -> Address:
    """Who made a signature of exactly 65 bytes (r, s, v) over 32 bytes.

    Raises:
        ValueError: another length, s in the upper half, v neither 27 nor 28, or no key made it.
    """
    try:
        return Address(to_checksum_address(wallet.recover(digest_, signature)))
    except wallet.BadSignature as error:
        raise ValueError(error.what) from None
