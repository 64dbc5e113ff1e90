"""How a person lets one application have what another keeps: both are asked who they are, the grant is made here.

What either application says is compared with what it signs for, or shown to the person in the text of the grant;
nothing is signed as it came.
"""

import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from cyberprivacy import canonical
from cyberprivacy.bundle import datatype
from cyberprivacy.errors import Misuse, Untrusted
from cyberprivacy.vault import forms
from cyberprivacy.vault.carriage import SignedGrant
from cyberprivacy.vault.client.connection import MAX_ANSWER, Connection, VaultSilent, read
from cyberprivacy.vault.client.person import Person, Wallet
from cyberprivacy.vault.consent import text, text_hash
from cyberprivacy.vault.cosigning import Proof
from cyberprivacy.vault.described import Described, described
from cyberprivacy.vault.grant import APP, Grant, Mode, Party
from cyberprivacy.vault.recipient import ReleasePolicy
from cyberprivacy.vault.scope import Action, Scope
from cyberprivacy.vault.selector import Selector

FOLLOW = "/udi/v1/followings"


@dataclass(frozen=True, slots=True)
class End:
    """An application at one end of a grant, and the person as it knows them.

    Attributes:
        shown: what it says of itself, as it came.
        token: of a session of that application.
    """

    vault: Connection
    party: Party
    policy: ReleasePolicy
    shown: Mapping[str, Any]
    token: str

    def leave(self) -> None:
        """End the session."""
        self.vault.ask("DELETE", "/udi/v1/auth/session", headers={"Authorization": f"Bearer {self.token}"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What is granted, beside who gets it.

    Attributes:
        types: names of data types.
        since, until: POSIX seconds.
        retention: seconds that the recipient may keep it; 0 = until it is told to erase.
    """

    types: Sequence[str]
    actions: Sequence[Action]
    selector: Selector
    purpose: str
    mode: Mode
    since: int
    until: int
    retention: int
    language: str


def end(person: Person, account: str, log: bytes) -> End:
    """An application that shares or gets records at an address; an account that it does not know is brought there.

    Raises:
        Misuse: nobody can grant anything to what is there ("my.party").
        CyberPrivacyError: what is there refuses, or is not what it should be.
    """
    try:
        said = person.vault.ask("GET", "/udi/v1/party")
    except Misuse as error:
        if error.code != "api.path":
            raise
        raise Misuse(
            "no application that shares is there",
            code="my.party",
            url=person.vault.site.uri,
            hint="Try another URL.",
        ) from None
    match said:
        case {"app": str(app), "cluster": str(cluster), "policy": dict(shown), "holder": str()} if APP.fullmatch(
            app
        ):
            policy = ReleasePolicy.decode(canonical.encode(shown))
        case _:
            raise VaultSilent("it does not say who it is", code="vault.answer")
    try:
        opened = person.sign_in(app, account)
    except Untrusted as error:
        if error.code != "session.no-account":
            raise
        person.vault.ask("POST", "/udi/v1/accounts:bring", octets=log)
        opened = person.sign_in(app, account)
    party = Party(app, _octets(cluster), policy.digest, _octets(str(opened["account"])))
    return End(person.vault, party, policy, said, str(opened["token"]))


def log_of(vault: Connection, account: str) -> bytes:
    """The key events of an account, a line each."""
    with vault.stream("GET", f"/udi/v1/accounts/{account}/kel") as answer:
        return read(answer, MAX_ANSWER)


def declared(source: End, names: Sequence[str]) -> dict[str, Described]:
    """Data types in people's words, from the source's own schemas."""
    found = {}
    for name in names:
        shown = source.vault.ask("GET", f"/udi/v1/types/{name}")
        found[name] = described(datatype.parse(name, canonical.encode(shown["schema"])))
    return found


def draft(
    source: End, recipient: End, types: Mapping[str, Described], terms: Terms, *, of: tuple[str, int]
) -> Grant:
    """The grant that a person is asked for, with the hash of its text; `of` is account and newest event."""
    account, seq = of
    scopes = [
        Scope(data_type=name, actions=tuple(terms.actions), selector=terms.selector, schema=types[name].schema)
        for name in sorted(terms.types)
    ]
    made = Grant(
        id=secrets.token_bytes(16),
        subject=bytes.fromhex(account),
        kel_seq=seq,
        source=source.party,
        recipient=recipient.party,
        scopes=tuple(scopes),
        purpose=terms.purpose,
        mode=terms.mode,
        max_uses=0 if terms.mode is Mode.STANDING else 1,
        not_before=terms.since,
        expires=terms.until,
        retention=terms.retention,
        onward=0,
        text_hash=bytes(32),
        nonce=secrets.token_bytes(32),
    )
    return replace(made, text_hash=text_hash(text(made, recipient.policy, types, terms.language)))


def sign(grant: Grant, network: str, wallet: Wallet, second: Wallet | None) -> SignedGrant:
    """The grant signed by a key, and, for what needs it, by another one."""
    schema = forms.schema(network)

    def proof(by: Wallet) -> Proof:
        return Proof(by.key, by.sign(schema, "Grant", grant.message()))

    return SignedGrant(grant, proof(wallet), None if second is None else proof(second))


def hand_in(signed: SignedGrant, source: End, recipient: End) -> bool:
    """Register a grant at its source, and give it to its recipient; whether that follows it now.

    Raises:
        CyberPrivacyError: the source refuses it; see `granting.admit`.
    """
    shown = {name: recipient.shown.get(name) for name in ("policy", "holder", "site")}
    source.vault.ask("POST", "/udi/v1/grants", body={"signed": signed.as_json(), **shown})
    if signed.grant.mode is not Mode.STANDING:
        return False
    mine = {"Authorization": f"Bearer {recipient.token}"}
    try:
        recipient.vault.ask("POST", FOLLOW, octets=signed.encode(), headers=mine)
    except Misuse as error:
        if error.code not in ("api.path", "following.source"):
            raise
        return False  # it does not follow this source: it asks when it wants something
    return True


def _octets(text_: str) -> bytes:
    try:
        made = bytes.fromhex(text_)
    except ValueError:
        made = b""
    if len(made) != 32:
        raise VaultSilent("not an id", code="vault.answer")
    return made
