"""`key`: make and show keys; and how every other command is told who signs."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from eth_utils.address import is_checksum_address

from cyberprivacy.cli.options import bundled
from cyberprivacy.cli.output import Json, out
from cyberprivacy.errors import Misuse
from cyberprivacy.proposal.release import Address
from cyberprivacy.proposal.signing import ExternalSigner, Keystore, Signer, create_keystore, keystore_address

KeyFile = Annotated[
    Path | None, typer.Option("--key", metavar="KEYSTORE.json", help="Encrypted keystore that signs.")
]
PasswordFile = Annotated[
    Path | None,
    typer.Option("--password-file", metavar="FILE", help="Its password; without it you are asked."),
]
SignerUrl = Annotated[
    str,
    typer.Option(
        "--signer", metavar="URL", help="External signer (Clef and hardware wallets behind it) instead of --key."
    ),
]
From = Annotated[
    str, typer.Option("--from", metavar="ADDRESS", help="Which account of the external signer signs.")
]

_MAX_PASSWORD: Final = 4096


def register(_app: typer.Typer) -> None:
    """Add `key new` and `key show`."""
    from cyberprivacy.cli import group

    key = group("key", "Keys that sign transactions, in encrypted files.")
    key.command("new", epilog="Example: cyberprivacy key new member.json --password-file password.txt")(new)
    key.command("show", epilog="Example: cyberprivacy key show member.json")(show)


def new(
    path: Annotated[Path, typer.Argument(metavar="KEYSTORE.json", help="Where to write it; must not exist.")],
    password_file: PasswordFile = None,
    *,
    as_json: Json = False,
) -> None:
    """Make a new key and write it, encrypted, to a file. Keep a copy of both the file and its password."""
    address = create_keystore(path, _password(password_file, confirm=True))
    out.result({"address": address, "keystore": str(path)}, address, as_json=as_json)


def show(
    path: Annotated[Path, typer.Argument(metavar="KEYSTORE.json")],
    password_file: PasswordFile = None,
    *,
    prove: Annotated[bool, typer.Option("--prove", help="Open it, so that the address is sure.")] = False,
    as_json: Json = False,
) -> None:
    """Show the address of a keystore; the key itself is never shown."""
    told = keystore_address(path)
    if prove:
        held = Keystore(path, _password(password_file)).address
        if held != told:
            raise Misuse(
                "the keystore names another address than its key's", code="key.file", told=told, held=held
            )
    out.result({"address": told, "keystore": str(path), "proven": prove}, told, as_json=as_json)


@dataclass(frozen=True, slots=True)
class Signing:
    """Who signs, as the options --key, --password-file, --signer and --from say."""

    key: Path | None
    password_file: Path | None
    signer_url: str
    account: str

    def signer(self) -> Signer:
        """Open the key, or reach the external signer.

        Raises:
            Misuse: neither or both of --key and --signer, or not an address.
        """
        if (self.key is None) == (not self.signer_url):
            raise Misuse(
                "say who signs",
                code="key.missing",
                hint="Give --key KEYSTORE.json (`cyberprivacy key new` makes one), or --signer URL.",
            )
        if self.key is not None:
            return Keystore(self.key, _password(self.password_file))
        return ExternalSigner(self.signer_url, parse_address(self.account, "--from") if self.account else None)


SIGNING: Final[Mapping[str, tuple[Any, Any]]] = {
    "key": (KeyFile, None),
    "password_file": (PasswordFile, None),
    "signer_url": (SignerUrl, ""),
    "account": (From, ""),
}
"""The options of `Signing`: type and default of each."""


def with_signer(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options that say who signs; it takes them as one argument, `who`."""
    return bundled(command, "who", SIGNING, Signing)


def parse_address(text: str, where: str) -> Address:
    """An address that somebody typed.

    Raises:
        Misuse: not an address, or its checksum says that a character is wrong.
    """
    if not is_checksum_address(text):
        raise Misuse("not an address with its checksum (EIP-55)", code="address", where=where, value=text[:60])
    return Address(text)


def _password(file: Path | None, *, confirm: bool = False) -> str:
    if file is not None:
        try:
            with file.open("rb") as opened:
                text = opened.read(_MAX_PASSWORD).decode()
        except (OSError, UnicodeDecodeError):
            raise Misuse("the password file cannot be read", code="key.password", path=str(file)) from None
        return text.removesuffix("\n").removesuffix("\r")
    if not sys.stdin.isatty():
        raise Misuse(
            "nobody is there to type a password", code="key.password", hint="Give --password-file, mode 0600."
        )
    answer: str = typer.prompt("Password", hide_input=True, confirmation_prompt=confirm, err=True)
    return answer
