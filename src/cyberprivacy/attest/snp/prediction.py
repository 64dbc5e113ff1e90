"""What the launch measurement of an SEV-SNP guest will be, from what it is launched with: before it ever runs.

Source: AMD 56860, section 8.17 (SNP_LAUNCH_UPDATE), as the package sev-snp-measure computes it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sevsnpmeasure.guest import snp_calc_launch_digest  # type: ignore[import-untyped]
from sevsnpmeasure.ovmf import OVMF  # type: ignore[import-untyped]
from sevsnpmeasure.vcpu_types import CPU_SIGS  # type: ignore[import-untyped]
from sevsnpmeasure.vmm_types import VMMType  # type: ignore[import-untyped]

from cyberprivacy.errors import Misuse

CPUS: Final = tuple(sorted(CPU_SIGS))
"""Types of processor as QEMU names them: the first thing that a virtual CPU says of itself is measured."""

VMMS: Final = ("qemu", "ec2", "gce")
SNP_ACTIVE: Final = 1
"""The bit of SEV_FEATURES that every guest of SEV-SNP has."""

MAX_CPUS: Final = 512
MAX_FIRMWARE: Final = 64 << 20
MAX_IMAGE: Final = 4 << 30
_PAGE: Final = 4096

_BENT: Final = (ValueError, RuntimeError, AssertionError, TypeError, KeyError, OverflowError)
"""What the package raises over firmware that is none."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Launch:
    """What a guest is launched with.

    Attributes:
        firmware: OVMF, built for SEV-SNP.
        cpus: how many virtual CPUs, 1 to 512.
        cpu: their type, one of `CPUS`.
        kernel: that firmware starts directly; None = it starts what is on the disk.
        initrd: that goes along with the kernel.
        append: the kernel's command line.
        vmm: what launches it, one of `VMMS`.
        features: SEV_FEATURES of the virtual CPUs.
    """

    firmware: Path
    cpus: int
    cpu: str
    kernel: Path | None = None
    initrd: Path | None = None
    append: str = ""
    vmm: str = "qemu"
    features: int = SNP_ACTIVE

    def __post_init__(self) -> None:
        if self.cpu not in CPUS or self.vmm not in VMMS:
            raise Misuse(
                "a processor or launcher that we do not know",
                code="predict.cpu",
                cpu=self.cpu,
                vmm=self.vmm,
                known=[*CPUS, *VMMS],
            )
        if not 1 <= self.cpus <= MAX_CPUS or not 0 <= self.features < 1 << 64:
            raise Misuse("not a number of processors, or not features of one", code="predict.cpu", cpus=self.cpus)
        if self.kernel is None and (self.initrd is not None or self.append):
            raise Misuse("an initrd or a command line without a kernel", code="predict.kernel")

    def digest(self) -> bytes:
        """The launch measurement, 48 bytes.

        Raises:
            Misuse: a file cannot be read or is too large ("predict.file"), or is no firmware for SEV-SNP
                ("predict.firmware"), or for no such kernel ("predict.kernel").
        """
        size = _size(self.firmware, MAX_FIRMWARE)
        for image in (self.kernel, self.initrd):
            if image is not None:
                _size(image, MAX_IMAGE)
        try:
            if size < _PAGE or size % _PAGE or not OVMF(str(self.firmware)).metadata_items():
                raise _no_firmware(self.firmware, "it says nothing of SEV-SNP")
            return bytes(self._computed())
        except RuntimeError as error:
            if "SNP_KERNEL_HASHES" in str(error):
                what = "this firmware does not check the kernel that it starts"
                hint = "Use one that is built for measured direct boot (OvmfPkg/AmdSev), or leave the kernel out."
                path = str(self.firmware)
                raise Misuse(what, code="predict.kernel", path=path, hint=hint) from None
            raise _no_firmware(self.firmware, str(error)) from None
        except _BENT as error:
            raise _no_firmware(self.firmware, str(error)) from None

    def _computed(self) -> bytes:
        digest: bytes = snp_calc_launch_digest(
            self.cpus,
            CPU_SIGS[self.cpu],
            str(self.firmware),
            "" if self.kernel is None else str(self.kernel),
            "" if self.initrd is None else str(self.initrd),
            self.append,
            self.features,
            "",
            vmm_type=VMMType.QEMU if self.vmm == "qemu" else VMMType[self.vmm],
        )
        return digest


def _size(path: Path, limit: int) -> int:
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
    except OSError as error:
        raise Misuse("the file cannot be read", code="predict.file", path=str(path), why=error.strerror) from None
    if size > limit:
        raise Misuse("the file is too large", code="predict.file", path=str(path), limit=limit)
    return size


def _no_firmware(path: Path, why: str) -> Misuse:
    hint = "Give an OVMF image that is built for SEV-SNP, with code and reset vector in one file."
    return Misuse("not firmware for SEV-SNP", code="predict.firmware", path=str(path), why=why[:200], hint=hint)
