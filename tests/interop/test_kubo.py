"""Our bundles against a real Kubo: the same CIDs, and blocks there and back by RPC and by its gateway.

`make test-kubo` compiles one; elsewhere these tests run where `ipfs` is installed.
"""

import os
import shutil
import socket
import subprocess
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from cyberprivacy.bundle import graph
from cyberprivacy.bundle.fetch import fetch
from cyberprivacy.bundle.gateway import Gateway
from cyberprivacy.bundle.kubo import Kubo
from cyberprivacy.bundle.kubo_pins import KuboPins
from cyberprivacy.bundle.pack import pack
from cyberprivacy.bundle.pinning import State
from cyberprivacy.bundle.remote import Down
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.bundle.tree import TreeBlocks
from cyberprivacy.cid import RAW, Cid
from cyberprivacy.cli import run

pytestmark = pytest.mark.interop


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


def test_what_it_keeps_is_listed_with_its_true_size_until_it_is_let_go(
    daemon: tuple[str, str], source: Path
) -> None:
    blocks = TreeBlocks(source)
    Kubo(daemon[0]).push(blocks.root, blocks.find)
    pins = KuboPins(daemon[0])
    ours = dict(graph.blocks(blocks.root, blocks.find))
    made = pins.pin(blocks.root, "guestbook")
    assert (made.state, made.name) == (State.PINNED, "guestbook")
    assert (made.blocks, made.size) == (len(ours), sum(map(len, ours.values())))
    assert pins.pins(blocks.root) == [made]
    assert str(blocks.root) in {pin.cid for pin in pins.pins()}
    assert pins.unpin(blocks.root) == 1
    assert pins.pins(blocks.root) == []
    assert pins.unpin(blocks.root) == 0


def test_what_nobody_has_is_not_pinned(daemon: tuple[str, str]) -> None:
    absent = Cid.of(RAW, b"nobody has this")
    with pytest.raises(Down) as refusal:
        KuboPins(daemon[0], search=1).pin(absent, "")
    assert refusal.value.code == "pinning.failed"
    assert KuboPins(daemon[0]).pins(absent) == []
    assert Kubo(daemon[0], search=1).find(absent) is None


def test_push_pins_and_unpin_as_people_type_them(
    daemon: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "small").mkdir()
    (tmp_path / "small" / "Dockerfile").write_text("FROM scratch\n")
    root = str(TreeBlocks(tmp_path / "small").root)
    at = ["--kubo", daemon[0]]
    for words in (["push", str(tmp_path / "small")], ["pin", root, "--name", "small"], ["pins", root]):
        assert run(["bundle", *words, *at]) == 0
    assert f"pinned {root}" in capsys.readouterr().out
    assert run(["bundle", "unpin", root, *at]) == 0
    assert f"unpinned {root}" in capsys.readouterr().out
    assert run(["bundle", "pin", str(Cid.of(RAW, b"nobody has this")), *at]) == 3
