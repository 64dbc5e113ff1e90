"""A witness of its own, over HTTP: it cosigns what grew, keeps pace, and remembers before it answers."""

import http.client
import json
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from cyberprivacy.cli import run
from cyberprivacy.errors import Misuse, TryLater
from cyberprivacy.ledger import witness_api
from cyberprivacy.ledger.log import LedgerTaken
from cyberprivacy.ledger.submission import MAX_REQUEST
from cyberprivacy.node import circle_api, standalone
from cyberprivacy.node.circle import PATH, Other, Watching, hashed
from cyberprivacy.node.pacing import Pace
from cyberprivacy.node.tables import BadConfig, Endpoint
from cyberprivacy.testing.town import free_port
from cyberprivacy.testing.witnesses import LOG, ORIGIN, PaperLog


class Place:
    """A witness that runs, for a log that answers nobody."""

    def __init__(self, folder: Path) -> None:
        self.data, port = folder / "data", free_port()
        watching = Watching((Other(f"http://127.0.0.1:{free_port()}", (LOG.verifier,), ()),))
        self.settings = standalone.Settings(self.data, Endpoint("127.0.0.1", port), watching)
        self.witness = standalone.StandaloneWitness(self.settings, clock=time.time)
        self.url, self.stop = f"http://127.0.0.1:{port}{PATH}", threading.Event()
        self._thread = threading.Thread(target=self.witness.run, args=(self.stop, self.witness.bind()))
        self._thread.start()
        self.client = httpx2.Client(trust_env=False)

    def asked(self, old: int, size: int) -> httpx2.Response:
        return self.client.post(f"{self.url}/add-checkpoint", content=PaperLog().submission(old, size).encode())

    def close(self) -> None:
        self.client.close()
        self.stop.set()
        self._thread.join()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path)
    yield made
    made.close()


def test_it_cosigns_what_grew_and_has_it_on_disk_before_anybody_gets_the_signature(place: Place) -> None:
    answer = place.asked(0, 3)
    assert (answer.status_code, answer.text.count("cyberprivacy.witness/")) == (200, 2)
    (memory,) = (place.data / "witness").glob(f"*/{hashed(ORIGIN)}")
    assert all(line in memory.read_text() for line in answer.text.splitlines())
    assert place.asked(3, 9).status_code == 200
    assert place.asked(3, 9).text == "9\n"  # 409: what it knows
    forked = PaperLog(fork=2).submission(9, 12).encode()
    assert place.client.post(f"{place.url}/add-checkpoint", content=forked).status_code == 422
    shown = place.client.get(f"{place.url}/{hashed(ORIGIN)}/checkpoint")
    assert shown.text.splitlines()[:2] == [ORIGIN, "9"]


def test_who_asks_too_often_waits_and_what_is_too_large_is_not_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert circle_api.RATE >= 120  # a busy log brings a head a second, and may have to ask twice
    monkeypatch.setattr(circle_api, "RATE", 5)
    place = Place(tmp_path)
    where = f"{place.url}/add-checkpoint"
    assert place.client.post(where, content=b"x" * (MAX_REQUEST + 1)).status_code == 413
    told = [place.client.post(where, content=b"x").status_code for _ in range(7)]
    assert told == [400] * 4 + [429] * 3
    place.close()


def test_a_request_that_drips_in_is_given_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(witness_api, "PATIENCE", 0.2)
    line = http.client.HTTPConnection("127.0.0.1", place.settings.listen.port, timeout=20)
    line.putrequest("POST", f"{PATH}/add-checkpoint")
    line.putheader("Content-Length", "100")
    line.endheaders(b"old 0\n")
    assert line.getresponse().status == 408
    line.close()


def test_one_folder_and_one_address_are_one_witness(place: Place, tmp_path: Path) -> None:
    with pytest.raises(LedgerTaken):
        standalone.StandaloneWitness(place.settings, clock=time.time)
    other = standalone.StandaloneWitness(
        standalone.Settings(tmp_path / "other", place.settings.listen, Watching()), clock=time.time
    )
    with pytest.raises(TryLater) as taken:
        other.bind()
    assert taken.value.code == "witness.listen"
    other.circle.close()
    other.ledger.close()


def test_its_key_is_born_once_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    first = standalone.keys(standalone.kept_key(tmp_path))
    assert standalone.keys(standalone.kept_key(tmp_path)) == first
    assert (tmp_path / standalone.KEY).stat().st_mode & 0o777 == 0o600
    for damaged in (b"", b"x" * 31, b"x" * 33):
        (tmp_path / standalone.KEY).write_bytes(damaged)
        with pytest.raises(Misuse) as refusal:
            standalone.kept_key(tmp_path)
        assert refusal.value.code == "witness.key"


def test_what_it_prints_for_others_is_a_table_that_they_can_use(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, theirs = tmp_path / "mine.toml", tmp_path / "theirs.toml"
    mine.write_text(f'data = "{tmp_path}/mine"\nlisten = "127.0.0.1:{free_port()}"\n')
    assert run(["witness", "keys", "--config", str(mine), "--url", "https://me.example"]) == 0
    table = capsys.readouterr().out
    theirs.write_text(f'data = "{tmp_path}/theirs"\nlisten = "[::1]:8700"\n[witness]\nquorum = 1\n{table}')
    (other,) = standalone.load(theirs).watching.others
    assert other.url == "https://me.example"
    assert run(["witness", "keys", "--config", str(mine), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert [key.encode() for key in (*other.log, *other.witness)] == [*said["log"], *said["witness"]]
    assert run(["witness", "status", "--config", str(mine), "--json"]) == 3
    assert json.loads(capsys.readouterr().out)["error"] == "witness.silent"


def test_a_configuration_with_more_in_it_is_refused(tmp_path: Path) -> None:
    for text in ('data = "x"\n', 'data = "x"\nlisten = "y"\n', 'data = "x"\nlisten = "h:1"\nchain = 1\n'):
        (tmp_path / "w.toml").write_text(text)
        with pytest.raises(BadConfig):
            standalone.load(tmp_path / "w.toml")


def test_its_status_names_the_files_of_evidence(
    place: Place, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place.witness.circle.findings.found(ORIGIN, "log.silent", "the log does not answer", b"{}")
    config = tmp_path / "w.toml"
    config.write_text(f'data = "{place.data}"\nlisten = "{place.settings.listen}"\n')
    assert run(["witness", "status", "--config", str(config)]) == 0
    said = capsys.readouterr().out
    (path,) = (place.data / "watch").glob("seen-*.json")
    assert f"found: {ORIGIN}: the log does not answer [log.silent]" in said
    assert str(path) in said
    assert "no entries seen" in said


def test_a_pace_counts_each_address_by_itself_and_forgets_the_oldest() -> None:
    now = [0.0]
    pace = Pace(2, clock=lambda: now[0])
    assert [pace.allows("a") for _ in range(3)] == [True, True, False]
    assert pace.allows("b")
    now[0] = 60.0
    assert pace.allows("a")
    now[0] = -1.0  # a clock that is set back locks nobody out
    assert pace.allows("a")
    for number in range(5_000):
        pace.allows(str(number))
    assert len(pace._asked) == 4_096
