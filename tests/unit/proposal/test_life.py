"""The whole life of releases, on a real chain with the real contracts."""

from collections.abc import Callable
from typing import Any

import pytest

from cyberprivacy.cid import Cid
from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted
from cyberprivacy.node.reports import ChainReports
from cyberprivacy.proposal import actions
from cyberprivacy.proposal.clusters import add_node, join_cluster, register_cluster, report_built
from cyberprivacy.proposal.founding import factory_minimums
from cyberprivacy.proposal.law import Before, NotADao, before, dao_at
from cyberprivacy.proposal.life import Stage, lives
from cyberprivacy.proposal.reading import read
from cyberprivacy.proposal.refusals import NotYet
from cyberprivacy.proposal.text import Proposal, revocation, update
from cyberprivacy.proposal.waiting import patiently

World = Any  # the fixture's class lives in conftest, which is not a module to import from


def test_a_factory_tells_its_laps(world: World) -> None:
    assert factory_minimums(world.latest, world.shared.factory) == world.laps


def test_nothing_is_live_before_anything_was_published(world: World) -> None:
    reading = world.read()
    assert (reading.release, reading.why) == (None, "never")


def test_the_ordinary_road_ends_with_an_approved_release(world: World, bundle: Cid) -> None:
    stages = []

    def at(stage: Stage) -> None:
        it = world.life(bundle)
        stages.append(it.stage)
        assert it.stage == stage
        assert it.until == 0 or it.until >= world.now
        assert bool(it.waits_for) == (stage != Stage.ACTIVE or it.images.digest is None)

    world.published(bundle, number=1, seats=2)
    at(Stage.PUBLISHED)
    actions.attest(world.acting(world.seats[2]), bundle, lines=9, complexity=120, severity=0, report=b"\1" * 32)
    at(Stage.REVIEW)
    world.advance_to(world.life(bundle).review_ends)
    at(Stage.REVIEWED)
    proposal = world.proposed(bundle)
    at(Stage.PROPOSED)
    world.advance_to(world.life(bundle).until + 1)
    at(Stage.VOTING)
    for member in world.members:
        actions.vote(world.acting(member), proposal.id, actions.IN_FAVOUR, reason="I read it")
    world.advance_to(world.life(bundle).until + 1)
    at(Stage.PASSED)
    actions.queue(world.acting(world.founder), proposal)
    at(Stage.QUEUED)
    world.advance_to(world.life(bundle).until)
    at(Stage.EXECUTABLE)
    actions.execute(world.acting(world.founder), proposal)
    at(Stage.ACTIVE)
    world.settle()
    release = world.read().release
    assert release is not None
    assert (release.bundle, release.parent, release.number, release.pipeline) == (bundle, None, 1, 1)
    assert (release.proposal, release.emergency, release.expires) == (proposal.id, False, 0)
    assert (release.images, release.builders, release.chain_id) == (None, 1, 31337)
    assert world.life(bundle).vote.in_favour == 3


def test_what_was_executed_a_block_ago_is_not_yet_read(world: World, bundle: Cid) -> None:
    proposal = world.proposed(world.published(bundle, number=1))
    world.advance_to(world.acting(world.founder).state(proposal.id).opens + 1)
    for member in world.members:
        actions.vote(world.acting(member), proposal.id, actions.IN_FAVOUR)
    world.advance_to(world.acting(world.founder).state(proposal.id).closes + 1)
    actions.queue(world.acting(world.founder), proposal)
    world.advance_to(world.acting(world.founder).state(proposal.id).executable)
    actions.execute(world.acting(world.founder), proposal)
    assert world.life(bundle).stage == Stage.ACTIVE
    assert world.read().release is None
    world.settle()
    assert world.read().release is not None


@pytest.mark.parametrize(
    ("early", "code"),
    [
        (
            lambda world, bundle: actions.propose(world.acting(world.members[0]), an_update(world, bundle)),
            "review-window-open",
        ),
        (
            lambda world, bundle: actions.activate_emergency(world.acting(world.founder), bundle),
            "review-window-open",
        ),
    ],
    ids=["propose", "emergency"],
)
def test_before_a_lap_ends_the_refusal_says_until_when(
    world: World, bundle: Cid, early: Callable[[World, Cid], object], code: str
) -> None:
    world.published(bundle, number=1, seats=4, severity=4)
    with pytest.raises(NotYet) as refusal:
        early(world, bundle)
    assert refusal.value.code == f"law.{code}"
    assert refusal.value.until > world.now
    assert refusal.value.exit_code == 3


def an_update(world: World, bundle: Cid) -> Proposal:
    return update(world.dao, bundle, name="guestbook 1.0", body="")


def test_each_step_too_early_says_until_when_and_changes_nothing(world: World, bundle: Cid) -> None:
    proposal = world.proposed(world.published(bundle, number=1))
    acting = world.acting(world.members[0])
    for attempt, code in (
        (lambda: actions.vote(acting, proposal.id, actions.IN_FAVOUR), "law.vote-not-open"),
        (lambda: actions.queue(acting, proposal), "law.vote-open"),
    ):
        with pytest.raises(NotYet) as refusal:
            attempt()
        assert refusal.value.code == code
        assert refusal.value.until > world.now
    world.advance_to(acting.state(proposal.id).opens + 1)
    actions.vote(acting, proposal.id, actions.IN_FAVOUR)
    world.advance_to(acting.state(proposal.id).closes + 1)
    actions.queue(acting, proposal)
    with pytest.raises(NotYet) as refusal:
        actions.execute(acting, proposal)
    assert refusal.value.code == "law.deployment-lap-open"
    assert refusal.value.until == acting.state(proposal.id).executable


def test_waiting_does_each_step_as_soon_as_it_is_allowed(world: World, bundle: Cid) -> None:
    proposal = world.proposed(world.published(bundle, number=1))
    acting = world.acting(world.members[0])
    heard: list[str] = []

    def patient(attempt: Callable[[], object]) -> None:
        patiently(
            attempt,
            say=lambda early: heard.append(early.code),
            now=lambda: world.now,
            pause=lambda seconds: world.advance_to(world.now + int(seconds) + 1),
        )

    patient(lambda: actions.vote(acting, proposal.id, actions.IN_FAVOUR))
    patient(lambda: actions.queue(acting, proposal))
    patient(lambda: actions.execute(acting, proposal))
    assert world.life(bundle).stage == Stage.ACTIVE
    assert {"law.vote-not-open", "law.vote-open", "law.deployment-lap-open"} <= set(heard)


def test_people_without_the_right_are_refused_by_name(world: World, bundle: Cid, fix: Cid) -> None:
    stranger = world.acting(world.provider)
    for attempt, code in (
        (lambda: actions.publish(stranger, fix, parent=None, number=1, pipeline=1), "law.not-publisher"),
        (lambda: actions.halt(stranger, bundle), "law.not-auditor"),
        (
            lambda: actions.attest(stranger, bundle, lines=1, complexity=100, severity=0, report=bytes(32)),
            "law.not-auditor",
        ),
        (lambda: actions.propose(stranger, revocation(world.dao, bundle, body="")), "law.too-few-votes"),
    ):
        world.life(bundle).published or world.published(bundle, number=1)
        with pytest.raises(Misuse) as refusal:
            attempt()
        assert refusal.value.code == code


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (
            lambda dao, it, other: Proposal(it.targets, it.values, it.calldatas, b"Small fix\n"),
            "title-action-mismatch",
        ),
        (
            lambda dao, it, other: Proposal(
                it.targets, it.values, revocation(dao, other, body="").calldatas, it.text
            ),
            "title-action-mismatch",
        ),
        (
            lambda dao, it, other: Proposal(
                it.targets, it.values, update(dao, other, name="x", body="").calldatas, it.text
            ),
            "bundle-text-mismatch",
        ),
        (
            lambda dao, it, other: Proposal(it.targets * 2, it.values * 2, it.calldatas * 2, it.text),
            "update-malformed",
        ),
        (lambda dao, it, other: Proposal(it.targets, (1,), it.calldatas, it.text), "update-malformed"),
    ],
    ids=["plain title", "another action", "another bundle", "two actions", "value"],
)
def test_a_proposal_whose_text_is_not_its_action_is_refused(
    world: World, bundle: Cid, fix: Cid, change: Callable[..., Proposal], code: str
) -> None:
    world.published(bundle, number=1)
    world.advance_to(world.life(bundle).review_ends)
    with pytest.raises((Untrusted, Misuse)) as refusal:
        actions.propose(world.acting(world.members[0]), change(world.dao, an_update(world, bundle), fix))
    assert refusal.value.code == f"law.{code}"


def test_voting_twice_and_queueing_a_lost_vote_are_refused(world: World, bundle: Cid) -> None:
    proposal = world.proposed(world.published(bundle, number=1))
    acting = world.acting(world.members[0])
    world.advance_to(acting.state(proposal.id).opens + 1)
    actions.vote(acting, proposal.id, actions.AGAINST)
    with pytest.raises(Misuse) as refusal:
        actions.vote(acting, proposal.id, actions.IN_FAVOUR)
    assert refusal.value.code == "law.already-voted"
    world.advance_to(acting.state(proposal.id).closes + 1)
    with pytest.raises(Misuse) as refusal:
        actions.queue(acting, proposal)
    assert (refusal.value.code, refusal.value.facts["state"]) == ("law.proposal-state", "defeated")
    lost = world.life(bundle)
    assert (lost.stage, lost.waits_for) == (Stage.DEFEATED, "the voters' rest to end")
    with pytest.raises((Misuse, TryLater)):
        actions.propose(world.acting(world.members[0]), an_update(world, bundle))
    world.advance_to(lost.until)
    assert world.life(bundle).waits_for == "somebody to propose it again"
    actions.propose(world.acting(world.members[0]), an_update(world, bundle))


def test_a_vote_on_nothing_is_misuse(world: World) -> None:
    with pytest.raises(Misuse) as refusal:
        actions.vote(world.acting(world.members[0]), 7, actions.IN_FAVOUR)
    assert refusal.value.code == "law.no-proposal"


def test_a_second_release_replaces_the_first_and_makes_rivals_stale(world: World, bundle: Cid, fix: Cid) -> None:
    world.live(bundle, number=1)
    rival = Cid(0x70, b"\x0f" * 32)
    world.published(rival, number=2)
    world.live(fix, number=3)
    assert world.life(bundle).stage == Stage.REPLACED
    assert world.life(fix).stage == Stage.ACTIVE
    assert world.life(rival).stage == Stage.STALE
    assert world.read().release.parent == bundle
    told = lives(world.final, world.final, world.dao, at=world.final.block())
    assert [it.bundle for it in told] == [bundle, rival, fix]
    with pytest.raises(CyberPrivacyError) as refusal:
        actions.publish(world.acting(world.publisher), Cid(0x70, b"\x0e" * 32), parent=fix, number=3, pipeline=1)
    assert refusal.value.code == "law.number-too-low"


def test_the_registry_says_what_a_bundle_is_measured_against(world: World, bundle: Cid, fix: Cid) -> None:
    def said(cid: Cid) -> Before:
        return before(world.latest, world.dao, cid, world.latest.block())

    assert said(bundle) == Before(published=False, parent=None, already_read=None)
    world.live(bundle, number=1)
    assert said(bundle) == Before(published=True, parent=None, already_read=None, number=1, pipeline=1)
    assert said(fix) == Before(published=False, parent=bundle, already_read=None)
    read = world.published(Cid(0x70, b"\x0f" * 32), number=2)
    world.advance_to(world.life(read).review_ends)
    actions.publish(world.acting(world.publisher), fix, parent=bundle, number=3, pipeline=1, already_read=read)
    assert said(fix) == Before(published=True, parent=bundle, already_read=read, number=3, pipeline=1)
    assert said(fix).read == (bundle, read)


def test_a_queued_release_whose_parent_was_replaced_is_stale_and_waits_for_nobody(
    world: World, bundle: Cid, fix: Cid
) -> None:
    for number, each in ((1, bundle), (2, fix)):
        world.published(each, number=number)
    proposals = [world.proposed(bundle), world.proposed(fix)]
    world.advance_to(max(world.life(each).vote.opens for each in (bundle, fix)) + 1)
    for proposal in proposals:
        for member in world.members[:2]:
            actions.vote(world.acting(member), proposal.id, actions.IN_FAVOUR)
    world.advance_to(max(world.life(each).vote.closes for each in (bundle, fix)) + 1)
    for proposal in proposals:
        actions.queue(world.acting(world.founder), proposal)
    world.advance_to(max(world.life(each).until for each in (bundle, fix)))
    assert [world.life(each).stage for each in (bundle, fix)] == [Stage.EXECUTABLE] * 2
    actions.execute(world.acting(world.founder), proposals[0])
    assert world.life(bundle).stage == Stage.ACTIVE
    it = world.life(fix)
    assert (it.stage, it.waits_for) == (Stage.STALE, "publication on what runs now")


def test_a_revoked_release_stops_and_says_so(world: World, bundle: Cid) -> None:
    world.live(bundle, number=1)
    proposal = revocation(world.dao, bundle, body="It leaks.")
    actions.propose(world.acting(world.members[0]), proposal)
    world.carried(proposal)
    reading = world.read()
    assert (reading.release, reading.why) == (None, "revoked")
    assert world.life(bundle).stage == Stage.REVOKED


def test_a_majority_of_auditors_halts_at_once_and_it_lets_go_by_itself(world: World, bundle: Cid) -> None:
    world.live(bundle, number=1)
    for seat in world.seats[:3]:
        assert world.read().release is not None
        actions.halt(world.acting(seat), bundle)
    world.settle()
    reading = world.read()
    assert (reading.release, reading.why) == (None, "halted")
    it = world.life(bundle)
    assert (it.stage, it.until) == (Stage.HALTED, it.halted_until)
    world.advance_to(it.halted_until)
    world.settle()
    assert world.read().release.bundle == bundle


def test_an_emergency_release_dies_by_itself_and_the_last_ratified_one_returns(
    world: World, bundle: Cid, fix: Cid
) -> None:
    world.live(bundle, number=1)
    world.published(fix, number=2, severity=4, seats=4)
    world.advance_to(world.life(fix).review_starts + world.laps.emergency_floor)
    actions.activate_emergency(world.acting(world.provider), fix)
    world.settle()
    release = world.read().release
    assert (release.bundle, release.emergency, release.proposal) == (fix, True, 0)
    assert world.life(fix).stage == Stage.EMERGENCY
    # a caller whose clock is past the end does not wait for a block that says so
    late = read(world.final, world.dao.governor, last=None, now=release.expires, max_age=100_000)
    assert (late.release, late.why) == (None, "expired")
    world.advance_to(release.expires)
    world.settle()
    assert world.read().release.bundle == bundle
    assert world.life(fix).stage == Stage.EXPIRED


def test_a_ratified_emergency_release_stays(world: World, bundle: Cid, fix: Cid) -> None:
    world.live(bundle, number=1)
    world.published(fix, number=2, severity=4, seats=4)
    world.advance_to(world.life(fix).review_starts + world.laps.emergency_floor)
    actions.activate_emergency(world.acting(world.provider), fix)
    world.carried(world.proposed(fix))
    release = world.read().release
    assert (release.bundle, release.emergency, release.expires) == (fix, False, 0)
    assert release.proposal != 0


def test_images_are_agreed_when_enough_providers_built_alike(world: World, bundle: Cid) -> None:
    world.live(bundle, number=1)
    node, clusters = world.founder, world.shared.clusters
    cluster = register_cluster(world.desk(world.provider), clusters, uri="https://provider.example")
    add_node(world.desk(world.provider), clusters, cluster, node=node, node_key=b"\2" * 32)
    join_cluster(world.desk(node), clusters, cluster)
    assert world.life(bundle).waits_for == "builders: 0 of 1 reported"
    report_built(world.desk(node), clusters, registry=world.dao.registry, bundle=bundle, images=b"\3" * 32)
    world.settle()
    assert world.read().release.images == b"\3" * 32
    assert world.life(bundle).waits_for == ""


def test_a_node_reports_a_build_that_took_longer_than_endpoints_keep_old_states(world: World, bundle: Cid) -> None:
    world.live(bundle, number=1)
    node, clusters = world.founder, world.shared.clusters
    cluster = register_cluster(world.desk(world.provider), clusters, uri="https://provider.example")
    add_node(world.desk(world.provider), clusters, cluster, node=node, node_key=b"\2" * 32)
    world.settle()
    release = world.read().release
    for _ in range(5):  # the chain writes its states down in between, and drops the oldest
        world.ask("anvil_mine", "0x20")
    reports = ChainReports(world.final, world.desk(node), world.dao.governor, prove=lambda _: b"\4" * 32)
    reports.built(release, b"\3" * 32)
    world.settle()
    assert world.read().release.images == b"\3" * 32


def test_a_provider_that_the_dao_does_not_know_cannot_report(world: World, bundle: Cid) -> None:
    world.live(bundle, number=1)
    clusters, stranger = world.shared.clusters, world.founder
    cluster = register_cluster(world.desk(stranger), clusters, uri="")
    add_node(world.desk(stranger), clusters, cluster, node=stranger, node_key=b"\2" * 32)
    join_cluster(world.desk(stranger), clusters, cluster)
    with pytest.raises(Misuse) as refusal:
        report_built(world.desk(stranger), clusters, registry=world.dao.registry, bundle=bundle, images=b"\3" * 32)
    assert refusal.value.code == "law.provider-not-authorised"


def test_an_address_that_is_no_dao_is_refused_and_one_without_code_is_waited_for(world: World) -> None:
    block = world.latest.block()
    with pytest.raises(Untrusted):
        dao_at(world.latest, world.dao.registry, block)
    with pytest.raises(TryLater) as refusal:
        dao_at(world.latest, world.provider, block)
    assert refusal.value.code == "chain.no-contract"
    assert issubclass(NotADao, Untrusted)
