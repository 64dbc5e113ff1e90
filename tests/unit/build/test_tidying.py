"""What earlier builds left goes when nobody needs it, and nothing that a build is using."""

import os
import time
from hashlib import sha256
from pathlib import Path

import pytest

from cyberprivacy.build.base import EPOCH
from cyberprivacy.build.buildah import BuildahBuilder
from cyberprivacy.build.inputs import Cache
from cyberprivacy.bundle.scratch import in_use

YEAR = 365 * 86_400.0


def digest(name: str) -> str:
    return f"sha256:{sha256(name.encode()).hexdigest()}"


def archive(images: Path, name: str, *, age: float = YEAR) -> Path:
    images.mkdir(parents=True, exist_ok=True)
    path = images / f"{sha256(b'stem').hexdigest()}.{digest(name)[7:]}.tar"
    path.write_bytes(bytes(1000))
    os.utime(path, (time.time() - age, time.time() - age))
    return path


def tidy(made: BuildahBuilder, *names: str, inputs: int = 1 << 30) -> int:
    return made.keep({digest(name) for name in names}, unused_since=time.time() - 86_400, inputs=inputs)


@pytest.fixture
def made(tmp_path: Path) -> BuildahBuilder:
    """A builder that builds nothing."""

    class Nothing:
        def trim(self, size: int, *, unused_since: float) -> int:
            return Cache(tmp_path / "inputs", EPOCH).trim(size, unused_since=unused_since)

    return BuildahBuilder(tmp_path, inputs=Nothing(), sandbox=Nothing())


def test_archives_of_old_releases_go_and_those_that_are_kept_or_new_stay(
    made: BuildahBuilder, tmp_path: Path
) -> None:
    kept, gone = archive(tmp_path / "images", "kept"), archive(tmp_path / "images", "gone")
    new = archive(tmp_path / "images", "new", age=60)
    assert tidy(made, "kept") == 1000
    assert (kept.exists(), gone.exists(), new.exists()) == (True, False, True)
    assert tidy(made, "kept") == 0


def test_nothing_goes_during_a_build(made: BuildahBuilder, tmp_path: Path) -> None:
    path = archive(tmp_path / "images", "gone")
    with in_use(tmp_path / "images"):
        assert tidy(made) == 0
    assert path.exists()


def test_before_the_first_build_there_is_nothing_to_do(made: BuildahBuilder) -> None:
    assert tidy(made) == 0


@pytest.mark.engines
def test_an_archive_that_is_used_again_counts_as_new_and_a_dropped_one_is_built_again(lint, builder, base) -> None:
    recipe = f"FROM cyberprivacy/python@{base[1]}\nUSER 10001\n"
    linted, maker = lint({"Dockerfile": recipe}, base=base[1]), builder()
    [image] = maker.build(linted)
    os.utime(image.archive, (0, 0))
    assert maker.build(linted) == (image,)
    assert tidy(maker) == 0
    assert image.archive.exists()
    os.utime(image.archive, (0, 0))
    assert tidy(maker) > 0
    assert not image.archive.exists()
    assert maker.build(linted) == (image,)


def keep_input(cache: Cache, name: str, *, age: float) -> Path:
    data = name.encode().ljust(1000)
    path = cache.store(sha256(data).hexdigest(), [data], limit=1000, what=name)
    os.utime(path, (time.time() - age, EPOCH))
    return path


def test_the_inputs_that_were_longest_not_used_make_room(tmp_path: Path) -> None:
    cache = Cache(tmp_path, EPOCH)
    paths = [keep_input(cache, str(number), age=YEAR - number) for number in range(4)]
    assert cache.find(paths[0].name)  # the oldest is used once more
    (tmp_path / "somebody's notes").write_bytes(bytes(5000))
    assert cache.trim(2000, unused_since=time.time() - 86_400) == 2000
    assert [path.exists() for path in paths] == [True, False, False, True]
    assert (tmp_path / "somebody's notes").exists()
    assert cache.trim(0, unused_since=time.time() - 86_400) == 1000
    assert [path.exists() for path in paths] == [True, False, False, False]


def test_a_fresh_input_counts_as_used_and_every_input_has_the_one_time(tmp_path: Path) -> None:
    data = b"fresh"
    cache = Cache(tmp_path, EPOCH)
    path = cache.store(sha256(data).hexdigest(), [data], limit=100, what="fresh")
    assert cache.trim(0, unused_since=time.time() - 86_400) == 0
    assert path.stat().st_mtime == EPOCH
    assert cache.find(path.name) == path
    assert path.stat().st_mtime == EPOCH
