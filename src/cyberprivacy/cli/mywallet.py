"""Whose signature is given at a vault: a key's own, or, in the name of a contract wallet, that of its owners."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cyberprivacy import wallet
from cyberprivacy.cli.keys import SIGNING, Signing, parse_address
from cyberprivacy.cli.options import bundled
from cyberprivacy.errors import Misuse
from cyberprivacy.proposal.agreeing import connect
from cyberprivacy.proposal.signed import SignerLied
from cyberprivacy.proposal.signing import ExternalSigner, Signer
from cyberprivacy.typed_data import Schema
from cyberprivacy.vault import safewallet
from cyberprivacy.vault.client.connection import Connection
from cyberprivacy.vault.client.person import Person, Wallet
from cyberprivacy.vault.contractwallet import ChainWitness, ContractWitness
from cyberprivacy.vault.key import Key

_CONTRACT: Final = re.compile(r"([1-9][0-9]{0,18}):(0x[0-9a-fA-F]{40})\Z")
_ELSEWHERE: Final = re.compile(r"(?:(0x[0-9a-fA-F]{40})@)?(https?://.+)\Z")
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
    "safe": (
        Annotated[
            str,
            typer.Option(
                "--safe",
                metavar="CHAIN:ADDRESS",
                help="Sign in the name of this Safe, of which --key is an owner; --rpc asks it whom it wants.",
            ),
        ],
        "",
    ),
    "owners": (
        Annotated[
            list[str] | None,
            typer.Option(
                "--owner",
                metavar="KEYSTORE|[ADDRESS@]URL",
                help="Another owner of the Safe, who signs as well: a keystore, or a signer; repeat for more.",
            ),
        ],
        None,
    ),
    "owner_passwords": (
        Annotated[
            list[Path] | None,
            typer.Option(
                "--owner-password-file",
                metavar="FILE",
                help="Of the first keystore that --owner names; again for the next. Without it you are asked.",
            ),
        ],
        None,
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
class SafeWallet:
    """A Safe, and those of its owners who sign.

    Attributes:
        key: the Safe's.
        owners: each signs with a key of their own.
    """

    key: Key
    owners: tuple[SignerWallet, ...]

    def sign(self, schema: Schema, name: str, value: Mapping[str, object]) -> bytes:
        """The owners' signatures over a structure, as their Safe takes them. See `SignerWallet.sign`."""
        asked, said = safewallet.schema(self.key), safewallet.message(schema.digest(name, value))
        return safewallet.together(
            {each.key.material: each.sign(asked, safewallet.MESSAGE, said) for each in self.owners}
        )


@dataclass(frozen=True, slots=True)
class Whose:
    """Who signs, as the options say.

    Attributes:
        contract: a contract wallet; "" = the key signs for itself.
        safe: one that is a Safe; "" = it is not.
        owners: of the Safe, beside the key.
        owner_passwords: files of their keystores' passwords.
        rpc: chain endpoints.
    """

    signing: Signing
    contract: str
    safe: str
    owners: list[str] | None
    owner_passwords: list[Path] | None
    rpc: list[str] | None

    @property
    def signs(self) -> bool:
        """Whether a key was named at all."""
        return self.signing.key is not None or bool(self.signing.signer_url)

    def wallet(self) -> Wallet:
        """Open the keys that the options name.

        Raises:
            Misuse: there is none, not a contract wallet ("my.contract"), or not the Safe's owners ("my.owners").
        """
        if self.safe:
            return self._safe()
        if self.owners or self.owner_passwords:
            raise safewallet.BadOwners(
                "only a Safe has several owners here", hint="Name it: --safe CHAIN:ADDRESS."
            )
        return SignerWallet(self.signing.signer(), _contract(self.contract) if self.contract else None)

    def contracts(self) -> ContractWitness | None:
        """Who says what contract wallets accept; None where no chain is named."""
        return ChainWitness(connect(self.rpc)) if self.rpc else None

    def person(self, vault: Connection) -> Person:
        """Somebody with this wallet at a vault."""
        return Person(vault, self.wallet(), contracts=self.contracts())

    def _safe(self) -> SafeWallet:
        if self.contract:
            raise safewallet.BadOwners("one wallet at a time", hint="Give --safe or --contract, not both.")
        safe, passwords = _contract(self.safe), iter(self.owner_passwords or [])
        others = [_owner(each, passwords) for each in self.owners or []]
        if next(passwords, None) is not None:
            raise safewallet.BadOwners("more password files than keystores of owners")
        owners = tuple(SignerWallet(each) for each in (self.signing.signer(), *others))
        addresses = {each.key.material for each in owners}
        if len(addresses) < len(owners):
            raise safewallet.BadOwners("one owner is named twice")
        if self.rpc:
            safewallet.check_owners(connect(self.rpc), safe, addresses)
        return SafeWallet(safe, owners)


def _contract(text: str) -> Key:
    """A contract wallet by its chain's number and its address.

    Raises:
        Misuse: it is not one ("my.contract").
    """
    found = _CONTRACT.match(text)
    if found is None or int(found[1]) >= 1 << 64:
        raise Misuse(
            "not a contract wallet",
            code="my.contract",
            hint="Its chain's number and its address, such as 1:0xAbC….",
            got=text[:80],
        )
    return Key.of_contract(int(found[1]), bytes.fromhex(parse_address(found[2], "--contract")[2:]))


def _owner(text: str, passwords: Iterator[Path]) -> Signer:
    """Another owner: a signer elsewhere, or a keystore, which takes the next password file."""
    elsewhere = _ELSEWHERE.match(text)
    if elsewhere is None:
        return Signing(Path(text), next(passwords, None), "", "").signer()
    return ExternalSigner(elsewhere[2], parse_address(elsewhere[1], "--owner") if elsewhere[1] else None)


def with_wallet(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say who signs; it takes them as one argument, `who`."""
    own = [*_OPTIONS]

    def made(**given: Any) -> Whose:
        return Whose(**{name: given.pop(name) for name in own}, signing=Signing(**given))

    return bundled(command, "who", {**SIGNING, **_OPTIONS}, made)
