"""Answers tell about many, never about one: bounds, noise of the declared size, and small numbers withheld."""

import json
from dataclasses import replace
from statistics import fmean

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.admin.noise import LaplaceNoise, mechanism
from cyberprivacy.admin.refusals import BadContributions
from cyberprivacy.admin.statistics import MAX_BYTES, MAX_USERS, answer, contributions
from cyberprivacy.testing.administration import DAILY, CountedNoise, people

COUNT = replace(DAILY, query="count")
MEAN = replace(DAILY, query="mean")
AGES = replace(DAILY, query="histogram", most=120, bins=(18, 40), least_count=5)


def test_each_query_tells_what_it_says():
    numbers = [1] * 10 + [5] * 10
    assert answer(COUNT, numbers, CountedNoise())["value"] == 20
    assert answer(DAILY, numbers, CountedNoise())["value"] == 60
    assert answer(MEAN, numbers, CountedNoise())["value"] == "3.000"
    ages = [17] * 5 + [18] * 6 + [39] * 1 + [40] * 4
    assert answer(AGES, ages, CountedNoise()) == {"query": "histogram", "suppressed": False, "value": [5, 7, None]}


def test_negative_means_round_down_and_read_back():
    odd = replace(MEAN, least=-20)
    assert answer(odd, [-1] * 10 + [0] * 20, CountedNoise())["value"] == "-0.334"


def test_a_contribution_past_its_bounds_counts_as_the_bound():
    assert answer(DAILY, [10**15] * 10, CountedNoise())["value"] == 200
    assert answer(DAILY, [-(10**15)] * 10, CountedNoise())["value"] == 0


@pytest.mark.parametrize("asked", [COUNT, DAILY, MEAN, AGES], ids=lambda one: one.query)
def test_few_users_are_withheld(asked):
    for number in (0, 1, 4):
        told = answer(asked, [1] * number, CountedNoise())
        assert (told["suppressed"], told["value"]) == (True, None)


@pytest.mark.parametrize("asked", [COUNT, DAILY, MEAN, AGES, replace(DAILY, epsilon=501)])
def test_the_privacy_loss_of_an_answer_is_exactly_what_was_declared(asked):
    noise = CountedNoise()
    answer(asked, [1] * 50, noise)
    assert noise.loss == asked.epsilon


@given(
    st.lists(st.integers(-100, 100), max_size=30),
    st.integers(-100, 100),
    st.sampled_from([COUNT, DAILY, MEAN, AGES]),
)
def test_one_user_more_changes_no_more_than_the_noise_is_made_for(numbers, another, asked):
    """What goes into the noise is what its sensitivity says; measured here on exact numbers."""

    class Watching(CountedNoise):
        def __init__(self):
            super().__init__()
            self.given: list[list[int]] = []

        def add(self, values, *, sensitivity, epsilon):
            self.given.append(list(values))
            return super().add(values, sensitivity=sensitivity, epsilon=epsilon)

    one, other = Watching(), Watching()
    answer(asked, numbers, one)
    answer(asked, [*numbers, another], other)
    for before, after, (sensitivity, _) in zip(one.given, other.given, one.asked, strict=True):
        assert sum(abs(a - b) for a, b in zip(before, after, strict=True)) <= sensitivity


@pytest.mark.parametrize(
    "body",
    [
        b"", b"{}", b"null", b"[1]", b'[["a"]]', b'[["a", 1, 2]]', b'[["a", "1"]]', b'[["a", 1.5]]', b'[["a", true]]',
        b'[["", 1]]', b"[[1, 1]]", b'[["a", 1], ["a", 2]]', b'[["a", 9007199254740993]]', b'[["a", 1e3]]', b"[[[1]]]",
        b'[["a", NaN]]', b'[["a", Infinity]]', b"\xff", b"[" * 100_000, json.dumps([["x" * 65, 1]]).encode(),
        b" " * (MAX_BYTES + 1),
    ],
)  # fmt: skip
def test_an_application_that_answers_nonsense_is_refused(body):
    with pytest.raises(BadContributions) as caught:
        contributions(body)
    assert caught.value.code == "admin.contributions"


def test_too_many_users_are_refused():
    with pytest.raises(BadContributions):
        contributions(people(MAX_USERS + 1))


def test_contributions_come_without_names():
    assert contributions(people(3, 7)) == (7, 7, 7)
    assert contributions(b"[]") == ()


def test_the_noise_has_the_size_that_was_declared():
    """Broad bounds, 10 standard errors and more: the sampler draws from the kernel and takes no seed."""
    draws = LaplaceNoise().add([100] * 4_000, sensitivity=1, epsilon=500)
    off = [each - 100 for each in draws]
    assert abs(fmean(off)) < 0.6
    assert 1.5 < fmean(map(abs, off)) < 2.5
    wide = LaplaceNoise().add([0] * 4_000, sensitivity=20, epsilon=500)
    assert 30 < fmean(map(abs, wide)) < 50


@given(st.integers(1, 10**9), st.integers(1, 10_000))
def test_the_noise_of_every_declaration_is_enough_and_hardly_more(sensitivity, epsilon):
    """By OpenDP's own account: never more loss than declared, and no noise that nobody needs."""
    loss = mechanism(sensitivity, epsilon).map(sensitivity)
    assert epsilon / 1000 * 0.999 < loss <= epsilon / 1000
    assert len(LaplaceNoise().add([1, 2], sensitivity=sensitivity, epsilon=epsilon)) == 2
