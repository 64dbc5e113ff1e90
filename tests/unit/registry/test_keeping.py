"""The embedded registry over years: certificates that end, images that nobody needs any more."""

import ssl
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from cyberprivacy.build.archive import read_archive
from cyberprivacy.build.oci import OCI_LAYER, Descriptor, digest_of
from cyberprivacy.bundle.scratch import in_use
from cyberprivacy.errors import TryLater
from cyberprivacy.registry import cleaning
from cyberprivacy.registry.certificates import EARLY, YEAR, YEARS, renew
from cyberprivacy.registry.docker_registry import DockerRegistry

from .conftest import free_port

DAY = 86_400.0
NOW = datetime.now(UTC)


def ends(certificate: Path) -> datetime:
    return x509.load_pem_x509_certificate(certificate.read_bytes()).not_valid_after_utc


def served(engine: DockerRegistry) -> x509.Certificate:
    return x509.load_pem_x509_certificate(ssl.get_server_certificate(("127.0.0.1", engine.port)).encode())


class Clock:
    def __init__(self, ago: timedelta = timedelta()) -> None:
        self.ago = ago

    def __call__(self) -> float:
        return time.time() - self.ago.total_seconds()


def test_certificates_are_renewed_a_month_before_their_end_and_not_sooner(tmp_path: Path) -> None:
    assert renew(tmp_path, tmp_path, NOW)
    first = (tmp_path / "server.crt").read_bytes(), (tmp_path / "ca.crt").read_bytes()
    assert not renew(tmp_path, tmp_path, NOW + YEAR - EARLY - timedelta(days=1))
    assert renew(tmp_path, tmp_path, NOW + YEAR - EARLY + timedelta(days=1))
    second = (tmp_path / "server.crt").read_bytes(), (tmp_path / "ca.crt").read_bytes()
    assert second[0] != first[0]
    assert second[1] == first[1]
    assert renew(tmp_path, tmp_path, NOW + YEARS - EARLY + timedelta(days=1))
    assert (tmp_path / "ca.crt").read_bytes() != first[1]


@pytest.mark.parametrize("missing", ["ca.key", "ca.crt", "server.key", "server.crt"])
def test_whatever_a_crash_left_the_server_certificate_is_of_the_ca_and_has_its_key(
    missing: str, tmp_path: Path
) -> None:
    renew(tmp_path, tmp_path)
    (tmp_path / missing).unlink()
    renew(tmp_path, tmp_path)
    trusted = x509.load_pem_x509_certificate((tmp_path / "ca.crt").read_bytes())
    x509.load_pem_x509_certificate((tmp_path / "server.crt").read_bytes()).verify_directly_issued_by(trusted)
    ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(tmp_path / "server.crt", tmp_path / "server.key")


@pytest.mark.engines
def test_a_certificate_that_is_due_is_renewed_without_breaking_clients(tmp_path: Path, image) -> None:
    clock = Clock(YEAR - EARLY + timedelta(days=5))
    with DockerRegistry(tmp_path / "r", free_port(), clock=clock) as engine:
        client = engine.registry()
        client.push(image(b"before"), "app")
        old = served(engine)
        assert not engine.tend()
        clock.ago = timedelta()
        assert engine.tend()
        assert served(engine).serial_number != old.serial_number
        assert ends(engine.folder / "tls" / "server.crt") > NOW + EARLY
        assert client.push(image(b"before"), "app")
        assert client.push(image(b"after"), "app")
        assert not engine.tend()


@pytest.mark.engines
def test_clients_trust_the_next_ca_when_it_comes(tmp_path: Path, image) -> None:
    folder, clock = tmp_path / "r", Clock(timedelta(days=15))
    folder.mkdir()
    renew(folder / "tls", folder / "certs", NOW - YEARS + timedelta(days=20))
    (folder / "tls" / "server.crt").unlink()  # the CA ends in twenty days, its last server later
    with DockerRegistry(folder, free_port(), clock=clock) as engine:
        client, old = engine.registry(), engine.ca.read_bytes()
        client.push(image(), "app")
        clock.ago = timedelta()
        assert engine.tend()
        assert engine.ca.read_bytes() != old
        assert client.push(image(b"more"), "app")


@pytest.fixture(scope="module")
def busy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DockerRegistry]:
    with DockerRegistry(tmp_path_factory.mktemp("cleaned"), free_port()) as engine:
        yield engine


@pytest.mark.engines
def test_images_that_nobody_needs_go_and_those_that_are_kept_stay_whole(busy: DockerRegistry, image) -> None:
    client = busy.registry()
    shared = image(b"kept")
    kept, gone = client.push(shared, "app/web"), client.push(image(bytes(1 << 20)), "app/web")
    other = client.push(image(b"another application's"), "other/web")
    assert busy.keep({kept.digest}, unused_since=time.time() - DAY) == 0  # they are all of today
    assert busy.keep({kept.digest, other.digest}, unused_since=time.time() + DAY) >= 1 << 20
    there = busy.connect()
    assert there.manifest("app/web", gone.digest) is None
    assert not there.has_blob("app/web", digest_of(bytes(1 << 20)))
    for repository, digest in (("app/web", kept.digest), ("other/web", other.digest)):
        assert there.manifest(repository, digest) is not None
    archive = read_archive(shared.archive)
    for blob in archive.manifest.blobs:
        parts = there.blob("app/web", blob)
        assert parts is not None
        assert digest_of(b"".join(parts)) == blob.digest
    assert busy.keep({kept.digest, other.digest}, unused_since=time.time() + DAY) == 0


@pytest.mark.engines
def test_what_was_dropped_can_be_pushed_again(busy: DockerRegistry, image) -> None:
    built = image(b"comes back")
    first = busy.registry().push(built, "app/back")
    assert busy.keep((), unused_since=time.time() + DAY) > 0
    assert busy.registry().push(built, "app/back") == first
    assert busy.connect().manifest("app/back", built.digest) is not None


@pytest.mark.engines
def test_nothing_is_dropped_while_somebody_pushes(busy: DockerRegistry, image) -> None:
    pushed = busy.registry().push(image(b"in the way"), "app/web")
    with in_use(busy.folder):
        assert busy.keep((), unused_since=time.time() + DAY) == 0
    assert busy.connect().manifest("app/web", pushed.digest) is not None


@pytest.mark.engines
def test_a_push_during_a_clean_up_waits_and_succeeds(busy: DockerRegistry, image) -> None:
    client, first = busy.registry(), image(b"first")
    client.push(first, "app/first")
    done: list[int] = []
    cleaner = threading.Thread(target=lambda: done.append(busy.keep((), unused_since=time.time() + DAY)))
    cleaner.start()
    pushed = client.push(image(b"second"), "app/second")  # before, after, or made to wait: never half
    cleaner.join()
    assert done
    assert client.push(image(b"second"), "app/second") == pushed
    assert busy.connect().manifest("app/second", pushed.digest) is not None


@pytest.mark.engines
def test_what_a_crash_left_half_is_cleared_away_at_the_next_start(tmp_path: Path, image) -> None:
    port = free_port()
    with DockerRegistry(tmp_path / "r", port) as engine:
        kept = engine.registry().push(image(b"whole"), "app")
        half = b"a layer whose manifest never came"
        engine.connect().put_blob("half", Descriptor(OCI_LAYER, digest_of(half), len(half)), [half])
        with engine.connect()._ask("POST", "/v2/half/blobs/uploads/", "half", "pull,push") as got:
            assert got.status_code == 202
        blobs = engine.storage / "docker/registry/v2/blobs/sha256"
        name = digest_of(half).removeprefix("sha256:")
        assert (blobs / name[:2] / name / "data").exists()
    with DockerRegistry(tmp_path / "r", port) as engine:
        assert not (blobs / name[:2] / name / "data").exists()
        assert not list(engine.storage.rglob("_uploads/*"))
        assert engine.connect().manifest("app", kept.digest) is not None
        assert engine.connect().has_blob("half", digest_of(half)) is False


def test_a_collector_that_fails_is_said(tmp_path: Path) -> None:
    (tmp_path / "docker/registry/v2/repositories/app/_manifests").mkdir(parents=True)
    with pytest.raises(TryLater) as refusal:
        cleaning.clean(tmp_path, tmp_path / "no-config.yml")
    assert refusal.value.code == "registry.cleaning"
