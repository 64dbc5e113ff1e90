"""Whether a grant counts: each check in its order, from the cheapest that a stranger can fail to the dearest.

Two moments: `admit` when a person hands a grant in, `check_use` each time somebody wants to use it. All is pure:
what the place remembers comes through `Memory`, time and evidence come as values. Source: docs/spec/udi-1.md,
"Checks".
"""

from collections.abc import Mapping, Sequence
from dataclasses import InitVar, dataclass
from typing import Final, Protocol

from cyberprivacy.errors import TryLater, Untrusted
from cyberprivacy.seal import Seal
from cyberprivacy.typed_data import Schema
from cyberprivacy.vault import account, consent
from cyberprivacy.vault.account import Act, EventRefused, State
from cyberprivacy.vault.carriage import SignedGrant, SignedRevoke
from cyberprivacy.vault.cosigning import check_cosigned
from cyberprivacy.vault.described import Described
from cyberprivacy.vault.grant import Grant, Mode, Party
from cyberprivacy.vault.key import Judge, Key
from cyberprivacy.vault.keylog import SKEW
from cyberprivacy.vault.recipient import Presented, check_party, check_wanted
from cyberprivacy.vault.scope import Action, Scope

SEAL: Final = Seal("granting")


class GrantRefused(Untrusted):
    """A grant does not count, or not for this."""

    code = "grant.refused"
    hint = "Ask the person for a new grant."


class Behind(TryLater):
    """The signer knows of key events that this place has not seen."""

    code = "grant.ahead"
    hint = "Bring the account's newer key events first."


class Memory(Protocol):
    """What a place remembers of grants."""

    def nonce_used(self, subject: bytes, nonce: bytes) -> bool:
        """Whether this account's nonce came with a grant or a revocation before."""
        ...

    def revoked(self, subject: bytes, grant: bytes) -> bool:
        """Whether this grant was taken back, or came before."""
        ...

    def met(self, subject: bytes, app: str) -> bool:
        """Whether the account has granted something to this application before."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where grants are checked.

    Attributes:
        schema: the types in the domain of this network.
        judge: which kinds of keys are enabled.
        types: what is declared here, by name.
        trusted: keys of the security applications whose co-signature counts here.
    """

    schema: Schema
    judge: Judge
    types: Mapping[str, Described]
    trusted: frozenset[Key] = frozenset()


@dataclass(frozen=True, slots=True)
class Admitted:
    """A grant that passed every check. Made only by `admit`.

    Attributes:
        digest: of the grant, 32 bytes.
        at: when it was admitted, POSIX seconds.
        language: of the text that the person read.
    """

    signed: SignedGrant
    digest: bytes
    at: int
    language: str
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        SEAL.check(seal)


@dataclass(frozen=True, slots=True)
class Registered:
    """A grant as a place keeps it.

    Attributes:
        at: when it was admitted, POSIX seconds.
        uses: how often it was used.
        revoked: whether it was taken back by a `Revoke`.
    """

    grant: Grant
    at: int
    uses: int = 0
    revoked: bool = False


def admit(
    data: bytes,
    place: Place,
    *,
    here: Party,
    states: Sequence[State],
    memory: Memory,
    found: Presented,
    now: float,
) -> Admitted:
    """Take a grant in, or say why not.

    Args:
        data: the signed grant as it came.
        place: where this is.
        here: this application as the account knows it; it must be the grant's source or its recipient.
        states: the account after each of its events, first to last, as `keylog.replay` gives them.
        memory: what this place remembers.
        found: what is at the recipient.
        now: POSIX seconds.

    Raises:
        Untrusted: the first check that fails, in this order: size ("grant.size"), form ("json.form", "grant.*",
            "scope.form", "selector.form", "proof.form"), place ("grant.place", "grant.subject"), signer
            ("account.key", "account.frozen", "account.young"), signature ("signature.*", "key.signer",
            "passkey.*"), co-signature ("cosign.*"), time ("grant.early", "grant.expired"), nonce ("grant.nonce"),
            recipient ("recipient.*"), text ("consent.*"), status ("grant.revoked").
        TryLater: this place does not know the signer's key events yet ("grant.ahead"), or no chain answers.
    """
    signed = SignedGrant.decode(data)
    grant = signed.grant
    digest = check_signed(signed, place, here=here, states=states, memory=memory, now=now)
    check_party(grant.recipient, found)
    check_wanted(found.policy, grant.purpose, {each.data_type for each in grant.scopes})
    language = consent.check_text(grant, found.policy, place.types)
    if memory.revoked(grant.subject, grant.id):
        raise GrantRefused("a grant of this id came before, or was taken back", code="grant.revoked")
    return Admitted(signed, digest, int(now), language, SEAL)


def check_signed(
    signed: SignedGrant, place: Place, *, here: Party, states: Sequence[State], memory: Memory, now: float
) -> bytes:
    """The first half of `admit`, for which nobody else has to be asked: who signed, and when; the digest.

    Raises:
        CyberPrivacyError: as `admit`, from place to nonce.
    """
    grant = signed.grant
    if here not in (grant.source, grant.recipient) or grant.source == grant.recipient:
        raise GrantRefused("this grant is about another place or account", code="grant.place")
    state = _signer(grant.subject, grant.kel_seq, signed.proof.key, states)
    digest = grant.digest(place.schema)
    account.check(state, signed.proof.key, Act.HEAVY if _irrevocable(grant) else Act.GRANT, now=now)
    place.judge.check(signed.proof.key, digest, signed.proof.signature)
    if risks(grant, place.types, met=memory.met(grant.subject, grant.recipient.app)):
        check_cosigned(
            *(state, signed.proof.key, digest, signed.cosigned), judge=place.judge, trusted=place.trusted, now=now
        )
    _in_time(grant, now, SKEW)
    if memory.nonce_used(grant.subject, grant.nonce):
        raise GrantRefused("this grant, or its nonce, came before", code="grant.nonce")
    return digest


def risks(grant: Grant, types: Mapping[str, Described], *, met: bool) -> tuple[str, ...]:
    """Why a grant needs a second signature; () = it does not.

    Args:
        grant: what is asked for.
        types: what is declared, by name.
        met: whether the account has granted something to this recipient before.
    """
    found = {
        "move": grant.mode is Mode.MOVE,
        "delete": grant.allows(Action.DELETE),
        "sensitive": any(types[each.data_type].sensitive for each in grant.scopes if each.data_type in types),
        "first": not met,
    }
    return tuple(name for name, there in found.items() if there)


def check_use(
    held: Registered, action: Action, data_type: str, *, state: State, found: Presented, now: float
) -> tuple[Scope, ...]:
    """The scopes under which this may be done now; a record must match the selector of one of them.

    Args:
        held: the grant.
        action: what is to be done.
        data_type: with which records.
        state: the account now.
        found: what is at the recipient now.
        now: POSIX seconds.

    Raises:
        Untrusted: it does not count any more (see `check_still`), has no uses left ("grant.used"), or does
            not allow this ("grant.scope").
    """
    check_still(held, state=state, found=found, now=now)
    if held.grant.max_uses and held.uses >= held.grant.max_uses:
        raise GrantRefused("it was used as often as it may be", code="grant.used", uses=held.uses)
    scopes = tuple(each for each in held.grant.scopes if each.data_type == data_type and action in each.actions)
    if not scopes:
        raise GrantRefused(
            "the grant does not allow this", code="grant.scope", type=data_type, action=action.value
        )
    return scopes


def check_still(held: Registered, *, state: State, found: Presented, now: float) -> None:
    """Refuse to go on with what was begun under a grant, unless it still counts.

    Args:
        held: the grant.
        state: the account now.
        found: what is at the recipient now.
        now: POSIX seconds.

    Raises:
        Untrusted: the first that fails: time ("grant.early", "grant.expired"), status ("grant.revoked",
            "account.frozen"), recipient ("recipient.*").
    """
    _in_time(held.grant, now, 0)
    if held.revoked or held.at < state.revoked_before:
        raise GrantRefused("the person has taken this back", code="grant.revoked")
    if state.is_frozen(now):
        raise EventRefused("the account is frozen", code="account.frozen", since=state.frozen)
    check_party(held.grant.recipient, found)


def check_revoke(
    data: bytes, place: Place, *, states: Sequence[State], memory: Memory, now: float
) -> SignedRevoke:
    """Take a revocation in, or say why not. A frozen account can still take back.

    Args:
        data: the signed revocation as it came.
        place: where this is.
        states: the account after each of its events, first to last.
        memory: what this place remembers.
        now: POSIX seconds.

    Raises:
        Untrusted: the first check that fails: size, form, subject ("grant.subject"), signer ("account.key"),
            signature, time ("grant.clock"), nonce ("grant.nonce").
        TryLater: "grant.ahead", or the chain is out of reach.
    """
    signed = SignedRevoke.decode(data)
    said = signed.revoke
    _signer(said.subject, said.kel_seq, signed.proof.key, states)
    place.judge.check(signed.proof.key, said.digest(place.schema), signed.proof.signature)
    if abs(said.at - now) > SKEW:
        raise GrantRefused("the revocation is not of this time", code="grant.clock", at=said.at, now=int(now))
    if memory.nonce_used(said.subject, said.nonce):
        raise GrantRefused("this nonce came before", code="grant.nonce")
    return signed


def _signer(subject: bytes, seq: int, key: Key, states: Sequence[State]) -> State:
    """The account now, if the key spoke for it at an event and still does.

    A key that was removed must not sign for the time when it was not; one that came later cannot have signed.
    """
    if subject != states[0].account:
        raise GrantRefused("it speaks of another account", code="grant.subject", subject=subject.hex())
    if seq >= len(states):
        raise Behind("signed after key events that are not known here", seq=seq, known=len(states) - 1)
    if key not in states[seq].keys:
        raise EventRefused("not a key of this account then", code="account.key", key=key.text, seq=seq)
    if key not in states[-1].keys:
        raise EventRefused("no longer a key of this account", code="account.key", key=key.text)
    return states[-1]


def _irrevocable(grant: Grant) -> bool:
    return grant.mode is Mode.MOVE or grant.allows(Action.DELETE)


def _in_time(grant: Grant, now: float, skew: int) -> None:
    if now + skew < grant.not_before:
        raise GrantRefused("the grant does not count yet", code="grant.early", from_=grant.not_before)
    if now >= grant.expires:
        raise GrantRefused("the grant has ended", code="grant.expired", until=grant.expires)
