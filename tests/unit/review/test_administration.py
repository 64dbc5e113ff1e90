"""What a bundle lets its administrators do is judged, and shown to those who vote on it."""

from dataclasses import replace

import pytest

from cyberprivacy.bundle.declared import Administration, Choice, Setting, Statistic, Switch, WholeNumber
from cyberprivacy.review.administration import described, judge

PAGES = Setting("per-page", WholeNumber(1, 50), "20", "messages", "On a page")
ORDER = Setting("order", Choice(("newest", "hearts")), "newest", "", "What stands first")
DAILY = Statistic("daily", "Messages", "sum", 0, 20, (), 500, 2000, 86_400, 10)
GOOD = Administration(("0x5FbDB2315678afecb367f032d93F642f64180aa3",), 0, (PAGES,), (ORDER,), (DAILY,))


def broken(declared: Administration) -> set[str]:
    return {one.code for one in judge(declared, {}) if one.refuses}


def test_a_sound_declaration_only_gets_notes_that_name_everything_in_it():
    found = judge(GOOD, {("admin", "parameters", "per-page"): 7})
    assert {one.code for one in found} == {"admin.declares"}
    assert [one.line for one in found if "per-page" in one.what] == [7]
    assert [one.what.partition(":")[0] for one in found] == list(described(GOOD))


def test_a_bundle_without_the_section_gets_no_note():
    assert judge(None, {}) == ()


@pytest.mark.parametrize(
    ("code", "change"),
    [
        ("admin.bounds", {"parameters": (replace(PAGES, kind=WholeNumber(50, 1)),)}),
        ("admin.bounds", {"algorithms": (replace(ORDER, kind=Choice(("newest",))),)}),
        ("admin.default", {"parameters": (replace(PAGES, default="51"),)}),
        ("admin.default", {"algorithms": (replace(ORDER, default="oldest"),)}),
        ("admin.default", {"parameters": (replace(PAGES, kind=Switch()),)}),
        ("admin.bounds", {"statistics": (replace(DAILY, least=20),)}),
        ("admin.bins", {"statistics": (replace(DAILY, bins=(3,)),)}),
        ("admin.bins", {"statistics": (replace(DAILY, query="histogram"),)}),
        ("admin.bins", {"statistics": (replace(DAILY, query="histogram", bins=(5, 3)),)}),
        ("admin.bins", {"statistics": (replace(DAILY, query="histogram", bins=(0, 3)),)}),
        ("admin.budget", {"statistics": (replace(DAILY, budget=499),)}),
        ("admin.budget", {"statistics": (replace(DAILY, epsilon=1),)}),
        ("admin.least-count", {"statistics": (replace(DAILY, least_count=4),)}),
    ],
)
def test_what_makes_no_sense_is_refused(code, change):
    assert broken(replace(GOOD, **change)) == {code}


def test_much_privacy_loss_is_pointed_out_and_may_be_voted_on():
    much = replace(GOOD, statistics=(replace(DAILY, budget=9_000),))
    assert "admin.epsilon" in {one.code for one in judge(much, {})}
    assert not broken(much)
