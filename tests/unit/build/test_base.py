"""The base image: the same bytes from the same lock, and every package by its hash."""

import io
import lzma
import shutil
import tarfile
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import httpx2
import platformdirs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.build.base import EPOCH, PACKAGES, Entry, entries, make_base, write_layer
from cyberprivacy.build.debian import BadPackage, Package, fetch, parse_lock, unpack
from cyberprivacy.build.oci import Layout, parse_manifest
from cyberprivacy.errors import Misuse, TryLater

LOCK = Path(__file__).parents[3] / "examples/base-images/python/base.lock"


def deb(files: dict[str, bytes]) -> bytes:
    """A Debian package in format 2.0."""
    tree = io.BytesIO()
    with tarfile.open(fileobj=tree, mode="w") as tar:
        for name, data in files.items():
            info = tarfile.TarInfo(f"./{name}")
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    parts = {"debian-binary": b"2.0\n", "control.tar.xz": b"", "data.tar.xz": lzma.compress(tree.getvalue())}
    made = bytearray(b"!<arch>\n")
    for name, data in parts.items():
        made += (
            f"{name:<16}{0:<12}{0:<6}{0:<6}{100644:<8}{len(data):<10}`\n".encode() + data + b"\n" * (len(data) % 2)
        )
    return bytes(made)


def locked(data: bytes, name: str = "thing") -> Package:
    return Package(name, "1.0+b1", sha256(data).hexdigest(), len(data), f"debian/pool/{name}_1.0+b1_amd64.deb")


def client(answer: Callable[[httpx2.Request], httpx2.Response]) -> httpx2.Client:
    return httpx2.Client(transport=httpx2.MockTransport(answer))


def nobody(request: httpx2.Request) -> httpx2.Response:
    raise AssertionError(f"asked {request.url}")


def test_a_lock_reads_back_what_it_says() -> None:
    packages = parse_lock(LOCK.read_text())
    assert parse_lock("".join(f"{package}\n" for package in packages)) == packages
    assert {package.name for package in packages} == set(PACKAGES)


@pytest.mark.parametrize(
    "line",
    [
        "x",
        "a 1 zz 1 p.deb",
        f"a 1 {'0' * 64} 0 p.deb",
        f"a 1 {'0' * 64} 1 /p.deb",
        f"a 1 {'0' * 64} 1 x/../p.deb",
        f"a 1 {'0' * 64} {1 << 40} p.deb",
        f"a 1 {'0' * 64} 1 p.deb\na 2 {'0' * 64} 1 p.deb",
    ],
)
def test_a_lock_of_another_form_is_refused(line: str) -> None:
    with pytest.raises(BadPackage):
        parse_lock(line)


@given(st.text(max_size=200))
def test_no_text_makes_the_lock_parser_fail_otherwise(text: str) -> None:
    try:
        parse_lock(text)
    except BadPackage:
        return


def test_a_package_is_kept_by_its_hash_and_not_asked_for_twice(tmp_path: Path) -> None:
    data, asked = deb({}), list[str]()

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.path)
        return httpx2.Response(200, content=data)

    for _ in range(2):
        assert fetch(locked(data), tmp_path, client(answer), "http://mirror.test") == data
    assert len(asked) == 1


@pytest.mark.parametrize(
    ("answer", "kind", "code"),
    [
        (httpx2.Response(200, content=b"evil"), BadPackage, "base.package"),
        (httpx2.Response(200, content=iter([bytes(1 << 20)] * 1000)), BadPackage, "base.package"),
        (httpx2.Response(404), BadPackage, "base.gone"),
        (httpx2.Response(500), TryLater, "base.unreachable"),
    ],
)
def test_a_mirror_that_lies_or_fails_is_named(tmp_path: Path, answer, kind, code: str) -> None:
    with pytest.raises(kind) as refusal:
        fetch(locked(deb({})), tmp_path, client(lambda _: answer), "http://mirror.test")
    assert refusal.value.code == code
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    "data",
    [b"", b"!<arch>\n", deb({})[:-30], b"!<arch>\n" + b"\xff" * 60],
    ids=["empty", "nothing-in-it", "stump", "rubbish"],
)
def test_what_is_no_package_is_refused(data: bytes) -> None:
    with pytest.raises(BadPackage):
        unpack(data)


def test_a_gone_package_is_an_error_unless_a_new_lock_is_wanted(tmp_path: Path) -> None:
    with pytest.raises(BadPackage) as refusal:
        make_base(
            LOCK,
            tmp_path / "out",
            cache=tmp_path / "debs",
            client=client(lambda _: httpx2.Response(404)),
            mirror="http://m.test",
        )
    assert refusal.value.code == "base.gone"
    assert "--update-lock" in refusal.value.hint
    assert not (tmp_path / "out").exists()


def test_a_lock_without_a_needed_package_is_misuse(tmp_path: Path) -> None:
    (tmp_path / "short.lock").write_text(str(locked(b"x")))
    with pytest.raises(Misuse) as refusal:
        make_base(tmp_path / "short.lock", tmp_path / "out", cache=tmp_path)
    assert refusal.value.code == "base.lock"


def test_only_chosen_files_of_a_package_get_in() -> None:
    made = entries(
        {
            "libc6": deb(
                {
                    "lib/x86_64-linux-gnu/libc.so.6": b"c",
                    "lib/x86_64-linux-gnu/libthread_db.so.1": b"",
                    "sbin/ldconfig": b"",
                }
            ),
            "libpython3.11-stdlib": deb({"usr/lib/python3.11/os.py": b"os", "usr/lib/python3.11/test/x.py": b""}),
        }
    )
    files = {path for path, entry in made.items() if entry.data is not None}
    assert {"usr/lib/x86_64-linux-gnu/libc.so.6", "usr/lib/python3.11/os.py", "etc/passwd"} <= files
    assert not {path for path in made if path.startswith(("sbin", "usr/lib/python3.11/test", "bin"))}


def test_a_layer_depends_on_paths_modes_and_contents_alone() -> None:
    files = {
        "b": Entry(0o644, data=b"b"),
        "a": Entry(0o755),
        "a/x": Entry(0o777, target="../b"),
        "a-b": Entry(0o755),
    }
    layer = write_layer(files)
    assert layer == write_layer(dict(reversed(files.items())))
    with tarfile.open(fileobj=io.BytesIO(layer)) as tar:
        found = tar.getmembers()
    assert [member.name for member in found] == ["a", "a/x", "a-b", "b"]
    assert {(member.mtime, member.uid, member.gid, member.uname) for member in found} == {(EPOCH, 0, 0, "")}


@pytest.mark.engines
def test_the_same_lock_gives_the_same_digest_in_another_place(base, tmp_path: Path) -> None:
    lock = base[0].parent / "renewed.lock"
    again = make_base(
        lock if lock.exists() else LOCK,
        tmp_path / "again",
        cache=platformdirs.user_cache_path("cyberprivacy") / "debian",
    )
    assert again == base[1]
    layout = Layout(tmp_path / "again")
    assert parse_manifest(layout.path(again).read_bytes()).digest == again
    assert layout.names() == {"cyberprivacy/python": again}


@pytest.mark.engines
def test_an_image_that_is_there_is_hashed_and_reused_and_a_damaged_one_made_again(base, tmp_path: Path) -> None:
    lock = base[0].parent / "renewed.lock"
    lock = lock if lock.exists() else LOCK
    out = Path(shutil.copytree(base[0], tmp_path / "copy"))
    debs = platformdirs.user_cache_path("cyberprivacy") / "debian"
    assert make_base(lock, out, cache=tmp_path / "empty", client=client(nobody)) == base[1]
    layout = Layout(out)
    [layer] = parse_manifest(layout.path(base[1]).read_bytes()).layers
    layout.path(layer.digest).write_bytes(b"damaged")
    assert not layout.whole(base[1])
    assert make_base(lock, out, cache=debs, client=client(nobody)) == base[1]
    assert layout.whole(base[1])


@pytest.mark.engines
def test_the_base_runs_python_with_its_libraries_and_has_no_shell(base) -> None:
    layout = Layout(base[0])
    [layer] = parse_manifest(layout.path(base[1]).read_bytes()).layers
    with tarfile.open(layout.path(layer.digest)) as tar:
        names = set(tar.getnames())
    assert "usr/bin/python3.11" in names
    assert not names & {"usr/bin/sh", "bin/sh", "usr/bin/dash", "usr/bin/bash", "usr/bin/apt", "usr/bin/dpkg"}
    assert {name for name in names if name.startswith("usr/bin/")} == {
        "usr/bin/python",
        "usr/bin/python3",
        "usr/bin/python3.11",
    }
