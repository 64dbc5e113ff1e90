"""The bytes in which grants and revocations travel: canonical JSON that fits OAuth's `authorization_details`.

Source: docs/spec/udi-1.md, "Grants"; RFC 9396 section 2.
"""

from dataclasses import dataclass
from typing import Final, Self

from cyberprivacy import canonical
from cyberprivacy.vault.cosigning import Proof
from cyberprivacy.vault.grant import BadGrant, Grant, Revoke

LIMIT: Final = 64 << 10
"""Bytes of a signed grant or revocation."""
GRANT: Final = "urn:udi:grant:1"
REVOKE: Final = "urn:udi:revoke:1"


@dataclass(frozen=True, slots=True)
class SignedGrant:
    """A grant, who says to have signed it, and who says to have looked at it as well."""

    grant: Grant
    proof: Proof
    cosigned: Proof | None = None

    def as_json(self) -> dict[str, object]:
        """The object for OAuth's `authorization_details`."""
        cosigned = {} if self.cosigned is None else {"cosigned": self.cosigned.as_json()}
        return {"type": GRANT, "grant": _plain(self.grant.message()), "proof": self.proof.as_json(), **cosigned}

    def encode(self) -> bytes:
        """The bytes in which it travels: canonical JSON."""
        return canonical.encode(self.as_json())

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read one.

        Raises:
            BadGrant: too large ("grant.size"), or not the form of the specification.
            NotCanonical: not its one spelling.
            BadScope, BadSelector, BadKey, BadAssertion: a part is malformed.
        """
        match canonical.decode(_bounded(data), limit=LIMIT):
            case {"type": str(kind), "grant": grant, "proof": proof, **rest} if kind == GRANT and rest.keys() <= {
                "cosigned"
            }:
                return cls(Grant.read(grant), Proof.read(proof), Proof.read(rest["cosigned"]) if rest else None)
        raise BadGrant("not a signed grant")


@dataclass(frozen=True, slots=True)
class SignedRevoke:
    """A revocation, and who says to have signed it."""

    revoke: Revoke
    proof: Proof

    def encode(self) -> bytes:
        """The bytes in which it travels: canonical JSON."""
        said = _plain(self.revoke.message())
        return canonical.encode({"type": REVOKE, "revoke": said, "proof": self.proof.as_json()})

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read one; raises as `SignedGrant.decode`."""
        match canonical.decode(_bounded(data), limit=LIMIT):
            case {"type": str(kind), "revoke": revoke, "proof": proof, **rest} if kind == REVOKE and not rest:
                return cls(Revoke.read(revoke), Proof.read(proof))
        raise BadGrant("not a signed revocation")


def _bounded(data: bytes) -> bytes:
    if len(data) > LIMIT:
        raise BadGrant("the document is too large", code="grant.size", size=len(data), limit=LIMIT)
    return data


def _plain(value: object) -> object:
    match value:
        case bytes():
            return value.hex()
        case dict():
            return {name: _plain(item) for name, item in value.items()}
        case list():
            return [_plain(item) for item in value]
        case _:
            return value
