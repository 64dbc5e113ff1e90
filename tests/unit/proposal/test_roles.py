"""Who has a role is what the contract says at a final block, in exactly one form."""

import pytest

from cyberprivacy.proposal.chain import Chain
from cyberprivacy.proposal.release import Address, FinalBlock
from cyberprivacy.proposal.roles import has_role
from cyberprivacy.proposal.wire import BadAnswer

CONTRACT = Address("0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512")
SOMEBODY = Address("0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed")
BLOCK = FinalBlock(7, b"\x07" * 32, 1_800_000_000)


class OneAnswer(Chain):
    """A chain whose contracts always say the same."""

    def __init__(self, says: bytes) -> None:
        self.says, self.asked = says, b""

    @property
    def chain_id(self) -> int:
        return 1

    def block(self, number: int | None = None) -> FinalBlock:
        return BLOCK

    def call(self, to: Address, data: bytes, at: FinalBlock) -> bytes:
        assert (to, at) == (CONTRACT, BLOCK)
        self.asked = data
        return self.says


@pytest.mark.parametrize("truth", [False, True])
def test_the_contract_is_asked_by_its_interface_and_believed(truth: bool) -> None:
    chain = OneAnswer(int(truth).to_bytes(32, "big"))
    assert has_role(chain, CONTRACT, b"\x05" * 32, SOMEBODY, BLOCK) is truth
    assert chain.asked.hex() == "91d14854" + "05" * 32 + "00" * 12 + SOMEBODY[2:].lower()


@pytest.mark.parametrize(
    "says", [b"", b"\x01", b"\x00" * 31 + b"\x02", b"\x01" + b"\x00" * 31, b"\x00" * 63 + b"\x01"]
)
def test_anything_but_a_truth_value_is_refused(says: bytes) -> None:
    with pytest.raises(BadAnswer):
        has_role(OneAnswer(says), CONTRACT, b"\x05" * 32, SOMEBODY, BLOCK)
