"""Nobody enters an application in a real cluster, and nobody puts anything beside it: not even who administers it.

`mallory` is an administrator of the cluster (system:masters), the strongest user that Kubernetes knows.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.kubernetes.conftest import APP, Town
from tests.unit.deploy.conftest import READY

from cyberprivacy.deploy.inspection import Foreign
from cyberprivacy.deploy.kubernetes.api import Cluster, ClusterDenies, ClusterRefuses
from cyberprivacy.deploy.kubernetes.fields import Object, at, path_of, text
from cyberprivacy.deploy.kubernetes.kubeconfig import read
from cyberprivacy.deploy.kubernetes.room import Occupied
from cyberprivacy.deploy.kubernetes.walls import NODE
from cyberprivacy.testing.kubernetes.install import USER
from cyberprivacy.testing.kubernetes.plane import eventually

POD = f"/api/v1/namespaces/{APP}/pods"
SAID = "CyberPrivacy: "
NO_RIGHT = "cannot "


@pytest.fixture(scope="module", autouse=True)
def running(town: Town) -> None:
    town.runtime = town.reborn(round_seconds=0)
    town.runtime.apply(town.guestbook("1.0.0"))


def pod(town: Town) -> str:
    return text(town.admin.every("Pod", APP)[0], "metadata", "name")


def template(town: Town) -> dict[str, object]:
    """The pod of the application's own Deployment."""
    found = at(town.admin.every("Deployment", APP)[0], "spec", "template")
    assert isinstance(found, dict)
    return found


@pytest.mark.parametrize(
    "door", ["exec?command=id&stdout=1", "attach?stdout=1", "portforward?ports=8080", "proxy/healthz"]
)
def test_nobody_enters_a_pod_not_even_the_node(town: Town, door: str) -> None:
    assert SAID in town.mallory.refuses("POST", f"{POD}/{pod(town)}/{door}")
    assert NO_RIGHT in town.runtime.cluster.refuses("POST", f"{POD}/{pod(town)}/{door}")
    assert SAID in town.mallory.refuses("GET", f"/api/v1/namespaces/{APP}/services/web:80/proxy/healthz")


def test_nobody_joins_a_pod(town: Town) -> None:
    path, kind = f"{POD}/{pod(town)}/ephemeralcontainers", "application/strategic-merge-patch+json"
    (box,) = at(template(town), "spec", "containers")
    guest = {"name": "guest", "image": box["image"], "securityContext": box["securityContext"]}
    for who, error, said in (
        (town.mallory, ClusterRefuses, SAID),
        (town.runtime.cluster, ClusterDenies, NO_RIGHT),
    ):
        with pytest.raises(error, match=said):
            who._ask("PATCH", path, {"spec": {"ephemeralContainers": [guest]}}, as_type=kind)


def named(kind: str, version: str, **more: object) -> Object:
    return {"apiVersion": version, "kind": kind, "metadata": {"name": "x", "namespace": APP}, **more}


def in_the_way(town: Town) -> dict[str, Object]:
    inside, labels = template(town)["spec"], {"a": "b"}
    deployment = {
        "selector": {"matchLabels": labels},
        "template": {"metadata": {"labels": labels}, "spec": inside},
    }
    everything = {"podSelector": {}, "policyTypes": ["Ingress"], "ingress": [{}]}
    return {
        "pod": named("Pod", "v1", spec=inside),
        "deployment": named("Deployment", "apps/v1", spec=deployment),
        "config map": named("ConfigMap", "v1", data={"a": "b"}),
        "service": named("Service", "v1", spec={"ports": [{"port": 80, "protocol": "TCP"}]}),
        "network policy": named("NetworkPolicy", "networking.k8s.io/v1", spec=everything),
        "service account": named("ServiceAccount", "v1"),
    }


def test_an_administrator_of_the_cluster_puts_nothing_beside_the_application(town: Town) -> None:
    for wanted in in_the_way(town).values():
        with pytest.raises(
            ClusterRefuses, match=r"only its node|pods come from"
        ):  # whichever policy is asked first
            town.mallory.apply(wanted)
        elsewhere = {**wanted, "metadata": {"name": "x", "namespace": "default"}}
        town.mallory.apply(elsewhere, dry_run=True)  # other people's namespaces are none of our business


def test_an_administrator_of_the_cluster_changes_and_removes_nothing(town: Town) -> None:
    for kind in ("Pod", "Deployment", "Service", "ConfigMap", "NetworkPolicy", "ResourceQuota"):
        found = town.admin.every(kind, APP)[0]
        with pytest.raises(ClusterRefuses, match="only its node"):
            town.mallory.delete(found)
    space = town.admin.get("Namespace", APP)
    assert space is not None
    with pytest.raises(ClusterRefuses, match="only its node"):
        town.mallory.delete(space)
    for stolen in ({"labels": {"org.cyberprivacy/application": None}}, {"annotations": {NODE: "mallory"}}):
        path, kind = f"/api/v1/namespaces/{APP}", "application/merge-patch+json"
        with pytest.raises(ClusterRefuses, match="only its node"):
            town.mallory._ask("PATCH", path, {"metadata": stolen}, as_type=kind)


def test_a_machine_may_be_emptied(town: Town) -> None:
    metadata = {"name": pod(town), "namespace": APP}
    eviction = {"apiVersion": "policy/v1", "kind": "Eviction", "metadata": metadata}
    town.mallory._ask("POST", f"{POD}/{pod(town)}/eviction", eviction, {"dryRun": "All"})


def test_a_pod_with_an_image_that_no_release_has_is_refused_whoever_asked_for_it(town: Town) -> None:
    controller = town.acting_as("system:serviceaccount:kube-system:replicaset-controller")
    for change in (
        lambda box: box | {"image": "docker.io/library/evil:latest"},
        lambda box: box | {"image": f"{box['image'][:-1]}{'0' if box['image'][-1] != '0' else '1'}"},
    ):
        inside = dict(template(town)["spec"])
        inside["containers"] = [change(dict(inside["containers"][0]))]
        with pytest.raises(ClusterRefuses, match="no release of this application"):
            controller.apply(named("Pod", "v1", spec=inside), dry_run=True)


def test_a_pod_that_pod_security_would_stop_is_stopped(town: Town) -> None:
    controller = town.acting_as("system:serviceaccount:kube-system:replicaset-controller")
    inside, metadata = template(town)["spec"], template(town)["metadata"]
    assert isinstance(inside, dict)
    assert isinstance(metadata, dict)
    fine = named("Pod", "v1", spec=inside) | {"metadata": metadata | {"name": "x", "namespace": APP}}
    controller.apply(fine, dry_run=True)
    with pytest.raises(ClusterRefuses, match="PodSecurity"):
        controller.apply(fine | {"spec": inside | {"hostNetwork": True}}, dry_run=True)


def restricted(name: str, owner: str, level: str = "restricted") -> Object:
    metadata = {
        "name": name,
        "annotations": {NODE: owner},
        "labels": {"pod-security.kubernetes.io/enforce": level},
    }
    return {"apiVersion": "v1", "kind": "Namespace", "metadata": metadata}


def test_whoever_has_the_nodes_token_is_fenced_in(town: Town) -> None:
    node, own = town.runtime.cluster, "the node changes only what is in"
    settings = named("ConfigMap", "v1", data={"a": "b"})
    for place in ("default", "kube-system", "cyberprivacy"):
        with pytest.raises(ClusterRefuses, match=own):
            node.apply({**settings, "metadata": {"name": "x", "namespace": place}}, dry_run=True)
    with pytest.raises(ClusterRefuses, match="only namespaces that it made"):
        node.apply(restricted("kube-system", USER), dry_run=True)
    for spoilt in (restricted("y", "mallory"), restricted("y", USER, "privileged")):
        with pytest.raises(ClusterRefuses, match=r"the node.{1,3}s namespaces are its own"):
            node.apply(spoilt, dry_run=True)
    node.apply(restricted("y", USER), dry_run=True)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/namespaces/kube-system/secrets"),
        ("GET", f"/api/v1/namespaces/{APP}/secrets/other"),
        ("POST", "/api/v1/namespaces/cyberprivacy/serviceaccounts/node/token"),
        ("GET", "/api/v1/nodes"),
        ("GET", "/apis/rbac.authorization.k8s.io/v1/clusterroles"),
        ("DELETE", f"/api/v1/namespaces/{APP}"),
        ("GET", "/apis/admissionregistration.k8s.io/v1/validatingadmissionpolicies/cyberprivacy-fence-objects"),
        ("GET", "/apis/coordination.k8s.io/v1/namespaces/cyberprivacy/leases/other"),
    ],
)
def test_what_the_node_does_not_need_it_may_not(town: Town, method: str, path: str) -> None:
    assert NO_RIGHT in town.runtime.cluster.refuses(method, path)


def test_another_node_does_not_touch_what_is_ours(town: Town) -> None:
    other = town.reborn(access=read(town.plane.kubeconfig("mallory")))
    with pytest.raises(Occupied):
        other.apply(town.guestbook("1.1.0"))
    with pytest.raises(Occupied):
        other.remove(APP)
    assert other.names() == frozenset()
    assert town.runtime.names() == {APP}


@pytest.fixture
def open_doors(town: Town) -> None:
    """An administrator can take the policies away: the node finds out."""
    open_the_doors(town)


def open_the_doors(town: Town) -> None:
    for kind in ("ValidatingAdmissionPolicyBinding", "ValidatingAdmissionPolicy"):
        for found in town.mallory.every(kind):
            if "fence" not in text(found, "metadata", "name"):
                town.mallory.delete(found)
    # Each policy goes out of force for itself.
    everything = (*in_the_way(town).values(), named("ConfigMap", "v1", data={"a": "b"}))
    eventually(lambda: all(_may(town.mallory, one) for one in everything), 20, "policies are still in force")


def _may(mallory: Cluster, wanted: Object | None = None) -> bool:
    try:
        mallory.apply(wanted or named("ConfigMap", "v1", data={"a": "b"}), dry_run=True)
    except ClusterRefuses:
        return False
    return True


def merge(kind: str, change: Object) -> Callable[[Town], None]:
    def act(town: Town) -> None:
        found = next(one for one in town.admin.every(kind, APP) if "root-ca" not in text(one, "metadata", "name"))
        town.mallory._ask("PATCH", path_of(found), change, as_type="application/strategic-merge-patch+json")

    return act


def delete(kind: str) -> Callable[[Town], None]:
    return lambda town: town.mallory.delete(town.admin.every(kind, APP)[0])


def make(what: str) -> Callable[[Town], None]:
    return lambda town: town.mallory.apply(in_the_way(town)[what])  # type: ignore[func-returns-value]


def forge(town: Town) -> None:
    """Pods with another command behind the Service: every label is right, and the owner is claimed to be ours."""
    ours = town.admin.every("Deployment", APP)[0]
    labels, owner = at(ours, "metadata", "labels"), {"apiVersion": "apps/v1", "kind": "Deployment"}
    owner |= {name: text(ours, "metadata", name) for name in ("name", "uid")}
    about = {"name": "x", "namespace": APP, "labels": labels, "ownerReferences": [owner]}
    spec = {"selector": at(ours, "spec", "selector"), "replicas": 0, "template": template(town)}
    town.mallory.apply({"apiVersion": "apps/v1", "kind": "Deployment", "metadata": about, "spec": spec})


SIDECAR = {"name": "sidecar", "image": "evil"}
CHANGES = {
    "more pods": (merge("Deployment", {"spec": {"replicas": 3}}), "Deployment/web-"),
    "a sidecar": (merge("Deployment", {"spec": {"template": {"spec": {"containers": [SIDECAR]}}}}), "written by"),
    "users sent elsewhere": (merge("Service", {"spec": {"selector": {"app": "evil"}}}), "Service/web"),
    "no network policy": (delete("NetworkPolicy"), "NetworkPolicy/"),
    "no quota": (delete("ResourceQuota"), "ResourceQuota/"),
    "an open network": (make("network policy"), "NetworkPolicy/x"),
    "another Deployment": (make("deployment"), "Deployment/x"),
    "a Deployment that says it is ours": (forge, "Deployment/x"),
    "no namespace label": (
        lambda town: town.mallory._ask(
            "PATCH",
            f"/api/v1/namespaces/{APP}",
            {"metadata": {"labels": {"pod-security.kubernetes.io/enforce": "privileged"}}},
            as_type="application/merge-patch+json",
        ),
        f"Namespace/{APP}",
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_somebody_changed_is_put_back_and_told(town: Town, open_doors: None, change: str) -> None:
    act, told = CHANGES[change]
    before = [one["spec"] for one in town.admin.every("Deployment", APP)]
    act(town)
    town.drifts.clear()
    town.tended("ValidatingAdmissionPolicy/", told)
    assert {code for code, _ in town.drifts} == {"deploy.drift"}
    assert [facts["apps"] for _, facts in town.drifts if "apps" in facts] == [[APP]]
    assert {facts["app"] for _, facts in town.drifts if "apps" not in facts} == {APP}
    eventually(lambda: not _may(town.mallory), 20, "policies are in force again")
    assert [one["spec"] for one in town.admin.every("Deployment", APP)] == before
    assert not any(text(one, "metadata", "name") == "x" for one in town.admin.every("NetworkPolicy", APP))
    eventually(lambda: town.runtime.tend() == (), 60, "nothing is left to be put right")
    eventually(lambda: len(town.admin.every("Pod", APP)) == 1, 60, "pods are as before")


def test_a_pod_that_nobody_rendered_is_named_and_removed(town: Town, open_doors: None) -> None:
    make("pod")(town)
    with pytest.raises(Foreign) as refusal:
        town.runtime.observe(APP)
    assert refusal.value.facts["pods"] == ["x"]
    assert "Pod/x" in town.tended("Pod/x")
    eventually(lambda: len(town.admin.every("Pod", APP)) == 1, 60, "it is gone")
    assert town.runtime.observe(APP) is not None


def test_a_release_on_its_way_is_not_taken_for_drift(town: Town) -> None:
    slow = replace(READY, initial_delay=4)
    outcome: list[int] = []
    way = threading.Thread(
        target=lambda: outcome.append(town.runtime.apply(town.guestbook("1.1.0", readiness=slow)).ready)
    )
    way.start()
    while way.is_alive():
        assert town.runtime.tend() == ()
        time.sleep(0.2)
    assert outcome == [1]
    town.runtime.apply(town.guestbook("1.0.0"))
