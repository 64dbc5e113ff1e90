"""What comes back over the wire may be anything at all."""

import socket
from collections.abc import Iterator
from threading import Thread

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberprivacy.bundle import car
from cyberprivacy.bundle.gateway import Gateway
from cyberprivacy.bundle.pace import Pace
from cyberprivacy.bundle.refusals import BadSource, Unavailable
from cyberprivacy.bundle.serve import listening
from cyberprivacy.cid import DAG_PB, RAW, Cid
from cyberprivacy.errors import Misuse

BLOCK = b"block"
CID = Cid.of(RAW, BLOCK)
PACE = Pace(deadline=5.0, block=5.0, silence=2.0)


class Parrot:
    """A server that says the same bytes to everybody and hangs up."""

    def __init__(self) -> None:
        self.says = b""
        self._bound = listening("127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._bound.getsockname()[1]}"
        self._thread = Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._bound.accept()
            except OSError:
                return
            with connection:
                try:
                    connection.recv(65536)
                    connection.sendall(self.says)
                    connection.shutdown(socket.SHUT_WR)
                    connection.recv(65536)
                except OSError:
                    continue

    def stop(self) -> None:
        self._bound.shutdown(socket.SHUT_RDWR)
        self._bound.close()
        self._thread.join(timeout=5)


@pytest.fixture(scope="module")
def parrot() -> Iterator[Parrot]:
    made = Parrot()
    yield made
    made.stop()


def answer(body: bytes, *headers: bytes, status: bytes = b"200 OK") -> bytes:
    return b"\r\n".join((b"HTTP/1.1 " + status, *headers, b"", body))


bodies = st.just(BLOCK) | st.binary(max_size=50)
pieces = st.sampled_from(
    (
        b"content-length: 5",
        b"content-length: 99999999999999999999",
        b"content-length: -1",
        b"content-length: five",
        b"content-length: \xb2",
        b"transfer-encoding: chunked",
        b"content-encoding: gzip",
        b"content-encoding: br, gzip",
        b"content-type: \xff\xfe",
        b"location: http://127.0.0.1:1/",
        b"etag: " + b"x" * 200_000,
        b"connection: close",
    )
)
statuses = st.sampled_from(
    (b"200 OK", b"206 Partial", b"204 None", b"304 Same", b"404 No", b"500 Oops", b"999 ?", b"20")
)


@given(body=bodies, headers=st.lists(pieces, max_size=3), status=statuses, cut=st.integers(0, 400) | st.none())
@settings(max_examples=100)
def test_any_answer_is_the_block_or_nothing_or_a_named_fault(parrot, body, headers, status, cut) -> None:
    parrot.says = answer(body, *headers, status=status)[:cut]
    with_close = Gateway(parrot.url, pace=PACE)
    try:
        found = with_close.find(CID)
    except (BadSource, Unavailable) as refusal:
        assert refusal.facts["source"] == parrot.url
    else:
        assert found in (BLOCK, None)


@given(noise=st.binary(max_size=100))
def test_any_bytes_instead_of_http_are_a_fault_of_the_source(parrot, noise: bytes) -> None:
    parrot.says = noise
    with pytest.raises((BadSource, Unavailable)):
        Gateway(parrot.url, pace=PACE).find(CID)


@given(body=st.binary(max_size=100))
def test_any_body_as_a_car_gives_checked_blocks_or_a_fault(parrot, body: bytes) -> None:
    root = Cid.of(DAG_PB, b"")
    parrot.says = answer(car.header(root) + body, b"connection: close")
    try:
        with Gateway(parrot.url, pace=PACE).car(root) as stream:
            assert stream is not None
            assert all(cid.matches(block) for cid, block in car.read(stream, root))
    except (BadSource, Unavailable) as refusal:
        assert refusal.code.startswith("bundle.")


@pytest.mark.parametrize(
    "url",
    [
        "",
        "gateway.example",
        "ftp://gateway.example",
        "file:///etc/passwd",
        "http://",
        "https://user:secret@gateway.example",
        "https://gateway.example/?x=1",
        "https://gateway.example/#x",
        "http://[::1",
        "http://a b/",
        "https://gateway.example:999999",
    ],
)
def test_a_source_is_a_plain_http_address(url: str) -> None:
    with pytest.raises(Misuse) as refusal:
        Gateway(url)
    assert refusal.value.code == "bundle.url"
    assert "secret" not in str(refusal.value)


def test_a_source_that_nobody_runs_is_out_of_reach() -> None:
    with listening("127.0.0.1", 0) as bound:
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
    with pytest.raises(Unavailable) as refusal:
        Gateway(url, pace=PACE).find(CID)
    assert refusal.value.code == "bundle.unreachable"
