"""Accounts: what a person with a lost or a leaked key can do, and what a thief cannot."""

from dataclasses import replace

import pytest
from people import NOW, SCHEMA, Person, guardians, key, opening, refusal, sign

from cyberprivacy.vault.account import COOLDOWN, DAY, FROZEN, HOUR, THAW, YOUNG, Act, State, check, majority
from cyberprivacy.vault.key import Judge
from cyberprivacy.vault.keyevent import NOTHING, Body, Event, Kind, Signed, parse_body
from cyberprivacy.vault.keylog import replay
from cyberprivacy.vault.pairwise import pairwise


def state_of(person: Person) -> State:
    assert person.state is not None
    return person.state


def test_an_account_is_the_digest_of_its_first_event() -> None:
    alice = Person("alice").begin()
    assert state_of(alice).account == alice.log[0].event.digest(SCHEMA) == state_of(alice).head


def test_one_key_can_have_accounts_that_nobody_can_join() -> None:
    body = alice_body = Person("alice").begin().log[0].event.body
    other = replace(body, salt=bytes(32))
    made = [Event(NOTHING, 0, NOTHING, Kind.INCEPT, each, NOW).digest(SCHEMA) for each in (alice_body, other)]
    assert made[0] != made[1]
    assert len({pairwise(bytes(32), "shop"), pairwise(bytes(32), "bank"), pairwise(b"\1" * 32, "shop")}) == 3


def test_a_log_travels_and_replays_to_the_same_state() -> None:
    alice = Person("alice").begin("alice", "phone", guarded_by=("g1", "g2", "g3"))
    alice.does(Kind.ADD, later=60, key=key("tablet"))
    alice.does(Kind.FREEZE, "g1", later=60, guardian=opening("g1"))
    alice.does(Kind.REMOVE, later=60, key=key("phone"))
    alice.does(Kind.REVOKE_GRANTS, later=60, before=NOW)
    sent = [Signed.decode(each.encode()) for each in alice.log]
    assert sent == alice.log
    assert replay(sent, Judge(), SCHEMA)[-1] == alice.state


def test_a_leaked_key_is_frozen_at_once_and_pushed_out() -> None:
    alice = Person("alice").begin("alice", "thief")
    alice.does(Kind.FREEZE, later=HOUR)
    for act in (Act.GRANT, Act.HEAVY):
        assert (
            refusal(lambda act=act: check(state_of(alice), key("thief"), act, now=alice.now)) == "account.frozen"
        )
    check(state_of(alice), key("alice"), Act.READ, now=alice.now)
    assert refusal(lambda: alice.does(Kind.UNFREEZE, "thief", later=HOUR)) == "account.thaw"
    alice.does(Kind.REMOVE, key=key("thief"))
    assert refusal(lambda: alice.does(Kind.UNFREEZE, "thief", later=THAW)) == "account.key"
    alice.does(Kind.UNFREEZE)
    check(state_of(alice), key("alice"), Act.HEAVY, now=alice.now)


def test_a_freeze_ends_by_itself() -> None:
    alice = Person("alice").begin(guarded_by=("g1",))
    alice.does(Kind.FREEZE, "g1", guardian=opening("g1"))
    assert state_of(alice).is_frozen(alice.now + FROZEN - 1)
    assert not state_of(alice).is_frozen(alice.now + FROZEN)


def test_a_key_that_was_just_added_can_neither_take_everything_out_nor_push_out_the_owner() -> None:
    alice = Person("alice").begin()
    alice.does(Kind.ADD, key=key("thief"))
    assert refusal(lambda: check(state_of(alice), key("thief"), Act.HEAVY, now=alice.now)) == "account.young"
    check(state_of(alice), key("thief"), Act.GRANT, now=alice.now)
    for kind in (Kind.REMOVE, Kind.ROTATE):
        body = {"key": key("alice")} if kind is Kind.REMOVE else {"key": key("new"), "old": key("alice")}
        assert refusal(lambda kind=kind, body=body: alice.does(kind, "thief", **body)) == "account.young"
    assert refusal(lambda: alice.does(Kind.GUARDIANS, "thief", guardians=guardians("g9"))) == "account.young"
    alice.now += YOUNG
    check(state_of(alice), key("thief"), Act.HEAVY, now=alice.now)


def test_who_lost_every_key_gets_a_new_one_from_a_majority_after_seven_days() -> None:
    alice = Person("alice").begin(guarded_by=("g1", "g2", "g3"))
    asked = alice.does(Kind.RECOVER, "g1", key=key("new"), guardian=opening("g1")).head
    assert refusal(lambda: alice.does(Kind.EXECUTE, "new", recovery=asked)) == "account.approvals"
    alice.does(Kind.APPROVE, "g2", later=DAY, recovery=asked, guardian=opening("g2"))
    assert refusal(lambda: alice.does(Kind.EXECUTE, "new", later=7 * DAY - 1, recovery=asked)) == "account.wait"
    assert refusal(lambda: alice.does(Kind.EXECUTE, "g1", later=1, recovery=asked)) == "account.key"
    alice.does(Kind.EXECUTE, "new", recovery=asked)
    assert set(state_of(alice).keys) == {key("new")}
    assert refusal(lambda: check(state_of(alice), key("new"), Act.HEAVY, now=alice.now)) == "account.young"


def test_an_old_device_shortens_the_wait_to_48_hours_but_not_below() -> None:
    alice = Person("alice").begin("alice", "phone", guarded_by=("g1",))
    asked = alice.does(Kind.RECOVER, "g1", key=key("new"), guardian=opening("g1")).head
    alice.does(Kind.APPROVE, "phone", later=DAY, recovery=asked)
    assert refusal(lambda: alice.does(Kind.EXECUTE, "new", later=2 * DAY - 1, recovery=asked)) == "account.wait"
    alice.does(Kind.EXECUTE, "new", later=1, recovery=asked)


def test_any_key_or_guardian_cancels_and_three_cancels_bring_calm() -> None:
    alice = Person("alice").begin(guarded_by=("g1", "g2"))
    for by, extra in (("alice", {}), ("g2", {"guardian": opening("g2")}), ("alice", {})):
        asked = alice.does(Kind.RECOVER, "g1", later=HOUR, key=key("thief"), guardian=opening("g1")).head
        alice.does(Kind.CANCEL, by, recovery=asked, **extra)
    ask = {"key": key("thief"), "guardian": opening("g1")}
    assert refusal(lambda: alice.does(Kind.RECOVER, "g1", later=COOLDOWN - 1, **ask)) == "account.calm"
    alice.does(Kind.RECOVER, "g1", later=1, **ask)


def test_a_freeze_always_wins_over_a_recovery_that_is_ready() -> None:
    alice = Person("alice").begin(guarded_by=("g1",))
    asked = alice.does(Kind.RECOVER, "g1", key=key("thief"), guardian=opening("g1")).head
    alice.does(Kind.FREEZE, later=7 * DAY)
    assert refusal(lambda: alice.does(Kind.EXECUTE, "thief", recovery=asked)) == "account.frozen"


def test_other_guardians_count_after_seven_days_only() -> None:
    alice = Person("alice").begin(guarded_by=("g1",))
    alice.does(Kind.GUARDIANS, guardians=guardians("g2"))
    freeze = {"guardian": opening("g2")}
    assert refusal(lambda: alice.does(Kind.FREEZE, "g2", later=7 * DAY - 1, **freeze)) == "account.guardian"
    alice.does(Kind.FREEZE, "g2", later=1, **freeze)
    assert refusal(lambda: alice.does(Kind.FREEZE, "g1", guardian=opening("g1"))) == "account.guardian"


def test_the_guardian_who_signs_is_the_one_who_steps_forward() -> None:
    alice = Person("alice").begin(guarded_by=("g1",))
    assert refusal(lambda: alice.does(Kind.FREEZE, "mallory", guardian=opening("g1"))) == "account.guardian"


@pytest.mark.parametrize(("guardians", "needed"), [(1, 1), (2, 2), (3, 2), (4, 3), (5, 3), (16, 9)])
def test_more_than_half_must_agree(guardians: int, needed: int) -> None:
    assert majority(guardians) == needed


def test_the_last_key_stays() -> None:
    alice = Person("alice").begin()
    assert refusal(lambda: alice.does(Kind.REMOVE, key=key("alice"))) == "account.last-key"


def test_no_event_happens_twice_or_elsewhere_or_at_another_time() -> None:
    alice, bob = Person("alice").begin(), Person("bob").begin("alice")
    add = alice.next(Kind.ADD, "alice", key=key("x"))
    assert refusal(lambda: bob.take(add)) == "account.link"
    alice.take(add)
    assert refusal(lambda: alice.take(add)) == "account.link"
    assert refusal(lambda: alice.take(alice.log[0])) == "account.link"
    late = alice.next(Kind.ADD, "alice", key=key("y"))
    alice.now += 121
    assert refusal(lambda: alice.take(late)) == "account.clock"
    early = replace(late.event, at=int(alice.now) - 119 - 121)
    assert refusal(lambda: replay([*alice.log, sign(early, "alice")], Judge(), SCHEMA)) == "account.time"


def test_what_was_signed_is_what_happens() -> None:
    alice = Person("alice").begin()
    add = alice.next(Kind.ADD, "alice", key=key("phone"))
    swapped = replace(add, event=replace(add.event, body=Body(key=key("thief"))))
    assert refusal(lambda: alice.take(swapped)) == "key.signer"
    assert refusal(lambda: alice.take(replace(add, key=key("thief")))) == "key.signer"


@pytest.mark.parametrize(
    ("kind", "body"),
    [
        (Kind.ADD, b"{}"),
        (Kind.ADD, b'{"key":"eip155-eoa:00"}'),
        (Kind.ADD, b'{"key": "x"}'),
        (Kind.UNFREEZE, b'{"x":1}'),
        (Kind.INCEPT, b'{"guardians":[],"keys":[],"salt":"' + b"00" * 32 + b'"}'),
        (Kind.REVOKE_GRANTS, b'{"before":-1}'),
        (Kind.REVOKE_GRANTS, b'{"before":true}'),
        (Kind.CANCEL, b'{"recovery":"00"}'),
        (Kind.FREEZE, b"[]"),
    ],
)
def test_a_body_has_the_fields_of_its_kind_and_no_other(kind: Kind, body: bytes) -> None:
    assert refusal(lambda: parse_body(kind, body)) in {"event.form", "key.form", "json.form"}


def test_an_operator_runs_one_guardian() -> None:
    one, two = guardians("g1", "g2")
    said = Body(keys=(key("a"),), guardians=(one, replace(two, operator=one.operator)), salt=bytes(32)).as_json()
    from cyberprivacy import canonical

    assert refusal(lambda: parse_body(Kind.INCEPT, canonical.encode(said))) == "event.operator"
