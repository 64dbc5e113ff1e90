"""What a verifier asks of TDX evidence beyond cryptography. Every default is the safe one."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Flag
from typing import Final

from cyberprivacy.errors import Misuse


class Status(Flag):
    """How far a platform is behind what its vendor calls safe; the parts add up."""

    UP_TO_DATE = 0
    HARDENING_NEEDED = 1
    """Software inside has to defend itself against known attacks on the hardware."""
    CONFIGURATION_NEEDED = 2
    OUT_OF_DATE = 4
    REVOKED = 8

    @property
    def label(self) -> str:
        """Intel's word for it."""
        return next(label for label, status in STATUSES.items() if status == self)

    def with_part(self, part: "Status") -> "Status":
        """The status of a platform one of whose parts has a status of its own.

        Source: Intel SGX/TDX DCAP Quote Verification Library, convergence of TCB statuses: the worse one wins.
        """
        both = self | part
        if both & Status.REVOKED:
            return Status.REVOKED
        return both & ~Status.HARDENING_NEEDED if both & Status.OUT_OF_DATE else both


STATUSES: Final[Mapping[str, Status]] = {
    "UpToDate": Status.UP_TO_DATE,
    "SWHardeningNeeded": Status.HARDENING_NEEDED,
    "ConfigurationNeeded": Status.CONFIGURATION_NEEDED,
    "ConfigurationAndSWHardeningNeeded": Status.CONFIGURATION_NEEDED | Status.HARDENING_NEEDED,
    "OutOfDate": Status.OUT_OF_DATE,
    "OutOfDateConfigurationNeeded": Status.OUT_OF_DATE | Status.CONFIGURATION_NEEDED,
    "Revoked": Status.REVOKED,
}
"""Intel's words. Source: Intel PCS API version 4, TCB info, "tcbStatus"."""

DEBUG: Final = 1
UNTRUSTED: Final = 0xFF
"""Bits of TDATTRIBUTES any of which makes a TD untrusted: DEBUG, and seven that are reserved for its like.

Source: Intel TDX Module ABI Reference, "TD attributes".
"""
SEPT_VE_DISABLE: Final = 1 << 28
"""Pages that the host takes away do not raise exceptions which it can time at will."""

X87_SSE: Final = 0x3
KNOWN_FEATURES: Final = 0x0006_DBE7
"""Bits of XFAM that TDX knows. Source: the same, "XFAM"; the rest must be zero."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TdxPolicy:
    """What must hold for evidence of kind "tdx".

    Attributes:
        statuses: TCB statuses that are accepted; never Revoked.
        evaluation: least tcbEvaluationDataNumber; higher than a number seen before means: no older advice.
        attributes: TDATTRIBUTES bits that must be set.
        optional_attributes: further bits that may be set.
        features: XFAM bits that may be set.
        service_tds: hashes of service TDs (MRSERVICETD) that are accepted, 48 bytes each; beside none.
        platforms: PPIDs of accepted processors, 16 bytes each; None = all.
    """

    statuses: frozenset[Status] = frozenset({Status.UP_TO_DATE})
    evaluation: int = 18
    attributes: int = SEPT_VE_DISABLE
    optional_attributes: int = 0
    features: int = KNOWN_FEATURES
    service_tds: frozenset[bytes] = frozenset()
    platforms: frozenset[bytes] | None = None

    def __post_init__(self) -> None:
        if Status.REVOKED in self.statuses or not self.statuses <= set(STATUSES.values()):
            raise Misuse("no policy accepts a revoked or unknown TCB status", code="policy.form")
        if (self.attributes | self.optional_attributes) & UNTRUSTED:
            raise Misuse("no policy accepts a TD that its host may debug", code="policy.form")
