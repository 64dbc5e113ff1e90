"""Kubernetes and etcd, compiled from Go modules at the versions in a go.mod; once, and kept outside the tree."""

import fcntl
import os
import re
import subprocess
from hashlib import sha256
from pathlib import Path
from typing import Final

from cyberprivacy.errors import Misuse

CACHE: Final = Path.home() / ".cache" / "cyberprivacy" / "kubernetes"
HELM: Final = "v3.18.4"
PARTS: Final = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")


def is_compiled(rig: Path) -> bool:
    """Whether `binaries` takes no time."""
    return _place(rig).exists()


def binaries(rig: Path) -> Path:
    """The folder with the programs; it takes minutes the first time.

    Args:
        rig: folder with go.mod, go.sum and our few lines around etcd.
    """
    place = _place(rig)
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            fresh = place.with_suffix(".fresh")
            _build(rig, fresh)
            fresh.rename(place)
    return place


def helm() -> Path:
    """The Helm program, compiled from its module; the checksum database says what its source is."""
    place = CACHE / f"helm-{HELM}"
    place.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (place / "helm").exists():
            command = ["nice", "-n", "15", "go", "install", f"helm.sh/helm/v3/cmd/helm@{HELM}"]
            subprocess.run(command, check=True, env=os.environ | {"CGO_ENABLED": "0", "GOBIN": str(place)})
    return place / "helm"


def compiled(module: Path) -> Path:
    """The folder with the programs of a small Go module, of which each is a folder of its own; compiled once."""
    sources = [path for path in sorted(module.rglob("*")) if path.is_file()]
    place = CACHE / f"{module.name}-{_digest(sources)}"
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            fresh = place.with_suffix(".fresh")
            command = [
                "nice",
                "-n",
                "15",
                "go",
                "build",
                "-trimpath",
                "-ldflags=-s -w",
                "-o",
                f"{fresh}/",
                "./...",
            ]
            subprocess.run(command, check=True, cwd=module, env=os.environ | {"CGO_ENABLED": "0"})
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


def _place(rig: Path) -> Path:
    sources = [rig / "go.mod", rig / "go.sum", *sorted((rig / "etcd").iterdir())]
    return CACHE / _digest(sources)


def _digest(sources: list[Path]) -> str:
    return sha256(b"".join(sha256(path.read_bytes()).digest() for path in sources)).hexdigest()[:16]


def _build(rig: Path, place: Path) -> None:
    major, minor, _ = version(rig).split(".")
    package = "k8s.io/component-base/version"
    flags = [("gitVersion", f"v{version(rig)}"), ("gitMajor", major), ("gitMinor", minor)]
    stamped = " ".join(["-s -w", *(f"-X {package}.{name}={value}" for name, value in flags)])
    packages = ["./etcd", *(f"k8s.io/kubernetes/cmd/{part}" for part in PARTS)]
    command = ["nice", "-n", "15", "go", "build", "-trimpath", "-ldflags", stamped, "-o", f"{place}/", *packages]
    subprocess.run(command, check=True, cwd=rig, env=os.environ | {"CGO_ENABLED": "0"})
