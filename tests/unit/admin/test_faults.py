"""Whatever dies, and whenever: no budget is exceeded, no act happens unrecorded, none that happened is lost."""

import json
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from cyberprivacy.admin.refusals import BudgetSpent, Replayed
from cyberprivacy.admin.request import Act
from cyberprivacy.ledger.log import Entry, FileLedger
from cyberprivacy.testing.administration import NOW, Administrator, AppNumbers, Counter, people, standing
from cyberprivacy.testing.clock import StandingClock


class Killed(BaseException):
    """The process ends here."""


class MortalLedger(FileLedger):
    """Dies before or after the write number `fatal`, counted from the last birth."""

    fatal, after = -1, False

    def append(self, kind: str, facts: Mapping[str, object]) -> Entry:
        self.fatal -= 1
        if self.fatal == 0 and not self.after:
            raise Killed
        entry = super().append(kind, facts)
        if self.fatal == 0:
            raise Killed
        return entry


class MortalNumbers(AppNumbers):
    """Dies while the application is being asked."""

    fatal = False

    def contributions(self, statistic: str) -> bytes:
        if self.fatal:
            raise Killed
        return super().contributions(statistic)


LIVES = st.lists(
    st.tuples(
        st.integers(1, 6), st.booleans(), st.booleans(), st.lists(st.integers(0, 60), min_size=1, max_size=5)
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=25, deadline=None)
@given(LIVES)
def test_a_node_that_dies_anywhere_exceeds_no_budget_and_loses_no_act(lives):
    """Each life ends at some write, or in the middle of a question. The naive model is what `handle` returned."""
    ada, answers, last = Administrator(), 0, 20
    with tempfile.TemporaryDirectory() as folder:
        for fatal, after, question, acts in lives:
            ledger = MortalLedger(Path(folder, "log"), clock=StandingClock(NOW))
            counter = Counter(ledger, Path(folder, "public"), numbers=MortalNumbers(people(50)))
            office = counter.office()
            present = json.loads(office.file(standing()))["parameters"]["per-page"]
            last = present if present == maybe(last, ledger) else last
            assert present == last
            ledger.fatal, ledger.after, counter.numbers.fatal = fatal, after, question
            try:
                for number in acts:
                    if number == 0 or number > 50:
                        try:
                            office.handle(ada.asks(Act.ASK, "daily"))
                            answers += 1
                        except BudgetSpent:
                            pass
                    else:
                        office.handle(ada.asks(Act.SET, "per-page", str(number)))
                        last = number
            except Killed:
                pass
            asked = [
                each for each in ledger.entries() if each.kind == "admin.requested" and each.facts["act"] == "ask"
            ]
            assert answers <= len(asked) <= 4
            ledger.close()


def maybe(last: int, ledger: FileLedger) -> int:
    """What the ledger says: an act may have happened without its answer having been heard."""
    entries = list(ledger.entries())
    done = {each.facts["request"] for each in entries if each.kind == "admin.done"}
    turned = [each for each in entries if each.index in done and each.facts["act"] == "set"]
    return int(str(turned[-1].facts["value"])) if turned else last


def test_many_who_ask_at_once_exceed_no_budget(counter):
    office, ada = counter.office(), Administrator()
    bodies = [ada.asks(Act.ASK, "daily") for _ in range(24)]

    def ask(body: bytes) -> str:
        try:
            office.handle(body)
        except (BudgetSpent, Replayed) as refusal:
            return refusal.code
        return "answered"

    with ThreadPoolExecutor(8) as threads:
        told = list(threads.map(ask, bodies))
    assert 1 <= told.count("answered") <= 4
    assert counter.noise.loss == 500 * told.count("answered")
    assert counter.kinds().count("admin.requested") == told.count("answered")


ASKER = """
import sys
from pathlib import Path
from cyberprivacy.admin.request import Act
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.testing.administration import NOW, Administrator, Counter
from cyberprivacy.testing.clock import StandingClock

ada, clock = Administrator(), StandingClock(NOW)
ada.nonce = int(sys.argv[2])
office = Counter(FileLedger(Path(sys.argv[1]), clock=clock), Path(sys.argv[1] + "-public"), clock).office()
for _ in range(6):
    try:
        office.handle(ada.asks(Act.ASK, "daily"))
        print("answered", flush=True)
    except CyberPrivacyError as refusal:
        print(refusal.code, flush=True)
"""


def test_kill_9_in_the_middle_exceeds_no_budget(tmp_path):
    told: list[str] = []
    for life in range(3):
        command = [sys.executable, "-c", ASKER, str(tmp_path / "log"), str(life * 100)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None
            told.append(process.stdout.readline().strip())
            if life < 2:
                process.kill()  # somewhere in the next question
            told += process.stdout.read().split()
    assert 1 <= told.count("answered") <= 4
    assert told[-1] == "admin.spent"
    ledger = FileLedger(tmp_path / "log", clock=StandingClock(NOW))
    assert [each.kind for each in ledger.entries()].count("admin.requested") == 4
    ledger.close()
