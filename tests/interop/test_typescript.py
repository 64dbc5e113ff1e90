"""The TypeScript SDK: its own tests, its own generator, and the same verdicts as ours about whatever comes along."""

import subprocess
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st
from making import passkeys, siwe, typed
from making.people import Person, key, secret, sign_digest, signed
from making.scenes import Step, step
from sdk import BYTES, FOLDER, TypeScript, agree, bent

from cyberprivacy import wallet
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.vault.keyevent import Kind

pytestmark = pytest.mark.interop


def test_the_tests_of_the_sdk_pass(built: str) -> None:
    tests = sorted(str(path.relative_to(FOLDER)) for path in FOLDER.glob("dist/test/*.test.js"))
    assert tests
    done = subprocess.run(
        [built, "--test", *tests], cwd=FOLDER, capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_sdk_makes_each_positive_vector_anew(built: str) -> None:
    done = subprocess.run(
        [built, "dist/vectors/generate.js"], cwd=FOLDER, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert len(done.stdout.splitlines()) == len(list((FOLDER.parent / "vectors" / "v1").iterdir()))


@given(which=st.integers(0, 1_000), how=BYTES)
def test_both_read_bent_json_alike(theirs: TypeScript, which: int, how: list[int]) -> None:
    texts = [
        b'{"a":[1,-20,true],"b":{"c":"\xc3\xa9\\n","d":null}}',
        b'[[[9007199254740992]],"\\u0001",0]',
        b'"\\ud83d\\ude00"',
    ]
    text = bent(texts[which % len(texts)], how, b'\\"u0e.-[]{},: \xff\x01n\xed\xa0')
    agree(theirs, "JcsRead", {}, {"bytes": text.hex(), "limit": 1 << 10})


@given(which=st.integers(0, 1_000), how=BYTES)
def test_both_read_bent_sign_in_messages_alike(theirs: TypeScript, which: int, how: list[int]) -> None:
    texts = [text for _, text in siwe._READABLE]
    text = bent(texts[which % len(texts)].encode(), how, b"0123456789:/?#[]@%-+.TZ \n\xc3A!")
    agree(theirs, "SiweParse", {}, {"message": text.decode(errors="replace")})


SECONDS = st.sampled_from([-900, -121, -120, -119, -1, 0, 1, 119, 120, 121, 899, 900, 901])
FRACTIONS = st.sampled_from(["", ".000001", ".9", ".999999999"])


@given(skew=SECONDS, lasts=SECONDS, begins=st.none() | SECONDS, fraction=FRACTIONS)
def test_both_judge_times_of_sign_in_alike(
    theirs: TypeScript, skew: int, lasts: int, begins: int | None, fraction: str
) -> None:
    text = siwe.write(siwe.HERE, siwe.ANNA, now=siwe.NOW, lasts=lasts).decode()
    text = text.replace("Z\nExpiration", f"{fraction}Z\nExpiration")
    if begins is not None:
        text += datetime.fromtimestamp(siwe.NOW + begins, UTC).strftime("\nNot Before: %Y-%m-%dT%H:%M:%SZ")
    signature = wallet.sign(secret("anna"), wallet.personal(text.encode()))
    group = siwe.verifying()[0].shared
    agree(theirs, "SiweVerify", group, {"message": text, "signature": signature.hex(), "now": siwe.NOW + skew})


@given(which=st.integers(0, 2), how=BYTES)
def test_both_judge_bent_signatures_alike(theirs: TypeScript, which: int, how: list[int]) -> None:
    name = ("anna", "device of anna")[which % 2]
    digest = sha256(str(how).encode()).digest()
    signature = bent(sign_digest(name, digest), how[: which + 1], bytes([27, 28, 0, 255, 1]))
    agree(theirs, "Eoa", {"key": key(name).text}, {"digest": digest.hex(), "signature": signature.hex()})


@given(point=st.integers(0, 40), scalar=st.integers(0, 3), sign=st.booleans())
def test_both_judge_strange_points_of_ed25519_alike(
    theirs: TypeScript, point: int, scalar: int, sign: bool
) -> None:
    material = (point + (2**255 - 39 if point > 20 else 0) | sign << 255).to_bytes(32, "little")
    signature = (1).to_bytes(32, "little") + scalar.to_bytes(32, "little")
    given = {"digest": bytes(32).hex(), "signature": signature.hex()}
    agree(theirs, "Device", {"key": f"ed25519-device:{material.hex()}"}, given)


@given(how=BYTES, where=st.integers(0, 2))
def test_both_judge_bent_assertions_alike(theirs: TypeScript, how: list[int], where: int) -> None:
    parts = [passkeys.client(more={"a": [1.5, "\\u0041"]}), passkeys.data()]
    if where < 2:
        parts[where] = bent(parts[where], how, b'{}[]":,\\ \x00\xff\x05\x1d0aN')
    signature = passkeys.made(parts[0], parts[1])
    if where == 2:
        signature = bent(signature, how, b"\x30\x02\x00\x81\x20\x21\xff")
    given = {"digest": passkeys.DIGEST.hex(), "signature": passkeys.proof(*parts, signature).hex()}
    agree(theirs, "Passkey", passkeys.groups()[0].shared, given)


ATOMS: list[object] = [
    True,
    0,
    1,
    -1,
    255,
    256,
    -32_769,
    1 << 256,
    "",
    "x",
    "\ud800",
    b"",
    bytes(4),
    bytes(20),
    bytes(32),
    [],
    [1],
    {},
]
KINDS = (
    "bool",
    "uint8",
    "int16",
    "uint256",
    "string",
    "bytes",
    "bytes4",
    "bytes32",
    "address",
    "uint8[]",
    "int8[2]",
    "Inner",
    "Inner[]",
)
FIELDS = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 200)), min_size=1, max_size=5)


def value_of(kind: str, number: int) -> object:
    """Mostly a value of this type, sometimes any other."""
    fitting: dict[str, object] = {
        "bool": number % 2 == 0,
        "uint8": number,
        "int16": -number,
        "uint256": number << 200,
        "string": "é" * number,
        "bytes": bytes(number),
        "bytes4": bytes(4),
        "bytes32": bytes([number]) * 32,
        "address": bytes([number]) * 20,
        "uint8[]": [number] * (number % 5),
        "int8[2]": [1, -number],
        "Inner": {"n": number},
        "Inner[]": [{"n": 1}] * (number % 3),
    }
    return ATOMS[number % len(ATOMS)] if number % 7 == 0 else fitting[kind]


@given(fields=FIELDS)
def test_both_hash_typed_data_alike(theirs: TypeScript, fields: list[tuple[int, int]]) -> None:
    outer = [{"name": f"f{place}", "type": KINDS[kind]} for place, (kind, _) in enumerate(fields)]
    types = {"Outer": outer, "Inner": [{"name": "n", "type": "uint8"}]}
    value = {f"f{place}": value_of(KINDS[kind], number) for place, (kind, number) in enumerate(fields)}
    group: dict[str, object] = {"domain": {"name": {"string": "fuzz"}}, "types": types, "primaryType": "Outer"}
    agree(theirs, "Digest", group, {"value": typed.tagged(value)})


NAMES = ("anna", "bert", "carl", "gina", "gustav", "device of anna")
STEPS = st.lists(
    st.tuples(st.integers(1, 11), st.integers(0, 5), st.integers(0, 5), st.integers(0, 9)), max_size=9
)


def a_step(kind: Kind, by: int, other: int, hours: int) -> Step:
    """Something that somebody may want; often it is refused."""
    opened = (
        NAMES[by]
        if kind is Kind.RECOVER or (kind in (Kind.FREEZE, Kind.APPROVE, Kind.CANCEL) and by in (3, 4))
        else ""
    )
    body: dict[str, object] = {}
    if kind in (Kind.ADD, Kind.REMOVE, Kind.ROTATE, Kind.RECOVER):
        body["key"] = key(NAMES[other])
    if kind is Kind.ROTATE:
        body["old"] = key(NAMES[(other + hours) % 6])
    if kind is Kind.REVOKE_GRANTS:
        body["before"] = 1_800_000_000 + hours
    if kind is Kind.GUARDIANS:
        body["guardians"] = ()
    asked = kind in (Kind.APPROVE, Kind.CANCEL, Kind.EXECUTE)
    return step(kind, NAMES[by], later=hours**2 * 3 * 3_600 - 2 * (hours == 7), opened=opened, asked=asked, **body)


@given(steps=STEPS, asked=st.booleans(), sent=st.integers(0, 1 << 9), how=st.none() | BYTES)
def test_both_follow_random_accounts_alike(
    theirs: TypeScript, steps: list[tuple[int, int, int, int]], asked: bool, sent: int, how: list[int] | None
) -> None:
    person = Person().begin("anna", "bert", guarded_by=("gina", "gustav"))
    if asked:
        person.take(*step(Kind.RECOVER, "gina", opened="gina", key=key("carl"))(person))
        person.take(*step(Kind.APPROVE, "gustav", opened="gustav", asked=True)(person))
    events = list(person.log)
    for place, (kind, by, other, hours) in enumerate(steps):
        event, name = a_step(list(Kind)[kind], by, other, hours)(person)
        events = [*person.log, signed(event, name)]
        try:
            person.take(event, name)
        except CyberPrivacyError:
            if sent >> place & 1:
                break  # refused, and sent all the same: nothing comes after it
            events = list(person.log)
    texts = [each.encode().decode() for each in events]
    if how is not None:
        texts[-1] = bent(texts[-1].encode(), how, b'0a:"{}').decode()
    group: dict[str, object] = {"network": "vectors:1", "log": []}
    agree(theirs, "KeyEvents", group, {"then": texts, "clock": None})
