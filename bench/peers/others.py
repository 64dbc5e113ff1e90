"""@atproto/pds and @solid/community-server, as `vault_peers.py` asks them."""

import json
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx2

from peers.server import NODE, Hammer, started
from peers.vaults import numbered
from vault import ORDER, body

NODE_LINE = (str(NODE), "-r", "./loopback.cjs")
WRITES = 200
"""What `applyWrites` takes in one call."""


class Pds:
    """Two personal data servers and a directory: an account moves from the first to the second."""

    name = "pds"
    most = 1_000

    def __init__(self, folder: Path, port: int) -> None:
        folder.mkdir()
        self._ports = (port, port + 1)
        directory = str(port + 2)
        lines: list[tuple[str, ...]] = [("directory", directory)]
        lines += [("pds", str(each), directory, str(folder / str(each))) for each in self._ports]
        self.processes = [
            started([*NODE_LINE, "pds.mjs", *line], "ready", log=folder / f"log{line[1]}")[0] for line in lines
        ]
        self.base, self.roots = f"http://127.0.0.1:{port}", (self.processes[1].pid,)
        self._here, self._there = (
            httpx2.Client(base_url=f"http://127.0.0.1:{each}/xrpc/", timeout=300) for each in self._ports
        )
        self._archive = b""

    def begin(self, number: int) -> None:
        """A new account."""
        self._number = number
        handle = f"person{number}.test"
        asked = {"handle": handle, "email": f"p{number}@example.com", "password": "pass-word-1"}
        made = _json(self._here.post("com.atproto.server.createAccount", json=asked))
        self._did, self._mine = made["did"], {"Authorization": f"Bearer {made['accessJwt']}"}

    def create(self) -> Hammer:
        """A record each; not judged by a lexicon, which would cost it more."""
        about = f'"repo":"{self._did}","collection":"{ORDER}","validate":false'
        content = f'{{{about},"record":{_typed(numbered())}}}'
        headers = {**self._mine, "Content-Type": "application/json"}
        return Hammer("POST", "/xrpc/com.atproto.repo.createRecord", headers, content)

    def batch(self, count: int) -> int:
        """So many records, in lists of 200."""
        for start in range(0, count, WRITES):
            values = [json.loads(_typed(body(n).decode())) for n in range(start, start + WRITES)]
            create = {"$type": "com.atproto.repo.applyWrites#create", "collection": ORDER}
            writes = [{**create, "value": value} for value in values]
            asked = {"repo": self._did, "validate": False, "writes": writes}
            _json(self._here.post("com.atproto.repo.applyWrites", json=asked, headers=self._mine))
        return count

    def read(self) -> Hammer:
        """One record."""
        page = _json(
            self._here.get(
                "com.atproto.repo.listRecords", params={"repo": self._did, "collection": ORDER, "limit": 1}
            )
        )
        key = page["records"][0]["uri"].rpartition("/")[2]
        return Hammer(
            "GET", f"/xrpc/com.atproto.repo.getRecord?repo={self._did}&collection={ORDER}&rkey={key}", self._mine
        )

    def export(self) -> int:
        """The repository as one CAR file; each record names its type once."""
        answer = self._here.get("com.atproto.sync.getRepo", params={"did": self._did}, headers=self._mine)
        answer.raise_for_status()
        self._archive = answer.content
        return self._archive.count(b"$type")

    def prepare_import(self) -> None:
        """The account at the second server, still without records."""
        audience = f"did:web:pds{self._ports[1]}.test"
        asked = {"aud": audience, "lxm": "com.atproto.server.createAccount"}
        token = _json(self._here.get("com.atproto.server.getServiceAuth", params=asked, headers=self._mine))[
            "token"
        ]
        said = {
            "handle": f"person{self._number}.test",
            "did": self._did,
            "email": f"m{self._number}@example.com",
            "password": "pass-word-1",
        }
        answer = self._there.post(
            "com.atproto.server.createAccount", json=said, headers={"Authorization": f"Bearer {token}"}
        )
        self._moved = {"Authorization": f"Bearer {_json(answer)['accessJwt']}"}
        self.roots = (self.processes[2].pid,)

    def take_in(self) -> int:
        """The CAR file at the second server."""
        headers = {**self._moved, "Content-Type": "application/vnd.ipld.car"}
        self._there.post("com.atproto.repo.importRepo", content=self._archive, headers=headers).raise_for_status()
        self.roots = (self.processes[1].pid,)
        status = _json(self._there.get("com.atproto.server.checkAccountStatus", headers=self._moved))
        return int(status["indexedRecords"])


class Solid:
    """A Solid server that lets everybody in (`file-root.json`), which costs it less than judging."""

    name = "solid"
    most = 8
    """Connections: with more it only gets slower, until none is answered in the time of a round."""

    def __init__(self, folder: Path, port: int) -> None:
        folder.mkdir()
        self.base = f"http://127.0.0.1:{port}"
        bin_ = "node_modules/@solid/community-server/bin/server.js"
        line = [
            *NODE_LINE,
            bin_,
            "-c",
            "@css:config/file-root.json",
            "-f",
            str(folder / "data"),
            "-p",
            str(port),
            "-l",
            "info",
        ]
        self.processes: list[subprocess.Popen[bytes]] = [
            started(line, "Listening to server", log=folder / "log")[0]
        ]
        self.roots = (self.processes[0].pid,)
        self._host = {"Host": f"localhost:{port}"}  # it answers to no other name
        self._client = httpx2.Client(base_url=self.base, headers=self._host, timeout=300)

    def begin(self, number: int) -> None:
        """A new container, with one resource in it."""
        self._place = f"/round{number}/"
        put = self._client.put(
            self._place + "first.json", content=body(0), headers={"Content-Type": "application/json"}
        )
        assert put.status_code == 201, put.text

    def create(self) -> Hammer:
        """A resource each."""
        headers = {**self._host, "Content-Type": "application/json"}
        return Hammer("PUT", self._place + "o-{n}.json", headers, numbered())

    def read(self) -> Hammer:
        """One resource."""
        return Hammer("GET", self._place + "first.json", self._host)

    def export(self) -> int:
        """The container's list, and each resource in it, eight at a time: there is no export."""
        listing = self._client.get(self._place).text
        names = sorted(set(re.findall(r"<(o-\d+\.json)>", listing)))
        with ThreadPoolExecutor(8) as pool:
            return sum(
                pool.map(
                    lambda name: self._client.get(self._place + name).raise_for_status().status_code == 200, names
                )
            )


def _typed(order: str) -> str:
    """A record as atproto wants it."""
    return f'{{"$type":"{ORDER}",' + order[1:]


def _json(answer: httpx2.Response) -> Any:
    assert answer.status_code == 200, answer.text
    return answer.json()
