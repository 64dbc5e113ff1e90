"""`cyberprivacy log`: against a folder and over HTTP; what is printed was proven."""

import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from cyberprivacy.cli import run
from cyberprivacy.ledger.http_witness import HttpWitness, Silent
from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.ledger.publisher import Publisher
from cyberprivacy.ledger.quorum import Quorum
from cyberprivacy.ledger.reading import FolderSource
from cyberprivacy.ledger.signers import Kind, Signer
from cyberprivacy.ledger.witness import Witness
from cyberprivacy.ledger.witness_api import witness_application
from cyberprivacy.node.api import PREFIX
from cyberprivacy.node.logfiles import log_files
from cyberprivacy.testing.witnesses import ORIGIN

SIGNERS = (Signer.of(ORIGIN, Kind.LOG, bytes([1]) * 32), Signer.of(ORIGIN, Kind.COSIGNER_PQ, bytes([2]) * 32))
ANNA = Signer.of("anna.example", Kind.COSIGNER, bytes([3]) * 32)
KEYS = [word for signer in SIGNERS for word in ("--key", signer.verifier.encode())]
WITNESS = ["--witness", ANNA.verifier.encode()]


class Town:
    """A log that a witness sees, on a web server."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.ledger = FileLedger(folder / "ledger", clock=time.time)
        self.witness = Witness(
            folder / "anna", signers=[ANNA], logs={ORIGIN: [each.verifier for each in SIGNERS]}, clock=time.time
        )
        self.public = folder / "log" / "public"
        api = Starlette(
            routes=[
                Mount("/witness", witness_application(self.witness)),
                log_files(f"{PREFIX}/log", FolderSource(self.public)),
            ]
        )
        self.server = uvicorn.Server(uvicorn.Config(api, log_config=None, access_log=False))
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self._socket]})
        self._thread.start()
        self.publisher = self.publisher_of(self.ledger, "log")

    def publisher_of(self, ledger: FileLedger, name: str) -> Publisher:
        quorum = Quorum(
            {ANNA.name: HttpWitness(f"{self.url}/witness")}, {ANNA.name: (ANNA.verifier,)}, needed=1, deadline=10
        )
        return Publisher(ledger, self.folder / name, signers=SIGNERS, clock=time.time, quorum=quorum)

    def log(self, *kinds: str) -> None:
        self.ledger.extend([(kind, {"why": "vote"}) for kind in kinds])
        self.publisher.publish()

    def close(self) -> None:
        self.server.should_exit = True
        self._thread.join()
        self._socket.close()
        self.witness.close()
        self.ledger.close()


@pytest.fixture
def town(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Town]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    made = Town(tmp_path)
    made.log("release.fetched", "release.built", "release.deployed")
    yield made
    made.close()


@pytest.fixture
def say(capsys: pytest.CaptureFixture[str]) -> Any:
    def typed(code: int, *words: str) -> Any:
        assert run(["log", *words, *KEYS, *WITNESS]) == code, capsys.readouterr()
        said = capsys.readouterr().out
        return json.loads(said) if "--json" in words else said

    return typed


@pytest.mark.parametrize("way", ["web", "folder"])
def test_entries_are_shown_with_who_has_seen_them(town: Town, say: Any, way: str) -> None:
    where = town.url if way == "web" else str(town.public)
    said = say(0, "show", where)
    assert [kind for kind in ("release.fetched", "release.built", "release.deployed") if kind in said]
    assert "3 entries" in said
    assert "seen by anna.example" in said
    found = say(0, "show", where, "--from", "1", "--count", "1", "--json")
    assert [(each["index"], each["entry"]["kind"]) for each in found["entries"]] == [(1, "release.built")]
    assert say(0, "show", where, "--from", "9", "--json")["entries"] == []


def test_a_proof_is_checked_without_a_network_and_a_changed_one_is_refused(
    town: Town, say: Any, tmp_path: Path
) -> None:
    file = tmp_path / "1.tlog-proof"
    say(0, "prove", town.url, "--index", "1", "--save", str(file))
    assert say(0, "verify", str(file), "--json")["entry"]["entry"]["kind"] == "release.built"
    proof = file.read_text()
    file.write_text(proof.replace("index 1", "index 0"))
    assert say(1, "verify", str(file), "--json")["error"] == "log.proof"
    file.write_text(proof.replace("extra ", "extra AAAA"))
    assert say(1, "verify", str(file), "--json")["error"] == "log.proof"
    file.write_text(proof.replace("index 1", "index 01"))
    assert say(1, "verify", str(file), "--json")["error"] == "proof.form"
    assert say(2, "prove", town.url, "--index", "3", "--json")["error"] == "log.index"


def test_a_mirror_is_as_good_as_the_log_and_goes_on_where_it_stopped(town: Town, say: Any, tmp_path: Path) -> None:
    copy = tmp_path / "copy"
    assert say(0, "mirror", town.url, "--to", str(copy), "--json")["written"] == 2
    assert say(0, "mirror", town.url, "--to", str(copy), "--json")["written"] == 0
    (copy / "tile/entries/000.p/3").write_bytes(b"broken")
    assert say(1, "verify", str(copy), "--json")["error"] == "log.bundle"
    assert say(0, "mirror", town.url, "--to", str(copy), "--json")["written"] == 1
    town.log(*["n"] * 300)
    assert say(0, "mirror", town.url, "--to", str(copy), "--json")["written"] == 5
    assert say(0, "verify", str(copy), "--json")["checked"] == 303
    assert (copy / "checkpoint").read_bytes() == (town.public / "checkpoint").read_bytes()


def test_follow_tells_each_entry_once(town: Town, say: Any) -> None:
    assert len(say(0, "follow", town.url, "--once").splitlines()) == 3
    assert say(0, "follow", town.url, "--once") == ""
    town.log("release.stopped")
    (line,) = say(0, "follow", town.url, "--once").splitlines()
    assert "release.stopped" in line


def test_a_log_with_two_pasts_is_refused_and_proven(town: Town, say: Any, tmp_path: Path) -> None:
    say(0, "show", town.url)
    other = FileLedger(tmp_path / "other", clock=lambda: 1)
    other.extend([("another.past", {})] * 5)
    lie = Publisher(other, tmp_path / "lie", signers=SIGNERS, clock=time.time)
    lie.publish()
    refusal = say(1, "show", str(lie.public), "--json")
    assert refusal["error"] == "log.fork"
    assert say(0, "verify", refusal["facts"]["evidence"], "--json")["fork"] == [3, 5]
    other.close()


def test_what_is_asked_wrongly_is_misuse(town: Town, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for words, code, error in (
        (["show", town.url], 2, "log.keys"),
        (["show", town.url, "--key", "x"], 2, "note.key"),
        (["show", str(tmp_path / "nowhere"), *KEYS], 2, "log.source"),
        (["show", "http://127.0.0.1:1", *KEYS], 3, "log.unreachable"),
        (["show", f"{town.url}/nothing", *KEYS], 3, "log.missing"),
        (["show", town.url, *KEYS, *WITNESS, "--quorum", "2"], 2, "log.trust"),
        (["show", town.url, "--key", SIGNERS[0].verifier.encode(), "--max-age", "60"], 1, "log.undated"),
    ):
        assert run(["log", *words, "--json"]) == code
        assert json.loads(capsys.readouterr().out)["error"] == error


def test_nothing_in_an_entry_steers_a_terminal(town: Town, say: Any) -> None:
    town.ledger.extend([("evil", {"text": "\u009b2J\u202e"})])
    town.publisher.publish()
    said = say(0, "show", town.url)
    assert "\u009b" not in said
    assert "\u202e" not in said


def test_a_witness_that_is_not_there_is_silent(town: Town) -> None:
    with pytest.raises(Silent):
        HttpWitness("http://127.0.0.1:1").submit(b"", timeout=1)
    status, _body = HttpWitness(f"{town.url}/witness").submit(b"nonsense", timeout=5)
    assert status == 400
