"""What somebody changed is put back and told, also where others write at the same moment or the cluster goes away."""

from collections.abc import Callable

import pytest

from cyberprivacy.deploy.kubernetes.api import ClusterConflict, ClusterSilent
from cyberprivacy.deploy.kubernetes.changes import Mark
from cyberprivacy.deploy.kubernetes.drift import Drifts
from cyberprivacy.deploy.kubernetes.fields import Object, text

WANTED = [
    {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "book"}, "data": {"a": "b"}}
    for name in ("one", "two", "three")
]


class Objects:
    """A cluster that keeps objects with a version each, as an API server does."""

    def __init__(self) -> None:
        self.kept: dict[str, Object] = {}
        self.before_write: Callable[[str], None] = lambda _: None
        self.version = 0

    def get(self, kind: str, name: str, namespace: str) -> Object | None:
        assert (kind, namespace) == ("ConfigMap", "book")
        return self.kept.get(name)

    def apply(self, wanted: Object) -> Object:
        return self.write(wanted, "cyberprivacy")

    def replace(self, wanted: Object) -> Object:
        name = text(wanted, "metadata", "name")
        self.before_write(name)
        if text(wanted, "metadata", "resourceVersion") != text(self.kept[name], "metadata", "resourceVersion"):
            raise ClusterConflict("written since")
        return self.write(wanted, "cyberprivacy")

    def write(self, wanted: Object, by: str) -> Object:
        self.version += 1
        name = text(wanted, "metadata", "name")
        about = {
            **wanted["metadata"],  # type: ignore[dict-item]
            "uid": name,
            "resourceVersion": str(self.version),
            "managedFields": [{"manager": by, "operation": "Apply", "fieldsV1": {"f:data": {}}}],
        }
        self.kept[name] = {**wanted, "metadata": about}
        return self.kept[name]


@pytest.fixture
def cluster() -> Objects:
    objects = Objects()
    for one in WANTED:
        objects.apply(one)
    return objects


@pytest.fixture
def drifts(cluster: Objects) -> Drifts:
    made = Drifts(cluster, 0)  # type: ignore[arg-type]
    assert list(made.look("book", WANTED)) == []
    return made


def spoil(cluster: Objects, name: str) -> None:
    cluster.write({**cluster.kept[name], "data": {"a": "evil"}}, "mallory")


def test_what_another_writes_meanwhile_is_read_again(cluster: Objects, drifts: Drifts) -> None:
    spoil(cluster, "two")
    left = [1, 2, 3]
    cluster.before_write = lambda name: spoil(cluster, name) if left and left.pop() else None
    assert list(drifts.look("book", WANTED)) == ["ConfigMap/two: written by mallory"]
    assert cluster.kept["two"]["data"] == {"a": "b"}
    assert list(drifts.look("book", WANTED)) == []


def test_who_writes_without_end_is_left_for_the_next_round(cluster: Objects, drifts: Drifts) -> None:
    spoil(cluster, "two")
    cluster.before_write = lambda name: spoil(cluster, name)
    with pytest.raises(ClusterConflict):
        list(drifts.look("book", WANTED))
    assert drifts.due("book", None)


def test_what_was_put_right_before_the_cluster_went_away_is_told(cluster: Objects, drifts: Drifts) -> None:
    spoil(cluster, "one")
    spoil(cluster, "three")

    def away(name: str) -> None:
        if name == "three":
            raise ClusterSilent("gone")

    cluster.before_write, told = away, []
    with pytest.raises(ClusterSilent):
        told.extend(drifts.look("book", WANTED))
    assert told == ["ConfigMap/one: written by mallory"]
    assert cluster.kept["one"]["data"] == {"a": "b"}


def test_where_nothing_happened_nothing_is_looked_at(drifts: Drifts) -> None:
    assert drifts.due("book", Mark(1, 1))
    drifts.rest("book", Mark(1, 1))
    assert not drifts.due("book", Mark(1, 1))
    assert drifts.due("book", Mark(1, 2))
    assert drifts.due("book", Mark(2, 1))
    assert drifts.due("book", None)  # nobody can say
    drifts.forget("book")
    assert drifts.due("book", Mark(1, 1))


def test_who_could_not_say_when_it_was_right_looks_again(drifts: Drifts) -> None:
    drifts.rest("book", None)
    assert drifts.due("book", Mark(1, 1))
