"""What is taken from a source that sends a whole graph, and when it is enough."""

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from cyberprivacy.bundle import car, graph
from cyberprivacy.bundle.asking import Asking
from cyberprivacy.bundle.limits import DEFAULT, Limits
from cyberprivacy.bundle.panel import silent
from cyberprivacy.bundle.refusals import BadBundle, Unavailable
from cyberprivacy.bundle.sources import BlockSource, CarSource
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.cid import RAW, Cid
from cyberprivacy.testing.blocks import MemoryBlocks


class Graphs(MemoryBlocks):
    """A source that sends a list of blocks as its CAR, whatever root is asked for."""

    sends: list[tuple[Cid, bytes]]

    @contextmanager
    def car(self, cid: Cid) -> Iterator[io.BytesIO | None]:
        yield io.BytesIO(b"".join(car.write(cid, self.sends)))

    def find(self, cid: Cid) -> bytes | None:
        super().find(cid)
        return None


HELD = MemoryBlocks()
LEAVES = [HELD.raw(bytes((number,)) * 1000) for number in range(10)]
ROOT = HELD.directory(*((b"%d" % number, leaf, 1000) for number, leaf in enumerate(LEAVES)))
BLOCKS = list(graph.blocks(ROOT, HELD.find))


def complete(folder: Path, *sources: BlockSource, limits: Limits = DEFAULT) -> dict[Cid, bytes]:
    incoming = FolderStore(folder).incoming(ROOT)
    Asking(ROOT, sources, incoming, limits, silent).complete()
    return dict(graph.blocks(ROOT, incoming.find))


def sending(blocks: list[tuple[Cid, bytes]], name: str = "graphs") -> Graphs:
    made = Graphs(name=name)
    made.sends = blocks
    return made


def test_a_source_that_sends_graphs_is_known_by_what_it_can_do() -> None:
    assert isinstance(sending([]), CarSource)
    assert not isinstance(HELD, CarSource)


def test_repeated_blocks_and_another_order_are_allowed(tmp_path: Path) -> None:
    mixed = [BLOCKS[0], *reversed(BLOCKS), BLOCKS[3]]
    assert complete(tmp_path, sending(mixed)) == HELD.held


def test_half_a_graph_from_one_source_is_completed_by_the_next(tmp_path: Path) -> None:
    assert complete(tmp_path, sending(BLOCKS[:5]), HELD) == HELD.held


def test_a_child_before_its_parent_belongs_to_something_else(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as refusal:
        complete(tmp_path, sending([BLOCKS[1], BLOCKS[0]]))
    assert refusal.value.code == "bundle.stray"


def test_a_stranger_among_the_blocks_is_not_kept(tmp_path: Path) -> None:
    stranger = b"stranger"
    with pytest.raises(Unavailable):
        complete(tmp_path, sending([BLOCKS[0], (Cid.of(RAW, stranger), stranger)]))
    assert FolderStore(tmp_path).incoming(ROOT).find(Cid.of(RAW, stranger)) is None


@pytest.mark.parametrize("sources", [[sending(BLOCKS)], [HELD]], ids=["graphs", "blocks"])
@pytest.mark.parametrize("limits", [Limits(visits=5), Limits(block=500)], ids=["visits", "block"])
def test_a_bundle_over_the_limits_is_refused_while_it_comes_in(
    sources: list[BlockSource], limits: Limits, tmp_path: Path
) -> None:
    with pytest.raises(BadBundle) as refusal:
        complete(tmp_path, *sources, limits=limits)
    assert refusal.value.code == "bundle.budget"


def test_sizes_that_claim_little_do_not_buy_room_for_much(tmp_path: Path) -> None:
    """Each directory says that its large blocks are small; what has come in is counted all the same."""
    held = MemoryBlocks()
    leaves = [held.raw(number.to_bytes(2) * (1 << 20)) for number in range(40)]
    root = held.directory(*((b"%03d" % number, leaf, 1) for number, leaf in enumerate(leaves)))
    incoming = FolderStore(tmp_path).incoming(root)
    with pytest.raises(BadBundle) as refusal:
        Asking(root, [held], incoming, Limits(content=1 << 20), silent).complete()
    assert refusal.value.code == "bundle.budget"


def test_a_disk_without_room_is_seen_when_the_root_is_known(tmp_path: Path) -> None:
    held = MemoryBlocks()
    root = held.directory((b"large", held.directory(), 1 << 60))
    for source in (held, sending([(root, held.held[root])])):
        with pytest.raises(Unavailable) as refusal:
            Asking(
                root, [source], FolderStore(tmp_path).incoming(root), Limits(content=1 << 61), silent
            ).complete()
        assert refusal.value.code == "bundle.disk"
        assert list((tmp_path / "incoming").iterdir()) == []
