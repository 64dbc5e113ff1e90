"""`os boot`: start an image here, in QEMU."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cyberprivacy.cli.options import bundled
from cyberprivacy.cli.os_sign import SecureBoot, keys_in
from cyberprivacy.cli.output import out
from cyberprivacy.cli.privacy_os import Virtualised
from cyberprivacy.errors import TryLater

FOREVER: Final = 10 * 365 * 86_400.0


@dataclass(frozen=True, slots=True)
class Doors:
    """Where a machine is reached, on 127.0.0.1."""

    port: int
    application: int


_DOORS: Final[Mapping[str, tuple[Any, Any]]] = {
    "port": (
        Annotated[int, typer.Option(min=1, max=65535, help="On 127.0.0.1: the machine's own door.")],
        8443,
    ),
    "application": (
        Annotated[int, typer.Option(min=1, max=65535, help="On 127.0.0.1: its first application.")],
        9443,
    ),
}


def _with_doors(command: Callable[..., None]) -> Callable[..., None]:
    return bundled(command, "doors", _DOORS, Doors)


@_with_doors
def boot(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The files of an image.")],
    config: Annotated[Path, typer.Option(metavar="FILE", help="Its volume: see `os configure`.")],
    state: Annotated[Path, typer.Option(metavar="DIR", help="What the machine keeps: its software TPM.")],
    memory: Annotated[int, typer.Option(min=512, max=65536, help="MiB.")] = 3072,
    data: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Its data disk; `truncate -s 4G FILE` makes a blank one.")
    ] = None,
    secure_boot: SecureBoot = None,
    *,
    doors: Doors,
    kvm: Virtualised = None,
) -> None:
    """Start an image in QEMU with a software TPM, and print its console until it is off or Ctrl-C."""
    from cyberprivacy.privacy_os.emulator import STOPPED, Settings, running, virtualised
    from cyberprivacy.privacy_os.image import DISK

    settings = Settings(
        disk=folder / DISK,
        volumes=(config,),
        state=state,
        data=data,
        port=doors.port,
        application=doors.application,
        outward=True,
        memory=memory,
        kvm=kvm,
        keys=None if secure_boot is None else keys_in(secure_boot),
    )
    with running(settings) as machine:
        proves, serves = f"https://127.0.0.1:{doors.port}", doors.application
        out.progress(f"{proves} proves what it is; its first application: port {serves}")
        how = "virtualised" if kvm or (kvm is None and virtualised()) else "every instruction is emulated"
        out.progress(f"Ctrl-C switches it off; {how}")
        last = ""
        for line in machine.lines(time.monotonic() + FOREVER):
            if line:
                out.human(line)
            last = line if line.startswith(STOPPED) else last
    raise TryLater("the machine switched itself off", code="os.stopped", why=last.removeprefix(STOPPED))
