"""Those who stand between a visitor and a node, with a node's TLS key in their hands.

Each attack runs against the real front and the real interface of a node. Judged by key and nonce alone, as if there were
no session to compare, each of them is accepted; with the session, each is refused, and by that check alone.
"""

import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import uvicorn

from cyberprivacy.attest.channel import Channel
from cyberprivacy.attest.conversation import Answer, ask
from cyberprivacy.attest.evidence import NODE_ROLE
from cyberprivacy.attest.identity import NodeKey, TlsIdentity
from cyberprivacy.attest.report import Report
from cyberprivacy.attest.session import TlsSession, exported
from cyberprivacy.attest.verify import Seen
from cyberprivacy.deploy.front import Front
from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.ledger.reading import FolderSource
from cyberprivacy.node.api import application
from cyberprivacy.testing.attested import ACCOUNT, NOW, World
from cyberprivacy.testing.tlsserver import TlsServer, document, nonce_of

pytestmark = [pytest.mark.engines, pytest.mark.timeout(120)]
NONCE = bytes(range(32))


class Node:
    """A node that the chain lists, behind a real front; `used` has each session as the front told it."""

    def __init__(self, world: World, folder: Path, name: str) -> None:
        self.world, self.used = world, list[TlsSession]()
        folder.mkdir()
        ledger, public = FileLedger(folder / "log", clock=lambda: NOW), FolderSource(folder / "public")
        api = application(attest=self._prove, status=dict, is_ready=bool, ledger=ledger, public=public)
        self._server = uvicorn.Server(uvicorn.Config(api, uds=str(folder / "api.sock"), log_config=None))
        self._thread = threading.Thread(target=self._server.run)
        self._thread.start()
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.url = f"https://127.0.0.1:{free.getsockname()[1]}"
        self.front, self.name = Front(folder / "front", user=None), name
        self.front.serve(name, self.url.removeprefix("https://"), world.tls.pem(), folder / "api.sock")

    def _prove(self, nonce: bytes, session: TlsSession) -> bytes:
        self.used.append(session)
        name = exported(session.secret, NODE_ROLE, self.world.tls.spki)
        return self.world.bend(nonce=nonce, session=name).attest().encode()

    def close(self) -> None:
        self.front.stop()
        self._server.should_exit = True
        self._thread.join(10)


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Node, Node]]:
    """A node, and another one of the same DAO with the same release: both genuine, both listed."""
    folder = tmp_path_factory.mktemp("town")
    one = World.new()
    other = one.bend(key=NodeKey.born(), tls=TlsIdentity.born(["127.0.0.1"], lifetime=3600, now=NOW - 100))
    nodes = tuple(Node(world, folder / name, name) for world, name in ((one, "one"), (other, "other")))
    yield nodes[0], nodes[1]
    for node in nodes:
        node.close()


def judged(node: Node, answer: Answer, *, by_session: bool) -> Report:
    """What a visitor with this answer decides; the chain lists the node that the proof names."""
    world = node.world
    listed = replace(world.facts.nodes[ACCOUNT], id=world.key.id)
    seen = Seen(answer.spki, NONCE, answer.session if by_session else None)
    return world.chain(nodes={ACCOUNT: listed}).bend(proof=answer.attestation, seen=seen).report()


def test_an_honest_node_is_accepted_through_its_front(town: tuple[Node, Node]) -> None:
    for node in town:
        assert judged(node, ask(node.url, NONCE), by_session=True).accepted


def relay(one: Node, _: Node) -> tuple[Node, Callable[[Channel, bytes], bytes]]:
    """The node's key was taken out of it; whoever has it asks the node in a session of his own."""
    return one, lambda _channel, request: ask(one.url, nonce_of(request)).attestation


def diversion(_: Node, other: Node) -> tuple[Node, Callable[[Channel, bytes], bytes]]:
    """The visitor is led to another genuine node's key, taken from a machine that the attacker could open."""
    return other, lambda _channel, request: ask(other.url, nonce_of(request)).attestation


def replay(one: Node, _: Node) -> tuple[Node, Callable[[Channel, bytes], bytes]]:
    """The visitor's random numbers come twice (a machine started from a snapshot), and the answer was kept."""
    kept = ask(one.url, NONCE).attestation
    return one, lambda _channel, _request: kept


@pytest.mark.parametrize("attack", [relay, diversion, replay])
def test_what_passes_by_key_and_nonce_fails_by_session(
    town: tuple[Node, Node], attack: Callable[[Node, Node], tuple[Node, Callable[[Channel, bytes], bytes]]]
) -> None:
    robbed, answer = attack(*town)
    thief = TlsServer(lambda: robbed.world.tls, lambda channel, got: channel.send(document(answer(channel, got))))
    got = ask(thief.url, NONCE)
    thief.close()
    assert judged(robbed, got, by_session=False).accepted
    refused = judged(robbed, got, by_session=True)
    assert [(check.name, check.code) for check in refused.failures] == [("tls.session", "tls.other-session")]


@pytest.mark.parametrize("header", ["Cyberprivacy-Exporter", "cyberprivacy-exporter", "Cyberprivacy_Exporter"])
def test_a_visitor_cannot_tell_a_node_in_which_session_he_asks(town: tuple[Node, Node], header: str) -> None:
    node, claimed = town[0], "ab" * 48
    host, _, port = node.url.removeprefix("https://").partition(":")
    with socket.create_connection((host, int(port))) as wire:
        channel = Channel.client(wire)
        target = f"/.well-known/cyberprivacy/attestation?nonce={NONCE.hex()}"
        channel.send(f"GET {target} HTTP/1.1\r\nHost: a\r\n{header}: {claimed}\r\n\r\n".encode())
        assert channel.receive().startswith(b"HTTP/1.1 200")
        mine = channel.session(NODE_ROLE, channel.peer)
    assert exported(node.used[-1].secret, NODE_ROLE, channel.peer) == mine


def test_an_open_connection_keeps_its_certificate_over_a_renewal(town: tuple[Node, Node]) -> None:
    node = town[1]
    host, _, port = node.url.removeprefix("https://").partition(":")
    request = f"GET /.well-known/cyberprivacy/attestation?nonce={NONCE.hex()} HTTP/1.1\r\nHost: a\r\n\r\n".encode()
    born = TlsIdentity.born(["127.0.0.1"], lifetime=3600, now=NOW)
    with socket.create_connection((host, int(port))) as wire:
        channel = Channel.client(wire)
        node.front.renew(node.name, born.pem())
        ask(node.url, NONCE)
        assert node.used[-1].certificate == born.fingerprint
        channel.send(request)
        assert channel.receive().startswith(b"HTTP/1.1 200")
        assert node.used[-1].certificate == node.world.tls.fingerprint
    node.front.renew(node.name, node.world.tls.pem())


def test_a_session_is_never_taken_up_again(town: tuple[Node, Node]) -> None:
    host, _, port = town[0].url.removeprefix("https://").partition(":")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    kept: ssl.SSLSession | None = None
    for _ in range(2):
        with (
            socket.create_connection((host, int(port))) as wire,
            context.wrap_socket(wire, session=kept) as channel,
        ):
            channel.sendall(b"GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n")
            while channel.recv(4096):
                pass
            assert not channel.session_reused
            kept = channel.session
