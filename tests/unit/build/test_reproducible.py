"""The same source gives the same digest, wherever and whenever it is built."""

import os
import shutil
from pathlib import Path

import pytest

from cyberprivacy.bundle.tree import open_verified
from cyberprivacy.review.linted import SEAL, LintedBundle

pytestmark = pytest.mark.engines

FILES = {
    "app/main.py": "NAMES = {'b', 'a', 'c'}\nprint('hello', sorted(NAMES))\n",
    "app/data/list.txt": "one\ntwo\n",
}
DOCKERFILE = """
FROM cyberprivacy/python@{base}
WORKDIR /app
COPY app /app
RUN ["python3", "-m", "compileall", "-q", "/app"]
RUN ["python3", "-c", "import os, pathlib; pathlib.Path('/app/seen').write_text(os.environ['HOSTNAME'])"]
USER 10001
CMD ["python3", "/app/main.py"]
"""


def moved(linted: LintedBundle, to: Path) -> LintedBundle:
    """The same bundle in another place, with other times."""
    shutil.copytree(linted.bundle.tree, to)
    for number, path in enumerate([to, *sorted(to.rglob("*"))]):
        os.utime(path, (1_000_000_000 + 86_400 * number, 1_234_567_890 + 3_600 * number))
    return LintedBundle(
        bundle=open_verified(linted.bundle.cid, to),
        manifest=linted.manifest,
        recipes=linted.recipes,
        topology=linted.topology,
        seal=SEAL,
    )


def test_two_builders_in_different_places_agree_on_the_digest(lint, builder, base, tmp_path: Path) -> None:
    linted = lint({**FILES, "Dockerfile": DOCKERFILE.format(base=base[1])}, base=base[1])
    [here] = builder("here").build(linted)
    old = os.umask(0o077)
    try:
        [there] = builder("a/quite/different/place").build(moved(linted, tmp_path / "elsewhere" / "b"))
    finally:
        os.umask(old)
    assert here.digest == there.digest
    assert here.archive != there.archive


def test_an_image_that_is_built_already_is_reused_after_hashing_it_again(lint, builder, base) -> None:
    linted = lint({**FILES, "Dockerfile": DOCKERFILE.format(base=base[1])}, base=base[1])
    [first] = builder().build(linted)
    made = first.archive.stat()
    [again] = builder().build(linted)
    assert (again, again.archive.stat().st_ino) == (first, made.st_ino)
    with first.archive.open("r+b") as file:  # held open: else the new file may get the inode of the old one
        file.seek(made.st_size // 2)
        file.write(b"damaged")
        file.flush()
        [rebuilt] = builder().build(linted)
    assert rebuilt.digest == first.digest
    assert rebuilt.archive.stat().st_ino != made.st_ino
