"""Gateways that lie, fail or dawdle: each is named, none is believed, and an honest one still serves the bundle."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cyberprivacy.bundle.fetch import fetch
from cyberprivacy.bundle.gateway import Gateway
from cyberprivacy.bundle.pace import Pace
from cyberprivacy.bundle.refusals import BadSource, Unavailable
from cyberprivacy.bundle.serve import gateway_app
from cyberprivacy.bundle.sources import Fault, Received
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.bundle.tree import TreeBlocks
from cyberprivacy.testing.gateway import Lie, LyingGateway, dripping_header, running

BRISK = Pace(deadline=10.0, block=10.0, connect=5.0, silence=2.0, grace=0.5, rate=1000)

CODES = {
    Lie.WRONG_BYTES: "bundle.hash",
    Lie.NO_BLOCKS: "bundle.missing",
    Lie.ONE_MISSING: "bundle.missing",
    Lie.CUT_OFF: "bundle.car",
    Lie.HANGS_UP: "bundle.unreachable",
    Lie.DRIP: "bundle.slow",
    Lie.SILENT: "bundle.slow",
    Lie.GIANT: "bundle.size",
    Lie.ENDLESS: "bundle.stray",
    Lie.REDIRECT: "bundle.redirect",
    Lie.WRONG_ROOT: "bundle.car",
    Lie.GARBAGE_AFTER: "bundle.car",
    Lie.COMPRESSED: "bundle.encoding",
    Lie.BROKEN: "bundle.unreachable",
}


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> TreeBlocks:
    folder = tmp_path_factory.mktemp("bundle")
    (folder / "Dockerfile").write_text("FROM x@sha256:0\n")
    (folder / "app").mkdir()
    (folder / "app" / "main.py").write_text("print('hello')\n" * 100)
    (folder / "app" / "big").write_bytes(bytes(range(256)) * 10_000)
    (folder / "zero").write_bytes(b"")
    return TreeBlocks(folder)


@pytest.fixture(scope="module")
def honest(bundle: TreeBlocks) -> Iterator[str]:
    with running(gateway_app(bundle.find)) as url:
        yield url


def watched() -> tuple[list[Received | Fault], Iterator[Fault]]:
    seen: list[Received | Fault] = []
    return seen, (event for event in seen if isinstance(event, Fault))


@pytest.mark.parametrize("lie", CODES, ids=lambda lie: lie.name.lower())
def test_after_a_lying_gateway_the_next_one_is_asked(
    lie: Lie, bundle: TreeBlocks, honest: str, tmp_path: Path
) -> None:
    seen, faults = watched()
    with running(LyingGateway(bundle.find, lie)) as url:
        sources = [Gateway(url, pace=BRISK), Gateway(honest)]
        made = fetch(
            bundle.root, sources, FolderStore(tmp_path / "store"), tmp_path / "tree", progress=seen.append
        )
    assert TreeBlocks(made.tree).root == bundle.root
    named = {(event.source, event.error.code) for event in faults}
    assert named == (set() if CODES[lie] == "bundle.missing" else {(url, CODES[lie])})


@pytest.mark.parametrize("lie", [Lie.GIANT, Lie.GARBAGE_AFTER], ids=lambda lie: lie.name.lower())
def test_a_gateway_that_lies_after_it_gave_everything_is_named_all_the_same(
    lie: Lie, bundle: TreeBlocks, tmp_path: Path
) -> None:
    seen, faults = watched()
    with running(LyingGateway(bundle.find, lie)) as url:
        fetch(
            bundle.root, [Gateway(url)], FolderStore(tmp_path / "store"), tmp_path / "tree", progress=seen.append
        )
    assert [(event.source, event.error.code) for event in faults] == [(url, CODES[lie])]


ALONE = [lie for lie in CODES if lie not in (Lie.GIANT, Lie.GARBAGE_AFTER)]


@pytest.mark.parametrize("lie", ALONE, ids=lambda lie: lie.name.lower())
def test_a_lying_gateway_alone_is_named_in_the_error_and_leaves_no_tree(
    lie: Lie, bundle: TreeBlocks, tmp_path: Path
) -> None:
    with running(LyingGateway(bundle.find, lie)) as url:
        started = time.perf_counter()
        with pytest.raises(Unavailable) as refusal:
            fetch(bundle.root, [Gateway(url, pace=BRISK)], FolderStore(tmp_path / "store"), tmp_path / "tree")
        assert time.perf_counter() - started < 60
    assert refusal.value.code == CODES[lie]
    assert url in refusal.value.facts["asked"]
    assert not (tmp_path / "tree").exists()
    assert {path.name for path in tmp_path.iterdir()} == {"store"}


def test_a_header_that_comes_byte_by_byte_is_cut_at_the_deadline(bundle: TreeBlocks) -> None:
    with dripping_header(pause=0.05) as url:
        started = time.perf_counter()
        with pytest.raises(Unavailable) as refusal:
            Gateway(url, pace=Pace(deadline=1.0, block=1.0, silence=10.0)).find(bundle.root)
        assert time.perf_counter() - started < 30
    assert refusal.value.code == "bundle.slow"


def test_a_gateway_that_drips_is_given_up_before_its_deadline(bundle: TreeBlocks) -> None:
    with running(LyingGateway(bundle.find, Lie.DRIP)) as url:
        started = time.perf_counter()
        with pytest.raises(Unavailable) as refusal:
            Gateway(url, pace=Pace(grace=0.5, rate=1000)).find(bundle.root)
        assert time.perf_counter() - started < 30
    assert refusal.value.code == "bundle.slow"


def test_a_redirect_to_a_private_address_is_not_followed(bundle: TreeBlocks) -> None:
    liar = LyingGateway(bundle.find, Lie.REDIRECT)
    with running(liar) as url, pytest.raises(BadSource) as refusal:
        Gateway(url).find(bundle.root)
    assert refusal.value.code == "bundle.redirect"
    assert len(liar.asked) == 1


def test_an_answer_of_many_megabytes_is_dropped_before_it_is_taken(bundle: TreeBlocks) -> None:
    with running(LyingGateway(bundle.find, Lie.GIANT)) as url, pytest.raises(BadSource) as refusal:
        Gateway(url).find(bundle.root)
    assert refusal.value.code == "bundle.size"


def test_a_proxy_in_the_environment_is_not_used(
    bundle: TreeBlocks, honest: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert Gateway(honest).find(bundle.root) == bundle.find(bundle.root)


def test_a_source_that_fails_half_way_is_still_asked_for_the_other_blocks(
    bundle: TreeBlocks, tmp_path: Path
) -> None:
    """A gateway in front of a slow disk breaks long answers, and gives short ones."""
    gateway = LyingGateway(bundle.find, Lie.HANGS_UP)

    class Mends(Gateway):
        def find(self, cid):
            gateway.lie = Lie.NOTHING
            return super().find(cid)

    with running(gateway) as url:
        made = fetch(bundle.root, [Mends(url)], FolderStore(tmp_path / "store"), tmp_path / "tree")
    assert made.cid == bundle.root
