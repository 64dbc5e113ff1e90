"""The object `snp` of a policy file is read strictly, and reaches the verdict."""

import json
from dataclasses import replace
from typing import Any

import pytest

from cyberprivacy.attest.policy import BadPolicy, parse
from cyberprivacy.attest.report import Level
from cyberprivacy.attest.snp.policy import LEAST, SnpPolicy
from cyberprivacy.attest.snp.product import Product, Tcb
from cyberprivacy.attest.snp.report import GuestPolicy, Platform
from cyberprivacy.attest.snp.verifier import measurement
from cyberprivacy.testing.attested import World, chain_facts
from cyberprivacy.testing.snp import MEASUREMENT


def read(**fields: Any) -> SnpPolicy:
    return parse(json.dumps({"v": 1, "snp": fields}).encode()).snp


def test_without_a_word_the_defaults_hold() -> None:
    assert parse(b'{"v":1}').snp == read() == SnpPolicy()
    assert SnpPolicy().products == {Product.GENOA, Product.TURIN}


def test_a_policy_says_what_its_file_says() -> None:
    made = read(
        products=["Milan", "Genoa"],
        least={"Genoa": {"snp": 24, "microcode": 84}},
        smt=False,
        provisional=True,
        platform=["alias-check", "ecc"],
        guest=["page-swap-disabled"],
        vmpl=1,
        chips=["ab" * 64],
        crl=True,
    )
    assert made == SnpPolicy(
        products=frozenset({Product.MILAN, Product.GENOA}),
        least={**LEAST, Product.GENOA: Tcb(snp=24, microcode=84)},
        allow_smt=False,
        allow_provisional=True,
        platform=Platform.ALIAS_CHECK | Platform.ECC,
        guest=GuestPolicy.PAGE_SWAP_DISABLED,
        vmpl=1,
        chips=frozenset({b"\xab" * 64}),
        require_crl=True,
    )


@pytest.mark.parametrize(
    "fields",
    [
        {"extra": 1},
        {"products": ["Venice"]},
        {"products": "Genoa"},
        {"products": [1]},
        {"least": {"Rome": {}}},
        {"least": {"Genoa": {"snp": 256}}},
        {"least": {"Genoa": {"psp": 1}}},
        {"least": {"Genoa": 24}},
        {"least": []},
        {"smt": 1},
        {"crl": None},
        {"platform": ["badram"]},
        {"platform": None},
        {"guest": ["reserved-one"]},
        {"guest": ["debug"]},
        {"vmpl": 4},
        {"vmpl": True},
        {"chips": ["ab" * 8]},
        {"chips": ["AB" * 64]},
        {"chips": "all"},
    ],
    ids=repr,
)
def test_an_snp_policy_of_another_form_is_misuse(fields: dict[str, Any]) -> None:
    with pytest.raises(BadPolicy):
        read(**fields)


@pytest.mark.parametrize("value", [None, [], 1, "safe"], ids=repr)
def test_an_snp_policy_is_an_object(value: object) -> None:
    with pytest.raises(BadPolicy):
        parse(json.dumps({"v": 1, "snp": value}).encode())


def in_an_snp_machine(court: Any) -> World:
    """The world of the other tests, but its node runs on one of fake AMD's chips."""
    world = World.new()
    facts = chain_facts(world.key.id, measurement(MEASUREMENT))
    policy = replace(world.policy, roots={court.amd().fingerprint: Level.DEVELOPMENT})
    return world.bend(attester=court.chip(), facts=facts, policy=policy)


def test_a_whole_proof_with_snp_evidence_is_accepted(court: Any) -> None:
    report = in_an_snp_machine(court).report()
    assert report.failures == ()
    assert report.accepted
    assert report.facts["kind"] == "sev-snp"


def test_the_users_policy_reaches_the_verdict(court: Any) -> None:
    world = in_an_snp_machine(court)
    strict = replace(world.policy, snp=SnpPolicy(allow_smt=False))
    assert [check.code for check in world.bend(policy=strict).report().failures] == ["snp.smt"]


def test_a_whole_proof_under_a_root_that_nobody_named_is_refused(court: Any) -> None:
    world = in_an_snp_machine(court)
    codes = [check.code for check in world.bend(policy=replace(world.policy, roots={})).report().failures]
    assert "evidence.development-root" in codes
