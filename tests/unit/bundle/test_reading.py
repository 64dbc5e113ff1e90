from pathlib import PurePosixPath

import pytest

from cyberprivacy.bundle.panel import Panel
from cyberprivacy.bundle.reading import Reading
from cyberprivacy.bundle.refusals import BadSource, Unavailable
from cyberprivacy.bundle.sources import Fault
from cyberprivacy.bundle.tree import TreeBlocks
from cyberprivacy.cid import Cid
from cyberprivacy.errors import Misuse
from cyberprivacy.testing.blocks import MemoryBlocks


@pytest.fixture(scope="module")
def blocks(tmp_path_factory: pytest.TempPathFactory) -> TreeBlocks:
    tmp_path = tmp_path_factory.mktemp("bundle")
    (tmp_path / "app").mkdir()
    (tmp_path / "app" / "main.py").write_text("print()")
    (tmp_path / "big").write_bytes(bytes(3 << 20))
    (tmp_path / "many").mkdir()
    for number in range(5000):
        (tmp_path / "many" / f"a-rather-long-name-{number:04}").touch()
    return TreeBlocks(tmp_path)


def test_everything_is_listed_parents_first(blocks: TreeBlocks) -> None:
    found = {str(entry.path): entry.size for entry in Reading(blocks.find).entries(blocks.root)}
    assert next(iter(found)) == "."
    assert found["app"] is None
    assert found["app/main.py"] == 7
    assert found["big"] == 3 << 20
    assert sum(path.startswith("many/") for path in found) == 5000
    assert len(found) == blocks.entries


def test_one_file_is_read_by_its_path_from_the_blocks_on_the_way(blocks: TreeBlocks) -> None:
    asked: list[Cid] = []

    def find(cid: Cid) -> bytes | None:
        asked.append(cid)
        return blocks.find(cid)

    reading = Reading(find)
    entry = reading.at(blocks.root, PurePosixPath("app/main.py"))
    assert entry.size == 7
    assert b"".join(reading.content(entry.cid, entry.size)) == b"print()"
    assert len(set(asked)) == 3


def test_a_file_in_a_large_directory_is_found(blocks: TreeBlocks) -> None:
    entry = Reading(blocks.find).at(blocks.root, PurePosixPath("many/a-rather-long-name-0042"))
    assert entry.size == 0


@pytest.mark.parametrize("path", ["no", "app/no", "app/main.py/x", "..", "app/../big", "/big"])
def test_a_path_that_is_not_there_is_misuse(path: str, blocks: TreeBlocks) -> None:
    with pytest.raises(Misuse) as refusal:
        Reading(blocks.find).at(blocks.root, PurePosixPath(path))
    assert refusal.value.code == "bundle.path"


class Lies(MemoryBlocks):
    def find(self, cid: Cid) -> bytes | None:
        super().find(cid)
        raise BadSource("lies", code="bundle.hash", cid=str(cid))


class Fails(MemoryBlocks):
    def find(self, cid: Cid) -> bytes | None:
        super().find(cid)
        raise Unavailable("fails", code="bundle.unreachable")


def test_of_several_sources_the_first_that_has_a_block_gives_it_and_liars_are_asked_once() -> None:
    held = MemoryBlocks()
    cids = [held.raw(b"a"), held.raw(b"b")]
    lies, fails, empty = Lies(name="lies"), Fails(name="fails"), MemoryBlocks(name="empty")
    seen: list[object] = []
    panel = Panel([lies, fails, empty, held], seen.append)
    assert [panel.take(cid) for cid in cids] == [b"a", b"b"]
    assert [len(source.asked) for source in (lies, fails, empty, held)] == [1, 1, 2, 2]
    assert [(event.source, event.error.code) for event in seen if isinstance(event, Fault)] == [
        ("lies", "bundle.hash"),
        ("fails", "bundle.unreachable"),
    ]


@pytest.mark.parametrize(
    ("code", "sources"),
    [
        ("bundle.missing", [MemoryBlocks(name="empty")]),
        ("bundle.hash", [Lies(name="lies"), MemoryBlocks(name="empty")]),
        ("bundle.unreachable", [Lies(name="lies"), Fails(name="fails")]),
    ],
)
def test_why_a_block_cannot_be_had_is_said_by_the_code(code: str, sources: list[MemoryBlocks]) -> None:
    with pytest.raises(Unavailable) as refusal:
        Panel(sources).take(MemoryBlocks().raw(b"x"))
    assert refusal.value.code == code
    assert set(refusal.value.facts["asked"]) == {source.name for source in sources}
