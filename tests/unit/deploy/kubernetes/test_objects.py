"""A release as Kubernetes objects: what is forced is forced for every application that the gate can let through."""

import json
from dataclasses import replace

from hypothesis import given, settings
from tests.unit.deploy.conftest import topology
from tests.unit.deploy.models import topologies
from tests.unit.deploy.test_plan import application

from cyberprivacy.deploy.deployment import PARAMETERS
from cyberprivacy.deploy.kubernetes import walls
from cyberprivacy.deploy.kubernetes.fields import at, items, text
from cyberprivacy.deploy.kubernetes.objects import GENERATION, TURNED, Generation, generation, names, need
from cyberprivacy.deploy.kubernetes.policy import policies
from cyberprivacy.review.workload import ClaimMount, Topology


def rendered(wanted: Topology, **changes: object) -> Generation:
    addresses = {service.name: "10.96.0.9" for service in wanted.services}
    return generation(replace(application(wanted), **changes), addresses, patience=60, pull=True)


@settings(max_examples=12, deadline=None)
@given(topologies())
def test_every_pod_is_shut_in(wanted: Topology) -> None:
    plan = rendered(wanted)
    for workload, model in zip(plan.workloads, wanted.workloads, strict=True):
        pod = at(workload, "spec", "template", "spec")
        (box,) = items(pod, "containers")
        assert at(pod, "automountServiceAccountToken") is False
        assert at(pod, "dnsConfig", "nameservers") == ["127.0.0.1"]
        assert not {"hostNetwork", "hostPID", "hostIPC", "serviceAccountName", "initContainers"} & pod.keys()
        assert at(pod, "securityContext", "runAsUser") == model.container.user
        assert at(box, "securityContext", "capabilities") == {"drop": ["ALL"]}
        assert text(box, "image") in plan.references
        assert at(box, "resources", "limits", "cpu") == f"{model.container.cpu_millis}m"
        together = any(isinstance(mount, ClaimMount) for mount in model.container.mounts)
        assert ("affinity" in pod) == together
        assert text(workload, "metadata", "name") == f"{model.name}-{plan.mark}"
        assert len(text(workload, "metadata", "name")) <= 63
    assert len(names(plan.objects)) == len(plan.objects)
    assert plan.wanted == need(wanted)["pods"]


def test_two_releases_stand_side_by_side_but_for_services_and_claims() -> None:
    one, other = rendered(topology()), rendered(topology(env=(("A", "b"),)))
    shared = {kind for kind, _ in names(one.objects) & names(other.objects)}
    assert shared == {"Service", "PersistentVolumeClaim"}
    for plan in (one, other):
        (service,) = plan.services
        labels = at(plan.workloads[0], "spec", "template", "metadata", "labels")
        assert at(service, "spec", "selector").items() <= labels.items()
        assert at(service, "spec", "selector", GENERATION) == plan.mark
        assert at(service, "spec", "clusterIP") == "10.96.0.9"


def test_a_config_map_is_of_its_generation_and_never_changes() -> None:
    plan = rendered(topology())
    (config_map,) = plan.config_maps
    assert at(config_map, "immutable") is True
    mounted = [
        at(one, "configMap", "name") for one in items(plan.workloads[0], "spec", "template", "spec", "volumes")
    ]
    assert text(config_map, "metadata", "name") in mounted


def test_what_administrators_turn_is_mounted_whole(tmp_path) -> None:
    pod = at(rendered(topology(), parameters=tmp_path).workloads[0], "spec", "template", "spec")
    assert {"name": "turned", "configMap": {"name": TURNED}} in pod["volumes"]
    assert {"name": "turned", "mountPath": PARAMETERS, "readOnly": True} in pod["containers"][0]["volumeMounts"]


def test_users_reach_the_public_port_from_the_front_and_nobody_reaches_anything_else() -> None:
    shut, inside, users = walls.networks(topology(), "book", ["10.0.0.5/32"])
    assert at(shut, "spec") == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    assert at(inside, "spec", "egress") == [{"to": [{"podSelector": {}}]}]
    (rule,) = items(users, "spec", "ingress")
    assert rule == {"from": [{"ipBlock": {"cidr": "10.0.0.5/32"}}], "ports": [{"protocol": "TCP", "port": 8080}]}
    assert at(walls.networks(topology(), "book", [])[2], "spec", "ingress") == []


def test_a_quota_has_room_for_two_generations_only_while_there_are_two() -> None:
    takes = need(topology(replicas=2))
    steady, moving = (at(walls.quota("book", takes, coming), "spec", "hard") for coming in ({}, takes))
    assert (steady["pods"], moving["pods"]) == ("6", "8")
    assert int(steady["limits.memory"]) < int(moving["limits.memory"])
    assert json.loads(text(walls.quota("book", takes, takes), "metadata", "annotations", walls.NEED)) == takes


def test_each_policy_is_bound_and_fails_shut() -> None:
    found = policies()
    kinds = [one["kind"] for one in found]
    assert kinds == ["ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"] * (len(found) // 2)
    for policy, binding in zip(found[::2], found[1::2], strict=True):
        assert at(policy, "spec", "failurePolicy") == "Fail"
        assert at(binding, "spec") == {
            "policyName": text(policy, "metadata", "name"),
            "validationActions": ["Deny"],
        }
