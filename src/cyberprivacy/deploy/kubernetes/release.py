"""A release on its way into a cluster: beside what serves, then in its place, or gone without a trace."""

import time
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address
from pathlib import Path
from typing import Final

from cyberprivacy.deploy.deployment import Application
from cyberprivacy.deploy.front import Balancer
from cyberprivacy.deploy.haproxy import FrontSilent
from cyberprivacy.deploy.kubernetes import walls
from cyberprivacy.deploy.kubernetes.api import ClusterSilent
from cyberprivacy.deploy.kubernetes.fields import Object, text
from cyberprivacy.deploy.kubernetes.kubeconfig import Access
from cyberprivacy.deploy.kubernetes.objects import Generation, generation, need
from cyberprivacy.deploy.kubernetes.room import Room, Standing, marks
from cyberprivacy.deploy.patience import Unhealthy, Wait
from cyberprivacy.deploy.plan import Endpoint, spec_of
from cyberprivacy.errors import Misuse, TryLater, Untrusted

MAX_PARAMETERS: Final = 512 << 10
PAUSE: Final = 0.5
_DRAIN: Final = 3.0
"""Seconds between the moment when no new request goes to a pod and the moment when it is asked to end."""
_LEARNING: Final = 20.0
"""Seconds until the cluster's machines must know where a Service's pods are."""
_SETTLING: Final = 20.0
"""Seconds that the cluster gets to notice that what it made of a Deployment has to go with it."""


class Unpulled(TryLater):
    """A machine of the cluster does not get an image."""

    code = "kubernetes.pull"
    hint = "Can the cluster's machines reach the registry, and do they trust it? What runs goes on."


@dataclass(frozen=True, slots=True, kw_only=True)
class KubernetesSettings:
    """How a cluster is used.

    Attributes:
        access: whom to talk to.
        front: networks (CIDR) from which the node's front connects to applications.
        pull: file with the credentials with which the cluster's machines pull; None = none are needed.
        storage: storage class of volumes; "" = the cluster's own choice.
        start_seconds: how long a new release may take to become ready, beyond its own initial delay.
        round_seconds: between two looks at whether somebody changed an object.
        lease: "namespace/name" of the Lease whose holder alone acts with this account; "" = nobody else does.
    """

    access: Access
    front: tuple[str, ...]
    pull: Path | None = None
    storage: str = ""
    start_seconds: int = 120
    round_seconds: float = 15.0
    lease: str = ""


class Release:
    """One release on its way.

    Args:
        application: what is to run.
        room: its namespace.
        node: user name of this node in the cluster.
        settings: of the runtime.
        before: what the namespace said of itself when the journey began.
    """

    def __init__(
        self, application: Application, room: Room, node: str, settings: KubernetesSettings, before: Standing
    ) -> None:
        self._application, self._room, self._node = application, room, node
        self._settings, self._before, self.spec = settings, before, spec_of(application)

    def bring_up(self) -> Generation:
        """Have every object of it, and what is around it; users are where they were."""
        application, room, before = self._application, self._room, self._before
        repair, takes = before.serving == self.spec, need(application.topology)
        references = {one.reference for one in application.images.values()}
        stays, coming = (takes, {}) if repair else (before.need, takes)
        around = self._around({*before.images, *references}, before.serving, stays, coming)
        room.bring(around)
        room.expel(marks(before.serving, self.spec), around)
        there = room.addresses()
        room.bring([one for one in self._plan({}).services if text(one, "metadata", "name") not in there])
        plan = self._plan(room.addresses())
        room.bring((*plan.lasting, *plan.config_maps, *plan.workloads))
        return plan

    def await_ready(self, plan: Generation, wait: Wait) -> None:
        """Return when every workload of it is ready, with the images that were pushed.

        An API server that is silent for a while is waited for, as long as the release itself is.

        Raises:
            Unhealthy: it does not become ready in time, or keeps ending.
            Unpulled: an image is not to be had.
            Untrusted: another image runs than was pushed ("deploy.image").
            Stopped: nobody wants it any more.
        """
        delay = max(one.container.readiness.initial_delay for one in self._application.topology.workloads)
        deadline = time.monotonic() + wait.seconds + delay
        while not self._is_ready(plan, late=time.monotonic() > deadline):
            wait.refuse_unwanted()
            time.sleep(PAUSE)
        if others := self._room.other_images(plan):
            raise Untrusted("another image runs than was pushed", code="deploy.image", images=others)

    def _is_ready(self, plan: Generation, *, late: bool) -> bool:
        try:
            said = self._room.progress(plan)
        except ClusterSilent:
            if late:
                raise
            return False
        over = late or said.state == "failed"
        if said.state != "done" and over and said.pull:
            raise Unpulled("an image is not to be had", why=said.why)
        if said.state != "done" and over:
            raise Unhealthy("does not become ready", why=said.why)
        return said.state == "done"

    def serve(self, plan: Generation, front: Balancer) -> tuple[Object, ...]:
        """Send users to this generation, and clear what was there before; gives what is around it now."""
        self._room.bring(plan.services)
        self._point(plan, front)
        around = self._around(plan.references, plan.spec, need(self._application.topology), {})
        if self._before.serving:
            time.sleep(_DRAIN)  # whoever was on the way to the pods from before has come and gone
        self._room.bring(around[:1])
        self._room.expel((), around + plan.objects)
        self._room.bring(around[1:])
        self._settle()
        return around

    def follow(self, front: Balancer) -> None:
        """Send the front's users to what another node has brought up; nothing is changed in the cluster."""
        self._point(self._plan({}), front)

    def retreat(self, plan: Generation) -> None:
        """Leave nothing of a release that did not come up; the one that serves was never touched."""
        self._room.discard(plan.mark)
        before = self._before
        self._room.bring(self._around(before.images, before.serving, before.need, {})[:3])
        self._settle()

    def _settle(self) -> None:
        """Wait until nothing of what was removed can be taken for somebody else's; what stays is told as such."""
        deadline = time.monotonic() + _SETTLING
        while not self._room.is_settled() and time.monotonic() < deadline:
            time.sleep(PAUSE)

    def _plan(self, addresses: Mapping[str, str]) -> Generation:
        names = {service.name for service in self._application.topology.services}
        return generation(
            self._application,
            {name: address for name, address in addresses.items() if name in names},
            patience=self._settings.start_seconds,
            pull=self._settings.pull is not None,
            storage=self._settings.storage,
        )

    def _around(
        self, images: Collection[str], serving: str, stays: Mapping[str, int], coming: Mapping[str, int]
    ) -> tuple[Object, ...]:
        name, application = self._application.name, self._application
        objects = [
            walls.namespace(name, self._node, images, serving),
            walls.account(name),
            walls.quota(name, stays, coming),
            *walls.networks(application.topology, name, self._settings.front),
        ]
        if self._settings.pull is not None:
            objects.append(walls.pull_secret(name, _text(self._settings.pull)))
        if application.parameters is not None:
            objects.append(walls.parameters(name, turned(application.parameters)))
        return tuple(objects)

    def _point(self, plan: Generation, front: Balancer) -> None:
        """Send the front's users to the public Service, which the machines of the cluster learn of one by one."""
        name, port = plan.public
        address = self._room.addresses().get(name, "")
        try:
            entrance, deadline = Endpoint(IPv4Address(address), port), time.monotonic() + _LEARNING
        except AddressValueError:
            raise Misuse("a Service has no IPv4 address", code="kubernetes.address", address=address) from None
        while True:
            try:
                return front.point(self._room.name, {entrance})
            except FrontSilent:
                if time.monotonic() > deadline:
                    raise
            time.sleep(PAUSE)


def turned(folder: Path | None) -> dict[str, str]:
    """The files that administrators turn, whole.

    Raises:
        Misuse: larger than a cluster passes on ("kubernetes.parameters").
    """
    if folder is None:
        return {}
    found = {path.name: _text(path) for path in sorted(folder.iterdir()) if path.is_file() and path.name[0] != "."}
    if sum(map(len, found.values())) > MAX_PARAMETERS:
        raise Misuse("too much for a ConfigMap", code="kubernetes.parameters", limit=MAX_PARAMETERS)
    return found


def _text(path: Path) -> str:
    """A small file of ours.

    Raises:
        TryLater: it cannot be read now ("disk.failed").
    """
    try:
        return path.read_text()
    except OSError as problem:
        raise TryLater(
            "a file cannot be read", code="disk.failed", path=str(path), reason=problem.strerror
        ) from None
