"""A chain of the tests, and a wallet on it that is a contract of one owner."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address
from people import key

from cyberprivacy.proposal.anvil import EmbeddedChain
from cyberprivacy.proposal.endpoint import Endpoint
from cyberprivacy.proposal.release import Address
from cyberprivacy.proposal.sending import Desk
from cyberprivacy.proposal.signing import ExternalSigner
from cyberprivacy.vault.key import Key

CONTRACTS = Path(__file__).resolve().parents[3] / "contracts"
ANVIL = CONTRACTS / "node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
SOURCE = "test/SmartWallet.sol"


def code() -> bytes:
    """What creates the wallet's contract, but for its argument."""
    asked = {
        "language": "Solidity",
        "sources": {SOURCE: {"content": (CONTRACTS / SOURCE).read_text()}},
        "settings": {
            "evmVersion": "cancun",
            "remappings": ["@openzeppelin/=node_modules/@openzeppelin/"],
            "outputSelection": {SOURCE: {"SmartWallet": ["evm.bytecode.object"]}},
        },
    }
    done = subprocess.run(
        [CONTRACTS / "solc", "--standard-json"],
        cwd=CONTRACTS,
        input=json.dumps(asked),
        capture_output=True,
        text=True,
        check=True,
    )
    told = json.loads(done.stdout)
    return bytes.fromhex(told["contracts"][SOURCE]["SmartWallet"]["evm"]["bytecode"]["object"])


def address(name: str) -> Address:
    """Of a person of the tests."""
    return Address(to_checksum_address(key(name).material))


class OwnChain:
    """A chain with somebody rich."""

    def __init__(self, chain: EmbeddedChain) -> None:
        self.chain, self.url = chain, chain.url
        self.endpoint = Endpoint(chain.url)
        self.accounts = [Address(to_checksum_address(str(each))) for each in self._ask("eth_accounts")]
        self.desk = Desk(self.endpoint, ExternalSigner(chain.url, self.accounts[0]), pause=lambda _: None)

    def creates(self, code: bytes) -> Address:
        made = self.desk.send(None, code).created
        assert made is not None
        return made

    def settle(self) -> None:
        """What there is, is final."""
        self._ask("anvil_mine", "0x3")

    def _ask(self, method: str, *params: object) -> Any:
        return self.endpoint.ask(method, *params)


class WalletChain(OwnChain):
    """A chain with a wallet that belongs to somebody."""

    def __init__(self, chain: EmbeddedChain, owner: str) -> None:
        super().__init__(chain)
        self.wallet = self.creates(code() + encode(["address"], [address(owner)]))
        self.settle()

    @property
    def key(self) -> Key:
        return Key.of_contract(31337, bytes.fromhex(self.wallet[2:]))

    @property
    def named(self) -> str:
        """For `--contract`."""
        return f"31337:{self.wallet}"

    def hands_over(self, to: str) -> None:
        """The wallet is somebody else's from now on, finally."""
        self.desk.send(self.wallet, bytes.fromhex("110550c1") + encode(["address"], [address(to)]))
        self.settle()


@contextmanager
def wallet_chain(folder: Path, owner: str) -> Iterator[WalletChain]:
    with EmbeddedChain(ANVIL, folder, block_time=None) as chain:
        yield WalletChain(chain, owner)
