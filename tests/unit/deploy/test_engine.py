"""A podman that fails is a podman that fails: never an image or a container that is not there."""

import json
import threading
from pathlib import Path

import pytest
from tests.unit.deploy.conftest import eventually

from cyberprivacy.deploy.engine import Engine, Pull
from cyberprivacy.deploy.found import EngineFailed
from cyberprivacy.errors import Untrusted

DIGEST = f"sha256:{'d' * 64}"
REFERENCE = f"127.0.0.1:5000/book/web@{DIGEST}"
UNKNOWN = f"Error: inspecting object: {REFERENCE}: image not known"
BROKEN = "Error: inspecting object: open overlay.lock: too many open files"
IMAGE = {"Id": "1" * 64, "RepoDigests": [REFERENCE]}
PODMAN = """#!/bin/sh
while case "$1" in -*) true;; *) false;; esac; do shift; done
verb="$1"; [ "$1" = image ] && verb="$1-$2"
here="$(dirname "$0")"
number=$(cat "$here/$verb.count" 2>/dev/null || echo 0)
echo $((number + 1)) > "$here/$verb.count"
[ -e "$here/$verb.$number" ] || number=last
while [ -e "$here/$verb.wait" ]; do sleep 0.02; done
. "$here/$verb.$number"
"""


class Podman:
    """A podman whose answers a test writes down: one each time, and the last for ever."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        (folder / "podman").write_text(PODMAN)
        (folder / "podman").chmod(0o755)

    def answers(self, verb: str, *answers: tuple[object, str]) -> None:
        """(what is printed, what is complained about) for each call of the verb."""
        for number, (printed, complaint) in enumerate(answers):
            name = number if number < len(answers) - 1 else "last"
            text = printed if isinstance(printed, str) else json.dumps(printed)
            said = f"cat <<'%'\n{text}\n%\n" + (f"echo '{complaint}' >&2; exit 125\n" if complaint else "")
            (self.folder / f"{verb}.{name}").write_text(said)

    def count(self, verb: str) -> int:
        file = self.folder / f"{verb}.count"
        return int(file.read_text()) if file.exists() else 0


@pytest.fixture
def podman(tmp_path, monkeypatch) -> Podman:
    (tmp_path / "bin").mkdir()
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:/usr/bin:/bin")
    return Podman(tmp_path / "bin")


@pytest.fixture
def engine(tmp_path, podman) -> Engine:
    return Engine(tmp_path / "storage", tmp_path / "run")


def container(name: str) -> dict[str, object]:
    state = {"Status": "running", "Pid": 1, "ExitCode": 0}
    return {"Id": name, "Name": name, "State": state, "Config": {}, "Image": IMAGE["Id"]}


def test_an_image_that_is_not_there_is_pulled_and_one_that_cannot_be_asked_for_is_try_later(engine, podman):
    podman.answers("image-inspect", ([], UNKNOWN), ([IMAGE], ""))
    podman.answers("pull", ("", ""))
    assert engine.pull(REFERENCE, DIGEST, Pull()) == IMAGE["Id"]
    podman.answers("image-inspect", ([], BROKEN))
    with pytest.raises(EngineFailed) as refusal:
        engine.pull(REFERENCE, DIGEST, Pull())
    assert "too many open files" in str(refusal.value)


def test_an_engine_that_fails_after_a_pull_says_nothing_about_the_image_and_another_image_does(engine, podman):
    podman.answers("pull", ("", ""))
    for answer in (([], BROKEN), ([], UNKNOWN)):
        podman.answers("image-inspect", ([], UNKNOWN), answer)
        (podman.folder / "image-inspect.count").unlink(missing_ok=True)
        with pytest.raises(EngineFailed):
            engine.pull(REFERENCE, DIGEST, Pull())
    podman.answers("image-inspect", ([{"Id": "2", "RepoDigests": ["x@sha256:1"]}], ""))
    with pytest.raises(Untrusted) as refusal:
        engine.pull(REFERENCE, DIGEST, Pull())
    assert refusal.value.code == "deploy.image"


def test_containers_whose_images_cannot_be_read_are_not_told_as_running_something_else(engine, podman):
    podman.answers("ps", ("a b", ""))
    podman.answers("inspect", ([container("a"), container("b")], ""))
    podman.answers("image-inspect", ([], BROKEN))
    with pytest.raises(EngineFailed):
        engine.containers()
    podman.answers("image-inspect", ([IMAGE], ""))
    assert [found.digests for found in engine.containers()] == [{DIGEST}] * 2
    podman.answers("image-inspect", ([], UNKNOWN))
    assert [found.digests for found in engine.containers()] == [frozenset()] * 2


def test_a_container_that_goes_away_while_we_look_is_looked_for_again_but_not_for_ever(engine, podman):
    gone = "Error: inspecting object: no such container b"
    podman.answers("ps", ("a b", ""), ("a", ""))
    podman.answers("inspect", ([container("a")], gone), ([container("a")], ""))
    podman.answers("image-inspect", ([IMAGE], ""))
    assert [found.name for found in engine.containers()] == ["a"]
    podman.answers("inspect", ([container("a")], gone))
    before = podman.count("inspect")
    with pytest.raises(EngineFailed):
        engine.containers()
    assert podman.count("inspect") == before + 3


def test_no_image_is_forgotten_while_another_application_is_between_pull_and_create(engine, podman, tmp_path):
    podman.answers("image-prune", ("", ""))
    with Engine(tmp_path / "storage", tmp_path / "run").keeping_images():
        engine.forget_images()
    assert podman.count("image-prune") == 0
    engine.forget_images()
    assert podman.count("image-prune") == 1


def test_who_wants_to_pull_waits_until_nothing_is_being_forgotten(engine, podman):
    podman.answers("image-prune", ("", ""))
    (podman.folder / "image-prune.wait").touch()
    forgets = threading.Thread(target=engine.forget_images)
    forgets.start()
    eventually(lambda: podman.count("image-prune"))
    inside = threading.Event()

    def pulls() -> None:
        with engine.keeping_images():
            inside.set()

    waits = threading.Thread(target=pulls)
    waits.start()
    assert not inside.wait(0.2)
    (podman.folder / "image-prune.wait").unlink()
    for thread in (forgets, waits):
        thread.join()
    assert inside.is_set()


def test_what_a_killed_pull_had_fetched_is_gone_before_the_next_and_a_running_pull_keeps_its_own(engine, tmp_path):
    left = tmp_path / "storage" / "copies" / "storage1599686241"
    left.mkdir(parents=True)
    (left / "1").write_bytes(b"half a layer")
    Engine(tmp_path / "storage", tmp_path / "run")  # one that only looks takes nothing away
    assert left.exists()
    engine.settle()
    assert list((tmp_path / "storage" / "copies").iterdir()) == []
    left.mkdir()
    engine.settle()
    assert left.exists(), "cleared while this node's own pull runs"


def test_podman_keeps_what_it_fetches_where_it_is_cleared(engine, podman, tmp_path):
    (podman.folder / "version.last").write_text('printf %s "$TMPDIR"\n')
    assert engine.do("version") == str(tmp_path / "storage" / "copies")


def test_unfinished_copies_that_cannot_be_removed_stop_the_node(engine, tmp_path):
    copies = tmp_path / "storage" / "copies"
    copies.rmdir()
    copies.write_text("not a folder")
    with pytest.raises(EngineFailed, match="cannot be removed"):
        engine.settle()


def test_an_image_is_asked_about_until_it_has_what_its_label_promises(engine, podman):
    promising = container("a") | {"Config": {"Labels": {"org.cyberprivacy.digest": DIGEST}}}
    podman.answers("ps", ("a", ""))
    podman.answers("inspect", ([promising], ""))
    podman.answers("image-inspect", ([IMAGE | {"RepoDigests": ["x@sha256:1"]}], ""), ([IMAGE], ""))
    assert [found.digests for found in engine.containers()] == [{"sha256:1"}]
    for _ in range(3):
        assert [found.digests for found in engine.containers()] == [{DIGEST}]
    assert podman.count("image-inspect") == 2
    podman.answers("inspect", ([promising | {"Image": "another"}], ""))
    podman.answers("image-inspect", ([IMAGE | {"Id": "another", "RepoDigests": []}], ""))
    assert [found.digests for found in engine.containers()] == [frozenset()]
