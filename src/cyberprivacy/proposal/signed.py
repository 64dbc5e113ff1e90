"""What came back from a signer, taken apart and compared with what it was asked to sign."""

from collections.abc import Mapping

from eth_utils.address import to_checksum_address

from cyberprivacy.errors import Untrusted
from cyberprivacy.proposal import ethaccount
from cyberprivacy.proposal.release import Address
from cyberprivacy.proposal.signing import Transaction


class SignerLied(Untrusted):
    """A signer signed something else than it was asked to."""

    code = "signer.lied"
    hint = "Nothing was sent. Do not use this signer before you know why."


def check_signed(raw: bytes, asked: Transaction, sender: Address) -> None:
    """Refuse a signed transaction that is not, in every field, what was asked, by whom it was asked.

    Raises:
        SignerLied: another type, another field, another signature, or a second spelling.

    Source: EIP-1559, EIP-2718.
    """
    signed, signer = _taken_apart(raw)
    wanted = {
        "chainId": asked.chain_id,
        "nonce": asked.nonce,
        "value": asked.value,
        "data": asked.data,
        "gas": asked.gas,
        "maxFeePerGas": asked.max_fee,
        "maxPriorityFeePerGas": asked.tip,
        "to": b"" if asked.to is None else bytes.fromhex(asked.to[2:]),
        "accessList": (),
    }
    for name, value in wanted.items():
        got = signed.get(name)
        if (bytes(got) if isinstance(got, bytes) else got) != value:
            raise SignerLied("the signer changed the transaction", field=name)
    if signer != sender:
        raise SignerLied("signed by another key", signer=signer, expected=sender)


def _taken_apart(raw: bytes) -> tuple[Mapping[str, object], Address]:
    account = ethaccount.load()
    from eth_account.typed_transactions.dynamic_fee_transaction import DynamicFeeTransaction
    from eth_keys.exceptions import BadSignature
    from eth_utils.exceptions import ValidationError
    from hexbytes import HexBytes
    from rlp.exceptions import RLPException  # type: ignore[import-untyped]

    try:
        signed = DynamicFeeTransaction.from_bytes(HexBytes(raw)).as_dict()
        return signed, Address(to_checksum_address(account.recover_transaction(raw)))
    except (ValueError, TypeError, KeyError, IndexError, RLPException, BadSignature, ValidationError):
        raise SignerLied("not a signed EIP-1559 transaction", length=len(raw)) from None
