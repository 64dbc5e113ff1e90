"""The image is the same wherever it is made, and has nothing in it that nobody asked for."""

import io
import json
import tarfile
from pathlib import Path

import httpx2
from machines import cyberprivacy

from cyberprivacy.bundle.pack import pack
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.cli.privacy_os import CACHE, SOURCES
from cyberprivacy.privacy_os.engines import PROGRAMS
from cyberprivacy.privacy_os.image import BILL, PROGRAM, compile_init, release
from cyberprivacy.privacy_os.release import Measured, lay_out
from cyberprivacy.privacy_os.root import make_root
from cyberprivacy.privacy_os.sources import KERNEL, STUB, Sources, gather
from cyberprivacy.privacy_os.toolbox import toolbox


def _sources() -> Sources:
    with httpx2.Client(timeout=60) as client:
        return gather(SOURCES, CACHE / "packages", client)


def test_made_again_elsewhere_it_is_the_same(image: Path, tmp_path: Path) -> None:
    """Tools are unpacked anew, in another folder."""
    said = cyberprivacy("os", "verify-release", image, "--cache", tmp_path / "cache")
    assert said["same"] == ["privacy-os.efi", "privacy-os.img", "measurements.json", "sbom.json"]


def test_sources_that_are_voted_on_say_what_they_make(image: Path, tmp_path: Path) -> None:
    """Sources that name another image are refused by whoever makes it again, and what they make is named."""
    made = Measured.of((image / PROGRAM).read_bytes())
    lie = Measured(made.plain, bytes(32))
    lay_out(SOURCES.parent, lie, tmp_path / "next")
    cid = pack(tmp_path / "next", store=FolderStore(tmp_path / "blocks")).cid
    said = cyberprivacy("os", "release", "rebuild", cid, "--store", tmp_path / "blocks", code=1)
    facts = {"says": str(lie.facts()), "measured": str(made.facts())}
    assert (said["error"], said["facts"]) == ("os.release", facts)


def test_a_changed_release_is_named(image: Path, tmp_path: Path) -> None:
    release = tmp_path / "release"
    release.mkdir()
    for path in image.iterdir():
        (release / path.name).write_bytes(path.read_bytes())
    (release / "sbom.json").write_bytes((release / "sbom.json").read_bytes() + b" ")
    said = cyberprivacy("os", "verify-release", release, code=1)
    assert (said["error"], said["facts"]) == ("os.release", {"files": "['sbom.json']"})


def test_the_root_has_no_shell_no_login_and_no_package_manager() -> None:
    sources = _sources()
    with tarfile.open(fileobj=io.BytesIO(make_root(sources.root, sources.wheels, release(), dict))) as tar:
        members = tar.getmembers()
    executable = {m.name for m in members if m.isfile() and m.mode & 0o111}
    programs = {name for name in executable if ".so" not in name and not name.endswith(".py")}
    assert programs == {"usr/bin/python3.11", *(path for some in PROGRAMS.values() for path in some)}
    links = {m.name: m.linkname for m in members if m.issym() and "bin/" in m.name}
    assert links == {
        "usr/bin/python": "python3.11",
        "usr/bin/python3": "python3.11",
        "usr/sbin/iptables": "xtables-nft-multi",
        "usr/sbin/ip6tables": "xtables-nft-multi",
    }
    assert not [m.name for m in members if m.mode & 0o6000 or not (m.isfile() or m.isdir() or m.issym())]


def test_the_bill_names_every_package_and_wheel(image: Path) -> None:
    sources = _sources()
    bill = json.loads((image / BILL).read_text())
    hashes = {each["hashes"][0]["content"] for each in bill["components"]}
    assert hashes == {package.sha256 for package in sources.locked} | {p.name for p in sources.wheels.values()}
    inside = {each["name"] for each in bill["components"] if each["scope"] == "required"}
    assert {KERNEL, STUB, "libc6", "cryptography"} <= inside
    assert "rustc" not in inside


def test_the_first_process_passes_its_own_tests() -> None:
    """Compiled and run by the locked compiler, in its own root."""
    sources = _sources()
    tools = {name: data for name, data in sources.build.items() if name not in {KERNEL, STUB}}
    with toolbox(tools, CACHE) as box:
        assert compile_init(box, sources.init)[:4] == b"\x7fELF"
        box.run("rustc", "--edition=2021", "--test", "-Clinker=gcc", "-o", "/work/tests", "/work/init/main.rs")
        box.run("/work/tests")
