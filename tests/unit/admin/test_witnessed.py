"""Log before act: the executor takes what only the ledger makes, and everybody sees who had to see it."""

from dataclasses import replace
from pathlib import Path
from typing import get_type_hints

import pytest

from cyberprivacy.admin.executor import Executor
from cyberprivacy.admin.request import Act
from cyberprivacy.errors import Misuse
from cyberprivacy.ledger.publisher import Publisher
from cyberprivacy.ledger.trust import judge
from cyberprivacy.ledger.witnessed import WitnessedEntry, witnessed
from cyberprivacy.testing.administration import NOW, WITNESSES, Administrator, Counter, declared
from cyberprivacy.testing.witnesses import LOG


def test_nobody_can_act_without_a_witnessed_entry(counter):
    """The executor's one argument cannot be forged or changed, and an entry about something else is no request."""
    executor = Executor(counter.ledger, counter.numbers, counter.noise)
    entry = counter.ledger.append("admin.requested", {})
    with pytest.raises(Misuse) as forged:
        WitnessedEntry(entry=entry, proof=(), note=b"", witnesses=WITNESSES, quorum=2, seal=object())
    assert forged.value.code == "seal.forged"
    real = counter.public.log_before_act("release.built", {"act": "ask"})
    with pytest.raises(ValueError, match="seal"):
        replace(real, entry=entry)
    with pytest.raises(Misuse) as other:
        executor.execute(real, declared())
    assert other.value.code == "admin.entry"


def test_only_the_ledger_makes_witnessed_entries():
    """No other module names the seal or the constructor, and the executor takes nothing else."""
    rooms = Path(witnessed.__code__.co_filename).parents[1]
    makers = [
        str(path.relative_to(rooms)) for path in rooms.rglob("*.py")
        if "WitnessedEntry(" in path.read_text() or "witnessed import _" in path.read_text()
    ]  # fmt: skip
    assert makers == ["ledger/witnessed.py"]
    assert get_type_hints(Executor.execute)["recorded"] is WitnessedEntry


def test_an_entry_carries_its_proof_and_says_how_many_had_to_see_it(counter, tmp_path):
    seen = counter.public.log_before_act("admin.requested", {})
    assert (seen.quorum, seen.witnesses) == (2, WITNESSES)
    assert witnessed(seen.entry, seen.proof, seen.note, counter.public.trust, now=NOW) == seen
    alone = Publisher(counter.ledger, tmp_path / "alone", signers=[LOG], clock=counter.clock)
    unseen = alone.log_before_act("admin.requested", {})
    assert (unseen.quorum, unseen.witnesses) == (0, ())
    assert judge(unseen.note, alone.trust, now=NOW).checkpoint.size == unseen.entry.index + 1


def test_everybody_sees_who_must_have_seen_an_act(counter, tmp_path):
    assert counter.office().show()["witnesses"] == {"quorum": 2, "asked": list(WITNESSES)}
    alone = Counter(counter.ledger, tmp_path / "alone", counter.clock)
    assert alone.office().show()["witnesses"] == {"quorum": 0, "asked": []}
    told = alone.office().handle(Administrator().asks(Act.SET, "per-page", "30"))
    assert told["witnesses"] == []
