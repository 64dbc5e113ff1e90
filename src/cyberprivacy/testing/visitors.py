"""People who keep asking while an update goes on: some keep their connection, some open a new one each time."""

import http.client
import ssl
import threading
from collections import Counter
from contextlib import suppress
from urllib.parse import urlsplit

PAUSE = 0.01
"""Seconds between two requests of one visitor."""


class Visitors:
    """A crowd of visitors of one address; counts what they got."""

    def __init__(self, url: str, *, keeping: int = 2, closing: int = 2) -> None:
        """Prepare `keeping` visitors with one connection each and `closing` with one for each request."""
        where = urlsplit(url)
        self._host, self._port = where.hostname or "", where.port or 443
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self.answers: Counter[str] = Counter()
        self._threads = [
            threading.Thread(target=self._visit, args=(index < keeping,), daemon=True)
            for index in range(keeping + closing)
        ]

    def __enter__(self) -> "Visitors":  # noqa: PYI034  (nobody inherits from a crowd)
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def asked(self) -> int:
        """How many requests have been answered or have failed."""
        return sum(self.answers.values())

    @property
    def failed(self) -> int:
        """How many of them were not answered with 200."""
        return self.asked - self.answers["200"]

    def _visit(self, keep: bool) -> None:
        connection = self._connect()
        while not self._stop.wait(PAUSE):
            outcome = self._ask(connection, keep=keep)
            with self._lock:
                self.answers[outcome] += 1
            if not keep or outcome != "200":
                connection.close()
                connection = self._connect()
        connection.close()

    def _ask(self, connection: http.client.HTTPSConnection, *, keep: bool) -> str:
        try:
            connection.request("GET", "/api/messages", headers={} if keep else {"Connection": "close"})
            answer = connection.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            with suppress(OSError):
                connection.close()
            return type(error).__name__
        return str(answer.status)

    def _connect(self) -> http.client.HTTPSConnection:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE  # `verify` judges the key
        return http.client.HTTPSConnection(self._host, self._port, context=context, timeout=20)
