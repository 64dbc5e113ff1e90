"""Who somebody is at a vault: the session that `my sign-in` keeps, and this machine's own key."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from platformdirs import user_state_path

from cyberprivacy.canonical import nested_within
from cyberprivacy.errors import Misuse
from cyberprivacy.vault.client.connection import Connection
from cyberprivacy.vault.client.person import Person, Wallet
from cyberprivacy.vault.cosigning import Proof
from cyberprivacy.vault.key import DEVICE_TAG, Key, Kind
from cyberprivacy.vault.vaultkey import VaultKey

Url = Annotated[str, typer.Argument(metavar="URL", help="Of the vault, such as http://127.0.0.1:8300.")]
Certificate = Annotated[
    Path | None,
    typer.Option(
        "--certificate", metavar="FILE", help="The certificate (PEM) that the vault must have, or its authority."
    ),
]
_LIMIT: Final = 1 << 20
NEW: Final = "new"
"""Stands for an account that is only about to begin."""


class NotSignedIn(Misuse):
    """This machine holds no session at that vault."""

    code = "session.missing"
    hint = "Sign in: `cyberprivacy my sign-in URL --key KEYSTORE.json`."


@dataclass(frozen=True, slots=True)
class Kept:
    """A session that is kept on this machine.

    Attributes:
        token: whoever has it acts for the account.
        account: 64 hex digits.
        expires: POSIX seconds.
    """

    token: str
    account: str
    expires: int


def remember(url: str, opened: Mapping[str, Any]) -> Kept:
    """Keep a session in a file that only this user reads, in place of an earlier one at the same vault."""
    kept = Kept(str(opened["token"]), str(opened["account"]), int(opened["expires"]))
    known = {place: each for place, each in _read().items() if each.expires > time.time()} | {url: kept}
    _write(known)
    return kept


def forget(url: str) -> None:
    """Keep no session of this vault any longer."""
    _write({place: each for place, each in _read().items() if place != url})


def session(url: str) -> Kept:
    """The session at this vault.

    Raises:
        NotSignedIn: there is none, or it has ended.
    """
    kept = _read().get(url.rstrip("/"))
    if kept is None or kept.expires <= time.time():
        raise NotSignedIn("not signed in at this vault" if kept is None else "the session has ended", url=url)
    return kept


def connect(url: str, certificate: Path | None) -> tuple[Connection, str]:
    """A way to a vault with the session that is kept, and the account whose it is."""
    kept = session(url)
    return Connection(url, kept.token, certificate=certificate), kept.account


def entered(url: str, who: Wallet, certificate: Path | None, *, account: str | None) -> tuple[Connection, str]:
    """A way to a vault in the session that is kept; where there is none, one is opened by one more signature."""
    try:
        return connect(url, certificate)
    except NotSignedIn:
        with Connection(url, certificate=certificate) as vault:
            remember(vault.site.uri, Person(vault, who).sign_in(account=account))
        return connect(url, certificate)


def device(account: str) -> VaultKey:
    """The key of this machine for an account; made where there is none, in a file that only this user reads."""
    folder = user_state_path("cyberprivacy") / "devices"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return VaultKey.open(folder / f"{account}.key")


def keep_device(account: str) -> None:
    """The key that was made for an account to be is now this account's."""
    folder = user_state_path("cyberprivacy") / "devices"
    (folder / f"{NEW}.key").rename(folder / f"{account}.key")


def beside(account: str, digest: bytes) -> Proof | None:
    """This machine's signature beside the wallet's, where it has a key for the account."""
    if not (user_state_path("cyberprivacy") / "devices" / f"{account}.key").exists():
        return None
    key = device(account)
    return Proof(device_key(key), key.sign(DEVICE_TAG + digest))


def device_key(key: VaultKey) -> Key:
    """As it stands in the log of an account."""
    return Key.parse(f"{Kind.DEVICE.value}:{key.public.hex()}")


def _file() -> Path:
    return user_state_path("cyberprivacy") / "vault-sessions.json"


def _read() -> dict[str, Kept]:
    try:
        with _file().open("rb") as file:
            data = file.read(_LIMIT)
    except FileNotFoundError:
        return {}
    try:
        value: dict[str, Any] = json.loads(data) if nested_within(data, 4) else {}
        return {
            str(url): Kept(each["token"], each["account"], int(each["expires"])) for url, each in value.items()
        }
    except (ValueError, TypeError, KeyError, AttributeError):
        raise Misuse(
            "the file of sessions cannot be read",
            code="session.file",
            hint="Remove it, and sign in again.",
            path=str(_file()),
        ) from None


def _write(known: Mapping[str, Kept]) -> None:
    """Whole or not at all: in another file first, which then takes the place of this one."""
    file = _file()
    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = file.with_suffix(f".{os.getpid()}")
    document = {
        url: {"token": each.token, "account": each.account, "expires": each.expires} for url, each in known.items()
    }
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as opened:
        opened.write(json.dumps(document, indent=1).encode())
    beside.replace(file)
