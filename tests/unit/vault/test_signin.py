"""Sign-In with Ethereum: spruceid's vectors for the grammar, and one refusal for each rule of ours."""

import json
from dataclasses import replace
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy import wallet
from cyberprivacy.vault import signin
from cyberprivacy.vault.signin import BadSignIn, Expected, SignIn, check, parse, signed, write

SECRET = sha256(b"a test key").digest()
ADDRESS = to_checksum_address(wallet.address_of(SECRET))
NOW = 1_800_000_000.0
HERE = Expected(
    "shop.example", "https://shop.example", 1, "0123456789abcdef0123456789abcdef", "Sign in to the shop."
)


def cases(vectors: Path, name: str) -> dict[str, Any]:
    return json.loads((vectors / "userdata" / "siwe" / f"{name}.json").read_text())


def seconds(text: str | None) -> int | None:
    return None if text is None else int(datetime.fromisoformat(text).timestamp())


def test_every_message_of_the_vectors_is_read_as_its_authors_meant(vectors: Path) -> None:
    for name, case in cases(vectors, "parsing_positive").items():
        said, meant = parse(case["message"].encode()), case["fields"]
        assert (said.domain, said.address, said.uri, said.chain, said.nonce) == (
            meant["domain"],
            meant["address"],
            meant["uri"],
            meant["chainId"],
            meant["nonce"],
        ), name
        assert said.statement == meant.get("statement"), name
        assert said.scheme == (meant.get("scheme") or ""), name
        assert said.issued == seconds(meant["issuedAt"]), name
        assert list(said.resources or ()) == meant.get("resources", []), name


def test_every_malformed_message_of_the_vectors_is_refused(vectors: Path) -> None:
    for name, message in cases(vectors, "parsing_negative").items():
        with pytest.raises(BadSignIn):
            pytest.fail(f"{name}: {parse(message.encode())}")


def message_of(case: dict[str, Any]) -> bytes:
    extra = [
        f"\n{label}: {case[field]}"
        for field, label in (("expirationTime", "Expiration Time"), ("notBefore", "Not Before"))
        if field in case
    ]
    return (
        f"{case['domain']} wants you to sign in with your Ethereum account:\n{case['address']}\n\n"
        f"{case['statement']}\n\nURI: {case['uri']}\nVersion: {case['version']}\nChain ID: {case['chainId']}\n"
        f"Nonce: {case['nonce']}\nIssued At: {case['issuedAt']}{''.join(extra)}"
    ).encode()


def test_the_signatures_of_the_vectors_are_good_in_our_spelling_only(vectors: Path) -> None:
    for name, case in cases(vectors, "verification_positive").items():
        signature = bytes.fromhex(case["signature"][2:])
        if name == "recovery byte starting at 0":  # a second spelling of 28: other verifiers take both
            with pytest.raises(wallet.BadSignature) as refusal:
                signed(message_of(case), signature)
            assert refusal.value.code == "signature.v"
            signature = signature[:64] + bytes([signature[64] + 27])
        assert signed(message_of(case), signature).address == case["address"], name


def test_every_bad_case_of_the_vectors_is_refused(vectors: Path) -> None:
    for name, case in cases(vectors, "verification_negative").items():
        expected = Expected(
            case.get("domainBinding", case["domain"]),
            case["uri"],
            case["chainId"],
            case.get("matchNonce", case["nonce"]),
            case["statement"],
        )
        now = seconds(case.get("time")) or NOW
        text = case["signature"][2:]
        signature = bytes.fromhex(text[: len(text) // 2 * 2])
        with pytest.raises((BadSignIn, wallet.BadSignature)):
            pytest.fail(f"{name}: {check(message_of(case), signature, expected, now=now)}")


def attempt(message: bytes, *, expected: Expected = HERE, now: float = NOW, secret: bytes = SECRET) -> SignIn:
    return check(message, wallet.sign(secret, wallet.personal(message)), expected, now=now)


def test_what_we_write_is_what_we_accept() -> None:
    assert attempt(write(HERE, ADDRESS, now=NOW)).address == ADDRESS


GOOD = write(HERE, ADDRESS, now=NOW).decode()
WRONG = {
    "another domain": (GOOD.replace("shop.example wants", "evil.example wants"), "siwe.domain"),
    "another scheme": ("http://" + GOOD, "siwe.domain"),
    "another origin": (GOOD.replace("URI: https://shop.example", "URI: https://evil.example"), "siwe.uri"),
    "another chain": (GOOD.replace("Chain ID: 1", "Chain ID: 10"), "siwe.chain"),
    "another nonce": (GOOD.replace("0123456789abcdef01", "0123456789abcdef02"), "siwe.nonce"),
    "another sentence": (GOOD.replace("to the shop", "to the bank"), "siwe.statement"),
    "no sentence": (GOOD.replace("Sign in to the shop.\n", ""), "siwe.statement"),
    "a resource": (GOOD + "\nResources:\n- https://shop.example/all", "siwe.extra"),
    "an empty list of resources": (GOOD + "\nResources:", "siwe.extra"),
    "a request id": (GOOD + "\nRequest ID: 5", "siwe.extra"),
    "no end": (GOOD.partition("\nExpiration")[0], "siwe.expiry"),
    "ten years": (GOOD.replace("Expiration Time: 2027", "Expiration Time: 2037"), "siwe.expiry"),
    "not yet": (GOOD + "\nNot Before: 2027-01-15T08:03:00Z", "siwe.early"),
    "a line end more": (GOOD + "\n", "siwe.form"),
    "a space more": (GOOD.replace("Chain ID: 1", "Chain ID:  1"), "siwe.form"),
    "zeros before a number": (GOOD.replace("Chain ID: 1", "Chain ID: 01"), "siwe.form"),
    "CRLF": (GOOD.replace("\n", "\r\n"), "siwe.form"),
    "lower-case t": (GOOD.replace("T08", "t08"), "siwe.form"),
    "a letter that looks alike": (GOOD.replace("shop.example wants", "shоp.example wants"), "siwe.form"),  # noqa: RUF001
    "too large": (GOOD.replace("Sign in", "S" * 5_000), "siwe.size"),
}


@pytest.mark.parametrize("how", WRONG)
def test_what_was_signed_for_something_else_is_refused(how: str) -> None:
    message, code = WRONG[how]
    with pytest.raises(BadSignIn) as refusal:
        attempt(message.encode())
    assert refusal.value.code == code


@pytest.mark.parametrize(
    ("later", "code"),
    [(-121, "siwe.issued"), (121, "siwe.issued"), (300, "siwe.issued"), (10 * 365 * 86_400, "siwe.issued")],
)
def test_a_message_of_another_time_is_refused(later: float, code: str) -> None:
    with pytest.raises(BadSignIn) as refusal:
        attempt(GOOD.encode(), now=NOW + later)
    assert refusal.value.code == code


def test_a_message_that_ends_at_once_has_ended() -> None:
    with pytest.raises(BadSignIn) as refusal:
        attempt(write(HERE, ADDRESS, now=NOW - 10, lasts=5))
    assert refusal.value.code == "siwe.expired"


def test_a_signature_of_somebody_else_is_refused() -> None:
    with pytest.raises(BadSignIn) as refusal:
        attempt(GOOD.encode(), secret=sha256(b"another").digest())
    assert refusal.value.code == "siwe.signer"


@given(st.integers(0, 2**62), st.integers(0, 9))
def test_any_chain_and_any_lifetime_of_minutes_is_read_back(chain: int, minutes: int) -> None:
    expected = replace(HERE, chain=chain)
    assert attempt(write(expected, ADDRESS, now=NOW, lasts=60 + 60 * minutes), expected=expected).chain == chain


@given(st.text(max_size=300), st.integers(0, 10_000))
def test_no_text_makes_the_parser_fail_otherwise(junk: str, at: int) -> None:
    place = at % len(GOOD)
    for text in (junk, GOOD[:place] + junk + GOOD[place:]):
        try:
            assert parse(text.encode("utf-8", "replace")).address == ADDRESS
        except BadSignIn as refusal:
            assert refusal.code in {"siwe.form", "siwe.size"}


def test_a_long_hostile_authority_costs_no_time() -> None:
    with pytest.raises(BadSignIn):
        parse(("a:" * 2_000 + "@").encode()[: signin.LIMIT])
