"""How much longer is our road than the bare one: build, push and start of the same bundle without us?

    sudo uv run python bench/road.py [--rounds 3] [--json] [--raw bench/results/road.json]

Ours: from the moment a vote is executed to a running application that `verify` accepts; on a fresh node, with
finality of the chain, lint, isolated build, reports on chain, proof. Bare: `buildah build`, `buildah push` to a
docker-registry and `podman play kube`, until the application answers. Both start with empty stores, on one machine
in one run, bare rounds before and after ours. Needs root, the engines, and catatonit, which play kube wants.
"""

import argparse
import http.client
import json
import os
import platform
import re
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

from cyberprivacy.registry.docker_registry import DockerRegistry
from cyberprivacy.testing import remains
from cyberprivacy.testing.checkout import PROJECT, founded
from cyberprivacy.testing.story import Story
from cyberprivacy.testing.town import free_port

RESULTS = PROJECT / "bench/results/road.json"
STEPS = ("fetched", "built", "reported", "pushed", "deployed", "announced")
SUBNET = "10.213.7.0/24"
LIMITS = '[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=1024:1024"]\n'
"""The engine's own limits are more than a container around this machine may allow."""


class Watch:
    """Seconds by step, in order."""

    def __init__(self, start: float | None = None) -> None:
        self._last = time.monotonic() if start is None else start
        self.seconds: dict[str, float] = {}

    def step(self, name: str) -> None:
        """A step has ended now."""
        now = time.monotonic()
        self.seconds[name] = round(now - self._last, 3)
        self._last = now


def do(*command: str | Path, settings: Path) -> str:
    """Run an engine's command; what it printed."""
    environment = os.environ | {"CONTAINERS_CONF": str(settings)}
    done = subprocess.run(command, capture_output=True, text=True, check=False, env=environment)
    assert done.returncode == 0, f"{command[0]}: {done.stderr[-2000:]}"
    return done.stdout.strip()


@contextmanager
def engines(folder: Path) -> Iterator[tuple[list[str], list[str], Path]]:
    """The commands of a buildah and a podman with empty stores and a network, and their settings."""
    settings = folder / "containers.conf"
    settings.write_text(LIMITS)
    where = ["--storage-driver=overlay"]
    buildah = ["buildah", f"--root={folder}/built", f"--runroot={folder}/built-run", *where]
    podman = ["podman", f"--root={folder}/store", f"--runroot={folder}/run", f"--tmpdir={folder}/libpod", *where]
    podman += [f"--network-config-dir={folder}/networks", "--cgroup-manager=cgroupfs", "--events-backend=none"]
    podman += ["--runtime=runc"]
    do(*podman, "network", "create", "--subnet", SUBNET, "bare", settings=settings)
    try:
        yield buildah, podman, settings
    finally:
        for end in (["pod", "rm", "--all", "--force", "--time=0"], ["network", "rm", "--force", "bare"]):
            subprocess.run([*podman, *end], capture_output=True, check=False)
        for point in reversed(remains.mounts(folder)):
            subprocess.run(["umount", "--lazy", point], capture_output=True, check=False)


def bare(source: Path, bases: Path) -> dict[str, float]:
    """The bare road once, from nothing; seconds by step."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bare-", ignore_cleanup_errors=True)))
        registry = stack.enter_context(DockerRegistry(folder / "registry", free_port()))
        buildah, podman, settings = stack.enter_context(engines(folder))
        access = [f"--cert-dir={registry.certs}", f"--authfile={registry.authfile}"]
        image, yaml = f"{registry.host}/bare/web", folder / "application.yaml"
        yaml.write_text(application(source, image))
        recipe, watch = folder / "Dockerfile", Watch()
        base = do(*buildah, "pull", "--quiet", f"oci:{bases}:cyberprivacy/python", settings=settings)
        recipe.write_text(re.sub(r"(?m)^FROM .*", f"FROM {base}", (source / "Dockerfile").read_text()))
        watch.step("base")
        words = ("bud", "--quiet", "--pull-never", "--isolation=chroot", f"--file={recipe}", f"--tag={image}")
        do(*buildah, *words, source, settings=settings)
        watch.step("buildah build")
        do(*buildah, "push", "--quiet", *access, image, f"docker://{image}", settings=settings)
        watch.step("buildah push")
        do(*podman, "play", "kube", "--quiet", "--network=bare", *access, yaml, settings=settings)
        watch.step("podman play kube")
        infra = do(*podman, "ps", "--all", "--quiet", "--filter=name=infra", settings=settings)
        network = "{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}"
        address = do(*podman, "inspect", f"--format={network}", infra, settings=settings)
        await_answer(address)
        watch.step("first answer")
    return watch.seconds


def application(source: Path, image: str) -> str:
    """The bundle's Kubernetes YAML with an image that is somewhere, and no port of the host."""
    text = "---\n".join(path.read_text() for path in sorted((source / "k8s").glob("*.yaml")))
    text = text.replace("bundle://web", image)
    return re.sub(r"\n +ports:\n +- \{containerPort[^\n]*", "", text)


def await_answer(address: str) -> None:
    """Until the application says that it is well."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with suppress(OSError):
            connection = http.client.HTTPConnection(address, 8080, timeout=2)
            connection.request("GET", "/healthz")
            if connection.getresponse().status == 200:
                return
        time.sleep(0.02)
    raise AssertionError(f"{address} does not answer")


def ours(story: Story, source: Path) -> dict[str, float]:
    """The whole road once, on a fresh node; seconds by step from the vote's execution."""
    node = story.node("node", port=free_port())
    try:
        cid = story.publish(source, "1.0.0")
        story.audit(cid)
        story.propose(cid, "guestbook 1.0.0")
        story.enlist(node)
        story.decide(cid)
        watch = Watch()
        for step in STEPS:
            node.until(lambda step=step: f"release.{step}" in [one["kind"] for one in node.entries()], step)  # type: ignore[misc]
            watch.step(step)
        words = ("verify", node.url, "--dao", story.dao["governor"], "--allow-development", story.town.root_file)
        assert story.town.types(*words)["verdict"] == "accept"
        watch.step("verified")
        return watch.seconds
    finally:
        node.demolish()


def measure(rounds: int) -> dict[str, Any]:
    """Both roads, and what they were measured on."""
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="road-", ignore_cleanup_errors=True))
        story = stack.enter_context(founded(Path(folder) / "town"))
        town = story.town
        source = story.sources("1.0.0")
        town.types("pin", source, "--bases", story.bases, chain=False)
        before = [bare(source, story.bases) for _ in range(rounds - rounds // 2)]
        road = ours(story, source)
        after = [bare(source, story.bases) for _ in range(rounds // 2)]
    total = statistics.median(sum(one.values()) for one in (*before, *after))
    return {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}",
        "ours": road,
        "bare": [*before, *after],
        "ratio": round(sum(road.values()) / total, 2),
        "unit": "seconds",
    }


def show(found: Mapping[str, Any]) -> None:
    """Two tables and the ratio."""
    rounds = found["bare"]
    middle = {step: statistics.median(one[step] for one in rounds) for step in rounds[0]}
    for title, seconds in (("ours: executed, then", found["ours"]), (f"bare, median of {len(rounds)}", middle)):
        print(f"{title:<28}{'seconds':>8}")
        for step, taken in seconds.items():
            print(f"  {step:<26}{taken:>8.2f}")
        print(f"  {'all':<26}{sum(seconds.values()):>8.2f}")
    print(f"ratio {found['ratio']}   ({found['machine']})")


def main() -> None:
    """Measure, print, and keep the raw data."""
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--rounds", type=int, default=3, help="of the bare road")
    options.add_argument("--json", action="store_true", help="print the raw data instead of tables")
    options.add_argument("--raw", type=Path, default=RESULTS, help="where to keep the raw data")
    given = options.parse_args()
    missing = [name for name in ("buildah", "podman", "docker-registry", "catatonit") if not shutil.which(name)]
    assert not missing, f"install first: {', '.join(missing)}"
    found = measure(given.rounds)
    given.raw.parent.mkdir(parents=True, exist_ok=True)
    given.raw.write_text(json.dumps(found, indent=1) + "\n")
    if given.json:
        print(json.dumps(found, indent=1))
    else:
        show(found)


if __name__ == "__main__":
    main()
