"""Three clusters in network namespaces of their own: each way to cheat is caught by the others, and shown."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from cyberprivacy.cli import run
from cyberprivacy.ledger.fork import ForkEvidence
from cyberprivacy.ledger.signers import VerifierKey
from cyberprivacy.ledger.trust import Trust
from cyberprivacy.testing.neighbours import NAMES, Neighbour
from cyberprivacy.testing.remains import processes
from cyberprivacy.testing.scenes import NotCaught, Scenes
from cyberprivacy.testing.story import Silence
from cyberprivacy.testing.wires import Wires

pytestmark = [pytest.mark.flow, pytest.mark.engines, pytest.mark.timeout(300)]

WITHIN = {"log.silent": 60.0, "log.fork": 40.0, "witness.signed-both": 40.0}
"""Seconds that a finding may take; a watcher looks every two, and machines may be busy."""


def links() -> set[str]:
    return {path.name for path in Path("/sys/class/net").glob("cpw*")}


def test_each_way_to_cheat_is_caught_by_the_others_and_proven_to_a_third_party(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    before = links()
    assert run(["demo", "network", "--folder", str(tmp_path / "demo"), "--json"]) == 0
    caught = json.loads(capsys.readouterr().out)["caught"]
    assert {(each["by"], each["cheat"], each["finder"], each["code"]) for each in caught} == {
        ("cedar", "goes silent", "ash", "log.silent"),
        ("cedar", "goes silent", "birch", "log.silent"),
        ("birch", "equivocates", "ash", "log.fork"),
        ("birch", "equivocates", "cedar", "log.fork"),
        ("ash", "rewrites its past", "birch", "log.fork"),
        ("ash", "rewrites its past", "cedar", "log.fork"),
        ("ash", "brings another past", "birch", "log.fork"),
        ("ash", "brings another past", "cedar", "log.fork"),
        ("birch", "signs everything", "cedar", "witness.signed-both"),
    }
    for each in caught:
        assert each["seconds"] < WITHIN[each["code"]], each
        data = Path(each["evidence"]).read_bytes()
        if each["code"] == "log.silent":
            assert (json.loads(data)["code"], each["command"]) == ("log.silent", [])
            continue
        key = VerifierKey.parse(each["command"][each["command"].index("--key") + 1])
        ForkEvidence.parse(data).check(Trust.of(key.name, [key]))
        assert run([*each["command"]]) == 0
        assert "signed two pasts" in capsys.readouterr().out
    assert (links(), processes(tmp_path)) == (before, {})


def test_a_cheat_that_nobody_finds_is_an_error(tmp_path: Path) -> None:
    """The judge of the scenes is not asleep: a scene of a cluster that lied, and two that find nothing."""
    scenes = Scenes(tmp_path, Silence(), patience=1.0)
    with Wires() as wires:
        liar, *others = [Neighbour(name, at + 1, tmp_path, wires) for at, name in enumerate(NAMES)]
        with pytest.raises(NotCaught) as refusal:
            scenes._catch("rewrites its past", liar, "log.fork", others, lambda _: pytest.fail("no evidence"))
        assert (refusal.value.code, refusal.value.exit_code) == ("network.not-caught", 1)


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGINT], ids=["kill", "interrupt"])
def test_however_it_ends_nothing_of_it_stays(tmp_path: Path, how: signal.Signals) -> None:
    before = links()
    # A shell starts what it puts into the background with this signal ignored, and all that it starts.
    words = ["env", "--default-signal=INT", sys.executable, "-m", "cyberprivacy"]
    words += ["demo", "network", "--folder", str(tmp_path / "demo")]
    with subprocess.Popen(
        words, stdout=subprocess.PIPE, env={**os.environ, "PYTHONUNBUFFERED": "1"}, text=True
    ) as demo:
        assert demo.stdout is not None
        while not processes(tmp_path / "demo" / "one"):
            assert demo.poll() is None
            time.sleep(0.02)
        demo.send_signal(how)
        demo.stdout.read()
    assert demo.returncode == (130 if how is signal.SIGINT else -signal.SIGKILL)
    end = time.monotonic() + 30
    while (links() - before or processes(tmp_path)) and time.monotonic() < end:
        time.sleep(0.05)
    assert (links() - before, processes(tmp_path)) == (set(), {})
