"""Who signed a document and, for what cannot be taken back, who else looked at it.

A thief with one key must not be able to move, delete or open everything alone. So a second signature over the same
digest is asked for, of somebody else whom the account's own events or this place name. Source: docs/spec/udi-1.md,
"Co-signatures".
"""

from dataclasses import dataclass
from typing import Final, Self

from cyberprivacy.errors import Untrusted
from cyberprivacy.vault.account import EventRefused, State
from cyberprivacy.vault.key import Judge, Key
from cyberprivacy.vault.keyevent import Opening

_MAX_SIGNATURE: Final = 8_192
"""Bytes; the largest is a passkey's."""


class NotCosigned(Untrusted):
    """A second signature is missing, or is not of somebody who may give it."""

    code = "cosign.missing"
    hint = (
        "Have it signed as well by another key of the account, one of its guardians, or the security application."
    )


@dataclass(frozen=True, slots=True)
class Proof:
    """A signature over a document's digest.

    Attributes:
        guardian: the salt (32 bytes) with which a guardian steps forward; None for everybody else.
    """

    key: Key
    signature: bytes
    guardian: bytes | None = None

    def as_json(self) -> dict[str, object]:
        """The fields as JSON values."""
        salt = {} if self.guardian is None else {"guardian": self.guardian.hex()}
        return {"key": self.key.text, "signature": self.signature.hex(), **salt}

    @classmethod
    def read(cls, value: object) -> Self:
        """A proof from its JSON values.

        Raises:
            NotCosigned: another form ("proof.form"). BadKey, BadAssertion: the key is none.
        """
        match value:
            case {"key": str(key), "signature": str(signature), **rest} if rest.keys() <= {"guardian"}:
                salt = _octets(rest["guardian"], 32, 32) if rest else None
                return cls(Key.parse(key), _octets(signature, 1, _MAX_SIGNATURE), salt)
        raise NotCosigned("not a proof", code="proof.form", hint="")


def check_cosigned(
    state: State,
    signer: Key,
    digest: bytes,
    proof: Proof | None,
    *,
    judge: Judge,
    trusted: frozenset[Key],
    now: float,
) -> None:
    """Refuse unless somebody other than the signer, who may, signed the same digest (32 bytes).

    Args:
        state: the account now.
        signer: the key of the first signature.
        digest: what both sign, 32 bytes.
        proof: the second signature.
        judge: which kinds of keys are enabled.
        trusted: keys of security applications that this place accepts.
        now: POSIX seconds.

    Raises:
        NotCosigned: missing ("cosign.missing"), or of the signer or of a stranger ("cosign.who").
        EventRefused: a key of the account that is too young ("account.young").
        Untrusted: the signature is not good.
    """
    if proof is None:
        raise NotCosigned("this needs a second signature")
    if proof.key == signer:
        raise NotCosigned("the second signature is of the same key", code="cosign.who")
    if proof.guardian is not None:
        commitment = Opening(proof.key, proof.guardian).commitment
        known = any(each.commitment == commitment for each in state.helpers(now))
    elif proof.key in state.keys:
        known = True
        if now < state.keys[proof.key]:
            raise EventRefused("this key is too new for that", code="account.young", until=state.keys[proof.key])
    else:
        known = proof.key in trusted
    if not known:
        raise NotCosigned("neither a key nor a guardian of the account", code="cosign.who", key=proof.key.text)
    judge.check(proof.key, digest, proof.signature)


def _octets(value: object, least: int, most: int) -> bytes:
    if isinstance(value, str) and 2 * least <= len(value) <= 2 * most:
        try:
            made = bytes.fromhex(value)
        except ValueError:
            made = b""
        if made.hex() == value:
            return made
    raise NotCosigned("not hex of this size", code="proof.form", hint="", most=most)
