"""What a town has beside its people when its nodes use a cluster: a registry, volumes, an operator who vouches."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cyberprivacy.attest.authority import Authority
from cyberprivacy.attest.certificates import fingerprint
from cyberprivacy.attest.tpm2 import Public
from cyberprivacy.testing.kubernetes.binaries import binaries
from cyberprivacy.testing.kubernetes.install import OURS, install, token
from cyberprivacy.testing.kubernetes.machine import Machine
from cyberprivacy.testing.kubernetes.plane import FIRST, Plane, Site
from cyberprivacy.testing.server import Neighbour
from cyberprivacy.testing.town import free_port


@contextmanager
def registry(folder: Path, site: Site) -> Iterator[str]:
    """Debian's docker-registry at this machine's end of a cluster's cable, over plain HTTP; "host:port"."""
    host, port = site.host, free_port()
    settings = folder / "registry.yml"
    settings.write_text(
        f'version: 0.1\nlog: {{level: error}}\nstorage: {{filesystem: {{rootdirectory: "{folder}/registry"}}}}\n'
        f'http: {{addr: "{host}:{port}"}}\n'
    )
    command = ["setpriv", "--pdeathsig", "KILL", "--", "docker-registry", "serve", str(settings)]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet, start_new_session=True)
    try:
        yield f"{host}:{port}"
    finally:
        process.terminate()
        process.wait()


def provide(plane: Plane, name: str, size: str) -> None:
    """Provide for a volume, as somebody who runs a cluster would; here it is a folder."""
    place = plane.folder / name
    place.mkdir()
    place.chmod(0o777)
    spec = {
        "capacity": {"storage": size},
        "accessModes": ["ReadWriteOnce"],
        "hostPath": {"path": str(place)},
        "persistentVolumeReclaimPolicy": "Retain",
    }
    made = {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": name}, "spec": spec}
    admin = plane.cluster("admin")
    admin._ask("POST", "/api/v1/persistentvolumes", made)  # noqa: SLF001
    admin.close()


def table(plane: Plane, where: str) -> str:
    """What a node's configuration says of this cluster."""
    said = {"kubeconfig": str(plane.kubeconfig(OURS)), "registry": f"http://{where}"}
    lines = [f"{name} = {json.dumps(value)}" for name, value in said.items()]
    return "\n".join(["[kubernetes]", *lines, f'front = ["{plane.site.host}/32"]', ""])


def vouch(node: Neighbour) -> str:
    """The operator certifies a node's software TPM with a root of its own; its SHA-256 in hex.

    No development root is in it: whoever names this root in a policy says that they believe the operator.
    """
    node.identity()
    public = Public.parse((node.data / "tpm" / "attestation-key.pub").read_bytes())
    operator = Authority.new("an operator", now=int(time.time()), life=86400)
    certificates = operator.issue(public.key, hardware=None, now=int(time.time()), life=3600)
    (node.data / "tpm" / "attestation-key.der").write_bytes(certificates)
    return fingerprint(operator.chain[-1]).hex()


def policy(folder: Path, *roots: str) -> Path:
    """A policy that believes the operator with these roots."""
    path = folder / "policy.json"
    path.write_text(json.dumps({"v": 1, "roots": {f"sha256:{root}": "operator-trusted" for root in roots}}))
    return path


@contextmanager
def admitted(folder: Path, rig: Path, manifest: Path, *, audited: str = "", site: Site = FIRST) -> Iterator[Plane]:
    """A control plane with the node's account in it, and a token for that; it ends with the block.

    Args:
        folder: for all that it keeps; made.
        rig: what Kubernetes is compiled from; see `binaries`.
        manifest: what an administrator installs for a node.
        audited: see `Plane`.
        site: see `Plane`.
    """
    plane = Plane(folder, binaries(rig), audited=audited, site=site)
    try:
        plane.start()
        install(plane, manifest)
        token(plane)
        yield plane
    finally:
        plane.stop()


@contextmanager
def cluster(folder: Path, rig: Path) -> Iterator[tuple[Plane, Machine]]:
    """A whole cluster in which nothing of ours is yet; everything ends with the block.

    Args:
        folder: for all that it keeps.
        rig: what Kubernetes is compiled from; see `binaries`.
    """
    folder.mkdir(mode=0o711)
    plane = Plane(folder, binaries(rig))
    try:
        plane.start()
        with registry(folder, plane.site) as where:
            machine = Machine(plane, where)
            try:
                machine.start()
                yield plane, machine
            finally:
                machine.stop()
    finally:
        plane.stop()
