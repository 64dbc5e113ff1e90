"""Keys, and signatures of Ethereum accounts and devices."""

from hashlib import sha256
from typing import Final

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cyberprivacy import wallet
from cyberprivacy.vault.key import DEVICE_TAG
from making.layout import Case, Group, Json
from making.people import key, secret, sign_digest

POINT: Final = "036b17d1f2e12c4247f8bce6e563a440f277037d812deb33a0f4a13945d898c296"
"""The generator of P-256. Source: SEC 2 section 2.4.2."""
OFF_CURVE: Final = "02" + "00" * 31 + "01"
ED25519_ORDER: Final = 2**252 + 27742317777372353535851937790883648493
FIELD: Final = 2**255 - 19
DIGEST: Final = sha256(b"a document").digest()


def keys() -> list[Group]:
    """Spellings of keys."""
    eoa, device = key("anna").text, key("device of anna").text
    good = [eoa, device, f"eip1271:{1:016x}{'ab' * 20}", f"webauthn-p256:{POINT}", f"webauthn-p256:02{POINT[2:]}"]
    good += [f"ed25519-device:{(1).to_bytes(32, 'little').hex()}"]
    cases = [Case(f"{number}: {text[:20]}", {"key": text}) for number, text in enumerate(good, 1)]
    bad: list[tuple[str, str]] = [
        ("no kind", eoa.partition(":")[2]),
        ("no material", "eip155-eoa:"),
        ("nothing", ""),
        ("an unknown kind", f"eip155:{'ab' * 20}"),
        ("upper-case hex", eoa[:11] + eoa[11:].upper()),
        ("with 0x", eoa.replace(":", ":0x")),
        ("an upper-case kind", eoa.replace("eoa", "EOA")),
        ("19 bytes", eoa[:-2]),
        ("21 bytes", eoa + "00"),
        ("half a byte", eoa + "0"),
        ("a blank after", eoa + " "),
        ("a line feed after", eoa + "\n"),
        ("a blank before", " " + eoa),
        ("two colons", eoa.replace(":", "::")),
        ("a contract without its chain", f"eip1271:{'ab' * 20}"),
        ("an uncompressed point", f"webauthn-p256:04{POINT[2:]}{POINT[2:]}"),
        ("digits of another script", "eip155-eoa:" + "\u0661" * 40),
        ("y of Ed25519 at the field's size", f"ed25519-device:{FIELD.to_bytes(32, 'little').hex()}"),
        ("y of Ed25519 above the field's size", f"ed25519-device:{(FIELD + 4).to_bytes(32, 'little').hex()}"),
        ("a sign where x is 0", f"ed25519-device:{(1 | 1 << 255).to_bytes(32, 'little').hex()}"),
        ("a sign where x is 0, at -1", f"ed25519-device:{(FIELD - 1 | 1 << 255).to_bytes(32, 'little').hex()}"),
    ]
    cases += [Case(what, {"key": text}, code="key.form") for what, text in bad]
    points = (
        ("off the curve", OFF_CURVE),
        ("a wrong prefix", "04" + POINT[2:]),
        ("x past the field", "02" + "ff" * 32),
    )
    cases += [Case(what, {"key": f"webauthn-p256:{point}"}, code="passkey.key") for what, point in points]
    return [Group("Key", {}, cases)]


def low_s() -> list[Group]:
    """Signatures of Ethereum accounts: each second spelling has its code."""
    made = wallet.sign(secret("anna"), DIGEST)
    r, s, v = made[:32], made[32:64], made[64]
    order = wallet.ORDER.to_bytes(32)
    other = DIGEST[::-1]
    high = (wallet.ORDER - int.from_bytes(s)).to_bytes(32)
    bad: list[tuple[str, str, bytes]] = [
        ("s in the upper half, v turned", "signature.high-s", r + high + bytes([55 - v])),
        ("s in the upper half", "signature.high-s", r + high + bytes([v])),
        ("s just above the half", "signature.high-s", r + (wallet.ORDER // 2 + 1).to_bytes(32) + bytes([v])),
        ("v as 0 or 1", "signature.v", r + s + bytes([v - 27])),
        ("v with a chain id", "signature.v", r + s + bytes([v + 10])),
        ("v of 255", "signature.v", r + s + b"\xff"),
        ("r of 0", "signature.range", bytes(32) + s + bytes([v])),
        ("s of 0", "signature.range", r + bytes(32) + bytes([v])),
        ("r at the order", "signature.range", order + s + bytes([v])),
        ("s at the order", "signature.range", r + order + bytes([v])),
        ("r at the largest number", "signature.range", b"\xff" * 32 + s + bytes([v])),
        ("nothing", "signature.form", b""),
        ("64 bytes", "signature.form", r + s),
        ("66 bytes", "signature.form", made + b"\0"),
        ("the compact form of EIP-2098", "signature.form", r + bytes([s[0] | (v - 27) << 7]) + s[1:]),
        ("an r that is no x of the curve", "signature.form", (5).to_bytes(32) + s + bytes([v])),
        ("v comes before the range", "signature.v", bytes(65)),
        ("the range comes before high s", "signature.range", bytes(32) + b"\xff" * 32 + bytes([v])),
        ("the other v: another key", "key.signer", r + s + bytes([55 - v])),
        ("a flipped bit in r", "key.signer", _r_on_curve(r) + s + bytes([v])),
        ("another digest was signed", "key.signer", wallet.sign(secret("anna"), other)),
        ("somebody else signed", "key.signer", wallet.sign(secret("bert"), DIGEST)),
    ]
    shared: Json = {"key": key("anna").text, "secret": secret("anna").hex()}
    good = []
    for number in range(12):
        digest = sha256(b"%d" % number).digest()
        signature = wallet.sign(secret("anna"), digest).hex()
        good.append(Case(f"signature {number}", {"digest": digest.hex(), "signature": signature}, {}))
    return [Group("Eoa", shared, [*good, *_bad(bad)])]


def _bad(cases: list[tuple[str, str, bytes]]) -> list[Case]:
    return [
        Case(what, {"digest": DIGEST.hex(), "signature": signature.hex()}, code=code)
        for what, code, signature in cases
    ]


def _r_on_curve(r: bytes) -> bytes:
    """The next r that is the x of a point, so that a key is recovered, and is another one."""
    number = int.from_bytes(r)
    prime = 2**256 - 2**32 - 977
    while True:
        number += 1
        if pow(number**3 + 7, (prime - 1) // 2, prime) == 1:
            return number.to_bytes(32)


def devices() -> list[Group]:
    """Signatures of devices."""
    name = "device of anna"
    made = sign_digest(name, DIGEST)
    r, s = made[:32], int.from_bytes(made[32:], "little")
    private = Ed25519PrivateKey.from_private_bytes(secret(name))
    identity = (1).to_bytes(32, "little")
    bad: list[tuple[str, str, bytes]] = [
        ("nothing", "signature.form", b""),
        ("63 bytes", "signature.form", made[:-1]),
        ("65 bytes", "signature.form", made + b"\0"),
        ("a flipped bit in R", "key.signer", bytes([r[0] ^ 1]) + made[1:]),
        ("a flipped bit in S", "key.signer", r + (s ^ 1).to_bytes(32, "little")),
        ("S above the order", "key.signer", r + (s + ED25519_ORDER).to_bytes(32, "little")),
        ("S at the order, R the identity", "key.signer", identity + ED25519_ORDER.to_bytes(32, "little")),
        ("all zero", "key.signer", bytes(64)),
        ("the digest without its tag", "key.signer", private.sign(DIGEST)),
        ("the tag without its zero byte", "key.signer", private.sign(DEVICE_TAG[:-1] + DIGEST)),
        ("another digest", "key.signer", sign_digest(name, DIGEST[::-1])),
        ("somebody else", "key.signer", sign_digest("device of bert", DIGEST)),
        ("a signature of an Ethereum account", "signature.form", wallet.sign(secret("anna"), DIGEST)),
    ]
    good = []
    for number in range(6):
        digest = sha256(b"device %d" % number).digest()
        signature = sign_digest(name, digest).hex()
        good.append(Case(f"signature {number}", {"digest": digest.hex(), "signature": signature}))
    shared: Json = {"key": key(name).text, "secret": secret(name).hex()}
    nowhere = Group(
        "Device",
        {"key": "ed25519-device:" + (2).to_bytes(32, "little").hex()},
        [_nobody(made, "a key that is no point")],
    )
    small: Json = {"key": f"ed25519-device:{identity.hex()}"}
    mixed = Group("Device", small, [_nobody(_with_factor(), "R with a small factor, without the cofactor's help")])
    return [Group("Device", shared, [*good, *_bad(bad)]), nowhere, mixed]


def _nobody(signature: bytes, what: str) -> Case:
    return Case(what, {"digest": DIGEST.hex(), "signature": signature.hex()}, code="key.signer")


def _with_factor() -> bytes:
    """For the key 1 and S = 0 only R = 1 is good; R = -1, of order 2, passes if both sides are multiplied by 8."""
    return (FIELD - 1).to_bytes(32, "little") + bytes(32)
