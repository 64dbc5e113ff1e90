import base64
import errno
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cyberprivacy.bundle.fetch import fetch
from cyberprivacy.bundle.gateway import Gateway
from cyberprivacy.bundle.pack import pack
from cyberprivacy.bundle.serve import gateway_app, listening
from cyberprivacy.bundle.space import on_disk
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.cid import Cid
from cyberprivacy.cli import run
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.testing.gateway import Lie, LyingGateway, running

Command = Callable[..., tuple[int, str, str]]


@pytest.fixture
def command(capfd: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Command:
    """Runs one command: exit code, stdout, stderr."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)

    def call(*words: object) -> tuple[int, str, str]:
        capfd.readouterr()
        code = run([str(word) for word in words])
        said = capfd.readouterr()
        return code, said.out, said.err

    return call


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "guestbook"
    (folder / "app").mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM x\n")
    (folder / "app" / "logo").write_bytes(bytes(range(256)))
    (folder / ".git").mkdir()
    return folder


@pytest.fixture
def store(source: Path, tmp_path: Path) -> FolderStore:
    made = FolderStore(tmp_path / "served")
    pack(source, store=made)
    return made


@pytest.fixture
def cid(source: Path) -> str:
    return str(pack(source).cid)


@pytest.fixture
def gateway(store: FolderStore) -> Iterator[str]:
    with running(gateway_app(store.find)) as url:
        yield url


def test_pack_prints_the_cid_alone_and_what_it_left_out_beside(command: Command, source: Path, cid: str) -> None:
    code, out, err = command("pack", source)
    assert (code, out) == (0, cid + "\n")
    assert "left out: .git" in err


def test_pack_writes_what_is_asked_for(command: Command, source: Path, cid: str, tmp_path: Path) -> None:
    code, out, _ = command("pack", source, "--car", "x.car", "--store", "kept", "--json")
    value = json.loads(out)
    assert (code, value["cid"], value["ignored"]) == (0, cid, [".git"])
    assert (tmp_path / "x.car").exists()
    assert FolderStore(tmp_path / "kept").folder.is_dir()
    assert (value["entries"], value["size"]) == (4, 263)


def test_pack_refuses_a_symlink_with_code_and_hint(command: Command, source: Path) -> None:
    (source / "link").symlink_to("/etc/passwd")
    code, out, err = command("pack", source)
    assert (code, out) == (1, "")
    assert "bundle.symlink" in err
    assert json.loads(command("pack", source, "--json")[1])["error"] == "bundle.symlink"


@pytest.mark.parametrize(
    "place",
    [
        ("--car", "nowhere/x.car"),
        ("--car", "taken/x.car"),
        ("--car", "."),
        ("--car", "x" * 300),
        ("--store", "taken"),
        ("--store", "/proc/nowhere"),
    ],
)
def test_pack_says_where_it_cannot_write(command: Command, source: Path, place: tuple[str, str], tmp_path: Path):
    (tmp_path / "taken").write_text("a file")
    code, out, _ = command("pack", source, *place, "--json")
    assert (code, json.loads(out)["error"]) == (2, "bundle.place")


@pytest.mark.parametrize(
    ("number", "code", "exit_code"),
    [
        (errno.ENOSPC, "bundle.disk", 3),
        (errno.EDQUOT, "bundle.disk", 3),
        (errno.EIO, "bundle.disk", 3),
        (errno.EROFS, "bundle.place", 2),
        (errno.EACCES, "bundle.place", 2),
    ],
)
def test_a_disk_that_refuses_is_waited_for_and_a_wrong_place_is_not(
    number: int, code: str, exit_code: int
) -> None:
    with pytest.raises(CyberPrivacyError) as refusal, on_disk():
        raise OSError(number, "no", "file")
    assert (refusal.value.code, refusal.value.exit_code) == (code, exit_code)


def test_other_places_that_cannot_be_are_said_too(command: Command, cid: str, tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file")
    assert "bundle.place" in command("bundle", "fetch", cid, "--to", "taken/tree")[2]
    assert "bundle.place" in command("bundle", "ls", cid, "--store", "taken")[2]
    with listening("127.0.0.1", 0) as bound:
        there = f"127.0.0.1:{bound.getsockname()[1]}"
        code, _, err = command("bundle", "serve", "--store", "s", "--listen", there)
    assert (code, "bundle.listen" in err) == (2, True)


def test_fetch_writes_a_verified_tree(
    command: Command, cid: str, gateway: str, source: Path, tmp_path: Path
) -> None:
    code, out, _ = command("bundle", "fetch", cid, "--gateway", gateway, "--to", "tree", "--json")
    assert code == 0
    assert json.loads(out) == {"cid": cid, "tree": "tree", "size": 263, "entries": 4}
    assert (tmp_path / "tree/app/logo").read_bytes() == (source / "app/logo").read_bytes()
    assert command("bundle", "fetch", cid, "--to", "tree")[0] == 0  # again: asks nobody


def test_fetch_names_a_liar_and_asks_the_next(
    command: Command, cid: str, gateway: str, store: FolderStore
) -> None:
    with running(LyingGateway(store.find, Lie.WRONG_BYTES)) as liar:
        code, out, err = command("bundle", "fetch", cid, "-g", liar, "-g", gateway, "--to", "tree", "--json")
    assert (code, json.loads(out)["cid"]) == (0, cid)
    assert liar in err
    assert "bundle.hash" in err


def test_fetch_with_nobody_who_has_it_says_try_again(command: Command, cid: str) -> None:
    code, out, _ = command("bundle", "fetch", cid, "--to", "tree", "--json")
    assert (code, json.loads(out)["error"]) == (3, "bundle.missing")


@pytest.mark.parametrize(
    "wrong", ["bafybei", "QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn", "../../etc/passwd"]
)
def test_a_wrong_cid_is_misuse(command: Command, wrong: str) -> None:
    code, out, _ = command("bundle", "fetch", wrong, "--to", "tree", "--json")
    assert (code, json.loads(out)["error"]) == (2, "cid.form")


def test_fetch_leaves_a_directory_that_is_something_else_alone(
    command: Command, cid: str, gateway: str, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_text("mine")
    code, out, _ = command("bundle", "fetch", cid, "-g", gateway, "--to", "mine", "--json")
    assert (code, json.loads(out)["error"]) in ((1, "bundle.tree"), (1, "bundle.mode"))
    assert (tmp_path / "mine" / "file").read_text() == "mine"


def test_ls_lists_the_bundle_or_a_part_of_it(command: Command, cid: str, gateway: str) -> None:
    code, out, _ = command("bundle", "ls", cid, "-g", gateway, "--json")
    assert code == 0
    assert json.loads(out)["entries"] == [
        {"path": "Dockerfile", "size": 7},
        {"path": "app", "size": None},
        {"path": "app/logo", "size": 256},
    ]
    assert "app/logo" in command("bundle", "ls", f"{cid}/app", "-g", gateway)[1]
    assert "Dockerfile" not in command("bundle", "ls", f"ipfs://{cid}/app", "-g", gateway)[1]


@pytest.mark.parametrize("path", ["/..", "//etc", "/app/../..", "/no"])
def test_ls_and_cat_stay_inside_the_bundle(command: Command, path: str, cid: str, gateway: str) -> None:
    for verb in ("ls", "cat"):
        code, out, _ = command("bundle", verb, cid + path, "-g", gateway, "--json")
        assert (code, json.loads(out)["error"]) == (2, "bundle.path")


def test_cat_writes_the_bytes_of_a_file(command: Command, cid: str, gateway: str) -> None:
    assert command("bundle", "cat", f"{cid}/Dockerfile", "-g", gateway)[:2] == (0, "FROM x\n")
    code, out, _ = command("bundle", "cat", f"{cid}/app/logo", "-g", gateway, "--json")
    value = json.loads(out)
    assert (code, value["size"], base64.b64decode(value["base64"])) == (0, 256, bytes(range(256)))
    assert command("bundle", "cat", f"{cid}/app", "-g", gateway)[0] == 2


def test_serve_wants_a_host_and_a_port(command: Command) -> None:
    assert command("bundle", "serve", "--store", "s", "--listen", "8080")[0] == 2
    assert command("bundle", "serve", "--store", "s", "--listen", "127.0.0.1:http")[0] == 2


@pytest.mark.parametrize(
    "verb",
    [["pack"], ["bundle", "fetch"], ["bundle", "ls"], ["bundle", "cat"], ["bundle", "serve"], ["bundle", "push"]],
)
def test_every_command_explains_itself_with_an_example(command: Command, verb: list[str]) -> None:
    code, out, _ = command(*verb, "--help")
    assert code == 0
    assert f"Example: cyberprivacy {' '.join(verb)} " in out


def test_serve_is_a_gateway_until_it_is_told_to_stop(store: FolderStore, cid: str, tmp_path: Path) -> None:
    words = [sys.executable, "-c", "from cyberprivacy.cli import main; main()", "bundle", "serve"]
    with subprocess.Popen(
        [*words, "--store", store.folder, "--listen", "127.0.0.1:0"], stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stderr is not None
        url = process.stderr.readline().split(" at ")[1].removesuffix("/ipfs/\n")
        bundle = fetch(Cid.parse(cid), [Gateway(url)], FolderStore(tmp_path / "mine"), tmp_path / "tree")
        process.terminate()
        assert process.wait(timeout=30) in (0, -15, 143)
    assert bundle.entries == 4
