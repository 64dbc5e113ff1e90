"""A DAO of seconds on a chain whose clock obeys the test; everybody's key is unlocked there."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from cyberprivacy.cid import DAG_PB, Cid
from cyberprivacy.proposal.abi import Fields, contract
from cyberprivacy.proposal.anvil import EmbeddedChain
from cyberprivacy.proposal.chain import Log, Reverted, Wanted
from cyberprivacy.proposal.endpoint import Endpoint
from cyberprivacy.proposal.founding import DEMO, create_dao, deploy_shared, founding_from
from cyberprivacy.proposal.jsonrpc import JsonRpc
from cyberprivacy.proposal.release import Address
from cyberprivacy.proposal.sending import Desk
from cyberprivacy.proposal.signing import ExternalSigner

CONTRACTS = Path(__file__).parents[2] / "contracts"
ANVIL = CONTRACTS / "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"


@pytest.fixture
def town(tmp_path: Path) -> Iterator["Town"]:
    with EmbeddedChain(ANVIL, tmp_path, block_time=None) as chain:
        yield Town(chain.url)


class Town:
    """One DAO, its people, and a chain that makes a block for each transaction."""

    def __init__(self, url: str) -> None:
        self.endpoint = Endpoint(url)
        self.chain = JsonRpc(self.endpoint, head="latest")
        people = [Address(to_checksum_address(str(each))) for each in self.ask("eth_accounts")]
        self.founder, self.member, self.newcomer = people[0], people[1], people[9]
        self.auditors, self.organisations, self.providers = people[2:4], people[4:7], people[7:9]
        desk = Desk(self.endpoint, ExternalSigner(url, self.founder), pause=lambda _: None)
        self.first = self.chain.block().number
        self.shared = deploy_shared(
            desk,
            minimums=DEMO,
            organisations=[(each, "https://auditor.example") for each in self.organisations],
            owner=self.founder,
        )
        founding = founding_from(
            DEMO,
            name="guestbook",
            symbol="GUEST",
            members=[self.member],
            publishers=[self.member],
            providers=[self.providers[0]],
            auditors=self.auditors,
            organisations=self.organisations,
        )
        self.dao = create_dao(desk, self.chain, self.shared.factory, founding, salt=bytes(32))
        for each in (self.dao.timelock, self.shared.organisations):
            self.ask("anvil_impersonateAccount", each)
            self.ask("anvil_setBalance", each, hex(10**20))
        self.ask("evm_increaseTime", 5)  # votes count from a past second

    @property
    def seats(self) -> list[Address]:
        return [*self.auditors, *self.organisations]

    @property
    def now(self) -> int:
        return self.chain.block().timestamp

    def ask(self, method: str, *params: object) -> Any:
        return self.endpoint.ask(method, *params)

    def wait(self, seconds: int) -> None:
        self.ask("evm_increaseTime", seconds)
        self.ask("evm_mine")

    def read(self, name: str, function: str, *arguments: object) -> Fields:
        place = {
            "ReleaseRegistry": self.dao.registry,
            "AppGovernor": self.dao.governor,
            "AuditorSeats": self.dao.seats,
            "Clusters": self.shared.clusters,
        }[name]
        return contract(name).read(self.chain, self.chain.block(), place, function, *arguments)

    def send(self, who: Address, to: Address, data: bytes) -> bool:
        """Whether it took effect; a refusal changes nothing."""
        call = {"from": who, "to": to, "data": "0x" + data.hex()}
        try:
            self.ask("eth_call", call, "latest")
            transaction = self.ask("eth_sendTransaction", call)
        except Reverted:
            return False
        until = time.monotonic() + 30
        while (receipt := self.ask("eth_getTransactionReceipt", transaction)) is None:
            assert time.monotonic() < until, "anvil does not mine"
            time.sleep(0.005)  # anvil answers before it has mined
        return bool(receipt["status"] == "0x1")

    def registry(self, who: Address, function: str, *arguments: object) -> bool:
        return self.send(who, self.dao.registry, contract("ReleaseRegistry").encode(function, *arguments))

    def law(self, who: Address, function: str, *arguments: object) -> bool:
        return self.send(who, self.dao.governor, contract("AppGovernor").encode(function, *arguments))

    def vote_through(self, bundle: bytes) -> bool:
        """Everything from proposal to execution, each as soon as the law allows it."""
        act = contract("ReleaseRegistry").encode("activate", bundle)
        text = f"Software Update: next\nipfs://{Cid(DAG_PB, bundle)}\nMuch.".encode()
        release = self.read("ReleaseRegistry", "release", bundle).struct("0")
        self.wait(max(0, release.integer("reviewEnds") - self.now))
        if not self.law(self.member, "propose", [self.dao.registry], [0], [act], text.decode()):
            return False
        proposal = self.read("AppGovernor", "updateProposal", bundle).integer("0")
        self.wait(DEMO.voting_delay + 1)
        self.law(self.member, "castVote", proposal, 1)
        closes = self.read("AppGovernor", "proposalDeadline", proposal).integer("0")
        self.wait(closes + 1 - self.now)
        rest = ([self.dao.registry], [0], [act], keccak(text))
        self.law(self.founder, "queue", *rest)
        self.wait(DEMO.deployment_lap)
        return self.law(self.founder, "execute", *rest)

    def logs(self, first: int, last: int) -> list[Log]:
        """Everything that the contracts of the law wrote, in order."""
        found: list[Log] = []
        for place in (self.dao.registry, self.dao.seats, self.shared.organisations, self.shared.clusters):
            found += self.chain.logs(Wanted(place, (), first, last))
        return sorted(found, key=lambda log: (log.block, log.index))
