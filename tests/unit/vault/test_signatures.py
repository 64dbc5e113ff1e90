"""Signatures: Wycheproof's vectors, and each second spelling refused with its own code."""

import json
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from coincurve import PrivateKey, PublicKey
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from eth_account import Account
from eth_account.messages import encode_defunct
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy import wallet
from cyberprivacy.vault import key
from cyberprivacy.vault.key import DEVICE_TAG, BadKey, Judge, Key

SECRET = sha256(b"a test key").digest()
DIGEST = sha256(b"a message").digest()


def groups(vectors: Path, name: str) -> list[dict[str, Any]]:
    return json.loads((vectors / "userdata" / "wycheproof" / f"{name}.json").read_text())["testGroups"]


def der_as_wallet(der: bytes) -> tuple[bytes, ...] | None:
    """Both wallet spellings of a DER signature in its one encoding; None for any other bytes."""
    try:
        r, s = decode_dss_signature(der)
    except ValueError:
        return None
    if encode_dss_signature(r, s) != der or not (0 <= r < 2**256 and 0 <= s < 2**256):
        return None
    return tuple(r.to_bytes(32) + s.to_bytes(32) + bytes([v]) for v in (27, 28))


def signed_by(digest: bytes, signature: bytes, address: bytes) -> bool:
    try:
        return wallet.recover(digest, signature) == address
    except wallet.BadSignature:
        return False


def test_wycheproof_agrees_about_every_secp256k1_signature(vectors: Path) -> None:
    judged = 0
    for group in groups(vectors, "ecdsa_secp256k1_sha256_bitcoin"):
        point = PublicKey(bytes.fromhex(group["publicKey"]["uncompressed"])).format(compressed=False)
        for case in group["tests"]:
            both = der_as_wallet(bytes.fromhex(case["sig"])) or ()
            digest = sha256(bytes.fromhex(case["msg"])).digest()
            good = any(signed_by(digest, each, keccak(point[1:])[12:]) for each in both)
            # r above the order needs a third recovery id, for which Ethereum has no v: nobody can sign so there.
            beyond = case["comment"] == "k*G has a large x-coordinate"
            assert good == (case["result"] == "valid" and not beyond), case
            judged += 1
    assert judged == 463


def test_wycheproof_agrees_about_every_ed25519_signature(vectors: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(key, "DEVICE_TAG", b"")
    judged = 0
    for group in groups(vectors, "ed25519"):
        device = Key.parse(f"ed25519-device:{group['publicKey']['pk']}")
        for case in group["tests"]:
            try:
                Judge().check(device, bytes.fromhex(case["msg"]), bytes.fromhex(case["sig"]))
                good = True
            except (BadKey, wallet.BadSignature):
                good = False
            assert good == (case["result"] == "valid"), case
            judged += 1
    assert judged > 100


def test_wycheproof_agrees_about_aes_gcm_as_we_use_it(vectors: Path) -> None:
    judged = 0
    for group in groups(vectors, "aes_gcm"):
        if (group["ivSize"], group["keySize"], group["tagSize"]) != (96, 256, 128):
            continue  # the vault uses no other sizes
        for case in group["tests"]:
            raw = {name: bytes.fromhex(case[name]) for name in ("key", "iv", "aad", "msg", "ct", "tag")}
            try:
                good = AESGCM(raw["key"]).decrypt(raw["iv"], raw["ct"] + raw["tag"], raw["aad"]) == raw["msg"]
            except InvalidTag:
                good = False
            assert good == (case["result"] == "valid"), case
            judged += 1
    assert judged > 50


@given(st.binary(min_size=32, max_size=32), st.binary(max_size=80))
def test_what_we_sign_is_what_eth_account_signs(seed: bytes, message: bytes) -> None:
    secret = (int.from_bytes(seed) % (wallet.ORDER - 1) + 1).to_bytes(32)
    ours = wallet.sign(secret, wallet.personal(message))
    assert ours == bytes(Account.sign_message(encode_defunct(message), secret).signature)
    assert wallet.recover(wallet.personal(message), ours) == wallet.address_of(secret)


def spoilt() -> dict[str, tuple[bytes, str]]:
    good = wallet.sign(SECRET, DIGEST)
    r, s, v = good[:32], int.from_bytes(good[32:64]), good[64:]
    other = bytes([55 - good[64]])
    return {
        "high s": (r + (wallet.ORDER - s).to_bytes(32) + other, "signature.high-s"),
        "v of 0": (good[:64] + bytes([good[64] - 27]), "signature.v"),
        "v of EIP-155": (good[:64] + b"\x25", "signature.v"),
        "64 bytes": (good[:64], "signature.form"),
        "66 bytes": (good + b"\0", "signature.form"),
        "compact (EIP-2098)": (r + (s | (good[64] - 27) << 255).to_bytes(32), "signature.form"),
        "empty": (b"", "signature.form"),
        "r of 0": (bytes(32) + good[32:], "signature.range"),
        "s of 0": (r + bytes(32) + v, "signature.range"),
        "r of the order": (wallet.ORDER.to_bytes(32) + good[32:], "signature.range"),
        "no point": ((5).to_bytes(32) + good[32:], "signature.form"),
        "another message": (wallet.sign(SECRET, sha256(b"x").digest()), "key.signer"),
        "another key": (wallet.sign(sha256(b"y").digest(), DIGEST), "key.signer"),
    }


@pytest.mark.parametrize("how", spoilt())
def test_no_other_spelling_of_a_signature_is_accepted(how: str) -> None:
    owner = Key.of_address(wallet.address_of(SECRET))
    Judge().check(owner, DIGEST, wallet.sign(SECRET, DIGEST))
    signature, code = spoilt()[how]
    with pytest.raises((wallet.BadSignature, BadKey)) as refusal:
        Judge().check(owner, DIGEST, signature)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            "eip155-eoa",
            "eip155-eoa:",
            "eip155-eoa:" + "00" * 19,
            "eip155-eoa:" + "00" * 21,
            "eip155-eoa:" + "AB" * 20,
        ),
        *(
            "eip155-eoa:0x" + "00" * 20,
            "rsa:" + "00" * 32,
            " eip155-eoa:" + "00" * 20,
            "eip155-eoa:" + "00" * 20 + "\n",
        ),
        *("webauthn-p256:04" + "00" * 32, "webauthn-p256:02" + "ff" * 32, None, 5),
    ],
)
def test_a_key_has_one_spelling(text: object) -> None:
    with pytest.raises(Exception, match=r"key|point") as refusal:
        Key.parse(text)
    assert getattr(refusal.value, "code", "") in {"key.form", "passkey.key"}


def test_the_key_of_a_device_is_of_no_use_elsewhere() -> None:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

    secret = Ed25519PrivateKey.from_private_bytes(SECRET)
    device = Key.parse(f"ed25519-device:{secret.public_key().public_bytes_raw().hex()}")
    Judge().check(device, DIGEST, secret.sign(DEVICE_TAG + DIGEST))
    with pytest.raises(BadKey):
        Judge().check(device, DIGEST, secret.sign(DIGEST))


def test_high_s_is_what_the_library_alone_would_take() -> None:
    """Why `recover` looks itself: libsecp256k1 recovers from either half."""
    signature, _ = spoilt()["high s"]
    raw = signature[:64] + bytes([signature[64] - 27])
    found = PublicKey.from_signature_and_message(raw, DIGEST, hasher=None)
    assert found == PrivateKey(SECRET).public_key
