"""docs/how-to/audit-a-release.md is typed as it stands, by somebody with a seat, about a release that waits."""

import json
from pathlib import Path

import pytest
from tests.cli.test_sessions import say
from tests.guides import commands, words

from cyberprivacy.testing.cable import Cable
from cyberprivacy.testing.story import Story

pytestmark = [pytest.mark.flow, pytest.mark.timeout(400)]


def test_every_command_of_an_auditor_does_what_the_page_says(
    story: Story, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    town = story.town
    old = story.publish(story.sources("1.0.0"), "1.0.0")
    story.audit(old)
    story.propose(old, "guestbook 1.0.0")
    story.decide(old)
    new = story.publish(story.sources("1.1.0", parent=old), "1.1.0")
    monkeypatch.chdir(tmp_path)
    said: dict[str, str] = {}
    with Cable(town.chain.port) as cable:
        meant = {
            "bafyold…": old,
            "bafynew…": new,
            "0x…": story.dao["governor"],
            "https://gateway.example": town.gateway,
            "https://one.example": town.chain.url,
            "https://two.example": f"http://127.0.0.1:{cable.port}",
            "me.json": f"{town.key('ann')} --password-file {town.key('ann').parent / 'password'}",
            "build source": f"build source --bases {story.bases}",
        }
        for line in commands("how-to/audit-a-release.md"):
            typed, _, into = line.partition(" > ")
            if Path("report.json").exists():  # what one measures is what one says
                typed = typed.replace(
                    "420", str(json.loads(Path("report.json").read_text())["predicate"]["lines"])
                )
            done = say(words(typed, meant))
            assert done.code == 0, (line, done)
            if into:
                Path(into).write_text(done.out)
            said[typed.split()[1]] = done.out
    report = json.loads((tmp_path / "report.json").read_text())
    assert report["subject"][0]["name"] == f"ipfs://{new}"
    assert "version: 1.1.0" in (tmp_path / "source" / "cyberprivacy.yaml").read_text()
    found = {"status": new, "lint": "passes", "build": new, "halt": old}
    found["attest"] = f"{new}: {report['predicate']['lines']} lines"
    assert {verb: each in said[verb] for verb, each in found.items()} == dict.fromkeys(found, True), said
    release = town.types("status", "--latest", "--dao", story.dao["governor"])["releases"][-1]
    assert (release["bundle"], release["attested"]) == (new, 1)
