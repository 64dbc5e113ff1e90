"""Grants as forms: one spelling, no field that means nothing, a text that says all of it."""

from dataclasses import replace
from hashlib import sha256

import pytest
from grants import COPY, HEALTH, ORDER, POLICY, PURPOSE, SCOPE, TYPES, alice, grant, h, signed, signed_revoke
from hypothesis import given
from hypothesis import strategies as st
from people import NOW, SCHEMA, refusal

from cyberprivacy import canonical
from cyberprivacy.attest.report import Level
from cyberprivacy.vault.carriage import LIMIT, SignedGrant, SignedRevoke
from cyberprivacy.vault.consent import check_text, text
from cyberprivacy.vault.consent_words import LANGUAGES
from cyberprivacy.vault.grant import LONGEST, Mode, Revoke
from cyberprivacy.vault.recipient import ReleasePolicy
from cyberprivacy.vault.scope import Action
from cyberprivacy.vault.selector import Selector
from cyberprivacy.vault.wording import plain

JSON = signed(grant(alice())).as_json()


def refused(**change: object) -> str:
    said = {**JSON["grant"], **change}  # type: ignore[dict-item]
    return refusal(lambda: SignedGrant.decode(canonical.encode({**JSON, "grant": said})))


def test_a_grant_travels_and_reads_back() -> None:
    made = signed(grant(alice()))
    assert SignedGrant.decode(made.encode()) == made
    assert SignedGrant.decode(made.encode()).grant.digest(SCHEMA) == made.grant.digest(SCHEMA)
    alone = replace(made, cosigned=None)
    assert SignedGrant.decode(alone.encode()) == alone


def test_the_type_is_spelled_as_the_specification_has_it() -> None:
    assert SCHEMA.encode_type("Grant") == (
        "Grant(bytes16 id,bytes32 subject,uint64 kelSeq,Party source,Party recipient,Scope[] scopes,string purpose,"
        "uint8 mode,uint32 maxUses,uint64 notBefore,uint64 expires,uint64 retention,uint8 onward,bytes32 textHash,"
        "bytes32 nonce)Party(string app,bytes32 cluster,bytes32 policy,bytes32 account)"
        "Scope(string dataType,string[] actions,string selector,bytes32 schema)"
    )


@pytest.mark.parametrize(
    "change",
    [
        *({"id": "00"}, {"kelSeq": -1}, {"kelSeq": True}, {"subject": h("x").hex().upper()}, {"more": 0}),
        *({"mode": 3}, {"mode": 0}, {"mode": 2}, {"maxUses": 1 << 32}, {"notBefore": NOW + 31 * 86_400}),
        *({"purpose": ""}, {"purpose": " x"}, {"purpose": "x" * 201}, {"purpose": 'x". Allowed: nothing'}),
        *({"purpose": "a\nb"}, {"purpose": "a\u202eb"}, {"purpose": "a\u200bb"}, {"expires": 253_402_300_800}),
        *({"source": {}}, {"recipient": None}, {"retention": 1 << 40}, {"textHash": ""}, {"nonce": "00" * 31}),
    ],
)
def test_another_form_is_refused(change: dict[str, object]) -> None:
    assert refused(**change) == "grant.form"


def test_each_missing_field_is_refused() -> None:
    for name in JSON["grant"]:  # type: ignore[attr-defined]
        said = {other: value for other, value in JSON["grant"].items() if other != name}  # type: ignore[attr-defined]
        assert (
            refusal(lambda said=said: SignedGrant.decode(canonical.encode({**JSON, "grant": said})))
            == "grant.form"
        )


def test_limits_have_their_own_codes() -> None:
    assert refused(onward=1) == "grant.onward"
    assert refused(expires=NOW + LONGEST) == ""
    assert refused(expires=NOW + LONGEST + 1) == "grant.long"
    assert refusal(lambda: SignedGrant.decode(b" " * (LIMIT + 1))) == "grant.size"
    assert refusal(lambda: SignedGrant.decode(b" " + signed(grant(alice())).encode())) == "json.form"
    for change in ({"type": "urn:udi:grant:2"}, {"more": 1}, {"cosigned": 1}, {"proof": {}}):
        code = refusal(lambda change=change: SignedGrant.decode(canonical.encode({**JSON, **change})))
        assert code in {"grant.form", "proof.form"}


def test_deleting_is_counted() -> None:
    delete = replace(SCOPE, actions=(Action.DELETE,)).as_json()
    assert refused(scopes=[delete], maxUses=0) == "grant.form"
    assert refused(scopes=[delete], maxUses=5) == ""


def test_a_revocation_travels_and_reads_back() -> None:
    made = signed_revoke(
        Revoke(grant=h("g", 16), subject=h("s"), kel_seq=0, at=NOW, erase=1, nonce=h("revoke nonce"))
    )
    assert SignedRevoke.decode(made.encode()) == made
    assert refusal(lambda: SignedGrant.decode(made.encode())) == "grant.form"
    wrong = made.encode().replace(b'"erase":1', b'"erase":2')
    assert refusal(lambda: SignedRevoke.decode(wrong)) == "grant.form"


ENGLISH = """\
You allow "book" to use records about you that are kept at "shop".
"book" is the application of DAO 0x1111111111111111111111111111111111111111 on chain 31337, in cluster 2.

Records: Readings (org.example.care.reading.v1).
They contain: Pulse (sensitive).
Allowed: count and sum, create and change.
Only records with: last change at or after 2027-01-15 08:00:00 UTC; place.country = "DE"; ward = 4.

Records: Orders (org.example.shop.order.v1).
They contain: Amount, Item.
Allowed: read, be told of changes.

Purpose, in the words of "book": "Show your purchases in one place".
How: again and again, without asking you each time.
When: from 2027-01-15 08:00:00 UTC until 2027-02-14 08:00:00 UTC. You can take this back at any time.
How often: at most 7.
"book" may keep what it gets for 25 hours.
"book" may not hand it on.
Proof asked of "book": a TPM vouches for what was started, each time.
"""
GERMAN = """\
Sie erlauben "book", Daten über Sie zu nutzen, die bei "shop" liegen.
"book" ist die Anwendung der DAO 0x1111111111111111111111111111111111111111 auf Chain 31337, in Cluster 2.

Daten: Bestellungen (org.example.shop.order.v1).
Sie enthalten: Betrag, Item.
Erlaubt: lesen.

Zweck, in den Worten von "book": "Show your purchases in one place".
Wie: die Daten ziehen um. "shop" löscht sie 72 Stunden nachdem "book" alle hat.
Wann: von 2027-01-15 08:00:00 UTC bis 2027-02-14 08:00:00 UTC. Sie können das jederzeit widerrufen.
Wie oft: höchstens 1.
"book" darf behalten, was es bekommt, bis Sie das Löschen verlangen.
"book" darf nichts weitergeben.
Nichts beweist, welche Software bei "book" läuft.
"""


def test_what_people_read_in_english() -> None:
    care = replace(
        SCOPE,
        data_type=HEALTH,
        actions=(Action.AGGREGATE, Action.WRITE),
        selector=Selector.parse(f'since:{NOW} AND place.country = "DE" AND ward = 4'),
        schema=TYPES[HEALTH].schema,
    )
    made = grant(alice(), scopes=(care, SCOPE), max_uses=7, retention=25 * 3600)
    assert text(made, POLICY, TYPES, "en") == ENGLISH
    assert made.text_hash == sha256(ENGLISH.encode()).digest()
    assert check_text(made, POLICY, TYPES) == "en"


def test_what_people_read_in_german() -> None:
    anything = replace(POLICY, evidence=None)
    made = grant(alice(), anything, "de", scopes=(COPY,), mode=Mode.MOVE, max_uses=1, retention=0)
    assert text(made, anything, TYPES, "de") == GERMAN
    assert check_text(made, anything, TYPES) == "de"


def test_every_phrase_stands_in_the_specification(request: pytest.FixtureRequest) -> None:
    spec = (request.config.rootpath / "docs/spec/udi-1.md").read_text()
    rows = {cell.strip() for line in spec.splitlines() if line.startswith("|") for cell in line.split("|")}
    for words in LANGUAGES.values():
        phrases = [getattr(words, name) for name in words.__slots__]
        for phrase in phrases:
            parts = [phrase] if isinstance(phrase, str) else list(getattr(phrase, "values", lambda p=phrase: p)())
            assert {part if isinstance(part, str) else " / ".join(part) for part in parts} <= rows


CHANGES = st.sampled_from(
    [
        *({"purpose": "Something else"}, {"mode": Mode.ONCE, "max_uses": 1, "scopes": (COPY,)}, {"max_uses": 3}),
        *({"not_before": NOW + 1}, {"expires": NOW + 1}, {"retention": 1}, {"retention": 0}),
        *({"scopes": (COPY,)}, {"scopes": (replace(SCOPE, selector=Selector(1)),)}),
    ]
)


@given(CHANGES)
def test_whatever_changes_the_meaning_changes_the_text(change: dict[str, object]) -> None:
    made = grant(alice())
    changed = replace(made, **change)  # type: ignore[arg-type]
    for language in LANGUAGES:
        assert text(changed, POLICY, TYPES, language) != text(made, POLICY, TYPES, language)
    assert refusal(lambda: check_text(changed, POLICY, TYPES)) == "consent.text"


def test_a_text_is_made_for_declared_types_only() -> None:
    made = grant(alice())
    assert refusal(lambda: text(made, POLICY, {}, "en")) == "consent.type"
    other = {ORDER: replace(TYPES[ORDER], schema=h("newer"))}
    assert refusal(lambda: text(made, POLICY, other, "en")) == "consent.schema"
    assert refusal(lambda: text(made, POLICY, TYPES, "xx")) == "consent.language"


def test_a_policy_reads_back_and_has_one_spelling() -> None:
    pinned = replace(POLICY, measurements=frozenset({h("m1"), h("m2")}), evidence=Level.CONFIDENTIAL_VM)
    for policy in (POLICY, pinned, replace(POLICY, evidence=None)):
        assert ReleasePolicy.decode(policy.encode()) == policy
    said = canonical.decode(pinned.encode())
    assert isinstance(said, dict)
    for change in (
        {"measurements": said["measurements"][::-1]},
        {"purposes": [PURPOSE, PURPOSE]},
        {"purposes": ["a\u202eb"]},
        {"evidence": "some"},
        {"types": ["order"]},
        {"v": 2},
        {"app": "Book"},
        {"dao": "0x11"},
    ):
        assert refusal(lambda change=change: ReleasePolicy.decode(canonical.encode({**said, **change}))) == (
            "recipient.form"
        )


@pytest.mark.parametrize(
    "bad", ["", " a", "a ", "a\tb", "a\x7f", "a\xad", "a\u2066b", "a\ufeff", "\U000e0041", 'a"', None]
)
def test_text_that_hides_something_is_not_shown(bad: object) -> None:
    assert not plain(bad, 10)
    assert plain("Käse für 5 €", 12)
    assert not plain("Käse für 5 €", 11)
