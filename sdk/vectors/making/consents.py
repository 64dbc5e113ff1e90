"""Release policies and the texts that people read before they sign."""

import json
from dataclasses import replace

from cyberprivacy.attest.report import Level
from cyberprivacy.vault.consent import text, text_hash
from cyberprivacy.vault.grant import Grant, Mode
from cyberprivacy.vault.recipient import NOBODY, Declared, ReleasePolicy
from cyberprivacy.vault.scope import Action, Scope
from cyberprivacy.vault.selector import Selector
from making.grants import (
    BASE,
    CARE,
    DAY,
    HEALTH,
    ORDER,
    POLICY,
    READ,
    TYPES,
    WIDE,
    h,
    named,
    signed,
    spell,
    values,
)
from making.layout import Case, Group, Json


def policies() -> list[Group]:
    """Release policies."""
    many = frozenset(f"purpose {n:02}" for n in range(64))
    good = {
        "a policy": POLICY,
        "no evidence": replace(POLICY, evidence=None),
        "pinned": replace(POLICY, measurements=frozenset({h("one"), h("two")})),
        "pinned to nothing": replace(POLICY, measurements=frozenset(), declared=Declared(frozenset(), many)),
        "purposes beyond U+FFFF": replace(
            POLICY, declared=Declared(frozenset({ORDER}), frozenset({"\ufb33", "\U0001f600"}))
        ),
        "the largest chain": replace(POLICY, chain=1 << 53, app="eip155:1:0xab", evidence=Level.DEVELOPMENT),
    }
    cases = [
        Case(what, {"document": each.encode().decode()}, {"hash": each.digest.hex()})
        for what, each in good.items()
    ]
    whole = json.loads(POLICY.encode())
    bent: list[Json] = [
        *values("v", 0, 2, True, "1"),
        *values("app", "", "Book", "a b", 1),
        *values("chain", -1, True, "1"),
        *values("dao", "11" * 20, "0x" + "11" * 19, "0X" + "11" * 20),
        *values("evidence", "", "Measured-boot", "hardware", 1),
        *values("measurements", ["00"], ["AB" * 32], ["bb" * 32, "aa" * 32], ["aa" * 32] * 2, {}, ""),
        *values("purposes", ["b", "a"], ["a", "a"], [""], ['"'], None, [f"{n:03}" for n in range(65)]),
        *values("types", ["order"], [ORDER, HEALTH], None),
        {"purposes": ["\U0001f600", "\ufb33"]},
        {"more": 1},
    ]
    for place, change in enumerate(bent):
        document = spell({**whole, **change})
        cases.append(Case(f"policy {place}: {named(change)}", {"document": document}, code="recipient.form"))
    cases.append(Case("a policy with a blank", {"document": spell(whole) + " "}, code="json.form"))
    cases.append(Case("a policy of 17 KiB", {"document": spell("x" * 17_000)}, code="json.form"))
    return [Group("ReleasePolicy", {}, cases)]


def _described() -> Json:
    return {
        name: {
            "schema": each.schema.hex(),
            "titles": dict(each.titles),
            "fields": [{"titles": dict(field.titles), "sensitive": field.sensitive} for field in each.fields],
        }
        for name, each in TYPES.items()
    }


def consents() -> list[Group]:
    """Texts that people read before they sign."""
    bare = Scope(
        data_type="org.example.bare.v1",
        actions=(Action.AGGREGATE,),
        selector=Selector.parse("a = true"),
        schema=h("bare schema"),
    )
    pinned = replace(POLICY, measurements=frozenset({h("one"), h("two")}))
    rows: list[tuple[str, Grant, ReleasePolicy]] = [
        ("standing", BASE, POLICY),
        ("everything", replace(BASE, scopes=(bare, CARE, WIDE), max_uses=7, retention=5), pinned),
        (
            "a copy without evidence",
            replace(BASE, mode=Mode.ONCE, max_uses=1, retention=3_600),
            replace(POLICY, evidence=None),
        ),
        (
            "a move on trust",
            replace(BASE, mode=Mode.MOVE, max_uses=1, retention=0),
            replace(POLICY, evidence=Level.OPERATOR_TRUSTED),
        ),
        (
            "braces in a purpose",
            replace(BASE, purpose="{recipient} {0} %s $1", retention=120),
            replace(POLICY, evidence=Level.DEVELOPMENT),
        ),
        ("nobody's application", BASE, replace(POLICY, dao=NOBODY, evidence=None)),
        ("a day", replace(BASE, retention=DAY), replace(POLICY, evidence=Level.MEASURED_BOOT)),
    ]
    cases = [
        _consent(f"{what}, {language}", grant, policy, language)
        for what, grant, policy in rows
        for language in ("en", "de")
    ]
    strange = replace(READ, data_type="org.example.strange.v1")
    cases += [
        _consent(f"language {language!r}", BASE, POLICY, language, "consent.language")
        for language in ("", "EN", "fr", "en-US", "de-AT", "de ", "__proto__", "constructor")
    ]
    for language in ("en", "de"):
        cases.append(
            _consent(
                f"not declared, {language}",
                replace(BASE, scopes=(READ, strange)),
                POLICY,
                language,
                "consent.type",
            )
        )
        other = replace(BASE, scopes=(replace(READ, schema=h("another")),))
        cases.append(_consent(f"another schema, {language}", other, POLICY, language, "consent.schema"))
    both = replace(BASE, scopes=(replace(READ, schema=h("another")), strange))
    cases.append(_consent("the first scope counts", both, POLICY, "en", "consent.schema"))
    cases.append(_consent("the language comes first", both, POLICY, "fr", "consent.language"))
    return [Group("Consent", {"types": _described()}, cases)]


def _consent(what: str, grant: Grant, policy: ReleasePolicy, language: str, code: str = "") -> Case:
    document = json.loads(signed(grant).encode())["grant"]
    given: Json = {"grant": document, "policy": policy.encode().decode(), "language": language}
    if code:
        return Case(what, given, code=code)
    shown = text(grant, policy, TYPES, language)
    return Case(what, given, {"text": shown, "hash": text_hash(shown).hex()})
