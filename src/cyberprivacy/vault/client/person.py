"""What a person does with their keys at a vault: begin an account, sign in, append key events.

Every text that is signed is made here; what a vault says is compared with it and never signed as it came.
"""

import secrets
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from cyberprivacy.errors import Untrusted
from cyberprivacy.typed_data import Schema
from cyberprivacy.vault import forms
from cyberprivacy.vault.account import State
from cyberprivacy.vault.carriage import SignedRevoke
from cyberprivacy.vault.client.connection import MAX_ANSWER, Connection, VaultSilent, read
from cyberprivacy.vault.contractwallet import ContractWitness
from cyberprivacy.vault.cosigning import Proof
from cyberprivacy.vault.grant import Revoke
from cyberprivacy.vault.key import Judge, Key
from cyberprivacy.vault.keyevent import NOTHING, Body, Event, Kind, Signed
from cyberprivacy.vault.keylog import replay
from cyberprivacy.vault.place import OWNER, Place, Site
from cyberprivacy.vault.signing_in import STRUCT, message


class NotThisPlace(Untrusted):
    """A vault asks to have something signed that is not for it, or not what it should be."""

    code = "my.place"
    hint = "Nothing was signed. Use the address at which the vault says it is; somebody may be in between."


class Wallet(Protocol):
    """Signs typed data with one key."""

    @property
    def key(self) -> Key:
        """Whose signature it makes."""
        ...

    def sign(self, schema: Schema, name: str, value: Mapping[str, object]) -> bytes:
        """A signature over a structure of a schema."""
        ...


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody with a wallet, at one vault.

    Attributes:
        clock: POSIX seconds.
        contracts: says what contract wallets accept; None = a log with such keys cannot be judged here.
        through: the application at whose own address the vault is asked, if it is one that applications share.
    """

    vault: Connection
    wallet: Wallet
    clock: Callable[[], float] = time.time
    through: str = OWNER
    contracts: ContractWitness | None = None

    def about(self) -> Place:
        """What the vault says that it is.

        Raises:
            NotThisPlace: it says to be at another address than the one that was asked.
        """
        place = about(self.vault)
        if self.vault.site not in (place.site, place.apps.get(self.through)):
            raise NotThisPlace("the vault says to be elsewhere", asked=self.vault.site.uri, says=place.site.uri)
        return place

    def begin(self, *, also: Iterable[Key] = ()) -> str:
        """Begin an account with the wallet's key, and perhaps others; its id."""
        keys = sorted({self.wallet.key, *also}, key=lambda key: key.text)
        body = Body(keys=tuple(keys), guardians=(), salt=secrets.token_bytes(32))
        event = Event(NOTHING, 0, NOTHING, Kind.INCEPT, body, int(self.clock()))
        signed = self._signed(event)
        made = self.vault.ask("POST", "/udi/v1/accounts", octets=signed.encode())
        account = signed.event.digest(self._schema()).hex()
        if not isinstance(made, dict) or made.get("account") != account:
            raise VaultSilent("the vault began another account than was signed", code="vault.answer")
        return account

    def sign_in(self, app: str = OWNER, account: str | None = None) -> Mapping[str, Any]:
        """Open a session of an application here, or one's own: `token`, `account`, `expires`.

        Raises:
            NotThisPlace: the vault asks for something that a session here does not need.
        """
        place = self.about()
        asked = self.vault.ask("POST", "/udi/v1/auth/nonce", body={"app": app})
        nonce = str(asked.get("nonce", "")) if isinstance(asked, dict) else ""
        wanted = place.asks(app, nonce)
        if not isinstance(asked, dict) or (asked.get("uri"), asked.get("statement")) != (
            wanted.uri,
            wanted.statement,
        ):
            raise NotThisPlace("the vault asks to have something else signed", expected=wanted.statement)
        signature = self.wallet.sign(forms.schema(place.network), STRUCT, message(wanted))
        body = {"app": app, "key": self.wallet.key.text, "nonce": nonce, "signature": signature.hex()}
        opened = self.vault.ask("POST", "/udi/v1/auth/key", body=body | ({"account": account} if account else {}))
        if not isinstance(opened, dict) or not {"token", "account", "expires"} <= opened.keys():
            raise VaultSilent("the vault does not say which session it opened", code="vault.answer")
        return opened

    def append(self, account: str, kind: Kind, body: Callable[[State], Body]) -> State:
        """Sign the next key event of an account and hand it in; the account after it, as the log tells.

        `body` makes what the event says from the account as it is.
        """
        state = self.state(account)
        event = Event(state.account, state.seq + 1, state.head, kind, body(state), int(self.clock()))
        self.vault.ask("POST", f"/udi/v1/accounts/{account}/kel", octets=self._signed(event).encode())
        return self.state(account)

    def revoke(self, account: str, grant: bytes, *, erase: bool = False, also: Connection | None = None) -> None:
        """Sign that a grant (its id, 16 bytes) is taken back, and hand that in here, and at another vault.

        `erase` asks that its recipient also erases what came under it.
        """
        said = Revoke(
            grant=grant,
            subject=bytes.fromhex(account),
            kel_seq=self.state(account).seq,
            at=int(self.clock()),
            erase=int(erase),
            nonce=secrets.token_bytes(32),
        )
        proof = Proof(self.wallet.key, self.wallet.sign(self._schema(), "Revoke", said.message()))
        for vault in (self.vault, *([also] if also else [])):
            vault.ask("POST", "/udi/v1/grants:revoke", octets=SignedRevoke(said, proof).encode())

    def state(self, account: str) -> State:
        """An account as its own log says: every signature of it is checked here, not believed."""
        return history(self.vault, account, self.about(), self.contracts)[-1]

    def _signed(self, event: Event) -> Signed:
        return Signed(event, self.wallet.key, self.wallet.sign(self._schema(), "KeyEvent", event.message()))

    def _schema(self) -> Schema:
        return forms.schema(self.about().network)


def about(vault: Connection) -> Place:
    """What a vault says of itself.

    Raises:
        VaultSilent: it is no vault of this version.
    """
    match vault.ask("GET", "/.well-known/udi"):
        case {"udi": "1", "network": str(network), "site": str(site), "chain": int(chain), "apps": dict(apps)}:
            sites = {str(name): Site.parse(str(uri)) for name, uri in apps.items()}
            return Place(Site.parse(site), network, chain, sites)
    raise VaultSilent("not a vault of this version", code="vault.answer")


def history(
    vault: Connection, account: str, place: Place, contracts: ContractWitness | None = None
) -> Sequence[State]:
    """Every state of an account, from its log; `contracts` says what contract wallets accept.

    Raises:
        Untrusted: the log is not one that its keys have signed, or is another account's ("my.log").
        Misuse: contract wallets have signed it, and nobody here can say what they accept ("key.disabled").
    """
    judge = Judge(place=place.passkeys(OWNER), contracts=contracts)
    with vault.stream("GET", f"/udi/v1/accounts/{account}/kel") as answer:
        lines = [line for line in read(answer, MAX_ANSWER).split(b"\n") if line]
    states = replay((Signed.decode(line) for line in lines), judge, forms.schema(place.network))
    if states[-1].account.hex() != account:
        raise Untrusted("the vault answers with another account", code="my.log", hint="Do not use this vault.")
    return states
