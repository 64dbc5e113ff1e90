"""docs/how-to/release-the-os.md is run as it stands, on a real chain, with sources that are small.

What makes an image takes minutes and is left to `make test-os`. When a command says "later", the chain's time goes on.
"""

import json
import re
import shlex
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from paper import image

from cyberprivacy import cli
from cyberprivacy.attest.onchain import stands
from cyberprivacy.bundle.tree import TreeBlocks
from cyberprivacy.errors import Misuse, Untrusted
from cyberprivacy.privacy_os.release import FILES, FOLDERS, Measured, lay_out, line_of, said
from cyberprivacy.proposal import os_releases
from cyberprivacy.proposal.abi import contract
from cyberprivacy.proposal.calls import carry_out

PAGE = Path(__file__).parents[3] / "docs" / "how-to" / "release-the-os.md"
PRINTED = {
    "cid": "CID",
    "lines": "LINES",
    "proposal": "PROPOSAL",
    "measurement": "MEASUREMENT",
}
MEASURED = Measured.of(image())


def checkout(folder: Path) -> Path:
    """What an image is made of, but small."""
    for name in FOLDERS:
        (folder / name / "__pycache__").mkdir(parents=True)
        (folder / name / "text").write_text(name)
        (folder / name / "__pycache__" / "left").write_text("by a tool")
    for name in FILES:
        (folder / name).write_text(name)
    return folder


class Guide:
    """Somebody who follows the page."""

    def __init__(
        self, world: Any, folder: Path, capsys: pytest.CaptureFixture[str], setenv: Callable[[str, str], None]
    ) -> None:
        self.world, self.folder, self._capsys, self._set = world, folder, capsys, setenv
        self.heir = world.found("heir", b"\3" * 32)
        self.words = {"DAO": world.dao.governor, "HEIR": self.heir.governor}
        self._signers = {
            "founder.json": world.founder,
            "publisher.json": world.publisher,
            "member.json": world.members[0],
            "second.json": world.members[1],
            "auditor.json": world.auditors[0],
            "second-auditor.json": world.organisations[0],
            "third-auditor.json": world.organisations[1],
            "anybody.json": world.provider,
        }
        (folder / "review.md").write_text("I have read it.\n")
        (folder / "why.md").write_text("It was a mistake.\n")
        (folder / "image").mkdir()
        (folder / "image" / "privacy-os.efi").write_bytes(image())
        checkout(folder / "checkout")

    def types(self, line: str) -> dict[str, Any]:
        """One command of the page; what it answers. A word in capitals that nothing has printed fails here."""
        filled = re.sub(r"\$([A-Z_]+)", lambda match: self.words[match[1]], line)
        if filled.startswith("export "):
            name, _, value = filled.removeprefix("export ").partition("=")
            self._set(name, f"http://{self.world.endpoint.name}" if name == "CYBERPRIVACY_RPC" else value)
            return {}
        words = [each for word in shlex.split(filled)[1:] for each in self._found(word)]
        while (done := self._typed(words))[0] == 3:
            self.world.advance_to(int(done[1]["facts"]["until"]) + 1)
        assert done[0] == 0, (line, done[1])
        self.world.settle()
        self.words |= {PRINTED[name]: str(value) for name, value in done[1].items() if name in PRINTED}
        return done[1]

    def _typed(self, words: list[str]) -> tuple[int, dict[str, Any]]:
        code = cli.run([*words, "--json"])
        return code, json.loads(self._capsys.readouterr().out)

    def _found(self, word: str) -> list[str]:
        """Files are in the folder; everybody signs by the chain's own signer."""
        if word == "--key":
            return []
        if word in self._signers:
            return ["--signer", f"http://{self.world.endpoint.name}", "--from", self._signers[word]]
        if word == "build/os":
            return [str(self.folder / "image"), "--sources", str(self.folder / "checkout" / "os")]
        return [str(self.folder / word)] if word in {"next", "blocks", "review.md", "why.md"} else [word]

    def announces_one(self, measurement: bytes) -> None:
        """Only one of the two."""
        who = self.world.acting(self.world.provider)
        root = TreeBlocks(self.folder / "next")
        releases = os_releases.releases_of(who.chain, who.dao, at=who.chain.block())
        block = root.find(root.root)
        assert block is not None
        carry_out(who.desk, [os_releases.announce(releases, block, measurement)])

    def stands(self) -> tuple[bool, bool]:
        """What key nodes, machines that update and verifiers ask: without Secure Boot, and with it."""
        dao = self.world.dao.governor
        return stands(self.world.final, dao, MEASURED.plain), stands(self.world.final, dao, MEASURED.secure)

    def released_by(self, dao: Any) -> str:
        """The contract by which releases of a DAO count."""
        chain = self.world.acting(self.world.provider).chain
        return str(os_releases.releases_of(chain, dao, at=chain.block()))


@pytest.fixture
def guide(
    world: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Guide:
    return Guide(world, tmp_path, capsys, monkeypatch.setenv)


def lines() -> list[str]:
    found = re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    return [line for block in found for line in block.splitlines() if " rebuild " not in line]


def test_what_was_voted_in_counts_until_votes_end_it_and_another_dao_has_it(guide: Guide) -> None:
    told: dict[str, Any] = {}
    for line in lines():
        if " announce " in line:
            guide.announces_one(MEASURED.secure)  # a try that was cut off: the command does what is left
        if " withdraw-measurement " in line:
            assert guide.stands() == (True, True)
        if " revoke " in line:
            assert guide.stands() == (False, True)
        if " hand-over " in line:
            assert guide.released_by(guide.world.dao)
        handed = told.get("releases")
        told = guide.types(line)
        told.setdefault("releases", handed)
        if line.endswith("os release list"):
            assert guide.stands() == (False, False)
            secure, row = told["measurements"]
            assert (row["measurement"], row["uri"]) == (MEASURED.plain.hex(), f"ipfs://{guide.words['CID']}")
            assert secure["measurement"] == MEASURED.secure.hex()
            assert secure["state"] == row["state"] == "waits"
            guide.world.advance_to(row["since"] + 1)
    assert guide.stands() == (False, False)
    rows = guide.types("cyberprivacy os release list")["measurements"]
    assert [row["state"] for row in rows] == ["withdrawn"] * 2
    with pytest.raises(os_releases.NotEntrusted):
        guide.released_by(guide.world.dao)
    assert guide.released_by(guide.heir) == told["releases"]


def test_only_a_measurement_that_stands_is_ended_and_only_another_dao_takes_over(world: Any) -> None:
    who = world.acting(world.provider)
    made = os_releases.entrust(world.desk(world.founder), who.chain, who.dao, at=who.chain.block())
    with pytest.raises(Misuse) as refused:
        os_releases.withdraw_measurements(who.chain, who.dao, [MEASURED.plain], at=who.chain.block())
    assert refused.value.code == "os.not-announced"
    with pytest.raises(Misuse) as refused:
        os_releases.hand_over(who.desk, who.chain, who.dao, who.dao, at=who.chain.block())
    assert refused.value.code == "os.heir"
    heir = world.found("heir", b"\3" * 32)
    _, calls = os_releases.hand_over(who.desk, who.chain, who.dao, heir, at=who.chain.block())
    with pytest.raises(Misuse) as refused:  # nobody but the timelock
        carry_out(who.desk, calls)
    assert (refused.value.code, calls[0].to) == ("law.not-timelock", made)


def test_the_dao_of_the_privacy_os_opens_a_market_by_vote(guide: Guide) -> None:
    world = guide.world
    os_releases.entrust(world.desk(world.founder), world.latest, world.dao, at=world.latest.block())
    clusters, founder = world.dao.clusters, world.founder
    deploy = f"market deploy --clusters {clusters} --laps demo --court {founder} --registrar {founder}"
    guide.types("export CYBERPRIVACY_RPC=")
    guide.types(f"export CYBERPRIVACY_DAO={world.dao.governor}")
    made = guide.types(f"cyberprivacy {deploy} --holder {founder}=1 --key founder.json")
    assert [each["to"] for each in made["left"]] == [clusters]
    guide.types(f"cyberprivacy os release open-market {made['expansions']} --key member.json")
    for line in ("vote $PROPOSAL for --key member.json", "vote $PROPOSAL for --key second.json"):
        guide.types(f"cyberprivacy {line}")
    for verb in ("queue", "execute"):
        guide.types(f"cyberprivacy {verb} $PROPOSAL --key member.json")
    block = world.latest.block()
    named = contract("Clusters").read(world.latest, block, clusters, "expansions").address("0")
    assert named == made["expansions"]


def test_nobody_announces_what_is_not_live_or_not_for_his_dao_to_say(world: Any, tmp_path: Path) -> None:
    lay_out(checkout(tmp_path / "checkout"), MEASURED, tmp_path / "next")
    packed = TreeBlocks(tmp_path / "next")
    root = packed.find(packed.root)
    assert root is not None
    who = world.acting(world.provider)
    with pytest.raises(os_releases.NotEntrusted):
        os_releases.releases_of(who.chain, who.dao, at=who.chain.block())
    with pytest.raises(Misuse) as refused:
        os_releases.entrust(who.desk, who.chain, who.dao, at=who.chain.block())
    assert refused.value.code == "os.not-owner"
    made = os_releases.entrust(world.desk(world.founder), who.chain, who.dao, at=who.chain.block())
    assert os_releases.releases_of(who.chain, who.dao, at=who.chain.block()) == made
    other = world.found("another", b"\2" * 32)
    with pytest.raises(os_releases.NotEntrusted):
        os_releases.releases_of(who.chain, other, at=who.chain.block())
    for measurement, code in ((MEASURED.plain, "law.os-not-live"), (bytes(32), "law.os-not-said")):
        with pytest.raises(Untrusted) as refusal:
            carry_out(who.desk, [os_releases.announce(made, root, measurement)])
        assert refusal.value.code == code


def test_a_layout_is_what_decides_an_image_and_nothing_else(tmp_path: Path) -> None:
    lay_out(checkout(tmp_path / "checkout"), MEASURED, tmp_path / "next")
    (tmp_path / "checkout" / "LICENSE").unlink()
    found = {path.relative_to(tmp_path / "next").as_posix() for path in (tmp_path / "next").rglob("*")}
    assert found == {*FILES, *FOLDERS, "measurement", "measurement.secure-boot", "os/text", "src/text"}
    for to in ("next", "other"):  # one is there; for the other something is missing
        with pytest.raises(Misuse):
            lay_out(tmp_path / "checkout", MEASURED, tmp_path / to)


def test_a_measurement_has_one_spelling() -> None:
    good = line_of(MEASURED.plain)
    assert said(good) == MEASURED.plain
    for line in (good[:-1], good + b"\n", good.upper(), good[2:], b"", good.replace(b"\n", b"\r\n")):
        with pytest.raises(Untrusted):
            said(line)
