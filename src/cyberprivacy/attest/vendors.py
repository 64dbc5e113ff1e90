"""The roots that a verifier trusts without being told: processor vendors', as facts with their source. Pure.

Makers of TPMs are not among them: there are dozens, and their authorities vouch for chips of very different worth.
Whoever wants one names it.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from cyberprivacy.attest.report import Level
from cyberprivacy.attest.snp.chain import PINS
from cyberprivacy.attest.tdx.pck import INTEL_SGX_ROOT

PROCESSORS: Final[Mapping[bytes, Level]] = MappingProxyType(
    {**dict.fromkeys(PINS.values(), Level.CONFIDENTIAL_VM), INTEL_SGX_ROOT: Level.CONFIDENTIAL_VM}
)
"""SHA-256 of the SubjectPublicKeyInfo of AMD's and Intel's root keys, and what they are worth.

Sources stand beside the pins. Milan's is among them, so that evidence of a Milan is refused for what it is
("snp.product-not-allowed") and not as somebody's invention.
"""
