from collections.abc import Iterator
from pathlib import Path

import pytest

from cyberprivacy.bundle import graph
from cyberprivacy.bundle.fetch import fetch
from cyberprivacy.bundle.kubo import Kubo
from cyberprivacy.bundle.kubo_pins import KuboPins
from cyberprivacy.bundle.refusals import BadSource, Unavailable
from cyberprivacy.bundle.remote import Down
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.bundle.tree import TreeBlocks
from cyberprivacy.cid import RAW, Cid
from cyberprivacy.cli import run
from cyberprivacy.testing.gateway import running
from cyberprivacy.testing.kubo import FakeKubo


@pytest.fixture
def bundle(tmp_path: Path) -> TreeBlocks:
    folder = tmp_path / "source"
    folder.mkdir()
    (folder / "Dockerfile").write_text("FROM x\n")
    (folder / "big").write_bytes(bytes(range(256)) * 9000)
    return TreeBlocks(folder)


@pytest.fixture
def fake() -> FakeKubo:
    return FakeKubo()


@pytest.fixture
def kubo(fake: FakeKubo) -> Iterator[Kubo]:
    with running(fake) as url:
        yield Kubo(url)


def test_a_bundle_that_is_pushed_is_pinned_and_can_be_fetched_from_there(
    bundle: TreeBlocks, fake: FakeKubo, kubo: Kubo, tmp_path: Path
) -> None:
    kubo.push(bundle.root, bundle.find)
    assert fake.pinned == [str(bundle.root)]
    made = fetch(bundle.root, [kubo], FolderStore(tmp_path / "store"), tmp_path / "tree")
    assert made.size == bundle.size


def test_what_it_does_not_have_is_missing_and_not_a_fault(bundle: TreeBlocks, kubo: Kubo, tmp_path: Path) -> None:
    assert kubo.find(Cid.of(RAW, b"absent")) is None
    with pytest.raises(Unavailable) as refusal:
        fetch(bundle.root, [kubo], FolderStore(tmp_path / "store"), tmp_path / "tree")
    assert refusal.value.code == "bundle.missing"


def test_even_ones_own_kubo_is_not_believed(
    bundle: TreeBlocks, fake: FakeKubo, kubo: Kubo, tmp_path: Path
) -> None:
    kubo.push(bundle.root, bundle.find)
    leaf = next(cid for cid, _ in graph.blocks(bundle.root, bundle.find) if cid.codec == RAW)
    fake.blocks.held[leaf] = b"its disk has rotted"
    with pytest.raises(BadSource) as refusal:
        kubo.find(leaf)
    assert refusal.value.code == "bundle.hash"
    with pytest.raises(Unavailable) as later:
        fetch(bundle.root, [kubo], FolderStore(tmp_path / "store"), tmp_path / "tree")
    assert later.value.code == "bundle.hash"


def test_a_kubo_that_did_not_pin_is_not_taken_for_one_that_did(
    bundle: TreeBlocks, fake: FakeKubo, kubo: Kubo
) -> None:
    fake.full = True
    with pytest.raises(Unavailable) as refusal:
        kubo.push(bundle.root, bundle.find)
    assert refusal.value.code == "bundle.push"


def test_push_takes_a_directory_or_a_cid_of_the_store(
    bundle: TreeBlocks, fake: FakeKubo, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store = FolderStore(tmp_path / "store")
    store.add(graph.blocks(bundle.root, bundle.find))
    with running(fake) as url:
        assert run(["bundle", "push", bundle.name, "--kubo", url]) == 0
        assert run(["bundle", "push", str(bundle.root), "--store", str(store.folder), "--kubo", url]) == 0
    assert fake.pinned == [str(bundle.root)] * 2
    assert f"pinned {bundle.root}" in capsys.readouterr().out


def test_a_root_is_pinned_listed_and_let_go(bundle: TreeBlocks, fake: FakeKubo) -> None:
    with running(fake) as url:
        Kubo(url).push(bundle.root, bundle.find)
        pins = KuboPins(url)
        made = pins.pin(bundle.root, "guestbook")
        assert made.blocks == len(list(graph.blocks(bundle.root, bundle.find)))
        assert pins.pins(bundle.root) == [made]
        assert [pin.name for pin in pins.pins()] == ["guestbook"]
        assert (pins.unpin(bundle.root), pins.unpin(bundle.root)) == (1, 0)
        assert pins.pins(bundle.root) == []


def test_a_root_without_its_blocks_is_not_pinned(fake: FakeKubo) -> None:
    with running(fake) as url, pytest.raises(Down) as refusal:
        KuboPins(url).pin(Cid.of(RAW, b"absent"), "")
    assert refusal.value.code == "pinning.failed"
