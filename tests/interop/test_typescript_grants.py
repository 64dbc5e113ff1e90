"""Grants, selectors, release policies and consent texts: the TypeScript SDK reads and writes them as we do."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import consents, grants, selectors
from sdk import BYTES, TypeScript, agree, bent

from cyberprivacy import canonical

pytestmark = pytest.mark.interop


@given(which=st.integers(0, 1_000), how=BYTES)
def test_both_read_bent_selectors_alike(theirs: TypeScript, which: int, how: list[int]) -> None:
    texts = selectors.TEXTS
    text = bent(texts[which % len(texts)].encode(), how, b'0a." =AND:-\\\xc3\n').decode(errors="replace")
    agree(theirs, "Selector", {}, {"selector": text})


@given(
    which=st.integers(0, 1_000), place=st.integers(0, 1_000), value=st.integers(0, 1_000), how=st.none() | BYTES
)
def test_both_read_bent_grants_alike(
    theirs: TypeScript, which: int, place: int, value: int, how: list[int] | None
) -> None:
    made = json.loads(
        grants.signed(
            list(grants.GOOD.values())[which % len(grants.GOOD)], cosigned="gina", guardian=True
        ).encode()
    )
    inside = (
        made,
        made["grant"],
        made["grant"]["source"],
        made["grant"]["scopes"][0],
        made["proof"],
        made["cosigned"],
    )
    chosen = inside[place % len(inside)]
    name = sorted(chosen)[place // 7 % len(chosen)]
    others: list[object] = [
        None,
        True,
        0,
        1,
        2,
        -1,
        1 << 32,
        253_402_300_800,
        "",
        "x",
        "00" * 16,
        "00" * 32,
        [],
        {},
        chosen[name],
    ]
    chosen[name] = others[value % len(others)]
    text = canonical.encode(made) if how is None else bent(canonical.encode(made), how, b'0a:"{}[],')
    agree(theirs, "Grant", {"network": "vectors:1"}, {"document": text.decode(errors="replace")})


@given(place=st.integers(0, 1_000), value=st.integers(0, 1_000), how=st.none() | BYTES)
def test_both_read_bent_release_policies_alike(
    theirs: TypeScript, place: int, value: int, how: list[int] | None
) -> None:
    made = json.loads(grants.POLICY.encode())
    name = sorted(made)[place % len(made)]
    others: list[object] = [
        None,
        True,
        0,
        1,
        2,
        -1,
        "",
        "x",
        "measured-boot",
        [],
        ["x"],
        ["\ufb33", "\U0001f600"],
        {},
        1 << 53,
    ]
    made[name] = others[value % len(others)]
    text = canonical.encode(made) if how is None else bent(canonical.encode(made), how, b'0a:"{}[],')
    agree(theirs, "ReleasePolicy", {}, {"document": text.decode(errors="replace")})


GROUP = consents.consents()[0]


@given(
    which=st.integers(0, 3),
    mode=st.integers(0, 2),
    uses=st.integers(0, 3),
    time=st.integers(0, 253_402_300_798),
    retention=st.integers(0, 9_000_000),
)
def test_both_show_the_same_consent_text(
    theirs: TypeScript, which: int, mode: int, uses: int, time: int, retention: int
) -> None:
    case = GROUP.cases[which]
    said = case.given["grant"]
    assert isinstance(said, dict)
    changed = {"mode": mode, "maxUses": uses, "notBefore": time, "expires": time + 1, "retention": retention}
    agree(theirs, "Consent", GROUP.shared, {**case.given, "grant": {**said, **changed}})
