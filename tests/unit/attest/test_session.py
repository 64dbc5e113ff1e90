"""Both ends of a TLS session give it one name, and no other session or side has it."""

import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from OpenSSL import SSL

from cyberprivacy.attest import channel as channels
from cyberprivacy.attest.channel import Channel
from cyberprivacy.attest.identity import TlsIdentity
from cyberprivacy.attest.session import BadSession, TlsSession, context, exported

NOW = 1_800_000_000
ONE, OTHER = (TlsIdentity.born(["a"], lifetime=600, now=NOW) for _ in range(2))
Join = Callable[..., tuple[Channel, Channel]]


@pytest.fixture
def join() -> Iterator[Join]:
    """Both ends of a new connection."""
    wires: list[socket.socket] = []

    def connect(**how: Any) -> tuple[Channel, Channel]:
        ours, theirs = socket.socketpair()
        wires.extend((ours, theirs))
        found: list[Channel] = []
        server = threading.Thread(target=lambda: found.append(Channel.server(theirs, ONE, ask=bool(how))))
        server.start()
        client = Channel.client(ours, **how)
        server.join(10)
        return client, found[0]

    yield connect
    for wire in wires:
        wire.close()


def test_both_ends_give_a_session_one_name(join: Join) -> None:
    client, server = join()
    assert client.session("node", ONE.spki) == server.session("node", ONE.spki)
    assert (client.peer, server.peer) == (ONE.spki, b"")


def test_each_session_and_each_side_has_a_name_of_its_own(join: Join) -> None:
    client, server = join(identity=OTHER)
    assert server.peer == OTHER.spki
    names = {
        client.session("client", OTHER.spki, ONE.spki),
        client.session("server", ONE.spki, OTHER.spki),
        client.session("server", ONE.spki),
        join()[0].session("server", ONE.spki),
    }
    assert len(names) == 4


@pytest.mark.parametrize("suite", [b"TLS_AES_128_GCM_SHA256", b"TLS_AES_256_GCM_SHA384"])
def test_the_exporter_secret_gives_what_openssl_exports(
    join: Join, suite: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines: list[bytes] = []
    before = channels._context

    def logging(method: int, identity: TlsIdentity | None) -> SSL.Context:
        made = before(method, identity)
        made.set_tls13_ciphersuites(suite)
        made.set_keylog_callback(lambda _, line: lines.append(line))
        return made

    monkeypatch.setattr(channels, "_context", logging)
    client, _ = join()
    secret = next(bytes.fromhex(line.split()[2].decode()) for line in lines if line.startswith(b"EXPORTER_SECRET"))
    assert exported(secret, "node", ONE.spki) == client.session("node", ONE.spki)
    assert exported(secret, "node", ONE.spki, OTHER.spki) == client.session("node", ONE.spki, OTHER.spki)


def test_a_client_that_has_to_show_a_key_and_has_none_is_refused() -> None:
    ours, theirs = socket.socketpair()
    with ours, theirs:
        refusals: list[OSError] = []

        def serve() -> None:
            try:
                Channel.server(theirs, ONE, ask=True)
            except OSError as refusal:
                refusals.append(refusal)
                theirs.shutdown(socket.SHUT_RDWR)

        server = threading.Thread(target=serve)
        server.start()
        client = Channel.client(ours)  # TLS 1.3: a client is done before the server has judged it
        with pytest.raises(OSError, match=r"."):
            client.receive_exactly(1)
        server.join(10)
    assert len(refusals) == 1


@pytest.mark.parametrize("size", [0, 31, 33, 47, 64])
def test_a_secret_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(BadSession):
        exported(bytes(size), "node", bytes(32))


def test_a_secret_is_not_shown() -> None:
    assert "5353" not in repr(TlsSession(b"S" * 32, b"c" * 32))


@given(*[st.tuples(st.text("ab", max_size=3), st.binary(max_size=3), st.binary(max_size=3))] * 2)
def test_no_two_sides_have_one_context(one: tuple[str, bytes, bytes], other: tuple[str, bytes, bytes]) -> None:
    assert (context(*one) == context(*other)) == (one == other)
