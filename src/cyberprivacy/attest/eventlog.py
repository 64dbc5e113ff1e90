"""What was measured, in order: our event log, and its replay into PCR values. Pure.

A PCR takes one digest after another and never goes back. The log says which digests; it is believed only
when its replay gives the PCR values that the TPM has signed. The words of an event are part of its
digest, so a log cannot be relabelled.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from hashlib import sha256
from typing import Final

from cyberprivacy import canonical
from cyberprivacy.attest.document import BadDocument, Document
from cyberprivacy.attest.evidence import length_prefixed
from cyberprivacy.attest.tpm2 import ALG_SHA256, Selection

EVENT_TAG: Final = b"CyberPrivacy-Event/1"
MEASUREMENT_TAG: Final = b"CyberPrivacy-Measurement/1"

QUOTED: Final = Selection(ALG_SHA256, tuple(range(16)))
"""What every quote must cover: all PCRs that start at zero and that software cannot reset."""

MAX_EVENTS: Final = 2048
MAX_LOG: Final = 256 << 10

_WHAT: Final = re.compile(r"[\x20-\x7e]{1,200}")


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that was measured.

    Attributes:
        pcr: the register it went into, 0 to 15.
        digest: SHA-256 of the thing itself, 32 bytes.
        what: its name, printable ASCII, at most 200 characters.
    """

    pcr: int
    digest: bytes
    what: str

    @property
    def extended(self) -> bytes:
        """The 32 bytes that the PCR took: SHA-256 over tag, name and digest, each behind its length."""
        parts = (EVENT_TAG, self.what.encode("ascii"), self.digest)
        return sha256(b"".join(length_prefixed(part) for part in parts)).digest()


def encode(events: Iterable[Event]) -> bytes:
    """The canonical JSON of a log: a list of {"pcr", "sha256", "what"}."""
    return canonical.encode(
        [{"pcr": event.pcr, "sha256": event.digest.hex(), "what": event.what} for event in events]
    )


def parse(data: bytes) -> tuple[Event, ...]:
    """Read a log.

    Raises:
        BadDocument, NotCanonical: any other spelling, or too long.
    """
    value = canonical.decode(data, limit=MAX_LOG)
    if not isinstance(value, list) or len(value) > MAX_EVENTS:
        raise BadDocument("event log is not a list of events", limit=MAX_EVENTS)
    return tuple(_event(item) for item in value)


def _event(value: object) -> Event:
    document = Document(value, "event", frozenset({"pcr", "sha256", "what"}))
    return Event(
        document.integer("pcr", most=15), document.octets("sha256", size=32), document.text("what", _WHAT)
    )


def replay(events: Iterable[Event]) -> Mapping[int, bytes]:
    """The values of PCRs 0 to 15 (SHA-256 bank) after these events, from a start at zero."""
    values = dict.fromkeys(QUOTED.pcrs, bytes(32))
    for event in events:
        values[event.pcr] = sha256(values[event.pcr] + event.extended).digest()
    return values


def composite(values: Mapping[int, bytes], pcrs: Iterable[int]) -> bytes:
    """The digest that a quote carries for these registers: SHA-256 over their values, ascending.

    Source: TCG TPM 2.0 Library, Part 4, PCRComputeCurrentDigest.
    """
    return sha256(b"".join(values[pcr] for pcr in sorted(pcrs))).digest()


def measurement(events: Iterable[Event]) -> bytes:
    """The name of the measured software: 32 bytes, equal only for the same events in the same order."""
    parts = [MEASUREMENT_TAG]
    for event in events:
        parts += (bytes((event.pcr,)), event.extended)
    return sha256(b"".join(length_prefixed(part) for part in parts)).digest()
