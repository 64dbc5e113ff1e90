"""A witness cosigns what grew, once for each size, whoever asks and whatever fails."""

import os
import tempfile
from hashlib import sha256
from pathlib import Path
from threading import Thread

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule
from starlette.testclient import TestClient

from cyberprivacy.errors import Misuse
from cyberprivacy.ledger import disk
from cyberprivacy.ledger.log import LedgerDamaged, LedgerFull, LedgerTaken
from cyberprivacy.ledger.note import Note, Signature
from cyberprivacy.ledger.signers import Kind, Signer
from cyberprivacy.ledger.submission import MAX_REQUEST, Submission
from cyberprivacy.ledger.witness import Witness, WrongClock
from cyberprivacy.ledger.witness_api import witness_application
from cyberprivacy.testing.witnesses import LOG, ORIGIN, PaperLog

NOW = 1_800_000_000
SIGNERS = [
    Signer.of("anna.example", Kind.COSIGNER, bytes([1]) * 32),
    Signer.of("anna.example", Kind.COSIGNER_PQ, bytes([2]) * 32),
]
HONEST, OTHER = PaperLog(), PaperLog(fork=3)


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def witness(tmp_path: Path, clock: Clock) -> Witness:
    return open_witness(tmp_path, clock)


def open_witness(folder: Path, clock: Clock) -> Witness:
    return Witness(folder / "witness", signers=SIGNERS, logs={ORIGIN: [LOG.verifier]}, clock=clock)


def ask(witness: Witness, old: int, new: int, log: PaperLog = HONEST) -> int:
    return witness.add_checkpoint(log.submission(old, new).encode()).status


def test_a_head_that_grew_gets_a_line_of_each_key(witness: Witness) -> None:
    for old, new in ((0, 0), (0, 3), (3, 3), (3, 300)):
        reply = witness.add_checkpoint(HONEST.submission(old, new).encode())
        assert reply.status == 200
        lines = [Signature.parse(line) for line in reply.body.decode().splitlines(keepends=True)]
        text = HONEST.head(new).text
        assert [each.verifier.verify(text, line) for each, line in zip(SIGNERS, lines, strict=True)] == [NOW, NOW]


def test_each_refusal_has_the_status_of_the_specification(witness: Witness) -> None:
    assert ask(witness, 0, 7) == 200
    conflict = witness.add_checkpoint(HONEST.submission(5, 9).encode())
    assert (conflict.status, conflict.body, conflict.type) == (409, b"7\n", "text/x.tlog.size")
    good = HONEST.submission(7, 9)
    bodies = {
        404: PaperLog(signer=Signer.of("log.example/two", Kind.LOG, bytes(32))).submission(0, 9).encode(),
        403: Submission(
            7, good.proof, Note(good.note.text, ()).with_signatures(strangers()), good.checkpoint
        ).encode(),
        400: HONEST.submission(9, 7).encode(),
        422: Submission(7, good.proof[:-1], good.note, good.checkpoint).encode(),
    }
    assert {status: witness.add_checkpoint(body).status for status, body in bodies.items()} == {
        status: status for status in bodies
    }
    forged = Note(HONEST.head(8).text, good.note.signatures)
    assert witness.add_checkpoint(Submission(7, good.proof, forged, good.checkpoint).encode()).status == 403
    assert ask(witness, 7, 9, OTHER) == 422
    assert ask(witness, 7, 7, OTHER) == 422
    assert ask(witness, 7, 9) == 200


def strangers() -> tuple[Signature, ...]:
    return (Signer.of(ORIGIN, Kind.LOG, bytes([77]) * 32).sign(HONEST.head(9), time=1),)


def test_an_empty_log_has_one_root(witness: Witness) -> None:
    head = HONEST.head(0)
    wrong = type(head)(ORIGIN, 0, bytes(32))
    body = Submission(0, (), Note(wrong.text, (LOG.sign(wrong, time=1),)), wrong).encode()
    assert witness.add_checkpoint(body).status == 422


GOOD = HONEST.submission(0, 5).encode()


@pytest.mark.parametrize(
    "body",
    [
        *(b"", b"old 0\n", GOOD[1:], GOOD.replace(b"old 0", b"old 00"), GOOD.replace(b"old 0", b"old  0")),
        *(
            GOOD.replace(b"old 0", b"old -1"),
            GOOD.replace(b"old 0", b"old " + b"9" * 30),
            GOOD.replace(b"\n\n", b"\n"),
        ),
        GOOD.replace(b"old 0\n", b"old 0\n" + b"A" * 43 + b"=\n" * 1 + b"AAAA\n"),
        GOOD.replace(b"old 0\n", b"old 0\n" + (b"A" * 43 + b"=\n") * 64),
        GOOD.replace(b"old 0\n", b"old 0\n\xff\n"),
        GOOD.replace(b"\n", b"\r\n"),
        bytes(MAX_REQUEST + 1),
    ],
)
def test_nonsense_is_answered_with_400(witness: Witness, body: bytes) -> None:
    assert witness.add_checkpoint(body).status == 400


def test_what_was_cosigned_is_remembered_after_a_restart(witness: Witness, tmp_path: Path, clock: Clock) -> None:
    assert ask(witness, 0, 7) == 200
    witness.close()
    again = open_witness(tmp_path, clock)
    assert ask(again, 0, 7, OTHER) == 409
    assert ask(again, 7, 7, OTHER) == 422
    assert ask(again, 7, 8) == 200


def test_a_disk_that_refuses_leaves_nothing_signed(
    witness: Witness, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    assert ask(witness, 0, 3) == 200
    monkeypatch.setattr(disk.os, "fsync", full)
    with pytest.raises(LedgerFull):
        ask(witness, 3, 5, OTHER)
    monkeypatch.undo()
    assert ask(witness, 3, 5) == 200
    assert not list((tmp_path / "witness").glob(".*part"))


def test_a_clock_that_went_back_signs_nothing(witness: Witness, clock: Clock) -> None:
    assert ask(witness, 0, 3) == 200
    clock.now -= 1
    with pytest.raises(WrongClock):
        ask(witness, 3, 5)
    clock.now += 1
    assert ask(witness, 3, 5) == 200


@pytest.mark.parametrize("cut", [1, 40, 2000])
def test_a_damaged_memory_is_refused(witness: Witness, tmp_path: Path, clock: Clock, cut: int) -> None:
    assert ask(witness, 0, 3) == 200
    witness.close()
    (path,) = (each for each in (tmp_path / "witness").iterdir() if each.name != "lock")
    os.truncate(path, path.stat().st_size - cut)
    for _ in range(2):
        with pytest.raises(LedgerDamaged) as refusal:
            open_witness(tmp_path, clock)
    assert refusal.value.code == "witness.damaged"
    path.write_bytes(HONEST.note(2).encode())  # true, but not ours
    with pytest.raises(LedgerDamaged):
        open_witness(tmp_path, clock)


def test_a_witness_is_one_process_and_has_keys_of_its_own(witness: Witness, tmp_path: Path, clock: Clock) -> None:
    with pytest.raises(LedgerTaken):
        open_witness(tmp_path, clock)
    for signers in ([], [LOG], [*SIGNERS, Signer.of("bert.example", Kind.COSIGNER, bytes(32))]):
        with pytest.raises(Misuse):
            Witness(tmp_path / "other", signers=signers, logs={}, clock=clock)
    assert ask(witness, 0, 1) == 200


def test_two_forks_that_race_get_one_signature_for_a_size(witness: Witness) -> None:
    answers: list[int] = []
    racers = [
        Thread(target=lambda log=log: answers.append(ask(witness, 0, 50, log))) for log in (HONEST, OTHER) * 4
    ]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join()
    assert sorted(answers) == [200, *[409] * 7]


def test_over_http(witness: Witness) -> None:
    client = TestClient(witness_application(witness))
    shown = f"/{sha256(ORIGIN.encode()).hexdigest()}/checkpoint"
    assert client.get(shown).status_code == 404
    reply = client.post("/add-checkpoint", content=HONEST.submission(0, 7).encode())
    assert (reply.status_code, reply.text.count("— anna.example ")) == (200, 2)
    newest = client.get(shown).content
    assert [line.name for line in Note.parse(newest).signatures] == [ORIGIN, "anna.example", "anna.example"]
    conflict = client.post("/add-checkpoint", content=HONEST.submission(0, 7).encode())
    assert (conflict.status_code, conflict.text, conflict.headers["content-type"]) == (
        409,
        "7\n",
        "text/x.tlog.size",
    )
    assert client.post("/add-checkpoint", content=bytes(MAX_REQUEST + 1)).status_code == 413
    assert client.get("/add-checkpoint").status_code == 405


class WitnessMachine(RuleBasedStateMachine):
    """Anything is asked, in any order, with restarts; a dictionary is the judge."""

    def __init__(self) -> None:
        super().__init__()
        self.place = tempfile.TemporaryDirectory()
        self.clock = Clock()
        self.witness = open_witness(Path(self.place.name), self.clock)
        self.known: tuple[int, bool] = (0, False)  # size, and whether it is past the fork
        self.signed: dict[int, bytes] = {}

    sizes = st.integers(0, 20)

    @rule(old=sizes, new=sizes, forked=st.booleans())
    def somebody_asks(self, old: int, new: int, forked: bool) -> None:
        log = OTHER if forked else HONEST
        size, on_fork = self.known
        status = ask(self.witness, old, new, log)
        if old > new:
            assert status == 400
        elif old != size:
            assert status == 409
        elif size > 3 and forked != on_fork:
            assert status == 422
        else:
            assert status == 200
            root = log.head(new).root
            assert self.signed.setdefault(new, root) == root  # never two heads of one size
            self.known = (new, forked)

    @rule()
    def it_is_restarted(self) -> None:
        self.witness.close()
        self.clock.now += 1
        self.witness = open_witness(Path(self.place.name), self.clock)

    @invariant()
    def it_never_went_back(self) -> None:
        assert self.known[0] == max(self.signed, default=0)

    def teardown(self) -> None:
        self.witness.close()
        self.place.cleanup()


TestWitnessMachine = WitnessMachine.TestCase
TestWitnessMachine.settings = settings(max_examples=25, stateful_step_count=20, deadline=None)
