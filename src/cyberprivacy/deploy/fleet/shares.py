"""One front for several clusters: each points its own users, and leaves those of the others where they are.

Whose an endpoint is, its address says: the networks of the clusters' Services do not overlap. So nothing has to be
remembered, and a node that comes back takes over whatever the front does.
"""

import threading
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from ipaddress import IPv4Network
from itertools import combinations
from typing import Final, Protocol

from cyberprivacy.deploy.front import Balancer
from cyberprivacy.deploy.plan import Endpoint
from cyberprivacy.errors import Misuse

_DRAIN: Final = 30.0
"""Seconds that requests in flight get to end, as everywhere."""


class WrongAddress(Misuse):
    """An address is not of the cluster that it should be of, or would be of two."""

    code = "fleet.address"
    hint = "Name the network of each cluster's Services; no two may overlap, or users would reach another cluster."


class Door(Protocol):
    """A balancer that leaves alone what is not spoken of: `Front`."""

    def endpoints(self, app: str) -> frozenset[Endpoint]:
        """Where users are sent now."""
        ...

    def point(
        self,
        app: str,
        endpoints: Collection[Endpoint],
        *,
        drain: float = _DRAIN,
        settled: Collection[Endpoint] = (),
    ) -> None:
        """See `Front.point`."""
        ...


class Shares:
    """Divides a front among clusters; port `Users`. Threads may share it."""

    def __init__(self, front: Door, networks: Mapping[str, Sequence[IPv4Network]]) -> None:
        """Divide a front.

        Args:
            front: whose users they are.
            networks: cluster -> where its Services have addresses.

        Raises:
            WrongAddress: networks of two clusters overlap.
        """
        for (one, its), (other, theirs) in combinations(networks.items(), 2):
            if any(a.overlaps(b) for a in its for b in theirs):
                raise WrongAddress("two clusters have the same addresses", clusters=[one, other])
        self._front, self._networks = front, networks
        self._admitted: dict[str, frozenset[str]] = {}
        self._locks: defaultdict[str, threading.RLock] = defaultdict(threading.RLock)

    def of(self, cluster: str) -> Balancer:
        """What one cluster moves its users with."""
        return _Share(self, cluster)

    def admit(self, app: str, clusters: frozenset[str]) -> None:
        """See `Users.admit`."""
        with self._locks[app]:
            self._admitted[app] = clusters
            there = self._front.endpoints(app)
            stay = self._belonging(there, clusters)
            if stay != there:
                self._front.point(app, stay, settled=stay)

    def shut(self, app: str) -> None:
        """See `Users.shut`."""
        with self._locks[app]:
            self._front.point(app, ())

    def endpoints(self, app: str, cluster: str) -> frozenset[Endpoint]:
        """Where a cluster's share of the users is sent now."""
        return self._belonging(self._front.endpoints(app), {cluster})

    def point(self, app: str, cluster: str, endpoints: Collection[Endpoint], drain: float) -> None:
        """Send a cluster's share of the users to exactly these; nobody, where it is not admitted.

        What the front knows of the others stays: one that is out of reach must not hold this one up.

        Raises:
            WrongAddress: an endpoint is not this cluster's.
            FrontSilent: as `Front.point`.
        """
        if strange := set(endpoints) - self._belonging(endpoints, {cluster}):
            raise WrongAddress("not an address of this cluster", cluster=cluster, endpoint=min(strange))
        with self._locks[app]:
            admitted = self._admitted.get(app, frozenset())
            stay = self._belonging(self._front.endpoints(app), admitted - {cluster})
            wanted = frozenset(endpoints) if cluster in admitted else frozenset[Endpoint]()
            self._front.point(app, stay | wanted, drain=drain, settled=stay)

    def _belonging(self, endpoints: Collection[Endpoint], clusters: Collection[str]) -> frozenset[Endpoint]:
        networks = [network for cluster in clusters for network in self._networks[cluster]]
        return frozenset(one for one in endpoints if any(one.address in network for network in networks))


class _Share:
    """One cluster's part of a front; port `Balancer`."""

    def __init__(self, shares: Shares, cluster: str) -> None:
        self._shares, self._cluster = shares, cluster

    def endpoints(self, app: str) -> frozenset[Endpoint]:
        """See `Balancer.endpoints`."""
        return self._shares.endpoints(app, self._cluster)

    def point(self, app: str, endpoints: Collection[Endpoint], *, drain: float = _DRAIN) -> None:
        """See `Balancer.point`."""
        self._shares.point(app, self._cluster, endpoints, drain)
