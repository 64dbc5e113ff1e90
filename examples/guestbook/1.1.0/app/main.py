"""The guestbook's server: one thread per connection, and an end at which nobody is cut off."""

import argparse
import json
import os
import re
import signal
import socket
import sqlite3
import threading
import time
from dataclasses import asdict
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import settings
from page import render
from store import Entry, Refused, Store

VERSION = "1.1.0"
HEARTS = re.compile(r"/hearts/(?P<id>[0-9]{1,12})|(?P<api>/api/messages/)(?P<entry>[0-9]{1,12})/hearts")
DAY = 86_400
MAX_BODY = 8192
POLICY = "default-src 'none'; style-src 'self'; img-src data:; form-action 'self'; frame-ancestors 'none'"
MAX_CONNECTIONS = 200


class Server(ThreadingHTTPServer):
    """Counts its connections, and knows which of them wait for a request."""

    daemon_threads = False  # closing the server waits for the answers that are being written
    request_queue_size = 256

    def __init__(self, address: tuple[str, int], store: Store, title: str, turned: Path) -> None:
        super().__init__(address, Handler)
        self.store, self.title, self.turned, self.stopping = store, title, turned, False
        self.idle: set[socket.socket] = set()
        self.lock = threading.Lock()
        self._room = threading.BoundedSemaphore(MAX_CONNECTIONS)

    def process_request(self, request: socket.socket, client_address: object) -> None:
        """Wait for room before another connection gets a thread."""
        self._room.acquire()
        super().process_request(request, client_address)

    def process_request_thread(self, request: socket.socket, client_address: object) -> None:
        """Serve one connection to its end."""
        try:
            super().process_request_thread(request, client_address)
        finally:
            self.store.close()
            self._room.release()

    def stop(self) -> None:
        """Take no more connections, end the ones that wait, let the others finish their answer."""
        self.shutdown()
        with self.lock:
            self.stopping = True
            for connection in self.idle:
                connection.shutdown(socket.SHUT_RD)  # what has arrived already is still read and answered
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    """One connection."""

    server: Server
    protocol_version = "HTTP/1.1"
    server_version, sys_version = "guestbook", ""
    timeout = 30
    disable_nagle_algorithm = True

    def handle_one_request(self) -> None:
        """Wait for a request and answer it; a connection that waits may be ended at any time."""
        with self.server.lock:
            if self.server.stopping:
                self.close_connection = True
                return
            self.server.idle.add(self.connection)
        try:
            super().handle_one_request()
        except OSError:  # the client went away
            self.close_connection = True
        finally:
            with self.server.lock:
                self.server.idle.discard(self.connection)
                self.close_connection = self.close_connection or self.server.stopping

    def parse_request(self) -> bool:
        """A request has begun: from here on it is answered."""
        with self.server.lock:
            self.server.idle.discard(self.connection)
        return super().parse_request()

    def do_GET(self) -> None:
        """Pages, the style sheet, the list of entries and the health check."""
        url = urlsplit(self.path)
        match url.path:
            case "/" | "/api/messages":
                self._list(url.path, url.query)
            case "/style.css":
                self._send(HTTPStatus.OK, "text/css", Path(__file__).with_name("style.css").read_bytes())
            case "/healthz":
                self._health()
            case "/.well-known/cyberprivacy/statistics/messages-per-day":  # the node asks; users never get here
                self._json(HTTPStatus.OK, self.server.store.writers(since=int(time.time()) - DAY))
            case _:
                self._problem(HTTPStatus.NOT_FOUND, "there is nothing here")

    def do_HEAD(self) -> None:
        """The same as GET, without the body."""
        self.do_GET()

    def do_POST(self) -> None:
        """A new entry or a heart, by the form or by the API."""
        body = self._body()
        if body is None:
            return
        if self.headers.get("sec-fetch-site", "none") not in ("none", "same-origin"):
            self._problem(HTTPStatus.FORBIDDEN, "another site sent this form")
        elif self.path == "/api/messages":
            self._add_by_api(body)
        elif self.path == "/":
            self._add_by_form(body)
        elif match := HEARTS.fullmatch(self.path):
            self._heart(match["api"], int(match["id"] or match["entry"]))
        else:
            self._problem(HTTPStatus.NOT_FOUND, "there is nothing here")

    def _add_by_api(self, body: bytes) -> None:
        try:
            fields = json.loads(body)
            if not isinstance(fields, dict) or fields.keys() != {"name", "text"}:
                raise Refused("send an object with name and text")
            if not all(isinstance(value, str) for value in fields.values()):
                raise Refused("name and text are strings")
            entry = self.server.store.add(fields["name"], fields["text"])
        except (ValueError, RecursionError):
            self._problem(HTTPStatus.BAD_REQUEST, "not JSON")
        except Refused as refusal:
            self._problem(HTTPStatus.UNPROCESSABLE_ENTITY, str(refusal))
        else:
            self._json(HTTPStatus.CREATED, asdict(entry))

    def _add_by_form(self, body: bytes) -> None:
        fields = parse_qs(body.decode(errors="replace"), max_num_fields=4)
        name, text = fields.get("name", [""])[0], fields.get("text", [""])[0]
        try:
            self.server.store.add(name, text)
        except Refused as refusal:
            self._page(*self._listed(""), draft=(name, text), notice=str(refusal))
        else:
            self._send(HTTPStatus.SEE_OTHER, "text/plain", b"", location="/#entries")

    def _heart(self, api: str | None, id_: int) -> None:
        try:
            entry = self.server.store.heart(id_)
        except Refused as refusal:
            self._problem(HTTPStatus.NOT_FOUND, str(refusal))
            return
        if api:
            self._json(HTTPStatus.OK, asdict(entry))
        else:
            self._send(HTTPStatus.SEE_OTHER, "text/plain", b"", location=f"/#entry-{id_}")

    def _list(self, path: str, query: str) -> None:
        try:
            entries, older = self._listed(query)
        except ValueError:
            self._problem(HTTPStatus.BAD_REQUEST, "before and limit are whole numbers")
            return
        if path == "/":
            self._page(entries, older)
        else:
            self._json(HTTPStatus.OK, {"messages": [asdict(entry) for entry in entries], "next": older})

    def _listed(self, query: str) -> tuple[list[Entry], int | None]:
        fields = parse_qs(query, max_num_fields=4)
        before = int(fields["before"][0][:18]) if "before" in fields else None
        turned = settings.read(self.server.turned)
        limit = min(50, max(1, int(fields.get("limit", [str(turned.per_page)])[0][:9])))
        entries = self.server.store.page(before, limit + 1, order=turned.order)
        return entries[:limit], entries[limit - 1].id if len(entries) > limit else None

    def _page(self, entries: list[Entry], older: int | None, **draft: Any) -> None:
        status = HTTPStatus.UNPROCESSABLE_ENTITY if draft else HTTPStatus.OK
        page = render(self.server.title, VERSION, entries, older=older, **draft)
        self._send(status, "text/html; charset=utf-8", page)

    def _health(self) -> None:
        try:
            self.server.store.page(None, 1)
        except sqlite3.Error:
            self._problem(HTTPStatus.SERVICE_UNAVAILABLE, "the store cannot be read")
        else:
            self._json(HTTPStatus.OK, {"status": "ok", "version": VERSION})

    def _body(self) -> bytes | None:
        length = self.headers.get("content-length", "")
        if not length.isdecimal() or int(length[:9]) > MAX_BODY or self.headers.get("transfer-encoding"):
            self.close_connection = True
            self._problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, f"send at most {MAX_BODY} bytes, and say how many")
            return None
        return self.rfile.read(int(length))

    def _problem(self, status: HTTPStatus, why: str) -> None:
        self._json(status, {"error": why})

    def _json(self, status: HTTPStatus, value: object) -> None:
        self._send(status, "application/json", json.dumps(value, ensure_ascii=False).encode() + b"\n")

    def _send(self, status: HTTPStatus, kind: str, body: bytes, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-cache" if kind == "text/css" else "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.send_header("Referrer-Policy", "no-referrer")
        self.send_header("Content-Security-Policy", POLICY)
        for name, value in headers.items():
            self.send_header(name.title(), value)
        if self.close_connection or self.server.stopping:
            self.send_header("Connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Nothing is logged: who reads and writes here is nobody's business."""


def main() -> None:
    """Serve until SIGTERM or SIGINT."""
    arguments = argparse.ArgumentParser(description="A guestbook.")
    arguments.add_argument("--host", default="127.0.0.1")
    arguments.add_argument("--port", type=int, default=8080)
    arguments.add_argument("--data", type=Path, default=Path("/data"))
    arguments.add_argument("--settings", type=Path, default=settings.FILE)
    chosen = arguments.parse_args()
    title = os.environ.get("GUESTBOOK_TITLE", "The guestbook")
    server = Server((chosen.host, chosen.port), Store(chosen.data / "guestbook.db"), title, chosen.settings)
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: threading.Thread(target=server.stop).start())
    server.serve_forever(poll_interval=0.1)


if __name__ == "__main__":
    main()
