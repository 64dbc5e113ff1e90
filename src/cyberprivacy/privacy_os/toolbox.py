"""Locked compilers and file system tools, run in a root of their own: no network, nothing of this machine.

The tools are unpacked from the packages of the lock; no maintainer script runs. What they make depends on their
bytes and their input alone: fixed paths, fixed time, no environment.
"""

import os
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from cyberprivacy.build.base import EPOCH
from cyberprivacy.build.debian import unpack
from cyberprivacy.build.scratch import on_disk, scratch
from cyberprivacy.errors import Misuse, TryLater

WORK: Final = "work"
TIMEOUT: Final = 900
"""Seconds for one run of a tool; the slowest takes half a minute on an idle core."""

_MERGED: Final = ("bin", "lib", "lib64", "sbin")
_ENVIRONMENT: Final = {
    "PATH": "/usr/sbin:/usr/bin",
    "LC_ALL": "C",
    "TZ": "UTC",
    "SOURCE_DATE_EPOCH": str(EPOCH),
    "MTOOLS_SKIP_CHECK": "1",
}
_ENTER: Final = 'mount --bind "$1" "$2/work" && shift && exec chroot "$@"'


class Toolbox:
    """Tools below a folder, and one folder that they see as `/work`."""

    def __init__(self, root: Path, work: Path) -> None:
        self._root, self.work = root, work

    def run(self, *words: str) -> None:
        """Run a tool.

        Raises:
            Misuse: not root, or the kernel lets nobody make namespaces ("os.tools").
            TryLater: the tool failed or took too long ("os.tool-failed").
        """
        command = ["unshare", "--mount", "--net", "--ipc", "--uts", "--", "/bin/sh", "-c", _ENTER, "sh"]
        command += [str(self.work), str(self._root), *words]
        try:
            done = subprocess.run(
                command, env=_ENVIRONMENT, capture_output=True, text=True, check=False, timeout=TIMEOUT
            )
        except FileNotFoundError as problem:
            raise Misuse("`unshare` is not installed", code="os.tools", hint="apt install util-linux") from problem
        except subprocess.TimeoutExpired as problem:
            raise TryLater("a tool takes too long", code="os.tool-failed", tool=words[0]) from problem
        if done.returncode:
            said = (done.stdout + done.stderr)[-800:]
            raise TryLater(
                "a tool failed", code="os.tool-failed", tool=words[0], status=done.returncode, said=said
            )


@contextmanager
def toolbox(packages: Mapping[str, bytes], cache: Path) -> Iterator[Toolbox]:
    """The tools of these packages; unpacked once, and then kept.

    Args:
        packages: by name, as bytes.
        cache: where unpacked tools are kept.

    Raises:
        Misuse: not root ("os.tools").
        TryLater: the disk is full or failed.
    """
    if os.geteuid():
        raise Misuse("the tools run in a root of their own, which needs root", code="os.tools", hint="Use sudo.")
    name = sha256(b"".join(sha256(data).digest() for _, data in sorted(packages.items()))).hexdigest()
    root = cache / f"tools-{name[:16]}"
    if not root.exists():
        with scratch(cache) as place, on_disk():
            _unpack(packages.values(), place / "root")
            (place / "root").rename(root)
    with scratch(cache / "work") as work:
        yield Toolbox(root, work)


def _unpack(packages: Iterable[bytes], root: Path) -> None:
    for folder in ("usr/bin", "usr/lib", "usr/lib64", "usr/sbin", WORK, "tmp"):
        (root / folder).mkdir(parents=True)
    for folder in _MERGED:
        (root / folder).symlink_to(f"usr/{folder}")
    for deb in packages:
        with unpack(deb) as tree:
            tree.extractall(root, filter="tar")
