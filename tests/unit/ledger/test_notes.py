"""Notes, checkpoints, keys and trust: one spelling in, and nobody's word for more than they signed."""

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.errors import CyberPrivacyError, Misuse, Untrusted
from cyberprivacy.ledger.checkpoint import Checkpoint
from cyberprivacy.ledger.note import BadNote, Note, Signature
from cyberprivacy.ledger.signers import BadSignature, Kind, Signer, VerifierKey, cosigned, cosigned_pq
from cyberprivacy.ledger.trust import SKEW, Trust, judge

NOW = 1_800_000_000
ORIGIN = "log.example/one"
LOG = Signer.of(ORIGIN, Kind.LOG, bytes(32))
LOG_PQ = Signer.of(ORIGIN, Kind.COSIGNER_PQ, bytes([9]) * 32)
ANNA = Signer.of("anna.example", Kind.COSIGNER, bytes([1]) * 32)
ANNA_PQ = Signer.of("anna.example", Kind.COSIGNER_PQ, bytes([2]) * 32)
BERT = Signer.of("bert.example", Kind.COSIGNER, bytes([3]) * 32)
STRANGER = Signer.of("stranger.example", Kind.COSIGNER, bytes([4]) * 32)
TRUST = Trust.of(ORIGIN, [LOG.verifier], [each.verifier for each in (ANNA, ANNA_PQ, BERT)], quorum=2, max_age=3600)
HEAD = Checkpoint(ORIGIN, 7, bytes(range(32)))


def note(*signers: Signer, head: Checkpoint = HEAD, time: int = NOW) -> bytes:
    return Note(head.text, tuple(each.sign(head, time=time) for each in signers)).encode()


C2SP_KEY = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"
C2SP_NOTE = """This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
"""


def test_the_example_of_the_signed_note_specification() -> None:
    key, found = VerifierKey.parse(C2SP_KEY), Note.parse(C2SP_NOTE.encode())
    assert (key.name, key.id.hex(), key.encode()) == ("example.com/foo", "530d903a", C2SP_KEY)
    assert key.made(found.signatures[0])
    assert key.verify(found.text, found.signatures[0]) is None
    with pytest.raises(BadSignature):
        key.verify(found.text.replace("an", "no"), found.signatures[0])
    assert found.encode().decode() == C2SP_NOTE


GO_KEY = "PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW"
GO_NOTE = """If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
"""


def test_the_example_of_the_go_documentation() -> None:
    key, found = VerifierKey.parse(GO_KEY), Note.parse(GO_NOTE.encode())
    assert key.made(found.signatures[0])
    assert key.verify(found.text, found.signatures[0]) is None


def test_the_messages_are_the_bytes_that_the_specification_shows() -> None:
    body = "example.com/behind-the-sofa\n20852163\nCsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=\n"
    assert cosigned(body, 1679315147) == b"cosignature/v1\ntime 1679315147\n" + body.encode()
    head = Checkpoint.parse(body)
    expected = b"subtree/v1\n\0" + b"\x02w1" + (5).to_bytes(8) + b"\x1bexample.com/behind-the-sofa"
    assert cosigned_pq("w1", head, 5) == expected + bytes(8) + (20852163).to_bytes(8) + head.root


@pytest.mark.parametrize(
    "wrong",
    [
        *(b"", b"\n", b"text\n", b"text\n\n", "text\n\n— name AAAAAAA=".encode(), b"text\n\n- name AAAAAAA=\n"),
        *(f"text\n\n— {rest}\n".encode() for rest in ("name AAAAAA==", "name AAAAAAB=", "name  AAAAAAA=", "name")),
        *(f"text\n\n— {rest}\n".encode() for rest in ("a+b AAAAAAA=", " AAAAAAA=", "a\u2003b AAAAAAA=")),
        *("text\r\n\n— name AAAAAAA=\n".encode(), b"\xff\n\n\xe2\x80\x94 name AAAAAAA=\n"),
        "text\n\n— name AAAAAAA=\n\n".encode(),
        ("text\n\n" + "— name AAAAAAA=\n" * 65).encode(),
        ("text\n\n— name " + "A" * 12000 + "\n").encode(),
        b"x" * 300_000,
    ],
)
def test_what_is_no_note_is_refused(wrong: bytes) -> None:
    with pytest.raises(BadNote) as refusal:
        Note.parse(wrong)
    assert refusal.value.code in ("note.form", "note.size")


TEXTS = st.text(st.characters(exclude_categories=["Cs", "Cc"]) | st.just("\n"), max_size=60).map(
    lambda it: it + "\n"
)
NAMES = st.text("abcdefgh./:0", min_size=1, max_size=20)
SIGNATURES = st.lists(
    st.builds(Signature, NAMES, st.binary(min_size=4, max_size=4), st.binary(min_size=1, max_size=90))
)


@given(TEXTS, SIGNATURES.filter(bool).map(lambda it: it[:64]))
def test_notes_read_back(text: str, signatures: list[Signature]) -> None:
    made = Note(text, tuple(signatures))
    assert Note.parse(made.encode()) == made


@given(st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
def test_any_bytes_are_a_note_in_its_one_spelling_or_refused(data: bytes) -> None:
    with contextlib.suppress(BadNote):
        assert Note.parse(data).encode() == data


GOOD = "o\n1\n" + "A" * 43 + "=\n"


@pytest.mark.parametrize(
    "wrong",
    [
        *("", "o\n", "o\n1\n", "\n1\n" + GOOD[4:], GOOD[:-1], GOOD + "\n", GOOD + "\nmore\n"),
        *(
            GOOD.replace("1", size)
            for size in ("01", "-1", "+1", "1 ", "", "1e3", "\u0661", str(1 << 63), "9" * 19)
        ),
        *(GOOD.replace("A=", end) for end in ("B=", "", "A", "AAA")),
        "o" * 256 + GOOD[1:],
        GOOD + "x" * 20_000 + "\n",
    ],
)
def test_what_is_no_checkpoint_is_refused(wrong: str) -> None:
    with pytest.raises(BadNote):
        Checkpoint.parse(wrong)
    assert Checkpoint.parse(GOOD).text == GOOD


@given(st.integers(1, 1 << 62), st.binary(min_size=32, max_size=32), st.lists(NAMES, max_size=3))
def test_checkpoints_read_back(size: int, root: bytes, more: list[str]) -> None:
    made = Checkpoint(ORIGIN, size, root, tuple(more))
    assert Checkpoint.parse(made.text) == made


@pytest.mark.parametrize("signer", [LOG, ANNA, ANNA_PQ], ids=lambda each: each.kind.name)
def test_a_key_signs_and_nothing_else_passes_for_it(signer: Signer) -> None:
    key, made = signer.verifier, signer.sign(HEAD, time=NOW)
    assert VerifierKey.parse(key.encode()) == key
    assert key.made(made)
    assert key.verify(HEAD.text, made) == (None if signer.kind is Kind.LOG else NOW)
    flipped = bytes([made.value[0], made.value[1] ^ 1, *made.value[2:]])
    for value in (flipped, made.value[:-1], made.value + b"\0", bytes(len(made.value))):
        with pytest.raises(BadSignature):
            key.verify(HEAD.text, Signature(made.name, made.key_id, value))
    with pytest.raises(BadSignature):
        key.verify(Checkpoint(ORIGIN, 8, HEAD.root).text, made)
    assert "_key" not in repr(signer)


@pytest.mark.parametrize(
    "wrong", ["", "a", "a+00000000+AAAA", C2SP_KEY[:-1], C2SP_KEY.replace("530d", "530e"), C2SP_KEY + "\n", "++"]
)
def test_what_is_no_key_is_refused(wrong: str) -> None:
    with pytest.raises(Misuse) as refusal:
        VerifierKey.parse(wrong)
    assert refusal.value.code == "note.key"


def code_of(data: bytes, trust: Trust = TRUST, now: int = NOW) -> str:
    try:
        judge(data, trust, now=now)
    except CyberPrivacyError as refusal:
        assert isinstance(refusal, Untrusted)
        return refusal.code
    return "believed"


def test_a_head_is_believed_when_the_log_and_a_quorum_of_witnesses_signed_it() -> None:
    seen = judge(note(LOG, STRANGER, ANNA, BERT, LOG_PQ), TRUST, now=NOW + 5)
    assert (seen.checkpoint, seen.witnesses, seen.dated) == (HEAD, {"anna.example": NOW, "bert.example": NOW}, NOW)
    assert seen.note.encode() == note(LOG, ANNA, BERT)  # what nobody could check is not passed on


def test_each_thing_that_may_be_wrong_with_a_head_has_its_code() -> None:
    assert code_of(note(ANNA, BERT)) == "log.unknown-key"
    assert code_of(note(LOG, ANNA)) == "log.quorum"
    assert code_of(note(LOG, ANNA, ANNA_PQ)) == "log.quorum"  # two keys, but one witness
    assert code_of(note(LOG, ANNA, STRANGER)) == "log.quorum"
    assert code_of(note(LOG, ANNA, BERT), now=NOW + 3601) == "log.stale"
    assert code_of(note(LOG, ANNA, BERT, time=NOW + SKEW + 1)) == "log.quorum"  # its clock is wrong
    other = Checkpoint("another.example", 7, HEAD.root)
    assert code_of(note(LOG, ANNA, BERT, head=other)) == "log.origin"
    forged = Note.parse(note(LOG, ANNA, BERT)).signatures
    broken = Note(Checkpoint(ORIGIN, 8, HEAD.root).text, forged)
    assert code_of(broken.encode()) == "note.signature"
    assert code_of(note(LOG, ANNA, BERT, head=Checkpoint(ORIGIN, 0, HEAD.root))) == "log.root"
    assert code_of(b"hello") == "note.form"


def test_age_is_what_a_quorum_says_and_not_what_one_witness_says() -> None:
    old, new = note(LOG, BERT, time=NOW - 5000), Note.parse(note(ANNA))
    mixed = Note.parse(old).with_signatures(new.signatures).encode()
    assert code_of(mixed) == "log.stale"
    one = Trust.of(ORIGIN, [LOG.verifier], [ANNA.verifier, BERT.verifier], quorum=1, max_age=3600)
    assert code_of(mixed, one) == "believed"


def test_without_witnesses_age_is_what_the_log_itself_says_if_it_does() -> None:
    alone = Trust.of(ORIGIN, [LOG.verifier, LOG_PQ.verifier], max_age=60)
    assert code_of(note(LOG), alone) == "log.undated"
    assert code_of(note(LOG, LOG_PQ), alone) == "believed"
    assert code_of(note(LOG, LOG_PQ), alone, now=NOW + 61) == "log.stale"


def test_one_key_is_never_two_witnesses() -> None:
    twin = Signer.of("twin.example", Kind.COSIGNER, bytes([1]) * 32)
    for witnesses, quorum in (([ANNA, twin], 1), ([ANNA], 2), ([LOG], 1)):
        with pytest.raises(Misuse) as refusal:
            Trust.of(ORIGIN, [LOG.verifier], [each.verifier for each in witnesses], quorum=quorum)
        assert refusal.value.code == "log.trust"
    with pytest.raises(Misuse):
        Trust.of(ORIGIN, [])
