"""`my grant`: let one application have what another keeps about you."""

import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cyberprivacy.cli.keys import Signing
from cyberprivacy.cli.mysession import Certificate, Url, connect
from cyberprivacy.cli.mywallet import SignerWallet, Whose, with_wallet
from cyberprivacy.cli.options import bundled
from cyberprivacy.cli.output import Json, out
from cyberprivacy.cli.times import moment
from cyberprivacy.errors import Misuse
from cyberprivacy.review.hidden import visible
from cyberprivacy.vault.carriage import LIMIT, SignedGrant
from cyberprivacy.vault.client import consenting
from cyberprivacy.vault.client.connection import Connection
from cyberprivacy.vault.client.consenting import End, Terms
from cyberprivacy.vault.client.person import Person
from cyberprivacy.vault.consent import text
from cyberprivacy.vault.grant import Grant, Mode
from cyberprivacy.vault.scope import Action
from cyberprivacy.vault.selector import Selector

DAY: Final = 86_400
_ACTIONS: Final = ", ".join(each.value for each in Action)
_OPTIONS: Final[Mapping[str, tuple[Any, Any]]] = {
    "types": (
        Annotated[
            list[str] | None,
            typer.Option(
                "--type", metavar="TYPE", help="Which records; repeat for more. [default: all that it lists]"
            ),
        ],
        None,
    ),
    "may": (Annotated[str, typer.Option(metavar="LIST", help=f"Of {_ACTIONS}.")], "read,subscribe"),
    "only": (Annotated[str, typer.Option(metavar="SELECTOR", help='Such as: shop = "books".')], "all"),
    "purpose": (Annotated[str, typer.Option(metavar="TEXT", help="One of those that it lists.")], ""),
    "days": (Annotated[int, typer.Option(min=1, max=180, help="For how long.")], 90),
    "once": (Annotated[bool, typer.Option("--once", help="One copy, once.")], False),
    "keep_days": (
        Annotated[int, typer.Option(min=0, max=36_600, help="How long it may keep it; 0 = until you say so.")],
        0,
    ),
    "language": (Annotated[str, typer.Option(metavar="en|de", help="Of the text that you read.")], "en"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is granted, as the options say."""

    types: list[str] | None
    may: str
    only: str
    purpose: str
    days: int
    once: bool
    keep_days: int
    language: str

    def terms(self, recipient: End, now: int) -> Terms:
        """The terms of a grant that begins now.

        Raises:
            Misuse: an action or a purpose that there is not.
        """
        known = {each.value: each for each in Action}
        named = ["read"] if self.once else sorted(each.strip() for each in self.may.split(","))
        if not {*named} <= known.keys():
            raise Misuse("not an action", code="my.action", hint=f"Of {_ACTIONS}.", got=self.may[:80])
        return Terms(
            types=self.types or sorted(recipient.policy.declared.types),
            actions=[known[each] for each in named],
            selector=Selector.parse(self.only),
            purpose=_purpose(self.purpose, recipient),
            mode=Mode.ONCE if self.once else Mode.STANDING,
            since=now,
            until=now + self.days * DAY,
            retention=self.keep_days * DAY,
            language=self.language,
        )


def add(my: typer.Typer) -> None:
    """Add the command of this module."""
    words = "http://127.0.0.1:8401 http://127.0.0.1:8402 --key me.json --cosigner other.json"
    command = with_wallet(bundled(grant, "wanted", _OPTIONS, Wanted))
    my.command("grant", epilog=f"Example: cyberprivacy my grant {words}")(command)


def grant(  # noqa: PLR0913  # each is one option of the command line
    url: Url,
    recipient: Annotated[str, typer.Argument(metavar="RECIPIENT", help="URL of the application that gets it.")],
    *,
    wanted: Wanted,
    cosigner: Annotated[
        Path | None, typer.Option(metavar="KEYSTORE", help="Another key of yours, where one is not enough.")
    ] = None,
    cosigner_password_file: Annotated[Path | None, typer.Option(metavar="FILE")] = None,
    save: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Only sign: for a guardian to sign as well.")
    ] = None,
    signed: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Hand in what was saved, and signed by all.")
    ] = None,
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    certificate: Certificate = None,
    who: Whose,
    as_json: Json = False,
) -> None:
    """Let an application have records that another one keeps: you read what it may do, and sign.

    The first time that an application gets something, and for what is sensitive, a second key has to sign, too:
    with --cosigner; or with --save, `security cosign`, and then --signed.
    """
    with ExitStack() as stack:
        wallet, second = who.wallet(), _second(cosigner, cosigner_password_file)
        vault, account = connect(url, certificate)
        stack.enter_context(vault)
        person = Person(vault, wallet, contracts=who.contracts())
        log = consenting.log_of(vault, account)
        other = stack.enter_context(Connection(recipient, certificate=certificate))
        source = consenting.end(person, account, log)
        stack.callback(source.leave)
        target = consenting.end(Person(other, wallet), account, log)
        stack.callback(target.leave)
        if signed is not None:
            ready = _read(signed)
        else:
            terms = wanted.terms(target, int(time.time()))
            known = consenting.declared(source, terms.types)
            made = consenting.draft(source, target, known, terms, of=(account, person.state(account).seq))
            _asks(text(made, target.policy, known, terms.language), yes=yes)
            ready = consenting.sign(made, person.about().network, wallet, second)
        if save is not None:
            save.write_bytes(ready.encode())
            out.result({"saved": str(save)}, f"signed, not handed in: {save}", as_json=as_json)
            return
        follows = consenting.hand_in(ready, source, target)
    value, human = _told(ready.grant, follows=follows)
    out.result(value, human, as_json=as_json)


def _second(keystore: Path | None, password: Path | None) -> SignerWallet | None:
    return None if keystore is None else SignerWallet(Signing(keystore, password, "", "").signer())


def _purpose(named: str, recipient: End) -> str:
    """The purpose that was named, or the only one of a recipient.

    Raises:
        Misuse: it lists no such purpose; or none is named, and it lists none, or several.
    """
    listed = sorted(recipient.policy.declared.purposes)
    if named in listed or (not named and len(listed) == 1):
        return named or listed[0]
    raise Misuse("say for what", code="my.purpose", hint="--purpose TEXT, one of those listed.", listed=listed)


def _asks(shown: str, *, yes: bool) -> None:
    """Show what is going to be signed, and ask."""
    typer.echo(shown, err=True)
    if not yes:
        typer.confirm("Sign this?", abort=True, err=True)


def _read(file: Path) -> SignedGrant:
    try:
        with file.open("rb") as opened:
            return SignedGrant.decode(opened.read(LIMIT + 1))
    except OSError as error:
        raise Misuse("the file cannot be read", code="my.file", path=str(file), why=error.strerror) from None


def _told(made: Grant, *, follows: bool) -> tuple[dict[str, object], str]:
    """What was granted, for programs and for people."""
    id_, app = made.id.hex(), made.recipient.app
    types = sorted({each.data_type for each in made.scopes})
    value: dict[str, object] = {
        "grant": id_,
        "recipient": app,
        "types": types,
        "expires": made.expires,
        "follows": follows,
    }
    until = moment(made.expires, int(time.time()))
    follow = "It gets them from now on" if follows else "It gets them when it asks"
    return value, f"{id_}\n{visible(app)} may use {', '.join(types)} until {until}. {follow}; `my revoke` ends it."
