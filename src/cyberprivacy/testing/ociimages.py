"""OCI image layouts written by hand: no network, no builder."""

import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Mapping, Sequence
from pathlib import Path


def app_layer(files: Mapping[str, bytes], mode: int = 0o644) -> bytes:
    """A gzipped tar with files, named by absolute path."""
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for name, data in files.items():
            entry = tarfile.TarInfo(name.lstrip("/"))
            entry.size, entry.mode = len(data), mode
            tar.addfile(entry, io.BytesIO(data))
    return gzip.compress(raw.getvalue(), 1, mtime=0)


def write_image(layout: Path, layers: Sequence[bytes], entrypoint: Sequence[str]) -> str:
    """Write an OCI image layout; returns the digest of its manifest."""
    (layout / "blobs/sha256").mkdir(parents=True)

    def blob(data: bytes) -> dict[str, object]:
        name = hashlib.sha256(data).hexdigest()
        (layout / "blobs/sha256" / name).write_bytes(data)
        return {"digest": f"sha256:{name}", "size": len(data)}

    config = {
        "architecture": "amd64",
        "os": "linux",
        "config": {"Entrypoint": list(entrypoint), "User": "10001:10001", "Env": ["PYTHONUNBUFFERED=1"]},
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
