"""Who can sign for a person. The kind of a key is declared when it is added, never guessed from a signature.

A key is written `kind:material` in lower-case hex:

    eip155-eoa:<20-byte address>                 an Ethereum account, even where code is delegated to it (EIP-7702)
    eip1271:<8-byte chain id><20-byte address>   a contract wallet
    webauthn-p256:<33-byte compressed point>     a passkey
    ed25519-device:<32 bytes>                    a device

Source: docs/spec/udi-1.md, "Keys".
"""

import re
from dataclasses import dataclass
from enum import Enum
from typing import Final, Self, TypeVar

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from cyberprivacy import canonical, wallet
from cyberprivacy.errors import Misuse, Untrusted
from cyberprivacy.vault import passkey
from cyberprivacy.vault.contractwallet import MAX_SIGNATURE, ContractWitness

DEVICE_TAG: Final = b"udi/1 ed25519\0"
"""Before the digest that a device signs, so that its key is of no use elsewhere."""
_FORM: Final = re.compile(r"([a-z0-9-]{1,20}):((?:[0-9a-f]{2}){1,64})\Z")
_HEX: Final = re.compile(r"(?:[0-9a-f]{2}){1,4096}\Z")
_FIELD: Final = 2**255 - 19
"""Of Ed25519. Source: RFC 8032 section 5.1."""
_Port = TypeVar("_Port")


class Kind(Enum):
    """How a key signs."""

    EOA = "eip155-eoa"
    CONTRACT = "eip1271"
    PASSKEY = "webauthn-p256"
    DEVICE = "ed25519-device"

    @property
    def size(self) -> int:
        """Bytes of the material."""
        return _SIZES[self]


_SIZES: Final = {Kind.EOA: 20, Kind.CONTRACT: 28, Kind.PASSKEY: 33, Kind.DEVICE: 32}


class BadKey(Untrusted):
    """Not a key, or not a signature of this key."""

    code = "key.form"
    hint = "Keys are written kind:hex; the specification lists the kinds."


@dataclass(frozen=True, slots=True, order=True)
class Key:
    """One key of a person: its text form is its identity."""

    text: str

    @classmethod
    def parse(cls, text: object) -> Self:
        """The key of this spelling.

        Raises:
            BadKey: unknown kind, another length, or a second spelling ("key.form").
            BadAssertion: the point of a passkey is not on its curve ("passkey.key").
        """
        found = _FORM.match(text) if isinstance(text, str) else None
        kind = next((each for each in Kind if found and each.value == found[1]), None)
        if found is None or kind is None or len(found[2]) != 2 * kind.size:
            raise BadKey("not a key", got=repr(text)[:80])
        if kind is Kind.PASSKEY:
            passkey.public_key(bytes.fromhex(found[2]))
        if kind is Kind.DEVICE and not _one_spelling(bytes.fromhex(found[2])):
            raise BadKey("a second spelling of another key", got=found[0])
        return cls(found[0])

    @classmethod
    def of_contract(cls, chain: int, address: bytes) -> Self:
        """The key of a contract wallet: its EIP-155 chain, and 20 bytes."""
        return cls.parse(f"{Kind.CONTRACT.value}:{chain.to_bytes(8).hex()}{address.hex()}")

    @classmethod
    def of_address(cls, address: bytes) -> Self:
        """The key of an Ethereum account, 20 bytes."""
        return cls.parse(f"{Kind.EOA.value}:{address.hex()}")

    @property
    def kind(self) -> Kind:
        """How it signs."""
        return Kind(self.text.partition(":")[0])

    @property
    def material(self) -> bytes:
        """Its bytes."""
        return bytes.fromhex(self.text.partition(":")[2])

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Judge:
    """Decides whether a key signed a digest. What is None is not enabled here, and such keys are refused."""

    place: passkey.Place | None = None
    contracts: ContractWitness | None = None

    def check(self, key: Key, digest: bytes, signature: bytes) -> None:
        """Refuse unless `key` signed a digest of 32 bytes.

        Raises:
            Untrusted: it did not ("key.signer", "signature.*", "passkey.*").
            Misuse: this kind of key is not enabled here ("key.disabled").
            TryLater: the chain that must say is out of reach.
        """
        match key.kind:
            case Kind.EOA:
                if wallet.recover(digest, signature) != key.material:
                    raise _another(key)
            case Kind.DEVICE:
                _check_device(key, digest, signature)
            case Kind.PASSKEY:
                place = _enabled(self.place, key)
                passkey.check(key.material, digest, _assertion(signature), place)
            case Kind.CONTRACT:
                witness = _enabled(
                    self.contracts, key, "Name the chain that is asked about contract wallets: --rpc URL."
                )
                if len(signature) > MAX_SIGNATURE:
                    raise wallet.BadSignature("the signature is too large", size=len(signature))
                chain, address = int.from_bytes(key.material[:8]), key.material[8:]
                if not witness.accepts(chain, address, digest, signature):
                    raise _another(key)


def passkey_proof(assertion: passkey.Assertion) -> bytes:
    """An assertion as the bytes of one signature: canonical JSON of three hex strings."""
    return canonical.encode(
        {
            "authenticatorData": assertion.authenticator_data.hex(),
            "clientDataJSON": assertion.client_data.hex(),
            "signature": assertion.signature.hex(),
        }
    )


def _one_spelling(point: bytes) -> bool:
    """Whether a point of Ed25519 is written as RFC 8032 would write it; OpenSSL takes other spellings, too."""
    number = int.from_bytes(point, "little")
    sign, y = number >> 255, number & (1 << 255) - 1
    return y < _FIELD and not (sign and y in (1, _FIELD - 1))  # where x is 0, there is no sign


def _check_device(key: Key, digest: bytes, signature: bytes) -> None:
    if len(signature) != 64:
        raise wallet.BadSignature("a signature of Ed25519 has 64 bytes", size=len(signature))
    try:
        Ed25519PublicKey.from_public_bytes(key.material).verify(signature, DEVICE_TAG + digest)
    except (InvalidSignature, ValueError):
        raise _another(key) from None


def _assertion(signature: bytes) -> passkey.Assertion:
    match canonical.decode(signature, limit=8_192):
        case {"authenticatorData": str(data), "clientDataJSON": str(client), "signature": str(made), **other} if (
            not other and all(map(_HEX.match, (data, client, made)))
        ):
            return passkey.Assertion(bytes.fromhex(data), bytes.fromhex(client), bytes.fromhex(made))
    raise passkey.BadAssertion("not an assertion in the form of the specification")


def _enabled(port: _Port | None, key: Key, hint: str = "") -> _Port:
    if port is None:
        raise Misuse("keys of this kind are not enabled here", code="key.disabled", hint=hint, kind=key.kind.value)
    return port


def _another(key: Key) -> BadKey:
    return BadKey("not signed by this key", code="key.signer", key=key.text)
