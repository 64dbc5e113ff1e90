"""Signs an image for Secure Boot: the same program with a signature behind it, and a disk that has it.

A signature is in no hash that is measured: what was computed of the image, and voted on, stays.
"""

import json
import shutil
import struct
import subprocess
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from cyberprivacy.errors import Misuse, Untrusted
from cyberprivacy.privacy_os.disk import make_disk, system_partition
from cyberprivacy.privacy_os.image import BILL, DISK, MEASUREMENTS, PROGRAM, measurements
from cyberprivacy.privacy_os.partitions import ALIGNED, ENTRY, SECTOR
from cyberprivacy.privacy_os.pe import Program
from cyberprivacy.privacy_os.toolbox import Toolbox

_ROOT_ENTRY: Final = 2 * SECTOR + ENTRY
"""Where the second partition stands in the table."""


def sign(program: bytes, *, key: Path, certificate: Path) -> bytes:
    """The program with a signature.

    Args:
        program: without one.
        key: RSA private key in a file, PEM; its content is in no command line.
        certificate: the key's, PEM.

    Raises:
        Misuse: no `osslsigncode` here, or it refuses key or certificate ("os.sign").
        Untrusted: what it made is another program.
    """
    before = Program(program).authenticode()
    with TemporaryDirectory(prefix="cyberprivacy-sign-") as folder:
        unsigned, signed = Path(folder) / "unsigned", Path(folder) / "signed"
        unsigned.write_bytes(program)
        words = ["osslsigncode", "sign", "-h", "sha256", "-certs", str(certificate), "-key", str(key)]
        try:
            done = subprocess.run(
                [*words, "-in", str(unsigned), "-out", str(signed)],
                stdin=subprocess.DEVNULL,
                capture_output=True,
                text=True,
                errors="replace",
                check=False,
            )
        except FileNotFoundError:
            hint = "Install it: apt install osslsigncode"
            raise Misuse("a program is not installed", code="os.sign", program=words[0], hint=hint) from None
        if done.returncode or not signed.is_file():
            raise Misuse("cannot sign with these", code="os.sign", said=done.stderr.strip()[-300:])
        made = signed.read_bytes()
    if Program(made).authenticode() != before or len(made) <= len(program):
        raise Untrusted("what was signed is another program", code="os.sign")
    return made


def sign_image(folder: Path, to: Path, box: Toolbox, *, key: Path, certificate: Path) -> dict[str, object]:
    """All files of an image, signed; gives what `measurements.json` says: it measures what it measured.

    Args:
        folder: the image.
        to: where the signed one goes; made.
        box: the locked tools: the disk's file system is made anew.
        key: see `sign`.
        certificate: see `sign`.

    Raises:
        Misuse: as `sign`.
        TryLater: a tool failed.
    """
    said: dict[str, object] = json.loads((folder / MEASUREMENTS).read_bytes())
    program = sign((folder / PROGRAM).read_bytes(), key=key, certificate=certificate)
    root, name = _root((folder / DISK).read_bytes()), bytes.fromhex(str(said["root"]))
    disk = make_disk(system_partition(box, program), root, name)
    said |= measurements(program) | {"disk": sha256(disk).hexdigest()}
    to.mkdir(parents=True)
    (to / PROGRAM).write_bytes(program)
    (to / DISK).write_bytes(disk)
    (to / MEASUREMENTS).write_text(json.dumps(said, indent=2) + "\n")
    shutil.copyfile(folder / BILL, to / BILL)
    return said


def _root(disk: bytes) -> bytes:
    """The second partition: the root and its hash tree, as the image's disk has them."""
    first, last = struct.unpack_from("<QQ", disk, _ROOT_ENTRY + 32)
    if not ALIGNED <= first <= last < len(disk) // SECTOR:
        raise Misuse("not a disk of an image", code="os.sign", first=first, last=last)
    return disk[first * SECTOR : (last + 1) * SECTOR]
