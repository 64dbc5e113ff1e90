"""What runs once, before anything that somebody could talk to: opens the data disk, and shuts the way to its key.

It reads the operator's configuration, and which disks there are. With `data` in the configuration:

    a blank disk              is made one of ours
    one that was never whole  likewise: the power went while it was made
    one of ours               opens, or the machine stops; it is never made anew

The key is HKDF-SHA256 of two parts, one after the other: what the TPM gives back to this image with this
configuration only (`slots`), and what a key service gives to a machine that proves what it is (`keyport`). When
this process has ended, the first process measures that into register 11: from then on neither gives anything back.
"""

import secrets
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from cyberprivacy.attest.tpmcommands import Tpm
from cyberprivacy.attest.tpmdevice import DeviceTpm
from cyberprivacy.errors import CyberPrivacyError, Untrusted
from cyberprivacy.privacy_os.data_disk import HEADER_AT, MIB, DataDisk, find
from cyberprivacy.privacy_os.head import Head, read_head, write_head
from cyberprivacy.privacy_os.keypart import KeyPart, NoPart
from cyberprivacy.privacy_os.luks import Luks, Vessel
from cyberprivacy.privacy_os.preparing import DATA, DOOR, HANDED
from cyberprivacy.privacy_os.slots import new_slot, open_slot, prepare_for, settle
from cyberprivacy.privacy_os.upgrade import MAX_STATEMENT, NAME, Image, version_of
from cyberprivacy.privacy_os.volume import TPM_ALONE, Configuration
from cyberprivacy.privacy_os.whole_log import whole_log

WHY: Final = "why"
"""What the first process says when this one has failed; one line."""
_KEY_TAG: Final = b"CyberPrivacy-Disk-Key/1"
_HEADER_TAG: Final = b"CyberPrivacy-Disk-Header/1"


def unlock(
    tpm: Tpm,
    disk: DataDisk,
    part: KeyPart,
    vessel: Vessel,
    place: Path,
    *,
    coming: Callable[[], Image | None] = lambda: None,
) -> Head:
    """Open the disk, having made it first if it was never whole, and mount it.

    Args:
        tpm: the machine's.
        disk: blank, or ours.
        part: gives the other part of the key.
        vessel: what keeps data on it.
        place: where it is mounted.
        coming: asked once it is open: an image for which it shall open next.

    Returns:
        The head, as it is on the disk.

    Raises:
        Untrusted: it does not open here, or was changed.
        TryLater: the TPM, the disk, a tool or the key service failed. Nothing was lost.
    """
    head = read_head(disk)
    if not disk.laid_out:
        disk.lay_out()
    if head is None or not head.made:
        return _make(tpm, disk, part, vessel, place)
    opened = open_slot(tpm, head.slots)
    key, code = keys(opened.part, part.fetch(head.disk), head.disk)
    vessel.open(disk.partition, key, head.header(disk, code), place)
    head = settle(tpm, disk, head, opened)
    if (image := coming()) is not None:
        head = prepare_for(tpm, disk, head, opened, image.register)
        say(f"the data disk will open for version {image.version}, {image.measurement.hex()}")
    return head


def _make(tpm: Tpm, disk: DataDisk, part: KeyPart, vessel: Vessel, place: Path) -> Head:
    """Make a disk of ours out of one that was never whole.

    The record that it is not made comes first: whatever is behind it until it is made is nobody's data.
    """
    name = secrets.token_bytes(16)
    other = part.fetch(name)
    opened = new_slot(tpm)
    head = write_head(disk, Head(name))
    say(f"the data disk is blank and is made: {disk.size // MIB} MiB, each block is written once")
    key, code = keys(opened.part, other, name)
    header = vessel.make(disk.partition, key)
    disk.write(HEADER_AT, header)
    written = Head(name, slots=(opened.slot,), sequence=head.sequence).with_header(header, code)
    head = write_head(disk, written)
    vessel.open(disk.partition, key, head.header(disk, code), place)
    return head


def keys(own: bytes, other: bytes, disk: bytes) -> tuple[bytes, bytes]:
    """What opens a disk, and what its header is under: 32 bytes each.

    Args:
        own: the TPM's part, 32 bytes.
        other: the key service's part, 32 bytes; or nothing, where the operator asked for none.
        disk: the disk's name.

    Source: RFC 5869.
    """
    made = (HKDF(algorithm=SHA256(), length=32, salt=disk, info=tag) for tag in (_KEY_TAG, _HEADER_TAG))
    return next(made).derive(own + other), next(made).derive(own + other)


def say(what: str) -> None:
    """Tell whoever looks at the console, this machine's only log."""
    print(f"privacy-os: {what}", flush=True)  # noqa: T201


def main(handed: Path = HANDED, place: Path = DATA) -> None:
    """Open the data disk that the configuration asks for."""
    text = (handed / "configuration").read_bytes()
    configuration = Configuration.parse(text)
    device = DeviceTpm()
    try:
        tpm = Tpm(device)
        part = _other_part(tpm, handed, text, configuration.data)
        unlock(tpm, find(), part, Luks(), place, coming=lambda: coming_image(place / DOOR / NAME, configuration))
    finally:
        device.close()
    say("the data disk is open")


def coming_image(path: Path, configuration: Configuration, line: Path = Path("/proc/cmdline")) -> Image | None:
    """The image whose statement was left at the door, if it is later and the chain of each DAO accepts it.

    An image that is refused, and a chain that does not answer, keep no machine from starting.
    """
    if not path.is_file():
        return None
    # What asks a chain takes longer to import than all else here, and few starts ask one.
    from cyberprivacy.attest.onchain import stands
    from cyberprivacy.proposal.agreeing import connect
    from cyberprivacy.proposal.release import Address

    try:
        with path.open("rb") as file:
            image = Image.parse(file.read(MAX_STATEMENT + 1))
        if image.version <= version_of(line.read_text("ascii")):
            return None
        chain = connect(configuration.chains)
        for dao in configuration.daos:
            if not stands(chain, Address(dao), image.measurement):
                raise Untrusted("the chain does not accept it now", code="os.upgrade", dao=dao)
    except CyberPrivacyError as error:
        say(f"the data disk is not prepared for another image: {error}")
        return None
    return image


def _other_part(tpm: Tpm, handed: Path, text: bytes, data: str) -> KeyPart:
    """Who has the other part, by the operator's word."""
    if data == TPM_ALONE:
        say("the key of the data disk is in the TPM alone")
        return NoPart()
    from cyberprivacy.privacy_os.keyport import KeyNode

    url, _, pin = data.partition("#")
    say(f"a part of the data disk's key is with ONE key node, {url}: whoever runs it holds that part alone")
    firmware, kernel = ((handed / name).read_bytes() for name in ("firmware-log", "kernel-log"))
    return KeyNode(url, bytes.fromhex(pin), tpm=tpm, log=whole_log(firmware, kernel, text, shut=False))


if __name__ == "__main__":
    try:
        main()
    except CyberPrivacyError as error:
        (HANDED / WHY).write_text(f"{error}\n")
        sys.exit(error.exit_code)
