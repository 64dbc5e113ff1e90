"""The Harbor adapter against a double that knows the published interface and nothing else."""

import base64
import json
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest
from harbordouble import MIME, PASSWORD, PROJECT, SECRET, USER, HarborDouble, errors
from starlette.responses import JSONResponse, Response

from cyberprivacy.bundle.access import Access
from cyberprivacy.bundle.remote import Remote
from cyberprivacy.cli import run
from cyberprivacy.errors import CyberPrivacyError, Misuse
from cyberprivacy.registry.docker_registry import DockerRegistry
from cyberprivacy.registry.harbor import PULL, PUSH, Harbor, guard_of
from cyberprivacy.registry.harbor_registry import HarborRegistry, open_harbor
from cyberprivacy.testing.gateway import running

WEB = "app-1/web"
SINCE = datetime.fromisoformat("2026-02-01T00:00:00+00:00").timestamp()


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


@pytest.fixture
def double() -> HarborDouble:
    return HarborDouble()


@pytest.fixture
def url(double: HarborDouble) -> Iterator[str]:
    with running(double) as url:
        yield url
    assert double.breaches == []


@pytest.fixture
def harbor(url: str) -> Harbor:
    access = Access.basic(USER, PASSWORD)
    return Harbor(Remote(url, "harbor", access=access, sleep=lambda _: None), PROJECT)


@pytest.fixture
def registry(harbor: Harbor) -> HarborRegistry:
    return HarborRegistry(None, harbor)  # type: ignore[arg-type] - nothing is pushed here


def test_a_project_is_made_once_and_its_tags_cannot_be_moved(harbor: Harbor, double: HarborDouble) -> None:
    harbor.prepare()
    harbor.prepare()
    assert [rule["action"] for rule in double.rules] == ["immutable"]
    assert double.asked.count("POST /projects") == 2
    double.rules[0]["disabled"] = True
    harbor.prepare()
    assert len(double.rules) == 2


def test_a_project_that_removes_images_by_itself_is_refused(harbor: Harbor, double: HarborDouble) -> None:
    double.retention = [{"action": "retain", "template": "latestPushedK"}]
    with pytest.raises(Misuse) as refusal:
        harbor.prepare()
    assert refusal.value.code == "harbor.retention"


def test_a_robot_may_do_what_it_must_and_is_made_anew(harbor: Harbor, double: HarborDouble) -> None:
    for _ in range(2):
        made = harbor.robot("cyberprivacy-pull", PULL, days=30)
    assert (made.name, made.secret) == (f"robot${PROJECT}+cyberprivacy-pull", SECRET)
    assert SECRET not in repr(made)
    (kept,) = double.robots.values()
    assert kept["permissions"] == [
        {"kind": "project", "namespace": PROJECT, "access": [{"resource": "repository", "action": "pull"}]}
    ]
    harbor.robot("cyberprivacy-push", PUSH, days=30)
    assert len(double.robots) == 2


def test_what_runs_what_is_recent_and_what_was_pulled_lately_stays(
    registry: HarborRegistry, double: HarborDouble
) -> None:
    for day in range(1, 11):
        double.hold(WEB, digest(day), day=day, pulled=day == 4)
    double.hold("app-2/web", digest(1), day=1)
    double.fixed = {digest(5)}
    live = {digest(1), digest(2)}
    removed = registry.tidy({"app-1"}, live, unused_since=SINCE)
    stay = live | {digest(4), digest(5), digest(8), digest(9), digest(10)}
    assert double.artifacts[WEB].keys() == stay
    assert removed == 3
    assert double.artifacts["app-2/web"].keys() == {digest(1)}
    guarded = {one["digest"] for one in double.artifacts[WEB].values() if one["tags"]}
    assert guarded == live
    assert double.artifacts[WEB][digest(1)]["tags"] == [{"name": guard_of(digest(1))}]


def test_an_image_is_stored_by_digest_below_the_project_and_guarded(
    harbor: Harbor, double: HarborDouble, engine: DockerRegistry, image
) -> None:
    built = image()
    double.hold(WEB, built.digest, day=1)  # its OCI side is the real registry here
    pushed = HarborRegistry(engine.registry(), harbor).push(built, WEB)
    assert pushed.reference.endswith(f"/{PROJECT}/{WEB}@{built.digest}")
    assert double.artifacts[WEB][built.digest]["tags"] == [{"name": guard_of(built.digest)}]


def test_every_page_of_a_repository_is_read_and_a_missing_one_is_empty(
    harbor: Harbor, double: HarborDouble
) -> None:
    for number in range(250):
        double.hold(WEB, digest(number), day=number % 28 + 1)
    assert {one.digest for one in harbor.artifacts(WEB)} == {digest(number) for number in range(250)}
    assert list(harbor.artifacts("app-1/none")) == []


def test_guarding_twice_is_guarding_once(harbor: Harbor, double: HarborDouble) -> None:
    double.hold(WEB, digest(1), day=1)
    for _ in range(2):
        harbor.guard(WEB, digest(1))
    assert len(double.artifacts[WEB][digest(1)]["tags"]) == 1


@pytest.mark.parametrize(
    ("answer", "code"),
    [
        (lambda: errors(401, f"no {PASSWORD}"), "harbor.denied"),
        (lambda: errors(404, "NOT_FOUND"), "harbor.refused"),
        (lambda: errors(500, "UNKNOWN"), "harbor.unreachable"),
        (lambda: Response(status_code=302, headers={"location": "http://127.0.0.1:1/"}), "harbor.redirect"),
        (lambda: Response("<html>login</html>"), "harbor.answer"),
        (lambda: JSONResponse({"digest": digest(2)}), "harbor.digest"),
        (lambda: JSONResponse({"digest": digest(1), "scan_overview": {MIME: {"severity": 1}}}), "harbor.answer"),
        (lambda: Response(b" " * (2 << 20)), "harbor.size"),
    ],
)
def test_each_bad_answer_has_its_code_and_no_secret(
    harbor: Harbor, double: HarborDouble, answer, code: str
) -> None:
    double.answers = [answer]
    with pytest.raises(CyberPrivacyError) as refusal:
        harbor.report(WEB, digest(1))  # type: ignore[arg-type]
    assert refusal.value.code == code
    assert PASSWORD not in str(refusal.value)


def test_a_busy_harbor_is_asked_again(harbor: Harbor, double: HarborDouble) -> None:
    double.hold(WEB, digest(1), day=1)
    double.answers = [lambda: errors(503, "BUSY"), lambda: errors(429, "SLOW")]
    assert harbor.report(WEB, digest(1)) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["", "Upper", "a/b", "..", "a" * 101, "a?b"])
def test_what_is_no_project_is_refused(name: str) -> None:
    with pytest.raises(Misuse) as refusal:
        Harbor(Remote("https://harbor.example", "harbor"), name)
    assert refusal.value.code == "harbor.project"


def test_the_commands_prepare_a_project_and_show_a_report(
    url: str, double: HarborDouble, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "password").write_text(PASSWORD)
    who = ["--user", USER, "--password-file", str(tmp_path / "password")]
    assert run(["harbor", "prepare", url, PROJECT, *who, "--to", str(tmp_path), "--json"]) == 0
    said = capsys.readouterr()
    assert SECRET not in said.out + said.err
    push = tmp_path / "push.json"
    assert push.stat().st_mode & 0o777 == 0o600
    (entry,) = json.loads(push.read_bytes())["auths"].values()
    assert base64.b64decode(entry["auth"]).decode() == f"robot${PROJECT}+cyberprivacy-push:{SECRET}"
    double.hold(WEB, digest(1), day=1)
    show = ["harbor", "report", url, PROJECT, f"{WEB}@{digest(1)}", "--auth", str(push)]
    assert run([*show, "--scan"]) == 0
    assert "none" in capsys.readouterr().out
    assert double.scans == 1
    summary = {"total": 5, "fixable": 2, "summary": {"Critical": 1, "Low": 4}}
    double.overview = {MIME: {"scan_status": "Success", "severity": "Critical", "summary": summary}}
    assert run([*show, "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["by_severity"] == {"Critical": 1, "Low": 4}
    assert isinstance(open_harbor(url, PROJECT, push, None), HarborRegistry)
    with pytest.raises(Misuse) as refusal:
        open_harbor("https://other.example", PROJECT, push, None)
    assert refusal.value.code == "registry.authfile"
