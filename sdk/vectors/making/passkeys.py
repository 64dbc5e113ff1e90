"""Passkeys: assertions as browsers make them, and each deviation."""

import json
from base64 import urlsafe_b64encode
from hashlib import sha256
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cyberprivacy import canonical
from making.layout import Case, Group, Json
from making.people import secret

DIGEST: Final = sha256(b"a grant").digest()
RP: Final = "shop.example"
ORIGIN: Final = "https://shop.example"
ORDER: Final = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Of P-256. Source: SEC 2 section 2.4.2."""
_UP, _UV, _BE, _BS, _AT, _ED = 1, 4, 8, 16, 64, 128


def _private(name: str) -> ec.EllipticCurvePrivateKey:
    return ec.derive_private_key(int.from_bytes(secret(name)), ec.SECP256R1())


def _key(name: str) -> str:
    point = _private(name).public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)
    return f"webauthn-p256:{point.hex()}"


def _b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def client(**change: Any) -> bytes:
    """Client data; a value of None takes the name away."""
    said = {"type": "webauthn.get", "challenge": _b64(DIGEST), "origin": ORIGIN, "crossOrigin": False, **change}
    kept = {name: value for name, value in said.items() if value is not None}
    return json.dumps(kept, separators=(",", ":")).encode()


def data(flags: int = _UP | _UV, rp: str = RP, counter: int = 7) -> bytes:
    """Authenticator data."""
    return sha256(rp.encode()).digest() + bytes([flags]) + counter.to_bytes(4)


def made(text: bytes, head: bytes, by: str = "passkey") -> bytes:
    """The signature, in DER, deterministic. Source: RFC 6979."""
    return _private(by).sign(head + sha256(text).digest(), ec.ECDSA(SHA256(), deterministic_signing=True))


def proof(text: bytes, head: bytes, signature: bytes) -> bytes:
    """The three parts as the bytes of one signature."""
    parts = {"authenticatorData": head.hex(), "clientDataJSON": text.hex(), "signature": signature.hex()}
    return canonical.encode(parts)


def _case(
    what: str, code: str = "", *, text: bytes | None = None, head: bytes | None = None, by: str = "passkey"
) -> Case:
    text, head = client() if text is None else text, data() if head is None else head
    return _raw(what, code, proof(text, head, made(text, head, by)))


def _raw(what: str, code: str, signature: bytes) -> Case:
    return Case(what, {"digest": DIGEST.hex(), "signature": signature.hex()}, code=code)


def groups() -> list[Group]:
    """All groups."""
    shared: Json = {
        "key": _key("passkey"),
        "secret": secret("passkey").hex(),
        "rpId": RP,
        "origins": [ORIGIN, "https://www.shop.example"],
    }
    cases = [*_good(), *_client_data(), *_authenticator_data(), *_signatures(), *_envelopes()]
    nowhere = Group(
        "Passkey",
        {"key": _key("passkey"), "rpId": None, "origins": []},
        [_raw("no passkeys here", "key.disabled", b"")],
    )
    return [Group("Passkey", shared, cases), nowhere]


def _good() -> list[Case]:
    low = made(client(), data())
    r, s = decode_dss_signature(low)
    other = encode_dss_signature(r, ORDER - s)
    return [
        _case("as a browser makes it"),
        _case("crossOrigin absent", text=client(crossOrigin=None)),
        _case("another origin of the place", text=client(origin="https://www.shop.example")),
        _case("a name that browsers add", text=client(other_keys_can_be_added_here="do not compare")),
        _case("blanks in client data", text=client().replace(b":", b": ").replace(b"https: //", b"https://")),
        _case("an escape in client data", text=client().replace(b"https://", b"https:\\/\\/")),
        _case("names inside one another", text=client(more={"a": {"a": [1]}})),
        _case("a fraction in client data", text=client(more=1.5e300)),
        _case("copied to other devices", head=data(_UP | _UV | _BE | _BS)),
        _case("may be copied", head=data(_UP | _UV | _BE)),
        _case("2,048 bytes of client data", text=_padded(2_048)),
        _raw("s in the other half", "", proof(client(), data(), other)),
    ]


def _padded(size: int) -> bytes:
    return client(pad="x" * (size - len(client(pad=""))))


def _client_data() -> list[Case]:
    texts: list[tuple[str, str, bytes]] = [
        ("another type", "passkey.form", client(type="webauthn.create")),
        ("no type", "passkey.form", client(type=None)),
        ("another challenge", "passkey.challenge", client(challenge=_b64(DIGEST[::-1]))),
        ("a challenge with padding", "passkey.challenge", client(challenge=_b64(DIGEST) + "=")),
        ("a challenge in plain base64", "passkey.challenge", client(challenge="+" + _b64(DIGEST)[1:])),
        ("a challenge in hex", "passkey.challenge", client(challenge=DIGEST.hex())),
        ("no challenge", "passkey.challenge", client(challenge=None)),
        ("a list as challenge", "passkey.challenge", client(challenge=[_b64(DIGEST)])),
        ("another origin", "passkey.origin", client(origin="https://evil.example")),
        ("another scheme", "passkey.origin", client(origin="http://shop.example")),
        ("a port", "passkey.origin", client(origin="https://shop.example:8443")),
        ("a solidus after", "passkey.origin", client(origin="https://shop.example/")),
        ("no origin", "passkey.origin", client(origin=None)),
        ("a list as origin", "passkey.origin", client(origin=[ORIGIN])),
        ("a structure as origin", "passkey.origin", client(origin={})),
        ("inside a frame", "passkey.origin", client(crossOrigin=True)),
        ("null for crossOrigin", "passkey.origin", client().replace(b"false", b"null")),
        ("zero for crossOrigin", "passkey.origin", client(crossOrigin=0)),
        ("with topOrigin", "passkey.origin", client(topOrigin=ORIGIN)),
        ("null for topOrigin", "passkey.origin", client()[:-1] + b',"topOrigin":null}'),
        ("a name twice", "passkey.form", client()[:-1] + b',"type":"webauthn.get"}'),
        ("a name twice, once with an escape", "passkey.form", client()[:-1] + b',"\\u0074ype":"webauthn.get"}'),
        ("a name twice, further in", "passkey.form", client()[:-1] + b',"a":{"b":1,"b":1}}'),
        ("no object", "passkey.form", b"[" + client() + b"]"),
        ("a text", "passkey.form", b'"webauthn.get"'),
        ("NaN", "passkey.form", client()[:-1] + b',"a":NaN}'),
        ("infinity", "passkey.form", client()[:-1] + b',"a":-Infinity}'),
        ("a comma too many", "passkey.form", client()[:-1] + b",}"),
        ("something after", "passkey.form", client() + b"{}"),
        ("a byte order mark", "passkey.form", b"\xef\xbb\xbf" + client()),
        ("not UTF-8", "passkey.form", client()[:-1] + b',"a":"\xff"}'),
        ("a raw line feed in a text", "passkey.form", client()[:-1] + b',"a":"\n"}'),
        ("a no-break space between", "passkey.form", client()[:-1] + b',\xc2\xa0"a":1}'),
        ("a leading zero", "passkey.form", client()[:-1] + b',"a":01}'),
        ("five deep", "passkey.form", client(more={"a": [[[1]]]})),
        ("2,049 bytes", "passkey.form", _padded(2_049)),
    ]
    return [_case(f"client data: {what}", code, text=text) for what, code, text in texts]


def _authenticator_data() -> list[Case]:
    heads: list[tuple[str, str, bytes]] = [
        ("another domain", "passkey.rp", data(rp="evil.example")),
        ("a subdomain", "passkey.rp", data(rp="www.shop.example")),
        ("nobody verified", "passkey.user", data(_UP)),
        ("nobody present", "passkey.user", data(_UV)),
        ("no flags", "passkey.user", data(0)),
        ("backed up, but not eligible", "passkey.flags", data(_UP | _UV | _BS)),
        ("attested credential data", "passkey.flags", data(_UP | _UV | _AT)),
        ("extensions", "passkey.flags", data(_UP | _UV | _ED)),
        ("a reserved flag", "passkey.flags", data(_UP | _UV | 2)),
        ("36 bytes", "passkey.form", data()[:-1]),
        ("38 bytes", "passkey.form", data() + b"\0"),
    ]
    return [_case(f"authenticator data: {what}", code, head=head) for what, code, head in heads]


def _signatures() -> list[Case]:
    text = client()
    # A short one, so that bytes can be added without passing the limit of 72.
    head = next(each for each in map(_counted, range(1_000)) if len(made(text, each)) == 70)
    good = made(text, head)
    r, s = decode_dss_signature(good)
    long = b"\x30" + bytes([good[1] + 1]) + b"\x02" + bytes([good[3] + 1]) + b"\0" + good[4:]
    bad: list[tuple[str, str, bytes]] = [
        ("of another passkey", "passkey.signature", made(text, head, "another passkey")),
        ("of other client data", "passkey.signature", made(client(a=1), head)),
        ("of another counter", "passkey.signature", made(text, data(counter=8))),
        ("without DER", "passkey.signature", r.to_bytes(32) + s.to_bytes(32)),
        ("a needless zero in r", "passkey.signature", long),
        ("length in two bytes", "passkey.signature", b"\x30\x81" + good[1:]),
        ("a byte after", "passkey.signature", good + b"\0"),
        ("a byte less", "passkey.signature", good[:-1]),
        ("r of 0", "passkey.signature", encode_dss_signature(0, s)),
        ("s of 0", "passkey.signature", encode_dss_signature(r, 0)),
        ("s past the order", "passkey.signature", encode_dss_signature(r, s + ORDER)),
        ("7 bytes", "passkey.form", good[:7]),
        ("73 bytes", "passkey.form", good.ljust(73, b"\0")),
    ]
    order = [
        _case(
            "the challenge comes before the domain",
            "passkey.challenge",
            text=client(challenge="x"),
            head=data(rp="evil.example"),
        ),
        _case("sizes come before the challenge", "passkey.form", text=client(challenge="x"), head=b"\0"),
    ]
    return [*order, *(_raw(f"signature: {what}", code, proof(text, head, each)) for what, code, each in bad)]


def _counted(number: int) -> bytes:
    return data(counter=number)


def _envelopes() -> list[Case]:
    good = proof(client(), data(), made(client(), data()))
    value = json.loads(good)
    bad: list[tuple[str, str, bytes]] = [
        ("a blank", "json.form", good.replace(b":", b": ", 1)),
        ("not JSON", "json.form", b"\0"),
        ("empty", "json.form", b""),
        ("too large", "json.form", canonical.encode({**value, "clientDataJSON": "00" * 4_096})),
        ("a field is missing", "passkey.form", canonical.encode({"authenticatorData": "00", "signature": "00"})),
        ("a field is unknown", "passkey.form", canonical.encode({**value, "userHandle": "00"})),
        ("upper-case hex", "passkey.form", canonical.encode({**value, "authenticatorData": data().hex().upper()})),
        ("empty hex", "passkey.form", canonical.encode({**value, "signature": ""})),
        ("a number for hex", "passkey.form", canonical.encode({**value, "signature": 1})),
        ("a list", "passkey.form", b"[]"),
    ]
    return [_raw(f"envelope: {what}", code, each) for what, code, each in bad]
