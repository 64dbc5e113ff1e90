"""Records that are made one after the other have ids in that order, however many a millisecond."""

import uuid
from concurrent.futures import ThreadPoolExecutor

from hypothesis import given
from hypothesis import strategies as st
from keeping import Vault, order

from cyberprivacy.vault.change import Ids


def milliseconds(made: bytes) -> int:
    return int.from_bytes(made[:6])


@given(st.lists(st.integers(0, 5), min_size=1, max_size=50), st.sampled_from([bytes, lambda size: b"\xff" * size]))
def test_each_is_greater_than_all_before_whatever_the_clock_and_chance_do(times: list[int], draw: object) -> None:
    ids = Ids()
    made = [ids.new(draw, lambda now=now: 1_800_000_000 + now / 1000) for now in times]  # type: ignore[arg-type]
    assert sorted(set(made)) == made
    for each in made:
        assert (uuid.UUID(bytes=each).version, uuid.UUID(bytes=each).variant) == (7, uuid.RFC_4122)


def test_a_new_millisecond_begins_anew_and_the_next_of_one_cannot_be_guessed() -> None:
    ids = Ids()
    one, two, later = (ids.new(clock=lambda at=at: at) for at in (5.0, 5.0, 5.001))
    assert [milliseconds(each) for each in (one, two, later)] == [5000, 5000, 5001]
    assert len({int.from_bytes(Ids().new(clock=lambda: 5.0)) for _ in range(100)}) == 100
    steps = {int.from_bytes(ids.new(clock=lambda: 5.001)[8:]) for _ in range(100)}
    assert len(steps) == 100


def test_a_count_that_is_full_goes_on_in_the_next_millisecond() -> None:
    ids = Ids()
    many = [ids.new(lambda size: b"\xff" * size, lambda: 5.0) for _ in range(200_000)]
    assert many == sorted(many)
    assert {milliseconds(each) for each in many} >= {5000, 5001}


def test_threads_get_different_ones_each_in_order() -> None:
    ids = Ids()
    with ThreadPoolExecutor(4) as pool:
        parts = list(pool.map(lambda _: [ids.new() for _ in range(2_000)], range(4)))
    assert all(sorted(part) == part for part in parts)
    assert len({each for part in parts for each in part}) == 8_000


def test_records_of_one_millisecond_are_listed_in_the_order_in_which_they_were_made(vault: Vault) -> None:
    anna = vault.person("anna")
    made = [vault.change(anna, order(number))[0].record for number in range(20)]
    made += [each.record for each in vault.change(anna, *map(order, range(20, 60)))]
    assert [each.id for each in vault.all(anna)] == made
