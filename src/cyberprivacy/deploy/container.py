"""A container's walls, spelled out: every flag that protects somebody is written, none is a default."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from cyberprivacy.build.scratch import on_disk
from cyberprivacy.deploy.deployment import PARAMETERS
from cyberprivacy.deploy.plan import PREFIX, UIDS, Generation, Place, Pod
from cyberprivacy.review.workload import ClaimMount, ConfigMapMount, ScratchMount

_TMPFS: Final = "tmpfs-mode=0700,U=true,notmpcopyup,noexec,nosuid,nodev"
"""Empty, and owned by the container's user whatever the image has at that path."""


def create_arguments(generation: Generation, pod: Pod, place: Place, mounts: Mapping[str, str]) -> list[str]:
    """The arguments of `podman create`; the container has no network yet.

    Args:
        generation: what the pod belongs to.
        pod: the container.
        place: what the application owns here.
        mounts: host path of each thing to mount: "hosts", "config/<name>", "claim/<name>".
    """
    box = pod.container
    arguments = [
        f"--name={generation.name(pod)}",
        "--replace",
        f"--hostname={pod.workload}-{pod.replica}",
        "--network=none",  # the cable is plugged in by us, between init and start
        "--no-hosts",
        f"--volume={mounts['hosts']}:/etc/hosts:ro,noexec,nosuid,nodev",
        "--read-only",
        "--read-only-tmpfs=false",
        "--cap-drop=all",
        "--security-opt=no-new-privileges",
        f"--user={box.user}:{box.user}",
        f"--uidmap=0:{place.first_uid}:{UIDS}",
        f"--gidmap=0:{place.first_uid}:{UIDS}",
        "--ipc=private",
        "--pid=private",
        "--uts=private",
        "--cgroupns=private",
        f"--memory={box.memory}b",
        f"--memory-swap={box.memory}b",
        f"--cpus={box.cpu_millis / 1000}",
        "--pids-limit=256",
        "--ulimit=nofile=8192:8192",
        "--ulimit=nproc=8192:8192",
        "--ulimit=core=0:0",
        "--shm-size=16m",
        "--http-proxy=false",
        "--systemd=false",
        "--image-volume=ignore",
        "--log-driver=none",  # what an application prints may be about its users
        "--pull=never",
        "--restart=no",
        "--stop-signal=SIGTERM",
        f"--stop-timeout={pod.care.grace}",
    ]
    arguments += [f"--label={PREFIX}{key}={text}" for key, text in generation.labels(pod).items()]
    arguments += [f"--env={name}={text}" for name, text in box.env]
    for mount in box.mounts:
        match mount:
            case ScratchMount(path, size):
                arguments.append(f"--mount=type=tmpfs,destination={path},tmpfs-size={size},{_TMPFS}")
            case ClaimMount(path, claim, read_only):
                mode = "ro" if read_only else "rw"
                arguments.append(f"--volume={mounts[f'claim/{claim}']}:{path}:{mode},noexec,nosuid,nodev")
            case ConfigMapMount(path, name):
                arguments.append(f"--volume={mounts[f'config/{name}']}:{path}:ro,noexec,nosuid,nodev")
    if generation.parameters is not None:  # the folder, not the file: a file that is replaced stays visible
        arguments.append(f"--volume={generation.parameters}:{PARAMETERS}:ro,noexec,nosuid,nodev")
    if box.command:
        arguments.append(f"--entrypoint={json.dumps(list(box.command))}")
    return [*arguments, pod.reference, *box.args]


def write_files(folder: Path, generation: Generation) -> dict[str, str]:
    """Write what a generation's containers read: their neighbours' addresses and its config maps.

    Returns:
        "hosts" and "config/<name>" -> host path, as `create_arguments` wants them.

    Raises:
        TryLater: the disk is full or failed.
    """
    lines = ["127.0.0.1 localhost", *(f"{address} {name}" for name, address in generation.hosts)]
    mounts = {"hosts": str(folder / "hosts")}
    with on_disk():
        folder.mkdir(parents=True, exist_ok=True, mode=0o711)
        (folder / "hosts").write_text("\n".join(lines) + "\n")
        for name, files in generation.config_maps.items():
            inside = folder / f"config-{name}"  # one may be called "hosts"
            inside.mkdir(exist_ok=True, mode=0o755)
            for file, text in files:
                (inside / file).write_text(text)
            mounts[f"config/{name}"] = str(inside)
    return mounts
