from collections.abc import Iterator

import pytest

from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.testing.administration import NOW, Counter
from cyberprivacy.testing.clock import StandingClock


@pytest.fixture
def counter(tmp_path) -> Iterator[Counter]:
    clock = StandingClock(NOW)
    ledger = FileLedger(tmp_path / "ledger.jsonl", clock=clock)
    yield Counter(ledger, clock)
    ledger.close()
