"""The line with which a cluster answers on chain: one spelling, bound to place, head and time."""

from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.errors import CyberPrivacyError, Misuse
from cyberprivacy.ledger.checkpoint import Checkpoint
from cyberprivacy.ledger.headkey import LATEST, OnChain, head_digest
from cyberprivacy.ledger.headsigner import HeadSigner
from cyberprivacy.ledger.note import Signature
from cyberprivacy.ledger.signers import BadSignature, Kind, Signer, VerifierKey
from cyberprivacy.ledger.trust import Trust
from cyberprivacy.proposal.heads import Head
from cyberprivacy.proposal.release import Address

ORIGIN, ANCHOR = "log.example/one", bytes(range(20))
SIGNER = HeadSigner.of(ORIGIN, sha256(b"head").digest(), chain_id=31337, anchor=ANCHOR, cluster=7)
POINT = Checkpoint(ORIGIN, 5, sha256(b"root").digest())


def test_a_line_says_when_and_is_verified_by_the_key_that_people_pass_on() -> None:
    key = VerifierKey.parse(SIGNER.verifier.encode())
    line = SIGNER.sign(POINT, time=1_800_000_000)
    assert (key.kind, key.made(line), key.verify(POINT.text, line)) == (Kind.HEAD, True, 1_800_000_000)


@pytest.mark.parametrize(
    "other",
    [
        Checkpoint(ORIGIN, 6, POINT.root),
        Checkpoint(ORIGIN, 5, sha256(b"another past").digest()),
    ],
)
def test_a_line_is_of_one_head_only(other: Checkpoint) -> None:
    with pytest.raises(BadSignature):
        SIGNER.verifier.verify(other.text, SIGNER.sign(POINT, time=1))


@given(st.integers(0, 80), st.integers(1, 255))
def test_no_byte_of_a_line_can_be_another(place: int, change: int) -> None:
    value = bytearray(SIGNER.sign(POINT, time=1_800_000_000).value)
    value[place] ^= change
    with pytest.raises(BadSignature):
        SIGNER.verifier.verify(POINT.text, Signature(ORIGIN, SIGNER.verifier.id, bytes(value)))


@given(st.binary(max_size=100))
def test_what_is_no_line_is_refused(value: bytes) -> None:
    with pytest.raises(BadSignature):
        SIGNER.verifier.verify(POINT.text, Signature(ORIGIN, SIGNER.verifier.id, value))


@given(st.integers(1, (1 << 64) - 1), st.binary(min_size=20, max_size=20), st.integers(1, (1 << 64) - 1))
def test_a_key_names_the_place_where_it_counts(chain_id: int, anchor: bytes, cluster: int) -> None:
    place = OnChain(chain_id, anchor, cluster, bytes(20))
    assert OnChain.parse(place.encode()) == place
    digest = head_digest(chain_id, anchor, cluster, size=5, root=POINT.root, time=LATEST)
    assert digest == Head(cluster, 5, POINT.root, LATEST).digest(chain_id, Address("0x" + anchor.hex()))
    for other in (
        OnChain(chain_id ^ 1, anchor, cluster, bytes(20)),
        OnChain(chain_id, anchor, cluster ^ 1, bytes(20)),
    ):
        assert head_digest(other.chain_id, anchor, other.cluster, size=5, root=POINT.root, time=LATEST) != digest


@given(st.binary(max_size=90))
def test_bytes_that_are_no_head_key_are_refused(public: bytes) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  the caller says what it was
        OnChain.parse(public)
    with pytest.raises(Misuse):
        VerifierKey(ORIGIN, Kind.HEAD, public)


def test_a_secret_or_a_place_that_cannot_be_is_misuse() -> None:
    for secret, cluster in ((bytes(32), 7), (b"\1" * 32, 1 << 64), (b"\1" * 32, -1)):
        with pytest.raises(Misuse) as refusal:
            HeadSigner.of(ORIGIN, secret, chain_id=1, anchor=ANCHOR, cluster=cluster)
        assert refusal.value.code == "note.key"


def test_a_head_key_is_no_witness() -> None:
    log = Signer.of(ORIGIN, Kind.LOG, bytes(32)).verifier
    witness = HeadSigner.of("witness.example", b"\2" * 32, chain_id=1, anchor=ANCHOR, cluster=1).verifier
    with pytest.raises(CyberPrivacyError) as refusal:
        Trust.of(ORIGIN, [log], [witness], quorum=1)
    assert refusal.value.code == "log.trust"
    assert SIGNER.verifier in Trust.of(ORIGIN, [log, SIGNER.verifier]).log


def test_the_secret_is_never_shown() -> None:
    assert sha256(b"head").hexdigest() not in repr(SIGNER)
    assert repr(sha256(b"head").digest()) not in repr(SIGNER)
