"""A new release keeps what it has room for; the rest goes back to its defaults, on record."""

import json
from dataclasses import replace

from cyberprivacy.admin.request import Act
from cyberprivacy.bundle.declared import WholeNumber
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.testing.administration import ORDER, PAGES, Administrator, declared, standing

OTHER = Cid.of(DAG_PB, b"release 2")


def values(office, serves):
    read = json.loads(office.file(serves))
    return {**read["parameters"], **read["algorithms"]}


def test_a_new_release_keeps_what_it_has_room_for_and_resets_the_rest_on_record(counter):
    office, ada = counter.office(), Administrator()
    office.handle(ada.asks(Act.SET, "per-page", "40"))
    office.handle(ada.asks(Act.CHOOSE, "order", "hearts"))
    wide = standing(declared(parameters=(replace(PAGES, kind=WholeNumber(1, 100)),)), OTHER)
    office.adopt(wide)
    assert values(office, wide) == {"per-page": 40, "order": "hearts"}
    narrow = standing(declared(parameters=(replace(PAGES, kind=WholeNumber(1, 30)),), algorithms=()), OTHER)
    assert values(office, narrow) == {"per-page": 20}  # its file is right before it serves
    office.adopt(narrow)
    office.adopt(narrow)
    resets = [dict(entry.facts) for entry in counter.ledger.entries() if entry.kind == "admin.reset"]
    assert [(each["act"], each["name"], each["value"], each["why"]) for each in resets] == [
        ("choose", "order", "hearts", "undeclared"),
        ("set", "per-page", "40", "bounds"),
    ]
    office.adopt(wide)  # what was dropped does not come back by itself
    assert values(office, wide) == {"per-page": 20, "order": "newest"}
    assert values(counter.office(wide), wide) == {"per-page": 20, "order": "newest"}


def test_a_value_that_was_left_long_ago_resets_nothing(counter):
    """Only what counts now, or will, has to fit the bounds of a new release."""
    office, ada = counter.office(), Administrator()
    for value in ("40", "10"):
        office.handle(ada.asks(Act.SET, "per-page", value))
    narrow = standing(declared(parameters=(replace(PAGES, kind=WholeNumber(1, 30)),)), OTHER)
    office.adopt(narrow)
    assert values(office, narrow)["per-page"] == 10
    assert "admin.reset" not in counter.kinds()


def test_a_value_that_is_coming_has_to_fit_a_new_release_too(counter):
    slow = standing(declared(delay=3600))
    office = counter.office(slow)
    office.handle(Administrator().asks(Act.SET, "per-page", "40"))
    narrow = standing(declared(parameters=(replace(PAGES, kind=WholeNumber(1, 30)),)), OTHER)
    office.adopt(narrow)
    assert counter.kinds()[-1] == "admin.reset"
    counter.clock.now += 3600
    assert values(office, narrow)["per-page"] == 20


def test_a_setting_that_becomes_an_algorithm_is_another_setting(counter):
    office = counter.office()
    office.handle(Administrator().asks(Act.CHOOSE, "order", "hearts"))
    office.adopt(turned := standing(declared(parameters=(ORDER,), algorithms=()), OTHER))
    assert values(office, turned) == {"order": "newest"}
    assert counter.kinds()[-1] == "admin.reset"
