"""Our vault, as `vault_peers.py` asks it."""

import json
import subprocess
import sys
import zipfile
from gzip import decompress
from io import BytesIO
from pathlib import Path

import httpx2

from peers.server import HERE, Hammer, started
from vault import ORDER, body

BATCH = 1_000


class Vault:
    """A vault with one account for each round."""

    most = 1_000

    def __init__(self, name: str, folder: Path, port: int, *, accounts: int, more: tuple[str, ...] = ()) -> None:
        folder.mkdir()
        self.name, self.base = name, f"http://127.0.0.1:{port}"
        line = [sys.executable, str(HERE / "serve.py"), "--data", str(folder), "--port", str(port)]
        line += ["--accounts", str(accounts), *more]
        self.server, said = started(line, "owner", log=folder / "log")
        self._people = json.loads(said)
        self.roots: tuple[int, ...] = (self.server.pid,)
        self.client = httpx2.Client(base_url=self.base, timeout=120, trust_env=False)
        self._archive = b""

    @property
    def processes(self) -> "list[subprocess.Popen[bytes]]":
        """What has to be ended."""
        return [self.server]

    def begin(self, number: int) -> None:
        """The round of this number begins, with an account that has nothing."""
        self._number = number
        self._app, self._owner = (
            {"Authorization": f"Bearer {self._people[number][each]}"} for each in ("app", "owner")
        )
        self._batches = 0

    def create(self) -> Hammer:
        """A record each."""
        headers = {**self._app, "Content-Type": "application/json", "Idempotency-Key": f"r{self._number}-{{n}}"}
        return Hammer("POST", f"/udi/v1/records?type={ORDER}", headers, numbered())

    def batch(self, count: int) -> int:
        """So many records, in lists of 1,000; how many were made."""
        for start in range(0, count, BATCH):
            changes = [
                b'{"do":"create","type":"%s","body":%s}' % (ORDER.encode(), body(number))
                for number in range(start, start + BATCH)
            ]
            key = {"Idempotency-Key": f"b{self._number}-{start}", "Content-Type": "application/json"}
            content = b'{"changes":[' + b",".join(changes) + b"]}"
            answer = self.client.post("/udi/v1/records:batch", content=content, headers={**self._app, **key})
            assert answer.status_code == 200, answer.text
        return count

    def read(self) -> Hammer:
        """One record."""
        page = self.client.get("/udi/v1/records?limit=1", headers=self._app).json()
        return Hammer("GET", f"/udi/v1/records/{page['records'][0]['id']}", self._app)

    def export(self) -> int:
        """Everything as an archive, asked for, made and fetched; how many records are in it."""
        job = self.client.post("/udi/v1/exports", headers=self._owner).json()["id"]
        path = f"/udi/v1/exports/{job}"
        while (told := self.client.get(f"{path}?seconds=30", headers=self._owner).json())["state"] == "waiting":
            pass
        assert told["state"] == "ready", told
        self._archive = self.client.get(f"{path}/archive", headers=self._owner).content
        self.client.post(f"{path}:acknowledge", headers=self._owner).raise_for_status()
        with zipfile.ZipFile(BytesIO(self._archive)) as archive:
            manifest = json.loads(archive.read("manifest.json"))
        return sum(each["records"] for each in manifest["apps"])

    def prepare_import(self) -> None:
        """The lines of the archive, in the pieces in which they are sent."""
        with zipfile.ZipFile(BytesIO(self._archive)) as archive:
            members = [archive.read(name) for name in archive.namelist() if name.endswith(".jsonl.gz")]
        lines = [line for member in members for line in decompress(member).splitlines(keepends=True)]
        self._pieces = [b"".join(lines[start : start + BATCH]) for start in range(0, len(lines), BATCH)]

    def take_in(self) -> int:
        """The archive of this round into another application's part; how many came in."""
        made = 0
        for piece in self._pieces:
            headers = {**self._owner, "Content-Type": "application/x-ndjson"}
            answer = self.client.post("/udi/v1/imports?app=books", content=piece, headers=headers)
            assert answer.status_code == 200, answer.text
            made += answer.json()["created"]
        return made


def numbered() -> str:
    """The body of a record, with nine places for its number."""
    return body(0).decode().replace("000000000", "#########")
