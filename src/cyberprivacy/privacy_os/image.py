"""The image, made from its sources: the same bytes on every machine.

What comes out, in one folder: `privacy-os.efi` (all that is measured), `privacy-os.img` (a disk with it and the
root), `measurements.json`, `sbom.json`.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from importlib.metadata import version
from pathlib import Path
from typing import Final
from uuid import UUID

from cyberprivacy.attest import bootlog
from cyberprivacy.build.base import EPOCH
from cyberprivacy.build.oci import replace
from cyberprivacy.privacy_os import measuring, uki
from cyberprivacy.privacy_os.bill import bill_of_materials
from cyberprivacy.privacy_os.disk import make_disk, system_partition
from cyberprivacy.privacy_os.initrd import make_initrd, read_kernel
from cyberprivacy.privacy_os.pe import Program
from cyberprivacy.privacy_os.root import make_root
from cyberprivacy.privacy_os.sources import KERNEL, STUB, Sources
from cyberprivacy.privacy_os.toolbox import Toolbox, toolbox
from cyberprivacy.privacy_os.verity import Verified, with_tree

PROGRAM: Final = "privacy-os.efi"
DISK: Final = "privacy-os.img"
MEASUREMENTS: Final = "measurements.json"
BILL: Final = "sbom.json"
FILES: Final = (PROGRAM, DISK, MEASUREMENTS, BILL)

PACKED: Final = ("-zzstd,level=9", "-C65536", "-Eztailpacking", "--workers=2")
"""How the root is packed: clusters of 64 KiB, the last piece of a file beside its inode.

Level 15 takes six times as long for a twentieth less. How many work at it is said: it decides the bytes, and would
be the number of the builder's processors.
"""

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Image:
    """A made image: the program, the disk, and what stands for each."""

    program: bytes
    disk: bytes
    root: Verified


def make_image(sources: Sources, cache: Path, say: Say = lambda _: None) -> Image:
    """Make the image.

    Args:
        sources: see `gather`.
        cache: where unpacked tools are kept.
        say: is told what is being done.

    Raises:
        Untrusted: a source is not what it should be.
        TryLater: a tool or the disk failed.
        Misuse: not root, or this machine cannot run the tools.
    """
    say("reading the kernel")
    _, kernel, modules = read_kernel(sources.build[KERNEL])
    tools = {name: data for name, data in sources.build.items() if name not in {KERNEL, STUB}}
    say("preparing the tools")
    with toolbox(tools, cache) as box:
        say("compiling the first process")
        initrd = make_initrd(compile_init(box, sources.init), modules)
        say("making the root file system")
        root = _root(box, make_root(sources.root, sources.wheels, release(), partial(_strip, box)))
        say("putting it together")
        stub = uki.stub_of(sources.build[STUB])
        program = uki.assemble(stub, kernel=kernel, initrd=initrd, root=root.words)
        return Image(program, make_disk(system_partition(box, program), root.data, root.root), root)


def release() -> bytes:
    """The text of os-release. Source: os-release(5)."""
    number = version("cyberprivacy")
    return f'ID=privacy-os\nNAME="Privacy OS"\nVERSION_ID={number}\nPRETTY_NAME="Privacy OS {number}"\n'.encode()


def compile_init(box: Toolbox, folder: Path) -> bytes:
    """The first process: one static program without anything from outside of the compiler's own library."""
    inside = box.work / "init"
    inside.mkdir()
    for path in sorted(folder.glob("*.rs")):
        (inside / path.name).write_bytes(path.read_bytes())
    options = ("--edition=2021", "-O", "-Dwarnings", "--remap-path-prefix=/work=", "-Ctarget-feature=+crt-static")
    codegen = ("-Cpanic=abort", "-Cstrip=symbols", "-Ccodegen-units=1", "-Clinker=gcc")
    box.run("rustc", *options, *codegen, "-o", "/work/first", "/work/init/main.rs")
    return (box.work / "first").read_bytes()


def _strip(box: Toolbox, libraries: Mapping[str, bytes]) -> dict[str, bytes]:
    """Shared libraries without symbols for debuggers: more than a third of the largest."""
    folder = box.work / "strip"
    folder.mkdir()
    names = [str(number) for number, _ in enumerate(libraries)]
    for name, data in zip(names, libraries.values(), strict=True):
        (folder / name).write_bytes(data)
    box.run("strip", "--strip-unneeded", *(f"/work/strip/{name}" for name in names))
    return {path: (folder / name).read_bytes() for name, path in zip(names, libraries, strict=True)}


def _root(box: Toolbox, tar: bytes) -> Verified:
    """The file system, its identity and its salt: all from the files themselves."""
    (box.work / "root.tar").write_bytes(tar)
    salt = sha256(tar).digest()
    options = ("--quiet", "--tar=f", *PACKED, f"-T{EPOCH}", f"-U{UUID(bytes=salt[:16])}")
    box.run("mkfs.erofs", *options, "/work/root.erofs", "/work/root.tar")
    return with_tree((box.work / "root.erofs").read_bytes(), salt)


def write(image: Image, sources: Sources, folder: Path) -> dict[str, object]:
    """Write all files of an image into a folder; gives what `measurements.json` says."""
    folder.mkdir(parents=True, exist_ok=True)
    said = measurements(image.program) | {"disk": sha256(image.disk).hexdigest(), "root": image.root.root.hex()}
    replace(folder / PROGRAM, image.program)
    replace(folder / DISK, image.disk)
    replace(folder / BILL, _json(bill_of_materials(sources, said)))
    replace(folder / MEASUREMENTS, _json(said))
    return said


def measurements(program: bytes) -> dict[str, object]:
    """What a machine that runs this program will have measured: see `measuring`."""
    parsed = Program(program)
    registers, contents = measuring.registers(parsed), parsed.contents()
    secured = measuring.registers(parsed, secure_boot=True)
    return {
        "program": sha256(program).hexdigest(),
        "command_line": contents[".cmdline"].decode("ascii", "replace"),
        "sections": {name: sha256(contents[name]).hexdigest() for name in measuring.SECTIONS if name in contents},
        "pcr": {str(number): value.hex() for number, value in registers.items()},
        "measurement": bootlog.measurement(registers).hex(),
        "measurement_secure_boot": bootlog.measurement(secured).hex(),
    }


def _json(value: dict[str, object]) -> bytes:
    return (json.dumps(value, indent=2) + "\n").encode()
