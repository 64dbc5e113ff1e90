"""What an image is made of: Debian packages and Python wheels that locks name by hash, and our own files.

Of Debian: `os/root.lock` has Python and a node's engines (the Debian of the pipeline), `os/container.lock` what
a container image of a node has beside these, `os/build.lock` kernel, boot stub and compilers (newer, for its
kernel). Wheels are those of the checkout's own `uv.lock`: see `libraries`.
"""

import errno
import zipfile
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from cyberprivacy.build.base import EPOCH, PACKAGES
from cyberprivacy.build.debian import MIRROR, Package, fetch, parse_lock, resolve
from cyberprivacy.build.inputs import Cache
from cyberprivacy.build.oci import replace
from cyberprivacy.build.wheels import AT_ONCE, Wheel, WheelIndex
from cyberprivacy.errors import Misuse
from cyberprivacy.privacy_os.engines import CONTAINER, ENGINES
from cyberprivacy.privacy_os.libraries import wheels_of

KERNEL: Final = "linux-image-6.12.118+deb13-cloud-amd64"
STUB: Final = "systemd-boot-efi"
TOOLS: Final = ("dosfstools", "erofs-utils", "gcc", "mtools", "rustc")
BUILD_SUITE: Final = "trixie"
MAX_LOCK: Final = 2 << 20
PROJECT_LOCK: Final = "uv.lock"
"""Beside the folder of the other locks."""

_HEADS: Final = {
    "root.lock": "# What a node of the Privacy OS runs on: name version sha256 size path.\n",
    "build.lock": "# Kernel, boot stub and tools of the Privacy OS: name version sha256 size path.\n",
    "container.lock": "# What a node's container image has beside root.lock: name version sha256 size path.\n",
}
_WANTED: Final = {
    "root.lock": frozenset((*PACKAGES, *ENGINES)),
    "build.lock": frozenset((KERNEL, STUB)),
    "container.lock": frozenset(CONTAINER),
}


@dataclass(frozen=True, slots=True)
class Sources:
    """All that decides an image.

    Attributes:
        root: packages by name, as bytes: those of the root file system.
        build: likewise: kernel, boot stub, tools.
        wheels: Python wheels by file name, as files.
        init: the sources of the first process.
        locked: every package, for the bill of materials.
    """

    root: dict[str, bytes]
    build: dict[str, bytes]
    wheels: dict[str, Path]
    init: Path
    locked: tuple[Package, ...]


def gather(folder: Path, cache: Path, client: httpx2.Client, *, mirror: str = MIRROR) -> Sources:
    """Fetch what the locks in a folder name; the second time needs no network for packages.

    Args:
        folder: the checkout's `os/`; its parent has `uv.lock`.
        cache: where packages and wheels are kept by hash.
        client: HTTP client.
        mirror: Debian mirror, without a slash at the end.

    Raises:
        Untrusted: something is not what a lock says, or Debian no longer has it ("base.gone").
        TryLater: the network or the disk failed.
        Misuse: no locks here ("os.sources").
    """
    root, build = (_debian(folder / name, cache, client, mirror) for name in ("root.lock", "build.lock"))
    wheels = _wheels(wheels_of(_text(folder.parent / PROJECT_LOCK)), Cache(cache, EPOCH), WheelIndex(client))
    return Sources(_by_name(root), _by_name(build), wheels, folder / "init", (*root, *build))


def gather_container(
    folder: Path, cache: Path, client: httpx2.Client, *, mirror: str = MIRROR
) -> tuple[dict[Package, bytes], dict[str, Path]]:
    """Likewise for a container image: Debian's packages, and wheels by file name. See `gather`."""
    root, beside = (_debian(folder / name, cache, client, mirror) for name in ("root.lock", "container.lock"))
    wheels = _wheels(wheels_of(_text(folder.parent / PROJECT_LOCK)), Cache(cache, EPOCH), WheelIndex(client))
    return {**root, **beside}, wheels


def _debian(lock: Path, cache: Path, client: httpx2.Client, mirror: str) -> dict[Package, bytes]:
    packages = parse_lock(_text(lock))
    if missing := sorted(_WANTED[lock.name] - {package.name for package in packages}):
        raise Misuse("the lock lacks packages", code="os.sources", lock=lock.name, packages=missing)
    with ThreadPoolExecutor(AT_ONCE) as several:
        fetched = several.map(lambda package: fetch(package, cache, client, mirror), packages)
        return dict(zip(packages, fetched, strict=True))


def _by_name(packages: Mapping[Package, bytes]) -> dict[str, bytes]:
    return {package.name: data for package, data in packages.items()}


def update_locks(folder: Path, *, mirror: str = MIRROR) -> None:
    """Write locks of what Debian serves today; whoever commits them answers for them.

    Raises:
        TryLater: apt cannot reach the mirror.
        Untrusted: apt does not know a package.
    """
    _keep(folder / "root.lock", resolve((*PACKAGES, *ENGINES), mirror))
    _keep(folder / "container.lock", resolve(CONTAINER, mirror))
    _keep(folder / "build.lock", resolve((KERNEL, STUB), mirror, suite=BUILD_SUITE, tools=TOOLS))


def _keep(lock: Path, packages: Sequence[Package]) -> None:
    replace(lock, (_HEADS[lock.name] + "".join(f"{package}\n" for package in packages)).encode())


def _text(path: Path) -> str:
    try:
        with path.open("rb") as file:
            data = file.read(MAX_LOCK + 1)
        if len(data) > MAX_LOCK:  # half a lock would be a lock of fewer packages
            raise OSError(errno.EFBIG, "larger than any lock of ours")
        return data.decode("ascii")
    except (OSError, UnicodeDecodeError) as problem:
        raise Misuse(
            "not the sources of the Privacy OS",
            code="os.sources",
            hint="Run this in a checkout of CyberPrivacy, or give --sources DIR.",
            path=str(path),
            problem=str(problem),
        ) from problem


def _wheels(wheels: Sequence[Wheel], cache: Cache, index: WheelIndex) -> dict[str, Path]:
    def one(wheel: Wheel) -> Path:
        kept = cache.find(wheel.sha256)
        return kept or cache.store(wheel.sha256, index.download(wheel), limit=wheel.limit, what=wheel.filename)

    with ThreadPoolExecutor(AT_ONCE) as several:
        return {wheel.filename: path for wheel, path in zip(wheels, several.map(one, wheels), strict=True)}


def wheel_files(path: Path) -> dict[str, bytes]:
    """The files of a wheel that Python imports, by their path below the library."""
    with zipfile.ZipFile(path) as archive:
        names = [name for name in archive.namelist() if not name.endswith("/")]
        return {name: archive.read(name) for name in names if ".data/" not in name}
