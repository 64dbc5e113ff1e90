"""Grants of the tests: a shop, a book of purchases, and whoever allows them something."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256

from people import NOW, SCHEMA, Person, key, secret

from cyberprivacy import wallet
from cyberprivacy.attest.report import Check, Level, Report
from cyberprivacy.vault.account import State
from cyberprivacy.vault.carriage import SignedGrant, SignedRevoke
from cyberprivacy.vault.consent import text, text_hash
from cyberprivacy.vault.cosigning import Proof
from cyberprivacy.vault.described import Described, Field
from cyberprivacy.vault.grant import Grant, Mode, Party, Revoke
from cyberprivacy.vault.granting import Admitted, Place, admit
from cyberprivacy.vault.key import Judge
from cyberprivacy.vault.keylog import replay
from cyberprivacy.vault.recipient import Declared, Presented, ReleasePolicy
from cyberprivacy.vault.scope import Action, Scope
from cyberprivacy.vault.selector import Selector

DAY = 86_400
DAO = "0x" + "11" * 20
ORDER = "org.example.shop.order.v1"
HEALTH = "org.example.care.reading.v1"


def h(name: str, size: int = 32) -> bytes:
    return sha256(name.encode()).digest()[:size]


TYPES = {
    ORDER: Described(
        ORDER,
        h("order schema"),
        {"en": "Orders", "de": "Bestellungen"},
        (Field({"en": "Amount", "de": "Betrag"}), Field({"en": "Item"})),
    ),
    HEALTH: Described(
        HEALTH, h("reading schema"), {"en": "Readings"}, (Field({"en": "Pulse", "de": "Puls"}, sensitive=True),)
    ),
}
PURPOSE = "Show your purchases in one place"
POLICY = ReleasePolicy(
    app="book",
    chain=31337,
    dao=DAO,
    evidence=Level.MEASURED_BOOT,
    measurements=None,
    declared=Declared(frozenset({ORDER, HEALTH}), frozenset({PURPOSE})),
)
REPORT = Report(
    (Check.passed("level", "as asked"),),
    Level.CONFIDENTIAL_VM,
    {"chain": 31337, "dao": DAO, "measurement": "aa" * 32},
)
FOUND = Presented(POLICY, (2).to_bytes(32), POLICY.declared, REPORT)
SHOP = Party("shop", (1).to_bytes(32), h("shop's policy"), h("alice at shop"))
BOOK = Party("book", (2).to_bytes(32), POLICY.digest, h("alice at book"))
PLACE = Place(schema=SCHEMA, judge=Judge(), types=TYPES, trusted=frozenset({key("security app")}))
SCOPE = Scope(
    data_type=ORDER, actions=(Action.READ, Action.SUBSCRIBE), selector=Selector(), schema=TYPES[ORDER].schema
)
COPY = replace(SCOPE, actions=(Action.READ,))


def alice() -> Person:
    return Person("alice").begin("alice", "phone", guarded_by=("g1", "g2"))


def states(person: Person) -> Sequence[State]:
    return replay(person.log, Judge(), SCHEMA)


def grant(person: Person, policy: ReleasePolicy = POLICY, language: str = "en", **fields: object) -> Grant:
    """A standing grant of 30 days; its text is that of its fields unless `text_hash` is given."""
    assert person.state is not None
    made = Grant(
        id=h("grant one", 16),
        subject=person.state.account,
        kel_seq=person.state.seq,
        source=SHOP,
        recipient=BOOK,
        scopes=(SCOPE,),
        purpose=PURPOSE,
        mode=Mode.STANDING,
        max_uses=0,
        not_before=NOW,
        expires=NOW + 30 * DAY,
        retention=90 * DAY,
        onward=0,
        text_hash=bytes(32),
        nonce=h("nonce one"),
    )
    made = replace(made, **fields)  # type: ignore[arg-type]
    return (
        made if "text_hash" in fields else replace(made, text_hash=text_hash(text(made, policy, TYPES, language)))
    )


def proof(digest: bytes, name: str, guardian: bytes | None = None) -> Proof:
    return Proof(key(name), wallet.sign(secret(name), digest), guardian)


def signed(made: Grant, by: str = "alice", cosigner: str | None = "phone") -> SignedGrant:
    digest = made.digest(SCHEMA)
    return SignedGrant(made, proof(digest, by), None if cosigner is None else proof(digest, cosigner))


def signed_revoke(made: Revoke, by: str = "alice") -> SignedRevoke:
    return SignedRevoke(made, proof(made.digest(SCHEMA), by))


@dataclass
class Notes:
    """A place's memory, in memory."""

    nonces: set[tuple[bytes, bytes]] = field(default_factory=set)
    gone: set[tuple[bytes, bytes]] = field(default_factory=set)
    apps: set[tuple[bytes, str]] = field(default_factory=set)

    def nonce_used(self, subject: bytes, nonce: bytes) -> bool:
        return (subject, nonce) in self.nonces

    def revoked(self, subject: bytes, grant: bytes) -> bool:
        return (subject, grant) in self.gone

    def met(self, subject: bytes, app: str) -> bool:
        return (subject, app) in self.apps

    def keep(self, admitted: Admitted) -> None:
        made = admitted.signed.grant
        self.nonces.add((made.subject, made.nonce))
        self.apps.add((made.subject, made.recipient.app))


def take(
    data: bytes,
    person: Person,
    *,
    notes: Notes | None = None,
    found: Presented = FOUND,
    now: float = NOW + 1,
    here: Party = SHOP,
    place: Place = PLACE,
) -> Admitted:
    return admit(data, place, here=here, states=states(person), memory=notes or Notes(), found=found, now=now)
