"""A vault that is killed while people write has lost nothing that it acknowledged, and starts again."""

import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from callers import until
from people import SCHEMA, Person, key, secret
from writers import Writer, progress, writing

from cyberprivacy import wallet
from cyberprivacy.testing.postgres import Postgres
from cyberprivacy.testing.town import free_port
from cyberprivacy.vault.client.connection import Connection

TYPES = Path(__file__).resolve().parents[2] / "examples" / "notes" / "types"
NOTE = "example.notes.note.v1"


@contextmanager
def vault(site: str, data: Path, database: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "cyberprivacy", "vault", "serve", "--data", str(data), "--app", "notes"]
    command += ["--types", str(TYPES), "--listen", site.removeprefix("http://"), "--network", "test:vault"]
    command += ["--database", database]
    said = data.with_suffix(".said")  # a file: nobody reads along, and a pipe that is full would hold it up
    with said.open("w") as heard, subprocess.Popen(command, stderr=heard) as process:
        until(said.read_text, lambda text: site in text)
        yield process
        process.kill()


def writer(site: str, name: str) -> Writer:
    """Somebody new, signed in to the notes."""
    with Connection(site) as nobody:
        nobody.ask("POST", "/udi/v1/accounts", octets=Person(name, now=time.time()).begin().log[0].encode())
        asked = nobody.ask("POST", "/udi/v1/auth/nonce", body={"app": "notes"})
        said = {name: asked[name] for name in ("uri", "statement", "nonce")}
        signature = wallet.sign(secret(name), SCHEMA.digest("SignIn", said)).hex()
        body = {"app": "notes", "key": key(name).text, "nonce": asked["nonce"], "signature": signature}
        token = nobody.ask("POST", "/udi/v1/auth/key", body=body)["token"]
    return Writer(site, token, f"/udi/v1/records?type={NOTE}", "text")


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_no_acknowledged_write_is_lost_or_doubled_when_the_server_is_killed(tmp_path: Path, engine: str) -> None:
    site = f"http://127.0.0.1:{free_port()}"
    with ExitStack() as stack:
        database = ""
        if engine == "postgresql":
            database = stack.enter_context(Postgres(settings=())).create("vault")
        killed = stack.enter_context(vault(site, tmp_path, database))
        writers = [writer(site, name) for name in ("alice", "bob", "carol")]
        with writing(writers):
            until(progress(writers), bool)
            killed.kill()
            killed.wait()
            until(lambda: all(each.refused for each in writers), bool)
            stack.enter_context(vault(site, tmp_path, database))
            until(progress(writers), bool)
        for each in writers:
            assert each.kept() == each.acknowledged
