"""`os`: the Privacy OS: make its image, know what it measures, configure it, try it, explain a difference."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cyberprivacy.cli.options import bundled
from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.errors import Misuse, Untrusted

CHECKOUT: Final = Path(__file__).resolve().parents[3]
SOURCES: Final = CHECKOUT / "os"
CACHE: Final = Path("/var/cache/cyberprivacy/os")
MADE: Final = Path("build/os")
CONTAINER: Final = Path("build/node")
MAX_DOCUMENT: Final = 1 << 20

Sources = Annotated[Path, typer.Option(metavar="DIR", help="The folder os/ of a checkout.", show_default=False)]
Cache = Annotated[Path, typer.Option(metavar="DIR", help="Where packages and unpacked tools are kept.")]
Virtualised = Annotated[
    bool | None,
    typer.Option(
        "--kvm/--no-kvm", help="Use the processor's virtualisation; unsaid, if it works here.", show_default=False
    ),
]
Program = Annotated[Path, typer.Argument(metavar="FILE", help="privacy-os.efi of an image.")]


def register(_app: typer.Typer) -> None:
    """Add `os …`."""
    from cyberprivacy.cli import group, key_node, os_boot, os_release, os_sign

    made = group("os", "The Privacy OS: make its image, know what it measures, try it, explain a difference.")
    made.command("build", epilog="Example: cyberprivacy os build --to build/os")(build)
    made.command("container", epilog="Example: cyberprivacy os container --to build/node")(container)
    made.command("verify-release", epilog="Example: cyberprivacy os verify-release build/os")(verify_release)
    made.command("measure", epilog="Example: cyberprivacy os measure build/os/privacy-os.efi")(measure)
    made.command("configure", epilog="Example: cyberprivacy os configure machine.conf --to machine.img")(configure)
    made.command("boot", epilog="Example: cyberprivacy os boot build/os --config machine.img --state vm")(
        os_boot.boot
    )
    example = "Example: cyberprivacy os diagnose boot-log --image build/os/privacy-os.efi"
    made.command("diagnose", epilog=example)(diagnose)
    example = "Example: cyberprivacy os key-node ./keys --vendor maker.pem --dao 0x5FbD… --rpc https://rpc.example"
    made.command("key-node", epilog=example)(key_node.serve)
    os_sign.register(made)
    os_release.register(made)


def build(
    to: Annotated[Path, typer.Option(metavar="DIR", help="Where to write the image.")] = MADE,
    sources: Sources = SOURCES,
    cache: Cache = CACHE,
    *,
    update_locks: Annotated[
        bool, typer.Option("--update-locks", help="First lock what Debian serves today: another image.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Make the image from pinned packages: the same bytes everywhere. Needs root, and minutes the first time."""
    from cyberprivacy.privacy_os.sources import update_locks as lock_anew

    if update_locks:
        lock_anew(sources)
    said = _built(to, sources, cache)
    out.result(said, _shown(said), as_json=as_json)


def _built(to: Path, sources: Path, cache: Path) -> dict[str, object]:
    import httpx2

    from cyberprivacy.privacy_os.image import make_image, write
    from cyberprivacy.privacy_os.sources import gather

    started = time.monotonic()

    def say(what: str) -> None:
        out.progress(f"{time.monotonic() - started:5.1f} s  {what}")

    say("fetching what the locks name")
    with httpx2.Client(timeout=60) as client:
        parts = gather(sources, cache / "packages", client)
    made = make_image(parts, cache, say)
    said = write(made, parts, to)
    say(f"written to {to}")
    return said


def container(
    to: Annotated[Path, typer.Option(metavar="DIR", help="Where to write it: an OCI image layout.")] = CONTAINER,
    push: Annotated[
        str, typer.Option(metavar="URL", help="Registry that gets it, such as https://registry.example.")
    ] = "",
    auth: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Credentials for it, as podman has them.")
    ] = None,
    sources: Sources = SOURCES,
    cache: Cache = CACHE,
    *,
    as_json: Json = False,
) -> None:
    """Make the image of a node for clusters, from pinned packages: the same digest everywhere."""
    import httpx2

    from cyberprivacy.build.inputs import LayoutBases
    from cyberprivacy.build.oci import Layout
    from cyberprivacy.privacy_os.container import REPOSITORY, make_container
    from cyberprivacy.privacy_os.sources import gather_container
    from cyberprivacy.registry.oci import OciRegistry

    if auth is not None and not push:
        raise Misuse("credentials, and no registry for them", code="os.push", hint="Name it with --push.")
    out.progress("fetching what the locks name")
    with httpx2.Client(timeout=60) as client:
        packages, wheels = gather_container(sources, cache / "packages", client)
    out.progress("making the image")
    digest = make_container(packages, wheels, Layout(to))
    said = {"image": digest, "layout": str(to)}
    if push:
        out.progress(f"storing it in {push}")
        registry = OciRegistry.open(push, authfile=auth)
        try:
            said["reference"] = registry.import_base(LayoutBases(to), REPOSITORY, digest)
        finally:
            registry.close()
    out.result(said, table(["what", "value"], list(said.items())), as_json=as_json)


def verify_release(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The files of a release.")],
    sources: Sources = SOURCES,
    cache: Cache = CACHE,
    made: Annotated[
        Path | None, typer.Option(metavar="DIR", help="An image that you made yourself, instead of making it now.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Make the image again from its sources, and compare every file of a release with it. Needs root."""
    from cyberprivacy.build.scratch import scratch
    from cyberprivacy.privacy_os.image import FILES

    with scratch(cache / "again") as place:
        if made is None:
            made = place / "os"
            _built(made, sources, cache)
        same = {name: _same(folder / name, made / name) for name in FILES}
    if odd := [name for name, equal in same.items() if not equal]:
        hint = "The release was made of other sources than these, or was changed: do not install it."
        raise Untrusted("a release is not what its sources make", code="os.release", files=odd, hint=hint)
    text = "\n".join(f"{name}: the same, byte for byte" for name in same)
    out.result({"release": str(folder), "same": list(same)}, text, as_json=as_json)


def _same(one: Path, other: Path) -> bool:
    try:
        return one.read_bytes() == other.read_bytes()
    except FileNotFoundError:
        return False


@dataclass(frozen=True, slots=True)
class Firmware:
    """With what firmware a confidential machine is launched, and on how many processors of which type."""

    snp: Path | None
    vcpus: int
    cpu: str
    tdx: Path | None

    def measured(self, program: Path) -> dict[str, object]:
        """What SEV-SNP and TDX will say of the launch."""
        from cyberprivacy.attest.snp.prediction import Launch
        from cyberprivacy.attest.tdx.firmware import MAX_FIRMWARE, mrtd

        said: dict[str, object] = {}
        if self.snp is not None:
            launch = Launch(firmware=self.snp, cpus=self.vcpus, cpu=self.cpu, kernel=program)
            said["snp_launch"] = launch.digest().hex()
        if self.tdx is not None:
            said["tdx_mrtd"] = mrtd(_read(self.tdx, MAX_FIRMWARE)).hex()
        return said


_FIRMWARE: Final[Mapping[str, tuple[Any, Any]]] = {
    "snp": (
        Annotated[Path | None, typer.Option(metavar="OVMF", help="For SEV-SNP, built to check its kernel.")],
        None,
    ),
    "vcpus": (Annotated[int, typer.Option(min=1, max=512, help="Virtual processors, for SEV-SNP.")], 2),
    "cpu": (Annotated[str, typer.Option(help="Their type, for SEV-SNP.")], "EPYC-v4"),
    "tdx": (Annotated[Path | None, typer.Option(metavar="OVMF", help="For TDX.")], None),
}


def _with_firmware(command: Callable[..., None]) -> Callable[..., None]:
    return bundled(command, "firmware", _FIRMWARE, Firmware)


@_with_firmware
def measure(
    program: Program,
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The text of a configuration, for register 14.")
    ] = None,
    *,
    firmware: Firmware,
    as_json: Json = False,
) -> None:
    """What a machine that runs this image will have measured: from files, never from a start.

    What SEV-SNP and TDX measure depends on the firmware, too; neither was compared with hardware.
    """
    from cyberprivacy.privacy_os.image import measurements
    from cyberprivacy.privacy_os.measuring import configuration_register

    said = measurements(_read(program))
    said |= firmware.measured(program)
    if config is not None:
        said["configuration"] = configuration_register(_configuration(config)).hex()
    out.result(said, _shown(said), as_json=as_json)


def _shown(said: Mapping[str, object]) -> str:
    lines = []
    for name, value in said.items():
        if name == "sections":
            continue  # for machines: the register has them all
        if isinstance(value, Mapping):
            lines += [f"{f'PCR {number}':<23} {digest}" for number, digest in value.items()]
        else:
            lines.append(f"{name:<23} {value}")
    return "\n".join(lines)


def configure(
    text: Annotated[Path, typer.Argument(metavar="FILE", help="Lines: address, gateway, chain, dao.")],
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="Where to write the volume.")],
    *,
    as_json: Json = False,
) -> None:
    """Make the configuration volume of a machine, and print what the machine will measure of it."""
    from cyberprivacy.privacy_os.measuring import configuration_register
    from cyberprivacy.privacy_os.volume import make_volume

    said = _configuration(text)
    to.write_bytes(make_volume(said))
    register14 = configuration_register(said).hex()
    out.result({"volume": str(to), "pcr": {"14": register14}}, f"{to}: PCR 14 {register14}", as_json=as_json)


def _configuration(path: Path) -> bytes:
    from cyberprivacy.privacy_os.volume import MAX_TEXT, Configuration

    text = _read(path, MAX_TEXT)
    Configuration.parse(text)
    return text


def diagnose(
    log: Annotated[Path, typer.Argument(metavar="LOG", help="A machine's boot log, or evidence that carries it.")],
    image: Annotated[Path, typer.Option(metavar="FILE", help="privacy-os.efi that it should have started.")],
    config: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The text of the configuration that it should have.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Which event of a boot log differs from an image, and the likely cause; 1 when something does.

    It explains what a verifier has refused, and proves nothing: a log may say anything.
    """
    from cyberprivacy.attest import bootlog
    from cyberprivacy.privacy_os import measuring, pe
    from cyberprivacy.privacy_os.diagnosis import differences

    expected = [*measuring.steps(pe.Program(_read(image)))]
    if config is not None:
        expected += measuring.configuration_steps(_configuration(config))
    found = differences(bootlog.read(_log(_read(log, MAX_DOCUMENT))), expected)
    value = {
        "same": not found,
        "differences": [
            {"register": each.register, "place": each.place, "expected": each.expected, "found": each.found}
            | {"cause": each.cause}
            for each in found
        ],
    }
    if not found:
        out.result(value, "as the image would: every event", as_json=as_json)
        return
    rows = [(f"PCR {each.register}", str(each.place), each.expected, each.found, each.cause) for each in found]
    out.result(value, table(("register", "event", "the image", "the log", "likely cause"), rows), as_json=as_json)
    raise typer.Exit(1)


def _log(data: bytes) -> bytes:
    """The log itself, out of a document of evidence if it is in one."""
    from cyberprivacy.attest.bare import EvidenceDocument

    if not data.startswith(b"{"):
        return data
    log = EvidenceDocument.parse(data).evidence.fields.get("tcg2")
    if log is None:
        raise Misuse("this evidence carries no boot log", code="os.log", hint="Ask the machine for /boot-log.")
    return log


def _read(path: Path, limit: int = 512 << 20) -> bytes:
    from cyberprivacy.cli.release import read_file

    return read_file(path, limit)
