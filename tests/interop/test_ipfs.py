"""Our bundles against other implementations of IPFS: a Rust one from PyPI. Kubo is in `test_kubo.py`."""

from pathlib import Path

import aleph_cid
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberprivacy.bundle import profile as profiles
from cyberprivacy.bundle.tree import TreeBlocks

pytestmark = pytest.mark.interop

names = st.text("abcdefghij0123456789-_.äß", min_size=1, max_size=12).filter(lambda name: name[-1] not in " .")
contents = st.binary(max_size=60) | st.integers(0, 255).map(lambda byte: bytes((byte,)) * ((1 << 18) + byte))
folders = st.recursive(
    contents, lambda below: st.dictionaries(names, below, min_size=1, max_size=5), max_leaves=10
)


def write(tree: dict, at: Path) -> None:
    at.mkdir()
    for name, value in tree.items():
        if isinstance(value, dict):
            write(value, at / name)
        else:
            (at / name).write_bytes(value)


@given(tree=folders.filter(lambda tree: isinstance(tree, dict)))
@settings(max_examples=25)
def test_the_rust_implementation_gives_every_tree_the_same_cid(tree: dict, tmp_path_factory) -> None:
    place = tmp_path_factory.mktemp("tree") / "tree"
    write(tree, place)
    ours = TreeBlocks(place, profile=profiles.KUBO_V1)
    assert str(ours.root) == aleph_cid.hash_folder(str(place), cid_version=1)


def test_the_rust_implementation_shards_a_large_directory_as_we_do(tmp_path: Path) -> None:
    for number in range(6000):
        (tmp_path / f"a-file-with-a-rather-long-name-{number}").write_bytes(b"%d" % number)
    assert str(TreeBlocks(tmp_path, profile=profiles.KUBO_V1).root) == aleph_cid.hash_folder(str(tmp_path))
