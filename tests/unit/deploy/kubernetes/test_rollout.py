"""A rollout is done when all of the newest generation is there, and not a moment earlier."""

from cyberprivacy.deploy.kubernetes.rollout import progress

LABELS = {"org.cyberprivacy/workload": "web", "org.cyberprivacy/generation": "g"}


def deployment(*, observed: int = 3, ready: int = 2, replicas: int = 2, conditions=()) -> dict[str, object]:
    status = {
        "observedGeneration": observed,
        "replicas": replicas,
        "updatedReplicas": 2,
        "readyReplicas": ready,
        "availableReplicas": ready,
        "conditions": [{"type": "Available", "status": "True"}, *conditions],
    }
    spec = {"replicas": 2, "selector": {"matchLabels": LABELS}}
    return {"metadata": {"generation": 3}, "spec": spec, "status": status}


def pod(*, waiting: str = "", restarts: int = 0, code: int = 0, labels=LABELS) -> dict[str, object]:
    box = {
        "restartCount": restarts,
        "ready": False,
        "state": {"waiting": {"reason": waiting}},
        "lastState": {"terminated": {"exitCode": code}},
    }
    return {"metadata": {"labels": labels}, "status": {"containerStatuses": [box]}}


def test_done_is_when_every_replica_is_new_and_ready() -> None:
    assert progress(deployment(), []).state == "done"
    assert progress(deployment(ready=1), []).state == "going"
    assert progress(deployment(replicas=3), []).state == "going", "one from before is still there"


def test_available_says_nothing_before_the_controller_has_looked() -> None:
    assert progress(deployment(observed=2), []).state == "going"
    assert progress({}, []).state == "done", "nothing wanted, nothing there: callers count what they expect"


def test_a_deadline_that_passed_is_a_failure_and_says_what_a_pod_waits_for() -> None:
    late = {"type": "Progressing", "status": "False", "reason": "ProgressDeadlineExceeded"}
    assert progress(deployment(ready=0, conditions=[late]), []).state == "failed"
    found = progress(deployment(ready=0, conditions=[late]), [pod(waiting="ImagePullBackOff")])
    assert found == ("failed", "web: ImagePullBackOff", True)


def test_a_container_that_keeps_ending_is_a_failure_others_are_waited_for() -> None:
    assert (
        progress(deployment(ready=0), [pod(restarts=3, code=7)]).why
        == "web: a container keeps ending, exit code 7"
    )
    assert progress(deployment(ready=0), [pod(restarts=2, code=7)]).state == "going"
    assert progress(deployment(ready=0), [pod(restarts=9, labels={})]).state == "going", "it is another's"


def test_pods_that_are_refused_are_told() -> None:
    refused = {"type": "ReplicaFailure", "status": "True", "message": "exceeded quota"}
    assert progress(deployment(ready=0, conditions=[refused]), []) == ("going", "exceeded quota", False)
