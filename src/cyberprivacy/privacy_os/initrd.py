"""The initial RAM disk: our first process, and the kernel modules that it loads before it can see a disk.

Uncompressed, so that anybody can read with `cpio -t` what a machine starts from. Modules keep the signatures of
Debian's kernel, which lockdown asks for.
"""

import lzma
import re
from collections.abc import Mapping
from typing import Final

from cyberprivacy.build.base import EPOCH, Entry
from cyberprivacy.build.debian import unpack
from cyberprivacy.errors import Untrusted

MODULES: Final = (
    *("dm_verity", "erofs", "virtio_blk", "virtio_net"),
    *("dm_crypt", "dm_integrity", "authenc", "xts", "aesni_intel", "sha256_ssse3"),  # the data disk
    *("evdev", "button"),  # the switch of the chassis
    *("overlay", "veth", "bridge"),  # containers: their layers, their cables, one network for each application
    *(
        "nf_tables",
        "nft_compat",
        "nft_chain_nat",
        "xt_tcpudp",
        "xt_REDIRECT",
    ),  # what `deploy.network` asks of iptables
)
"""What is not built into the kernel. No module that hands the host's data in: no fw_cfg, no 9p, no vsock."""

MAX_MODULE: Final = 16 << 20

_BUILT: Final = re.compile(r"\./usr/lib/modules/[^/]+/kernel/.*/(?P<name>[^/]+)\.ko\.xz\Z")
_KERNEL: Final = re.compile(r"\./boot/vmlinuz-(?P<release>[A-Za-z0-9.+~-]+)\Z")
_NEEDS: Final = re.compile(rb"\0depends=([a-z0-9_,-]*)\0")


class BadKernel(Untrusted):
    """A kernel package is not what it should be."""

    code = "os.kernel"
    hint = "Write the lock anew and look at what changed."


def read_kernel(deb: bytes) -> tuple[str, bytes, dict[str, bytes]]:
    """Release, kernel, and the modules of `MODULES` with all that they need, in the order in which they load.

    Raises:
        BadKernel: a part is missing.
    """
    packed: dict[str, bytes] = {}
    kernels: list[tuple[str, bytes]] = []
    with unpack(deb) as tree:
        for member in tree:
            found, kernel = _BUILT.match(member.name), _KERNEL.match(member.name)
            file = tree.extractfile(member) if found or kernel else None
            if file is not None and found:
                packed[_spelled(found["name"])] = file.read()
            elif file is not None and kernel:
                kernels.append((kernel["release"], file.read()))
    if len(kernels) != 1:
        raise BadKernel("one kernel is needed", found=len(kernels))
    loaded: dict[str, bytes] = {}
    for name in MODULES:
        _load(name, packed, loaded)
    return (*kernels[0], loaded)


def _load(name: str, packed: Mapping[str, bytes], loaded: dict[str, bytes]) -> None:
    """Add a module behind all that it needs."""
    if name in loaded:
        return
    if name not in packed:
        raise BadKernel("the kernel lacks a module", module=name)
    reader = lzma.LZMADecompressor(memlimit=128 << 20)
    module = reader.decompress(packed[name], MAX_MODULE)
    needs = _NEEDS.search(module)
    if not reader.eof or needs is None:
        raise BadKernel("a damaged module", module=name)
    for other in filter(None, needs[1].decode("ascii").split(",")):
        _load(_spelled(other), packed, loaded)
    loaded[name] = module


def _spelled(name: str) -> str:
    """One of the two spellings that Linux takes for the same module."""
    return name.replace("-", "_")


def make_initrd(init: bytes, modules: Mapping[str, bytes]) -> bytes:
    """The archive, the same for the same contents."""
    order = "".join(f"{name}.ko\n" for name in modules)
    files = {"init": Entry(0o755, data=init), "modules/order": Entry(0o644, data=order.encode())}
    files |= {f"modules/{name}.ko": Entry(0o644, data=data) for name, data in modules.items()}
    files |= {folder: Entry(0o755) for folder in ("dev", "modules", "proc", "run", "sys", "sysroot")}
    return archive(files)


def archive(files: Mapping[str, Entry]) -> bytes:
    """A cpio archive in the "new ASCII" form.

    Source: Linux, Documentation/driver-api/early-userspace/buffer-format.rst.
    """
    made = bytearray()
    for number, (path, entry) in enumerate(sorted(files.items()), 1):
        kind = 0o040000 if entry.data is None else 0o100000
        made += _member(path, number, kind | entry.mode, entry.data or b"")
    return bytes(made + _member("TRAILER!!!", 0, 0, b""))


def _member(path: str, number: int, mode: int, data: bytes) -> bytes:
    name = path.encode("ascii") + b"\0"
    links = 2 if mode & 0o040000 else 1
    numbers = (number, mode, 0, 0, links, EPOCH, len(data), 0, 0, 0, 0, len(name), 0)
    head = b"070701" + "".join(f"{value:08X}" for value in numbers).encode("ascii") + name
    return _aligned(head) + _aligned(data)


def _aligned(data: bytes) -> bytes:
    return data + bytes(-len(data) % 4)
