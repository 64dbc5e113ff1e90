"""Kubernetes, etcd, Helm and a firewall, compiled from one Go module; once, and kept outside the tree.

python -m cyberprivacy.testing.kubernetes.binaries RIG   compile all of them now
"""

import fcntl
import os
import re
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path
from typing import Final

from cyberprivacy.errors import Misuse

CACHE: Final = Path.home() / ".cache" / "cyberprivacy" / "kubernetes"
PARTS: Final = ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")
"""What the one program of them all is called as."""
_WHOLE: Final = "kubernetes"
_ROUTER: Final = "kube-router"
_HELM: Final = "helm.sh/helm/v3/cmd/helm"


def is_compiled(rig: Path) -> bool:
    """Whether `binaries` takes no time."""
    return (_place(rig) / _WHOLE).exists()


def binaries(rig: Path) -> Path:
    """The folder with the programs of Kubernetes, and etcd; it takes minutes the first time.

    Args:
        rig: folder with go.mod, go.sum and our few lines around what they name.
    """
    return _program(rig, _WHOLE, f"./{_WHOLE}").parent


def helm(rig: Path) -> Path:
    """The Helm program; most of it is compiled with Kubernetes."""
    return _program(rig, "helm", _HELM)


def kube_router(rig: Path) -> Path:
    """The folder with the program that enforces NetworkPolicy; most of it is compiled with Kubernetes."""
    return _program(rig, _ROUTER, f"./{_ROUTER}").parent


def compiled(module: Path) -> Path:
    """The folder with the programs of a small Go module, of which each is a folder of its own; compiled once."""
    sources = [path for path in sorted(module.rglob("*")) if path.is_file()]
    place = CACHE / f"{module.name}-{_digest(sources)}"
    with _alone():
        if not place.exists():
            fresh = place.with_suffix(".fresh")
            _build(module, fresh, "./...")
            fresh.rename(place)
    return place


def version(rig: Path) -> str:
    """Of Kubernetes, such as "1.36.3".

    Raises:
        Misuse: the folder is no such rig.
    """
    found = re.search(r"k8s\.io/kubernetes v([0-9.]+)", (rig / "go.mod").read_text())
    if found is None:
        raise Misuse("its go.mod names no version of Kubernetes", code="kubernetes.rig", folder=str(rig))
    return found[1]


@contextmanager
def _alone() -> Iterator[None]:
    """Nobody else compiles meanwhile: whoever comes second finds what the first has made."""
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _place(rig: Path) -> Path:
    return CACHE / _digest([rig / "go.mod", rig / "go.sum", *sorted(rig.glob("*/*.go"))])


def _digest(sources: list[Path]) -> str:
    return sha256(b"".join(sha256(path.read_bytes()).digest() for path in sources)).hexdigest()[:16]


def _program(rig: Path, name: str, package: str) -> Path:
    place = _place(rig)
    with _alone():
        if not (place / name).exists():
            fresh = place / "fresh"
            _build(rig, fresh, package, _stamps(version(rig)))
            if name == _WHOLE:
                for part in PARTS:
                    (place / part).unlink(missing_ok=True)
                    (place / part).symlink_to(_WHOLE)
            (fresh / name).rename(place / name)
    return place / name


def _stamps(version: str) -> Sequence[str]:
    """What the linker writes into Kubernetes, which says of itself what it is."""
    major, minor, _ = version.split(".")
    said = {"gitVersion": f"v{version}", "gitMajor": major, "gitMinor": minor}
    return [f"-X k8s.io/component-base/version.{name}={value}" for name, value in said.items()]


def _build(module: Path, place: Path, packages: str, stamps: Sequence[str] = ()) -> None:
    """Compile packages of a module into a folder.

    Each time with the same flags for the compiler, so that what was compiled once need not be again. Nobody
    debugs these programs: what a debugger would need is not even written. Nor is anything inlined: that makes them
    a little slower, and takes a quarter off the compiler's time (364 to 265 s of two packages with all they need).
    """
    flags = ["-trimpath", "-gcflags=all=-dwarf=false -l", f"-ldflags={' '.join(['-s -w', *stamps])}"]
    command = ["nice", "-n", "15", "go", "build", *flags, "-o", f"{place}/", packages]
    subprocess.run(command, check=True, cwd=module, env=os.environ | {"CGO_ENABLED": "0"})


if __name__ == "__main__":
    for each in (binaries, helm, kube_router):
        sys.stdout.write(f"{each(Path(sys.argv[1]))}\n")
