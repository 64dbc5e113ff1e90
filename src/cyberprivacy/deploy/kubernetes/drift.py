"""Whether somebody changed what we applied; if so it is put back, and told."""

import time
from collections import defaultdict
from collections.abc import Callable, Collection

from cyberprivacy.deploy.kubernetes.api import Cluster
from cyberprivacy.deploy.kubernetes.fields import Object, at, text
from cyberprivacy.deploy.kubernetes.reading import differs, others_in


class Drifts:
    """Looks at objects of ours now and then.

    An object whose version is the one that we saw last is not asked about again, so that a quiet cluster costs one
    read an object and round.

    Args:
        cluster: where they are.
        pause: seconds between two looks at the objects of an application.
        clock: seconds, monotonic.
    """

    def __init__(self, cluster: Cluster, pause: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._cluster, self._pause, self._clock = cluster, pause, clock
        self._looked: dict[str, float] = {}
        self._seen: defaultdict[str, dict[tuple[str, str], tuple[str, str]]] = defaultdict(dict)

    def forget(self, name: str) -> None:
        """Begin anew with an application, which has just been applied: the next look is a round from now."""
        self._seen.pop(name, None)
        self._looked[name] = self._clock()

    def look(self, name: str, wanted: Collection[Object]) -> tuple[str, ...] | None:
        """Compare an application's objects with what they should be, and put them right.

        Args:
            name: of the application.
            wanted: what should be there.

        Returns:
            "kind/name: what was another" of each; None when it is not time to look yet.
        """
        if self._clock() - self._looked.get(name, -self._pause) < self._pause:
            return None
        found = tuple(told for one in wanted if (told := self._right(name, one)))
        self._looked[name] = self._clock()
        return found

    def _right(self, app: str, wanted: Object) -> str:
        kind, name = str(wanted["kind"]), text(wanted, "metadata", "name")
        what = f"{kind}/{name}"
        before = self._cluster.get(kind, name, text(wanted, "metadata", "namespace"))
        if before is not None and _version(before) == self._seen[app].get((kind, name)):
            return ""
        if before is not None and (others := others_in(before)):
            after, said = (
                self._cluster.replace(_instead_of(before, wanted)),
                f"{what}: written by {', '.join(others)}",
            )
        else:
            after = self._cluster.apply(wanted)
            parts = () if before is None else differs(before, after)
            said = f"{what}: was gone" if before is None else f"{what}: {', '.join(parts)}" if parts else ""
        self._seen[app][kind, name] = _version(after)
        return said


def _instead_of(before: Object, wanted: Object) -> Object:
    """The wanted object in the place of this one; some kinds want to know which version was seen."""
    metadata, version = at(wanted, "metadata"), text(before, "metadata", "resourceVersion")
    return {**wanted, "metadata": {**(metadata if isinstance(metadata, dict) else {}), "resourceVersion": version}}


def _version(found: Object) -> tuple[str, str]:
    return text(found, "metadata", "uid"), text(found, "metadata", "resourceVersion")
