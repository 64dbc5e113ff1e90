"""Sums of numbers that whoever adds them cannot read."""

import os
from functools import cache

import pytest
import tenseal
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberprivacy.errors import Misuse
from cyberprivacy.vault import numbers
from cyberprivacy.vault.numberform import LARGEST_SUM, MAX_CIPHERTEXT, BadNumber
from cyberprivacy.vault.numbers import MOST, NumberKey, add


@cache
def key() -> NumberKey:
    return NumberKey.generate()


@cache
def sample() -> bytes:
    return key().encrypt(77)


@given(st.lists(st.integers(-1_000_000, 1_000_000), min_size=1, max_size=12))
@settings(max_examples=25)
def test_a_server_adds_what_only_the_owner_reads(values: list[int]) -> None:
    found = add([key().encrypt(each) for each in values], bound=1_000_000)
    assert (key().decrypt(found.ciphertext), found.count) == (sum(values), len(values))


def test_sums_of_sums_as_large_as_the_scheme_allows_are_exact() -> None:
    """Doubling grows noise faster than adding one by one: as many as are ever allowed can be read."""
    total, copies = key().encrypt(LARGEST_SUM // MOST), 1
    while copies < MOST:
        total, copies = add([total, total], bound=1).ciphertext, copies * 2
    assert key().decrypt(total) == LARGEST_SUM // MOST * MOST


def test_the_server_holds_no_key_and_equal_numbers_look_different() -> None:
    assert not numbers.parameters().has_secret_key()
    first, second = key().encrypt(5), key().encrypt(5)
    assert first != second
    with pytest.raises(ValueError, match="secret"):
        tenseal.bfv_vector_from(numbers.parameters(), first).decrypt()
    assert NumberKey.generate().decrypt(first) != 5


def test_a_key_survives_its_file_and_says_nothing_of_itself() -> None:
    again = NumberKey.load(key().stored())
    assert again.decrypt(key().encrypt(-3)) == -3
    assert repr(again) == "<key of bfv-v1>"


def other(degree: int = 4096, modulus: int = numbers.MODULUS) -> tenseal.Context:
    return tenseal.context(
        tenseal.SCHEME_TYPE.BFV, degree, modulus, encryption_type=tenseal.ENCRYPTION_TYPE.SYMMETRIC
    )


@pytest.mark.parametrize(
    "stored",
    [
        b"",
        os.urandom(70_000),
        b"\0" * (1 << 20),
        other().serialize(save_secret_key=False),
        other(8192, 4_398_046_150_657).serialize(save_secret_key=True),
        other(modulus=1_073_692_673).serialize(save_secret_key=True),
    ],
    ids=["empty", "noise", "long", "no secret", "other degree", "other modulus"],
)
def test_what_is_no_key_of_this_scheme_is_refused(stored: bytes) -> None:
    with pytest.raises(BadNumber) as refused:
        NumberKey.load(stored)
    assert refused.value.code == "number.key"


@pytest.mark.parametrize(
    "ciphertext",
    [
        b"",
        os.urandom(500),
        b"\0" * (MAX_CIPHERTEXT + 1),
        tenseal.bfv_vector(other(), [1, 2]).serialize(),
        tenseal.bfv_vector(other(8192, 4_398_046_150_657), [1]).serialize(),
        tenseal.bfv_vector(other(modulus=1_073_692_673), [1]).serialize(),
    ],
    ids=["empty", "noise", "long", "two numbers", "other degree", "other modulus"],
)
def test_what_is_no_ciphertext_of_this_scheme_is_refused(ciphertext: bytes) -> None:
    for use in (key().decrypt, lambda each: add([sample(), each], bound=1)):
        with pytest.raises(BadNumber) as refused:
            use(ciphertext)
        assert refused.value.code == "number.form"


@given(st.integers(0, 1 << 20), st.integers(0, 255), st.integers(0, 40))
@settings(max_examples=150)
def test_a_changed_ciphertext_is_refused_or_a_number_and_ends_nothing(place: int, byte: int, cut: int) -> None:
    changed = bytearray(sample())
    changed[place % len(changed)] = byte
    del changed[place % len(changed) : place % len(changed) + cut]
    try:
        total = add([bytes(changed), sample()], bound=1).ciphertext
    except BadNumber:
        return
    assert isinstance(key().decrypt(total), int)


def test_sums_that_could_not_be_read_any_more_are_refused_before_they_are_made() -> None:
    assert add([sample()] * 2, bound=LARGEST_SUM // 2).count == 2
    for too_many, bound in ([sample()] * 3, LARGEST_SUM // 2), ([], 1):
        with pytest.raises(BadNumber) as refused:
            add(too_many, bound=bound)
        assert refused.value.code == "number.count"
    with pytest.raises(Misuse) as large:
        key().encrypt(LARGEST_SUM + 1)
    assert large.value.code == "number.range"
