"""A real OCI image for the tests, made from the machine's own Python: no network, no builder, two seconds."""

import gzip
import hashlib
import io
import json
import re
import subprocess
import tarfile
from collections.abc import Iterator, Mapping
from pathlib import Path

PYTHON = Path("/usr/bin/python3.11")
STDLIB = Path("/usr/lib/python3.11")
LEFT_OUT = {"test", "lib2to3", "idlelib", "pydoc_data", "ensurepip", "tkinter", "__pycache__", "distutils"}


def _libraries() -> Iterator[Path]:
    for binary in [PYTHON, *(STDLIB / "lib-dynload").glob("*.so")]:
        listed = subprocess.run(["ldd", binary], capture_output=True, text=True, check=False).stdout
        yield from (Path(path) for path in re.findall(r"(/\S+) \(0x", listed))


def python_layer() -> bytes:
    """A gzipped tar with the interpreter, its standard library and the libraries that both need."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for path in sorted(set(_libraries())):
            tar.add(path.resolve(), str(path))
        tar.add(PYTHON, "usr/bin/python3")
        tar.add(STDLIB, "usr/lib/python3.11", filter=_keep)
        for folder in ("tmp", "data", "etc", "proc", "sys", "dev", "run"):
            entry = tarfile.TarInfo(folder)
            entry.type, entry.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(entry)
    return gzip.compress(raw.getvalue(), 1, mtime=0)


def _keep(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    parts = Path(entry.name).parts
    if LEFT_OUT & set(parts) or any(part.startswith("config-3.11") for part in parts) or entry.issym():
        return None
    return entry


def app_layer(files: Mapping[str, bytes], mode: int = 0o644) -> bytes:
    """A gzipped tar with files, named by absolute path."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name.lstrip("/"))
            entry.size, entry.mode = len(data), mode
            tar.addfile(entry, io.BytesIO(data))
    return gzip.compress(raw.getvalue(), 1, mtime=0)


def write_image(layout: Path, layers: list[bytes], entrypoint: list[str]) -> str:
    """Write an OCI image layout; returns the digest of its manifest."""
    (layout / "blobs/sha256").mkdir(parents=True)

    def blob(data: bytes) -> dict[str, object]:
        name = hashlib.sha256(data).hexdigest()
        (layout / "blobs/sha256" / name).write_bytes(data)
        return {"digest": f"sha256:{name}", "size": len(data)}

    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": entrypoint, "User": "10001:10001", "Env": ["PYTHONUNBUFFERED=1"]},
        "rootfs": {
            "type": "layers",
            "diff_ids": [f"sha256:{hashlib.sha256(gzip.decompress(layer)).hexdigest()}" for layer in layers],
        },
    }
    kind = "application/vnd.oci.image."
    manifest = {
        "schemaVersion": 2,
        "mediaType": f"{kind}manifest.v1+json",
        "config": {"mediaType": f"{kind}config.v1+json", **blob(json.dumps(config).encode())},
        "layers": [{"mediaType": f"{kind}layer.v1.tar+gzip", **blob(layer)} for layer in layers],
    }
    described = {"mediaType": f"{kind}manifest.v1+json", **blob(json.dumps(manifest).encode())}
    (layout / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [described]}))
    (layout / "oci-layout").write_text('{"imageLayoutVersion":"1.0.0"}')
    return str(described["digest"])
