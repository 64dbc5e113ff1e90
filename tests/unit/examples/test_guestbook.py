import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.parse
from collections.abc import Iterator
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[3] / "examples/guestbook"


class Book:
    """A running guestbook."""

    def __init__(self, folder: Path, data: Path, *more: str) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        command = [sys.executable, "-B", folder / "app/main.py", "--port", str(self.port), "--data", data, *more]
        self.process = subprocess.Popen(command, env=os.environ | {"GUESTBOOK_TITLE": "Book & tests"})
        deadline = time.monotonic() + 10
        while True:
            try:
                assert self.ask("GET", "/healthz")[0] == 200
            except ConnectionRefusedError:
                assert time.monotonic() < deadline
                time.sleep(0.02)
            else:
                return

    def connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)

    def ask(self, method: str, path: str, body: object = None, **headers: str):
        connection = self.connection()
        data = body if isinstance(body, str | bytes | None) else json.dumps(body)
        connection.request(method, path, data, {name.replace("_", "-"): text for name, text in headers.items()})
        answer = connection.getresponse()
        said = answer.status, answer.read().decode()
        connection.close()
        return said

    def form(self, **fields: str):
        return self.ask("POST", "/", urllib.parse.urlencode(fields))

    def messages(self, query: str = "") -> dict:
        return json.loads(self.ask("GET", f"/api/messages{query}")[1])

    def end(self) -> int:
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(timeout=10)


def bundle(version: str, folder: Path) -> Path:
    shutil.copytree(EXAMPLE / "1.0.0", folder / version)
    if version != "1.0.0":
        shutil.copytree(EXAMPLE / version, folder / version, dirs_exist_ok=True)
    return folder / version


@pytest.fixture(params=["1.0.0", "1.1.0"])
def book(request, tmp_path) -> Iterator[Book]:
    book = Book(bundle(request.param, tmp_path), tmp_path)
    yield book
    assert book.end() == 0


def test_what_is_written_is_read_newest_first_page_by_page(book):
    for number in range(5):
        assert book.ask("POST", "/api/messages", {"name": "Ada", "text": f"n{number}"})[0] == 201
    first = book.messages("?limit=2")
    second = book.messages(f"?limit=2&before={first['next']}")
    last = book.messages(f"?limit=2&before={second['next']}")
    texts = [[one["text"] for one in page["messages"]] for page in (first, second, last)]
    assert texts == [["n4", "n3"], ["n2", "n1"], ["n0"]]
    assert last["next"] is None


def test_the_form_signs_the_book_and_the_page_shows_its_version(book):
    assert book.form(name="Grace", text="one\r\ntwo")[0] == 303
    page = book.ask("GET", "/")[1]
    assert "one<br>two" in page
    assert "Book &amp; tests" in page
    assert f"<span>{json.loads(book.ask('GET', '/healthz')[1])['version']}</span>" in page


def test_nothing_that_people_write_becomes_markup(book):
    book.form(name="<b>'\"&", text="<script>alert(1)</script>")
    page = book.ask("GET", "/")[1]
    assert "<script" not in page
    assert "<b>" not in page
    refused = book.form(name='"><script>', text="")[1]
    assert "<script" not in refused


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"name": "", "text": "x"}, 422),
        ({"name": "a", "text": "  "}, 422),
        ({"name": "a" * 41, "text": "x"}, 422),
        ({"name": "a", "text": "x" * 501}, 422),
        ({"name": "a\nb", "text": "x"}, 422),
        ({"name": "a", "text": "\x1b[2J"}, 422),
        ({"name": "a", "text": "\u202ex"}, 422),
        ({"name": "a", "text": "x", "id": 1}, 422),
        ({"name": 1, "text": "x"}, 422),
        ([1], 422),
        ("{", 400),
        ("[" * 8000, 400),
        (b"\xff", 400),
        ("x" * 9000, 413),
    ],
)
def test_a_bad_entry_is_refused_and_not_kept(book, body, status):
    assert book.ask("POST", "/api/messages", body)[0] == status
    assert book.messages()["messages"] == []


def test_a_form_of_another_site_is_refused(book):
    assert book.ask("POST", "/", "name=a&text=b", sec_fetch_site="cross-site")[0] == 403
    assert book.messages()["messages"] == []


@pytest.mark.parametrize("path", ["/x", "/app/main.py", "/../app/store.py", "/api/messages/", "/hearts/x"])
def test_there_is_nothing_else(book, path):
    assert book.ask("GET", path)[0] == 404


@pytest.mark.parametrize("query", ["?before=x", "?limit=x", "?before=1&before=2&a=1&b=2&c=3"])
def test_a_question_that_makes_no_sense_is_refused(book, query):
    assert book.ask("GET", f"/{query}")[0] == book.ask("GET", f"/api/messages{query}")[0] == 400


def test_the_end_waits_for_answers_and_closes_connections_that_wait(book):
    idle = book.connection()
    idle.request("GET", "/healthz")
    idle.getresponse().read()
    busy = socket.create_connection(("127.0.0.1", book.port), timeout=10)
    entry = b'{"name": "a", "text": "b"}'
    head = f"POST /api/messages HTTP/1.1\r\nHost: x\r\nContent-Length: {len(entry)}\r\n\r\n".encode()
    busy.sendall(head + entry[:5])
    time.sleep(0.1)  # its thread has to be reading the body
    book.process.send_signal(signal.SIGTERM)
    assert idle.sock.recv(1) == b""
    with pytest.raises(ConnectionError):  # refused, or reset if it knocked in the very moment of closing
        book.ask("GET", "/healthz")
    busy.sendall(entry[5:])
    answer = b""
    while part := busy.recv(4096):
        answer += part
    assert answer.startswith(b"HTTP/1.1 201")
    assert b"Connection: close" in answer
    busy.close()
    idle.close()
    assert book.process.wait(timeout=10) == 0


def test_both_releases_share_the_store_while_one_replaces_the_other(tmp_path):
    old = Book(bundle("1.0.0", tmp_path), tmp_path)
    assert old.form(name="Ada", text="before")[0] == 303
    new = Book(bundle("1.1.0", tmp_path), tmp_path)
    books = [old, new]
    writers = [
        threading.Thread(target=lambda book=book: [book.form(name="x", text=f"{n}") for n in range(20)])
        for book in books
    ]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    for book in books:
        assert len(book.messages("?limit=50")["messages"]) == 41
    assert json.loads(new.ask("POST", "/api/messages/1/hearts", "")[1])["hearts"] == 1
    assert new.ask("POST", "/hearts/1", "")[0] == 303
    assert new.ask("POST", "/hearts/999", "")[0] == 404
    assert new.messages("?limit=50")["messages"][-1]["hearts"] == 2
    assert (old.end(), new.end()) == (0, 0)


def test_both_releases_are_complete_bundles_that_differ_in_number(tmp_path):
    for version, release in (("1.0.0", 1), ("1.1.0", 2)):
        folder = bundle(version, tmp_path)
        manifest = (folder / "cyberprivacy.yaml").read_text()
        assert f"version: {version}\nrelease: {release}\n" in manifest
        assert (folder / "Dockerfile").read_text().startswith("FROM cyberprivacy/python@sha256:" + "0" * 64)
