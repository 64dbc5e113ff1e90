"""Proofs: what RFC 6962 says, as others' vectors and a naive tree judge it."""

import json
from base64 import b64decode
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.ledger.merkle import leaf_hash, node_hash
from cyberprivacy.ledger.proofs import (
    EMPTY_ROOT,
    ProofRefused,
    check_consistency,
    check_inclusion,
    consistency_proof,
    inclusion_proof,
    root_of,
)

LEAVES = [leaf_hash(b"entry %d" % number) for number in range(300)]
"""Enough for every shape of a tree that spans two tiles."""


def naive_root(leaves: list[bytes]) -> bytes:
    """The recursion of RFC 6962 section 2.1, as the judge."""
    if len(leaves) < 2:
        return leaves[0] if leaves else EMPTY_ROOT
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return node_hash(naive_root(leaves[:split]), naive_root(leaves[split:]))


def naive_path(index: int, leaves: list[bytes]) -> list[bytes]:
    """PATH of section 2.1.1, word for word."""
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return [*naive_path(index, leaves[:split]), naive_root(leaves[split:])]
    return [*naive_path(index - split, leaves[split:]), naive_root(leaves[:split])]


def naive_proof(old: int, leaves: list[bytes], *, known: bool = True) -> list[bytes]:
    """SUBPROOF of section 2.1.2, word for word."""
    if old == len(leaves):
        return [] if known else [naive_root(leaves)]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if old <= split:
        return [*naive_proof(old, leaves[:split], known=known), naive_root(leaves[split:])]
    return [*naive_proof(old - split, leaves[split:], known=False), naive_root(leaves[:split])]


def node(level: int, index: int) -> bytes:
    return naive_root(LEAVES[index << level : (index + 1) << level])


sizes = st.integers(1, len(LEAVES))


@given(sizes, st.integers(0, 1 << 20))
def test_an_inclusion_proof_is_what_the_rfc_says_and_convinces(size: int, where: int) -> None:
    index = where % size
    proof = inclusion_proof(node, index, size)
    assert list(proof) == naive_path(index, LEAVES[:size])
    root = root_of(node, size)
    assert root == naive_root(LEAVES[:size])
    check_inclusion(leaf=LEAVES[index], index=index, size=size, proof=proof, root=root)


@given(sizes, st.integers(0, 1 << 20))
def test_a_consistency_proof_is_what_the_rfc_says_and_convinces(new: int, smaller: int) -> None:
    old = smaller % new + 1
    proof = consistency_proof(node, old, new)
    assert list(proof) == naive_proof(old, LEAVES[:new])
    heads = {"old_root": root_of(node, old), "new_root": root_of(node, new)}
    check_consistency(old=old, new=new, proof=proof, **heads)


@given(sizes, st.integers(0, 1 << 20), st.integers(0, 1 << 20), st.integers(1, 255))
def test_one_bit_changed_anywhere_in_a_proof_convinces_nobody(size: int, where: int, at: int, bits: int) -> None:
    index = where % size
    proof = list(inclusion_proof(node, index, size))
    root = root_of(node, size)
    if not proof:
        return
    place, byte = at % len(proof), at % 32
    broken = bytearray(proof[place])
    broken[byte] ^= bits
    changed = [*proof[:place], bytes(broken), *proof[place + 1 :]]
    for wrong in (changed, proof[1:], [*proof, proof[0]], [bytes(32), *proof]):
        with pytest.raises(ProofRefused):
            check_inclusion(leaf=LEAVES[index], index=index, size=size, proof=wrong, root=root)


@given(sizes, sizes, st.integers(0, 1 << 20), st.integers(1, 255))
def test_a_rewritten_past_has_no_consistency_proof(one: int, other: int, at: int, bits: int) -> None:
    old, new = sorted((one, other))
    proof = list(consistency_proof(node, old, new))
    forged = bytearray(root_of(node, old))
    forged[at % 32] ^= bits
    with pytest.raises(ProofRefused):
        check_consistency(old=old, new=new, old_root=bytes(forged), new_root=root_of(node, new), proof=proof)
    with pytest.raises(ProofRefused):
        check_consistency(
            old=old, new=new, old_root=root_of(node, old), new_root=root_of(node, new), proof=[*proof, bytes(32)]
        )


def test_a_log_does_not_shrink_and_the_empty_one_has_one_head() -> None:
    one = root_of(node, 1)
    check_consistency(old=0, new=1, old_root=EMPTY_ROOT, new_root=one, proof=())
    check_consistency(old=0, new=0, old_root=EMPTY_ROOT, new_root=EMPTY_ROOT, proof=())
    for old, new, old_root, new_root in ((0, 1, one, one), (0, 0, EMPTY_ROOT, one), (2, 1, one, one)):
        with pytest.raises(ProofRefused) as refusal:
            check_consistency(old=old, new=new, old_root=old_root, new_root=new_root, proof=())
        assert refusal.value.code == "log.proof"


def test_sizes_that_nobody_has_and_endless_proofs_are_refused_before_any_work() -> None:
    root = root_of(node, 1)
    for size, proof in ((1 << 63, ()), (2, (bytes(32),) * 64), (2, (bytes(31),))):
        with pytest.raises(ProofRefused):
            check_inclusion(leaf=root, index=0, size=size, proof=proof, root=root)


NO_HASH = "consistency/additional/sizes-are-equal-one-and-proof-is-empty.json"
"""Both roots of this case are twelve bytes of text; the others accept them for being equal, we take no root that is
not 32 bytes long.

The others refuse an old size of zero in any case. So do we in their vectors, each for another fault of it; a right
one we accept, as tlog-witness asks: `test_a_log_does_not_shrink_and_the_empty_one_has_one_head`.
"""


def cases(vectors: Path, kind: str) -> list[tuple[str, dict[str, Any]]]:
    folder = vectors / "tlog"
    return [
        (path.relative_to(folder).as_posix(), json.loads(path.read_bytes()))
        for path in sorted((folder / kind).rglob("*.json"))
    ]


def hashes(texts: list[str] | None) -> list[bytes]:
    return [b64decode(text) for text in texts or []]


def refused(check: Any, **values: Any) -> bool:
    try:
        check(**values)
    except ProofRefused:
        return True
    return False


def test_vectors_of_inclusion(vectors: Path) -> None:
    found = cases(vectors, "inclusion")
    assert len(found) == 98
    differ = []
    for name, case in found:
        wrong = refused(
            check_inclusion,
            leaf=b64decode(case["leafHash"] or ""),
            index=case["leafIdx"],
            size=case["treeSize"],
            root=b64decode(case["root"] or ""),
            proof=hashes(case["proof"]),
        )
        if wrong != case["wantErr"]:
            differ.append(name)
    assert differ == []


def test_vectors_of_consistency(vectors: Path) -> None:
    found = cases(vectors, "consistency")
    assert len(found) == 98
    differ = []
    for name, case in found:
        wrong = refused(
            check_consistency,
            old=case["size1"],
            new=case["size2"],
            old_root=b64decode(case["root1"] or ""),
            new_root=b64decode(case["root2"] or ""),
            proof=hashes(case["proof"]),
        )
        if wrong != case["wantErr"]:
            differ.append(name)
    assert differ == [NO_HASH]
