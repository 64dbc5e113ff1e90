"""`demo kubernetes`: the same story as `demo`, with a real Kubernetes under the node."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cyberprivacy.cli.demo import Anvil, Demo, Examples, Folder, Stay, perform, prepare
from cyberprivacy.cli.output import Json
from cyberprivacy.cli.stage import Screen
from cyberprivacy.errors import Misuse

if TYPE_CHECKING:
    from cyberprivacy.testing.kubernetes.plane import Plane
    from cyberprivacy.testing.story import Story
    from cyberprivacy.testing.townnode import TownNode

COMPILING = "Kubernetes and etcd are compiled from their source, once: some six minutes on two cores"


def kubernetes(
    folder: Folder = Path(".demo-kubernetes"),
    examples: Examples = Path("examples"),
    anvil: Anvil = Path("contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"),
    deploy: Annotated[Path, typer.Option(help="The folder `deploy` of a checkout.")] = Path("deploy"),
    port: Annotated[int, typer.Option(help="Where users of the application connect.")] = 8443,
    *,
    stay: Stay = False,
    as_json: Json = False,
) -> None:
    """Tell the story of `demo` with a real Kubernetes: what people vote for runs in its pods.

    The cluster is this machine alone, in a network namespace of its own; nothing of it outlives this command.
    """
    from cyberprivacy.testing.kubernetes.binaries import is_compiled
    from cyberprivacy.testing.kubernetes.machine import clear
    from cyberprivacy.testing.kubernetes.town import cluster
    from cyberprivacy.testing.story import Story
    from cyberprivacy.testing.town import Town

    place, rig, manifest = folder.resolve(), deploy / "kubernetes-rig", deploy / "manifests" / "account.yaml"
    if not manifest.is_file():
        hint = "Run it from the root of a checkout, or name its folder with --deploy."
        raise Misuse("the manifests are not there", code="demo.deploy", hint=hint, file=str(manifest))
    clear(place / "cluster" / "machine")
    prepare(place, examples, port)
    screen = Screen(place, aside=as_json)
    screen.chapter("A cluster: etcd, API server, controllers, scheduler, kubelet, containerd")
    if not is_compiled(rig):
        screen.note(COMPILING)
    with cluster(place / "cluster", rig, manifest) as (plane, machine):
        screen.note(
            f"its administrator installed {manifest}: an account with the rights that a node uses, and a fence"
        )
        with Town(place, anvil.resolve(), told=screen.typed) as town:
            story = Story(town, examples.resolve(), cache=place / "debs", tell=screen)
            perform(ClusterDemo(story, screen, plane, machine.registry), port, stay=stay, as_json=as_json)


class ClusterDemo(Demo):
    """The same, in a cluster."""

    def __init__(self, story: "Story", screen: Screen, plane: "Plane", registry: str) -> None:
        super().__init__(story, screen)
        self._plane, self._registry, self._root = plane, registry, ""

    def _begin(self, port: int) -> "TownNode":
        from cyberprivacy.testing.kubernetes.town import provide, table

        provide(self._plane, "guestbook", "1Gi")
        return self._story.node("node", port=port, more=table(self._plane, self._registry))

    def _trust(self, node: "TownNode") -> tuple[str | Path, ...]:
        """The operator, by a root that is no development root: so the verdict is what a cluster is worth."""
        from cyberprivacy.testing.kubernetes.town import policy, vouch

        self._root = self._root or vouch(node)
        return ("--policy", policy(self._story.town.folder, self._root))

    def _look(self) -> None:
        from cyberprivacy.deploy.kubernetes.fields import text
        from cyberprivacy.deploy.kubernetes.reading import running_image
        from cyberprivacy.node.assembly import application_name
        from cyberprivacy.proposal.release import Address

        admin = self._plane.cluster("admin")
        for pod in admin.every("Pod", application_name(Address(self._story.dao["governor"]))):
            phase = "Terminating" if text(pod, "metadata", "deletionTimestamp") else text(pod, "status", "phase")
            self._screen.note(f"pod {text(pod, 'metadata', 'name')}  {phase}  {running_image(pod)[:19]}…")
        admin.close()
