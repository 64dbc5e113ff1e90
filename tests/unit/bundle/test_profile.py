"""The same tree gives the same CID as every other implementation of the profile."""

import json
import os
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import ChaCha20
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.bundle import profile as profiles
from cyberprivacy.bundle.profile import Added, Profile, Writer
from cyberprivacy.cid import Cid

PROFILES = {made.name: made for made in (profiles.V1_2025, profiles.V0_2015)}
_B58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"


def text(cid: bytes) -> str:
    """As other tools print it; CIDv0 exists only here."""
    if cid[0] == 1:
        return str(Cid.from_bytes(cid))
    number, out = int.from_bytes(cid), ""
    while number:
        number, digit = divmod(number, 58)
        out = _B58[digit] + out
    return out


def stream(seed: str, size: int, chunk: int) -> Iterator[bytes]:
    """The first `size` bytes of the key stream that the vectors name."""
    key = sha256(seed.encode()).digest()
    encryptor = Cipher(ChaCha20(key, bytes(16)), mode=None).encryptor()
    zeros = bytes(chunk)
    while size > 0:
        yield encryptor.update(zeros[: min(size, chunk)])
        size -= chunk


def add(content: bytes, profile: Profile) -> Added:
    pieces = (content[at : at + profile.chunk] for at in range(0, len(content), profile.chunk))
    return Writer(_nowhere, profile).file(pieces)


def _nowhere(cid: bytes, block: bytes) -> None:
    pass


def case_cid(case: dict, alphabet: str) -> str:
    profile = PROFILES[case["profile"]]
    if "content" in case:
        return text(add(case["content"].encode(), profile).cid)
    if "size" in case:
        return text(Writer(_nowhere, profile).file(stream(case["seed"], case["size"], profile.chunk)).cid)
    lengths = [case["name_len"]] * (case["files"] - 1) + [case["last_name_len"]]
    letters = b"".join(stream(case["seed"], sum(lengths), 1 << 16))
    content = add(b"x", profile)
    entries, at = [], 0
    for length in lengths:
        name = "".join(alphabet[byte % 39] for byte in letters[at : at + length])
        entries.append((name.encode(), content))
        at += length
    return text(Writer(_nowhere, profile).directory(entries).cid)


def test_every_golden_cid_of_ipip_0499_is_reproduced(vectors: Path) -> None:
    document = json.loads((vectors / "ipfs/ipip-0499/profiles.json").read_text())
    cases = document["cases"]
    if not os.environ.get("CI"):
        cases = [case for case in cases if case.get("size", 0) < 1 << 30]  # two of 1 GiB: 3 s each
    wrong = [case for case in cases if case_cid(case, document["alphabet"]) != case["cid"]]
    assert len(cases) >= 12
    assert not wrong


def test_the_well_known_cids_of_nothing(vectors: Path) -> None:
    known = json.loads((vectors / "ipfs/ipip-0499/profiles.json").read_text())["well_known"]
    assert text(Writer(_nowhere).directory(()).cid) == known["empty directory v1"]
    assert text(Writer(_nowhere, profiles.V0_2015).directory(()).cid) == known["empty directory v0"]
    assert text(add(b"", profiles.V1_2025).cid) == known["empty raw block"]
    assert text(add(b"", profiles.V0_2015).cid) == known["empty dag-pb file v0"]


@given(st.dictionaries(st.binary(min_size=1, max_size=8), st.binary(max_size=4), max_size=8), st.randoms())
def test_the_order_in_which_entries_come_does_not_matter(entries: dict[bytes, bytes], random: object) -> None:
    writer = Writer(_nowhere)
    added = [(name, add(content, profiles.V1_2025)) for name, content in entries.items()]
    shuffled = list(added)
    random.shuffle(shuffled)
    assert writer.directory(added) == writer.directory(shuffled)


@pytest.mark.parametrize("leaves", [1, 2, 3, 4, 5, 9, 10, 27, 28, 81, 82])
def test_the_tree_over_leaves_is_what_a_naive_recursion_builds(leaves: int) -> None:
    small = Profile(name="small", version=1, chunk=2, width=3, by_block=True)
    content = bytes(range(leaves)) * 2
    assert add(content, small) == naive(content, small)


def naive(content: bytes, profile: Profile) -> Added:
    """The judge: cut the leaves into `width` times the largest power of `width` that still fits below one node."""
    writer = Writer(_nowhere, profile)
    leaves = [content[at : at + profile.chunk] for at in range(0, len(content), profile.chunk)]
    if len(leaves) == 1:
        return writer.file(leaves)
    depth = 1
    while profile.width**depth < len(leaves):
        depth += 1

    def node(held: list[bytes], depth: int) -> Added:
        if depth == 0:
            return writer.file(held)
        step = profile.width ** (depth - 1)
        return writer._inner([node(held[at : at + step], depth - 1) for at in range(0, len(held), step)])

    return node(leaves, depth)
