"""The node's rights are what it uses: the API server wrote down all that was asked, here and in the tests before.

Runs last, and alone it uses everything as well.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from tests.kubernetes.conftest import ACCOUNT, APP, Town
from tests.kubernetes.test_doors import in_the_way, open_the_doors

from cyberprivacy.deploy.kubernetes.api import ClusterRefuses
from cyberprivacy.deploy.kubernetes.fields import Object, at, items, path_of, text
from cyberprivacy.testing.kubernetes.install import documents
from cyberprivacy.testing.kubernetes.plane import eventually

Right = tuple[str, str]
"""Verb and resource, such as ("patch", "apps/deployments")."""
EVERYBODYS = {("create", "authentication.k8s.io/selfsubjectreviews")}
BY_CHANCE = {("create", "serviceaccounts")}
"""The cluster itself makes it, mostly before the node does."""
AUTH = '{"auths": {"registry.example": {"auth": "YTpi"}}}'
ZERO = {"replicas": 0}


def granted() -> set[Right]:
    rules = [rule for one in documents(ACCOUNT) for rule in items(one, "rules")]
    return {
        (verb, f"{group}/{resource}".lstrip("/"))
        for rule in rules
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        for verb in rule["verbs"]
    }


def asked(log: Path) -> Iterator[tuple[Right, Object]]:
    """Everything that the node asked for; an apply of what was not there is a creation as well."""
    for line in log.read_text().splitlines():
        event = json.loads(line)
        about = event.get("objectRef")
        if about is None:  # whether the server is ready
            continue
        parts = [about.get("apiGroup"), about["resource"], about.get("subresource")]
        resource = "/".join(part for part in parts if part)
        yield (event["verb"], resource), event
        if event["verb"] in ("patch", "update") and at(event, "responseStatus", "code") == 201:
            yield ("create", resource), event


def foreigners(town: Town) -> list[Object]:
    """One of each kind that has no place in an application's namespace; none of them runs anything."""
    inside, labels = dict(at(in_the_way(town)["deployment"], "spec", "template")), {"a": "b"}
    once = inside | {"spec": inside["spec"] | {"restartPolicy": "Never"}}
    nowhere = inside | {"spec": inside["spec"] | {"nodeSelector": {"no": "where"}}}
    selected = {"selector": {"matchLabels": labels}}
    job = {"suspend": True, "template": once}

    def one(kind: str, version: str, spec: object) -> Object:
        return {"apiVersion": version, "kind": kind, "metadata": {"name": "x", "namespace": APP}, "spec": spec}

    return [
        one("StatefulSet", "apps/v1", {**selected, **ZERO, "serviceName": "x", "template": inside}),
        one("DaemonSet", "apps/v1", {**selected, "template": nowhere}),
        one("ReplicaSet", "apps/v1", {**selected, **ZERO, "template": inside}),
        one("Job", "batch/v1", job),
        one("CronJob", "batch/v1", {"schedule": "0 0 1 1 *", "suspend": True, "jobTemplate": {"spec": job}}),
        in_the_way(town)["pod"],
        in_the_way(town)["network policy"],
        in_the_way(town)["service"],
        in_the_way(town)["config map"],
    ]


def change(town: Town, kind: str, name: str, what: Object) -> None:
    """Put something of one's own into an object of the node's."""
    namespace = (
        "" if kind in ("Namespace", "ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding") else APP
    )
    found = town.mallory.get(kind, name, namespace)
    assert found is not None, name
    town.mallory._ask("PATCH", path_of(found), what, as_type="application/merge-patch+json")


@pytest.fixture
def used(town: Town) -> Path:
    """Everything that the node may need to do, done once."""
    shelf, pull = town.folder / "shelf", town.folder / "pull.json"
    shelf.mkdir()
    (shelf / "parameters.json").write_text("{}")
    pull.write_text(AUTH)
    runtime = town.reborn(round_seconds=0, pull=pull, lease="cyberprivacy/node")
    eventually(lambda: runtime._term() is not None, 30, "the Lease of a node in another test has ended")
    runtime.apply(replace(town.guestbook("1.0.0"), parameters=shelf))
    assert APP in runtime.names()
    open_the_doors(town)
    runtime.tend()
    change(town, "ValidatingAdmissionPolicy", "cyberprivacy-doors", {"spec": {"failurePolicy": "Ignore"}})
    actions = {"spec": {"validationActions": ["Audit"]}}
    for name in ("objects", "pods", "doors", "namespaces"):
        change(town, "ValidatingAdmissionPolicyBinding", f"cyberprivacy-{name}", actions)
    eventually(lambda: _taken(town), 20, "policies are still in force")
    (deployment,) = town.admin.every("Deployment", APP)
    change(town, "Deployment", text(deployment, "metadata", "name"), {"spec": {"minReadySeconds": 1}})
    change(town, "Service", "web", {"spec": {"publishNotReadyAddresses": True}})
    change(town, "ConfigMap", "cyberprivacy.parameters", {"data": {"x": "y"}})
    change(town, "ResourceQuota", "cyberprivacy", {"spec": {"hard": {"count/jobs.batch": "9"}}})
    change(town, "NetworkPolicy", "cyberprivacy.inside", {"spec": {"ingress": [{}]}})
    change(town, "Secret", "cyberprivacy.pull", {"data": {"x": "eQ=="}})
    change(town, "ServiceAccount", "default", {"automountServiceAccountToken": True})
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": APP}}
    town.mallory._ask(
        "PATCH",
        f"/api/v1/namespaces/{APP}",
        {**space, "spec": {"finalizers": ["kubernetes"]}},
        {"fieldManager": "mallory", "force": "true"},
        as_type="application/apply-patch+yaml",
    )
    for wanted in foreigners(town):
        town.mallory.apply(wanted)
    told = ("Namespace/", "Secret/", "ServiceAccount/", "ResourceQuota/", "StatefulSet/x", "CronJob/x")
    town.tended(*told, runtime=runtime)
    runtime.remove(APP)
    runtime.close()
    return town.plane.audit


def _taken(town: Town) -> bool:
    try:
        town.mallory.apply(in_the_way(town)["config map"], dry_run=True)
    except ClusterRefuses:
        return False
    return True


def test_the_node_is_never_denied_anything_and_has_no_right_that_it_does_not_use(used: Path) -> None:
    events = list(asked(used))
    tried = [  # by tests that shall be denied
        (right, event) for right, event in events if at(event, "responseStatus", "code") == 403
    ]
    denied = {
        (right, f"{event['verb']} {event['requestURI']}")
        for right, event in tried
        if event["annotations"]["authorization.k8s.io/decision"] == "forbid"
    }
    did = {right for right, event in events if at(event, "responseStatus", "code") in (200, 201)}
    # An API server that has just started denies even what is granted, for a moment.
    assert {one for right, one in denied if right not in did and not _asked_by_a_test(one)} == set()
    assert did - EVERYBODYS - granted() == set(), "asked, but not granted: who let it?"
    assert granted() - BY_CHANCE - did == set(), "rights that are never used"


def _asked_by_a_test(request: str) -> bool:
    """Doors are knocked at, the corpus is tried, and what nobody needs is asked for, in `test_doors`."""
    return "dryRun=All" in request or any(
        part in request
        for part in ("/exec", "/attach", "/portforward", "/proxy", "/ephemeralcontainers", *NOT_NEEDED)
    )


NOT_NEEDED = (
    "kube-system/secrets",
    "secrets/other",
    "serviceaccounts/node/token",
    "/v1/nodes",
    "/clusterroles",
    f"delete /api/v1/namespaces/{APP}",
    "policies/cyberprivacy-fence-objects",
    "leases/other",
)
