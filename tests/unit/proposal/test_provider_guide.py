"""docs/how-to/be-a-provider.md is run as it stands, on a real chain; when a command says "later", the chain's time goes on.

Words in capitals stand for what was printed before, as the page says.
"""

import json
import re
import shlex
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from tests.guides import commands

from cyberprivacy import canonical, cli
from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.ledger.checkpoint import Checkpoint
from cyberprivacy.ledger.fork import ForkEvidence
from cyberprivacy.ledger.headsigner import HeadSigner
from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.ledger.note import Note
from cyberprivacy.ledger.publisher import Publisher
from cyberprivacy.ledger.signers import Kind, Signer
from cyberprivacy.proposal.signing import create_keystore

PASSWORD, ORIGIN = "development only", "cyberprivacy.log/of-the-guide"
LOG = Signer.of(ORIGIN, Kind.LOG, bytes(32))
PRINTED = {
    "account": "NODE", "nodeKey": "NODE_KEY", "headKey": "HEAD_KEY", "proposal": "PROPOSAL", "market": "MARKET",
    "cluster": "CLUSTER", "expansion": "EXPANSION", "visit": "VISIT", "claim": "CLAIM",
}  # fmt: skip
SECRET = sha256(b"the guide's head key").digest()


class Guide:
    """Somebody who follows the page, with everybody's keys in a folder."""

    def __init__(
        self, world: Any, folder: Path, capsys: pytest.CaptureFixture[str], setenv: Callable[[str, str], None]
    ) -> None:
        self.world, self.folder, self._capsys, self._set = world, folder, capsys, setenv
        (folder / "password").write_text(PASSWORD)
        self.words: dict[str, str] = {}
        people = ("provider", "validator", "node")
        for name in people:
            self.words[name.upper()] = create_keystore(folder / f"{name}.json", PASSWORD, rounds=1_000)
            world.ask("anvil_setBalance", self.words[name.upper()], hex(10**20))
        self.words |= {
            "DAO": world.dao.governor,
            "TIMELOCK": world.dao.timelock,
            "CLUSTERS": world.shared.clusters,
        }
        self.words |= {"FOUNDER": world.founder, "EVIDENCE": "0x" + sha256(b"attestation").hexdigest()}
        for name in ("LICENCE", "PHOTO"):
            self.words[name] = str(Cid(DAG_PB, sha256(name.encode()).digest()))
        self._configure()

    def _configure(self) -> None:
        """A node that was started once, as far as its provider sees."""
        (self.folder / "node.toml").write_text(
            f'data = "{self.folder}"\n[chain]\nrpc = ["http://127.0.0.1:1"]\n[[dao]]\n'
            f'address = "{self.world.dao.governor}"\nlisten = "127.0.0.1:8443"\n'
        )
        key = HeadSigner.of(ORIGIN, SECRET, chain_id=1, anchor=bytes(20), cluster=1).place.address
        identity = {"account": self.words["NODE"], "nodeKey": "0x" + sha256(b"node").hexdigest()}
        identity["headKey"] = to_checksum_address(key)
        (self.folder / "identity.json").write_bytes(canonical.encode(identity))

    def types(self, line: str) -> None:
        """One command of the page; a word in capitals that nothing has printed fails here."""
        filled = re.sub(r"\$([A-Z_]+)", lambda match: self.words[match[1]], line)
        if filled.startswith("export "):
            name, _, value = filled.removeprefix("export ").partition("=")
            self._set(name, f"http://{self.world.endpoint.name}" if name == "CYBERPRIVACY_RPC" else value)
            return
        words = [each for word in shlex.split(filled)[1:] for each in self._found(word)]
        while True:
            code = cli.run([*words, "--json"])
            told = json.loads(self._capsys.readouterr().out)
            if code != 3:
                break
            self.world.advance_to(int(told["facts"]["until"]) + 1)
        assert code == 0, (line, told)
        self.words |= {PRINTED[name]: str(value) for name, value in told.items() if name in PRINTED}
        if isinstance(told.get("orders"), list):
            self.words["ORDER"] = str(told["orders"][0]["order"])

    def _found(self, word: str) -> list[str]:
        """Files are in the folder; who came with the chain signs by its own signer."""
        signers = {
            "founder.json": self.world.founder,
            "member.json": self.world.members[0],
            "second.json": self.world.members[1],
        }
        if word == "--key":
            return []
        if word in signers:
            return ["--signer", f"http://{self.world.endpoint.name}", "--from", signers[word]]
        if word.endswith(".json"):
            return ["--key", str(self.folder / word), "--password-file", str(self.folder / "password")]
        return [str(self.folder / word)] if word.endswith(".toml") else [word]

    def serves(self) -> None:
        """Time goes on while the node serves; its log, and what would be another past of it."""
        order = json.loads(self._said("rent", "show", self.words["ORDER"], "--json"))
        anchor = json.loads(self._said("market", "show", "--json"))["contracts"]["anchor"]
        self.world.advance_to(order["start"] + 3_600)
        key = HeadSigner.of(
            ORIGIN, SECRET, chain_id=31337, anchor=bytes.fromhex(anchor[2:]), cluster=int(self.words["CLUSTER"])
        )
        truth, lie = (self._log(key, name) for name in ("truth", "lie"))
        notes = [(each / "checkpoint").read_bytes() for each in (truth, lie)]
        fork = ForkEvidence(notes[0], notes[1], Checkpoint.parse(Note.parse(notes[1]).text).root, ())
        (self.folder / "fork").write_bytes(fork.encode())
        self.words |= {"LOG": str(truth), "FORK": str(self.folder / "fork")}

    def _log(self, key: HeadSigner, story: str) -> Path:
        ledger = FileLedger(self.folder / story / "ledger.jsonl", clock=lambda: self.world.now)
        ledger.append("test.said", {"story": story})
        made = Publisher(ledger, self.folder / story / "log", signers=[LOG, key], clock=lambda: self.world.now)
        made.publish()
        return made.public

    def _said(self, *words: str) -> str:
        assert cli.run([*words]) == 0
        return self._capsys.readouterr().out


@pytest.fixture
def guide(
    world: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Guide:
    return Guide(world, tmp_path, capsys, monkeypatch.setenv)


def test_every_command_of_the_guide_does_what_the_guide_says(guide: Guide) -> None:
    for line in commands("how-to/be-a-provider.md"):
        if "cluster anchor" in line:
            guide.serves()
        guide.types(line)
    paid = json.loads(guide._said("market", "balance", guide.words["PROVIDER"], "--json"))["rent"]
    assert float(paid) == pytest.approx(
        20_000 - 10_000 + 2_500 + 3.6, abs=0.1
    )  # stake, what left it, an hour of rent
