"""Our bundles against other implementations of IPFS: a Rust one from PyPI, and Kubo where it is installed."""

import os
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import aleph_cid
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cyberprivacy.bundle import profile as profiles
from cyberprivacy.bundle.fetch import fetch
from cyberprivacy.bundle.gateway import Gateway
from cyberprivacy.bundle.kubo import Kubo
from cyberprivacy.bundle.pack import pack
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.bundle.tree import TreeBlocks
from cyberprivacy.cid import Cid

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


@pytest.fixture(scope="module")
def ipfs(tmp_path_factory: pytest.TempPathFactory):
    """Runs the `ipfs` command of a real Kubo with its own repository and profile."""
    program = os.environ.get("CYBERPRIVACY_KUBO") or shutil.which("ipfs")
    if program is None:
        pytest.skip("no Kubo here: put `ipfs` on the PATH or set CYBERPRIVACY_KUBO")
    environment = dict(os.environ, IPFS_PATH=str(tmp_path_factory.mktemp("kubo")))

    def call(*words: str) -> bytes:
        return subprocess.run(
            [program, *words], env=environment, check=True, capture_output=True, timeout=60
        ).stdout

    call("init", "--profile=test")
    call("config", "profile", "apply", "unixfs-v1-2025")
    call("config", "--json", "AutoConf.Enabled", "false")
    call("config", "--json", "Addresses.Swarm", "[]")
    call("config", "--json", "Bootstrap", "[]")
    call("config", "--json", "Routing", '{"Type": "none"}')
    call.program, call.environment = program, environment
    return call


@pytest.fixture(scope="module")
def daemon(ipfs) -> Iterator[tuple[str, str]]:
    """URLs of the RPC interface and of the gateway of a running Kubo without a network."""
    ports = []
    for name in ("API", "Gateway"):
        with socket.create_server(("127.0.0.1", 0)) as free:
            ports.append(free.getsockname()[1])
        ipfs("config", f"Addresses.{name}", f"/ip4/127.0.0.1/tcp/{ports[-1]}")
    with subprocess.Popen(
        [ipfs.program, "daemon", "--offline"], env=ipfs.environment, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            if "Daemon is ready" in line:
                break
        yield f"http://127.0.0.1:{ports[0]}", f"http://127.0.0.1:{ports[1]}"
        process.terminate()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("bundle") / "source"
    (folder / "many").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / ".hidden").write_text("h")
    (folder / "ünïcode").write_text("u")
    (folder / "nothing").touch()
    (folder / "big").write_bytes(bytes(range(256)) * 20_000)
    for number in range(6000):
        (folder / "many" / f"a-file-{number}").write_bytes(b"%d" % (number // 3))
    return folder


def test_kubo_gives_the_same_cid(ipfs, source: Path) -> None:
    added = ipfs("add", "-r", "--hidden", "-Q", "--only-hash", str(source)).decode().strip()
    assert added == str(TreeBlocks(source).root)


def test_kubo_takes_our_bundle_and_gives_it_back_by_rpc_and_by_its_gateway(
    daemon: tuple[str, str], source: Path, tmp_path: Path
) -> None:
    blocks = TreeBlocks(source)
    kubo = Kubo(daemon[0])
    kubo.push(blocks.root, blocks.find)
    for name, other in (("rpc", kubo), ("gateway", Gateway(daemon[1]))):
        (tmp_path / name).mkdir()
        bundle = fetch(blocks.root, [other], FolderStore(tmp_path / name / "store"), tmp_path / name / "tree")
        assert bundle.entries == blocks.entries
    with urllib.request.urlopen(f"{daemon[1]}/ipfs/{Cid.parse(str(blocks.root))}/.hidden") as answer:
        assert answer.read() == b"h"


def test_kubo_exports_byte_for_byte_the_car_that_we_write(
    daemon: tuple[str, str], ipfs, source: Path, tmp_path: Path
) -> None:
    packed = pack(source, car_file=tmp_path / "ours.car")
    blocks = TreeBlocks(source)
    Kubo(daemon[0]).push(blocks.root, blocks.find)
    assert ipfs("dag", "export", "--progress=false", str(packed.cid)) == (tmp_path / "ours.car").read_bytes()
