"""What runs is told from what the API server says; every way in which it could be something else is named."""

import copy

import pytest

from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.deploy.inspection import Foreign
from cyberprivacy.deploy.kubernetes.reading import deployment_of, differs, other_images, others_in

SPEC = "ab" * 32
MARK = SPEC[:16]
CID = Cid.of(DAG_PB, b"release")
LABELS = {"org.cyberprivacy/generation": MARK, "org.cyberprivacy/workload": "web"}
SAID = {"org.cyberprivacy/release": str(CID), "org.cyberprivacy/wanted": "2", "org.cyberprivacy/image": "site"}
DIGEST = "sha256:" + "1" * 64
BOX = {"image": "registry.example/web", "command": ["serve"], "env": [{"name": "A", "value": "b"}]}


def owned(uid: str) -> list[dict[str, object]]:
    return [{"uid": uid, "controller": True}]


def workload() -> dict[str, object]:
    template = {"spec": {"containers": [BOX]}}
    spec = {"selector": {"matchLabels": LABELS}, "template": template}
    return {"metadata": {"name": f"web-{MARK}", "uid": "d", "labels": LABELS, "annotations": SAID}, "spec": spec}


def replica_set() -> dict[str, object]:
    return {"metadata": {"name": "rs", "uid": "r", "labels": LABELS, "ownerReferences": owned("d")}}


def pod(name: str = "p", *, image: str = DIGEST, ready: bool = True) -> dict[str, object]:
    status = {
        "phase": "Running",
        "conditions": [{"type": "Ready", "status": "True" if ready else "False"}],
        "containerStatuses": [{"imageID": f"registry.example/web@{image}"}],
    }
    metadata = {"name": name, "uid": f"uid of {name}", "labels": dict(LABELS), "ownerReferences": owned("r")}
    return {"metadata": metadata, "spec": {"containers": [dict(BOX)]}, "status": status}


def read(*pods: dict[str, object], workloads=None, sets=None):
    return deployment_of("book", SPEC, workloads or [workload()], sets or [replica_set()], pods)


def test_what_serves_is_told_with_the_images_that_its_pods_really_run() -> None:
    found = read(pod("a"), pod("b", ready=False))
    assert found is not None
    assert (found.release, found.images, found.ready, found.wanted) == (CID, {"site": DIGEST}, 1, 2)
    assert deployment_of("book", "cd" * 32, [workload()], [], []) is None


def spoilt(change) -> dict[str, object]:
    found = copy.deepcopy(pod())
    change(found)
    return found


@pytest.mark.parametrize(
    "change",
    [
        lambda one: one["metadata"].pop("ownerReferences"),
        lambda one: one["metadata"].update(ownerReferences=owned("other")),
        lambda one: one["metadata"].update(ownerReferences=[{"uid": "r"}]),
        lambda one: one["spec"].update(ephemeralContainers=[{}]),
        lambda one: one["spec"].update(initContainers=[{}]),
        lambda one: one["spec"].update(containers=[BOX, BOX]),
        lambda one: one["spec"]["containers"][0].update(command=["evil"]),
        lambda one: one["spec"]["containers"][0].update(image="registry.example/evil"),
        lambda one: one["metadata"]["labels"].pop("org.cyberprivacy/workload"),
    ],
)
def test_a_pod_that_is_not_as_we_made_it_is_refused(change) -> None:
    with pytest.raises(Foreign) as refusal:
        read(pod("a"), spoilt(change))
    assert refusal.value.code == "deploy.foreign"


def test_an_owner_is_a_claim_that_anybody_can_write() -> None:
    forged = replica_set()
    forged["metadata"] |= {"labels": {"app": "evil"}}  # type: ignore[operator]
    with pytest.raises(Foreign):
        read(pod("a"), sets=[forged])


def test_a_pod_whose_deployment_went_first_is_on_its_way_out() -> None:
    orphan = pod()
    orphan["metadata"] |= {"ownerReferences": owned("gone"), "deletionTimestamp": "2026-01-01T00:00:00Z"}  # type: ignore[operator]
    assert read(pod("a"), orphan) is not None


def test_two_images_under_one_name_and_annotations_of_somebody_else_are_refused() -> None:
    with pytest.raises(Foreign):
        read(pod("a"), pod("b", image="sha256:" + "2" * 64))
    other = workload()
    other["metadata"] |= {"annotations": SAID | {"org.cyberprivacy/release": "x"}}  # type: ignore[operator]
    with pytest.raises(Foreign):
        read(pod("a"), workloads=[other])


def test_another_image_than_was_pushed_is_named() -> None:
    assert other_images([pod()], MARK, {"web": DIGEST}) == {}
    assert other_images([pod(image="sha256:evil")], MARK, {"web": DIGEST}) == {"web": "sha256:evil"}
    assert other_images([pod()], "another generation", {"web": "x"}) == {}


def test_drift_is_what_changed_in_content_and_who_wrote_there() -> None:
    before = {"spec": {"a": 1}, "status": {"b": 1}, "metadata": {"resourceVersion": "1", "labels": {"c": "d"}}}
    assert (
        differs(before, before | {"status": {}, "metadata": {"resourceVersion": "2", "labels": {"c": "d"}}}) == ()
    )
    assert differs(before, before | {"spec": {"a": 2}, "metadata": {}}) == ("metadata", "spec")
    written = {"manager": "kubectl", "fieldsV1": {"f:spec": {}}}
    annotated = {"manager": "kube-controller-manager", "fieldsV1": {"f:metadata": {}}}
    scaled = {"manager": "kubectl", "subresource": "status", "fieldsV1": {"f:spec": {}}}
    ours = {"manager": "cyberprivacy", "fieldsV1": {"f:spec": {}}}
    found = {"kind": "Service", "metadata": {"managedFields": [written, annotated, scaled, ours]}}
    assert others_in(found) == ("kubectl",)
    assert others_in({**found, "kind": "PersistentVolumeClaim"}) == ()
