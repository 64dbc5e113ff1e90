"""Small images in archives, and a real registry."""

import io
import socket
import tarfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from cyberprivacy.build.image import SEAL, BuiltImage, Digest
from cyberprivacy.build.oci import OCI_CONFIG, OCI_INDEX, OCI_LAYER, OCI_MANIFEST, Descriptor, digest_of, spell
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.registry.docker_registry import DockerRegistry

Image = Callable[..., BuiltImage]


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def image(tmp_path: Path) -> Image:
    """An image of one layer in an OCI archive, as a builder hands it on."""

    def make(layer: bytes = b"layer", name: str = "web") -> BuiltImage:
        config = spell({"os": "linux", "architecture": "amd64", "rootfs": {"diff_ids": [digest_of(layer)]}})
        manifest = spell(
            {
                "schemaVersion": 2,
                "mediaType": OCI_MANIFEST,
                "config": Descriptor(OCI_CONFIG, digest_of(config), len(config)).json(),
                "layers": [Descriptor(OCI_LAYER, digest_of(layer), len(layer)).json()],
            }
        )
        digest = digest_of(manifest)
        index = spell(
            {
                "schemaVersion": 2,
                "mediaType": OCI_INDEX,
                "manifests": [Descriptor(OCI_MANIFEST, digest, len(manifest)).json()],
            }
        )
        files = {"oci-layout": b'{"imageLayoutVersion":"1.0.0"}', "index.json": index}
        for blob in (config, layer, manifest):
            files[f"blobs/sha256/{digest_of(blob)[7:]}"] = blob
        archive = tmp_path / f"{digest[7:23]}.tar"
        with tarfile.open(archive, "w", format=tarfile.USTAR_FORMAT) as tar:
            for path, data in files.items():
                info = tarfile.TarInfo(path)
                info.size = len(data)
                tar.addfile(info, io.BytesIO(data))
        return BuiltImage(
            bundle=Cid.of(DAG_PB, b"source"),
            name=name,
            digest=Digest(digest),
            archive=archive,
            profile="1/test",
            seal=SEAL,
        )

    return make


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    """A running docker-registry."""
    with DockerRegistry(tmp_path_factory.mktemp("registry"), free_port()) as engine:
        yield engine
