"""Whether somebody changed what we applied; if so it is put back, and told."""

import time
from collections import defaultdict
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from typing import Final

from cyberprivacy.deploy.kubernetes.api import Cluster, ClusterConflict
from cyberprivacy.deploy.kubernetes.changes import Mark
from cyberprivacy.deploy.kubernetes.fields import Object, at, text
from cyberprivacy.deploy.kubernetes.reading import differs, others_in

_TRIES: Final = 5


class Drifts:
    """Looks at objects of ours now and then.

    Where nothing has happened since all was right, there is nothing to look at. An object whose version is the one
    that we saw last is read and not asked about again.

    Args:
        cluster: where they are.
        pause: seconds between two looks at the objects of an application.
        clock: seconds, monotonic.
    """

    def __init__(self, cluster: Cluster, pause: float, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._cluster, self._pause, self._clock = cluster, pause, clock
        self._looked: dict[str, float] = {}
        self._rests: dict[str, Mark] = {}
        self._seen: defaultdict[str, dict[tuple[str, str], tuple[str, str]]] = defaultdict(dict)

    def forget(self, name: str) -> None:
        """Begin anew with an application, which has just been applied: the next look is a round from now."""
        self._seen.pop(name, None)
        self._rests.pop(name, None)
        self._looked[name] = self._clock()

    def due(self, name: str, mark: Mark | None) -> bool:
        """Whether it is time to look at an application's objects again.

        Args:
            name: of the application.
            mark: of this moment; None = nobody can say what happens.
        """
        rests = mark is not None and self._rests.get(name) == mark
        return not rests and self._clock() - self._looked.get(name, -self._pause) >= self._pause

    def rest(self, name: str, mark: Mark | None) -> None:
        """All that belongs to an application was right when it was looked at after this moment."""
        if mark is not None:
            self._rests[name] = mark

    def look(self, name: str, wanted: Collection[Object]) -> Iterator[str]:
        """Compare an application's objects with what they should be, and put them right, one after the other.

        Args:
            name: of the application.
            wanted: what should be there.

        Yields:
            "kind/name: what was another", as soon as it is right: whoever fails at the next knows of this one.
        """
        for one in wanted:
            if told := self._right(name, one):
                yield told
        self._looked[name] = self._clock()

    def _right(self, app: str, wanted: Object) -> str:
        """Put one object right; the cluster's controllers write there as well, mostly once."""
        for _ in range(_TRIES - 1):
            with suppress(ClusterConflict):
                return self._right_unless_written(app, wanted)
        return self._right_unless_written(app, wanted)

    def _right_unless_written(self, app: str, wanted: Object) -> str:
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
