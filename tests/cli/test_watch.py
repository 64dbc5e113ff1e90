"""docs/how-to/watch-others.md: a witness of its own, set up and run as the page says, catches a log with two pasts."""

import json
import shutil
import time
from collections.abc import Callable, Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest
from test_sessions import say, serving
from tests.guides import commands, shows, words

from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.ledger.publisher import Publisher
from cyberprivacy.ledger.signers import Kind, Signer
from cyberprivacy.node.api import PREFIX
from cyberprivacy.testing.town import free_port
from cyberprivacy.testing.witnesses import ORIGIN

SIGNERS = (Signer.of(ORIGIN, Kind.LOG, bytes([1]) * 32), Signer.of(ORIGIN, Kind.COSIGNER_PQ, bytes([2]) * 32))
KEYS = [each.verifier.encode() for each in SIGNERS]
PAGE = "how-to/watch-others.md"


def published(folder: Path, *told: str) -> Path:
    """A log that tells this; what of it is public."""
    ledger = FileLedger(folder / "ledger", clock=time.time)
    ledger.extend([("test.said", {"what": each}) for each in told])
    made = Publisher(ledger, folder / "log", signers=SIGNERS, clock=time.time)
    made.publish()
    ledger.close()
    return made.public


@pytest.fixture
def site(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Where a cluster's log is public: its address, and the folder that it serves."""
    folder = tmp_path / "site"
    place = folder / PREFIX.strip("/") / "log"
    place.parent.mkdir(parents=True)
    shutil.copytree(published(tmp_path / "truth", "one", "two"), place)
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(SimpleHTTPRequestHandler, directory=folder)) as server:
        Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", place
        server.shutdown()


def test_a_witness_that_was_set_up_as_the_page_says_proves_a_fork(
    site: tuple[str, Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    url, place = site
    _, configuration = shows(PAGE, "toml")
    mine = {"/var/lib/cyberprivacy-witness": str(tmp_path / "mine"), "0.0.0.0:8700": f"127.0.0.1:{free_port()}"}
    theirs = {
        "https://one.example": url,
        '"cyberprivacy.log/…", "cyberprivacy.log/…"': json.dumps(KEYS)[1:-1],
    }
    for shown, meant in (mine | theirs).items():
        configuration = configuration.replace(shown, meant)
    Path("witness.toml").write_text(configuration)
    _, keys, serve, verify = commands(PAGE)
    said = say(words(keys, {}))
    assert (said.code, "cyberprivacy.witness/" in said.out) == (0, True), said
    with serving(words(serve, {})):
        until(lambda told: told["watched"][0]["size"] == 2)
        shutil.rmtree(place)
        shutil.copytree(published(tmp_path / "lie", "one", "another", "three"), place)
        (found,) = until(lambda told: told["found"])["found"]
    assert (found["code"], found["about"], found["entry"]) == ("log.fork", ORIGIN, 2)
    meant = {"fork-0123456789abcdef.json": found["path"], "NAME+ID+KEY": KEYS[0]}
    said = say(words(verify, meant))
    assert (said.code, said.out) == (0, f"proven: {ORIGIN} signed two pasts, at 2 and 3 entries\n"), said


def until(so: Callable[[dict[str, Any]], object]) -> dict[str, Any]:
    """What `witness status` says of it, once it is so."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        said = say(["witness", "status", "--config", "witness.toml", "--json"])
        told: dict[str, Any] = json.loads(said.out)["witness"] if said.code == 0 else {}
        if told and so(told):
            return told
        time.sleep(0.2)
    raise AssertionError(said)
