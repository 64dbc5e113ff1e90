"""The embedded registry and the adapter, together, for real."""

import os
import signal
import subprocess
from contextlib import closing
from pathlib import Path

import httpx2
import pytest

from cyberprivacy.build.archive import read_archive
from cyberprivacy.build.image import Digest
from cyberprivacy.build.inputs import BaseSource, LayoutBases
from cyberprivacy.build.oci import OCI_CONFIG, OCI_LAYER, Descriptor, Layout, digest_of, spell
from cyberprivacy.errors import Misuse, TryLater
from cyberprivacy.registry.distribution import Credentials, Distribution, trusting
from cyberprivacy.registry.docker_registry import DockerRegistry
from cyberprivacy.registry.oci import OciRegistry, RegistryBases

from .conftest import free_port

pytestmark = pytest.mark.engines


def test_a_pushed_image_is_there_under_the_digest_that_was_built(engine: DockerRegistry, image) -> None:
    built = image(b"one")
    pushed = engine.registry().push(built, "dao/app/web")
    assert pushed.digest == built.digest
    assert pushed.reference == f"127.0.0.1:{engine.port}/dao/app/web@{built.digest}"
    assert engine.connect().manifest("dao/app/web", built.digest) is not None


def test_other_tools_find_it_by_that_reference(engine: DockerRegistry, image) -> None:
    pushed = engine.registry().push(image(b"seen by skopeo"), "dao/app/web")
    said = subprocess.run(
        [
            "skopeo",
            "inspect",
            "--raw",
            f"--authfile={engine.authfile}",
            f"--cert-dir={engine.certs}",
            f"docker://{pushed.reference}",
        ],
        capture_output=True,
        check=True,
    )
    assert b"schemaVersion" in said.stdout


def test_pushing_what_is_there_sends_nothing(engine: DockerRegistry, image) -> None:
    built = image(b"twice")
    methods: list[str] = []
    hooks = {"request": [lambda request: methods.append(request.method)]}
    with httpx2.Client(verify=trusting(engine.ca), event_hooks=hooks) as client:
        registry = OciRegistry(Distribution(engine.url, client, Credentials.read(engine.authfile, engine.host)))
        first = registry.push(built, "dao/app/twice")
        assert "PUT" in methods
        methods.clear()
        assert registry.push(built, "dao/app/twice") == first
        assert set(methods) <= {"GET", "HEAD"}


def test_a_half_finished_push_is_finished(engine: DockerRegistry, image) -> None:
    built = image(b"half")
    archive = read_archive(built.archive)
    layer = archive.manifest.layers[0]
    engine.connect().put_blob("dao/app/half", layer, archive.blob(layer))  # and then a crash
    assert engine.registry().push(built, "dao/app/half").digest == built.digest


def test_strangers_are_denied(engine: DockerRegistry, image) -> None:
    with closing(OciRegistry.open(engine.url, ca=engine.ca)) as anonymous, pytest.raises(Misuse) as refusal:
        anonymous.push(image(), "dao/app/web")
    assert refusal.value.code == "registry.denied"


def test_a_registry_without_our_ca_is_not_spoken_to(engine: DockerRegistry, image) -> None:
    registry = OciRegistry.open(engine.url, authfile=engine.authfile)
    with closing(registry), pytest.raises(TryLater) as refusal:
        registry.push(image(), "dao/app/web")
    assert refusal.value.code == "registry.unreachable"


def test_base_images_are_imported_and_served_under_their_digest(engine: DockerRegistry, tmp_path: Path) -> None:
    layout = Layout(tmp_path / "bases")
    config = spell({"os": "linux"})
    manifest = spell(
        {
            "schemaVersion": 2,
            "config": Descriptor(OCI_CONFIG, layout.write(config), len(config)).json(),
            "layers": [Descriptor(OCI_LAYER, layout.write(b"a base"), 6).json()],
        }
    )
    digest = layout.write(manifest)
    reference = engine.registry().import_base(LayoutBases(layout.folder), "cyberprivacy/python", digest)
    assert reference == f"{engine.host}/cyberprivacy/python@{digest}"
    bases: BaseSource = RegistryBases(engine.connect())
    assert bases.manifest("cyberprivacy/python", digest) == manifest
    parts = bases.blob("cyberprivacy/python", Descriptor(OCI_LAYER, digest_of(b"a base"), 6))
    assert parts is not None
    assert b"".join(parts) == b"a base"
    assert bases.manifest("docker.io/cyberprivacy/python", digest) is None
    assert bases.manifest("cyberprivacy/python", Digest(f"sha256:{'0' * 64}")) is None
    with pytest.raises(TryLater) as refusal:
        engine.registry().import_base(LayoutBases(layout.folder), "app", Digest(f"sha256:{'0' * 64}"))
    assert refusal.value.code == "inputs.base"


def test_it_is_back_after_it_was_killed(tmp_path: Path, image) -> None:
    with DockerRegistry(tmp_path / "r", free_port()) as engine:
        engine.registry().push(image(b"kept"), "app")
        assert engine._process
        first = engine._process.pid
        os.kill(first, signal.SIGKILL)
        engine._wait()
        assert engine._process.pid != first
        assert engine.connect().manifest("app", image(b"kept").digest)
        second = engine._process
    assert second.poll() is not None


def test_starting_it_again_keeps_images_and_password(tmp_path: Path, image) -> None:
    port = free_port()
    with DockerRegistry(tmp_path / "r", port) as engine:
        engine.registry().push(image(), "app")
        secret = engine.authfile.read_bytes()
    with DockerRegistry(tmp_path / "r", port) as engine:
        assert engine.authfile.read_bytes() == secret
        assert engine.connect().manifest("app", image().digest)
    assert engine.authfile.stat().st_mode & 0o077 == 0
    assert (engine.folder / "tls" / "server.key").stat().st_mode & 0o077 == 0


def test_a_registry_that_is_down_says_what_is_waited_for(image) -> None:
    port = free_port()
    registry = OciRegistry.open(f"https://127.0.0.1:{port}")
    with closing(registry), pytest.raises(TryLater) as refusal:
        registry.push(image(), "app")
    assert refusal.value.code == "registry.unreachable"
    assert refusal.value.facts["waits_for"] == f"127.0.0.1:{port}"


def test_a_full_registry_is_try_later_and_nothing_is_lost(tmp_path: Path, image) -> None:
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", small], check=True)
    try:
        with DockerRegistry(tmp_path / "r", free_port(), storage=small) as engine:
            big = image(os.urandom(1 << 20))
            with pytest.raises(TryLater) as refusal:
                engine.registry().push(big, "app")
            assert refusal.value.code == "registry.full"
            subprocess.run(["mount", "-o", "remount,size=8m", small], check=True)
            assert engine.registry().push(big, "app").digest == big.digest
    finally:
        subprocess.run(["umount", small], check=True)


def test_a_taken_port_is_said(tmp_path: Path, engine: DockerRegistry, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cyberprivacy.registry.docker_registry.PATIENCE", 2.0)
    with pytest.raises(TryLater) as refusal:
        DockerRegistry(tmp_path / "second", engine.port).start()
    assert refusal.value.code == "registry.start"
    assert "address already in use" in str(refusal.value.facts["log"])
