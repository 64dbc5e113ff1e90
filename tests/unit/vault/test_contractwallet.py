"""Contract wallets: exactly the magic word of ERC-1271, at a final block, on the chain that was declared."""

from dataclasses import dataclass

import pytest
from eth_abi.abi import decode

from cyberprivacy.errors import Misuse, TryLater
from cyberprivacy.proposal.chain import Reverted
from cyberprivacy.proposal.release import Address, FinalBlock
from cyberprivacy.vault.contractwallet import ChainWitness
from cyberprivacy.vault.key import BadKey, Judge, Key

MAGIC = bytes.fromhex("1626ba7e").ljust(32, b"\0")
WALLET = Key.parse("eip1271:" + (5).to_bytes(8).hex() + "ab" * 20)
DIGEST = b"\x07" * 32
BLOCK = FinalBlock(9, b"\x01" * 32, 1_700_000_000)


@dataclass
class OneContract:
    """A chain with one contract, which always answers the same."""

    answer: bytes | None
    chain_id: int = 5
    asked: tuple[Address, bytes, FinalBlock] | None = None

    def block(self, number: int | None = None) -> FinalBlock:
        return BLOCK

    def call(self, to: Address, data: bytes, at: FinalBlock) -> bytes:
        self.asked = to, data, at
        if self.answer is None:
            raise Reverted("no", data=b"")
        return self.answer


def test_a_contract_that_accepts_is_believed_at_the_final_block() -> None:
    chain = OneContract(MAGIC)
    Judge(contracts=ChainWitness(chain)).check(WALLET, DIGEST, b"any form")
    assert chain.asked is not None
    assert chain.asked[0].lower() == "0x" + "ab" * 20
    assert chain.asked[2] == BLOCK
    assert decode(["bytes32", "bytes"], chain.asked[1][4:]) == (DIGEST, b"any form")


@pytest.mark.parametrize(
    "answer", [None, b"", bytes(32), MAGIC[:31], MAGIC + bytes(32), b"\xff" * 32, MAGIC[:31] + b"\1"]
)
def test_any_other_answer_is_a_no(answer: bytes | None) -> None:
    with pytest.raises(BadKey) as refusal:
        Judge(contracts=ChainWitness(OneContract(answer))).check(WALLET, DIGEST, b"any form")
    assert refusal.value.code == "key.signer"


def test_another_chain_is_not_asked() -> None:
    chain = OneContract(MAGIC, chain_id=1)
    with pytest.raises(TryLater) as refusal:
        Judge(contracts=ChainWitness(chain)).check(WALLET, DIGEST, b"s")
    assert refusal.value.code == "key.chain"
    assert chain.asked is None


def test_where_no_chain_is_asked_contract_wallets_are_not_enabled() -> None:
    with pytest.raises(Misuse) as refusal:
        Judge().check(WALLET, DIGEST, b"s")
    assert refusal.value.code == "key.disabled"
