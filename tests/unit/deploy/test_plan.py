from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.unit.deploy.conftest import topology
from tests.unit.deploy.models import topologies

from cyberprivacy.build.image import Digest
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.deploy.container import create_arguments
from cyberprivacy.deploy.deployment import Application
from cyberprivacy.deploy.found import Found
from cyberprivacy.deploy.inspection import Foreign, deployment_of, endpoint_of, orphans, refuse_foreign
from cyberprivacy.deploy.plan import Care, Endpoint, Place, generation, spec_of
from cyberprivacy.errors import Misuse, Untrusted
from cyberprivacy.registry.pushed import SEAL, PushedImage
from cyberprivacy.review.workload import ConfigMap, ScratchMount, Topology

PLACE = Place(name="book", number=3, network=IPv4Network("10.9.3.0/24"), first_uid=1 << 20)
DIGEST = Digest("sha256:" + "1" * 64)
OTHER = Digest("sha256:" + "2" * 64)


def application(model: Topology, digest: Digest = DIGEST, release: str = "r") -> Application:
    image = PushedImage(name="web", reference=f"r/a@{digest}", digest=digest, seal=SEAL)
    return Application(
        name="book", release=Cid.of(DAG_PB, release.encode()), topology=model, images={"web": image}
    )


def found(plan, pod, **changes: object) -> Found:
    """The container that a pod becomes, as an honest engine tells of it."""
    fields: dict[str, object] = {
        "id": "a" * 64,
        "name": plan.name(pod),
        "status": "exited",
        "pid": 0,
        "exit_code": 0,
        "image": "c" * 64,
        "digests": frozenset({pod.digest}),
        "sessions": 0,
        "labels": plan.labels(pod),
    }
    return Found(**(fields | changes))  # type: ignore[arg-type]


@settings(max_examples=40, deadline=None)
@given(topologies(), st.sets(st.integers(16, 249), max_size=200))
def test_no_two_containers_share_an_address_old_ones_included(model, taken):
    addresses = [PLACE.network[number] for number in taken]
    plan = generation(application(model), PLACE, addresses, {})
    given = [pod.address for pod in plan.pods]
    assert len({*given, *addresses}) == len(given) + len(addresses)
    assert all(address in PLACE.network and address != PLACE.gateway for address in given)


def test_an_address_is_not_used_again_by_the_next_generation():
    used = [PLACE.network[16]]
    for _ in range(200):
        (pod,) = generation(application(topology()), PLACE, used[-1:], {}).pods
        assert pod.address not in used[-200:]
        used.append(pod.address)


def test_more_containers_than_addresses_are_refused():
    everything = [PLACE.network[number] for number in range(16, 250)]
    with pytest.raises(Misuse) as refusal:
        generation(application(topology()), PLACE, everything, {})
    assert refusal.value.code == "deploy.room"


@pytest.mark.parametrize(
    "other",
    [
        application(topology(), OTHER),
        application(topology(), release="s"),
        application(topology(replicas=2)),
        application(topology(env=())),
        application(topology(memory=1 << 28)),
    ],
)
def test_whatever_changes_what_runs_changes_the_specification(other):
    assert spec_of(application(topology())) == spec_of(application(topology()))
    assert spec_of(other) != spec_of(application(topology()))


def test_an_image_that_was_not_pushed_is_refused():
    with pytest.raises(Misuse) as refusal:
        spec_of(replace(application(topology()), images={}))
    assert refusal.value.code == "deploy.image_missing"


@pytest.mark.parametrize(
    "path", ["/", "/proc/1", "/sys", "/dev/shm", "/etc/hosts", "/a:rw", "/a,b", "/a/../proc", "/a//b", "a", "/a\n"]
)
def test_no_mount_covers_the_kernel_or_smuggles_an_option(path):
    model = topology(mounts=(ScratchMount(path, 1024),))
    with pytest.raises(Misuse) as refusal:
        generation(application(model), PLACE, [], {})
    assert refusal.value.code == "deploy.path"


@pytest.mark.parametrize("key", ["", ".", "..", "a/b", "a\0"])
def test_a_config_map_writes_plain_files_only(key):
    model = replace(topology(), config_maps=(ConfigMap("settings", ((key, "x"),)),))
    with pytest.raises(Misuse) as refusal:
        generation(application(model), PLACE, [], {})
    assert refusal.value.code == "deploy.path"


@settings(max_examples=40, deadline=None)
@given(topologies())
def test_every_wall_stands_whatever_the_author_asks_for(model):
    plan = generation(application(model), PLACE, [], {})
    mounts = dict.fromkeys(
        [
            "hosts",
            *(f"config/{one.name}" for one in model.config_maps),
            *(f"claim/{one.name}" for one in model.claims),
        ],
        "/somewhere",
    )
    for pod in plan.pods:
        arguments = create_arguments(plan, pod, PLACE, mounts)
        ours = arguments[: arguments.index(pod.reference)]
        assert all(argument.startswith("--") for argument in ours)
        assert {
            "--network=none",
            "--read-only",
            "--cap-drop=all",
            "--security-opt=no-new-privileges",
            f"--user={pod.container.user}:{pod.container.user}",
            f"--uidmap=0:{PLACE.first_uid}:65536",
            "--http-proxy=false",
            "--log-driver=none",
            "--pull=never",
        } <= set(ours)
        assert not any(word in argument for argument in ours for word in ("--privileged", "--device", "cap-add"))


@settings(max_examples=40, deadline=None)
@given(topologies())
def test_what_a_label_says_of_care_is_read_back(model):
    for pod in generation(application(model), PLACE, [], {}).pods:
        assert Care.parse(pod.care.text()) == pod.care


@given(st.text() | st.just('{"liveness":null,"readiness":{"path":"/"}}') | st.just("[]"))
def test_care_of_a_stranger_is_refused_not_trusted(text):
    with pytest.raises(Untrusted) as refusal:
        Care.parse(text)
    assert refusal.value.code == "deploy.foreign"


def test_honest_containers_are_a_deployment():
    plan = generation(application(topology(replicas=2)), PLACE, [], {})
    containers = [found(plan, pod) for pod in plan.pods]
    refuse_foreign(containers, [])
    endpoints = {endpoint_of(one) for one in containers}
    deployment = deployment_of("book", containers, containers, endpoints, ready=1)
    assert deployment.images == {"web": DIGEST}
    assert (deployment.ready, deployment.wanted) == (1, 2)


@pytest.mark.parametrize(
    "lie",
    [
        {"labels": {}},
        {"name": "book-other"},
        {"sessions": 1},
    ],
)
def test_a_container_that_is_not_ours_is_refused(lie):
    plan = generation(application(topology()), PLACE, [], {})
    with pytest.raises(Foreign):
        refuse_foreign([found(plan, plan.pods[0], **lie)], [])


@pytest.mark.parametrize(
    "label", ["app", "release", "spec", "workload", "replica", "address", "care", "image", "digest"]
)
def test_a_container_with_a_missing_or_spoiled_label_is_an_orphan(label):
    plan = generation(application(topology()), PLACE, [], {})
    labels = plan.labels(plan.pods[0])
    missing = {name: text for name, text in labels.items() if name != label}
    assert orphans([found(plan, plan.pods[0], labels=missing)])
    if label not in ("image", "digest"):  # these are held against the engine's own word instead
        assert orphans([found(plan, plan.pods[0], labels=labels | {label: "spoiled"})])


def test_a_cable_that_is_not_ours_is_refused():
    with pytest.raises(Foreign):
        refuse_foreign([], ["veth7"])


def test_users_who_are_sent_elsewhere_are_seen():
    plan = generation(application(topology()), PLACE, [], {})
    containers = [found(plan, pod) for pod in plan.pods]
    with pytest.raises(Foreign):
        deployment_of("book", containers, containers, {Endpoint(IPv4Address("10.9.3.99"), 8080)}, ready=1)


def test_replicas_of_two_images_are_refused_and_one_other_image_is_told_truly():
    plan = generation(application(topology(replicas=2)), PLACE, [], {})
    honest, other = (found(plan, pod) for pod in plan.pods)
    swapped = replace(other, digests=frozenset({OTHER}))
    with pytest.raises(Foreign):
        deployment_of("book", [honest, swapped], [honest, swapped], (), ready=2)
    assert deployment_of("book", [swapped], [swapped], (), ready=1).images == {"web": OTHER}
