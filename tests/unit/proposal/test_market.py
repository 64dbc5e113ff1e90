"""The market's contracts, as Python deploys, reads and acts on them: stake, heads, visits, machines, rent."""

from hashlib import sha256

import pytest

from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.ledger.merkle import leaf_hash, node_hash
from cyberprivacy.proposal import expansions, orders, providers, validators
from cyberprivacy.proposal.calls import Call, carry_out, numbered
from cyberprivacy.proposal.clusters import add_node, register_cluster, require_admission, set_head_key
from cyberprivacy.proposal.heads import Head, anchor_head, anchored, sign_head
from cyberprivacy.proposal.market import DEMO_MARKET, TOKEN, Market, adopt, deploy_market, market_at
from cyberprivacy.proposal.release import Address, FinalBlock
from cyberprivacy.proposal.sending import Receipt
from cyberprivacy.proposal.signing import LocalKey

HEADS = LocalKey(sha256(b"heads").digest())
CASE, MEDIA = sha256(b"case").digest(), Cid(DAG_PB, sha256(b"photo").digest())
MACHINE, NODE_KEY = (sha256(word).digest() for word in (b"machine", b"node key"))
LEAVES = [leaf_hash(word) for word in (b"one", b"two")]


class Place:
    """A market on a chain: a court (who registers and rules), a provider in good standing, its cluster."""

    def __init__(self, world) -> None:
        self.world, shared = world, world.shared
        self.court, self.provider, self.payer = world.founder, world.provider, world.members[0]
        holders = [(who, 10_000 * TOKEN) for who in (self.provider, self.payer, *world.organisations)]
        self.market: Market = deploy_market(
            world.desk(self.court),
            clusters=shared.clusters,
            court=self.court,
            registrar=self.court,
            holders=holders,
            rules=DEMO_MARKET,
        )
        self.does(self.court, adopt(self.market))
        self.does(self.provider, providers.register(self.market.providers, document=CASE, uri="https://p.example"))
        licence = providers.license_(self.market.providers, self.provider, document=CASE, until=self.now + 10_000)
        self.does(self.court, licence)
        self.does(self.provider, providers.stake(self.market.providers, self.market.token, 2_000 * TOKEN))
        desk = world.desk(self.provider)
        self.cluster = register_cluster(desk, shared.clusters, uri="https://p.example")
        set_head_key(desk, shared.clusters, self.cluster, key=HEADS.address)
        self.does(self.provider, require_admission(shared.clusters, self.cluster))

    @property
    def now(self) -> int:
        return int(self.world.now)

    @property
    def at(self) -> FinalBlock:
        return self.world.latest.block()

    def does(self, who: Address, calls: tuple[Call, ...]) -> Receipt:
        return carry_out(self.world.desk(who), calls)

    def refused(self, who: Address, calls: tuple[Call, ...]) -> str:
        with pytest.raises(CyberPrivacyError) as refusal:
            self.does(who, calls)
        return refusal.value.code

    def later(self, seconds: int) -> None:
        self.world.advance_to(self.now + seconds)

    def anchor(self, *entries: bytes, proof: tuple[bytes, ...] = ()) -> None:
        root = entries[0] if len(entries) == 1 else node_hash(*entries)
        head = Head(self.cluster, len(entries), root, self.now)
        signed = sign_head(HEADS, head, chain_id=31337, anchor=self.market.anchor)
        self.does(self.court, anchor_head(self.market.anchor, signed, proof))

    def standing(self) -> providers.Standing:
        return providers.standing(self.world.latest, self.market.providers, self.provider, at=self.at)


@pytest.fixture
def place(world) -> Place:
    return Place(world)


def test_a_market_is_found_by_its_address_and_no_other_contract_passes_for_one(place: Place) -> None:
    chain, market = place.world.latest, place.market
    assert market_at(chain, market.orders, place.at) == market
    with pytest.raises(CyberPrivacyError) as refusal:
        market_at(chain, market.token, place.at)
    assert refusal.value.code == "market.contracts"
    other = deploy_market(
        place.world.desk(place.court),
        clusters=market.clusters,
        court=place.court,
        registrar=place.court,
        holders=[(place.payer, TOKEN)],
        rules=DEMO_MARKET,
    )
    with pytest.raises(CyberPrivacyError) as refusal:
        market_at(chain, other.orders, place.at)
    assert refusal.value.code == "market.contracts"
    assert place.refused(place.court, adopt(other)) == "law.no-expansions"


def test_a_provider_is_in_good_standing_with_stake_and_licence_until_it_leaves(place: Place) -> None:
    assert (place.standing().staked, place.standing().good) == (2_000 * TOKEN, True)
    place.does(place.provider, providers.unbond(place.market.providers, 1_500 * TOKEN))
    left = place.standing()
    assert (left.staked, left.leaving, left.good) == (500 * TOKEN, 1_500 * TOKEN, False)
    assert place.refused(place.provider, providers.withdraw(place.market.providers)).startswith("law.")
    place.later(DEMO_MARKET.unbonding + 1)
    place.does(place.provider, providers.withdraw(place.market.providers))
    assert place.standing().leaving == 0


def test_the_court_slashes_and_nobody_else(place: Place) -> None:
    law = place.market.providers
    taken = providers.slash(law, place.provider, 100 * TOKEN, finder=place.payer, case=CASE)
    assert place.refused(place.payer, taken).startswith("law.")
    place.does(place.court, taken)
    assert place.standing().staked == 1_900 * TOKEN
    finder = providers.standing(place.world.latest, law, place.payer, at=place.at)
    assert finder.rewards == 10 * TOKEN
    place.does(place.payer, providers.collect(law))


def test_heads_grow_with_proof_and_a_fork_costs_the_stake(place: Place) -> None:
    anchor, chain = place.market.anchor, place.world.latest
    place.anchor(LEAVES[0])
    place.later(2)
    place.anchor(*LEAVES, proof=(LEAVES[1],))
    assert anchored(chain, anchor, place.cluster, at=place.at).size == 2
    first, second = (
        sign_head(HEADS, Head(place.cluster, 2, root, place.now), chain_id=31337, anchor=anchor)
        for root in (node_hash(*LEAVES), sha256(b"another past").digest())
    )
    place.does(place.payer, providers.punish(place.market.providers, first, second))
    assert providers.convicted(chain, place.market.providers, place.cluster, at=place.at)
    assert place.standing().staked == 0
    again = providers.punish(place.market.providers, second, first)
    assert place.refused(place.payer, again).startswith("law.")


def test_a_head_without_its_proof_is_refused(place: Place) -> None:
    place.anchor(LEAVES[0])
    place.later(2)
    with pytest.raises(CyberPrivacyError):
        place.anchor(*LEAVES, proof=(bytes(32),))


def rented(place: Place, seconds: int = 100) -> tuple[orders.Terms, orders.Payment, int]:
    law = place.market.orders
    start = place.now + 5
    terms = orders.Terms(
        provider=place.provider, cluster=place.cluster, rate=TOKEN, start=start, end=start + seconds, notice=10
    )
    payment = orders.payment_of(place.world.latest, law, at=place.at)
    receipt = place.does(place.payer, orders.open_order(law, payment, terms))
    return terms, payment, numbered(receipt, law, "Orders", "OrderOpened", "order")


def claimed(place: Place, terms: orders.Terms, order: int) -> int:
    """A claim of the first 50 seconds, which the log of the cluster holds."""
    place.world.advance_to(terms.start + 60)
    place.anchor(LEAVES[0])
    made = orders.claim(place.market.orders, order, start=terms.start, until=terms.start + 50, evidence=LEAVES[0])
    return numbered(place.does(place.provider, made), place.market.orders, "Orders", "ServiceClaimed", "claim")


def test_attested_seconds_are_paid_and_the_rest_goes_back(place: Place) -> None:
    law, chain = place.market.orders, place.world.latest
    terms, _, order = rented(place)
    claim = claimed(place, terms, order)
    assert place.refused(place.provider, orders.simply(law, "draw", claim)).startswith("law.")
    place.later(DEMO_MARKET.window + 1)
    place.does(place.provider, orders.simply(law, "draw", claim))
    told = orders.order_at(chain, law, order, at=place.at)
    assert (told.terms, told.payer, told.paid, told.pending) == (terms, place.payer, 50 * TOKEN, 0)
    assert orders.claim_at(chain, law, claim, at=place.at).status is orders.ClaimStatus.DRAWN
    place.world.advance_to(terms.end + 10_000)
    assert orders.refundable(chain, law, order, at=place.at) == 50 * TOKEN
    place.does(place.payer, orders.simply(law, "refund", order))
    assert orders.order_at(chain, law, order, at=place.at).refunded == 50 * TOKEN


def test_disputed_seconds_are_paid_only_if_the_court_says_so(place: Place) -> None:
    law, chain = place.market.orders, place.world.latest
    terms, payment, order = rented(place)
    claim = claimed(place, terms, order)
    place.does(place.world.organisations[0], orders.dispute(law, payment, claim, reason=CASE))
    place.later(DEMO_MARKET.window + 1)
    assert place.refused(place.provider, orders.simply(law, "draw", claim)).startswith("law.")
    assert place.refused(place.payer, orders.rule(law, claim, upheld=True, case=CASE)).startswith("law.")
    place.does(place.court, orders.rule(law, claim, upheld=True, case=CASE))
    fallen = orders.claim_at(chain, law, claim, at=place.at)
    assert (fallen.status, fallen.disputer) == (orders.ClaimStatus.VOID, place.world.organisations[0])
    assert orders.order_at(chain, law, order, at=place.at).paid == 0


def visited(place: Place, who: Address, *, suspicious: bool = False) -> int:
    law, chain = place.market.validators, place.world.latest
    place.does(who, validators.register(law, uri="https://v.example"))
    bonds = validators.bonds_of(chain, law, at=place.at)
    place.does(who, validators.bond(law, bonds, 100 * TOKEN))
    place.does(place.court, validators.accredit(law, who, until=place.now + 10_000))
    seen = validators.report(
        law,
        place.cluster,
        visited_at=place.now - 1,
        suspicious=suspicious,
        hardware=[MACHINE, NODE_KEY],
        media=[MEDIA],
    )
    return numbered(place.does(who, seen), law, "Validators", "VisitReported", "visit")


def test_a_visit_counts_until_it_is_challenged(place: Place) -> None:
    law, chain, who = place.market.validators, place.world.latest, place.world.organisations[0]
    visit = visited(place, who)
    assert validators.validator_at(chain, law, who, at=place.at).counts
    assert validators.visitors(chain, law, place.cluster, within=60, at=place.at) == (1, 0)
    bonds = validators.bonds_of(chain, law, at=place.at)
    place.does(place.payer, validators.challenge(law, bonds, visit, reason=CASE))
    told = validators.visit_at(chain, law, visit, at=place.at)
    assert (told.status, told.vouches) == (validators.VisitStatus.CHALLENGED, False)
    place.does(place.court, validators.rule(law, visit, upheld=True, case=CASE))
    assert validators.visit_at(chain, law, visit, at=place.at).status is validators.VisitStatus.VOID
    assert not validators.validator_at(chain, law, who, at=place.at).counts  # its bond is no longer whole


def announced(place: Place) -> int:
    made = expansions.announce(
        place.market.expansions,
        place.cluster,
        node=HEADS.address,
        node_key=NODE_KEY,
        measurement=bytes(32),
        evidence=CASE,
    )
    receipt = place.does(place.provider, made)
    return numbered(receipt, place.market.expansions, "Expansions", "ExpansionAnnounced", "expansion")


def test_a_machine_is_admitted_after_it_waited_in_public_and_was_seen(place: Place) -> None:
    law, chain, who = place.market.expansions, place.world.latest, place.world.organisations[0]
    number = announced(place)
    assert place.refused(place.provider, expansions.commit(law, number)).startswith("law.")
    place.later(DEMO_MARKET.waiting + 1)
    visit = visited(place, who)
    place.does(who, expansions.report(law, number, visit=visit, hardware=[MACHINE, NODE_KEY]))
    place.does(place.provider, expansions.commit(law, number))
    desk = place.world.desk(place.provider)
    add_node(
        desk,
        place.world.shared.clusters,
        place.cluster,
        node=HEADS.address,
        node_key=NODE_KEY,
        measurement=bytes(32),
    )
    told = expansions.expansion_at(chain, law, number, at=place.at)
    assert (told.stage, told.good, told.suspicious) == (expansions.Stage.COMMITTED, 1, 0)


def test_the_court_stops_a_machine(place: Place) -> None:
    law = place.market.expansions
    number = announced(place)
    assert place.refused(place.payer, expansions.stop(law, number)).startswith("law.")
    place.does(place.court, expansions.stop(law, number))
    told = expansions.expansion_at(place.world.latest, law, number, at=place.at)
    assert told.stage is expansions.Stage.STOPPED
