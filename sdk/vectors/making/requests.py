"""Requests that an application's key signed: the one form, and everything that is nearly it."""

from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Mapping
from hashlib import sha256, sha512
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cyberprivacy.vault import signedrequest
from cyberprivacy.vault.receipt import KeySigner
from making.layout import Case, Group, Json
from making.people import NOW, secret

NAME: Final = "an application that asks"
KEY: Final = KeySigner(Ed25519PrivateKey.from_private_bytes(secret(NAME)))
AUTHORITY: Final = "shop.example"
PATH: Final = "/udi/v1/grants/00112233445566778899aabbccddeeff/events"
BODY: Final = b'{"key":"00"}'
_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
_GET: Final = ("GET", AUTHORITY, PATH)
_PUT: Final = ("PUT", AUTHORITY, PATH)
_PLAIN: Final = '"@method" "@authority" "@path"'


def groups() -> list[Group]:
    """Signed requests, with and without a body."""
    good: Mapping[str, tuple[tuple[str, str, str], bytes | None, int]] = {
        "without a body": (_GET, None, NOW),
        "with a body": (_PUT, BODY, NOW),
        "with a body of nothing": (_PUT, b"", NOW),
        "of bytes that are no text": (("POST", AUTHORITY, "/"), bytes(range(256)), NOW),
        "at a port": (("GET", "127.0.0.1:8401", PATH), None, NOW),
        "with escapes in its path": (("GET", AUTHORITY, "/a%20b/%C3%BC"), None, NOW),
        "two minutes old": (_GET, None, NOW - 120),
        "of a clock that is two minutes ahead": (_GET, None, NOW + 120),
    }
    cases = [
        Case(f"request: {what}", _given(about, _signed(about, body, at), body), {"key": KEY.public.hex()})
        for what, (about, body, at) in good.items()
    ]
    cases += [
        Case(f"request: {what}", given, code=code)
        for what, code, given in (*_misshapen(), *_of_others(), *_with_bodies(), *_untimely())
    ]
    return [Group("SignedRequest", {"key": KEY.public.hex(), "secret": secret(NAME).hex()}, cases)]


def _signed(about: tuple[str, str, str], body: bytes | None = None, at: int = NOW) -> dict[str, str]:
    return signedrequest.sign(*about, key=KEY, now=at, body=body)


def _given(about: tuple[str, str, str], headers: Mapping[str, str], body: bytes | None = None) -> Json:
    method, authority, path = about
    given: Json = {"method": method, "authority": authority, "path": path, "headers": dict(headers)}
    return {**given, "body": None if body is None else body.hex(), "now": NOW}


def _by_hand(parameters: str, lines: str, label: str = "udi", key: KeySigner = KEY) -> dict[str, str]:
    """A signature that is good for what it says, in a form that is not the one."""
    signature = b64encode(key.sign(f'{lines}"@signature-params": {parameters}'.encode())).decode()
    return {"Signature-Input": f"{label}={parameters}", "Signature": f"{label}=:{signature}:"}


def _misshapen() -> list[tuple[str, str, Json]]:
    """Good signatures of another form, and headers that are none."""
    lines = "".join(
        f'"{name}": {value}\n' for name, value in zip(("@method", "@authority", "@path"), _GET, strict=True)
    )
    key = KEY.public.hex()

    def parameters(covered: str = _PLAIN, created: str = f";created={NOW}", rest: str = "") -> str:
        return f'({covered}){created};keyid="{key}";alg="ed25519"{rest}'

    turned = '"@method" "@path" "@authority"'
    by_hand = {
        "another label": _by_hand(parameters(), lines, label="sig1"),
        "covered in another order": _by_hand(
            parameters(turned), f'"@method": GET\n"@path": {PATH}\n"@authority": {AUTHORITY}\n'
        ),
        "the authority is not covered": _by_hand(
            parameters('"@method" "@path"'), f'"@method": GET\n"@path": {PATH}\n'
        ),
        "the query is covered as well": _by_hand(parameters(_PLAIN + ' "@query"'), lines + '"@query": ?\n'),
        "no time": _by_hand(parameters(created=""), lines),
        "a time with a zero in front": _by_hand(parameters(created=f";created=0{NOW}"), lines),
        "a time with a fraction": _by_hand(parameters(created=f";created={NOW}.0"), lines),
        "an end": _by_hand(parameters(rest=f";expires={NOW + 60}"), lines),
        "a tag": _by_hand(parameters(rest=';tag="udi"'), lines),
        "a blank in its parameters": _by_hand(parameters().replace(";alg", "; alg"), lines),
        "a key in capitals": _by_hand(parameters().replace(key, key.upper()), lines),
        "a key that is short": _by_hand(parameters().replace(key, key[2:]), lines),
        "another algorithm": _by_hand(parameters().replace("ed25519", "ed448"), lines),
        "no algorithm": _by_hand(parameters().replace(';alg="ed25519"', ""), lines),
        "parameters in another order": _by_hand(f'({_PLAIN});keyid="{key}";created={NOW};alg="ed25519"', lines),
    }
    whole = _signed(_GET)
    text = whole["Signature"].removeprefix("udi=:").removesuffix(":")
    by_hand |= {
        "not signed at all": {},
        "only its parameters": {"Signature-Input": whole["Signature-Input"]},
        "only its signature": {"Signature": whole["Signature"]},
        "two signatures": {**whole, "Signature": f"{whole['Signature']}, {whole['Signature']}"},
        "without padding": {**whole, "Signature": f"udi=:{text[:-2]}:"},
        "in base64url": {**whole, "Signature": f"udi=:{_urlsafe()}:"},
        "bits behind the signature": {**whole, "Signature": f"udi=:{_next(text)}:"},
        "a signature of 63 bytes": {**whole, "Signature": f"udi=:{b64encode(bytes(63)).decode()}:"},
    }
    return [(what, "request.signature", _given(_GET, headers)) for what, headers in by_hand.items()]


def _next(text: str) -> str:
    """Base64 of the same bytes with another last letter."""
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    return f"{text[:-3]}{letters[letters.index(text[-3]) + 1]}=="


def _urlsafe() -> str:
    """A good signature in the other alphabet, of the first second in which the two differ."""
    for at in range(NOW, NOW + 120):
        signature = urlsafe_b64encode(_octets(_signed(_GET, None, at))).decode()
        if {"-", "_"} & {*signature}:
            return signature
    raise ValueError("no signature has a letter in which the alphabets differ")


def _octets(headers: Mapping[str, str]) -> bytes:
    return b64decode(headers["Signature"].removeprefix("udi=:").removesuffix(":"))


def _of_others() -> list[tuple[str, str, Json]]:
    """Signatures in the one form, of something else, or by somebody else."""
    whole = _signed(_GET)
    octets = _octets(whole)
    other = KeySigner(Ed25519PrivateKey.from_private_bytes(secret("another application")))
    claimed = signedrequest.sign(*_GET, key=other, now=NOW)["Signature"]
    beyond = octets[:32] + (int.from_bytes(octets[32:], "little") + _ORDER).to_bytes(32, "little")

    def signature(made: bytes) -> dict[str, str]:
        return {**whole, "Signature": f"udi=:{b64encode(made).decode()}:"}

    cases = {
        "a changed signature": _given(_GET, signature(bytes([octets[0] ^ 1]) + octets[1:])),
        "an s above the order of the group": _given(_GET, signature(beyond)),
        "signed by somebody else": _given(_GET, {**whole, "Signature": claimed}),
        "another method": _given(("POST", AUTHORITY, PATH), whole),
        "another place": _given(("GET", "book.example", PATH), whole),
        "a place in capitals": _given(("GET", "SHOP.example", PATH), whole),
        "another path": _given(("GET", AUTHORITY, PATH + "/"), whole),
        "another time": _given(
            _GET, {**whole, "Signature-Input": whole["Signature-Input"].replace(str(NOW), str(NOW + 1))}
        ),
        "of somebody else, and old": _given(_GET, {**_signed(_GET, None, NOW - 999), "Signature": claimed}),
    }
    return [(what, "request.signature", given) for what, given in cases.items()]


def _with_bodies() -> list[tuple[str, str, Json]]:
    """What a signature does not say of a body, or says otherwise."""
    bare, whole = _signed(_PUT), _signed(_PUT, BODY)
    without = {name: value for name, value in whole.items() if name != "Content-Digest"}
    named = f"sha-512=:{b64encode(sha512(BODY).digest()).decode()}:"
    unpadded = f"sha-256=:{b64encode(sha256(BODY).digest()).decode().rstrip('=')}:"
    turned = {**whole, "Signature": _signed(_GET)["Signature"]}
    return [
        ("a body that nobody signed", "request.signature", _given(_PUT, bare, BODY)),
        (
            "a digest that is not covered",
            "request.signature",
            _given(_PUT, {**bare, "Content-Digest": whole["Content-Digest"]}, BODY),
        ),
        ("no body, though one was signed", "request.signature", _given(_PUT, whole)),
        ("another body", "request.digest", _given(_PUT, whole, BODY + b" ")),
        ("no digest", "request.digest", _given(_PUT, without, BODY)),
        ("another digest", "request.digest", _given(_PUT, {**whole, "Content-Digest": named}, BODY)),
        (
            "two digests",
            "request.digest",
            _given(_PUT, {**whole, "Content-Digest": f"{whole['Content-Digest']}, {named}"}, BODY),
        ),
        ("a digest without padding", "request.digest", _given(_PUT, {**whole, "Content-Digest": unpadded}, BODY)),
        ("another body, and another signature", "request.digest", _given(_PUT, turned, BODY + b" ")),
        ("a body and another signature", "request.signature", _given(_PUT, turned, BODY)),
    ]


def _untimely() -> list[tuple[str, str, Json]]:
    return [
        ("two minutes and a second old", "request.time", _given(_GET, _signed(_GET, None, NOW - 121))),
        ("two minutes and a second ahead", "request.time", _given(_GET, _signed(_GET, None, NOW + 121))),
        ("of the first second of all", "request.time", _given(_GET, _signed(_GET, None, 1))),
    ]
