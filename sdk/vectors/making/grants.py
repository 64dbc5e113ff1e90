"""Grants and revocations, in the bytes in which they travel."""

import json
from collections.abc import Mapping
from dataclasses import replace
from hashlib import sha256
from typing import Any, Final

from cyberprivacy import canonical
from cyberprivacy.attest.report import Level
from cyberprivacy.vault.carriage import SignedGrant, SignedRevoke
from cyberprivacy.vault.cosigning import Proof
from cyberprivacy.vault.described import Described, Field
from cyberprivacy.vault.grant import Grant, Mode, Party, Revoke
from cyberprivacy.vault.recipient import Declared, ReleasePolicy
from cyberprivacy.vault.scope import Action, Scope
from cyberprivacy.vault.selector import Selector
from making.layout import Case, Group, Json
from making.people import NETWORK, NOW, SCHEMA, key, opening, secret, sign_digest

DAY: Final = 86_400
ORDER: Final = "org.example.shop.order.v1"
HEALTH: Final = "org.example.care.reading.v2"
PURPOSE: Final = "Show your purchases in one place"


def h(name: str, size: int = 32) -> bytes:
    """Bytes made from a name."""
    return sha256(f"udi/1 vectors {name}".encode()).digest()[:size]


TYPES: Final = {
    ORDER: Described(
        ORDER,
        h("order schema"),
        {"en": "Orders", "de": "Bestellungen"},
        (Field({"en": "Amount", "de": "Betrag"}), Field({"en": "Item {type}"})),
    ),
    HEALTH: Described(
        HEALTH,
        h("reading schema"),
        {"en": "Readings"},
        (Field({"en": "Pulse", "de": "Puls"}, sensitive=True),),
    ),
    "org.example.bare.v1": Described("org.example.bare.v1", h("bare schema"), {"en": "Bare"}, ()),
}
POLICY: Final = ReleasePolicy(
    app="book",
    chain=1,
    dao="0x" + "11" * 20,
    evidence=Level.CONFIDENTIAL_VM,
    measurements=None,
    declared=Declared(frozenset({ORDER, HEALTH}), frozenset({PURPOSE})),
)
SHOP: Final = Party("shop", h("cluster one"), h("shop's policy"), h("anna at the shop"))
BOOK: Final = Party("book", h("cluster two"), POLICY.digest, h("anna at the book"))
READ: Final = Scope(data_type=ORDER, actions=(Action.READ,), selector=Selector(), schema=TYPES[ORDER].schema)
WIDE: Final = replace(READ, actions=tuple(Action), selector=Selector.parse('since:5 AND a.b = "x" AND n = -1'))
CARE: Final = Scope(
    data_type=HEALTH, actions=(Action.READ, Action.SUBSCRIBE), selector=Selector(), schema=h("reading schema")
)
BASE: Final = Grant(
    id=h("grant", 16),
    subject=h("account"),
    kel_seq=3,
    source=SHOP,
    recipient=BOOK,
    scopes=(READ,),
    purpose=PURPOSE,
    mode=Mode.STANDING,
    max_uses=0,
    not_before=NOW,
    expires=NOW + 30 * DAY,
    retention=90 * DAY,
    onward=0,
    text_hash=h("text"),
    nonce=h("nonce"),
)
REVOKE: Final = Revoke(grant=BASE.id, subject=BASE.subject, kel_seq=4, at=NOW, erase=1, nonce=h("another nonce"))
GOOD: Final[Mapping[str, Grant]] = {
    "a standing grant": BASE,
    "everything that can be allowed": replace(BASE, scopes=(CARE, WIDE), max_uses=1),
    "one copy": replace(BASE, mode=Mode.ONCE, max_uses=1),
    "a move": replace(BASE, mode=Mode.MOVE, max_uses=1, retention=0),
    "the longest": replace(BASE, expires=NOW + 180 * DAY, max_uses=(1 << 32) - 1, kel_seq=(1 << 32) - 1),
    "the last second": replace(
        BASE, not_before=253_402_300_798, expires=253_402_300_799, retention=100 * 366 * DAY
    ),
    "16 scopes": replace(
        BASE, scopes=tuple(replace(READ, data_type=f"org.example.t{n:02}.v1") for n in range(16))
    ),
    "200 code points of purpose": replace(BASE, purpose="\U0001f600" * 199 + "\u00e9"),
}


def signed(grant: Grant, *, cosigned: str = "", guardian: bool = False) -> SignedGrant:
    """A grant that anna signed, and somebody else, too, if there is a name."""
    digest = grant.digest(SCHEMA)
    proof = Proof(key("anna"), sign_digest("anna", digest))
    if not cosigned:
        return SignedGrant(grant, proof)
    salt = opening(cosigned).salt if guardian else None
    return SignedGrant(grant, proof, Proof(key(cosigned), sign_digest(cosigned, digest), salt))


def _shared() -> Json:
    secrets = {key(name).text: secret(name).hex() for name in ("anna", "gina", "device of anna")}
    return {"network": NETWORK, "secrets": secrets}


def grants() -> list[Group]:
    """Signed grants in the bytes in which they travel."""
    made = {what: signed(grant) for what, grant in GOOD.items()}
    made["cosigned by a device"] = signed(BASE, cosigned="device of anna")
    made["cosigned by a guardian"] = signed(BASE, cosigned="gina", guardian=True)
    good = [
        Case(what, {"document": each.encode().decode()}, {"digest": each.grant.digest(SCHEMA).hex()})
        for what, each in made.items()
    ]
    whole = json.loads(made["cosigned by a guardian"].encode())
    bad = [Case(what, {"document": document}, code=code) for what, code, document in _bent_grants(whole)]
    return [Group("Grant", _shared(), [*good, *bad])]


def spell(value: object) -> str:
    """Canonical JSON as text."""
    return canonical.encode(value).decode()


def _bent_grants(whole: dict[str, Any]) -> list[tuple[str, str, str]]:
    cases = [
        ("too large comes first", "grant.size", "x" * 65_537),
        ("a blank", "json.form", spell(whole).replace(":", ": ", 1)),
        ("a list", "grant.form", spell([whole])),
        ("another type", "grant.form", spell({**whole, "type": "urn:udi:grant:2"})),
        ("something unknown", "grant.form", spell({**whole, "more": 1})),
        ("no proof", "grant.form", spell({name: whole[name] for name in ("type", "grant", "cosigned")})),
        (
            "the grant comes before its proofs",
            "grant.form",
            spell({**whole, "grant": {}, "proof": 1, "cosigned": 1}),
        ),
        ("the proof comes before the other", "proof.form", spell({**whole, "proof": 1, "cosigned": {"key": "x"}})),
    ]
    for place, (code, change) in enumerate(_PROOFS):
        cases.append((f"proof {place}", code, spell({**whole, "proof": {**whole["proof"], **change}})))
    for place, (code, change) in enumerate(_FIELDS):
        cases.append(
            (f"field {place}: {named(change)}", code, spell({**whole, "grant": {**whole["grant"], **change}}))
        )
    for place, (code, change) in enumerate(_SCOPES):
        scope = {**whole["grant"]["scopes"][0], **change}
        cases.append((f"scope {place}: {named(change)}", code, spell(_with_scopes(whole, [scope]))))
    scope = whole["grant"]["scopes"][0]
    lists: list[tuple[str, object]] = [
        ("no scopes", []),
        ("17 scopes", [{**scope, "dataType": f"org.example.t{n:02}.v1"} for n in range(17)]),
        ("scopes out of order", [{**scope, "dataType": "b.c.v1"}, {**scope, "dataType": "a.c.v1"}]),
        ("a scope twice", [scope, scope]),
        ("a scope with other actions twice", [scope, {**scope, "actions": ["write"]}]),
        ("selectors out of order", [{**scope, "selector": "b = 1"}, {**scope, "selector": "a = 1"}]),
        ("scopes that are no list", scope),
    ]
    return [*cases, *((what, "scope.form", spell(_with_scopes(whole, each))) for what, each in lists)]


def values(name: str, *each: object) -> list[Json]:
    """One field with each of these values."""
    return [{name: value} for value in each]


def each(code: str, name: str, *bad: object) -> list[tuple[str, Json]]:
    """One field with each of these values, refused with this code."""
    return [(code, change) for change in values(name, *bad)]


def named(change: Json) -> str:
    """A change in few words."""
    return str(change)[:50]


def _with_scopes(whole: dict[str, Any], scopes: object) -> object:
    return {**whole, "grant": {**whole["grant"], "scopes": scopes}}


_PROOFS: Final[list[tuple[str, Json]]] = [
    ("proof.form", {"signature": ""}),
    ("proof.form", {"signature": "AB"}),
    ("proof.form", {"signature": "00" * 8_193}),
    ("proof.form", {"signature": 1}),
    ("proof.form", {"more": 1}),
    ("proof.form", {"guardian": "00"}),
    ("proof.form", {"guardian": None}),
    ("proof.form", {"key": 1}),
    ("key.form", {"key": "anna", "signature": ""}),
    ("proof.form", {"key": "anna", "guardian": "00"}),
]
_FIELDS: Final[list[tuple[str, Json]]] = [
    *each("grant.form", "id", "00" * 15, "AB" * 16, None),
    *each("grant.form", "subject", "00" * 31, 1),
    *each("grant.form", "kelSeq", -1, 1 << 32, True, "1"),
    *each("grant.form", "maxUses", -1, 1 << 32, False),
    *each("grant.form", "mode", -1, 3, None),
    *each("grant.form", "retention", -1, 100 * 366 * DAY + 1),
    *each("grant.form", "purpose", "", " a", "a ", 'say "a"', "a\nb", "x" * 201, 1),
    *each(
        "grant.form",
        "purpose",
        *(f"a{hidden}b" for hidden in "\u00ad\u200b\u202e\u2066\ufe0f\ufeff\uffff\u3164\U000e0041"),
    ),
    *each("grant.form", "source", {}, "shop", None),
    ("grant.form", {"source": {"app": "Shop", "cluster": "00" * 32, "policy": "00" * 32, "account": "00" * 32}}),
    (
        "grant.form",
        {"source": {"app": "x" * 129, "cluster": "00" * 32, "policy": "00" * 32, "account": "00" * 32}},
    ),
    ("grant.form", {"recipient": {"app": "book", "cluster": "00" * 32, "policy": "00", "account": "00" * 32}}),
    ("grant.form", {"more": 1}),
    *each("grant.form", "textHash", "", "zz" * 32),
    ("grant.form", {"expires": 253_402_300_800}),
    ("grant.form", {"expires": NOW}),
    ("grant.form", {"expires": NOW - 1}),
    ("grant.long", {"expires": NOW + 180 * DAY + 1}),
    ("grant.onward", {"onward": 1}),
    ("grant.onward", {"onward": 1, "expires": NOW}),
    ("grant.form", {"onward": 256}),
    ("grant.form", {"onward": 1, "nonce": "00"}),
    ("grant.form", {"mode": 0}),
    ("grant.form", {"mode": 2, "maxUses": 2}),
    ("grant.long", {"mode": 0, "expires": NOW + 181 * DAY}),
    ("scope.form", {"scopes": [], "purpose": ""}),
    ("grant.form", {"scopes": [], "kelSeq": -1}),
]
_SCOPES: Final[list[tuple[str, Json]]] = [
    *each("scope.form", "actions", [], ["write", "read"], ["read", "read"], ["admin"], ["Read"], "read", [1]),
    *each(
        "scope.form",
        "dataType",
        "",
        "order.v1",
        "a.b",
        "a.b.v0",
        "a.b.v01",
        "A.b.v1",
        "a.b.v10000",
        "a..b.v1",
        "-a.b.v1",
        "a.b.v1\n",
        1,
    ),
    ("scope.form", {"dataType": ".".join("abcdefghi") + ".v1"}),
    ("scope.form", {"dataType": f"{'a' * 63}.{'b' * 63}.v1"}),
    *each("scope.form", "schema", "", "00" * 31),
    ("scope.form", {"more": 1}),
    ("scope.form", {"schema": "", "selector": "x"}),
    *each("selector.form", "selector", "", "ALL", None, 1),
    ("grant.form", {"actions": ["delete"]}),
]


def revokes() -> list[Group]:
    """Signed revocations."""
    others = {
        "taken back, and erased": REVOKE,
        "taken back": replace(REVOKE, erase=0),
        "the first second": replace(REVOKE, at=1, kel_seq=0),
        "the last second of all": replace(REVOKE, at=253_402_300_799),
    }
    good = []
    for what, each in others.items():
        proof = Proof(key("anna"), sign_digest("anna", each.digest(SCHEMA)))
        document = SignedRevoke(each, proof).encode()
        good.append(Case(what, {"document": document.decode()}, {"digest": each.digest(SCHEMA).hex()}))
    whole = json.loads(document)
    bent: list[Json] = [
        *values("grant", "00" * 15, "00" * 32),
        *values("at", 0, -1, 253_402_300_800, True),
        *values("erase", 2, -1, True),
        *values("kelSeq", -1, 1 << 32),
        {"nonce": ""},
        {"more": 1},
    ]
    bad = [
        Case(
            f"revocation {place}: {named(change)}",
            {"document": spell({**whole, "revoke": {**whole["revoke"], **change}})},
            code="grant.form",
        )
        for place, change in enumerate(bent)
    ]
    bad.append(Case("cosigned", {"document": spell({**whole, "cosigned": whole["proof"]})}, code="grant.form"))
    bad.append(Case("a grant", {"document": signed(BASE).encode().decode()}, code="grant.form"))
    bad.append(Case("too large a revocation", {"document": " " * 65_537}, code="grant.size"))
    return [Group("Revoke", _shared(), [*good, *bad])]
