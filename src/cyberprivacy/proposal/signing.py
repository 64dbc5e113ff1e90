"""Who signs: a key in an encrypted file, or a signer elsewhere that shows its owner what it signs.

A key never stands in arguments or in the environment. Whatever a signer returns is taken apart again and
compared with what was asked, field by field, before anything is sent.
"""

import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Protocol

from cyberprivacy.errors import Misuse, Untrusted
from cyberprivacy.proposal import ethaccount
from cyberprivacy.proposal.chain import RpcError
from cyberprivacy.proposal.endpoint import Endpoint
from cyberprivacy.proposal.release import Address
from cyberprivacy.proposal.wire import address, as_data, as_quantity, document, items, mapping, octets

_MAX_KEYSTORE: Final = 64 << 10
_NO_SUCH_METHOD: Final = (-32601, -32600)
_PATIENCE: Final = 300.0
"""Seconds that a person has to read and approve on their device."""


class KeyRefused(Misuse):
    """A keystore cannot be opened or written."""

    code = "key.file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Transaction:
    """What is to be signed: an EIP-1559 transaction.

    Attributes:
        to: the contract; None creates one.
        value: wei.
        gas: limit.
        max_fee: wei for each unit of gas, all included.
        tip: wei of it for whoever builds the block.
    """

    chain_id: int
    nonce: int
    to: Address | None
    value: int
    data: bytes
    gas: int
    max_fee: int
    tip: int


class Signer(Protocol):
    """Holds the key of one address."""

    @property
    def address(self) -> Address:
        """Whose signature it makes."""
        ...

    def sign(self, transaction: Transaction) -> bytes:
        """The signed transaction in the encoding of EIP-2718. `signed.check_signed` decides whether it is used.

        Raises:
            TryLater: the signer is out of reach, or its owner did not approve.
            Untrusted: it answered nonsense.
        """
        ...

    def sign_typed(self, document: Mapping[str, object]) -> bytes:
        """A signature (r, s, v) over EIP-712 typed data as wallets take it. Its user checks whose it is."""
        ...


class LocalKey:
    """A key in the memory of this process."""

    def __init__(self, secret: bytes) -> None:
        """Use a secret of 32 bytes.

        Raises:
            ValueError: it is not a key of secp256k1.
        """
        self._account = ethaccount.load().from_key(secret)

    def __repr__(self) -> str:
        return f"<key of {self.address}>"

    @property
    def address(self) -> Address:
        """Whose key it is."""
        return Address(self._account.address)

    def sign(self, transaction: Transaction) -> bytes:
        """Sign in memory. See `Signer.sign`."""
        fields = {
            "type": 2,
            "chainId": transaction.chain_id,
            "nonce": transaction.nonce,
            "value": transaction.value,
            "data": transaction.data,
            "gas": transaction.gas,
            "maxFeePerGas": transaction.max_fee,
            "maxPriorityFeePerGas": transaction.tip,
            "accessList": [],
        }
        if transaction.to is not None:
            fields["to"] = transaction.to
        return bytes(self._account.sign_transaction(fields).raw_transaction)

    def sign_typed(self, document: Mapping[str, object]) -> bytes:
        """Sign in memory. See `Signer.sign_typed`."""
        return bytes(self._account.sign_typed_data(full_message=dict(document)).signature)

    def sign_digest(self, digest: bytes) -> bytes:
        """r, s and v (65 bytes) over the 32 bytes that the caller made of typed data (EIP-712)."""
        return bytes(self._account.unsafe_sign_hash(digest).signature)


class Keystore(LocalKey):
    """A key in an encrypted file (Web3 Secret Storage, version 3), opened with a password."""

    def __init__(self, path: Path, password: str) -> None:
        """Decrypt the key into memory.

        Raises:
            KeyRefused: no such file, not a keystore, or not its password.
        """
        try:
            with path.open("rb") as file:
                stored = dict(mapping(document(file.read(_MAX_KEYSTORE)), "a keystore"))
            super().__init__(bytes(ethaccount.load().decrypt(stored, password)))
        except OSError as error:
            raise KeyRefused("the keystore cannot be read", path=str(path), why=error.strerror) from None
        except Untrusted:
            raise KeyRefused("not a keystore file", path=str(path)) from None
        except ValueError as error:
            why = str(error)[:100]
            raise KeyRefused("the keystore does not open", code="key.password", path=str(path), why=why) from None
        except (KeyError, TypeError, NotImplementedError):
            raise KeyRefused("not a keystore file of version 3", path=str(path)) from None


class ExternalSigner:
    """A signer behind JSON-RPC: Clef and the hardware wallets behind it, or anything that signs by `eth_`.

    Args:
        url: where it listens.
        address: whose key to use; None = its only account.
    """

    def __init__(self, url: str, address_: Address | None = None) -> None:
        self._endpoint = Endpoint(url, room="signer", timeout=_PATIENCE)
        accounts = self._accounts()
        if address_ is None and len(accounts) != 1:
            raise Misuse(
                "the signer holds several accounts, or none: say which",
                code="signer.account",
                hint="Give --from ADDRESS.",
                accounts=accounts,
            )
        if address_ is not None and address_ not in accounts:
            raise Misuse("the signer does not hold this account", code="signer.account", address=address_)
        self._address = accounts[0] if address_ is None else address_

    def __repr__(self) -> str:
        return f"<signer at {self._endpoint.name}>"

    @property
    def address(self) -> Address:
        """Whose key it uses."""
        return self._address

    def sign(self, transaction: Transaction) -> bytes:
        """Ask it to sign; its owner may have to approve. See `Signer.sign`."""
        fields: dict[str, Any] = {
            "from": self._address,
            "chainId": as_quantity(transaction.chain_id),
            "nonce": as_quantity(transaction.nonce),
            "value": as_quantity(transaction.value),
            "input": as_data(transaction.data),
            "gas": as_quantity(transaction.gas),
            "maxFeePerGas": as_quantity(transaction.max_fee),
            "maxPriorityFeePerGas": as_quantity(transaction.tip),
        }
        if transaction.to is not None:
            fields["to"] = transaction.to
        answer = self._either("account_signTransaction", "eth_signTransaction", fields)
        if isinstance(answer, dict):  # Clef and geth wrap it; Web3Signer and anvil do not
            answer = answer.get("raw")
        return octets(answer, "the signed transaction")

    def sign_typed(self, document: Mapping[str, object]) -> bytes:
        """Ask it to sign; its owner sees what. See `Signer.sign_typed`."""
        methods = "account_signTypedData", "eth_signTypedData_v4"
        return octets(self._either(*methods, self._address, document), "the signature")

    def _accounts(self) -> list[Address]:
        answer = items(self._either("account_list", "eth_accounts"), "the signer's accounts", limit=1000)
        return [address(each, "an account") for each in answer]

    def _either(self, method: str, other: str, *params: object) -> object:
        try:
            return self._endpoint.ask(method, *params)
        except RpcError as error:
            if error.rpc_code not in _NO_SUCH_METHOD:
                raise
        return self._endpoint.ask(other, *params)


def create_keystore(path: Path, password: str, *, rounds: int | None = None) -> Address:
    """Make a new key and write it, encrypted, to a file that only its owner may read.

    Args:
        path: must not exist.
        password: 8 characters or more.
        rounds: of PBKDF2, for keys that live for minutes; None = scrypt as the format recommends.

    Raises:
        KeyRefused: the file is there already, cannot be written, or the password is too short.
    """
    if len(password) < 8:
        raise KeyRefused("the password is too short", code="key.password", hint="Use 8 characters or more.")
    ethereum = ethaccount.load()
    account = ethereum.create()
    stored = (
        json.dumps(
            ethereum.encrypt(account.key, password, kdf="pbkdf2" if rounds else "scrypt", iterations=rounds)
        ).encode()
        + b"\n"
    )
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except OSError as error:
        raise KeyRefused("the keystore cannot be written", path=str(path), why=error.strerror) from None
    with os.fdopen(handle, "wb") as file:
        file.write(stored)
        file.flush()
        os.fsync(file.fileno())
    return Address(account.address)


def keystore_address(path: Path) -> Address:
    """Whose key a keystore says that it holds; the password is not needed, so it is not proven.

    Raises:
        KeyRefused: no such file, or not a keystore with an address.
    """
    try:
        with path.open("rb") as file:
            stored = mapping(document(file.read(_MAX_KEYSTORE)), "a keystore")
        return address(f"0x{str(stored.get('address')).removeprefix('0x')}", "the keystore's address")
    except OSError as error:
        raise KeyRefused("the keystore cannot be read", path=str(path), why=error.strerror) from None
    except Untrusted:
        raise KeyRefused("not a keystore file", path=str(path)) from None
