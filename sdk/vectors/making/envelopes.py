"""What is sealed for one recipient, or signed for one service: chunks on their way, and service tokens.

A chunk is sealed with a key that everybody can compute, so that the bytes are the same each time: RFC 9180 is
written out here once more, and the product, which draws its keys, has to open what comes out.
"""

import hmac
import json
from dataclasses import replace
from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from cyberprivacy import canonical
from cyberprivacy.vault.receipt import KeySigner
from cyberprivacy.vault.scope import Action
from cyberprivacy.vault.selector import Selector
from cyberprivacy.vault.servicetoken import Token, issue
from making.grants import BASE, CARE, READ, WIDE, signed
from making.layout import Case, Group, Json
from making.people import NOW, secret

TRANSFER: Final = bytes(range(16))
TO: Final = X25519PrivateKey.from_private_bytes(secret("opens chunks"))
_KEM: Final = b"KEM\x00\x20"
_HPKE: Final = b"HPKE\x00\x20\x00\x01\x00\x02"
ISSUER: Final = KeySigner(Ed25519PrivateKey.from_private_bytes(secret("the recipient's issuer")))
HOLDER: Final = KeySigner(Ed25519PrivateKey.from_private_bytes(secret("the service"))).public
GRANT: Final = replace(BASE, scopes=(CARE, WIDE), max_uses=1)


def _extract(suite: bytes, salt: bytes, label: bytes, ikm: bytes) -> bytes:
    return hmac.digest(salt or bytes(32), b"HPKE-v1" + suite + label + ikm, sha256)


def _expand(suite: bytes, prk: bytes, label: bytes, info: bytes, size: int) -> bytes:
    labeled = size.to_bytes(2) + b"HPKE-v1" + suite + label + info
    return hmac.digest(prk, labeled + b"\x01", sha256)[:size]


def seal(payload: bytes, ephemeral: bytes, info: bytes, to: X25519PublicKey) -> bytes:
    """RFC 9180 sections 4.1 and 5.1, base mode, with an ephemeral key that is given."""
    mine = X25519PrivateKey.from_private_bytes(ephemeral)
    sent = mine.public_key().public_bytes_raw()
    agreed = _extract(_KEM, b"", b"eae_prk", mine.exchange(to))
    shared = _expand(_KEM, agreed, b"shared_secret", sent + to.public_bytes_raw(), 32)
    context = b"\0" + _extract(_HPKE, b"", b"psk_id_hash", b"") + _extract(_HPKE, b"", b"info_hash", info)
    made = _extract(_HPKE, shared, b"secret", b"")
    key, nonce = (
        _expand(_HPKE, made, label, context, size) for label, size in ((b"key", 32), (b"base_nonce", 12))
    )
    return sent + AESGCM(key).encrypt(nonce, payload, None)


def _info(n: int, transfer: bytes = TRANSFER) -> bytes:
    return b"udi/1 chunk\0" + transfer + n.to_bytes(4)


def chunks() -> list[Group]:
    """Chunks that open at their place, for their recipient, and nowhere else."""
    to = TO.public_key()
    good: list[tuple[int, bytes]] = [(0, b"x"), (1, b'{"a":1}\n'), (7, b"y" * 1_000), ((1 << 32) - 1, b"the last")]
    cases = []
    for n, payload in good:
        ephemeral = secret(f"ephemeral {n}")
        given: Json = {
            "n": n,
            "sealed": seal(payload, ephemeral, _info(n), to).hex(),
            "ephemeral": ephemeral.hex(),
        }
        cases.append(Case(f"chunk {n} of {len(payload)} bytes", given, {"payload": payload.hex()}))
    sealed = seal(b"payload", secret("ephemeral"), _info(3), to)
    other = X25519PrivateKey.from_private_bytes(secret("somebody else")).public_key()
    bad: dict[str, tuple[int, bytes]] = {
        "another place": (4, sealed),
        "another transfer": (3, seal(b"payload", secret("ephemeral"), _info(3, bytes(16)), to)),
        "another recipient": (3, seal(b"payload", secret("ephemeral"), _info(3), other)),
        "another info": (3, seal(b"payload", secret("ephemeral"), _info(3)[:-1], to)),
        "a changed tag": (3, sealed[:-1] + bytes([sealed[-1] ^ 1])),
        "a changed payload": (3, sealed[:32] + bytes([sealed[32] ^ 1]) + sealed[33:]),
        "another encapsulated key": (3, other.public_bytes_raw() + sealed[32:]),
        "a key of low order": (3, bytes(32) + sealed[32:]),
        "another key of low order": (3, b"\x01" + bytes(31) + sealed[32:]),
        "cut": (3, sealed[:-1]),
        "longer": (3, sealed + b"\0"),
        "a payload of nothing": (3, seal(b"", secret("ephemeral"), _info(3), to)),
        "a key only": (3, sealed[:32]),
        "nothing": (3, b""),
    }
    cases += [
        Case(f"sealed: {what}", {"n": n, "sealed": data.hex()}, code="chunk.seal")
        for what, (n, data) in bad.items()
    ]
    shared: Json = {"secret": secret("opens chunks").hex(), "transfer": TRANSFER.hex()}
    return [Group("Envelope", {**shared, "key": to.public_bytes_raw().hex()}, cases)]


TOKEN: Final = Token(grant=GRANT.id, scopes=(READ,), holder=HOLDER, since=NOW, until=NOW + 300)


def tokens() -> list[Group]:
    """Parts of a grant for five minutes."""
    narrow = replace(
        WIDE, actions=(Action.READ,), selector=Selector.parse('since:6 AND a.b = "x" AND n = -1 AND o = 1')
    )
    made = {
        "a whole scope": replace(TOKEN, scopes=(WIDE,)),
        "fewer actions, more conditions": replace(TOKEN, scopes=(narrow,)),
        "two scopes": replace(TOKEN, scopes=(CARE, narrow)),
        "a second": replace(TOKEN, scopes=(WIDE,), until=NOW + 1),
        "it begins in two minutes": replace(TOKEN, scopes=(WIDE,), since=NOW + 120, until=NOW + 420),
    }
    cases = [
        Case(
            f"token: {what}", _token(issue(each, GRANT, ISSUER)), {"scopes": len(each.scopes), "until": each.until}
        )
        for what, each in made.items()
    ]
    whole = issue(made["a whole scope"], GRANT, ISSUER)
    cases += [
        Case(f"token: {what}", given, code=code) for what, code, given in _bad_tokens(json.loads(whole), whole)
    ]
    document = json.loads(signed(GRANT).encode())["grant"]
    issuer: Json = {"issuer": ISSUER.public.hex(), "issuerSecret": secret("the recipient's issuer").hex()}
    return [Group("ServiceToken", {**issuer, "grant": document}, cases)]


def _token(document: bytes, *, now: int = NOW, holder: bytes = HOLDER) -> Json:
    return {"document": document.decode(), "now": now, "holder": holder.hex()}


def _bad_tokens(value: Json, whole: bytes) -> list[tuple[str, str, Json]]:
    said = value["token"]
    assert isinstance(said, dict)

    def again(**changes: object) -> Json:
        token = {**said, **changes}
        signature = ISSUER.sign(b"udi/1 service-token\0" + canonical.encode(token)).hex()
        return _token(canonical.encode({"token": token, "signature": signature}))

    (scope,) = said["scopes"]
    return [
        ("another issuer", "token.signature", _token(_by_another(said))),
        ("another tag", "token.signature", _token(_tagged(said))),
        ("a changed word", "token.signature", _token(whole.replace(b'"until":1800000300', b'"until":1800000299'))),
        ("a signature in capitals", "token.form", _token(canonical.encode({**value, "signature": "A" * 128}))),
        ("a short signature", "token.form", _token(canonical.encode({**value, "signature": "00"}))),
        ("something beside it", "token.form", _token(canonical.encode({**value, "more": 1}))),
        ("no token", "token.form", _token(canonical.encode({**value, "token": "all"}))),
        ("no object", "token.form", _token(b"[]")),
        ("a blank", "json.form", _token(whole + b" ")),
        ("an unknown field", "token.form", again(more=1)),
        ("a holder that is short", "token.form", again(holder="00")),
        ("a time that is text", "token.form", again(since="0")),
        ("a time before 1970", "token.form", again(since=-1)),
        ("no scopes", "scope.form", again(scopes=[])),
        ("an action that nobody knows", "scope.form", again(scopes=[{**scope, "actions": ["steal"]}])),
        ("a selector with two spellings", "selector.form", again(scopes=[{**scope, "selector": "since:05"}])),
        ("301 seconds", "token.long", again(until=NOW + 301)),
        ("no time at all", "token.long", again(until=NOW)),
        ("it ends before it begins", "token.long", again(until=NOW - 1)),
        ("another grant", "token.grant", again(grant="00" * 16)),
        ("a condition less", "token.wider", again(scopes=[{**scope, "selector": 'since:5 AND a.b = "x"'}])),
        (
            "an earlier time",
            "token.wider",
            again(scopes=[{**scope, "selector": 'since:4 AND a.b = "x" AND n = -1'}]),
        ),
        ("another type", "token.wider", again(scopes=[{**scope, "dataType": "org.example.other.v1"}])),
        ("another schema", "token.wider", again(scopes=[{**scope, "schema": "00" * 32}])),
        ("somebody else's", "token.holder", _token(whole, holder=ISSUER.public)),
        ("it has ended", "token.time", _token(whole, now=NOW + 300)),
        ("it begins later", "token.time", _token(whole, now=NOW - 121)),
    ]


def _by_another(said: Json) -> bytes:
    other = KeySigner(Ed25519PrivateKey.from_private_bytes(secret("another issuer")))
    signature = other.sign(b"udi/1 service-token\0" + canonical.encode(said)).hex()
    return canonical.encode({"token": said, "signature": signature})


def _tagged(said: Json) -> bytes:
    signature = ISSUER.sign(b"udi/1 receipt\0" + canonical.encode(said)).hex()
    return canonical.encode({"token": said, "signature": signature})
