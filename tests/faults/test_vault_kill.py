"""A vault that is killed while people write has lost nothing that it acknowledged, and starts again."""

import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from people import SCHEMA, Person, key, secret

from cyberprivacy import wallet
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.vault.client.connection import Connection
from cyberprivacy.vault.client.records import RecordsThere

TYPES = Path(__file__).resolve().parents[2] / "examples" / "notes" / "types"
NOTE = "example.notes.note.v1"


@contextmanager
def vault(data: Path) -> Iterator[tuple[str, "subprocess.Popen[str]"]]:
    command = [sys.executable, "-m", "cyberprivacy", "vault", "serve", "--data", str(data), "--app", "notes"]
    command += ["--types", str(TYPES), "--listen", "127.0.0.1:0", "--network", "test:vault"]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        found = re.search(r"http://[0-9.:]+", process.stderr.readline())
        assert found
        yield found[0], process
        process.kill()


@contextmanager
def signed_in(site: str) -> Iterator[RecordsThere]:
    with Connection(site) as nobody:
        asked = nobody.ask("POST", "/udi/v1/auth/nonce", body={"app": "notes"})
        said = {name: asked[name] for name in ("uri", "statement", "nonce")}
        signature = wallet.sign(secret("alice"), SCHEMA.digest("SignIn", said)).hex()
        body = {"app": "notes", "key": key("alice").text, "nonce": asked["nonce"], "signature": signature}
        opened = nobody.ask("POST", "/udi/v1/auth/key", body=body)
    with Connection(site, opened["token"]) as known:
        yield RecordsThere(known, opened["account"])


def write(account: RecordsThere, acknowledged: set[str]) -> None:
    """Notes, for as long as the vault answers."""
    while True:
        acknowledged.add(account.create(NOTE, {"text": str(len(acknowledged))}))


def test_no_acknowledged_write_is_lost_when_the_server_is_killed(tmp_path: Path) -> None:
    acknowledged: set[str] = set()
    for round_ in range(2):
        with vault(tmp_path) as (site, process):
            if round_ == 0:
                inception = Person("alice", now=time.time()).begin().log[0].encode()
                with Connection(site) as nobody:
                    nobody.ask("POST", "/udi/v1/accounts", octets=inception)
            before = len(acknowledged)
            with signed_in(site) as account:
                assert {each.id for each in account.list(NOTE, limit=1_000_000)} >= acknowledged
                threading.Timer(1.0, process.kill).start()
                with pytest.raises(CyberPrivacyError) as end:
                    write(account, acknowledged)
            assert end.value.code == "vault.unreachable"
            assert len(acknowledged) > before
    with vault(tmp_path) as (site, _), signed_in(site) as account:
        assert {each.id for each in account.list(NOTE, limit=1_000_000)} >= acknowledged
