"""Who has a machine's TPM, its log and its data disk finds what encrypts the disk: to look for it in memory."""

import shutil
import subprocess
from pathlib import Path

from cyberprivacy.attest import bootlog
from cyberprivacy.attest.swtpm import SoftwareTpm
from cyberprivacy.attest.tcg2 import ALG_SHA256
from cyberprivacy.attest.tpmcommands import Tpm
from cyberprivacy.privacy_os.data_disk import DataDisk
from cyberprivacy.privacy_os.head import read_head
from cyberprivacy.privacy_os.measuring import SHUT
from cyberprivacy.privacy_os.slots import open_slot
from cyberprivacy.privacy_os.unlocking import keys


def volume_key(state: Path, data: Path, log: bytes, work: Path) -> bytes:
    """The key of a data disk whose key is in the TPM alone.

    Args:
        state: of the software TPM; a copy is asked.
        data: the disk.
        log: of the start in which it is open.
        work: a folder that is made.
    """
    work.mkdir()
    shutil.copytree(state, work / "tpm", ignore=shutil.ignore_patterns(".lock"))
    engine = SoftwareTpm(work / "tpm")
    try:
        tpm, disk = Tpm(engine), DataDisk.at(data)
        for event in bootlog.read(log).events:
            if event.data != SHUT:  # the disk was opened before
                tpm.extend(event.index, event.digests[ALG_SHA256])
        assert disk is not None
        head = read_head(disk)
        assert head is not None
        key, code = keys(open_slot(tpm, head.slots).part, b"", head.disk)
        (work / "header").write_bytes(head.header(disk, code))
    finally:
        engine.close()
    (work / "key").write_bytes(key)
    words = (
        "--dump-volume-key",
        "--batch-mode",
        "--volume-key-file",
        work / "volume-key",
        "--key-file",
        work / "key",
    )
    subprocess.run(["cryptsetup", "luksDump", *words, work / "header"], check=True, capture_output=True)
    return (work / "volume-key").read_bytes()
