"""How much gas do our rules cost, on top of a bare OpenZeppelin Governor?

    uv run python bench/gas.py [--raw gas.json] [--json]

One anvil. The same votes, the same kind of timelock with the same delay, the same text; one side activates a
release in ReleaseRegistry through AppGovernor, the other calls a contract that only stores one word through a
governor made of OpenZeppelin's usual parts. Gas is what the receipts say, so it is exact and the same on every
machine. Each step is at its dearest: first of a new DAO, on fresh storage; the vote is the one that reaches the
quorum (later ones do not move the deadline). Needs `npm ci` in contracts/.
"""

import argparse
import json
import subprocess
import tempfile
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.proposal.abi import ZERO, Contract, contract
from cyberprivacy.proposal.anvil import EmbeddedChain
from cyberprivacy.proposal.endpoint import Endpoint
from cyberprivacy.proposal.founding import DEMO, create_dao, deploy_shared, founding_from
from cyberprivacy.proposal.jsonrpc import JsonRpc
from cyberprivacy.proposal.law import Dao
from cyberprivacy.proposal.release import Address
from cyberprivacy.proposal.sending import Desk
from cyberprivacy.proposal.signing import ExternalSigner

ROOT: Final = Path(__file__).resolve().parents[1]
ANVIL: Final = ROOT / "contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
STEPS: Final = ("propose", "vote", "queue", "execute")
BUNDLE: Final = keccak(b"a bundle")
TEXT: Final = f"Software Update: guestbook 1.0.0\nipfs://{Cid(DAG_PB, BUNDLE)}\n\nWhat changes: everything."


def bare() -> dict[str, Contract]:
    """The contracts that we compare with, compiled as ours are."""
    source = {"bench/bare_governor.sol": {"content": (ROOT / "bench/bare_governor.sol").read_text()}}
    settings = {
        "evmVersion": "cancun",
        "optimizer": {"enabled": True, "runs": 200},
        "metadata": {"bytecodeHash": "none", "appendCBOR": False},
        "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
        "outputSelection": {"bench/bare_governor.sol": {"*": ["abi", "evm.bytecode.object"]}},
    }
    done = subprocess.run(
        [ROOT / "contracts/solc", "--standard-json"],
        cwd=ROOT / "contracts",
        input=json.dumps({"language": "Solidity", "sources": source, "settings": settings}),
        capture_output=True,
        text=True,
        check=True,
    )
    made: Mapping[str, Any] = json.loads(done.stdout)["contracts"]["bench/bare_governor.sol"]
    return {
        name: Contract(name, out["abi"], bytes.fromhex(out["evm"]["bytecode"]["object"]))
        for name, out in made.items()
    }


class Town:
    """A chain, a member with all votes, and two DAOs: ours and a bare one."""

    def __init__(self, url: str) -> None:
        self.endpoint, self.url = Endpoint(url), url
        self.chain = JsonRpc(self.endpoint, head="latest")
        accounts: Any = self.endpoint.ask("eth_accounts")
        self.people = [Address(to_checksum_address(each)) for each in accounts]
        self.member = self.people[0]

    def desk(self, who: Address) -> Desk:
        """Sends as one of anvil's unlocked accounts."""
        return Desk(self.endpoint, ExternalSigner(self.url, who), pause=lambda _: time.sleep(0.01))

    def send(self, to: Address, data: bytes, who: Address | None = None) -> int:
        """Gas that a transaction used."""
        return self.desk(who or self.member).send(to, data).gas

    def make(self, it: Contract, *arguments: object) -> Address:
        """Create a contract."""
        made = self.desk(self.member).send(None, it.creation(*arguments)).created
        assert made is not None
        return made

    def wait(self, seconds: int) -> None:
        """Let time pass on the chain."""
        self.endpoint.ask("evm_increaseTime", seconds)
        self.endpoint.ask("evm_mine")

    def found(self) -> tuple[Dao, int]:
        """Our DAO, and the gas of making it."""
        desk, organisations = self.desk(self.member), self.people[4:7]
        shared = deploy_shared(
            desk,
            minimums=DEMO,
            organisations=[(each, "https://auditor.example") for each in organisations],
            owner=self.member,
        )
        founding = founding_from(
            DEMO,
            name="guestbook",
            symbol="GUEST",
            members=[self.member],
            publishers=[self.member],
            providers=[self.people[1]],
            auditors=self.people[2:4],
            organisations=organisations,
        )
        founding = replace(founding, soulbound=False, amounts=(10**18,))
        dao = create_dao(desk, self.chain, shared.factory, founding, salt=ZERO)
        newest: Any = self.endpoint.ask("eth_getBlockByNumber", "latest", False)
        return dao, int(newest["gasUsed"], 16)

    def reviewed(self, dao: Dao) -> dict[str, int]:
        """Publish and size the bundle, and let its review lap pass; the gas of each step."""
        releases = contract("ReleaseRegistry")
        gas = {"publish": self.send(dao.registry, releases.encode("publish", BUNDLE, ZERO, 1, 1, ZERO))}
        for number, auditor in enumerate(self.people[2:5], 1):
            statement = releases.encode("attest", BUNDLE, 100, 100, 0, keccak(b"report"))
            gas[f"attest ({number} of 3)"] = self.send(dao.registry, statement, auditor)
        self.wait(DEMO.ceiling)
        return gas

    def decide(self, law: Contract, governor: Address, target: Address) -> dict[str, int]:
        """From proposal to execution; the gas of each step."""
        act = contract("ReleaseRegistry").encode("activate", BUNDLE)
        action = ([target], [0], [act])
        hashed = (*action, keccak(text=TEXT))
        proposal = law.read(self.chain, self.chain.block(), governor, "hashProposal", *hashed).integer("0")
        gas = {"propose": self.send(governor, law.encode("propose", *action, TEXT))}
        self.wait(DEMO.voting_delay + 1)
        gas["vote"] = self.send(governor, law.encode("castVote", proposal, 1))
        self.wait(2 * DEMO.voting_period)
        gas["queue"] = self.send(governor, law.encode("queue", *hashed))
        self.wait(DEMO.deployment_lap)
        gas["execute"] = self.send(governor, law.encode("execute", *hashed))
        return gas


def measure() -> dict[str, Any]:
    """Gas of each step, ours and bare."""
    plain = bare()
    with tempfile.TemporaryDirectory() as folder, EmbeddedChain(ANVIL, Path(folder), block_time=None) as chain:
        town = Town(chain.url)
        dao, creation = town.found()
        before = town.reviewed(dao)
        ours = town.decide(contract("AppGovernor"), dao.governor, dao.registry)
        lap = contract("AppTimelock")
        count: Any = town.endpoint.ask("eth_getTransactionCount", town.member, "latest")
        governor = _created(town.member, int(count, 16) + 1)
        timelock = town.make(lap, DEMO.deployment_lap, DEMO.deployment_lap, governor)
        made = town.make(plain["BareGovernor"], dao.token, timelock, DEMO.voting_delay, DEMO.voting_period, 20)
        assert made == governor
        bare_gas = town.decide(plain["BareGovernor"], governor, town.make(plain["BareRegistry"]))
    return {"ours": ours, "bare": bare_gas, "only ours": {"create a DAO": creation, **before}}


def _created(creator: Address, nonce: int) -> Address:
    """Where an account's next contract will be: the end of keccak256(rlp([creator, nonce])), nonce below 128."""
    assert 0 < nonce < 128
    return Address(to_checksum_address(keccak(b"\xd6\x94" + bytes.fromhex(creator[2:]) + bytes([nonce]))[12:]))


def main() -> None:
    """Measure, print, and keep the raw data if asked."""
    options = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    options.add_argument("--json", action="store_true", help="print the raw data instead of a table")
    options.add_argument("--raw", type=Path, help="also write the raw data to this file")
    given = options.parse_args()
    found = measure()
    totals = {side: sum(found[side][step] for step in STEPS) for side in ("ours", "bare")}
    found["ratio"] = round(totals["ours"] / totals["bare"], 3)
    if given.raw:
        given.raw.write_text(json.dumps(found, indent=1) + "\n")
    if given.json:
        print(json.dumps(found, indent=1))
        return
    print(f"{'step':<20}{'ours':>12}{'bare':>12}{'ratio':>8}")
    for step in STEPS:
        ours, plain = found["ours"][step], found["bare"][step]
        print(f"{step:<20}{ours:>12,}{plain:>12,}{ours / plain:>8.2f}")
    print(f"{'all four':<20}{totals['ours']:>12,}{totals['bare']:>12,}{found['ratio']:>8.2f}")
    for step, gas in found["only ours"].items():
        print(f"{step:<20}{gas:>12,}{'-':>12}")


if __name__ == "__main__":
    main()
