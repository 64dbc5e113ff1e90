"""A base image for Python applications: small, without a shell or a package manager, the same every time.

Its files come straight out of Debian packages that a lock file names by hash. No maintainer script runs, so
nothing but those bytes, their own Python compiler and this module decides the result. The one layer is
stored uncompressed: gzip is where two machines with different zlibs would disagree on the digest.
"""

import contextlib
import io
import re
import tarfile
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final

import httpx2

from cyberprivacy.build.bytecode import compile_library
from cyberprivacy.build.debian import MIRROR, Package, fetch, parse_lock, resolve, unpack
from cyberprivacy.build.image import Digest
from cyberprivacy.build.oci import (
    OCI_CONFIG,
    OCI_LAYER,
    OCI_MANIFEST,
    Descriptor,
    Layout,
    digest_of,
    replace,
    spell,
)
from cyberprivacy.build.scratch import disk_problem
from cyberprivacy.errors import Misuse, Untrusted

REPOSITORY: Final = "cyberprivacy/python"
EPOCH: Final = 1_760_000_000  # seconds; the time of every file in every image that we make
CREATED: Final = "2025-10-09T08:53:20Z"  # the same instant
LIBRARIES: Final = "usr/lib/x86_64-linux-gnu"
STDLIB: Final = "usr/lib/python3.11"

PACKAGES: Final = (
    "base-files", "libbz2-1.0", "libc6", "libcom-err2", "libcrypt1", "libdb5.3", "libexpat1", "libffi8",
    "libgcc-s1", "libgssapi-krb5-2", "libk5crypto3", "libkeyutils1", "libkrb5-3", "libkrb5support0", "liblzma5",
    "libncursesw6", "libnsl2", "libpython3.11-minimal", "libpython3.11-stdlib", "libreadline8", "libsqlite3-0",
    "libssl3", "libstdc++6", "libtinfo6", "libtirpc3", "libuuid1", "media-types", "netbase", "python3.11-minimal",
    "zlib1g",
)  # fmt: skip
_LIBC: Final = frozenset(
    {"ld-linux-x86-64.so.2", "libc.so.6", "libdl.so.2", "libm.so.6", "libmvec.so.1", "libnss_dns.so.2"}
    | {"libnss_files.so.2", "libpthread.so.0", "libresolv.so.2", "librt.so.1", "libutil.so.1"}
)
_WANTED: Final = {"usr/bin/python3.11", "usr/lib/os-release", "etc/debian_version", "etc/mime.types"} | {
    "etc/protocols",
    "etc/services",
}
_DROPPED: Final = re.compile(
    STDLIB
    + r"/(test|lib2to3|idlelib|pydoc_data|ensurepip|turtledemo|tkinter|config-3\.11[^/]*|distutils/tests)(/|\Z)"
)
_FOLDERS: Final = {"app": 0o755, "dev": 0o755, "proc": 0o755, "run": 0o755, "sys": 0o755} | {
    "tmp": 0o1777,
    "var/tmp": 0o1777,
}
_LINKS: Final = {
    "lib": "usr/lib",
    "lib64/ld-linux-x86-64.so.2": "../usr/lib/x86_64-linux-gnu/ld-linux-x86-64.so.2",
    "usr/bin/python": "python3.11",
    "usr/bin/python3": "python3.11",
    "etc/os-release": "../usr/lib/os-release",
}
RUN: Final[Mapping[str, object]] = {
    "Env": ["PATH=/usr/bin", "LANG=C.UTF-8", "PYTHONDONTWRITEBYTECODE=1", "PYTHONUNBUFFERED=1"],
    "Cmd": ["python3"],
    "WorkingDir": "/app",
}
"""How a container of it starts."""
_TEXTS: Final = {
    "etc/passwd": "root:x:0:0:root:/:/sbin/nologin\napp:x:10001:10001::/app:/sbin/nologin\n",
    "etc/group": "root:x:0:\napp:x:10001:\n",
    "etc/nsswitch.conf": "hosts: files dns\n",
}


@dataclass(frozen=True, slots=True)
class Entry:
    """A path of the image: a file (`data`), a link (`target`) or, with neither, a directory."""

    mode: int
    data: bytes | None = None
    target: str | None = None


def make_base(
    lock: Path,
    out: Path,
    *,
    cache: Path,
    renewed: Path | None = None,
    client: httpx2.Client | None = None,
    mirror: str = MIRROR,
) -> Digest:
    """Build the base image into the OCI layout `out` under the name `cyberprivacy/python`.

    Args:
        lock: the lock file; see `debian`.
        out: an OCI image layout; made when missing, other images in it stay.
        cache: where packages are kept by hash, so that the second time needs no network.
        renewed: where to write a lock of what Debian serves today, and go on with that one, when the mirror
            no longer has a locked package; None refuses instead. The digest is then another one.
        client: HTTP client; None makes one.
        mirror: Debian mirror, without a slash at the end.

    Raises:
        Untrusted: a package is not the locked one, or is gone from the mirror ("base.gone").
        TryLater: the mirror is out of reach, or the disk is full.
        Misuse: the lock lacks a package of `PACKAGES`.
    """
    try:
        return _make(lock, out, cache=cache, client=client, mirror=mirror)
    except Untrusted as refusal:
        if refusal.code != "base.gone" or renewed is None:
            raise
        update_lock(renewed, mirror=mirror)
        return _make(renewed, out, cache=cache, client=client, mirror=mirror)


def _make(lock: Path, out: Path, *, cache: Path, client: httpx2.Client | None, mirror: str) -> Digest:
    packages = _read(lock)
    layout = Layout(out)
    note = out / f".{_recipe(packages)}"  # remembers what this recipe gave; the image is hashed again
    try:
        if note.exists() and layout.whole(digest := Digest(note.read_text())):
            layout.name(REPOSITORY, digest)
            return digest
        with contextlib.nullcontext(client) if client else httpx2.Client(timeout=60) as http:
            debs = {package.name: fetch(package, cache, http, mirror) for package in packages}
        files = entries(debs)
        manifest = store_image(layout, write_layer({**files, **compiled(files)}), RUN, packages)
        layout.name(REPOSITORY, manifest)
        replace(note, manifest.encode())
    except OSError as problem:
        raise disk_problem(problem) from problem
    return manifest


def _read(lock: Path) -> tuple[Package, ...]:
    try:
        packages = parse_lock(lock.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError) as problem:
        raise Misuse("no lock of packages", code="base.lock", lock=str(lock), problem=str(problem)) from problem
    if odd := sorted({package.name for package in packages} ^ set(PACKAGES)):
        raise Misuse("the lock names other packages than the base needs", code="base.lock", packages=odd)
    return packages


def _recipe(packages: tuple[Package, ...]) -> str:
    """A name for everything that decides the image: the packages, and the modules that put it together."""
    seen = sha256("".join(f"{package}\n" for package in packages).encode())
    for module in ("base.py", "bytecode.py", "debian.py", "oci.py"):
        seen.update(Path(__file__).with_name(module).read_bytes())
    return seen.hexdigest()


def update_lock(lock: Path, *, mirror: str = MIRROR) -> tuple[Package, ...]:
    """Write a lock of what Debian serves today; whoever commits it answers for it.

    Raises:
        TryLater: apt cannot reach the mirror.
        Untrusted: apt does not know a package.
    """
    packages = resolve(PACKAGES, mirror)
    head = "# Every Debian package in the base image: name version sha256 size path.\n"
    replace(lock, (head + "".join(f"{package}\n" for package in packages)).encode())
    return packages


def entries(debs: Mapping[str, bytes]) -> dict[str, Entry]:
    """The files of the image, by path, from packages by name."""
    found: dict[str, Entry] = {}
    for name, deb in sorted(debs.items()):
        with unpack(deb) as tree:
            for member in tree:
                if place := _place(name, member):
                    found[place] = _entry(tree, member)
    for path, target in _LINKS.items():
        found[path] = Entry(0o777, target=target)
    for path, text in _TEXTS.items():
        found[path] = Entry(0o644, data=text.encode())
    for path, mode in _FOLDERS.items():
        found[path] = Entry(mode)
    for path in list(found):
        for parent in list(Path(path).parents)[:-1]:
            found.setdefault(str(parent), Entry(0o755))
    return found


def compiled(files: Mapping[str, Entry], *, library: str = STDLIB) -> dict[str, Entry]:
    """A library's .pyc files, and the folders that they lie in."""
    regular = {path: entry.data for path, entry in files.items() if entry.data is not None}
    for path, entry in files.items():  # the loader looks libraries up by the names of links
        if entry.target is not None and path.startswith(f"{LIBRARIES}/"):
            data = regular.get(f"{LIBRARIES}/{entry.target}")
            if data is not None:
                regular[path] = data
    made = compile_library(regular, library=library, shared=LIBRARIES)
    folders = {path.rpartition("/")[0]: Entry(0o755) for path in made}
    return {**folders, **{path: Entry(0o644, data=data) for path, data in made.items()}}


def _place(package: str, member: tarfile.TarInfo) -> str | None:
    """Where a package's file goes in the image; None leaves it out."""
    if member.isdir():
        return None
    path = member.name.removeprefix("./")
    folder, _, file = path.rpartition("/")
    if folder in {"lib/x86_64-linux-gnu", LIBRARIES} and ".so" in file:
        return f"{LIBRARIES}/{file}" if package != "libc6" or file in _LIBC else None
    if path.startswith(f"{STDLIB}/") and not _DROPPED.match(path):
        return path
    if path in _WANTED or (path == f"usr/share/doc/{package}/copyright" and member.isreg()):
        return path
    return None


def _entry(tree: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    if member.issym():
        return Entry(0o777, target=member.linkname)
    source = tree.extractfile(member)
    if source is None:
        raise Untrusted("a package holds a special file", code="base.package", path=member.name)
    return Entry(0o755 if member.mode & 0o100 else 0o644, data=source.read())


def write_layer(files: Mapping[str, Entry]) -> bytes:
    """A ustar whose bytes depend on paths, modes and contents alone."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w", format=tarfile.USTAR_FORMAT) as tar:
        for path, entry in _in_order(files):
            info = tarfile.TarInfo(path)
            info.mode, info.mtime = entry.mode, EPOCH
            if entry.data is not None:
                info.size = len(entry.data)
                tar.addfile(info, io.BytesIO(entry.data))
                continue
            info.type = tarfile.DIRTYPE if entry.target is None else tarfile.SYMTYPE
            info.linkname = entry.target or ""
            tar.addfile(info)
    return out.getvalue()


def _in_order(files: Mapping[str, Entry]) -> Iterator[tuple[str, Entry]]:
    """Sorted by path components, so that a directory stands before what it holds."""
    for path in sorted(files, key=lambda name: name.split("/")):
        yield path, files[path]


def store_image(
    layout: Layout, layer: bytes, run: Mapping[str, object], packages: Iterable[Package], *, by: str = "base build"
) -> Digest:
    """Store an image of one layer, with its configuration and manifest.

    Args:
        layout: where.
        layer: a ustar.
        run: how a container of it starts; OCI's `config` without labels.
        packages: of which it was made; a label names them.
        by: the command that makes it.
    """
    bill = ",".join(f"{package.name}={package.version}" for package in packages)
    config = {
        "created": CREATED,
        "architecture": "amd64",
        "os": "linux",
        "config": {**run, "Labels": {"cyberprivacy.packages": bill}},
        "rootfs": {"type": "layers", "diff_ids": [digest_of(layer)]},
        "history": [{"created": CREATED, "created_by": f"cyberprivacy {by}"}],
    }
    raw = spell(config)
    manifest = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": Descriptor(OCI_CONFIG, layout.write(raw), len(raw)).json(),
        "layers": [Descriptor(OCI_LAYER, layout.write(layer), len(layer)).json()],
    }
    return layout.write(spell(manifest))
