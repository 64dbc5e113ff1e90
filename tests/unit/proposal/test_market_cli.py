"""The commands of the market, as people type them, against a real chain: from registration to rent."""

from hashlib import sha256
from typing import Any

import pytest

from cyberprivacy.attest.facts import Questions
from cyberprivacy.attest.onchain import read_facts
from cyberprivacy.cid import DAG_PB, RAW, Cid
from cyberprivacy.cli.trade import rent, units
from cyberprivacy.errors import Misuse
from cyberprivacy.proposal.clusters import join_cluster
from cyberprivacy.proposal.market import DEMO_MARKET

World = Any
LICENCE, PHOTO, CASE = (str(Cid(DAG_PB, sha256(word).digest())) for word in (b"licence", b"photo", b"case"))
NODE_KEY, EVIDENCE = ("0x" + sha256(word).hexdigest() for word in (b"node key", b"evidence"))


def test_a_provider_registers_stakes_and_leaves(typed: Any) -> None:
    who = typed.world.provider
    assert typed("provider", "show", who, code=2)["error"] == "provider.unknown"
    assert typed("provider", "stake", 5, who=who, code=2)["error"] == "law.provider-unknown"
    registered = typed.says("provider", "register", LICENCE, "--uri", "https://p.example", who=who)
    assert "next: `provider stake`" in registered
    assert typed("provider", "show", who)["why"] == "not licensed, too little at stake"
    typed("provider", "license", who, LICENCE, "--days", 30, who=typed.world.founder)
    assert typed("provider", "stake", "2000.5", who=who)["staked"] == "2000.5"
    told = typed("provider", "show", who)
    assert (told["good"], told["staked"], told["document"]) == (True, "2000.5", LICENCE)
    typed("provider", "unbond", 1500, who=who)
    early = typed("provider", "withdraw", who=who, code=3)
    assert (early["error"], "until" in early["facts"]) == ("law.still-liable", True)
    typed.later(DEMO_MARKET.unbonding)
    typed("provider", "withdraw", who=who)
    assert typed("market", "balance", who)["rent"] == "19499.5"
    assert [each["provider"] for each in typed("provider", "list")["providers"]] == [who]
    assert "too little at stake" in typed.says("provider", "list")


def test_only_the_registrar_licenses_and_only_the_court_slashes(typed: Any) -> None:
    typed.good_provider(LICENCE)
    provider, stranger = typed.world.provider, typed.world.members[0]
    refused = typed("provider", "license", provider, LICENCE, "--days", 1, who=stranger, code=2)
    assert refused["error"] == "law.not-registrar"
    taken = ("provider", "slash", provider, 100, "--case", CASE, "--finder", stranger)
    assert typed(*taken, who=stranger, code=2)["error"] == "law.not-court"
    typed(*taken, who=typed.world.founder)
    assert typed(*taken, who=typed.world.founder, code=2)["error"] == "law.already-punished"
    assert typed("provider", "show", provider)["staked"] == "1900"
    typed("provider", "collect", who=stranger)
    assert typed("market", "balance", stranger)["rent"] == "20010"


def test_a_machine_that_nobody_saw_does_not_join_and_one_that_was_seen_does(typed: Any) -> None:
    world, cluster = typed.world, typed.good_provider(LICENCE)
    node, who, clusters = world.auditors[0], world.organisations[0], ("--clusters", world.shared.clusters)
    typed("cluster", "add-node", cluster, node, "--node-key", NODE_KEY, *clusters, who=world.provider)
    told = typed("cluster", "show", cluster)
    assert (told["needs_admission"], told["nodes"][0]["cluster"]) == (True, 0)
    announced = ("cluster", "expansion", "announce", cluster, node, "--node-key", NODE_KEY, "--evidence", EVIDENCE)
    number = typed(*announced, who=world.provider)["expansion"]
    assert (
        typed("cluster", "expansion", "commit", number, who=world.provider, code=3)["error"]
        == "law.expansion-waits"
    )
    typed.later(DEMO_MARKET.waiting)
    refused = typed("cluster", "expansion", "commit", number, who=world.provider, code=1)
    assert refused["error"] == "law.not-vouched"
    visit = typed.good_visit(who, cluster, NODE_KEY, PHOTO)
    typed("validator", "report", number, "--visit", visit, who=who)  # the list of hardware comes from the log
    typed("cluster", "expansion", "commit", number, who=world.provider)
    join_cluster(world.desk(node), world.shared.clusters, cluster)
    shown = typed.says("cluster", "show", cluster)
    assert f"{node}  in service" in shown
    assert typed("cluster", "expansion", "list")["expansions"][0]["admitted"] is True
    assert "admitted" in typed.says("cluster", "expansion", "show", number)
    asked = Questions(bundle=Cid.parse(LICENCE), account=node, measurement=None, height=0)
    facts = read_facts(world.latest, world.dao.governor, asked)  # what `verify` holds a node against
    assert facts.nodes[node].admitted
    typed("cluster", "expansion", "stop", number, who=world.founder)
    facts = read_facts(world.latest, world.dao.governor, asked)
    assert (facts.nodes[node].authorised, facts.nodes[node].admitted) == (True, False)
    assert typed("cluster", "show", cluster)["nodes"][0]["in_service"] is False
    typed("cluster", "remove-node", cluster, node, *clusters, who=world.provider)


def test_a_visit_shows_its_photos_and_counts_until_it_is_challenged(typed: Any) -> None:
    cluster, who, other = typed.good_provider(LICENCE), typed.world.organisations[0], typed.world.members[0]
    visit = typed.good_visit(who, cluster, NODE_KEY, PHOTO)
    (told,) = typed("validator", "visits", "--cluster", cluster)["visits"]
    assert (told["media"], told["hardware"], told["counts"]) == ([PHOTO], [NODE_KEY], True)
    assert typed("validator", "visits", "--cluster", cluster + 1)["visits"] == []
    typed("validator", "challenge", visit, "--reason", CASE, who=other)
    assert "challenged" in typed.says("validator", "visits")
    assert (
        typed("validator", "rule", visit, "maybe", "--case", CASE, who=other, code=2)["error"] == "market.ruling"
    )
    typed("validator", "rule", visit, "upheld", "--case", CASE, who=typed.world.founder)
    told = typed("validator", "show", who)
    assert (told["counts"], told["why"]) == (False, "bond too small")
    assert "bond too small" in typed.says("validator", "list")
    typed("validator", "collect", who=other)
    typed("validator", "retire", who=who)
    assert typed("validator", "withdraw", who=who, code=3)["error"] == "law.still-liable"
    typed.later(DEMO_MARKET.window)
    typed("validator", "withdraw", who=who)
    assert typed("market", "balance", who)["rent"] == "490.25"


def test_photos_are_unixfs_and_anything_else_is_refused_before_it_is_sent(typed: Any) -> None:
    raw = str(Cid(RAW, sha256(b"raw").digest()))
    seen = ("validator", "visit", 1, "--hardware", NODE_KEY, "--media")
    assert typed(*seen, raw, who=typed.world.members[0], code=2)["error"] == "market.document"
    assert typed(*seen, "QmHash", who=typed.world.members[0], code=2)["error"] == "cid.form"


@pytest.mark.parametrize(("text", "exact"), [("1000", 10**21), ("0.5", 5 * 10**17), ("0.000000000000000001", 1)])
def test_amounts_are_exact_in_both_directions(text: str, exact: int) -> None:
    assert (units(text), rent(exact)) == (exact, text)


@pytest.mark.parametrize(
    "text", ["0", "-1", "1e3", "1,000", "01", "1.", ".5", "0.0000000000000000001", "", "\u0661"]
)
def test_what_is_no_amount_is_misuse(text: str) -> None:
    with pytest.raises(Misuse) as refusal:
        units(text)
    assert refusal.value.code == "market.amount"
