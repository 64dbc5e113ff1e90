"""What is no longer served ends where it can be ended; what cannot be ended yet keeps nobody else, and is tried again."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from cyberprivacy.deploy.deployment import PartlyKnown
from cyberprivacy.errors import TryLater
from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.node.assembly import application_name
from cyberprivacy.node.unserved import leave_unserved
from cyberprivacy.proposal.release import Address

DAOS = [Address("0x" + digit * 40) for digit in "123"]
FIRST, SECOND, SERVED = (application_name(dao) for dao in DAOS)


class Silent(TryLater):
    code = "test.silent"


class Place:
    """Runs applications; some of them cannot be ended now, and perhaps there are more."""

    def __init__(self) -> None:
        self.here = {FIRST, SECOND, SERVED}
        self.stuck: set[str] = set()
        self.silent = False
        self.shut: list[str | None] = []

    def names(self) -> frozenset[str]:
        if self.silent:
            raise PartlyKnown(Silent("no answer"), frozenset(self.here))
        return frozenset(self.here)

    def remove(self, name: str) -> None:
        if name in self.stuck:
            raise Silent("cannot be ended", app=name)
        self.here.discard(name)

    def stop(self, app: str | None = None) -> None:
        self.shut.append(app)


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[FileLedger]:
    ledger = FileLedger(tmp_path / "ledger.jsonl", clock=lambda: 1_700_000_000.0)
    for dao in DAOS:
        ledger.append("release.deployed", {"dao": dao})
    yield ledger
    ledger.close()


def told(ledger: FileLedger) -> list[object]:
    return [entry.facts["dao"] for entry in ledger.entries() if entry.kind == "release.stopped"]


def test_all_that_is_not_served_ends_and_is_told(ledger: FileLedger) -> None:
    place = Place()
    leave_unserved(place, place, ledger, {SERVED})
    assert place.here == {SERVED}
    assert sorted(map(str, place.shut)) == sorted([FIRST, SECOND])
    assert sorted(map(str, told(ledger))) == sorted(DAOS[:2])


def test_one_that_cannot_be_ended_keeps_no_other_and_is_tried_again(ledger: FileLedger) -> None:
    place = Place()
    for stuck in (FIRST, SECOND):  # whichever comes first by its name
        place.here, place.stuck = {FIRST, SECOND, SERVED}, {stuck}
        with pytest.raises(Silent):
            leave_unserved(place, place, ledger, {SERVED})
        assert place.here == {stuck, SERVED}
    place.stuck = set()
    leave_unserved(place, place, ledger, {SERVED})
    assert place.here == {SERVED}


def test_what_is_known_ends_also_where_somebody_else_is_silent(ledger: FileLedger) -> None:
    place = Place()
    place.silent = True
    with pytest.raises(PartlyKnown) as partly:
        leave_unserved(place, place, ledger, {SERVED})
    assert partly.value.code == "test.silent"
    assert place.here == {SERVED}
