import io
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx2
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

from cyberprivacy.bundle import car, graph
from cyberprivacy.bundle.fetch import fetch
from cyberprivacy.bundle.gateway import CAR_TYPE, Gateway
from cyberprivacy.bundle.pack import pack
from cyberprivacy.bundle.refusals import BadBundle, Unavailable
from cyberprivacy.bundle.serve import PROBE, gateway_app
from cyberprivacy.bundle.sources import Received
from cyberprivacy.bundle.store import FolderStore
from cyberprivacy.bundle.tree import TreeBlocks
from cyberprivacy.cid import RAW, Cid
from cyberprivacy.testing.blocks import MemoryBlocks
from cyberprivacy.testing.gateway import LyingGateway, running

HELD = MemoryBlocks()
LEAF = HELD.raw(b"hi")
INNER = HELD.directory((b"x", LEAF, 2))
ROOT = HELD.directory((b"a", INNER, len(HELD.held[INNER]) + 2), (b"b", LEAF, 2))
ABSENT = Cid.of(RAW, b"absent")


@pytest.fixture(scope="module")
def client() -> Iterator[httpx2.Client]:
    with TestClient(gateway_app(HELD.find)) as made:
        yield made


@pytest.mark.parametrize(
    ("query", "accept"),
    [
        ("?format=raw", "*/*"),
        ("", "application/vnd.ipld.raw"),
        ("?format=raw", CAR_TYPE),
        ("", "text/html, application/vnd.ipld.raw;q=0.5"),
    ],
)
def test_a_block_is_served_with_the_headers_that_let_caches_keep_it(query: str, accept: str, client) -> None:
    answer = client.get(f"/ipfs/{LEAF}{query}", headers={"accept": accept})
    assert (answer.status_code, answer.content) == (200, b"hi")
    assert answer.headers["content-type"] == "application/vnd.ipld.raw"
    assert answer.headers["cache-control"] == "public, max-age=29030400, immutable"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["etag"] == f'"{LEAF}.raw"'
    assert answer.headers["content-length"] == "2"


@pytest.mark.parametrize(
    ("query", "accept"),
    [
        ("?format=car", "*/*"),
        ("?format=car&car-version=1&car-order=dfs&car-dups=n&dag-scope=all", "*/*"),
        ("", "application/vnd.ipld.car"),
        ("", "application/vnd.ipld.car; version=1; order=dfs; dups=n"),
        ("", "application/vnd.ipld.car;order=unk"),
    ],
)
def test_a_whole_graph_is_served_in_one_order_without_repeats(query: str, accept: str, client) -> None:
    answer = client.get(f"/ipfs/{ROOT}{query}", headers={"accept": accept})
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.ipld.car; version=1; order=dfs; dups=n"
    assert answer.headers["etag"] == f'"{ROOT}.car.dfs.n"'
    assert [cid for cid, _ in car.read(io.BytesIO(answer.content), ROOT)] == [ROOT, INNER, LEAF]


@pytest.mark.parametrize("form", ["raw", "car"])
def test_a_head_request_gets_the_headers_alone(form: str, client) -> None:
    got, head = (call(f"/ipfs/{ROOT}?format={form}") for call in (client.get, client.head))
    assert (head.status_code, head.content) == (200, b"")
    for name in ("etag", "content-type", "cache-control", "x-content-type-options"):
        assert head.headers[name] == got.headers[name]


@pytest.mark.parametrize("form", ["raw", "car"])
def test_a_client_that_has_it_already_is_told_so(form: str, client) -> None:
    etag = client.head(f"/ipfs/{ROOT}?format={form}").headers["etag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = client.get(f"/ipfs/{ROOT}?format={form}", headers={"if-none-match": known})
        assert (answer.status_code, answer.content) == (304, b"")
    assert client.get(f"/ipfs/{ROOT}?format={form}", headers={"if-none-match": '"x"'}).status_code == 200


def test_the_probe_is_answered(client) -> None:
    for call in (client.get, client.head):
        answer = call(f"/ipfs/{PROBE}?format=raw")
        assert (answer.status_code, answer.content) == (200, b"")


@pytest.mark.parametrize(
    ("status", "code", "path"),
    [
        (404, "bundle.missing", f"/ipfs/{ABSENT}?format=raw"),
        (404, "bundle.missing", f"/ipfs/{ABSENT}?format=car"),
        (406, "bundle.format", f"/ipfs/{ROOT}"),
        (406, "bundle.format", f"/ipfs/{ROOT}?format=tar"),
        (406, "bundle.format", f"/ipfs/{ROOT}?format=car&car-version=2"),
        (406, "bundle.format", f"/ipfs/{ROOT}?format=car&car-dups=y"),
        (400, "bundle.scope", f"/ipfs/{ROOT}?format=car&dag-scope=entity"),
        (400, "bundle.scope", f"/ipfs/{ROOT}?format=car&entity-bytes=0:1"),
        (400, "bundle.path", f"/ipfs/{ROOT}/a/x?format=raw"),
        (400, "cid.form", "/ipfs/QmUNLLsPACCz1vLxQVkXqqLX5R1X345qqfHbsf67hvA3Nn?format=raw"),
        (400, "cid.form", f"/ipfs/{PROBE}?format=car"),
        (400, "cid.form", "/ipfs/..?format=raw"),
        (400, "cid.form", f"/ipfs/{ROOT}%00?format=raw"),
        (404, "bundle.request", "/"),
        (404, "bundle.request", "/etc/passwd"),
    ],
)
def test_what_is_not_served_is_refused_with_a_code_and_not_cached(
    status: int, code: str, path: str, client
) -> None:
    answer = client.get(path.replace("/ipfs/..", "/ipfs/%2e%2e"))
    assert (answer.status_code, answer.json()["error"]) == (status, code)
    assert answer.headers["cache-control"] == "no-store"


def test_nothing_can_be_written(client) -> None:
    for call in (client.post, client.put, client.delete):
        assert call(f"/ipfs/{ROOT}?format=raw").status_code == 405


@given(
    cid=st.text(max_size=40),
    form=st.text(max_size=20),
    accept=st.text(alphabet=[chr(code) for code in range(32, 127)], max_size=40),
)
def test_any_request_gets_an_answer_below_500(cid: str, form: str, accept: str, client) -> None:
    try:
        url = httpx2.URL("http://testserver/ipfs/x").copy_with(path=f"/ipfs/{cid}")
    except httpx2.InvalidURL:
        return
    answer = client.get(url, params={"format": form}, headers={"accept": accept.strip()})
    assert answer.status_code < 500


def test_a_graph_that_misses_a_block_is_cut_off_and_never_looks_whole(tmp_path: Path) -> None:
    held = MemoryBlocks(HELD.held.items())
    del held.held[LEAF]
    with running(gateway_app(held.find)) as url, pytest.raises(Unavailable) as refusal:
        fetch(ROOT, [Gateway(url)], FolderStore(tmp_path / "store"), tmp_path / "tree")
    assert refusal.value.code == "bundle.missing"


def test_many_clients_are_served_at_once(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    for number in range(30):
        (tmp_path / "source" / str(number)).write_bytes(bytes((number,)) * 100_000)
    store = FolderStore(tmp_path / "store")
    root = pack(tmp_path / "source", store=store).cid

    def client(number: int) -> Cid:
        place = tmp_path / f"client{number}"
        place.mkdir()
        return fetch(root, [Gateway(url)], FolderStore(place / "store"), place / "tree").cid

    with running(gateway_app(store.find)) as url, ThreadPoolExecutor(6) as pool:
        assert set(pool.map(client, range(6))) == {root}


names = st.text(st.characters(codec="utf-8", categories=("L", "N")), min_size=1, max_size=8)
contents = st.binary(max_size=60) | st.integers(0, 255).map(lambda byte: bytes((byte,)) * ((1 << 20) + byte))
trees = st.recursive(contents, lambda below: st.dictionaries(names, below, max_size=5), max_leaves=12)


@pytest.fixture(scope="module")
def shelf() -> Iterator[tuple[list[FolderStore], str]]:
    """A running gateway, and the list in which the store stands that it serves."""
    served: list[FolderStore] = []

    def find(cid: Cid) -> bytes | None:
        return served[0].find(cid)

    with running(gateway_app(find)) as url:
        yield served, url


def write(tree: dict, at: Path) -> None:
    at.mkdir()
    for name, value in tree.items():
        if isinstance(value, dict):
            write(value, at / name)
        else:
            (at / name).write_bytes(value)


def read(at: Path) -> dict:
    return {path.name: read(path) if path.is_dir() else path.read_bytes() for path in at.iterdir()}


@given(tree=trees.filter(lambda tree: isinstance(tree, dict)))
@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_tree_that_is_packed_and_served_arrives_the_same(tree: dict, shelf, tmp_path_factory) -> None:
    place = tmp_path_factory.mktemp("trip")
    served, url = shelf
    write(tree, place / "source")
    store = FolderStore(place / "store")
    try:
        packed = pack(place / "source", store=store)
    except BadBundle as refusal:
        assert refusal.code == "bundle.name"  # names that hypothesis chose alike, or in another Unicode form
        return
    served[:] = [store]
    bundle = fetch(packed.cid, [Gateway(url)], FolderStore(place / "other"), place / "tree")
    assert read(bundle.tree) == tree
    assert (bundle.size, bundle.entries) == (packed.size, packed.entries)


def test_a_second_fetch_asks_nobody(tmp_path: Path) -> None:
    gateway = LyingGateway(HELD.find)
    store = FolderStore(tmp_path / "store")
    seen: list[object] = []
    with running(gateway) as url:
        fetch(ROOT, [Gateway(url)], store, tmp_path / "one", progress=seen.append)
        assert gateway.asked == [f"/ipfs/{ROOT}?format=car&car-version=1&car-order=dfs&car-dups=n"]
        assert seen[-1] == Received(url, 3, sum(map(len, HELD.held.values())))
        fetch(ROOT, [Gateway(url)], store, tmp_path / "one")
        fetch(ROOT, [Gateway(url)], store, tmp_path / "two")
        assert len(gateway.asked) == 1
    assert list(graph.blocks(ROOT, TreeBlocks(tmp_path / "two").find)) == list(graph.blocks(ROOT, HELD.find))


def test_a_tree_in_the_way_is_refused_and_replaced_only_when_told_so(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "store")
    tree = tmp_path / "tree"
    tree.mkdir()
    assert fetch(ROOT, [HELD], store, tree).cid == ROOT  # an empty directory is not in the way
    (tree / "b").write_text("changed")
    with pytest.raises(BadBundle) as refusal:
        fetch(ROOT, [HELD], store, tree)
    assert refusal.value.code == "bundle.tree"
    assert (tree / "b").read_text() == "changed"
    fetch(ROOT, [HELD], store, tree, replace=True)
    assert (tree / "b").read_text() == "hi"


def test_a_store_that_lost_blocks_gets_them_back_from_the_tree(tmp_path: Path) -> None:
    fetch(ROOT, [HELD], FolderStore(tmp_path / "store"), tmp_path / "tree")
    fresh = FolderStore(tmp_path / "fresh")
    fetch(ROOT, [], fresh, tmp_path / "tree")
    assert dict(graph.blocks(ROOT, fresh.find)) == HELD.held


def test_without_any_source_it_says_that_nobody_was_asked(tmp_path: Path) -> None:
    with pytest.raises(Unavailable) as refusal:
        fetch(ROOT, [], FolderStore(tmp_path / "store"), tmp_path / "tree")
    assert refusal.value.code == "bundle.missing"
    assert refusal.value.facts["asked"] == []
