"""Archives come out of a place where strangers' code ran: nothing in them is believed."""

import io
import tarfile
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cyberprivacy.build.archive import OciArchive, read_archive
from cyberprivacy.build.oci import (
    MAX_MANIFEST,
    OCI_CONFIG,
    OCI_LAYER,
    OCI_MANIFEST,
    BadImage,
    Descriptor,
    digest_of,
    parse_digest,
    parse_index,
    parse_manifest,
    spell,
)

CONFIG, LAYER = b'{"os":"linux"}', b"a layer"


def manifest(layers: list[dict[str, object]] | None = None, **more: object) -> bytes:
    fields = {
        "schemaVersion": 2,
        "mediaType": OCI_MANIFEST,
        "config": Descriptor(OCI_CONFIG, digest_of(CONFIG), len(CONFIG)).json(),
        "layers": [Descriptor(OCI_LAYER, digest_of(LAYER), len(LAYER)).json()] if layers is None else layers,
    }
    return spell({**fields, **more})


def index(*manifests: bytes) -> bytes:
    entries = [Descriptor(OCI_MANIFEST, digest_of(one), len(one)).json() for one in manifests]
    return spell({"schemaVersion": 2, "manifests": entries})


def blob(data: bytes) -> str:
    return f"blobs/sha256/{digest_of(data)[7:]}"


def files(**changed: bytes) -> dict[str, bytes]:
    made = manifest()
    good = {
        "oci-layout": b"{}",
        "index.json": index(made),
        blob(CONFIG): CONFIG,
        blob(LAYER): LAYER,
        blob(made): made,
    }
    return {**good, **changed}


def write(path: Path, members: Mapping[str, bytes]) -> Path:
    with tarfile.open(path, "w", format=tarfile.USTAR_FORMAT) as tar:
        for name, data in members.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            tar.addfile(info, io.BytesIO(data))
    return path


def content(archive: OciArchive) -> list[bytes]:
    return [b"".join(archive.blob(one)) for one in archive.manifest.blobs]


def test_an_honest_archive_gives_its_blobs(tmp_path: Path) -> None:
    archive = read_archive(write(tmp_path / "a.tar", files()))
    assert archive.manifest.digest == digest_of(manifest())
    assert content(archive) == [CONFIG, LAYER]


@pytest.mark.parametrize(
    "members",
    [
        {},
        {name: data for name, data in files().items() if name != "index.json"},
        {name: data for name, data in files().items() if name != blob(LAYER)},
        files(**{blob(LAYER): b"a LAYER"}),
        files(**{blob(LAYER): b"a layer and more"}),
        files(**{"index.json": index()}),
        files(**{"index.json": index(manifest(), manifest())}),
        files(**{blob(b"extra"): b"extra"}),
        files(**{"etc/passwd": b""}),
        files(**{"../escape": b""}),
        files(**{"blobs/sha256/../../escape": b""}),
    ],
    ids=["empty", "no-index", "no-layer", "other", "longer", "none", "two", "extra", "foreign", "up", "through"],
)
def test_an_archive_that_is_not_exactly_one_image_is_refused(tmp_path: Path, members: dict[str, bytes]) -> None:
    with pytest.raises(BadImage):
        read_archive(write(tmp_path / "a.tar", members))


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE, tarfile.FIFOTYPE])
def test_only_plain_files_are_read(tmp_path: Path, kind: bytes) -> None:
    path = write(tmp_path / "a.tar", files())
    with tarfile.open(path, "a") as tar:
        info = tarfile.TarInfo("blobs/sha256/link")
        info.type, info.linkname = kind, "/etc/passwd"
        tar.addfile(info)
    with pytest.raises(BadImage):
        read_archive(path)


@pytest.mark.parametrize("form", [tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])
def test_extensions_of_tar_are_not_understood(tmp_path: Path, form: int) -> None:
    with tarfile.open(tmp_path / "a.tar", "w", format=form) as tar:
        tar.addfile(tarfile.TarInfo("blobs/sha256/" + "a" * 120))
    with pytest.raises(BadImage):
        read_archive(tmp_path / "a.tar")


def test_a_name_twice_is_refused(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tar", files())
    with tarfile.open(path, "a") as tar:
        tar.addfile(tarfile.TarInfo("index.json"))
    with pytest.raises(BadImage):
        read_archive(path)


@settings(max_examples=200, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_one_damaged_byte_is_refused_or_changes_nothing(tmp_path: Path, data: st.DataObject) -> None:
    path = write(tmp_path / "a.tar", files())
    raw = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(raw) - 1))
    raw[at] = data.draw(st.integers(0, 255))
    path.write_bytes(raw)
    try:
        archive = read_archive(path)
    except BadImage:
        return
    assert archive.manifest.raw == manifest()
    assert content(archive) == [CONFIG, LAYER]


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(raw=st.binary(max_size=4096), cut=st.integers(0, 20_000))
def test_rubbish_and_stumps_are_refused(tmp_path: Path, raw: bytes, cut: int) -> None:
    path = tmp_path / "a.tar"
    path.write_bytes(raw)
    with pytest.raises(BadImage):
        read_archive(path)
    whole = write(path, files()).read_bytes()
    end = whole.rstrip(b"\0")
    path.write_bytes(whole[: min(cut, len(end))])
    with pytest.raises(BadImage):
        read_archive(path)


@pytest.mark.parametrize(
    "raw",
    [
        b"",
        b"[]",
        b"{",
        b"[" * 100_000,
        b" " * (MAX_MANIFEST + 1),
        manifest(schemaVersion=1),
        manifest(mediaType="application/json"),
        manifest(layers=[]),
        manifest(layers=[{}] * 200),
        manifest(layers=[Descriptor("application/x-executable", digest_of(b""), 0).json()]),
        manifest(layers=[{"mediaType": OCI_LAYER, "digest": digest_of(b""), "size": -1}]),
        manifest(layers=[{"mediaType": OCI_LAYER, "digest": digest_of(b""), "size": True}]),
        manifest(layers=[{"mediaType": OCI_LAYER, "digest": "sha512:00", "size": 1}]),
        manifest(config=None),
        index(manifest()),
    ],
)
def test_what_is_no_manifest_is_refused(raw: bytes) -> None:
    with pytest.raises(BadImage):
        parse_manifest(raw)


@given(st.binary(max_size=300))
def test_no_bytes_make_the_parsers_fail_otherwise(raw: bytes) -> None:
    for parse in (parse_manifest, parse_index):
        with pytest.raises(BadImage):
            parse(raw)


@given(st.binary(max_size=64))
def test_every_digest_that_we_write_is_one_that_we_read(data: bytes) -> None:
    assert parse_digest(digest_of(data)) == digest_of(data)


@pytest.mark.parametrize(
    "text", ["", "sha256:", "sha256:" + "A" * 64, "sha256:" + "0" * 65, "sha256:" + "0" * 64 + "\n", None, 1]
)
def test_a_digest_has_one_spelling(text: object) -> None:
    with pytest.raises(BadImage):
        parse_digest(text)
