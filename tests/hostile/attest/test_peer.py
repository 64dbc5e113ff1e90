"""Two machines prove themselves to one another; whoever has neither their hardware nor their session is refused."""

import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from cyberprivacy.attest import peer
from cyberprivacy.attest.bare import MAX_DOCUMENT, EvidenceDocument
from cyberprivacy.attest.channel import Channel
from cyberprivacy.attest.identity import TlsIdentity
from cyberprivacy.attest.judge import verify_evidence
from cyberprivacy.attest.policy import Policy
from cyberprivacy.attest.report import Report
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.testing.attested import EVENTS, NOW
from cyberprivacy.testing.papertpm import PaperTpm
from cyberprivacy.testing.tpm import DevelopmentRoot

pytestmark = pytest.mark.timeout(60)
ROOT = DevelopmentRoot.new()
MEASURED = PaperTpm(events=EVENTS).measurement


def machine() -> peer.Self:
    identity = TlsIdentity.born(["peer"], lifetime=600, now=NOW)
    return peer.Self(identity, PaperTpm(events=EVENTS).under(ROOT))


def judge(document: EvidenceDocument) -> Report:
    policy = replace(Policy().allowing_development(ROOT.fingerprint), measurements=frozenset({MEASURED}))
    bound = document.bound
    return verify_evidence(
        document.evidence, bound=bound, policy=policy, at=NOW, nonce=None, spki=None, role=bound.role
    )


A, B = machine(), machine()

Line = tuple[Channel, Channel]


@contextmanager
def line(caller: TlsIdentity, called: TlsIdentity) -> Iterator[Line]:
    """A session between the holders of these keys: (caller's end, called one's end)."""
    ours, theirs = socket.socketpair()
    with ours, theirs, ThreadPoolExecutor(1) as pool:
        other = pool.submit(Channel.server, theirs, called, ask=True, step=5.0)
        yield Channel.client(ours, identity=caller, step=5.0), other.result(10)


def aside(act: Callable[..., Any], *given: Any) -> Future[Any]:
    done: Future[Any] = Future()

    def run() -> None:
        try:
            done.set_result(act(*given))
        except BaseException as error:  # noqa: BLE001  (it is handed on)
            done.set_exception(error)

    threading.Thread(target=run, daemon=True).start()
    return done


def code(of: Future[Any]) -> str:
    error = of.exception(20)
    assert isinstance(error, CyberPrivacyError), error
    return error.code


def proof(channel: Channel) -> bytes:
    size = int.from_bytes(channel.receive_exactly(4), "big")
    return size.to_bytes(4, "big") + channel.receive_exactly(size)


def test_two_machines_prove_themselves_to_one_another() -> None:
    with line(A.identity, B.identity) as (calls, called):
        answered = aside(peer.answer, called, B, judge)
        assert peer.call(calls, A, judge).accepted
        assert answered.result(10).accepted


def test_ones_own_words_are_no_answer() -> None:
    """Reflection: somebody without any hardware sends the caller's nonce and the caller's proof back to it."""
    thief = TlsIdentity.born(["thief"], lifetime=600, now=NOW)
    with line(A.identity, thief) as (calls, called):
        caller = aside(peer.call, calls, A, judge)
        called.send(called.receive_exactly(32))
        said = proof(called)
        called.send(said)
        assert code(caller) == "peer.role"
    assert judge(EvidenceDocument.parse(said[4:])).accepted, "the evidence itself is genuine: the role refused it"


def test_a_relay_with_both_keys_has_two_sessions() -> None:
    with line(A.identity, B.identity) as (calls, thief_as_b), line(A.identity, B.identity) as (thief_as_a, called):
        caller, answerer = aside(peer.call, calls, A, judge), aside(peer.answer, called, B, judge)
        thief_as_a.send(thief_as_b.receive_exactly(32))
        thief_as_b.send(thief_as_a.receive_exactly(32))
        said = proof(thief_as_b)
        thief_as_a.send(said)
        assert code(answerer) == "peer.session"
    assert judge(EvidenceDocument.parse(said[4:])).accepted
    with pytest.raises(OSError, match=r".") as _:
        caller.result(20)


def test_an_earlier_proof_is_refused() -> None:
    with line(A.identity, B.identity) as (calls, called):
        aside(peer.call, calls, A, judge)
        called.send(bytes(32))
        called.receive_exactly(32)
        old = proof(called)
    with line(A.identity, B.identity) as (calls, called):
        answered = aside(peer.answer, called, B, judge)
        calls.send(calls.receive_exactly(32))
        calls.send(old)
        assert code(answered) == "peer.session"


def test_a_proof_for_another_nonce_in_the_same_session_is_refused() -> None:
    with line(A.identity, B.identity) as (calls, called):
        answered = aside(peer.answer, called, B, judge)
        calls.receive_exactly(32)
        calls.send(bytes(32))
        peer._prove(calls, A, peer.INITIATOR, bytes(32))
        assert code(answered) == "peer.replayed"


def test_a_proof_about_another_key_is_refused() -> None:
    with line(B.identity, B.identity) as (calls, called):
        answered = aside(peer.answer, called, B, judge)
        calls.send(bytes(32))
        peer._prove(calls, A, peer.INITIATOR, calls.receive_exactly(32))
        assert code(answered) == "peer.key"


def test_evidence_under_a_root_that_nobody_named_is_refused() -> None:
    stranger = replace(A, attester=PaperTpm(events=EVENTS).under(DevelopmentRoot.new()))
    with line(A.identity, B.identity) as (calls, called):
        answered = aside(peer.answer, called, B, judge)
        caller = aside(peer.call, calls, stranger, judge)
        assert code(answered) == "peer.refused"
    assert isinstance(caller.exception(20), OSError)


@pytest.mark.parametrize(
    ("sent", "expected"),
    [
        ((MAX_DOCUMENT + 1).to_bytes(4, "big"), "peer.refused"),
        (b"\xff\xff\xff\xff", "peer.refused"),
        (b"\0\0\0\0", "json.form"),
        (b"\0\0\0\x02{}", "attestation.form"),
    ],
)
def test_what_is_no_proof_is_refused(sent: bytes, expected: str) -> None:
    with line(A.identity, B.identity) as (calls, called):
        answered = aside(peer.answer, called, B, judge)
        calls.send(bytes(32))
        calls.receive_exactly(32)
        calls.send(sent)
        assert code(answered) == expected
