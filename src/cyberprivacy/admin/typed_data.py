"""EIP-712 for one flat struct: what a wallet shows its owner, and the 32 bytes that it signs.

Small on purpose: strings and uint64 only, one domain of four fields. Source: EIP-712.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from eth_keys.datatypes import Signature
from eth_keys.exceptions import BadSignature
from eth_utils.crypto import keccak
from eth_utils.exceptions import ValidationError

from cyberprivacy.proposal.release import Address

Type = Literal["string", "uint64"]
Field = tuple[str, Type]

_DOMAIN: Final = "EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)"
_HALF: Final = 0x7FFFFFFFFFFFFFFFFFFFFFFFFFFFFFFF5D576E7357A4501DDFE92F46681B20A0
"""Half of the order of secp256k1: with a larger s, a second signature would say the same. Source: EIP-2."""


@dataclass(frozen=True, slots=True)
class Domain:
    """Where a signature counts: an application's name and version, a chain, and a contract on it."""

    name: str
    version: str
    chain_id: int
    contract: Address

    def separator(self) -> bytes:
        """32 bytes."""
        return keccak(
            keccak(text=_DOMAIN)
            + keccak(text=self.name)
            + keccak(text=self.version)
            + self.chain_id.to_bytes(32, "big")
            + bytes.fromhex(self.contract[2:]).rjust(32, b"\0")
        )


def digest(domain: Domain, primary: str, fields: Sequence[Field], values: Mapping[str, str | int]) -> bytes:
    """The 32 bytes that are signed.

    Args:
        domain: where it counts.
        primary: name of the struct.
        fields: name and type of each member, in order.
        values: of all members.

    Raises:
        ValueError: a value is not of its type.

    Source: EIP-712, "Definition of hashStruct" and "Definition of encodeData".
    """
    shape = f"{primary}({','.join(f'{kind} {name}' for name, kind in fields)})"
    members = b"".join(_member(kind, values[name]) for name, kind in fields)
    return keccak(b"\x19\x01" + domain.separator() + keccak(keccak(text=shape) + members))


def document(
    domain: Domain, primary: str, fields: Sequence[Field], values: Mapping[str, str | int]
) -> dict[str, object]:
    """The same as the JSON that wallets take by `eth_signTypedData_v4`."""
    names = [("name", "string"), ("version", "string"), ("chainId", "uint256"), ("verifyingContract", "address")]
    return {
        "types": {
            "EIP712Domain": [{"name": name, "type": kind} for name, kind in names],
            primary: [{"name": name, "type": kind} for name, kind in fields],
        },
        "primaryType": primary,
        "domain": {
            "name": domain.name,
            "version": domain.version,
            "chainId": domain.chain_id,
            "verifyingContract": domain.contract,
        },
        "message": {name: values[name] for name, _ in fields},
    }


def signer(digest_: bytes, signature: bytes) -> Address:
    """Who made a signature of exactly 65 bytes (r, s, v) over 32 bytes.

    Raises:
        ValueError: another length, s in the upper half, v neither 27 nor 28, or no key made it.
    """
    if len(signature) != 65 or signature[64] not in (27, 28):
        raise ValueError("not 65 bytes that end with 27 or 28")
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:64], "big")
    if not 0 < s <= _HALF or not r:
        raise ValueError("s is not in the lower half of its range, or r is zero")
    try:
        key = Signature(vrs=(signature[64] - 27, r, s)).recover_public_key_from_msg_hash(digest_)
    except (BadSignature, ValidationError):
        raise ValueError("no key made this signature") from None
    return Address(key.to_checksum_address())


def _member(kind: Type, value: str | int) -> bytes:
    match kind, value:
        case "string", str():
            return keccak(text=value)
        case "uint64", int() if not isinstance(value, bool) and 0 <= value < 1 << 64:
            return value.to_bytes(32, "big")
    raise ValueError(f"not a value of type {kind}")
