"""The TPM's part of the data disk's key: which slot opens, and what becomes of the others.

A slot is good for one image with one configuration, and up to a value of the TPM's counter. A machine that opened
its disk by a slot that another image left for it counts on: all slots of images before it are shut for good,
whoever has kept a copy of them.

Source: docs/adr/0013-data-disk-key.md.
"""

import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Final

from cyberprivacy.attest import tpmcounter
from cyberprivacy.attest.eventlog import composite
from cyberprivacy.attest.tpm2 import ALG_SHA256, BadStructure, Selection
from cyberprivacy.attest.tpmcommands import Tpm, TpmRefused
from cyberprivacy.attest.tpmsealing import Guard, seal, unseal, values_of
from cyberprivacy.errors import Untrusted
from cyberprivacy.privacy_os.data_disk import DataDisk
from cyberprivacy.privacy_os.head import Head, Slot, write_head

REGISTERS: Final = Selection(ALG_SHA256, (7, 11, 12, 13, 14))
"""Secure Boot, the image, what was added to it (nothing), the configuration."""
IMAGE: Final = 11
SIZE: Final = 32


class Locked(Untrusted):
    """No slot of the data disk opens here."""

    code = "os.data-locked"
    hint = "It opens on its own TPM, with an image and a configuration that it was sealed for, and no older one."


@dataclass(frozen=True, slots=True)
class Opened:
    """The TPM's part of a key, and the slot that it was in."""

    part: bytes = field(repr=False)
    slot: Slot


def new_slot(tpm: Tpm) -> Opened:
    """A new part, sealed for this start."""
    part, most = secrets.token_bytes(SIZE), tpmcounter.have_counter(tpm)
    return Opened(part, Slot(seal(tpm, part, Guard.now(tpm, REGISTERS, most=most)), most))


def open_slot(tpm: Tpm, slots: Iterable[Slot]) -> Opened:
    """The first slot that opens.

    Raises:
        Locked: none does.
        TryLater: the TPM does not answer.
    """
    reasons: list[str] = []
    for slot in slots:
        guard = Guard.now(tpm, REGISTERS, most=slot.most)
        try:
            return Opened(unseal(tpm, slot.sealed, guard), slot)
        except (TpmRefused, BadStructure) as error:
            reasons.append(str(error.facts.get("response", error.what)))
    raise Locked("no slot of the data disk opens on this machine", slots=reasons)


def settle(tpm: Tpm, disk: DataDisk, head: Head, opened: Opened) -> Head:
    """Shut every slot of an image before this one; gives the head as it is then.

    Slots for an image after it stay. Whenever the power goes, a slot opens for this start.

    Args:
        tpm: the TPM.
        disk: where the head is written.
        head: its newest record.
        opened: what has opened the disk.
    """
    counter = tpmcounter.value(tpm)
    if opened.slot.most > counter:
        guard = Guard.now(tpm, REGISTERS, most=counter + 1)
        own = Slot(seal(tpm, opened.part, guard), guard.most)
        head = write_head(disk, replace(head, slots=(own, opened.slot)))
        tpmcounter.count(tpm)
        opened = Opened(opened.part, own)
    kept = (opened.slot, *(slot for slot in head.slots if slot.most > tpmcounter.value(tpm)))
    return head if kept == head.slots else write_head(disk, replace(head, slots=kept))


def prepare_for(tpm: Tpm, disk: DataDisk, head: Head, opened: Opened, image: bytes) -> Head:
    """Leave a slot for another image on this machine, with this configuration; gives the head as it is then.

    It is good until the machine has counted on once more than now: when that image has taken it.

    Args:
        tpm: the TPM.
        disk: where the head is written.
        head: its newest record, of which the first slot is this image's.
        opened: what has opened the disk.
        image: what register 11 will be while the disk can be opened, 32 bytes.
    """
    values = {**values_of(tpm, REGISTERS), IMAGE: image}
    guard = Guard(REGISTERS, composite(values, REGISTERS.pcrs), tpmcounter.value(tpm) + 1)
    coming = Slot(seal(tpm, opened.part, guard), guard.most)
    return write_head(disk, replace(head, slots=(head.slots[0], coming)))
