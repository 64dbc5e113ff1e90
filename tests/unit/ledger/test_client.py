"""A light client takes only what grows from what it knows, and keeps the proof against who lied."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from cyberprivacy.errors import CyberPrivacyError, Untrusted
from cyberprivacy.ledger import client as clients
from cyberprivacy.ledger.checkpoint import Checkpoint
from cyberprivacy.ledger.client import Fork, LightClient
from cyberprivacy.ledger.disk import LedgerFull
from cyberprivacy.ledger.fork import ForkEvidence
from cyberprivacy.ledger.log import Head
from cyberprivacy.ledger.note import Note
from cyberprivacy.ledger.reading import Missing
from cyberprivacy.ledger.shelf import Shelf
from cyberprivacy.ledger.signers import Kind, Signer
from cyberprivacy.ledger.trust import Trust
from cyberprivacy.testing.witnesses import LOG, ORIGIN

NOW = 1_800_000_000
ANNA = Signer.of("anna.example", Kind.COSIGNER, bytes([1]) * 32)
BERT = Signer.of("bert.example", Kind.COSIGNER_PQ, bytes([2]) * 32)
TRUST = Trust.of(ORIGIN, [LOG.verifier], [ANNA.verifier, BERT.verifier], quorum=1, max_age=3600)


class Published:
    """A log in memory that signs whatever a test asks for; a `reading.Source`."""

    name = "published"

    def __init__(self, folder: Path, *, fork: int = 1 << 40) -> None:
        self._folder, self._fork = folder / f"log-{fork}", fork
        self._shelf = Shelf(self._folder)
        self.data = b""
        self.hide: set[str] = set()

    def grow(self, size: int, *, signers: Iterable[Signer] = (LOG, ANNA), time: int = NOW) -> "Published":
        start = self._shelf.size
        self._shelf.add(b"%d%s" % (at, b" other" * (at >= self._fork)) for at in range(start, size))
        self._shelf.flush()
        return self.sign(Head(size, self._shelf.root()), signers=signers, time=time)

    def sign(self, head: Head, *, signers: Iterable[Signer] = (LOG, ANNA), time: int = NOW) -> "Published":
        checkpoint = Checkpoint(ORIGIN, head.size, head.root)
        self.data = Note(checkpoint.text, tuple(each.sign(checkpoint, time=time) for each in signers)).encode()
        return self

    def read(self, path: str, limit: int) -> bytes | None:
        if path == "checkpoint":
            return self.data
        file = self._folder / path
        return file.read_bytes() if file.is_file() and path not in self.hide else None


@pytest.fixture
def client(tmp_path: Path) -> LightClient:
    return LightClient(TRUST, tmp_path / "memory", clock=lambda: NOW)


def code(client: LightClient, source: Published) -> str:
    with pytest.raises(CyberPrivacyError) as refusal:
        client.update(source)
    return refusal.value.code


def test_it_follows_a_log_that_grows(client: LightClient, tmp_path: Path) -> None:
    log = Published(tmp_path)
    assert client.remembered() is None
    for size in (0, 1, 5, 5, 256, 700):
        reader, head = client.update(log.grow(size))
        assert len(list(reader.entries())) == size
        assert client.remembered() == head
    again = LightClient(TRUST, tmp_path / "memory", clock=lambda: NOW)
    assert again.remembered() == head


@pytest.mark.parametrize("known", [4, 5, 8, 256, 300])
@pytest.mark.parametrize("more", [0, 1, 60, 300])
def test_a_fork_is_refused_and_proven(client: LightClient, tmp_path: Path, known: int, more: int) -> None:
    client.update(Published(tmp_path).grow(known))
    other = Published(tmp_path, fork=2).grow(known + more, signers=(LOG,))  # not even witnessed
    with pytest.raises(Fork) as refusal:
        client.update(other)
    data = Path(str(refusal.value.facts["evidence"])).read_bytes()
    evidence = ForkEvidence.parse(data)
    assert evidence.encode() == data
    assert evidence.sizes == (known, known + more)
    evidence.check(Trust.of(ORIGIN, [LOG.verifier]))  # anybody can
    assert client.remembered() is not None
    assert client.remembered().checkpoint.size == known  # type: ignore[union-attr]
    stranger = Trust.of(ORIGIN, [Signer.of(ORIGIN, Kind.LOG, bytes(32)).verifier])
    with pytest.raises(Untrusted):
        evidence.check(stranger)


def test_a_shorter_head_is_a_rollback_or_a_fork_when_its_tiles_tell(client: LightClient, tmp_path: Path) -> None:
    log = Published(tmp_path)
    early = log.grow(5).data
    client.update(log.grow(300))
    late, log.data = log.data, early
    assert code(client, log) == "log.rollback"  # replayed
    log.hide = {"tile/0/000", "tile/0/001.p/44"}
    assert code(client, log) == "log.rollback"  # a mirror that lags has no later tiles
    log.hide = set()
    fork = Published(tmp_path, fork=2).grow(5)
    log.data = fork.data
    assert code(client, log) == "log.fork"
    log.data = late
    client.update(log)


def test_nobody_is_accused_by_a_document_that_proves_nothing(client: LightClient, tmp_path: Path) -> None:
    log = Published(tmp_path)
    early = log.grow(5).data
    reader, head = client.update(log.grow(9))
    proof = clients.consistency_proof(reader.node, 5, 9)
    past = Checkpoint.parse(Note.parse(early).text).root
    for wrong in (
        ForkEvidence(early, log.data, past, proof),
        ForkEvidence(early, log.data, bytes(32), proof),
        ForkEvidence(early, log.data, past, ()),
        ForkEvidence(log.data, early, past, proof),
        ForkEvidence(log.data, log.data, head.checkpoint.root, ()),
    ):
        with pytest.raises(Untrusted):
            wrong.check(TRUST)
    for data in (
        b"",
        b"{}",
        b'{"v":1}',
        ForkEvidence(early, log.data, past, proof).encode().replace(b'"v":1', b'"v":2'),
    ):
        with pytest.raises(Untrusted):
            ForkEvidence.parse(data)


def test_each_other_refusal_has_its_code_and_changes_nothing(client: LightClient, tmp_path: Path) -> None:
    log = Published(tmp_path)
    client.update(log.grow(5))
    before = client.remembered()
    stranger = Signer.of(ORIGIN, Kind.LOG, bytes(32))
    assert code(client, log.grow(7, signers=(LOG,))) == "log.quorum"
    assert code(client, log.grow(7, signers=(stranger, ANNA))) == "log.unknown-key"
    assert code(client, log.grow(7, time=NOW - 3601)) == "log.stale"
    assert code(client, log.grow(7, time=NOW + 3601)) == "log.quorum"
    log.grow(7)
    log.hide = {"tile/0/000.p/7"}
    assert code(client, log) == "log.missing"
    log.data = log.data.replace(b"log.example", b"gol.example")
    assert code(client, log) == "log.origin"
    log.data = b"<html>"
    assert code(client, log) == "note.form"
    log.data = None  # type: ignore[assignment]
    with pytest.raises(Missing):
        client.update(log)
    assert client.remembered() == before


def test_tiles_of_another_log_are_no_fork(client: LightClient, tmp_path: Path) -> None:
    """A mirror that lies must not be able to accuse the log."""
    log = Published(tmp_path)
    client.update(log.grow(5))
    honest = log.grow(9).data
    liar = Published(tmp_path, fork=2).grow(9)
    liar.data = honest
    assert code(client, liar) == "log.root"
    assert not list((tmp_path / "memory").glob("fork-*"))


def test_a_damaged_memory_is_said_and_not_begun_anew(client: LightClient, tmp_path: Path) -> None:
    log = Published(tmp_path)
    client.update(log.grow(5))
    (file,) = (tmp_path / "memory").glob("*.checkpoint")
    file.write_bytes(file.read_bytes()[:-5])
    assert code(client, log) == "log.memory"


def test_what_another_process_has_seen_meanwhile_is_not_forgotten(client: LightClient, tmp_path: Path) -> None:
    log, other = Published(tmp_path), LightClient(TRUST, tmp_path / "memory", clock=lambda: NOW)
    client.update(log.grow(5))
    early, read = log.grow(7).data, log.read

    def slow(path: str, limit: int) -> bytes | None:
        if path != "checkpoint":
            return read(path, limit)
        log.read = read  # type: ignore[method-assign]
        other.update(log.grow(9))
        return early

    log.read = slow  # type: ignore[method-assign]
    assert code(client, log) == "log.rollback"
    assert client.remembered().checkpoint.size == 9  # type: ignore[union-attr]


def test_a_full_disk_keeps_what_was_remembered(
    client: LightClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = Published(tmp_path)
    client.update(log.grow(5))

    def full(*_: object) -> None:
        raise LedgerFull("no space")

    monkeypatch.setattr(clients, "replace", full)
    assert code(client, log.grow(6)) == "ledger.full"
    monkeypatch.undo()
    assert client.remembered().checkpoint.size == 5  # type: ignore[union-attr]
