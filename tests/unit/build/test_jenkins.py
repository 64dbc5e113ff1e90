"""The Jenkins builder against a double that knows the published interface, and runs each Jenkinsfile in a real shell."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from jenkinsdouble import TOKEN, USER, JenkinsDouble
from starlette.responses import JSONResponse, RedirectResponse, Response

from cyberprivacy.build import jenkinsfile, template
from cyberprivacy.build.executor import Filling, SecondOpinion
from cyberprivacy.build.image import SEAL, BuiltImage, Digest
from cyberprivacy.build.jenkins import Jenkins
from cyberprivacy.build.jenkins_executor import JenkinsExecutor
from cyberprivacy.build.template import BadTemplate, UnknownPipeline
from cyberprivacy.bundle.access import Access
from cyberprivacy.bundle.remote import Remote
from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted
from cyberprivacy.review.linted import LintedBundle
from cyberprivacy.testing.gateway import running

TEMPLATES = Path(__file__).parents[3] / "deploy/templates"
DIGEST = Digest("sha256:" + "ab" * 32)
PASSWORD = "cmVnaXN0cnk6aHVudGVyMg"
JOB = "cyberprivacy-001-sandbox"
ITEM, BUILD = "GET /queue/item/1/api/json", f"GET /job/{JOB}/1/api/json"
START = f"POST /job/{JOB}/buildWithParameters"

PROGRAM = """#!/bin/sh
# Stands for `cyberprivacy` on an agent: notes its words, and prints what `build --json` prints.
printf '%s\\n' "$@" >> "{folder}/words"
if [ "$1" = build ]; then cat "{folder}/result.json"; fi
exit $(cat "{folder}/exit")
"""


class Own:
    """What this machine builds."""

    def __init__(self, problem: CyberPrivacyError | None = None) -> None:
        self.problem = problem

    def build(self, linted: LintedBundle) -> tuple[BuiltImage, ...]:
        if self.problem:
            raise self.problem
        cid = linted.bundle.cid
        return (BuiltImage(bundle=cid, name="web", digest=DIGEST, archive=Path("x"), profile="1/own", seal=SEAL),)


@pytest.fixture
def linted(lint: Callable[..., LintedBundle]) -> LintedBundle:
    base = "sha256:" + "00" * 32
    return lint({"Dockerfile": f'FROM cyberprivacy/python@{base}\nUSER 10001\nCMD ["x"]\n'}, base=base)


@pytest.fixture
def double(tmp_path: Path, linted: LintedBundle) -> JenkinsDouble:
    (tmp_path / "double/bin").mkdir(parents=True)
    double = JenkinsDouble(tmp_path / "double")
    program = double.programs / "cyberprivacy"
    program.write_text(PROGRAM.format(folder=double.folder))
    program.chmod(0o755)
    (double.folder / "exit").write_text("0")
    builds(double, linted, {"web": DIGEST})
    return double


def builds(double: JenkinsDouble, linted: LintedBundle, images: dict[str, str]) -> None:
    said = {"bundle": str(linted.bundle.cid), "profile": "1/theirs", "images": images, "images_digest": "00"}
    (double.folder / "result.json").write_text(json.dumps(said))


@pytest.fixture
def url(double: JenkinsDouble) -> Iterator[str]:
    with running(double) as url:
        yield url
    assert double.breaches == []


@pytest.fixture
def values(tmp_path: Path) -> dict[str, str]:
    auth = tmp_path / "auth.json"
    auth.write_text(f'{{"auths": {{"registry.example": {{"auth": "{PASSWORD}"}}}}}}')
    return {
        "gateway": "https://gateway.example/it's/$(touch%20pwned)",
        "index": "https://pypi.org/simple",
        "registry": "https://registry.example",
        "registry-auth": str(auth),
    }


def builder(url: str, tmp_path: Path, values: dict[str, str], own: Own | None = None) -> SecondOpinion:
    remote = Remote(url, "jenkins", access=Access.basic(USER, TOKEN), sleep=lambda _: None)
    jenkins = Jenkins(remote, sleep=lambda _: None)
    return SecondOpinion(own or Own(), JenkinsExecutor(jenkins), Filling(TEMPLATES, values), tmp_path / "agreed")


def refusal(make: SecondOpinion, linted: LintedBundle) -> CyberPrivacyError:
    with pytest.raises(CyberPrivacyError) as refused:
        make.build(linted)
    text = str(refused.value)
    assert TOKEN not in text
    assert PASSWORD not in text
    return refused.value


def test_what_both_build_alike_is_given_on_and_not_built_twice(
    url: str, double: JenkinsDouble, linted: LintedBundle, values: dict[str, str], tmp_path: Path
) -> None:
    make = builder(url, tmp_path, values)
    assert [image.digest for image in make.build(linted)] == [DIGEST]
    assert make.build(linted)[0].profile == "1/own"
    assert len(double.queued) == 1
    assert double.queued[0][1] == {"CP_BUNDLE": str(linted.bundle.cid)}


def test_values_reach_the_programs_word_for_word_and_secrets_by_file_alone(
    url: str, double: JenkinsDouble, linted: LintedBundle, values: dict[str, str], tmp_path: Path
) -> None:
    builder(url, tmp_path, values).build(linted)
    words = (double.folder / "words").read_text().splitlines()
    fetch = ["bundle", "fetch", str(linted.bundle.cid), "--to", "source", "--gateway", values["gateway"]]
    assert words[: len(fetch)] == fetch
    file = words[words.index("--registry-auth") + 1]
    assert Path(file).read_text() == Path(values["registry-auth"]).read_text()
    for seen in (double.jobs[JOB], double.log, "\n".join(words), "\n".join(double.asked)):
        assert PASSWORD not in seen
        assert TOKEN not in seen
    assert not list(tmp_path.rglob("pwned"))


def test_a_jenkins_that_builds_something_else_stops_the_release(
    url: str, double: JenkinsDouble, linted: LintedBundle, values: dict[str, str], tmp_path: Path
) -> None:
    for images in ({"web": "sha256:" + "cd" * 32}, {}, {"web": DIGEST, "more": DIGEST}):
        builds(double, linted, images)
        double.result = ""
        refused = refusal(builder(url, tmp_path, values), linted)
        assert (refused.code, type(refused).__mro__[1]) == ("build.differs", Untrusted)


def test_a_new_crumb_is_taken_when_the_old_one_has_ended_and_none_where_none_is_asked_for(
    url: str, double: JenkinsDouble, linted: LintedBundle, values: dict[str, str], tmp_path: Path
) -> None:
    make = builder(url, tmp_path, values)
    make.build(linted)
    double.crumb, double.result = "another-crumb", ""
    for note in (tmp_path / "agreed").iterdir():
        note.unlink()
    make.build(linted)
    assert double.asked.count("GET /crumbIssuer/api/json") == 2
    double.crumbs, double.result = False, ""
    builder(url, tmp_path / "other", values).build(linted)


def test_a_build_that_fails_there_is_tried_again_later_with_the_end_of_its_log(
    url: str, double: JenkinsDouble, linted: LintedBundle, values: dict[str, str], tmp_path: Path
) -> None:
    (double.folder / "exit").write_text("3")
    refused = refusal(builder(url, tmp_path, values), linted)
    assert refused.code == "jenkins.failed"
    assert isinstance(refused, TryLater)
    assert "cyberprivacy bundle fetch" in str(refused.facts["log"])


def test_what_cannot_be_built_here_is_taken_out_of_the_queue(
    url: str, double: JenkinsDouble, linted: LintedBundle, values: dict[str, str], tmp_path: Path
) -> None:
    make = builder(url, tmp_path, values, Own(Untrusted("a recipe failed", code="build.failed")))
    assert refusal(make, linted).code == "build.failed"
    assert double.cancelled == {1}


@pytest.mark.parametrize(
    ("where", "answer", "code"),
    [
        (START, lambda: Response(status_code=403), "jenkins.denied"),
        (START, lambda: Response(status_code=201), "jenkins.answer"),
        (START, lambda: Response(status_code=503), "jenkins.unreachable"),
        (START, lambda: RedirectResponse("http://127.0.0.1:1/"), "jenkins.redirect"),
        (ITEM, lambda: JSONResponse({"cancelled": True}), "jenkins.cancelled"),
        (ITEM, lambda: JSONResponse({"executable": {"number": "../../x"}}), "jenkins.answer"),
        (ITEM, lambda: Response(status_code=404), "jenkins.lost"),
        (BUILD, lambda: JSONResponse({"building": False, "result": "ABORTED"}), "jenkins.failed"),
        (BUILD, lambda: Response("<html>login</html>"), "jenkins.answer"),
        (f"GET /job/{JOB}/1/logText/progressiveText", lambda: Response(b"x" * (5 << 20)), "jenkins.size"),
        (f"GET /job/{JOB}/1/logText/progressiveText", lambda: Response(b"x"), "jenkins.answer"),
        (f"GET /job/{JOB}/1/artifact/result.json", lambda: Response(status_code=404), "jenkins.result"),
        (f"GET /job/{JOB}/1/artifact/result.json", lambda: Response(b" " * (1 << 20)), "jenkins.size"),
        (f"GET /job/{JOB}/1/artifact/result.json", lambda: Response(b'{"bundle": 1}'), "jenkins.answer"),
        (
            "GET /crumbIssuer/api/json",
            lambda: JSONResponse({"crumb": "a\r\nb", "crumbRequestField": "X"}),
            "jenkins.answer",
        ),
    ],
)
def test_each_bad_answer_has_its_code(
    url: str,
    double: JenkinsDouble,
    linted: LintedBundle,
    values: dict[str, str],
    tmp_path: Path,
    where,
    answer,
    code,
) -> None:
    double.answers = {where: [answer]}
    assert refusal(builder(url, tmp_path, values), linted).code == code


def test_a_busy_server_is_asked_again_but_a_build_is_not_started_twice(
    url: str, double: JenkinsDouble, linted: LintedBundle, values: dict[str, str], tmp_path: Path
) -> None:
    double.answers = {ITEM: [lambda: Response(status_code=503), lambda: Response(status_code=502)]}
    assert builder(url, tmp_path, values).build(linted)
    assert double.asked.count(START) == 1


def test_what_never_ends_is_stopped(
    url: str, double: JenkinsDouble, linted: LintedBundle, values: dict[str, str], tmp_path: Path
) -> None:
    double.wait = 1_000
    jenkins = Jenkins(Remote(url, "jenkins", access=Access.basic(USER, TOKEN)), sleep=lambda _: None)
    jenkins.define(JOB, jenkinsfile.job(load(), jenkinsfile.render(load(), values)))
    item = jenkins.start(JOB, {"CP_BUNDLE": str(linted.bundle.cid)})
    with pytest.raises(TryLater) as queued:
        jenkins.finish(JOB, item, seconds=20)
    assert (queued.value.code, double.cancelled) == ("jenkins.late", {1})
    double.cancelled, double.answers = set(), {ITEM: [lambda: JSONResponse({"executable": {"number": 1}})]}
    with pytest.raises(TryLater) as running_on:
        jenkins.finish(JOB, item, seconds=20)
    assert (running_on.value.code, double.result) == ("jenkins.late", "ABORTED")


def load() -> template.Template:
    return template.load(TEMPLATES, 1)


def test_each_template_of_the_tree_is_the_one_that_its_number_stands_for() -> None:
    folders = {int(path.parent.name[:3]): path.parent.name for path in TEMPLATES.glob("*/pipeline.toml")}
    assert folders.keys() == template.PIPELINES.keys()
    for number, folder in folders.items():
        loaded = template.load(TEMPLATES, number)
        assert folder == f"{number:03}-{loaded.name}"
        assert (TEMPLATES / folder / "README.md").exists()


def test_other_bytes_under_a_number_and_an_unknown_number_are_refused(tmp_path: Path) -> None:
    (tmp_path / "001-sandbox").mkdir()
    changed = (TEMPLATES / "001-sandbox/pipeline.toml").read_bytes() + b"#"
    (tmp_path / "001-sandbox/pipeline.toml").write_bytes(changed)
    with pytest.raises(BadTemplate) as refused:
        template.load(tmp_path, 1)
    assert refused.value.code == "template.digest"
    with pytest.raises(UnknownPipeline):
        template.load(tmp_path, 2)
    with pytest.raises(Misuse) as missing:
        template.load(tmp_path / "nowhere", 1)
    assert missing.value.code == "template.missing"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('"{bundle}"', '"{nothing}"'),
        ('"{bundle}"', '"x{bundle}"'),
        ('"--to"', '"$(id)"'),
        ('kind = "cid"', 'kind = "url"'),
        ('kind = "secret-file"', 'kind = "secret"'),
        ('result = "result.json"', ""),
        ('result = "result.json"', 'result = "../result.json"'),
        ("format = 1", "format = 2"),
        ("minutes = 90", "minutes = 90\nmore = 1"),
    ],
)
def test_what_is_no_template_is_refused(old: str, new: str) -> None:
    text = (TEMPLATES / "001-sandbox/pipeline.toml").read_text()
    assert template.parse(text.encode())
    with pytest.raises(BadTemplate) as refused:
        template.parse(text.replace(old, new).encode())
    assert refused.value.code == "template.form"


def test_a_value_too_many_too_few_or_of_another_kind_is_refused(values: dict[str, str]) -> None:
    template.check(load(), values)
    for wrong in (
        {**values, "more": "x"},
        {name: text for name, text in values.items() if name != "index"},
        {**values, "index": "file:///etc/passwd"},
        {**values, "registry-auth": "/nowhere"},
    ):
        with pytest.raises(Misuse):
            template.check(load(), wrong)
