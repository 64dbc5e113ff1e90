"""What people decided: the value that starts every deployment."""

from dataclasses import InitVar, dataclass
from typing import Final, NewType

from cyberprivacy.cid import Cid
from cyberprivacy.seal import Seal

Address = NewType("Address", str)
"""An Ethereum address with its EIP-55 checksum: "0x" and 40 hex digits."""

NOBODY: Final = Address("0x" + 40 * "0")
"""How contracts say that there is no such account."""
SEAL: Final = Seal("proposal")


@dataclass(frozen=True, slots=True)
class FinalBlock:
    """A block that the chain says is final.

    Attributes:
        number: height.
        hash: 32 bytes.
        timestamp: seconds since 1970, as the chain has it.
    """

    number: int
    hash: bytes
    timestamp: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ApprovedRelease:
    """The one release that a DAO wants live, as read at a finalised block. Made only by `proposal`.

    Attributes:
        chain_id: EIP-155 chain id.
        dao: address of the DAO: its AppGovernor.
        registry: address of its ReleaseRegistry.
        bundle: CID of the bundle's root directory (dag-pb).
        parent: bundle that it replaces and was measured against; None for the first.
        number: release number; grows with every release of this DAO.
        pipeline: number of the pipeline template.
        proposal: governor's proposal id; 0 for an emergency release that no vote has ratified yet.
        emergency: live by the emergency lane, not ratified.
        expires: seconds since 1970 at which an unratified emergency release dies; 0 = never.
        images: the digest of the image list that enough providers built alike; None = not yet agreed.
        builders: how many distinct providers must report the same images before they are served.
        block: the finalised block at which all this was true.
    """

    chain_id: int
    dao: Address
    registry: Address
    bundle: Cid
    parent: Cid | None
    number: int
    pipeline: int
    proposal: int
    emergency: bool
    expires: int
    images: bytes | None
    builders: int
    block: FinalBlock
    seal: InitVar[object]

    def __post_init__(self, seal: object) -> None:
        SEAL.check(seal)
