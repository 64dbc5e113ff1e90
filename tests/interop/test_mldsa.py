"""Our ML-DSA-44 cosignatures against another implementation of FIPS 204, and a message built from the specification."""

from struct import pack

import pytest
from dilithium_py.ml_dsa import ML_DSA_44

from cyberprivacy.ledger.checkpoint import Checkpoint
from cyberprivacy.ledger.note import Signature
from cyberprivacy.ledger.signers import BadSignature, Kind, Signer

pytestmark = pytest.mark.interop

SEED = bytes(range(32))
ANNA = Signer.of("anna.example/w1", Kind.COSIGNER_PQ, SEED)
HEAD = Checkpoint("log.example/one", 20_852_163, bytes(range(100, 132)))
TIME = 1_679_315_147


def message() -> bytes:
    """`cosigned_message` of C2SP tlog-cosignature."""
    return pack(
        ">12sB15sQB15sQQ32s",
        *(b"subtree/v1\n\0", 15, b"anna.example/w1", TIME, 15, b"log.example/one", 0, HEAD.size, HEAD.root),
    )


def test_both_make_the_same_key_of_a_seed_and_the_other_accepts_what_we_sign() -> None:
    public, _ = ML_DSA_44.key_derive(SEED)
    assert public == ANNA.verifier.public
    made = ANNA.sign(HEAD, time=TIME).value
    assert made[:8] == TIME.to_bytes(8, "big")
    assert ML_DSA_44.verify(public, message(), made[8:])
    assert not ML_DSA_44.verify(public, message() + b"\0", made[8:])


def test_we_accept_what_the_other_signs_and_only_with_its_time() -> None:
    _, secret = ML_DSA_44.key_derive(SEED)
    value, key = ML_DSA_44.sign(secret, message()), ANNA.verifier
    line = Signature(ANNA.name, key.id, TIME.to_bytes(8, "big") + value)
    assert key.verify(HEAD.text, line) == TIME
    with pytest.raises(BadSignature):
        key.verify(HEAD.text, Signature(ANNA.name, key.id, (TIME + 1).to_bytes(8, "big") + value))
