"""Whether a grant counts: each way to cheat, and the code with which it is refused."""

from dataclasses import replace

import pytest
from grants import (
    BOOK,
    COPY,
    DAY,
    FOUND,
    HEALTH,
    ORDER,
    PLACE,
    POLICY,
    REPORT,
    SCOPE,
    SHOP,
    TYPES,
    Notes,
    alice,
    grant,
    h,
    proof,
    signed,
    signed_revoke,
    states,
    take,
)
from hypothesis import given, settings
from hypothesis import strategies as st
from people import NOW, SCHEMA, Person, key, opening, refusal, secret

from cyberprivacy import wallet
from cyberprivacy.attest.report import Check, Level
from cyberprivacy.vault import forms
from cyberprivacy.vault.account import FROZEN, THAW, YOUNG
from cyberprivacy.vault.grant import Grant, Mode, Revoke
from cyberprivacy.vault.granting import Admitted, Registered, check_still, check_use, risks
from cyberprivacy.vault.keyevent import Kind
from cyberprivacy.vault.recipient import Declared, Presented
from cyberprivacy.vault.revoking import check_revoke
from cyberprivacy.vault.scope import Action
from cyberprivacy.vault.selector import Selector


def test_a_good_grant_counts_at_both_ends() -> None:
    person = alice()
    data = signed(grant(person)).encode()
    assert take(data, person).language == "en"
    assert take(data, person, here=BOOK).digest == grant(person).digest(SCHEMA)


def test_nobody_else_can_make_an_admitted_grant() -> None:
    made = signed(grant(alice()))
    assert refusal(lambda: Admitted(made, bytes(32), NOW, "en", object())) == "seal.forged"


def test_a_grant_is_about_this_place_and_this_account() -> None:
    person, other = alice(), Person("bob").begin("alice", "phone")
    data = signed(grant(person)).encode()
    assert refusal(lambda: take(data, person, here=replace(SHOP, account=h("bob at shop")))) == "grant.place"
    assert refusal(lambda: take(data, other)) == "grant.subject"
    to_itself = grant(person, source=BOOK)
    assert refusal(lambda: take(signed(to_itself).encode(), person, here=BOOK)) == "grant.place"


def test_who_signs_is_a_key_then_and_now() -> None:
    person = alice()
    assert refusal(lambda: take(signed(grant(person), "mallory").encode(), person)) == "account.key"
    before = grant(person)
    person.does(Kind.ADD, key=key("tablet"))
    # A key that came later cannot have signed at event 0, and one that is gone cannot sign for when it was there.
    assert refusal(lambda: take(signed(before, "tablet").encode(), person)) == "account.key"
    person.does(Kind.REMOVE, "alice", key=key("phone"))
    assert refusal(lambda: take(signed(before, "phone", "alice").encode(), person)) == "account.key"
    assert refusal(lambda: take(signed(grant(person, kel_seq=7)).encode(), person)) == "grant.ahead"


def test_a_frozen_account_grants_nothing() -> None:
    person = alice()
    person.does(Kind.FREEZE, "g1", guardian=opening("g1"))
    data = signed(grant(person)).encode()
    assert refusal(lambda: take(data, person)) == "account.frozen"
    assert take(data, person, now=NOW + FROZEN)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda s: s[:-1], "signature.form"),
        (lambda s: s[:64] + b"\0", "signature.v"),
        (lambda s: bytes(32) + s[32:], "signature.range"),
        (
            lambda s: s[:32] + (wallet.ORDER - int.from_bytes(s[32:64])).to_bytes(32) + bytes([55 - s[64]]),
            "signature.high-s",
        ),
        (lambda s: wallet.sign(secret("alice"), bytes(32)), "key.signer"),
    ],
)
@pytest.mark.parametrize("which", ["proof", "cosigned"])
def test_a_bad_signature_is_named(change: object, code: str, which: str) -> None:
    person = alice()
    made = signed(grant(person))
    part = getattr(made, which)
    bad = replace(made, **{which: replace(part, signature=change(part.signature))})  # type: ignore[operator]
    assert refusal(lambda: take(bad.encode(), person)) == code


def test_a_signature_for_another_network_is_none_here() -> None:
    person = alice()
    made = grant(person)
    digest = made.digest(forms.schema("test:other"))
    bad = replace(signed(made), proof=proof(digest, "alice"))
    assert refusal(lambda: take(bad.encode(), person)) == "key.signer"


def test_what_was_signed_cannot_be_widened() -> None:
    person = alice()
    made = signed(grant(person, scopes=(COPY,)))
    wide = grant(person)
    assert refusal(lambda: take(replace(made, grant=wide).encode(), person)) == "key.signer"


def test_a_second_signature_is_of_somebody_else_who_may() -> None:
    person = alice()
    made = grant(person)
    digest = made.digest(SCHEMA)

    def cosigned(by: object) -> str:
        return refusal(lambda: take(replace(signed(made), cosigned=by).encode(), person))  # type: ignore[arg-type]

    assert cosigned(None) == "cosign.missing"
    assert cosigned(proof(digest, "alice")) == "cosign.who"
    assert cosigned(proof(digest, "mallory")) == "cosign.who"
    assert cosigned(proof(digest, "g1")) == "cosign.who"
    assert cosigned(proof(digest, "g1", opening("g1").salt)) == ""
    assert cosigned(proof(digest, "mallory", opening("g1").salt)) == "cosign.who"
    assert cosigned(proof(digest, "security app")) == ""
    person.does(Kind.ADD, key=key("tablet"))
    assert cosigned(proof(digest, "tablet")) == "account.young"


def test_only_what_is_dangerous_needs_two_signatures() -> None:
    person, notes = alice(), Notes()
    notes.keep(take(signed(grant(person)).encode(), person, notes=notes))
    again = grant(person, nonce=h("nonce two"), id=h("grant two", 16))
    assert take(signed(again, cosigner=None).encode(), person, notes=notes)
    dangerous: list[dict[str, object]] = [
        {"mode": Mode.MOVE, "max_uses": 1, "scopes": (COPY,)},
        {"scopes": (replace(SCOPE, actions=(Action.DELETE,)),), "max_uses": 1},
        {"scopes": (replace(SCOPE, data_type=HEALTH, schema=TYPES[HEALTH].schema),)},
    ]
    for fields, risk in zip(dangerous, ("move", "delete", "sensitive"), strict=True):
        made = replace(again, **fields)  # type: ignore[arg-type]
        assert risks(made, TYPES, met=True) == (risk,)
        alone = signed(grant(person, **{**fields, "nonce": h("nonce three")}), cosigner=None).encode()
        assert refusal(lambda alone=alone: take(alone, person, notes=notes)) == "cosign.missing"


def test_a_young_key_neither_moves_nor_lets_delete() -> None:
    person = alice()
    person.does(Kind.ADD, key=key("tablet"))
    move = {"mode": Mode.MOVE, "max_uses": 1, "scopes": (COPY,)}
    data = signed(grant(person, **move), "tablet").encode()
    assert refusal(lambda: take(data, person)) == "account.young"
    assert take(data, person, now=NOW + YOUNG)
    assert take(signed(grant(person), "tablet").encode(), person)


def test_a_grant_has_its_time() -> None:
    person = alice()
    data = signed(grant(person, not_before=NOW + 200)).encode()
    assert refusal(lambda: take(data, person, now=NOW + 79)) == "grant.early"
    assert take(data, person, now=NOW + 80)
    assert refusal(lambda: take(data, person, now=NOW + 30 * DAY)) == "grant.expired"


def test_a_grant_comes_once() -> None:
    person, notes = alice(), Notes()
    data = signed(grant(person)).encode()
    notes.keep(take(data, person, notes=notes))
    assert refusal(lambda: take(data, person, notes=notes)) == "grant.nonce"
    same_id = signed(grant(person, nonce=h("nonce two"))).encode()
    notes.gone.add((grant(person).subject, grant(person).id))
    assert refusal(lambda: take(same_id, person, notes=notes)) == "grant.revoked"


PINNED = replace(POLICY, measurements=frozenset({h("only this")}))


@pytest.mark.parametrize(
    ("policy", "found", "code"),
    [
        (POLICY, replace(FOUND, policy=PINNED), "recipient.policy"),
        (POLICY, replace(FOUND, cluster=h("another")), "recipient.cluster"),
        (POLICY, replace(FOUND, report=None), "recipient.evidence"),
        (
            POLICY,
            replace(FOUND, report=replace(REPORT, checks=(Check.failed("x", "x.y", ""),))),
            "recipient.evidence",
        ),
        (POLICY, replace(FOUND, report=replace(REPORT, level=Level.OPERATOR_TRUSTED)), "recipient.level"),
        (POLICY, replace(FOUND, report=replace(REPORT, facts={**REPORT.facts, "chain": 1})), "recipient.dao"),
        (POLICY, replace(FOUND, report=replace(REPORT, facts={**REPORT.facts, "dao": "0x"})), "recipient.dao"),
        (PINNED, replace(FOUND, policy=PINNED), "recipient.measurement"),
        (replace(POLICY, app="bank"), replace(FOUND, policy=replace(POLICY, app="bank")), "recipient.app"),
        (
            POLICY,
            replace(FOUND, declared=Declared(frozenset({ORDER, "org.x.y.v1"}), frozenset())),
            "recipient.widened",
        ),
        (POLICY, replace(FOUND, declared=Declared(frozenset(), frozenset({"Sell it"}))), "recipient.widened"),
    ],
)
def test_what_is_at_the_other_end_must_be_what_was_agreed(policy: object, found: Presented, code: str) -> None:
    person = alice()
    made = grant(person, policy, recipient=replace(BOOK, policy=policy.digest))  # type: ignore[arg-type, attr-defined]
    assert refusal(lambda: take(signed(made).encode(), person, found=found)) == code
    held = Registered(made, NOW)
    use = {"state": states(person)[-1], "found": found, "now": NOW + 1}
    assert refusal(lambda: check_use(held, Action.READ, ORDER, **use)) == code  # type: ignore[arg-type]


def test_what_nobody_declared_is_not_granted() -> None:
    person = alice()
    invented = grant(person, purpose="Sell it")
    assert refusal(lambda: take(signed(invented).encode(), person)) == "recipient.purpose"
    small = replace(POLICY, declared=Declared(frozenset({HEALTH}), POLICY.declared.purposes))
    made = grant(person, small, recipient=replace(BOOK, policy=small.digest))
    found = Presented(small, FOUND.cluster, small.declared, REPORT)
    assert refusal(lambda: take(signed(made).encode(), person, found=found)) == "recipient.type"


def test_a_text_that_was_not_shown_is_not_agreed_to() -> None:
    person = alice()
    assert (
        refusal(lambda: take(signed(grant(person, text_hash=h("a nicer text"))).encode(), person))
        == "consent.text"
    )
    assert take(signed(grant(person, language="de")).encode(), person).language == "de"


FAULTS = (
    *("grant.size", "grant.form", "grant.place", "grant.subject", "grant.ahead", "account.key", "account.frozen"),
    *("key.signer", "cosign.missing", "grant.early", "grant.nonce", "recipient.cluster", "recipient.purpose"),
    *("consent.text", "grant.revoked"),
)
"""Every step of the specification, by a fault that only this step sees."""


def faulty_grant(person: Person, wrong: frozenset[str]) -> Grant:
    fields: dict[str, object] = {
        "grant.ahead": ("kel_seq", 9),
        "grant.subject": ("subject", h("bob")),
        "grant.early": ("not_before", NOW + DAY),
        "recipient.purpose": ("purpose", "Sell it"),
        "consent.text": ("text_hash", h("a nicer text")),
    }
    return grant(person, **dict(fields[fault] for fault in wrong & fields.keys()))  # type: ignore[misc]


def faulty_bytes(made: Grant, wrong: frozenset[str]) -> bytes:
    by = "mallory" if "account.key" in wrong else "alice"
    sent = signed(made, by, None if "cosign.missing" in wrong else "phone")
    if "key.signer" in wrong:
        sent = replace(sent, proof=proof(bytes(32), by))
    data = sent.encode()
    if "grant.form" in wrong:
        data = data.replace(b'"onward":0', b'"onward":"0"')
    return data + bytes(1 << 16 if "grant.size" in wrong else 0)


@settings(max_examples=100, deadline=None)
@given(st.frozensets(st.sampled_from(FAULTS)))
def test_the_first_fault_in_the_order_of_the_specification_is_named(wrong: frozenset[str]) -> None:
    person, notes = alice(), Notes()
    if "account.frozen" in wrong:
        person.does(Kind.FREEZE)
    made = faulty_grant(person, wrong)
    if "grant.nonce" in wrong:
        notes.nonces.add((made.subject, made.nonce))
    if "grant.revoked" in wrong:
        notes.gone.add((made.subject, made.id))
    found = replace(FOUND, cluster=h("another")) if "recipient.cluster" in wrong else FOUND
    here = replace(BOOK, account=h("another")) if "grant.place" in wrong else BOOK
    code = refusal(lambda: take(faulty_bytes(made, wrong), person, notes=notes, found=found, here=here))
    assert code == next((fault for fault in FAULTS if fault in wrong), "")


def use(
    held: Registered, person: Person, now: float = NOW + 5, action: Action = Action.READ, kind: str = ORDER
) -> str:
    return refusal(lambda: check_use(held, action, kind, state=states(person)[-1], found=FOUND, now=now))


def test_each_use_is_checked_anew() -> None:
    person = alice()
    held = Registered(grant(person, max_uses=2), NOW)
    assert use(held, person) == ""
    assert use(held, person, now=NOW - 1) == "grant.early"
    assert use(held, person, now=NOW + 30 * DAY) == "grant.expired"
    assert use(replace(held, revoked=True), person) == "grant.revoked"
    assert use(replace(held, uses=2), person) == "grant.used"
    # What was begun with the last use goes on, as long as the grant counts.
    check_still(replace(held, uses=2), state=states(person)[-1], found=FOUND, now=NOW)
    assert use(held, person, action=Action.WRITE) == "grant.scope"
    assert use(held, person, kind=HEALTH) == "grant.scope"
    person.does(Kind.FREEZE)
    assert use(held, person) == "account.frozen"
    person.does(Kind.UNFREEZE, later=THAW)
    assert use(held, person, now=person.now) == ""
    person.does(Kind.REVOKE_GRANTS, before=NOW + 1)
    assert use(held, person, now=person.now) == "grant.revoked"
    assert use(replace(held, at=NOW + 1), person, now=person.now) == ""


def test_a_use_says_which_records() -> None:
    person = alice()
    one, two = (replace(SCOPE, selector=Selector.parse(text)) for text in ('state = "paid"', "total = 5"))
    held = Registered(grant(person, scopes=(one, two)), NOW)
    found = check_use(held, Action.READ, ORDER, state=states(person)[-1], found=FOUND, now=NOW)
    assert found == (one, two)


def revocation(made: Grant, **fields: object) -> Revoke:
    said = Revoke(grant=made.id, subject=made.subject, kel_seq=0, at=NOW, erase=0, nonce=h("taking back"))
    return replace(said, **fields)  # type: ignore[arg-type]


def test_any_key_takes_back_even_while_frozen() -> None:
    person, notes = alice(), Notes()
    made = grant(person)
    person.does(Kind.FREEZE)

    def revoke(said: Revoke, by: str = "phone", now: float = NOW) -> str:
        data = signed_revoke(said, by).encode()
        return refusal(lambda: check_revoke(data, PLACE, states=states(person), memory=notes, now=now))

    assert revoke(revocation(made)) == ""
    assert revoke(revocation(made), "mallory") == "account.key"
    assert revoke(revocation(made, subject=h("bob"))) == "grant.subject"
    assert revoke(revocation(made, kel_seq=2)) == "grant.ahead"
    assert revoke(revocation(made), now=NOW + 121) == "grant.clock"
    notes.nonces.add((made.subject, h("taking back")))
    assert revoke(revocation(made)) == "grant.nonce"
    wrong = replace(signed_revoke(revocation(made)), revoke=revocation(made, grant=h("another", 16)))
    code = refusal(lambda: check_revoke(wrong.encode(), PLACE, states=states(person), memory=Notes(), now=NOW))
    assert code == "key.signer"
