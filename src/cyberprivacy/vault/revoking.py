"""Whether words that take a grant back count, where they are handed in and where they are brought later. Pure.

Source: docs/spec/udi-1.md, "Checks", "Erasing at recipients".
"""

from collections.abc import Sequence

from cyberprivacy.typed_data import Schema
from cyberprivacy.vault.account import State
from cyberprivacy.vault.carriage import SignedRevoke
from cyberprivacy.vault.granting import GrantRefused, Memory, Place, signer_of
from cyberprivacy.vault.key import Judge
from cyberprivacy.vault.keylog import SKEW


def check_revoke(
    data: bytes, place: Place, *, states: Sequence[State], memory: Memory, now: float
) -> SignedRevoke:
    """Take a revocation in, or say why not. A frozen account can still take back.

    Args:
        data: the signed revocation as it came.
        place: where this is.
        states: the account after each of its events, first to last.
        memory: what this place remembers.
        now: POSIX seconds.

    Raises:
        Untrusted: the first check that fails: size, form, subject ("grant.subject"), signer ("account.key"),
            signature, time ("grant.clock"), nonce ("grant.nonce").
        TryLater: "grant.ahead", or the chain is out of reach.
    """
    signed = SignedRevoke.decode(data)
    said = signed.revoke
    _signed(signed, place.schema, place.judge, states)
    if abs(said.at - now) > SKEW:
        raise GrantRefused("the revocation is not of this time", code="grant.clock", at=said.at, now=int(now))
    if memory.nonce_used(said.subject, said.nonce):
        raise GrantRefused("this nonce came before", code="grant.nonce")
    return signed


def check_recall(
    signed: SignedRevoke, schema: Schema, judge: Judge, *, states: Sequence[State], now: float
) -> None:
    """Whether words have this place, a recipient, erase; they may be old: the source may have been out of reach.

    Raises:
        Untrusted: as `check_revoke`, without nonce; from the future ("grant.clock"), or without "erase"
            ("grant.keeps").
        TryLater: as `check_revoke`.
    """
    _signed(signed, schema, judge, states)
    if signed.revoke.at > now + SKEW:
        raise GrantRefused("the revocation is not of this time", code="grant.clock", at=signed.revoke.at)
    if not signed.revoke.erase:
        raise GrantRefused("the person lets the recipient keep what it has", code="grant.keeps")


def _signed(signed: SignedRevoke, schema: Schema, judge: Judge, states: Sequence[State]) -> None:
    said = signed.revoke
    signer_of(said.subject, said.kel_seq, signed.proof.key, states)
    judge.check(signed.proof.key, said.digest(schema), signed.proof.signature)
