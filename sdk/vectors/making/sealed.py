"""Sealed records: AES-256-GCM with nonces that everybody can compute, so that the bytes are the same each time."""

from collections.abc import Callable
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cyberprivacy.vault.sealing import Place, Sealed, seal
from making.layout import Case, Group, Json
from making.people import secret

USER: Final = secret("user key")
PLACE: Final = Place(secret("owner"), secret("record")[:16], "org.example.order.v1", 1)


def _drawing(name: str) -> Callable[[int], bytes]:
    """In place of the random bytes of one record: its key and two nonces, the same in each run."""
    key, wraps, seals = (sha256(f"{name} {number}".encode()).digest() for number in range(3))
    return lambda size: (key + wraps[:12] + seals[:12])[:size]


def _given(place: Place, sealed: Sealed, user: bytes = USER) -> Json:
    return {
        "userKey": user.hex(),
        "wrapped": sealed.key.hex(),
        "sealed": sealed.body.hex(),
        "owner": place.owner.hex(),
        "id": place.record.hex(),
        "type": place.type,
        "rev": place.rev,
    }


def groups() -> list[Group]:
    """Bodies that open where they were sealed, and nowhere else."""
    cases = []
    for number, body in enumerate((b"", b'{"a":1}', b"x" * 1_000)):
        sealed = seal(AESGCM(USER), PLACE, body, draw=_drawing(f"body {number}"))
        key = sha256(f"body {number} 0".encode()).hexdigest()
        cases.append(Case(f"a body of {len(body)} bytes", _given(PLACE, sealed), {"key": key, "body": body.hex()}))
    sealed = seal(AESGCM(USER), PLACE, b'{"a":1}', draw=_drawing("body 1"))
    good, other = _given(PLACE, sealed), seal(AESGCM(USER), PLACE, b'{"a":1}', draw=_drawing("another"))
    flipped = bytes([sealed.body[-1] ^ 1])
    changes: dict[str, Json] = {
        "another owner": {"owner": "00" * 32},
        "another record": {"id": "00" * 16},
        "another type": {"type": "org.example.order.v2"},
        "another revision": {"rev": 2},
        "another user key": {"userKey": secret("another").hex()},
        "another record's key": {"wrapped": other.key.hex()},
        "a changed tag": {"sealed": (sealed.body[:-1] + flipped).hex()},
        "a changed nonce": {"sealed": (sealed.body[:1] + bytes(12) + sealed.body[13:]).hex()},
        "another format": {"sealed": (b"\x02" + sealed.body[1:]).hex()},
        "no format": {"sealed": sealed.body[1:].hex()},
        "nothing": {"sealed": ""},
        "a format only": {"sealed": "01"},
        "a nonce only": {"sealed": sealed.body[:13].hex()},
        "half a tag": {"sealed": sealed.body[:20].hex()},
        "a short wrapped key": {"wrapped": sealed.key[:-1].hex()},
        "no wrapped key": {"wrapped": ""},
    }
    bad = [Case(what, {**good, **change}, code="record.seal") for what, change in changes.items()]
    return [Group("Record", {}, [*cases, *bad])]
