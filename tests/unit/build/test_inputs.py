"""Declared inputs: only the declared bytes get in, and every way to be lied to is named."""

import subprocess
from collections.abc import Callable, Iterable
from hashlib import sha256
from pathlib import Path

import httpx2
import pytest

from cyberprivacy.build.base import EPOCH
from cyberprivacy.build.image import Digest
from cyberprivacy.build.inputs import Cache, Inputs, LayoutBases
from cyberprivacy.build.oci import OCI_CONFIG, OCI_LAYER, OCI_MANIFEST, Descriptor, Layout, digest_of, spell
from cyberprivacy.build.web import Web
from cyberprivacy.build.wheels import WheelIndex
from cyberprivacy.bundle.manifest import FileInput
from cyberprivacy.errors import TryLater, Untrusted

Answer = Callable[[httpx2.Request], httpx2.Response]
WHEEL = b"not really a zip"
HASH = sha256(WHEEL).hexdigest()
NAME = "thing-1.0-py3-none-any.whl"


def client(answer: Answer) -> httpx2.Client:
    return httpx2.Client(transport=httpx2.MockTransport(answer))


def nobody(request: httpx2.Request) -> httpx2.Response:
    raise AssertionError(f"asked {request.url}")


def index(files: dict[str, tuple[str, bytes]]) -> WheelIndex:
    """An index that offers files: name -> (hash that it claims, bytes that it serves)."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.path == "/simple/thing/":
            listed = [
                {"filename": name, "url": f"../../files/{name}", "hashes": {"sha256": claimed}}
                for name, (claimed, _) in files.items()
            ]
            return httpx2.Response(200, json={"files": listed})
        name = request.url.path.rpartition("/")[2]
        return httpx2.Response(200, content=files[name][1]) if name in files else httpx2.Response(404)

    return WheelIndex(client(answer), "https://index.test/simple")


def inputs(
    tmp_path: Path, *, index: WheelIndex | None = None, web: Web | None = None, bases: Iterable[Layout] = ()
):
    return Inputs(
        tmp_path / "cache",
        bases=[LayoutBases(one.folder) for one in bases],
        index=index or WheelIndex(client(nobody)),
        web=web or Web(client(nobody), private=True),
        epoch=EPOCH,
    )


def an_image(layout: Layout, content: bytes = b"layer") -> Digest:
    config = spell({"os": "linux"})
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": Descriptor(OCI_CONFIG, layout.write(config), len(config)).json(),
        "layers": [Descriptor(OCI_LAYER, layout.write(content), len(content)).json()],
    }
    return layout.write(spell(manifest))


@pytest.fixture
def source(tmp_path: Path) -> tuple[Layout, Digest]:
    layout = Layout(tmp_path / "source")
    return layout, an_image(layout)


@pytest.fixture
def bundle(lint, source):
    """A bundle with a base, and whatever else a test declares."""

    def make(requirements: str = "", files: Iterable[FileInput] = ()):
        text = f"FROM cyberprivacy/python@{source[1]}\nUSER 10001\n"
        tree = {"Dockerfile": text, **({"requirements.txt": requirements} if requirements else {})}
        return lint(tree, base=source[1], wheels=["requirements.txt"] if requirements else [], inputs=files)

    return make


def stage(made: Inputs, linted, tmp_path: Path) -> Path:
    place = tmp_path / "place"
    place.mkdir()
    return made.stage(linted, place).folder


def test_a_base_is_staged_alone_with_every_blob_checked(tmp_path: Path, bundle, source) -> None:
    an_image(source[0], b"another image")
    place = tmp_path / "place"
    place.mkdir()
    staged = inputs(tmp_path, bases=[source[0]]).stage(bundle(), place)
    [(name, layout)] = staged.bases.items()
    assert name == ("cyberprivacy/python", source[1])
    assert Layout(layout).names() == {"cyberprivacy/python": source[1]}
    assert len(list((layout / "blobs" / "sha256").iterdir())) == 3


def test_a_base_with_other_bytes_under_its_digest_is_refused(tmp_path: Path, bundle, source) -> None:
    source[0].path(digest_of(b"layer")).write_bytes(b"LAYER")
    with pytest.raises(Untrusted) as refusal:
        stage(inputs(tmp_path, bases=[source[0]]), bundle(), tmp_path)
    assert refusal.value.code == "inputs.hash"


def test_a_manifest_with_another_digest_is_refused(tmp_path: Path, bundle, source) -> None:
    other = an_image(source[0], b"evil")
    source[0].path(other).replace(source[0].path(source[1]))
    with pytest.raises(Untrusted) as refusal:
        stage(inputs(tmp_path, bases=[source[0]]), bundle(), tmp_path)
    assert refusal.value.code == "inputs.hash"


def test_a_base_that_nobody_has_is_waited_for_by_name(tmp_path: Path, bundle, source) -> None:
    with pytest.raises(TryLater) as refusal:
        stage(inputs(tmp_path), bundle(), tmp_path)
    assert refusal.value.code == "inputs.base"
    assert refusal.value.facts["waits_for"] == f"cyberprivacy/python@{source[1]}"


def test_a_wheel_with_the_declared_hash_is_offered_read_only(tmp_path: Path, bundle, source) -> None:
    linted = bundle(f"thing==1.0 --hash=sha256:{HASH}\n")
    folder = stage(inputs(tmp_path, bases=[source[0]], index=index({NAME: (HASH, WHEEL)})), linted, tmp_path)
    wheel = folder / "wheels" / NAME
    assert wheel.read_bytes() == WHEEL
    assert wheel.stat().st_mode & 0o777 == 0o444
    assert wheel.stat().st_mtime == EPOCH


def test_an_index_that_serves_other_bytes_is_refused(tmp_path: Path, bundle, source) -> None:
    linted = bundle(f"thing==1.0 --hash=sha256:{HASH}\n")
    with pytest.raises(Untrusted) as refusal:
        stage(inputs(tmp_path, bases=[source[0]], index=index({NAME: (HASH, b"evil")})), linted, tmp_path)
    assert refusal.value.code == "inputs.hash"
    assert not list((tmp_path / "cache").glob(".*"))


@pytest.mark.parametrize(
    "files",
    [
        {},
        {NAME: ("0" * 64, WHEEL)},
        {"thing-1.0.tar.gz": (HASH, WHEEL)},
        {"thing-2.0-py3-none-any.whl": (HASH, WHEEL)},
        {"other-1.0-py3-none-any.whl": (HASH, WHEEL)},
        {"thing-1.0-cp312-cp312-manylinux_2_17_x86_64.whl": (HASH, WHEEL)},
        {"thing-1.0-cp311-cp311-win_amd64.whl": (HASH, WHEEL)},
        {"thing-1.0-cp311-cp311-manylinux_2_39_x86_64.whl": (HASH, WHEEL)},
    ],
    ids=["nothing", "undeclared", "source", "version", "name", "python", "platform", "glibc"],
)
def test_without_a_declared_wheel_that_fits_it_is_refused(tmp_path: Path, bundle, source, files) -> None:
    linted = bundle(f"thing==1.0 --hash=sha256:{HASH}\n")
    with pytest.raises(Untrusted) as refusal:
        stage(inputs(tmp_path, bases=[source[0]], index=index(files)), linted, tmp_path)
    assert refusal.value.code == "inputs.wheels"


def test_the_most_specific_wheel_is_taken(tmp_path: Path, bundle, source) -> None:
    bodies = {
        f"thing-1.0-{tags}.whl": tags.encode() for tags in ("py3-none-any", "cp311-cp311-manylinux_2_17_x86_64")
    }
    hashes = {name: sha256(body).hexdigest() for name, body in bodies.items()}
    locks = " ".join(f"--hash=sha256:{one}" for one in hashes.values())
    offered = index({name: (hashes[name], body) for name, body in bodies.items()})
    folder = stage(inputs(tmp_path, bases=[source[0]], index=offered), bundle(f"thing==1.0 {locks}\n"), tmp_path)
    assert [path.name for path in (folder / "wheels").iterdir()] == [
        NAME.replace("py3-none-any", "cp311-cp311-manylinux_2_17_x86_64")
    ]


def test_a_requirement_for_another_system_is_left_out(tmp_path: Path, bundle, source) -> None:
    linted = bundle(f"thing==1.0 ; sys_platform == 'win32' --hash=sha256:{HASH}\n")
    folder = stage(inputs(tmp_path, bases=[source[0]]), linted, tmp_path)
    assert list((folder / "wheels").iterdir()) == []


@pytest.mark.parametrize(
    "answer", [httpx2.Response(503), httpx2.Response(200, content=b"<html>"), httpx2.Response(200, json=[])]
)
def test_an_index_that_is_down_or_talks_nonsense_is_waited_for(tmp_path: Path, bundle, source, answer) -> None:
    linted = bundle(f"thing==1.0 --hash=sha256:{HASH}\n")
    down = WheelIndex(client(lambda _: answer), "https://index.test/simple")
    with pytest.raises(TryLater) as refusal:
        stage(inputs(tmp_path, bases=[source[0]], index=down), linted, tmp_path)
    assert refusal.value.code == "inputs.unreachable"
    assert refusal.value.facts["waits_for"] == "https://index.test/simple/thing/"


def file_input(data: bytes = WHEEL, *, size: int = 100, url: str = "https://example.test/it") -> FileInput:
    return FileInput("it.bin", url, sha256(data).hexdigest(), size)


def test_a_file_by_url_is_kept_and_not_asked_for_twice(tmp_path: Path, bundle, source) -> None:
    linted = bundle(files=[file_input()])
    web = Web(client(lambda _: httpx2.Response(200, content=WHEEL)), private=True)
    assert (
        stage(inputs(tmp_path, bases=[source[0]], web=web), linted, tmp_path) / "files" / "it.bin"
    ).read_bytes() == WHEEL
    (tmp_path / "place").rename(tmp_path / "before")
    assert (
        stage(inputs(tmp_path, bases=[source[0]]), linted, tmp_path) / "files" / "it.bin"
    ).read_bytes() == WHEEL


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (httpx2.Response(200, content=b"evil"), "inputs.hash"),
        (httpx2.Response(200, content=WHEEL * 100), "inputs.size"),
        (httpx2.Response(200, content=iter([WHEEL] * 100)), "inputs.size"),
    ],
    ids=["other", "large", "large-and-silent-about-it"],
)
def test_a_file_that_is_not_the_declared_one_is_refused(tmp_path: Path, bundle, source, answer, code: str) -> None:
    web = Web(client(lambda _: answer), private=True)
    with pytest.raises(Untrusted) as refusal:
        stage(inputs(tmp_path, bases=[source[0]], web=web), bundle(files=[file_input()]), tmp_path)
    assert refusal.value.code == code


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/it",
        "https://127.0.0.1/it",
        "https://[::1]/it",
        "https://10.0.0.1/it",
        "https://169.254.169.254/x",
        "file:///etc/passwd",
    ],
)
def test_a_node_does_not_ask_its_own_network_for_strangers(url: str) -> None:
    with pytest.raises(Untrusted) as refusal:
        list(Web(client(nobody)).download(url, limit=100))
    assert refusal.value.code == "inputs.url"


def test_a_redirect_into_the_private_network_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "cyberprivacy.build.web.socket.getaddrinfo",
        lambda host, *_, **__: [(2, 1, 6, "", ("10.1.2.3" if host == "inner.test" else "93.184.215.14", 443))],
    )
    asked = list[str]()

    def answer(request: httpx2.Request) -> httpx2.Response:
        asked.append(request.url.host)
        return httpx2.Response(302, headers={"location": "https://inner.test/it"})

    with pytest.raises(Untrusted) as refusal:
        list(Web(client(answer)).download("https://outer.test/it", limit=100))
    assert refusal.value.code == "inputs.url"
    assert asked == ["outer.test"]


def test_a_damaged_cache_entry_is_thrown_away(tmp_path: Path) -> None:
    cache = Cache(tmp_path, EPOCH)
    path = cache.store(HASH, [WHEEL], limit=100, what="thing")
    assert cache.find(HASH) == path
    path.chmod(0o644)
    path.write_bytes(b"rotten")
    assert cache.find(HASH) is None
    assert not path.exists()


@pytest.mark.engines
def test_a_full_disk_is_try_later_and_leaves_no_draft(tmp_path: Path) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], check=True)
    try:
        data = bytes(1 << 20)
        with pytest.raises(TryLater) as refusal:
            Cache(small, EPOCH).store(sha256(data).hexdigest(), [data], limit=2 << 20, what="big")
        assert refusal.value.code == "disk.full"
        assert list(small.iterdir()) == []
    finally:
        subprocess.run(["umount", small], check=True)
