"""The hash tree, against one written as the kernel's documentation says it: from the root down to a block."""

from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberprivacy.errors import Misuse
from cyberprivacy.privacy_os.verity import BLOCK, with_tree

SALT = bytes(range(32))
PER_BLOCK = 128


def proven(data: bytes, root: bytes, blocks: int, number: int) -> bool:
    """Whether a block is what the root says: what a kernel does when the block is read."""
    levels, count = [], blocks
    while count > 1:
        count = -(-count // PER_BLOCK)
        levels.append(count)
    expected, at = root, blocks
    for height in range(len(levels), 0, -1):
        index = number // PER_BLOCK**height
        block = data[(at + index) * BLOCK :][:BLOCK]
        if sha256(SALT + block).digest() != expected:
            return False
        place = number // PER_BLOCK ** (height - 1) % PER_BLOCK
        expected = block[32 * place : 32 * place + 32]
        at += levels[height - 1]
    return sha256(SALT + data[number * BLOCK :][:BLOCK]).digest() == expected


@given(st.integers(2, 300), st.integers(0, 299), st.integers(0, BLOCK - 1))
@settings(max_examples=30, deadline=None)
def test_each_block_is_proven_and_a_changed_one_is_not(blocks: int, which: int, where: int) -> None:
    data = b"".join(number.to_bytes(4, "big") * (BLOCK // 4) for number in range(blocks))
    made, which = with_tree(data, SALT), which % blocks
    assert (made.blocks, made.data[: len(data)]) == (blocks, data)
    assert proven(made.data, made.root, blocks, which)
    changed = bytearray(made.data)
    changed[which * BLOCK + where] ^= 1
    assert not proven(bytes(changed), made.root, blocks, which)


def test_a_tree_of_three_levels() -> None:
    blocks = PER_BLOCK**2 + 5
    made = with_tree(bytes(blocks * BLOCK - 7), SALT)
    assert made.blocks == blocks
    assert len(made.data) == (blocks + 129 + 2 + 1) * BLOCK
    assert all(proven(made.data, made.root, blocks, number) for number in (0, PER_BLOCK**2, blocks - 1))


@pytest.mark.parametrize(("data", "salt"), [(b"", SALT), (bytes(BLOCK), SALT), (bytes(2 * BLOCK), b"")])
def test_nothing_to_prove(data: bytes, salt: bytes) -> None:
    with pytest.raises(Misuse):
        with_tree(data, salt)
