"""People who write through whatever happens to the vault: each order again, under its key, until it is acknowledged."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from secrets import token_hex

import httpx2


@dataclass
class Writer:
    """Somebody with a session of an application.

    Attributes:
        acknowledged: id of each record by its number.
        refused: how often by status and code; status 0 where nobody answered.
    """

    site: str
    token: str
    create: str
    field: str
    acknowledged: dict[str, str] = field(default_factory=dict)
    refused: Counter[tuple[int, str]] = field(default_factory=Counter)

    def write(self, stop: threading.Event) -> None:
        """One after the other, until told to stop."""
        with self._client() as client:
            while not stop.is_set():
                self._one(client, str(len(self.acknowledged)))

    def _one(self, client: httpx2.Client, number: str) -> None:
        headers = {"Idempotency-Key": token_hex(8)}
        while True:
            try:
                answer = client.post(self.create, json={self.field: number}, headers=headers)
            except httpx2.TransportError:
                self.refused[0, ""] += 1
            else:
                if answer.is_success:
                    self.acknowledged[number] = answer.json()["id"]
                    return
                self.refused[answer.status_code, answer.json()["type"]] += 1
            time.sleep(0.02)

    def kept(self) -> dict[str, str]:
        """What the vault has; fails if it has something twice."""
        found: list[tuple[str, str]] = []
        more = ""
        with self._client() as client:
            while True:
                page = client.get(f"/udi/v1/records?limit=250{more}").json()
                found += [(each["body"][self.field], each["id"]) for each in page["records"]]
                if page["next"] is None:
                    break
                more = f"&after={page['next']}"
        assert len(dict(found)) == len(found)
        return dict(found)

    def _client(self) -> httpx2.Client:
        return httpx2.Client(
            base_url=self.site, headers={"Authorization": f"Bearer {self.token}"}, timeout=60, trust_env=False
        )


@contextmanager
def writing(writers: Sequence[Writer]) -> Iterator[None]:
    """All of them at once, until the end of the block."""
    stop = threading.Event()
    with ThreadPoolExecutor(len(writers)) as pool:
        running = [pool.submit(each.write, stop) for each in writers]
        try:
            yield
        finally:
            stop.set()
        for each in running:
            each.result(60)


def progress(writers: Sequence[Writer]) -> Callable[[], bool]:
    """Whether each of them had several acknowledged since now."""
    before = [len(each.acknowledged) for each in writers]
    return lambda: all(len(each.acknowledged) > was + 2 for each, was in zip(writers, before, strict=True))
