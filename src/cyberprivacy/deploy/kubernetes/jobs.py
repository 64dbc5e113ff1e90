"""Pipelines by a cluster: each run of a template is a Job with a Secret of its own; both go at its end."""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final

import msgspec

from cyberprivacy import strict_json
from cyberprivacy.build import job
from cyberprivacy.build.executor import QUEUE, Result, redacted
from cyberprivacy.build.template import SECRET, Template
from cyberprivacy.build.waiting import Waiting
from cyberprivacy.bundle.access import secret_bytes
from cyberprivacy.cid import Cid
from cyberprivacy.deploy.kubernetes.api import Cluster, ClusterSilent
from cyberprivacy.deploy.kubernetes.fields import Object, items, number, text
from cyberprivacy.errors import CyberPrivacyError, TryLater, Untrusted

_GONE: Final = 120.0
"""Seconds within which a Job that was removed has gone."""
_DEAF: Final = 10
"""Questions in a row that may stay without an answer."""
_SAID: Final = 2_000
_OF_JOB: Final = "batch.kubernetes.io/controller-uid"


class BadResult(Untrusted):
    """A Job that ended well says something that is no result."""

    code = "job.result"
    hint = "See to the image of the Jobs: its `cyberprivacy` may be another version."


class JobUndone(TryLater):
    """A Job failed ("job.failed"), did not end in time ("job.late"), or is gone ("job.lost")."""

    code = "job.failed"
    hint = "It is run again by itself; see to the machines that run these Jobs if it lasts."


class JobExecutor:
    """An `Executor`.

    Args:
        cluster: where Jobs run; its account may make, read and remove Jobs and Secrets of the namespace, and list
            pods.
        yard: the namespace, and the image of every step.
        sleep: waits for so many seconds.
    """

    def __init__(self, cluster: Cluster, yard: job.Yard, *, sleep: Callable[[float], object] = time.sleep) -> None:
        self._cluster, self._yard, self._sleep = cluster, yard, sleep

    @property
    def kind(self) -> str:
        """As the port says."""
        return "A Kubernetes Job"

    @property
    def name(self) -> str:
        """Address of the API server, and the namespace."""
        return f"{self._cluster.server} {self._yard.namespace}"

    def start(self, pipeline: Template, values: Mapping[str, str], source: Cid) -> str:
        """Make the Job; one that an earlier node left is ended first.

        Raises:
            JobUndone: "job.late": the earlier one does not go.
            CyberPrivacyError: as `Cluster.apply`.
        """
        run = job.job_name(pipeline, source)
        self._remove(run)
        self._until_gone(run)
        secrets = [value.name for value in pipeline.value if value.kind == SECRET]
        if secrets:
            files = {name: secret_bytes(Path(values[name])) for name in secrets}
            self._cluster.apply(job.secret(pipeline, files, source, self._yard))
        self._cluster.apply(job.render(pipeline, values, source, self._yard))
        return run

    def cancel(self, run: str) -> None:
        """Remove it, with all that it has."""
        self._remove(run)

    def finish(self, pipeline: Template, values: Mapping[str, str], run: str) -> Result:
        """As the port says; what was made for the run is removed in any case.

        Raises:
            JobUndone, BadResult: as their names say.
            CyberPrivacyError: as `Cluster.get`.
        """
        try:
            ended = self._ended(run, QUEUE + 60.0 * pipeline.minutes)
            pods = self._pods(ended)
            last = next((one for pod in pods for one in _ends(pod, "containerStatuses")), None)
            if _is(ended, "Complete") and last is not None and number(last, "exitCode") == 0:
                return _result(text(last, "message"))
            raise self._failed(ended, pods, pipeline, values)
        finally:
            with suppress(CyberPrivacyError):  # it removes itself after an hour
                self._remove(run)

    def _ended(self, run: str, seconds: float) -> Object:
        """The Job, when it is over."""
        waiting, deaf = Waiting(seconds, self._sleep), 0
        while True:
            try:
                found, deaf = self._cluster.get("Job", run, self._yard.namespace), 0
            except ClusterSilent:
                deaf += 1
                if deaf == _DEAF:
                    raise
            else:
                if found is None:
                    raise JobUndone("somebody removed the Job", code="job.lost", job=run)
                if _is(found, "Complete") or _is(found, "Failed"):
                    return found
            if not waiting.pause():
                raise JobUndone("the Job did not end in time", code="job.late", job=run)

    def _pods(self, found: Object) -> list[Object]:
        labels = f"{_OF_JOB}={text(found, 'metadata', 'uid')}"
        return list(self._cluster.every("Pod", self._yard.namespace, labels=labels))

    def _failed(
        self, found: Object, pods: list[Object], pipeline: Template, values: Mapping[str, str]
    ) -> JobUndone:
        why = next((one for one in items(found, "status", "conditions") if _true(one, "Failed")), {})
        ends = [one for pod in pods for kind in ("init", "") for one in _ends(pod, _statuses(kind))]
        log = "\n".join(text(one, "message") for one in ends if number(one, "exitCode"))
        return JobUndone(
            "the Job failed",
            job=text(found, "metadata", "name"),
            reason=text(why, "reason")[:80],
            said=text(why, "message")[:200],
            log=redacted(log[-_SAID:], pipeline, values),
        )

    def _remove(self, run: str) -> None:
        for kind in ("Job", "Secret"):
            found = self._cluster.get(kind, run, self._yard.namespace)
            if found is not None:  # what goes is what we asked for, whatever the answer calls itself
                named = {"name": run, "namespace": self._yard.namespace, "uid": text(found, "metadata", "uid")}
                self._cluster.delete({"kind": kind, "metadata": named})

    def _until_gone(self, run: str) -> None:
        waiting = Waiting(_GONE, self._sleep)
        while self._cluster.get("Job", run, self._yard.namespace) is not None:
            if not waiting.pause():
                raise JobUndone("an earlier Job does not go", code="job.late", job=run)


def _result(message: str) -> Result:
    try:
        return msgspec.convert(strict_json.read(message.encode(), limit=job.MAX_MESSAGE), Result)
    except (strict_json.BadJson, msgspec.ValidationError) as problem:
        raise BadResult("the Job's last step has no result", reason=str(problem)[:200]) from None


def _statuses(kind: str) -> str:
    return "initContainerStatuses" if kind else "containerStatuses"


def _ends(pod: Object, statuses: str) -> list[Object]:
    """How the containers of a pod ended, those that did."""
    ends: list[Object] = []
    for one in items(pod, "status", statuses):
        state = one.get("state")
        ended = state.get("terminated") if isinstance(state, dict) else None
        ends += [ended] if isinstance(ended, dict) else []
    return ends


def _is(found: Object, condition: str) -> bool:
    return any(_true(one, condition) for one in items(found, "status", "conditions"))


def _true(condition: Object, name: str) -> bool:
    return (text(condition, "type"), text(condition, "status")) == (name, "True")
