"""What a start puts on record: a key that is born, one that is lost, and the configuration that was read."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from cyberprivacy.attest.identity import TlsIdentity
from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.node.application import Application
from cyberprivacy.node.beginnings import KEY_BORN, KEY_LOST, STARTED, record_start

ONE = {"account": "0xA", "measurement": "0xB", "nodeKey": "0x01"}
TWO = {**ONE, "nodeKey": "0x02"}


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[FileLedger]:
    made = FileLedger(tmp_path / "ledger", clock=lambda: 1_800_000_000)
    yield made
    made.close()


def test_the_first_start_says_that_a_key_is_born_and_the_next_ones_only_that_they_are_starts(
    ledger: FileLedger,
) -> None:
    record_start(ledger, ONE, bytes([7]) * 32)
    record_start(ledger, ONE, b"")
    assert [(entry.kind, dict(entry.facts)) for entry in ledger.entries()] == [
        (KEY_BORN, {"nodeKey": "0x01"}),
        (STARTED, {**ONE, "configuration": "07" * 32}),
        (STARTED, {**ONE, "configuration": ""}),
    ]
    assert (KEY_BORN, KEY_LOST, STARTED) == ("node.key-born", "node.key-lost", "node.started")


def test_another_key_than_at_the_last_start_is_a_lost_one_each_time(ledger: FileLedger) -> None:
    for identity in (ONE, TWO, TWO, ONE):
        record_start(ledger, identity, b"")
    lost = [dict(entry.facts) for entry in ledger.entries() if entry.kind == KEY_LOST]
    assert lost == [{"nodeKey": "0x02", "before": "0x01"}, {"nodeKey": "0x01", "before": "0x02"}]


def test_a_node_that_cannot_record_its_start_does_not_start(
    ledger: FileLedger, monkeypatch: pytest.MonkeyPatch
) -> None:
    from cyberprivacy.ledger.disk import LedgerFull

    def full(*_: object) -> None:
        raise LedgerFull("full")

    monkeypatch.setattr(FileLedger, "append", full)
    with pytest.raises(LedgerFull):
        record_start(ledger, ONE, b"")


def test_a_new_tls_key_is_on_record_with_its_end_when_the_front_has_it(ledger: FileLedger) -> None:
    given: list[bytes] = []
    front = SimpleNamespace(renew=lambda _name, pem: given.append(pem))
    shared = SimpleNamespace(ledger=ledger, assembly=SimpleNamespace(front=front))
    about = SimpleNamespace(name="app", _served=SimpleNamespace(dao="0xDA0"), _shared=shared)
    tls = TlsIdentity.born(["localhost"], lifetime=600, now=1_800_000_000)
    Application._use(cast("Any", about), tls)
    (entry,) = ledger.entries()
    assert (entry.kind, entry.facts) == (
        "identity.renewed",
        {"dao": "0xDA0", "spki": tls.spki.hex(), "until": 1_800_000_600},
    )
    assert given == [tls.pem()]
