"""Passkeys: what a browser sends is accepted, by us and by another verifier; each deviation has its code."""

import json
from base64 import urlsafe_b64encode
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import webauthn
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy import canonical
from cyberprivacy.errors import CyberPrivacyError, Misuse
from cyberprivacy.vault.key import Judge, Key, passkey_proof
from cyberprivacy.vault.passkey import Assertion, BadAssertion, Place, check

HERE = Place("shop.example", frozenset({"https://shop.example"}))
DIGEST = sha256(b"a grant").digest()
SECRET = ec.derive_private_key(int.from_bytes(sha256(b"a test passkey").digest()), ec.SECP256R1())
POINT = SECRET.public_key().public_bytes(Encoding.X962, PublicFormat.CompressedPoint)


def b64(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def client(**change: Any) -> bytes:
    said = {
        "type": "webauthn.get",
        "challenge": b64(DIGEST),
        "origin": "https://shop.example",
        "crossOrigin": False,
    }
    return json.dumps({**said, **change}).encode()


def assertion(*, data: bytes | None = None, client_data: bytes | None = None, flags: int = 0x05) -> Assertion:
    data = sha256(b"shop.example").digest() + bytes([flags]) + (7).to_bytes(4) if data is None else data
    client_data = client() if client_data is None else client_data
    return Assertion(data, client_data, SECRET.sign(data + sha256(client_data).digest(), ec.ECDSA(SHA256())))


def test_an_assertion_of_a_browser_is_accepted_by_us_and_by_another_verifier() -> None:
    made = assertion(client_data=client(other_keys_can_be_added_here="do not compare"), flags=0x1D)
    agreed = check(POINT, DIGEST, made, HERE)
    assert (agreed.counter, agreed.eligible, agreed.backed_up) == (7, True, True)
    numbers = SECRET.public_key().public_numbers()
    cose = (
        b"\xa5\x01\x02\x03\x26\x20\x01\x21\x58\x20"
        + numbers.x.to_bytes(32)
        + b"\x22\x58\x20"
        + numbers.y.to_bytes(32)
    )
    other = webauthn.verify_authentication_response(
        credential={
            "id": "AAAA",
            "rawId": "AAAA",
            "type": "public-key",
            "response": {
                "authenticatorData": b64(made.authenticator_data),
                "clientDataJSON": b64(made.client_data),
                "signature": b64(made.signature),
            },
        },
        expected_challenge=DIGEST,
        expected_rp_id="shop.example",
        expected_origin="https://shop.example",
        credential_public_key=cose,
        credential_current_sign_count=0,
        require_user_verification=True,
    )
    assert other.new_sign_count == agreed.counter


RP = sha256(b"shop.example").digest()
BAD = {
    "another challenge": (assertion(client_data=client(challenge=b64(b"x" * 32))), "passkey.challenge"),
    "padded challenge": (assertion(client_data=client(challenge=b64(DIGEST) + "=")), "passkey.challenge"),
    "registration": (assertion(client_data=client(type="webauthn.create")), "passkey.form"),
    "another origin": (assertion(client_data=client(origin="https://evil.example")), "passkey.origin"),
    "origin as a list": (assertion(client_data=client(origin="https://shop.example.evil")), "passkey.origin"),
    "inside a frame": (assertion(client_data=client(crossOrigin=True)), "passkey.origin"),
    "a top origin": (assertion(client_data=client(topOrigin="https://evil.example")), "passkey.origin"),
    "not JSON": (assertion(client_data=b"{"), "passkey.form"),
    "a list": (assertion(client_data=b"[]"), "passkey.form"),
    "a name twice": (assertion(client_data=client()[:-1] + b',"type":"webauthn.get"}'), "passkey.form"),
    "absurdly deep": (assertion(client_data=b'{"a":' * 300 + b"1" + b"}" * 300), "passkey.form"),
    "too large": (assertion(client_data=client(pad="x" * 3000)), "passkey.form"),
    "another domain": (assertion(data=sha256(b"evil.example").digest() + b"\x05" + bytes(4)), "passkey.rp"),
    "nobody verified": (assertion(flags=0x01), "passkey.user"),
    "nobody present": (assertion(flags=0x04), "passkey.user"),
    "backed up but not eligible": (assertion(flags=0x15), "passkey.flags"),
    "extensions": (assertion(flags=0x85), "passkey.flags"),
    "attested data": (assertion(flags=0x45), "passkey.flags"),
    "longer data": (assertion(data=RP + b"\x05" + bytes(5)), "passkey.form"),
    "shorter data": (assertion(data=RP + b"\x05" + bytes(3)), "passkey.form"),
    "no signature": (replace(assertion(), signature=b""), "passkey.form"),
    "another signature": (replace(assertion(), signature=assertion(flags=0x0D).signature), "passkey.signature"),
    "a byte after the signature": (
        replace(assertion(), signature=encode_dss_signature(1, 1) + b"\0"),
        "passkey.signature",
    ),
}


@pytest.mark.parametrize("how", BAD)
def test_what_the_owner_did_not_agree_to_here_is_refused(how: str) -> None:
    made, code = BAD[how]
    with pytest.raises(BadAssertion) as refusal:
        check(POINT, DIGEST, made, HERE)
    assert refusal.value.code == code


def test_wycheproof_agrees_about_every_p256_signature_as_der(vectors: Path) -> None:
    """The vectors of WebCrypto's fixed form, with r and s in DER as authenticators send them."""
    file = vectors / "userdata" / "wycheproof" / "ecdsa_secp256r1_sha256_p1363.json"
    for group in json.loads(file.read_text())["testGroups"]:
        numbers = bytes.fromhex(group["publicKey"]["uncompressed"])
        key = ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), numbers)
        for case in group["tests"]:
            raw = bytes.fromhex(case["sig"])
            try:
                der = encode_dss_signature(int.from_bytes(raw[:32]), int.from_bytes(raw[32:]))
                key.verify(der, bytes.fromhex(case["msg"]), ec.ECDSA(SHA256()))
                good = len(raw) == 64
            except Exception:  # noqa: BLE001  (any refusal is a refusal here)
                good = False
            assert good == (case["result"] == "valid"), case


def test_a_passkey_signs_as_a_key_of_an_account() -> None:
    key = Key.parse(f"webauthn-p256:{POINT.hex()}")
    Judge(place=HERE).check(key, DIGEST, passkey_proof(assertion()))
    with pytest.raises(Misuse) as refusal:
        Judge().check(key, DIGEST, passkey_proof(assertion()))
    assert refusal.value.code == "key.disabled"
    for broken in (
        b"{}",
        canonical.encode({"authenticatorData": "", "clientDataJSON": "00", "signature": "00"}),
        b"\xff",
    ):
        with pytest.raises((BadAssertion, canonical.NotCanonical)):
            Judge(place=HERE).check(key, DIGEST, broken)


@given(st.binary(max_size=60), st.binary(max_size=60), st.binary(max_size=80))
def test_no_bytes_make_the_verifier_fail_otherwise(data: bytes, client_data: bytes, signature: bytes) -> None:
    with pytest.raises(CyberPrivacyError):
        check(POINT, DIGEST, Assertion(data, client_data, signature), HERE)
