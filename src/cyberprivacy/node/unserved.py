"""Ends what runs here for a DAO that the configuration no longer names: nobody would hear its halt."""

from collections.abc import Collection
from typing import Protocol

import structlog

from cyberprivacy.deploy.deployment import PartlyKnown
from cyberprivacy.errors import TryLater
from cyberprivacy.ledger.log import Ledger
from cyberprivacy.node.assembly import application_name
from cyberprivacy.node.journal import Journal
from cyberprivacy.node.past import pasts

_log = structlog.get_logger("node")


class Runs(Protocol):
    """What knows what runs, and can end it."""

    def names(self) -> frozenset[str]:
        """See `Tended.names`."""
        ...

    def remove(self, name: str) -> None:
        """See `Runtime.remove`."""
        ...


class Shows(Protocol):
    """What users come in by."""

    def stop(self, app: str | None = None) -> None:
        """See `Front.stop`."""
        ...


def leave_unserved(runtime: Runs, front: Shows, ledger: Ledger, served: Collection[str]) -> None:
    """End all that can be ended now; one that cannot keeps none of the others.

    Args:
        runtime: what runs.
        front: what users come in by.
        ledger: it names every DAO that was ever served here, and is told of each end.
        served: names of the applications that stay.

    Raises:
        TryLater: not everything could be ended, or seen; to be called again.
    """
    remembered = pasts(ledger.entries())
    known = {application_name(dao): dao for dao in sorted(remembered)}
    found, failure = _running(runtime)
    for name in sorted(found.difference(served)):
        _log.info("unserved", app=name)
        try:
            runtime.remove(name)
        except TryLater as later:
            failure = later
            continue
        front.stop(name)
        if name in known:
            Journal(ledger, known[name], remembered[known[name]]).stopped("unserved")
    if failure is not None:
        raise failure


def _running(runtime: Runs) -> tuple[frozenset[str], TryLater | None]:
    """What is known to run, and why that may not be all."""
    try:
        return runtime.names(), None
    except PartlyKnown as partly:
        return partly.names, partly
