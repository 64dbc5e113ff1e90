"""Kubernetes and etcd, compiled from Go modules at the versions in rig/go.mod; once, and kept outside the tree."""

import fcntl
import os
import re
import subprocess
from hashlib import sha256
from pathlib import Path

RIG = Path(__file__).parent / "rig"
CACHE = Path.home() / ".cache" / "cyberprivacy" / "kubernetes"
PARTS = ("kube-apiserver", "kube-controller-manager", "kube-scheduler", "kubelet", "kube-proxy")


def binaries() -> Path:
    """The folder with the programs; it takes minutes the first time."""
    sources = [RIG / "go.mod", RIG / "go.sum", *sorted((RIG / "etcd").iterdir())]
    key = sha256(b"".join(sha256(path.read_bytes()).digest() for path in sources)).hexdigest()[:16]
    place = CACHE / key
    CACHE.mkdir(parents=True, exist_ok=True)
    with (CACHE / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not place.exists():
            fresh = CACHE / f"{key}.fresh"
            _build(fresh)
            fresh.rename(place)
    return place


def version() -> str:
    """Of Kubernetes, such as "1.36.3"."""
    found = re.search(r"k8s\.io/kubernetes v([0-9.]+)", (RIG / "go.mod").read_text())
    assert found is not None
    return found[1]


def _build(place: Path) -> None:
    major, minor, _ = version().split(".")
    package = "k8s.io/component-base/version"
    flags = [("gitVersion", f"v{version()}"), ("gitMajor", major), ("gitMinor", minor)]
    stamped = " ".join(["-s -w", *(f"-X {package}.{name}={value}" for name, value in flags)])
    packages = ["./etcd", *(f"k8s.io/kubernetes/cmd/{part}" for part in PARTS)]
    command = ["nice", "-n", "15", "go", "build", "-trimpath", "-ldflags", stamped, "-o", f"{place}/", *packages]
    subprocess.run(command, check=True, cwd=RIG, env=os.environ | {"CGO_ENABLED": "0"})


if __name__ == "__main__":
    binaries()
