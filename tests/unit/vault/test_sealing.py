"""Sealed bodies: the exact bytes of the specification, nothing opens elsewhere, keys are held for a minute at most."""

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.vault import sealing
from cyberprivacy.vault.keyslot import Holder
from cyberprivacy.vault.sealing import KeyRing, PartPlace, Place, Sealed, seal, unseal

USER = bytes(range(32))
PLACE = Place(b"\x0a" * 32, b"\x0b" * 16, "example.shop.order.v1", 7)


def counting(size: int) -> bytes:
    return bytes(range(size))


def gcm(key: bytes, nonce: bytes, plain: bytes, bound: bytes) -> bytes:
    """AES-256-GCM through another door of the library: the streaming one."""
    encryptor = Cipher(algorithms.AES(key), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(bound)
    return encryptor.update(plain) + encryptor.finalize() + encryptor.tag


def test_the_bytes_are_those_of_the_specification() -> None:
    sealed = seal(AESGCM(USER), PLACE, b"hello", draw=counting)
    key, wraps, seals = counting(56)[:32], counting(56)[32:44], counting(56)[44:]
    bound = b"udi1|" + b"0a" * 32 + b"|" + b"0b" * 16 + b"|example.shop.order.v1|7"
    assert sealed.key == wraps + gcm(USER, wraps, key, b"udi1|key")
    assert sealed.body == b"\x01" + seals + gcm(key, seals, b"hello", bound)
    part = PartPlace(PLACE.owner, b"\x0c" * 32, 700_000, 2)
    bound = b"udi1|" + b"0a" * 32 + b"|" + b"0c" * 32 + b"|blob|700000|2"
    made = sealing.encrypt(AESGCM(key), part, b"part", draw=counting)
    assert made == b"\x01" + counting(12) + gcm(key, counting(12), b"part", bound)


@given(st.binary(max_size=300))
def test_what_was_sealed_opens_and_two_seals_of_one_body_differ(body: bytes) -> None:
    user = AESGCM(USER)
    one, other = seal(user, PLACE, body), seal(user, PLACE, body)
    assert unseal(user, PLACE, one) == unseal(user, PLACE, other) == body
    assert one.key[12:] != other.key[12:]
    assert one.body[1:] != other.body[1:]
    assert (len(one.key), len(one.body)) == (sealing.WRAPPED, len(body) + sealing.OVERHEAD)
    key = sealing.unwrap(user, one.key)
    assert sealing.decrypt(AESGCM(key), PLACE, one.body) == body


@pytest.mark.parametrize(
    "place",
    [
        PLACE._replace(owner=b"\x0b" * 32),
        PLACE._replace(record=b"\x0c" * 16),
        PLACE._replace(type="example.shop.order.v2"),
        PLACE._replace(rev=8),
    ],
)
def test_nothing_opens_at_another_place(place: Place) -> None:
    user = AESGCM(USER)
    with pytest.raises(CyberPrivacyError) as refusal:
        unseal(user, place, seal(user, PLACE, b"hello"))
    assert refusal.value.code == "record.seal"


@given(st.integers(min_value=0), st.integers(min_value=1, max_value=255), st.booleans())
def test_one_changed_bit_anywhere_and_any_cut_is_refused(place: int, bits: int, in_key: bool) -> None:
    user = AESGCM(USER)
    whole = seal(user, PLACE, b"hello")
    target = bytearray(whole.key if in_key else whole.body)
    target[place % len(target)] ^= bits
    changed = Sealed(bytes(target), whole.body) if in_key else Sealed(whole.key, bytes(target))
    cut = bytes(target[: place % len(target)])
    for bad in (changed, Sealed(cut, whole.body) if in_key else Sealed(whole.key, cut)):
        with pytest.raises(CyberPrivacyError) as refusal:
            unseal(user, PLACE, bad)
        assert refusal.value.code == "record.seal"


class Slots:
    """Counts how often a key is looked up."""

    def __init__(self) -> None:
        self.asked: list[Holder] = []

    def find(self, holder: Holder) -> bytes:
        self.asked.append(holder)
        return holder.owner


def test_a_key_is_held_for_a_minute_the_least_used_goes_first_and_a_forgotten_one_at_once() -> None:
    slots, now = Slots(), [0.0]
    ring = KeyRing(slots, size=2, life=60, clock=lambda: now[0])  # type: ignore[arg-type]
    anna, ben, cleo = (Holder(bytes([number]) * 32, 1) for number in (1, 2, 3))
    ring.key(anna)
    now[0] = 59.9
    ring.key(anna)
    assert slots.asked == [anna]
    now[0] = 60.0
    ring.key(anna)
    assert slots.asked == [anna, anna]
    ring.key(ben)
    ring.key(anna)
    ring.key(cleo)
    ring.key(anna)
    assert slots.asked[2:] == [ben, cleo]
    ring.key(ben)
    assert slots.asked[-1] == ben
    ring.forget(ben)
    ring.key(ben)
    assert slots.asked[-2:] == [ben, ben]
