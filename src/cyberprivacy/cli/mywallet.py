"""Whose signature is given at a vault: a key's own, or, in the name of a contract wallet, that of its owner."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

import typer

from cyberprivacy import wallet
from cyberprivacy.cli.keys import SIGNING, Signing, bundled, parse_address
from cyberprivacy.errors import Misuse
from cyberprivacy.proposal.agreeing import connect
from cyberprivacy.proposal.signed import SignerLied
from cyberprivacy.proposal.signing import Signer
from cyberprivacy.typed_data import Schema
from cyberprivacy.vault.client.connection import Connection
from cyberprivacy.vault.client.person import Person
from cyberprivacy.vault.contractwallet import ChainWitness, ContractWitness
from cyberprivacy.vault.key import Key

_CONTRACT: Final = re.compile(r"([1-9][0-9]{0,18}):(0x[0-9a-fA-F]{40})\Z")
_OPTIONS: Final[Mapping[str, tuple[Any, Any]]] = {
    "contract": (
        Annotated[
            str,
            typer.Option(
                "--contract",
                metavar="CHAIN:ADDRESS",
                help="Sign in the name of this contract wallet (ERC-1271), of which --key is an owner.",
            ),
        ],
        "",
    ),
    "rpc": (
        Annotated[
            list[str] | None,
            typer.Option(
                "--rpc",
                metavar="URL",
                envvar="CYBERPRIVACY_RPC",
                help="Chain that says what contract wallets accept, where your account has one.",
            ),
        ],
        None,
    ),
}


@dataclass(frozen=True, slots=True)
class SignerWallet:
    """The key of the command line's options as somebody's wallet.

    Attributes:
        contract: the contract wallet in whose name it signs, if it does.
    """

    signer: Signer
    contract: Key | None = None

    @property
    def key(self) -> Key:
        """Whose signature it makes."""
        return self.contract or Key.of_address(self._owner)

    def sign(self, schema: Schema, name: str, value: Mapping[str, object]) -> bytes:
        """A signature over a structure; what a signer elsewhere returns is checked before it is used.

        Raises:
            SignerLied: signed by another key, or something else.
        """
        signature = self.signer.sign_typed(schema.document(name, value))
        try:
            by = wallet.recover(schema.digest(name, value), signature)
        except wallet.BadSignature as error:
            raise SignerLied(f"not a signature: {error}") from None
        if by != self._owner:
            raise SignerLied("signed by another key, or something else", expected=self.signer.address)
        return signature

    @property
    def _owner(self) -> bytes:
        return bytes.fromhex(self.signer.address[2:])


@dataclass(frozen=True, slots=True)
class Whose:
    """Who signs, as the options say.

    Attributes:
        contract: a contract wallet; "" = the key signs for itself.
        rpc: chain endpoints.
    """

    signing: Signing
    contract: str
    rpc: list[str] | None

    @property
    def signs(self) -> bool:
        """Whether a key was named at all."""
        return self.signing.key is not None or bool(self.signing.signer_url)

    def wallet(self) -> SignerWallet:
        """Open the key that the options name.

        Raises:
            Misuse: there is none, or not a contract wallet ("my.contract").
        """
        contract = None
        if self.contract:
            found = _CONTRACT.match(self.contract)
            if found is None or int(found[1]) >= 1 << 64:
                raise Misuse(
                    "not a contract wallet",
                    code="my.contract",
                    hint="Its chain's number and its address, such as 1:0xAbC….",
                    got=self.contract[:80],
                )
            contract = Key.of_contract(int(found[1]), bytes.fromhex(parse_address(found[2], "--contract")[2:]))
        return SignerWallet(self.signing.signer(), contract)

    def contracts(self) -> ContractWitness | None:
        """Who says what contract wallets accept; None where no chain is named."""
        return ChainWitness(connect(self.rpc)) if self.rpc else None

    def person(self, vault: Connection) -> Person:
        """Somebody with this wallet at a vault."""
        return Person(vault, self.wallet(), contracts=self.contracts())


def with_wallet(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say who signs; it takes them as one argument, `who`."""

    def made(*, contract: str, rpc: list[str] | None, **signing: Any) -> Whose:
        return Whose(Signing(**signing), contract, rpc)

    return bundled(command, "who", {**SIGNING, **_OPTIONS}, made)
