"""Safes on a chain of the tests: the contracts that their makers compiled, as npm has them."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from chains import ANVIL, CONTRACTS, OwnChain
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from cyberprivacy.proposal.anvil import EmbeddedChain
from cyberprivacy.proposal.jsonrpc import JsonRpc
from cyberprivacy.proposal.release import Address
from cyberprivacy.vault.key import Key

BUILT = CONTRACTS / "node_modules/@safe-global/safe-smart-account/build/artifacts/contracts"
NOBODY = Address("0x" + "00" * 20)


def code(path: str) -> bytes:
    """What creates a contract, but for its arguments."""
    return bytes.fromhex(json.loads((BUILT / path).read_bytes())["bytecode"][2:])


def call(signature: str, *arguments: object) -> bytes:
    """The data of a call, from what the function is called and takes, such as `f(bytes32,address[])`."""
    kinds = signature.partition("(")[2].removesuffix(")")
    return keccak(text=signature)[:4] + encode(kinds.split(","), arguments)


class SafeChain(OwnChain):
    """A chain on which Safes can be made."""

    def __init__(self, chain: EmbeddedChain) -> None:
        super().__init__(chain)
        self.singleton = self.creates(code("Safe.sol/Safe.json"))
        self.handler = self.creates(
            code("handler/CompatibilityFallbackHandler.sol/CompatibilityFallbackHandler.json")
        )

    def safe(self, owners: Sequence[Address], threshold: int) -> "Safe":
        """One that these own, and of whom so many have to sign."""
        proxy = code("proxies/SafeProxy.sol/SafeProxy.json") + encode(["address"], [self.singleton])
        made = self.creates(proxy)
        setup = "setup(address[],uint256,address,bytes,address,address,uint256,address)"
        begun = call(setup, list(owners), threshold, NOBODY, b"", self.handler, NOBODY, 0, NOBODY)
        self.desk.send(made, begun)
        self.settle()
        return Safe(self, made)


class Safe:
    """A Safe on a chain of the tests."""

    def __init__(self, on: SafeChain, address: Address) -> None:
        self.on, self.address = on, address
        self.key = Key.of_contract(31337, bytes.fromhex(address[2:]))
        self.named = f"31337:{address}"

    def message_hash(self, digest: bytes) -> bytes:
        """What its owners sign where it is asked this, as it says itself."""
        chain = JsonRpc(self.on.url)
        said = chain.call(self.address, call("getMessageHash(bytes)", digest), chain.block())
        (told,) = decode(["bytes32"], said)
        assert isinstance(told, bytes)
        return told


@contextmanager
def safe_chain(folder: Path) -> Iterator[SafeChain]:
    with EmbeddedChain(ANVIL, folder, block_time=None) as chain:
        yield SafeChain(chain)
