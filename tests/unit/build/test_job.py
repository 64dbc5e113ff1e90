"""Kubernetes Jobs against a double that knows the published interface, and runs each container in a real shell."""

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from jobdouble import JOBS, NAMESPACE, SECRETS, TOKEN, JobDouble, problem
from starlette.responses import JSONResponse, Response

from cyberprivacy.build import job, template
from cyberprivacy.build.executor import Filling, Result, SecondOpinion
from cyberprivacy.build.image import SEAL, BuiltImage, Digest
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.deploy.kubernetes.api import Cluster
from cyberprivacy.deploy.kubernetes.jobs import JobExecutor
from cyberprivacy.deploy.kubernetes.kubeconfig import Access
from cyberprivacy.errors import CyberPrivacyError, Misuse, Untrusted
from cyberprivacy.registry.certificates import renew
from cyberprivacy.review.linted import LintedBundle
from cyberprivacy.testing.gateway import running

TEMPLATES = Path(__file__).parents[3] / "deploy/templates"
IMAGE = "registry.example/agent@sha256:" + "ab" * 32
DIGEST = Digest("sha256:" + "cd" * 32)
PASSWORD = "cmVnaXN0cnk6aHVudGVyMg"
SOURCE = Cid.of(DAG_PB, b"bundle")
YARD = job.Yard(NAMESPACE, IMAGE)
PIPELINE = template.load(TEMPLATES, 1)
NAME = job.job_name(PIPELINE, SOURCE)

PROGRAM = """#!/bin/sh
# Stands for `cyberprivacy` in the image: notes its words and its environment, and prints what `build --json` prints.
printf '%s\\n' "$@" >> "{folder}/words"
env > "{folder}/$1.env"
[ "$1" = build ] || exit 0
cat "{folder}/result.json"
echo 'a step of {secret} failed' >&2
exit $(cat "{folder}/exit")
"""


@pytest.fixture
def double(tmp_path: Path) -> JobDouble:
    (tmp_path / "double/bin").mkdir(parents=True)
    double = JobDouble(tmp_path / "double")
    program = double.programs / "cyberprivacy"
    program.write_text(PROGRAM.format(folder=double.folder, secret=PASSWORD))
    program.chmod(0o755)
    (double.folder / "exit").write_text("0")
    says(double, {"web": DIGEST})
    return double


def says(double: JobDouble, images: dict[str, str], source: Cid = SOURCE) -> None:
    said = {"bundle": str(source), "profile": "1/theirs", "images": images, "images_digest": "00"}
    (double.folder / "result.json").write_text(json.dumps(said))


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tls")
    renew(folder, folder / "public")
    return folder


@pytest.fixture
def executor(double: JobDouble, tls: Path) -> Iterator[JobExecutor]:
    with running(double, tls=tls) as url:
        access = Access(server=url, authority=(tls / "public/ca.crt").read_text(), token=TOKEN)
        cluster = Cluster(access)
        yield JobExecutor(cluster, YARD, sleep=lambda _: time.sleep(0.01))
        cluster.close()
    for worker in double.workers:
        worker.join()
    assert double.breaches == []


@pytest.fixture
def values(tmp_path: Path) -> dict[str, str]:
    auth = tmp_path / "auth.json"
    auth.write_text(f'{{"auths": {{"registry.example": {{"auth":\n"{PASSWORD}"\n}}}}}}')
    return {
        "gateway": "https://gateway.example/it's/$(touch%20pwned)",
        "index": "https://pypi.org/simple",
        "registry": "https://registry.example",
        "registry-auth": str(auth),
    }


def run(executor: JobExecutor, values: dict[str, str]) -> Result:
    return executor.finish(PIPELINE, values, executor.start(PIPELINE, values, SOURCE))


def refusal(executor: JobExecutor, values: dict[str, str]) -> CyberPrivacyError:
    with pytest.raises(CyberPrivacyError) as refused:
        run(executor, values)
    assert TOKEN not in str(refused.value)
    assert PASSWORD not in str(refused.value)
    return refused.value


def containers(double: JobDouble) -> list[dict[str, Any]]:
    pod = double.ran[-1]["spec"]["template"]["spec"]
    return [*pod["initContainers"], *pod["containers"]]


def test_the_last_step_says_what_came_out_and_nothing_stays(
    executor: JobExecutor, double: JobDouble, values: dict[str, str]
) -> None:
    assert run(executor, values).images == {"web": DIGEST}
    assert double.objects == {}
    assert [box["name"] for box in containers(double)] == ["fetch", "build"]


def test_values_reach_the_programs_word_for_word_and_secrets_by_file_alone(
    executor: JobExecutor, double: JobDouble, values: dict[str, str], tmp_path: Path
) -> None:
    run(executor, values)
    words = (double.folder / "words").read_text().splitlines()
    fetch = ["bundle", "fetch", str(SOURCE), "--to", "source", "--gateway", values["gateway"]]
    assert words[: len(fetch)] == fetch
    file = words[words.index("--registry-auth") + 1]
    assert Path(file).read_text() == Path(values["registry-auth"]).read_text()
    for seen in (json.dumps(double.ran), "\n".join(words), "\n".join(double.asked)):
        assert PASSWORD not in seen
        assert TOKEN not in seen
    assert not list(tmp_path.rglob("pwned"))


def test_only_the_step_that_needs_rights_has_them_and_only_who_names_a_secret_sees_it(
    executor: JobExecutor, double: JobDouble, values: dict[str, str]
) -> None:
    run(executor, values)
    fetch, build = containers(double)
    assert "privileged" not in fetch["securityContext"]
    assert build["securityContext"]["privileged"] is True
    assert [mount["mountPath"] for mount in fetch["volumeMounts"]] == ["/work", "/tmp"]
    assert {"name": "secrets", "mountPath": "/secrets", "readOnly": True} in build["volumeMounts"]
    assert "CP_REGISTRY_AUTH" not in (double.folder / "bundle.env").read_text()


def test_a_job_that_fails_is_run_again_later_with_what_it_said(
    executor: JobExecutor, double: JobDouble, values: dict[str, str]
) -> None:
    (double.folder / "exit").write_text("3")
    (double.folder / "result.json").write_text("")
    refused = refusal(executor, values)
    assert (refused.code, refused.facts["reason"]) == ("job.failed", "BackoffLimitExceeded")
    assert "a step of … failed" in str(refused.facts["log"])
    assert double.objects == {}
    (double.folder / "exit").write_text("0")
    says(double, {"web": DIGEST})
    assert run(executor, values).images == {"web": DIGEST}


def test_what_an_earlier_node_left_is_ended_first(
    executor: JobExecutor, double: JobDouble, values: dict[str, str]
) -> None:
    executor.start(PIPELINE, values, SOURCE)
    double.lingers = 3
    assert run(executor, values).images == {"web": DIGEST}
    assert len(double.ran) == 2
    double.lingers = 10_000
    assert refusal(executor, values).code == "job.late"
    double.lingers = 0


@pytest.mark.parametrize("said", ["", "no JSON", "{}", '{"bundle": 1}', "x" * 5_000])
def test_what_is_no_result_is_refused(
    executor: JobExecutor, double: JobDouble, values: dict[str, str], said: str
) -> None:
    (double.folder / "result.json").write_text(said)
    assert refusal(executor, values).code == "job.result"


@pytest.mark.parametrize(
    ("asked", "answer", "code"),
    [
        (f"PATCH {JOBS}{NAME}", lambda: problem(403, "exceeded quota"), "kubernetes.refused"),
        (f"PATCH {SECRETS}{NAME}", lambda: problem(401, "Unauthorized"), "kubernetes.denied"),
        (f"PATCH {JOBS}{NAME}", lambda: Response("<html>", 200), "kubernetes.answer"),
        (f"PATCH {JOBS}{NAME}", lambda: problem(503, "busy"), "kubernetes.silent"),
    ],
)
def test_each_bad_answer_has_its_code(
    executor: JobExecutor, double: JobDouble, values: dict[str, str], asked: str, answer, code: str
) -> None:
    double.answers = {asked: [answer]}
    assert refusal(executor, values).code == code


def test_a_cluster_that_is_away_for_a_moment_is_asked_again_and_one_that_stays_away_is_not_waited_for(
    executor: JobExecutor, double: JobDouble, values: dict[str, str]
) -> None:
    item = executor.start(PIPELINE, values, SOURCE)
    busy = [lambda: problem(503, "busy")]
    double.answers = {f"GET {JOBS}{NAME}": busy * 5}
    assert executor.finish(PIPELINE, values, item).images == {"web": DIGEST}
    item = executor.start(PIPELINE, values, SOURCE)
    double.answers = {f"GET {JOBS}{NAME}": busy * 10}
    with pytest.raises(CyberPrivacyError) as refused:
        executor.finish(PIPELINE, values, item)
    assert refused.value.code == "kubernetes.silent"


def test_a_job_that_somebody_removed_and_one_that_never_ends(
    executor: JobExecutor, double: JobDouble, values: dict[str, str]
) -> None:
    item = executor.start(PIPELINE, values, SOURCE)
    executor.cancel(item)
    with pytest.raises(CyberPrivacyError) as lost:
        executor.finish(PIPELINE, values, item)
    assert lost.value.code == "job.lost"
    double.answers = {
        f"GET {JOBS}{NAME}": [lambda: problem(404, ""), lambda: problem(404, "")]
        + [lambda: JSONResponse({"metadata": {"uid": "x"}})] * 2_000
    }
    quick = JobExecutor(executor._cluster, YARD, sleep=lambda _: None)
    short = msgspec.structs.replace(PIPELINE, minutes=1)
    with pytest.raises(CyberPrivacyError) as late:
        quick.finish(short, values, quick.start(short, values, SOURCE))
    assert late.value.code == "job.late"


class Own:
    """What this machine builds."""

    def build(self, linted: LintedBundle) -> tuple[BuiltImage, ...]:
        cid = linted.bundle.cid
        return (BuiltImage(bundle=cid, name="web", digest=DIGEST, archive=Path("x"), profile="1/own", seal=SEAL),)


def test_a_cluster_that_builds_something_else_stops_the_release(
    executor: JobExecutor,
    double: JobDouble,
    values: dict[str, str],
    lint: Callable[..., LintedBundle],
    tmp_path: Path,
) -> None:
    base = "sha256:" + "00" * 32
    linted = lint({"Dockerfile": f'FROM cyberprivacy/python@{base}\nUSER 10001\nCMD ["x"]\n'}, base=base)
    builder = SecondOpinion(Own(), executor, Filling(TEMPLATES, values), tmp_path / "agreed")
    says(double, {"web": "sha256:" + "ee" * 32}, linted.bundle.cid)
    with pytest.raises(Untrusted) as refused:
        builder.build(linted)
    assert (refused.value.code, refused.value.what) == ("build.differs", "A Kubernetes Job built something else")
    says(double, {"web": DIGEST}, linted.bundle.cid)
    assert [image.digest for image in builder.build(linted)] == [DIGEST]


@pytest.mark.parametrize(
    ("namespace", "image", "code"),
    [
        ("Builds", IMAGE, "job.namespace"),
        ("../kube-system", IMAGE, "job.namespace"),
        ("builds", "registry.example/agent:latest", "job.image"),
        ("builds", IMAGE + "\n", "job.image"),
    ],
)
def test_a_place_that_is_none_is_refused(namespace: str, image: str, code: str) -> None:
    with pytest.raises(Misuse) as refused:
        job.Yard(namespace, image)
    assert refused.value.code == code
