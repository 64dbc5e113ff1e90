"""What a person does to bring what one vault holds to another: see what would come, sign it once, take it back.

The text that is signed is made here, of what both vaults say and of what the person was shown.
"""

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final, Protocol

from cyberprivacy import canonical
from cyberprivacy.bundle import datatype
from cyberprivacy.errors import CyberPrivacyError, Misuse, Untrusted
from cyberprivacy.typed_data import Schema
from cyberprivacy.vault import forms
from cyberprivacy.vault.carriage import SignedGrant
from cyberprivacy.vault.client.connection import MAX_ANSWER, Connection, VaultSilent, read
from cyberprivacy.vault.client.person import about, history
from cyberprivacy.vault.consent import text, text_hash
from cyberprivacy.vault.contractwallet import ContractWitness
from cyberprivacy.vault.cosigning import Proof
from cyberprivacy.vault.described import Described, described
from cyberprivacy.vault.grant import Grant, Mode, Party
from cyberprivacy.vault.recipient import ReleasePolicy
from cyberprivacy.vault.scope import MAX_SCOPES, Action, Scope
from cyberprivacy.vault.selector import Selector

LASTS: Final = 7 * 86_400
"""Seconds within which a transfer has to be at its end."""


class NotMoved(Misuse):
    """This cannot be transferred so."""

    code = "my.transfer"
    hint = "`my data` shows what there is; `my transfer FROM TO --dry-run` what would come."


class Signing(Protocol):
    """Whoever signs a grant: the person, and beside them a second key where there is one."""

    def proofs(self, schema: Schema, grant: Grant) -> tuple[Proof, Proof | None]:
        """Both signatures over the grant."""
        ...


@dataclass(frozen=True, slots=True)
class Here:
    """An application as it knows the person."""

    party: Party
    policy: ReleasePolicy
    holder: str


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of a type: `code` says why it stays, "" if it comes."""

    data_type: str
    records: int
    code: str


@dataclass(frozen=True, slots=True)
class Plan:
    """What would come, and what would be signed for it; `grant` is None where nothing would come."""

    fates: tuple[Fate, ...]
    full: str
    grant: Grant | None
    text: str
    holder: str


@dataclass(frozen=True, slots=True)
class Mover:
    """Somebody who is signed in at two vaults with one account (64 hex digits).

    Attributes:
        contracts: says what contract wallets accept, where the account's log has one.
    """

    source: Connection
    recipient: Connection
    account: str
    clock: Callable[[], float] = time.time
    contracts: ContractWitness | None = None

    def plan(self, mode: Mode, *, types: Sequence[str] = (), purpose: str = "") -> Plan:
        """Ask both what would come.

        Args:
            mode: `ONCE` or `MOVE`.
            types: only these; none = all.
            purpose: one that the recipient's policy lists; "" = its only one.

        Raises:
            NotMoved: the source has no such type ("my.transfer"), or too many for one transfer ("my.types"); the
                recipient lists no such purpose ("my.purpose").
        """
        at_source, at_recipient = _here(self.source), _here(self.recipient)
        held = self._held(at_source.party.app, types)
        offered = [{**each, "schema": self._type(each["type"]).schema.hex()} for each in held]
        said = self.recipient.ask("POST", "/udi/v1/transfers:dry", body={"types": offered})
        codes = {each["type"]: str(each["code"]) for each in said["types"]}
        fates = tuple(Fate(each["type"], int(each["records"]), codes[each["type"]]) for each in held)
        coming = [each.data_type for each in fates if not each.code]
        if not coming:
            return Plan(fates, str(said["full"]), None, "", at_source.holder)
        described_types = {name: self._type(name) for name in coming}
        grant = self._grant(at_source.party, at_recipient, mode, described_types, purpose)
        shown = text(grant, at_recipient.policy, described_types, "en")
        grant = replace(grant, text_hash=text_hash(shown))
        return Plan(fates, str(said["full"]), grant, shown, at_source.holder)

    def order(self, plan: Plan, signing: Signing) -> Mapping[str, Any]:
        """Sign what was planned, and order it at the recipient, which pulls it: its report."""
        if plan.grant is None:
            raise NotMoved("nothing of this would come")
        schema = forms.schema(about(self.source).network)
        signed: Any = SignedGrant(plan.grant, *signing.proofs(schema, plan.grant)).as_json()
        body = {"signed": signed, "source": self.source.site.uri, "holder": plan.holder}
        told: Mapping[str, Any] = self.recipient.ask("POST", "/udi/v1/transfers", octets=canonical.encode(body))
        return told

    def _held(self, app: str, types: Sequence[str]) -> list[dict[str, Any]]:
        """Types, records and bytes of one application at the source."""
        apps = self.source.ask("GET", "/udi/v1/data")["apps"]
        held = [dict(kind) for each in apps if each["app"] == app for kind in each["types"]]
        missing = sorted({*types} - {each["type"] for each in held})
        if missing:
            raise NotMoved("nothing is kept there of this type", types=missing)
        chosen = [each for each in held if not types or each["type"] in types]
        if len(chosen) > MAX_SCOPES:
            raise NotMoved(
                "too many types for one transfer",
                code="my.types",
                hint="Choose some with --type, and do it again for the others.",
                most=MAX_SCOPES,
            )
        return chosen

    def _type(self, name: str) -> Described:
        """A type of the source in people's words; its schema is hashed here."""
        shown = self.source.ask("GET", f"/udi/v1/types/{name}")
        found = datatype.parse(name, canonical.encode(shown["schema"]))
        if found.digest.hex() != shown["digest"]:
            raise Untrusted("the source shows another schema than it names", code="my.type", type=name)
        return described(found)

    def _grant(self, source: Party, to: Here, mode: Mode, types: Mapping[str, Described], purpose: str) -> Grant:
        purposes, now = sorted(to.policy.declared.purposes), int(self.clock())
        chosen = purpose or (purposes[0] if len(purposes) == 1 else "")
        if chosen not in purposes:
            raise NotMoved(
                "say for what, in words of the recipient's policy",
                code="my.purpose",
                hint="--purpose, one of: " + "; ".join(purposes),
            )
        return Grant(
            id=secrets.token_bytes(16),
            subject=bytes.fromhex(self.account),
            # The newest event that both know.
            kel_seq=min(len(self._log(vault)) for vault in (self.source, self.recipient)) - 1,
            source=source,
            recipient=to.party,
            scopes=tuple(
                Scope(data_type=name, actions=(Action.READ,), selector=Selector(), schema=types[name].schema)
                for name in sorted(types)
            ),
            purpose=chosen,
            mode=mode,
            max_uses=1,
            not_before=now,
            expires=now + LASTS,
            retention=0,
            onward=0,
            text_hash=bytes(32),
            nonce=secrets.token_bytes(32),
        )

    def _log(self, vault: Connection) -> Sequence[object]:
        return history(vault, self.account, about(vault), self.contracts)


def bring(source: Connection, recipient: Connection, account: str) -> bool:
    """Make an account known where it is not; whether that was needed."""
    try:
        with recipient.stream("GET", f"/udi/v1/accounts/{account}/kel"):
            return False
    except CyberPrivacyError as error:
        if error.code != "account.unknown":
            raise
    with source.stream("GET", f"/udi/v1/accounts/{account}/kel") as answer:
        log = read(answer, MAX_ANSWER)
    recipient.ask("POST", "/udi/v1/accounts:bring", octets=log)
    return True


def _here(vault: Connection) -> Here:
    """The application of a vault, as it knows who is signed in there.

    Raises:
        NotMoved: it is one of several applications, or none ("my.party").
    """
    try:
        said = vault.ask("GET", "/udi/v1/party/mine")
    except CyberPrivacyError as error:
        if error.code == "api.path":
            raise NotMoved("this vault does not transfer", code="my.party", hint="", url=vault.site.uri) from None
        raise
    match said:
        case {
            "app": str(app),
            "cluster": str(cluster),
            "policy": dict(shown),
            "holder": str(holder),
            "account": str(id_),
        }:
            policy = ReleasePolicy.decode(canonical.encode(shown))
            party = Party(app, bytes.fromhex(cluster), policy.digest, bytes.fromhex(id_))
            return Here(party, policy, holder)
    raise VaultSilent("the vault does not say what it is", code="vault.answer")
