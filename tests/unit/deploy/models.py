"""Topologies as the gate lets them through, for hypothesis."""

from hypothesis import strategies as st

from cyberprivacy.review.workload import (
    Claim,
    ClaimMount,
    ConfigMap,
    ConfigMapMount,
    Container,
    Probe,
    ScratchMount,
    Service,
    Topology,
    Workload,
)

NAMES = st.from_regex(r"[a-z][a-z0-9]{0,7}", fullmatch=True)
TEXTS = st.text("abcXYZ 019{}[]:#'\"\n\\-&*!|>%@`,?é€", max_size=12)
KIB = st.integers(1, 1 << 12).map(lambda size: (size << 10) + (8 << 20))


def probes(port: int) -> st.SearchStrategy[Probe]:
    return st.builds(
        Probe,
        path=st.sampled_from(["/", "/healthz", "/a/b?c=d"]),
        port=st.just(port),
        initial_delay=st.integers(0, 60),
        period=st.integers(1, 60),
        timeout=st.integers(1, 30),
        failures=st.integers(1, 10),
    )


@st.composite
def containers(draw, image, claims, config_maps):
    memory = (64 << 20) + draw(KIB)
    mounts = [ClaimMount(f"/claim/{name}", name, draw(st.booleans())) for name in claims]
    mounts += [ConfigMapMount(f"/config/{name}", name) for name in config_maps]
    if draw(st.booleans()):
        mounts.append(ScratchMount("/tmp", draw(st.integers(1, 1024)) << 10))
    port = draw(st.integers(1024, 65535))
    words = st.lists(TEXTS, max_size=2).map(tuple)
    return Container(
        name=draw(NAMES),
        image=image,
        command=draw(words),
        args=draw(words),
        env=tuple(draw(st.dictionaries(st.from_regex(r"[A-Z]{1,6}", fullmatch=True), TEXTS, max_size=3)).items()),
        ports=(port,),
        user=draw(st.integers(1, 65533)),
        cpu_millis=draw(st.integers(10, 400)),
        memory=memory,
        readiness=draw(probes(port)),
        liveness=draw(st.none() | probes(port)),
        mounts=tuple(draw(st.permutations(mounts))),
    )


@st.composite
def topologies(draw):
    names = sorted(draw(st.sets(NAMES, min_size=1, max_size=3)))
    config_maps = sorted(draw(st.sets(NAMES, max_size=2)))
    claims = draw(st.lists(NAMES, unique=True, max_size=2))
    workloads = tuple(
        Workload(
            name,
            draw(st.integers(1, 2)),
            draw(containers("web", claims if number == 0 else [], config_maps)),
            draw(st.integers(1, 120)),
        )
        for number, name in enumerate(names)
    )
    services = tuple(
        Service(name, draw(st.integers(1, 65535)), one.name, one.container.ports[0])
        for name, one in zip(names, workloads, strict=True)
    )
    key = st.from_regex(r"[a-z]{1,5}(\.txt)?", fullmatch=True)
    return Topology(
        workloads=workloads,
        services=services,
        config_maps=tuple(
            ConfigMap(name, tuple(draw(st.dictionaries(key, TEXTS, max_size=2)).items())) for name in config_maps
        ),
        claims=tuple(Claim(name, draw(st.integers(1 << 10, 1 << 20)) << 10) for name in sorted(claims)),
        public=services[0].name,
    )
