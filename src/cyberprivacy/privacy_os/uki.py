"""One program that is all that firmware starts: boot stub, kernel, command line, initial RAM disk. Pure.

Source: UAPI Group, "Unified Kernel Image (UKI)"; systemd-stub(7) of version 257.
"""

from typing import Final

from cyberprivacy.build.debian import unpack
from cyberprivacy.errors import Untrusted
from cyberprivacy.privacy_os.measuring import VERSION_WORD
from cyberprivacy.privacy_os.pe import with_sections

STUB: Final = "./usr/lib/systemd/boot/efi/linuxx64.efi.stub"

VERSION: Final = 1
"""Of the image, counted on with each release. A running image prepares the data disk for a later one only."""

HARDENING: Final = (
    "console=ttyS0",
    "panic=-1",  # a machine that does not know what it does stops
    "oops=panic",
    "lockdown=confidentiality",  # root itself may not change the running kernel, nor read its memory
    "module.sig_enforce=1",
    "sysctl.kernel.sysrq=0",  # nothing that is typed or sent on a serial line commands the kernel
    "init_on_alloc=1",
    "init_on_free=1",
    "slab_nomerge",
    "page_alloc.shuffle=1",
    "randomize_kstack_offset=on",
    "vsyscall=none",
    "debugfs=off",
    "mitigations=auto,nosmt",
    "iommu=force",
    "iommu.strict=1",
    "iommu.passthrough=0",
    "efi=disable_early_pci_dma",
    "random.trust_bootloader=off",
    "acpi_no_static_ssdt",
    "quiet",
    "loglevel=4",
)
"""What docs/threat-model.md says of each. The stub hands exactly this on, unless firmware gave it more: PCR 12."""


def stub_of(deb: bytes) -> bytes:
    """The boot stub out of its package.

    Raises:
        Untrusted: it is not in there ("os.stub").
    """
    with unpack(deb) as tree:
        for member in tree:
            if member.name == STUB and (file := tree.extractfile(member)) is not None:
                return file.read()
    raise Untrusted("the package has no boot stub", code="os.stub")


def assemble(stub: bytes, *, kernel: bytes, initrd: bytes, root: str) -> bytes:
    """The program.

    It has no `.osrel`: the stub would hand that on in a second archive of its own making, and the initial RAM disk
    that starts would not be the one in the file.

    Args:
        stub: the boot stub.
        kernel: bzImage.
        initrd: the archive.
        root: the words that name the verified root.
    """
    line = " ".join((root, f"{VERSION_WORD}{VERSION}", *HARDENING)).encode("ascii")
    return with_sections(stub, {".cmdline": line, ".initrd": initrd, ".linux": kernel})
