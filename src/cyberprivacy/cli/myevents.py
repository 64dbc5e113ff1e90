"""The next event of an account's log: made from what the log says now, signed by the wallet, handed in."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Final

import typer

from cyberprivacy.cli.mysession import session
from cyberprivacy.cli.mywallet import Whose
from cyberprivacy.cli.output import out
from cyberprivacy.errors import Misuse
from cyberprivacy.vault.account import State
from cyberprivacy.vault.client.connection import Connection
from cyberprivacy.vault.keyevent import Body, Kind

Account = Annotated[
    str, typer.Option("--account", metavar="ID", help="Which account; without it, the one that is signed in here.")
]
_ACCOUNT: Final = re.compile(r"[0-9a-f]{64}\Z")


def account_id(text: str) -> str:
    """An account's id that somebody typed.

    Raises:
        Misuse: not 64 hex digits.
    """
    if not _ACCOUNT.match(text):
        raise Misuse("not the id of an account", code="my.account", hint="64 hex digits.", got=text[:80])
    return text


def append(
    url: str,
    account: str,
    kind: Kind,
    body: Callable[[State], Body],
    *,
    who: Whose,
    certificate: Path | None,
    as_json: bool,
) -> None:
    """Sign and hand in an event of an account ("": the one that is signed in here); no session is needed for it.

    `body` makes what the event says from the account as it is.
    """
    id_ = account_id(account) if account else session(url).account
    with Connection(url, certificate=certificate) as vault:
        state = who.person(vault).append(id_, kind, body)
    value = {"account": id_, "event": kind.value, "seq": state.seq, "head": state.head.hex()}
    out.result(value, f"{kind.value}: event {state.seq} of {id_}", as_json=as_json)
