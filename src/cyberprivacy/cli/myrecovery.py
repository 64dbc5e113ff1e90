"""`my freeze`, `guardians`, `recover`: what stops a thief, and what brings lost keys back."""

import re
import secrets
from hashlib import sha256
from typing import Annotated, Final

import typer

from cyberprivacy.cli.myevents import Account, append
from cyberprivacy.cli.mysession import Certificate, Url
from cyberprivacy.cli.mywallet import Whose, with_wallet
from cyberprivacy.cli.output import Json, out
from cyberprivacy.errors import Misuse
from cyberprivacy.vault.account import State
from cyberprivacy.vault.key import Key
from cyberprivacy.vault.keyevent import Body, Guardian, Kind, Opening

_CARD: Final = re.compile(r"guardian1:([0-9a-f]{64}):([0-9a-f]{64})\Z")
_SALT: Final = re.compile(r"[0-9a-f]{64}\Z")

Salt = Annotated[str, typer.Option("--salt", metavar="HEX", help="As a guardian: the salt of your card.")]


def add(my: typer.Typer) -> None:
    """Add the commands of this module."""
    at, key = "http://127.0.0.1:8300", "--key me.json"
    for name, command, example in (
        ("guardian-card", with_wallet(guardian_card), f"--operator bank.example {key}"),
        ("guardians", with_wallet(guardians), f"{at} guardian1:… guardian1:… {key}"),
        ("freeze", with_wallet(freeze), f"{at} --account … {key}"),
        ("unfreeze", with_wallet(unfreeze), f"{at} {key}"),
        ("recover", with_wallet(recover), f"{at} --account … --new-key eip155-eoa:… --salt … --key guardian.json"),
        ("approve", with_wallet(approve), f"{at} --account … --salt … --key guardian.json"),
        ("cancel", with_wallet(cancel), f"{at} --account … {key}"),
        ("finish", with_wallet(finish), f"{at} --account … --key new.json"),
    ):
        my.command(name, epilog=f"Example: cyberprivacy my {name} {example}")(command)


def guardian_card(
    *,
    operator: Annotated[str, typer.Option(metavar="NAME", help="Who runs this guardian; one guardian for each.")],
    who: Whose,
    as_json: Json = False,
) -> None:
    """As a guardian: make a card for somebody whom you will help. They keep the card; you keep the salt."""
    salt = secrets.token_bytes(32)
    commitment = Opening(who.wallet().key, salt).commitment.hex()
    card = f"guardian1:{commitment}:{sha256(operator.encode()).hexdigest()}"
    out.result({"card": card, "salt": salt.hex()}, f"card  {card}\nsalt  {salt.hex()}", as_json=as_json)


def guardians(
    url: Url,
    cards: Annotated[
        list[str] | None, typer.Argument(metavar="CARD...", help="All of them, anew; none for none.")
    ] = None,
    *,
    certificate: Certificate = None,
    who: Whose,
    as_json: Json = False,
) -> None:
    """Say who can help you if you lose your keys. Others than before count after seven days."""
    made = sorted((_card(card) for card in cards or ()), key=lambda each: each.commitment)
    body = Body(guardians=tuple(made))
    append(url, "", Kind.GUARDIANS, lambda _: body, who=who, certificate=certificate, as_json=as_json)


def freeze(
    url: Url,
    *,
    whose: Account = "",
    salt: Salt = "",
    certificate: Certificate = None,
    who: Whose,
    as_json: Json = False,
) -> None:
    """Stop grants, changes, moves, erasing and exports at once, for five days. Any key may, or any guardian."""
    helper = opening(who, salt)
    append(
        url,
        whose,
        Kind.FREEZE,
        lambda _: Body(guardian=helper),
        who=who,
        certificate=certificate,
        as_json=as_json,
    )


def unfreeze(url: Url, *, certificate: Certificate = None, who: Whose, as_json: Json = False) -> None:
    """End a freeze that is at least two days old."""
    append(url, "", Kind.UNFREEZE, lambda _: Body(), who=who, certificate=certificate, as_json=as_json)


def recover(
    url: Url,
    *,
    whose: Annotated[str, typer.Option("--account", metavar="ID", help="Whose keys are lost.")],
    new_key: Annotated[str, typer.Option(metavar="KEY", help="Their new key, kind:hex.")],
    salt: Annotated[str, typer.Option(metavar="HEX", help="The salt of your card.")],
    certificate: Certificate = None,
    who: Whose,
    as_json: Json = False,
) -> None:
    """As a guardian: ask for a new key for somebody who lost theirs. Others must agree, and days must pass."""
    body = Body(key=Key.parse(new_key), guardian=opening(who, salt))
    append(url, whose, Kind.RECOVER, lambda _: body, who=who, certificate=certificate, as_json=as_json)


def approve(
    url: Url,
    *,
    whose: Account = "",
    salt: Salt = "",
    certificate: Certificate = None,
    who: Whose,
    as_json: Json = False,
) -> None:
    """Agree to the recovery that was asked for: as a guardian, or with an old key."""
    helper = opening(who, salt)
    append(
        url,
        whose,
        Kind.APPROVE,
        lambda now: _asked(now, helper),
        who=who,
        certificate=certificate,
        as_json=as_json,
    )


def cancel(
    url: Url,
    *,
    whose: Account = "",
    salt: Salt = "",
    certificate: Certificate = None,
    who: Whose,
    as_json: Json = False,
) -> None:
    """Stop the recovery that was asked for. Any key may, or any guardian."""
    helper = opening(who, salt)
    append(
        url,
        whose,
        Kind.CANCEL,
        lambda now: _asked(now, helper),
        who=who,
        certificate=certificate,
        as_json=as_json,
    )


def finish(
    url: Url,
    *,
    whose: Annotated[str, typer.Option("--account", metavar="ID", help="Whose keys are lost.")],
    certificate: Certificate = None,
    who: Whose,
    as_json: Json = False,
) -> None:
    """With the new key: take over, once enough guardians agreed and the time has passed."""
    append(url, whose, Kind.EXECUTE, _asked, who=who, certificate=certificate, as_json=as_json)


def opening(who: Whose, salt: str) -> Opening | None:
    """How a guardian steps forward; None where no salt is given: the key speaks for itself."""
    if not salt:
        return None
    if not _SALT.match(salt):
        raise Misuse(
            "not the salt of a card", code="my.salt", hint="64 hex digits, as `my guardian-card` printed them."
        )
    return Opening(who.wallet().key, bytes.fromhex(salt))


def _asked(now: State, helper: Opening | None = None) -> Body:
    """The recovery that was asked for, which is to be approved, cancelled or finished."""
    if now.recovery is None:
        raise Misuse("no recovery was asked for", code="account.no-recovery")
    return Body(recovery=now.recovery.digest, guardian=helper)


def _card(text: str) -> Guardian:
    found = _CARD.match(text)
    if found is None:
        raise Misuse("not a guardian's card", code="my.card", hint="`my guardian-card` makes one.", got=text[:60])
    return Guardian(bytes.fromhex(found[1]), bytes.fromhex(found[2]))
