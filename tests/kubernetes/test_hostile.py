"""Every hostile Kubernetes object of the corpus, before our gate and before a real API server.

Our gate refuses all of them. The server is asked with `dryRun=All` in an application's namespace: as the node for
objects, as the ReplicaSet controller for the pods of a Deployment, each with the security context that we add where
the author wrote none. What it takes all the same stands in `taken.txt`: that is why nothing but what the gate let
through, rendered again by the node, may ever reach a server.
"""

from pathlib import Path

import pytest
from tests.kubernetes.conftest import Town
from tests.unit.review.good_bundle import KUBERNETES, write

from cyberprivacy import strict_yaml
from cyberprivacy.deploy.kubernetes.api import Cluster
from cyberprivacy.deploy.kubernetes.fields import KINDS, Kind, Object, at, place, text
from cyberprivacy.deploy.kubernetes.policy import policies
from cyberprivacy.deploy.kubernetes.walls import namespace
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.review.lint import findings
from cyberprivacy.testing.kubernetes.plane import eventually

CORPUS = Path(__file__).parents[1] / "hostile" / "review" / "corpus" / "kubernetes"
TAKEN = Path(__file__).parent / "taken.txt"
SPACE = "hostile"
CONTROLLER = "system:serviceaccount:kube-system:replicaset-controller"
HOOKS = "admissionregistration.k8s.io/v1"
OTHERS = {
    kind.name: kind
    for kind in (
        Kind("ClusterRoleBinding", "rbac.authorization.k8s.io/v1", "clusterrolebindings", namespaced=False),
        Kind("CustomResourceDefinition", "apiextensions.k8s.io/v1", "customresourcedefinitions", namespaced=False),
        Kind("Ingress", "networking.k8s.io/v1", "ingresses"),
        Kind("MutatingWebhookConfiguration", HOOKS, "mutatingwebhookconfigurations", namespaced=False),
        Kind("PersistentVolume", "v1", "persistentvolumes", namespaced=False),
    )
}


@pytest.fixture(scope="module")
def courts(town: Town) -> tuple[Cluster, Cluster]:
    """The API server as the node sees it, and as the ReplicaSet controller does."""
    node = town.runtime.cluster
    for wanted in (*policies(), namespace(SPACE, node.whoami(), ["bundle://web"], "")):
        node.apply(wanted)
    eventually(lambda: refusal((town.mallory, town.mallory), KUBERNETES) != "", 20, "policies are in force")
    return node, town.acting_as(CONTROLLER)


def refusal(courts: tuple[Cluster, Cluster], data: str) -> str:
    """Why the server refuses one of the objects in a file; "" = it takes them all."""
    node, controller = courts
    try:
        for found in strict_yaml.load_all(data.encode(), limit=1 << 20):
            if not isinstance(found, dict):
                return "not an object"
            dress(found)
            judge(node, found)
            if (template := at(found, "spec", "template")) is not None:
                judge(
                    controller, {"apiVersion": "v1", "kind": "Pod", **template} | {"metadata": metadata(template)}
                )
    except CyberPrivacyError as said:
        return str(said)
    return ""


def metadata(template: Object) -> dict[str, object]:
    labels = at(template, "metadata", "labels")
    marked = {"org.cyberprivacy/generation": "x"}
    return {"name": "x", "labels": {**labels, **marked} if isinstance(labels, dict) else marked}


def dress(found: dict[str, object]) -> None:
    """Add what the node forces, where the author wrote nothing."""
    pod = at(found, "spec", "template", "spec")
    if not isinstance(pod, dict):
        return
    pod.setdefault("automountServiceAccountToken", False)
    pod.setdefault("securityContext", {})
    if isinstance(pod["securityContext"], dict):
        pod["securityContext"].setdefault("runAsNonRoot", True)
        pod["securityContext"].setdefault("seccompProfile", {"type": "RuntimeDefault"})
    boxes = pod.get("containers")
    for box in boxes if isinstance(boxes, list) else ():
        inner = box.setdefault("securityContext", {})
        if isinstance(inner, dict):
            inner.setdefault("allowPrivilegeEscalation", False)
            inner.setdefault("capabilities", {"drop": ["ALL"]})


def judge(court: Cluster, found: Object) -> None:
    kind = (KINDS | OTHERS).get(text(found, "kind"))
    if kind is None or kind.version != found.get("apiVersion"):
        raise CyberPrivacyError("no server knows such a kind", kind=text(found, "kind"))
    about = at(found, "metadata")
    own = {"namespace": SPACE} if kind.namespaced else {}
    placed = {**found, "metadata": {**about, **own} if isinstance(about, dict) else own}
    path = place(kind, SPACE, text(placed, "metadata", "name") or "x")
    options = {"fieldManager": "test", "dryRun": "All", "fieldValidation": "Strict"}
    if court._ask("PATCH", path, placed, options, as_type="application/apply-patch+yaml") is None:
        raise CyberPrivacyError("no such place", path=path)


def test_a_good_file_is_taken_by_both(courts: tuple[Cluster, Cluster], tmp_path: Path) -> None:
    assert findings(write(tmp_path)) == ()
    assert refusal(courts, KUBERNETES) == ""


def test_what_only_our_gate_refuses_is_what_is_written_down(
    courts: tuple[Cluster, Cluster], tmp_path: Path
) -> None:
    taken, files = [], sorted(CORPUS.glob("k8s.*"))
    assert len(files) > 90
    for file in files:
        tree = write(tmp_path / file.stem, {"k8s/web.yaml": file.read_bytes()})
        assert any(one.refuses for one in findings(tree)), file.stem
        if not refusal(courts, file.read_text()):
            taken.append(file.stem)
    assert taken == TAKEN.read_text().split(), "\n".join(taken)
