from collections.abc import Iterator

import pytest

from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.testing.administration import NOW, WITNESSES, Counter
from cyberprivacy.testing.clock import StandingClock
from cyberprivacy.testing.witnesses import Bench


@pytest.fixture
def counter(tmp_path) -> Iterator[Counter]:
    clock = StandingClock(NOW)
    ledger = FileLedger(tmp_path / "ledger.jsonl", clock=clock)
    bench = Bench(tmp_path / "witnesses", WITNESSES, clock=clock)
    yield Counter(ledger, tmp_path / "log", clock, bench)
    for each in bench.witnesses.values():
        each.close()
    ledger.close()
