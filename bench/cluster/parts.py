"""What is rolled out: the smallest application that can say that it is well."""

import subprocess
from pathlib import Path

from cyberprivacy.build.image import Digest
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.deploy.deployment import Application
from cyberprivacy.registry.pushed import SEAL, PushedImage
from cyberprivacy.review.workload import ConfigMap, ConfigMapMount, Container, Probe, Service, Topology, Workload
from cyberprivacy.testing.kubernetes.plane import eventually
from cyberprivacy.testing.ociimages import app_layer, write_image

ABSENT = f"registry.invalid/web@sha256:{'5' * 64}"
"""What no machine can pull: for applications whose pods are only said to run."""


def push(program: Path, folder: Path, registry: str) -> str:
    """An image with one program, in a registry; its reference."""
    layout = folder / "image"
    digest = write_image(layout, [app_layer({"/answer": program.read_bytes()}, mode=0o755)], ["/answer"])
    words = ["skopeo", "copy", "--quiet", "--dest-tls-verify=false", f"oci:{layout}"]
    words.append(f"docker://{registry}/bench/web:1")
    eventually(lambda: subprocess.run(words, check=False).returncode == 0, 20, "push")
    return f"{registry}/bench/web@{digest}"


def application(name: str, reference: str, version: str = "1") -> Application:
    """An application of one pod, one Service and one ConfigMap; each version of it is another release."""
    container = Container(
        name="web",
        image="web",
        command=(),
        args=(),
        env=(("VERSION", version),),
        ports=(8080,),
        user=10001,
        cpu_millis=100,
        memory=32 << 20,
        readiness=Probe("/", 8080, 0, 1, 2, 2),
        liveness=None,
        mounts=(ConfigMapMount("/settings", "settings"),),
    )
    topology = Topology(
        workloads=(Workload("web", 1, container, 5),),
        services=(Service("web", 80, "web", 8080),),
        config_maps=(ConfigMap("settings", (("greeting.txt", "hello\n"),)),),
        claims=(),
        public="web",
    )
    image = PushedImage(name="web", reference=reference, digest=Digest(reference.partition("@")[2]), seal=SEAL)
    release = Cid.of(DAG_PB, f"{name} {version}".encode())
    return Application(name=name, release=release, topology=topology, images={"web": image})
