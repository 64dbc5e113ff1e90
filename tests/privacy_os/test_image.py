"""The image is the same wherever it is made, and has nothing in it that nobody asked for."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from stat import S_ISDIR, S_ISLNK, S_ISREG

import pytest
from machines import cyberprivacy, gathered, locked_tools, root_at

from cyberprivacy.bundle.pack import pack
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.cli.privacy_os import CACHE, SOURCES
from cyberprivacy.privacy_os.engines import PROGRAMS
from cyberprivacy.privacy_os.image import BILL, DISK, PROGRAM
from cyberprivacy.privacy_os.release import Measured, lay_out
from cyberprivacy.privacy_os.sources import KERNEL, STUB
from cyberprivacy.privacy_os.toolbox import Toolbox

CID = "bafybeifx7yeb55armcsxwwitkymga5xf53dxiarykms3ygqic223w5sk3m"
"""Of nothing that is here."""


@pytest.fixture
def box() -> Iterator[Toolbox]:
    with locked_tools() as (_, box):
        yield box


@pytest.fixture(scope="module")
def again(image: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, object]]:
    """The image made again elsewhere, and what was said of its sources, which lie.

    The builder is the sources' own, beside libraries of its own; its tools are unpacked anew, in another folder.
    """
    folder = tmp_path_factory.mktemp("again")
    made = Measured.of((image / PROGRAM).read_bytes())
    lay_out(SOURCES.parent, Measured(made.plain, bytes(32)), folder / "next")
    cid = pack(folder / "next", store=FolderStore(folder / "blocks")).cid
    (folder / "cache").mkdir()
    (folder / "cache" / "packages").symlink_to(CACHE / "packages")  # each is checked by its hash once more
    words = ("--store", folder / "blocks", "--cache", folder / "cache", "--to", folder / "made")
    return folder / "made", cyberprivacy("os", "release", "rebuild", cid, *words, code=1)


def test_made_again_elsewhere_it_is_the_same(image: Path, again: tuple[Path, dict[str, object]]) -> None:
    said = cyberprivacy("os", "verify-release", image, "--made", again[0])
    assert said["same"] == ["privacy-os.efi", "privacy-os.img", "measurements.json", "sbom.json"]


def test_sources_that_are_voted_on_say_what_they_make(image: Path, again: tuple[Path, dict[str, object]]) -> None:
    """Sources that name another image are refused by whoever makes it again, and what they make is named."""
    made, said = Measured.of((image / PROGRAM).read_bytes()), again[1]
    lie = Measured(made.plain, bytes(32))
    facts = {"says": str(lie.facts()), "measured": str(made.facts())}
    assert (said["error"], said["facts"]) == ("os.release", facts)


def test_what_is_in_a_folder_is_not_written_over(again: tuple[Path, dict[str, object]]) -> None:
    """It is refused before anything is fetched or made."""
    said = cyberprivacy("os", "release", "rebuild", CID, "--to", again[0], code=2)
    assert (said["error"], said["facts"]) == ("os.exists", {"to": str(again[0])})


def test_a_changed_release_is_named(image: Path, tmp_path: Path) -> None:
    release = tmp_path / "release"
    release.mkdir()
    for path in image.iterdir():
        (release / path.name).write_bytes(path.read_bytes())
    (release / "sbom.json").write_bytes((release / "sbom.json").read_bytes() + b" ")
    said = cyberprivacy("os", "verify-release", release, "--made", image, code=1)
    assert (said["error"], said["facts"]) == ("os.release", {"files": "['sbom.json']"})


def test_the_root_has_no_shell_no_login_and_no_package_manager(image: Path, box: Toolbox) -> None:
    """As it is on the disk."""
    (box.work / "root.erofs").write_bytes((image / DISK).read_bytes()[root_at(image) :])
    box.run("fsck.erofs", "--extract=/work/root", "/work/root.erofs")
    root = box.work / "root"
    members = {str(path.relative_to(root)): path.lstat().st_mode for path in root.rglob("*")}
    executable = {name for name, mode in members.items() if S_ISREG(mode) and mode & 0o111}
    programs = {name for name in executable if ".so" not in name and not name.endswith(".py")}
    assert programs == {"usr/bin/python3.11", *(path for some in PROGRAMS.values() for path in some)}
    links = {name: str((root / name).readlink()) for name, mode in members.items() if S_ISLNK(mode)}
    assert {name: to for name, to in links.items() if "bin/" in name} == {
        "usr/bin/python": "python3.11",
        "usr/bin/python3": "python3.11",
        "usr/sbin/iptables": "xtables-nft-multi",
        "usr/sbin/ip6tables": "xtables-nft-multi",
    }
    known = {name for name, mode in members.items() if S_ISREG(mode) or S_ISDIR(mode) or S_ISLNK(mode)}
    assert [name for name, mode in members.items() if mode & 0o6000 or name not in known] == []


def test_the_bill_names_every_package_and_wheel(image: Path) -> None:
    sources = gathered()
    bill = json.loads((image / BILL).read_text())
    hashes = {each["hashes"][0]["content"] for each in bill["components"]}
    assert hashes == {package.sha256 for package in sources.locked} | {p.name for p in sources.wheels.values()}
    inside = {each["name"] for each in bill["components"] if each["scope"] == "required"}
    assert {KERNEL, STUB, "libc6", "cryptography"} <= inside
    assert "rustc" not in inside


def test_the_first_process_passes_its_own_tests(box: Toolbox) -> None:
    """Compiled and run by the locked compiler, in its own root."""
    shutil.copytree(SOURCES / "init", box.work / "init")
    box.run("rustc", "--edition=2021", "--test", "-Clinker=gcc", "-o", "/work/tests", "/work/init/main.rs")
    box.run("/work/tests")
