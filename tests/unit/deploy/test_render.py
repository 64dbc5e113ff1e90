import json

from hypothesis import Phase, given, settings
from tests.unit.deploy.models import topologies

from cyberprivacy.bundle.manifest import Public
from cyberprivacy.deploy.render import digest, render
from cyberprivacy.review.kubernetes import read
from cyberprivacy.review.workload import Topology

IMAGES = {"web": "bundle://web"}


def parse(objects, topology: Topology) -> Topology:
    service = next(one for one in topology.services if one.name == topology.public)
    files = {f"k8s/{number}.yaml": json.dumps(one).encode() for number, one in enumerate(objects)}
    parsed, findings = read(files, users={"web": 10001}, public=Public(service.name, service.port))
    assert not findings
    assert parsed is not None
    return parsed


def in_order(topology: Topology) -> Topology:
    def by_name(them):
        return tuple(sorted(them, key=lambda one: one.name))

    return Topology(
        by_name(topology.workloads),
        by_name(topology.services),
        by_name(topology.config_maps),
        by_name(topology.claims),
        topology.public,
    )


@settings(max_examples=40, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
@given(topologies())
def test_what_is_rendered_passes_the_gate_and_reads_back_as_the_same_model(topology):
    assert in_order(parse(render(topology, IMAGES), topology)) == in_order(topology)


@settings(max_examples=30, deadline=None)
@given(topologies())
def test_every_pod_is_held_to_the_restricted_standard(topology):
    for one in render(topology, IMAGES):
        if one["kind"] != "Deployment":
            continue
        pod = one["spec"]["template"]["spec"]
        box = pod["containers"][0]
        assert pod["securityContext"]["runAsNonRoot"]
        assert pod["securityContext"]["runAsUser"] > 0
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert not pod["automountServiceAccountToken"]
        assert box["securityContext"]["capabilities"] == {"drop": ["ALL"]}
        assert box["securityContext"]["readOnlyRootFilesystem"]
        assert not box["securityContext"]["allowPrivilegeEscalation"]
        assert box["resources"]["limits"].keys() == {"cpu", "memory"}


@settings(max_examples=20, deadline=None)
@given(topologies())
def test_another_image_is_another_record(topology):
    assert digest(render(topology, {"web": "r/a@sha256:1"})) != digest(render(topology, {"web": "r/a@sha256:2"}))
