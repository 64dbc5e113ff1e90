"""The demo removes what demos made and nothing else, and an update that users notice is no success."""

import json
import socket
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console

from cyberprivacy.cli import run
from cyberprivacy.cli.demo import Demo, RequestsLost, refuse_losses
from cyberprivacy.cli.output import out
from cyberprivacy.cli.stage import MARK, Screen, empty
from cyberprivacy.errors import Misuse
from cyberprivacy.testing.visitors import Visitors


def test_a_folder_that_no_demo_has_marked_is_left_alone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "examples").mkdir()
    (tmp_path / "thesis.txt").write_text("years of work")
    monkeypatch.chdir(tmp_path)
    assert run(["demo", "--folder", "."]) == 2
    assert [path.name for path in sorted(tmp_path.iterdir())] == ["examples", "thesis.txt"]
    said = "".join(capsys.readouterr().err.split())
    assert "[demo.folder]" in said
    assert f"touch{tmp_path / MARK}" in said


@pytest.mark.parametrize("made", [True, False], ids=["empty", "missing"])
def test_a_new_folder_is_marked_and_the_next_demo_may_empty_it(tmp_path: Path, made: bool) -> None:
    folder = tmp_path / "a" / "demo"
    if made:
        folder.mkdir(parents=True)
    empty(folder)
    assert [path.name for path in folder.iterdir()] == [MARK]
    for name in ("chain", "debs"):
        (folder / name).mkdir()
        (folder / name / "file").write_bytes(b"x")
    empty(folder)
    assert sorted(path.name for path in folder.iterdir()) == [MARK, "debs"]
    assert (folder / "debs" / "file").exists()


def test_what_a_link_in_the_folder_leads_to_is_nobodys_to_remove(tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "file").write_bytes(b"x")
    empty(tmp_path / "demo")
    (tmp_path / "demo" / "link").symlink_to(tmp_path / "mine")
    empty(tmp_path / "demo")
    assert (tmp_path / "mine" / "file").exists()
    assert not (tmp_path / "demo" / "link").is_symlink()


def test_a_file_is_no_folder(tmp_path: Path) -> None:
    (tmp_path / "demo").write_bytes(b"x")
    with pytest.raises(Misuse) as refusal:
        empty(tmp_path / "demo")
    assert refusal.value.code == "demo.folder"


@pytest.mark.parametrize(("answers", "lost"), [({"200": 9}, False), ({"200": 9, "503": 1}, True), ({}, True)])
def test_one_lost_request_or_none_asked_is_a_failure(answers: dict[str, int], lost: bool) -> None:
    crowd = Visitors("https://127.0.0.1:1")
    crowd.answers.update(answers)
    if not lost:
        return refuse_losses(crowd)
    with pytest.raises(RequestsLost) as refusal:
        refuse_losses(crowd)
    assert refusal.value.exit_code == 1
    return None


class Deaf:
    """An address where every connection is cut at once."""

    def __init__(self) -> None:
        self.asked = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"https://127.0.0.1:{self._listener.getsockname()[1]}"
        self.config = Path("/nowhere")
        threading.Thread(target=self._cut, daemon=True).start()

    def _cut(self) -> None:
        while True:
            try:
                self._listener.accept()[0].close()
            except OSError:
                return
            self.asked.set()

    def stop(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()


class Hurried:
    """A story in which everything goes well but for the visitors."""

    def __init__(self, node: Deaf) -> None:
        self._node = node
        self.dao = {"governor": "0x00"}
        self.town = SimpleNamespace(types=self._types, root_file="root.pem")

    def __getattr__(self, deed: str) -> Any:
        return lambda *_, **__: "bafy"

    def node(self, _: str, *, port: int) -> Deaf:
        assert port
        return self._node

    def await_release(self, _: Any, __: str) -> None:
        if self._updating:
            assert self._node.asked.wait(20)
        self._updating = True

    _updating = False

    def _types(self, *words: Any, **_: Any) -> dict[str, Any]:
        if words[0] == "verify":
            return {"checks": [], "verdict": "accept", "level": "development"}
        return {"applications": [{"running": {"images": {}}}]}


@pytest.fixture
def deaf() -> Iterator[Deaf]:
    made = Deaf()
    yield made
    made.stop()


def test_a_demo_whose_visitors_lost_requests_says_so_and_fails(
    deaf: Deaf, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    show = Demo(Hurried(deaf), Screen(tmp_path), 8443)  # type: ignore[arg-type]
    with pytest.raises(RequestsLost) as refusal:
        show.run()
    assert refusal.value.facts["failed"] > 0
    assert "requests failed" in capsys.readouterr().out
    assert json.dumps(refusal.value.facts)


def test_a_check_that_fails_stands_out_and_the_verdict_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(out, "human", Console(force_terminal=True, width=100, file=sys.stdout).print)
    checks = [
        {"name": name, "verdict": verdict, "detail": "why"}
        for name, verdict in (("tls.key", "pass"), ("os.measurement", "fail"), ("node.key", "skip"))
    ]
    said = Screen(tmp_path).report({"checks": checks, "verdict": "reject", "level": "development"})
    assert said == "rejected, level development"
    good, bad, skipped, verdict = capsys.readouterr().out.splitlines()
    red = "\x1b[1;31m"
    assert ("✓" in good, "✗" in bad, "·" in skipped, said in verdict) == (True,) * 4
    assert [red in line for line in (good, bad, skipped, verdict)] == [False, True, False, True]
