"""What the contract that says which Privacy OS counts answers when it refuses, in words."""

from typing import Final

OS_WORDS: Final[dict[str, tuple[str, tuple[str, str, str]]]] = {
    "OsReleaseNotLive": (
        "untrusted",
        ("os-not-live", "the sources are not the release that is live", "`status` shows where it stands."),
    ),
    "OsReleaseNotRatified": (
        "later",
        (
            "os-not-ratified",
            "the release is an urgent repair that no vote has ratified yet",
            "Its measurement counts when the vote has passed.",
        ),
    ),
    "OsReleaseNotRevoked": (
        "misuse",
        ("os-not-revoked", "the release was not revoked", "Only a vote may: `revoke`."),
    ),
    "OsMeasurementNotSaid": (
        "untrusted",
        ("os-not-said", "the sources do not say this measurement", "Give the measurement in their file."),
    ),
    "OsRootMalformed": (
        "misuse",
        (
            "os-root",
            "the sources are not laid out as the chain reads them",
            "`os release bundle` lays them out.",
        ),
    ),
    "OsNotTimelock": (
        "misuse",
        ("not-timelock", "only a passed vote may do this", "Put it to the vote: `propose`."),
    ),
    "ClusterMeasurementKnown": (
        "misuse",
        ("measurement-known", "the measurement was announced before", "`os release list` shows where it stands."),
    ),
}
