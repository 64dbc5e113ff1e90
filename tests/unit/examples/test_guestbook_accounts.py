"""The guestbook with accounts: people own what they write, for less than thirty lines."""

import ast
import runpy
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest
from callers import until
from test_client import Paper, running

from cyberprivacy.bundle.serve import listening
from cyberprivacy.bundle.tree import TreeBlocks, open_verified
from cyberprivacy.review.lint import lint
from cyberprivacy.vault.client.connection import Connection
from cyberprivacy.vault.client.person import Person

EXAMPLES = Path(__file__).resolve().parents[3] / "examples"
MAIN = EXAMPLES / "guestbook-accounts" / "main.py"


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The application at an address."""
    with listening("127.0.0.1", 0) as bound:
        url = f"http://127.0.0.1:{bound.getsockname()[1]}"
        monkeypatch.setenv("GUESTBOOK_SITE", url)
        monkeypatch.setenv("GUESTBOOK_VAULT", str(tmp_path / "data"))
        monkeypatch.setattr(sys, "path", [*sys.path])
        app = runpy.run_path(str(MAIN))["app"]
        for name in ("page", "store"):  # other examples have modules of these names
            sys.modules.pop(name, None)
        with running(app, bound):
            yield url


def writes(site: str, name: str, *texts: str) -> str:
    """Somebody signs in and writes; what their page shows."""
    with Connection(site) as vault, httpx2.Client(base_url=site, trust_env=False) as browser:
        someone = Person(vault, Paper(name))
        someone.begin()
        token = str(someone.sign_in("guestbook")["token"])
        assert browser.post("/udi/cookie", headers={"Authorization": f"Bearer {token}"}).is_success
        for text in texts:
            sent = browser.post("/", data={"name": name, "text": text}, headers={"Origin": site})
            assert sent.status_code == 303, sent.text
        assert browser.post("/", data={"name": name}, headers={"Origin": site}).status_code == 422
        return browser.get("/").text


def test_people_see_take_out_and_erase_what_they_wrote_and_nobody_else_sees_it(site: str) -> None:
    assert "&lt;b&gt;mine" in writes(site, "alice", "<b>mine", "more")
    assert "gt;mine" not in writes(site, "bob", "of bob")
    assert "gt;mine" not in httpx2.get(site, trust_env=False).text
    with Connection(site) as vault:
        token = str(Person(vault, Paper("alice")).sign_in()["token"])
    with Connection(site, token) as owner:
        assert [each["records"] for each in owner.ask("GET", "/udi/v1/data")["apps"]] == [2]
        job = f"/udi/v1/exports/{owner.ask('POST', '/udi/v1/exports')['id']}"
        assert until(lambda: owner.ask("GET", job)["state"], lambda state: state != "waiting") == "ready"
        asked = {"what": "owner", "app": "guestbook", "name": ""}
        path = f"/udi/v1/deletions/{owner.ask('POST', '/udi/v1/deletions', body=asked)['id']}"
        receipt = until(lambda: owner.ask("GET", path)["receipt"], lambda found: found is not None)
    assert receipt["receipt"]["scope"]["what"] == "owner"


def test_accounts_take_less_than_thirty_lines() -> None:
    source = MAIN.read_text()
    statements = [each for each in ast.walk(ast.parse(source)) if isinstance(each, ast.stmt)]
    said = [
        each
        for each in statements
        if isinstance(each, ast.Import | ast.ImportFrom)
        or (isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant))
    ]
    lines = {n for each in statements for n in range(each.lineno, (each.end_lineno or 0) + 1)}
    lines -= {n for each in said for n in range(each.lineno, (each.end_lineno or 0) + 1)}
    assert 20 < len([n for n in lines if source.splitlines()[n - 1].strip()]) < 30


def test_what_the_page_says_otherwise_is_what_the_guestbook_says() -> None:
    page = (EXAMPLES / "guestbook" / "1.0.0" / "app" / "page.py").read_text()
    [said] = [
        each.value
        for each in ast.parse(MAIN.read_text()).body
        if isinstance(each, ast.Assign) and ast.unparse(each.targets[0]) == "SAID"
    ]
    assert all(before in page for before in ast.literal_eval(said))


@pytest.mark.engines  # its wheel is built by what an index has
def test_its_bundle_passes_the_gate_and_is_the_same_bytes_each_time(tmp_path: Path) -> None:
    roots = []
    for name in ("one", "other"):
        runpy.run_path(str(MAIN.parent / "bundle.py"))["assemble"](tmp_path / name)
        roots.append(TreeBlocks(tmp_path / name).root)
    assert roots[0] == roots[1]
    manifest = lint(open_verified(roots[0], tmp_path / "one")).manifest
    assert [each.requirements for each in manifest.wheels] == ["requirements.txt"]
    assert manifest.data == ("example.guestbook.message.v1",)
