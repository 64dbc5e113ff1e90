"""`demo kubernetes`: the story of `demo` inside a real Kubernetes, where the node is a pod, too."""

from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cyberprivacy.cli.demo import Anvil, Demo, Examples, Folder, Stay, perform, prepare, refuse_losses
from cyberprivacy.cli.output import Json
from cyberprivacy.cli.stage import Screen
from cyberprivacy.errors import Misuse

if TYPE_CHECKING:
    from collections.abc import Sequence

    from cyberprivacy.testing.kubernetes.machine import Machine
    from cyberprivacy.testing.kubernetes.plane import Plane
    from cyberprivacy.testing.kubernetes.podnode import PodNode
    from cyberprivacy.testing.server import Neighbour
    from cyberprivacy.testing.story import Story

REPLICAS = 2
REPLACED = "while a node was replaced"
COMPILING = "Kubernetes, etcd and Helm are compiled from their source, once: some seven minutes on two cores"


def kubernetes(
    folder: Folder = Path(".demo-kubernetes"),
    examples: Examples = Path("examples"),
    anvil: Anvil = Path("contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"),
    deploy: Annotated[Path, typer.Option(help="The folder `deploy` of a checkout.")] = Path("deploy"),
    *,
    stay: Stay = False,
    as_json: Json = False,
) -> None:
    """Tell the story of `demo` inside a real Kubernetes: the chart installs the node, votes decide what it runs.

    The cluster is this machine alone, in a network namespace of its own; nothing of it outlives this command.
    """
    from cyberprivacy.testing.kubernetes.binaries import is_compiled
    from cyberprivacy.testing.kubernetes.machine import clear
    from cyberprivacy.testing.kubernetes.town import cluster
    from cyberprivacy.testing.story import Story
    from cyberprivacy.testing.town import Town

    place, rig, chart = folder.resolve(), deploy / "kubernetes-rig", deploy / "chart"
    if not chart.is_dir():
        hint = "Run it from the root of a checkout, or name its folder with --deploy."
        raise Misuse("the chart is not there", code="demo.deploy", hint=hint, folder=str(chart))
    clear(place / "cluster" / "machine")
    prepare(place, examples)
    screen = Screen(place, aside=as_json)
    screen.chapter("A cluster: etcd, API server, controllers, scheduler, kubelet, containerd")
    if not is_compiled(rig):
        screen.note(COMPILING)
    with (
        cluster(place / "cluster", rig) as (plane, machine),
        Town(place, anvil.resolve(), told=screen.typed) as town,
    ):
        story = Story(town, examples.resolve(), cache=place / "debs", tell=screen)
        perform(ClusterDemo(story, screen, plane, machine, chart.resolve()), stay=stay, as_json=as_json)


class ClusterDemo(Demo):
    """The same, in a cluster."""

    def __init__(self, story: "Story", screen: Screen, plane: "Plane", machine: "Machine", chart: Path) -> None:
        super().__init__(story, screen)
        self._plane, self._machine, self._chart = plane, machine, chart
        self._trusted: Path | None = None
        self._nodes: list[PodNode] = []
        self._ends = ExitStack()

    def close(self) -> None:
        """Close the ways into town; the cluster ends with whoever has started it."""
        self._ends.close()

    def _begin(self) -> "Neighbour":
        from cyberprivacy.testing.kubernetes.podnode import Inside

        self._screen.chapter("A Privacy Server, as pods of this cluster: Helm installs the chart")
        inside = Inside(self._story, self._plane, self._machine, self._chart, replicas=REPLICAS)
        with self._screen.waiting("the node's image, from Debian's packages by hash"):
            self._screen.note(f"image {self._ends.enter_context(inside).image}")
        self._nodes = [inside.node(which) for which in range(REPLICAS)]
        for node in self._nodes:
            with self._screen.waiting(f"the start of {node.name}"):
                inside.welcome(node.identity())
        self._screen.note(f"users connect to {self._nodes[0].url}, the Service of all of them")
        return self._nodes[0]

    def _all(self, node: "Neighbour") -> "Sequence[Neighbour]":  # noqa: ARG002
        return self._nodes

    def _encore(self, node: "Neighbour") -> None:
        """The node that acts goes, and the other one goes on.

        What it had built goes with it: it listens before it has built again, and nobody may meet it until then.
        """
        from cyberprivacy.testing.kubernetes.plane import eventually
        from cyberprivacy.testing.kubernetes.podnode import leader
        from cyberprivacy.testing.visitors import Visitors

        screen, first = self._screen, leader(self._plane)
        screen.chapter("The node that acts in the cluster is taken away")
        acts = next(each for each in self._nodes if first.startswith(f"{each.name}_"))
        with Visitors(node.url) as crowd, screen.waiting("until the other leads, and it is back"):
            acts.end()
            acts.forget()
            eventually(lambda: leader(self._plane) not in ("", first), 60, "another leads")
            eventually(acts.serving, 240, f"{acts.name} is back")
        screen.note(f"{acts.name} led; now the other does, and {acts.name} is back, has built anew, and follows")
        screen.note(f"visitors asked {crowd.asked} times meanwhile; {crowd.failed} requests failed")
        self._rows.append((REPLACED, f"{crowd.asked} requests, {crowd.failed} failed"))
        refuse_losses(crowd, REPLACED)
        self._verify(node)

    def _trust(self, node: "Neighbour") -> tuple[str | Path, ...]:  # noqa: ARG002
        """The operator, by a root that is no development root: so the verdict is what a cluster is worth."""
        from cyberprivacy.testing.kubernetes.town import policy, vouch

        self._trusted = self._trusted or policy(self._story.town.folder, *(vouch(each) for each in self._nodes))
        return ("--policy", self._trusted)

    def _look(self) -> None:
        from cyberprivacy.deploy.kubernetes.fields import text
        from cyberprivacy.deploy.kubernetes.reading import running_image
        from cyberprivacy.node.assembly import application_name
        from cyberprivacy.proposal.release import Address
        from cyberprivacy.testing.kubernetes.install import SPACE

        admin = self._plane.cluster("admin")
        for space in (SPACE, application_name(Address(self._story.dao["governor"]))):
            for pod in admin.every("Pod", space):
                phase = (
                    "Terminating" if text(pod, "metadata", "deletionTimestamp") else text(pod, "status", "phase")
                )
                self._screen.note(f"pod {text(pod, 'metadata', 'name')}  {phase}  {running_image(pod)[:19]}…")
        admin.close()
