"""Auditors measure against what the chain has recorded, whatever the author's manifest says."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from good_bundle import KUBERNETES, MANIFEST, edited, write

from cyberprivacy import cli
from cyberprivacy.bundle.pack import pack
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.cid import Cid
from cyberprivacy.proposal import actions

World = Any
Run = Callable[..., dict[str, Any]]
Bundle = Callable[..., Cid]

PAYLOAD = "".join(f"steal({number})\n" for number in range(500))


@pytest.fixture
def made(tmp_path: Path) -> Bundle:
    """Makes a bundle in the store: its release, its parent, and files beside those of the good one."""

    def make(number: int, parent: Cid | None, **files: str) -> Cid:
        manifest = edited(MANIFEST, ("release: 1", f"release: {number}"), ("null", str(parent or "null")))
        folder = tmp_path / f"tree-{len(list(tmp_path.iterdir()))}"
        tree = write(folder, {"cyberprivacy.yaml": manifest, "app/main.py": f"print({number})\n", **files})
        return pack(tree, store=FolderStore(tmp_path / "store")).cid

    return make


@pytest.fixture
def run(world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Run:
    """Type a command about a bundle; its JSON, and what it said beside, after its exit code was checked."""

    def typed(*words: object, who: str = "", code: int = 0, sources: bool = True) -> dict[str, Any]:
        url = f"http://{world.endpoint.name}"
        given = ["--store", str(tmp_path / "store")] if sources else []
        given += ["--signer", url, "--from", who] if who else []
        assert cli.run([*map(str, words), "--rpc", url, "--dao", world.dao.governor, *given, "--json"]) == code
        captured = capsys.readouterr()
        said: dict[str, Any] = json.loads(captured.out)
        return {**said, "beside": captured.err}

    return typed


@pytest.fixture
def first(world: World, made: Bundle) -> Cid:
    """Release 1, live."""
    cid = made(1, None)
    world.live(cid, number=1)
    return cid


def published(world: World, cid: Cid, *, parent: Cid, number: int = 2, read: Cid | None = None) -> Cid:
    actions.publish(
        world.acting(world.publisher), cid, parent=parent, number=number, pipeline=1, already_read=read
    )
    return cid


def test_a_manifest_that_names_another_parent_than_the_chain_is_refused(
    world: World, run: Run, made: Bundle, first: Cid, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    decoy = made(1, None, **{"app/more.py": PAYLOAD})  # the author's own: it holds the payload already
    evil = published(world, made(2, decoy, **{"app/more.py": PAYLOAD}), parent=first)
    assert cli.run(["measure", str(evil), "--store", str(tmp_path / "store"), "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["lines"] < 50  # what the manifest wants auditors to see
    refused = run("measure", evil, code=1)
    assert (refused["error"], refused["facts"]["chain"]) == ("measure.parent", str(first))


def test_what_was_published_is_measured_against_its_recorded_parent_and_credit(
    world: World, run: Run, made: Bundle, first: Cid
) -> None:
    read = world.published(made(2, first, **{"app/more.py": PAYLOAD}), number=2)
    world.advance_to(world.life(read).review_ends)
    plain = published(world, made(3, first, **{"app/more.py": PAYLOAD}), parent=first, number=3)
    credited = published(world, made(4, first, **{"app/more.py": PAYLOAD}), parent=first, number=4, read=read)
    found = run("measure", plain)
    assert (found["against"], found["lines"] > 500) == ([str(first)], True)
    found = run("measure", credited)
    assert (found["against"], found["lines"] < 50) == ([str(first), str(read)], True)


def test_what_nobody_has_published_is_measured_against_what_runs_now(run: Run, made: Bundle, first: Cid) -> None:
    found = run("measure", made(2, first))
    assert found["against"] == [str(first)]
    assert "which runs now" in found["beside"]
    assert run("measure", made(2, made(1, None, x="y")), code=1)["error"] == "measure.parent"


def test_a_bundle_under_another_number_than_its_manifest_has_is_refused(
    world: World, run: Run, made: Bundle, first: Cid
) -> None:
    assert run("measure", published(world, made(2, first), parent=first, number=9), code=1)["error"] == (
        "measure.manifest"
    )


def test_against_and_a_dao_contradict_each_other(run: Run, made: Bundle) -> None:
    assert run("measure", made(1, None), "--against", "x", code=2)["error"] == "measure.against"


def test_a_dao_in_the_environment_gives_way_to_what_is_typed(
    world: World, made: Bundle, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CYBERPRIVACY_DAO", world.dao.governor)
    cid, other = made(1, None), made(1, None, x="y")
    assert cli.run(["measure", str(cid), "--store", str(tmp_path / "store"), "--json"]) == 2
    assert json.loads(capsys.readouterr().out)["error"] == "measure.chain"
    words = ["measure", str(cid), "--against", str(other), "--store", str(tmp_path / "store"), "--json"]
    assert cli.run(words) == 0


def test_a_statement_is_only_signed_if_it_is_about_what_the_chain_has_recorded(
    world: World, run: Run, made: Bundle, first: Cid, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    url, store, report = f"http://{world.endpoint.name}", str(tmp_path / "store"), tmp_path / "report.json"
    cid = published(world, made(2, first, **{"app/more.py": PAYLOAD}), parent=first)
    lines = run("measure", cid)["lines"]

    def stated(*words: str) -> Path:
        assert cli.run(["measure", str(cid), "--statement", "--store", store, *words]) == 0
        report.write_text(capsys.readouterr().out)
        return report

    def attested(lines: int, *, code: int) -> dict[str, Any]:
        words = ("attest", cid, "--lines", lines, "--report", report)
        return run(*words, who=world.seats[0], code=code, sources=False)

    stated("--against", str(made(1, None, **{"app/more.py": PAYLOAD})))
    told = json.loads(report.read_text())["predicate"]["lines"]
    refused = attested(told, code=1)
    assert (refused["error"], refused["facts"]["field"]) == ("attest.report", "against")
    stated("--dao", world.dao.governor, "--rpc", url)
    assert attested(lines - 1, code=1)["facts"]["field"] == "lines"
    assert world.life(cid).attested == 0
    attested(lines, code=0)
    assert world.life(cid).attested == 1


def test_a_bundle_at_hand_is_looked_at_once_more_before_anybody_vouches_for_it(
    world: World, run: Run, made: Bundle, first: Cid, tmp_path: Path
) -> None:
    (tmp_path / "review.md").write_text("I read all of it.")
    words = ("--lines", 40, "--report", tmp_path / "review.md")
    evil = published(world, made(2, made(1, None, x="y")), parent=first)
    assert run("attest", evil, *words, who=world.seats[0], code=1)["error"] == "measure.parent"
    louder = edited(KUBERNETES, ("replicas: 2", "replicas: 3"))
    urgent = published(world, made(3, first, **{"k8s/web.yaml": louder}), parent=first, number=3)
    told = run("attest", urgent, *words, "--severity", "high", who=world.seats[0])
    assert "k8s/web.yaml" in told["beside"]
    assert "k8s/web.yaml" in run("measure", urgent)["beside"]
    quiet = published(world, made(4, first), parent=first, number=4)
    assert "k8s/" not in run("attest", quiet, *words, "--severity", "high", who=world.seats[0])["beside"]
