"""The one key of a security application, and what it signs with it: events of accounts that chose it, and grants.

It is the same key for everybody; an account knows it by a salted commitment, so that two accounts with the same
guardian cannot be told from their logs before it steps forward.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256

from cyberprivacy.errors import Untrusted
from cyberprivacy.typed_data import Schema
from cyberprivacy.vault import account, forms
from cyberprivacy.vault.account import Act as Rule
from cyberprivacy.vault.account import State
from cyberprivacy.vault.carriage import SignedGrant
from cyberprivacy.vault.client.connection import Connection
from cyberprivacy.vault.client.person import Person, about, history
from cyberprivacy.vault.cosigning import Proof
from cyberprivacy.vault.grant import Mode
from cyberprivacy.vault.key import DEVICE_TAG, Judge, Key
from cyberprivacy.vault.key import Kind as KeyKind
from cyberprivacy.vault.keyevent import Body, Guardian, Kind, Opening
from cyberprivacy.vault.place import OWNER
from cyberprivacy.vault.security.book import Act, Protected, Request
from cyberprivacy.vault.vaultkey import VaultKey


class NotGuarded(Untrusted):
    """The account does not say that this security application may help."""

    code = "security.not-guardian"
    hint = "Put its card among the account's guardians (`my guardians`); it counts after seven days."


@dataclass(frozen=True, slots=True)
class Guard:
    """The key, and who runs it."""

    secret: VaultKey
    operator: str

    @property
    def key(self) -> Key:
        """Whose signature it makes."""
        return Key.parse(f"{KeyKind.DEVICE.value}:{self.secret.public.hex()}")

    def sign(self, schema: Schema, name: str, value: Mapping[str, object]) -> bytes:
        """A signature over a structure."""
        return self._sign(schema.digest(name, value))

    def card(self, salt: bytes) -> Guardian:
        """What an account holds of it, for a salt of 32 bytes."""
        return Guardian(Opening(self.key, salt).commitment, sha256(self.operator.encode()).digest())

    def check(self, one: Protected, vault: Connection, now: float) -> None:
        """Refuse what would come to nothing: the account must name this guardian.

        Raises:
            NotGuarded: it does not, or not yet.
        """
        self._opening(history(vault, one.account.hex(), about(vault))[-1], one, now)

    def act(self, request: Request, one: Protected, vault: Connection, now: float) -> None:
        """Sign what was asked for and hand it in, unless the account's log says that it was; so twice is once.

        Raises:
            NotGuarded: the account does not name this guardian now.
            CyberPrivacyError: the vault refuses, or does not answer.
        """
        me = Person(vault, self, lambda: now)
        state = me.state(one.account.hex())
        opening = self._opening(state, one, now)
        match request.act:
            case Act.FREEZE:
                if state.frozen is None or state.frozen < request.asked:
                    me.append(one.account.hex(), Kind.FREEZE, lambda _: Body(guardian=opening))
            case Act.RECOVER:
                self._recover(request, state, opening, me)

    def cosign(self, signed: SignedGrant, one: Protected, vault: Connection, now: float) -> Proof:
        """Look at a grant as well: a second signature over what a key of the account has signed.

        Raises:
            NotGuarded: the account does not name this guardian now, or the grant is another account's.
            EventRefused: the first key may not do that ("account.*").
            Untrusted: the first signature is not good ("key.signer", "signature.*", "passkey.*").
        """
        if signed.grant.subject != one.account:
            raise NotGuarded("this grant is of another account", code="security.account")
        place = about(vault)
        state = history(vault, one.account.hex(), place)[-1]
        opening = self._opening(state, one, now)
        digest = signed.grant.digest(forms.schema(place.network))
        account.check(state, signed.proof.key, _rule(signed), now=now)
        Judge(place=place.passkeys(OWNER)).check(signed.proof.key, digest, signed.proof.signature)
        return Proof(self.key, self._sign(digest), opening.salt)

    def _recover(self, request: Request, state: State, opening: Opening, me: Person) -> None:
        key, found, whose = request.key, state.recovery, state.account.hex()
        if key is None or key in state.keys:
            return  # it went through before we wrote that down
        if found is None:
            me.append(whose, Kind.RECOVER, lambda _: Body(key=key, guardian=opening))
        elif found.key != key:
            raise NotGuarded(
                "a recovery for another key is under way", code="security.other-recovery", hint="Cancel it."
            )
        elif opening.commitment not in found.approvals:
            me.append(whose, Kind.APPROVE, lambda _: Body(recovery=found.digest, guardian=opening))

    def _opening(self, state: State, one: Protected, now: float) -> Opening:
        opening = Opening(self.key, one.salt)
        if all(each.commitment != opening.commitment for each in state.helpers(now)):
            raise NotGuarded("the account does not name this guardian, or not yet")
        return opening

    def _sign(self, digest: bytes) -> bytes:
        return self.secret.sign(DEVICE_TAG + digest)


def _rule(signed: SignedGrant) -> Rule:
    return Rule.HEAVY if signed.grant.mode is Mode.MOVE else Rule.GRANT
