"""`evidence predict`: the measurement that a machine will have, from what it is launched with."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cyberprivacy.attest import ccel as logs
from cyberprivacy.attest.tdx.measured import Contents
from cyberprivacy.attest.tdx.quote import MAX_QUOTE, TdReport
from cyberprivacy.cli.options import bundled
from cyberprivacy.cli.output import Json, out
from cyberprivacy.cli.release import read_file
from cyberprivacy.errors import Misuse, Untrusted

_MRTD_SIZE: Final = 48
_STARTED: Final[Mapping[str, tuple[Any, Any]]] = {
    "kernel": (
        Annotated[Path | None, typer.Option(metavar="FILE", help="Started directly by the firmware.")],
        None,
    ),
    "initrd": (Annotated[Path | None, typer.Option(metavar="FILE", help="Goes along with the kernel.")], None),
    "append": (Annotated[str, typer.Option(help="The kernel's command line.")], ""),
}


@dataclass(frozen=True, slots=True)
class Started:
    """What firmware starts, if not what is on the disk."""

    kernel: Path | None
    initrd: Path | None
    append: str


def _with_started(command: Callable[..., None]) -> Callable[..., None]:
    return bundled(command, "started", _STARTED, Started)


def register_predictions(evidence: typer.Typer) -> None:
    """Add `predict …`."""
    predict = typer.Typer(
        help="The measurement that a machine will have, from what it is launched with.",
        no_args_is_help=True,
        rich_markup_mode=None,
    )
    evidence.add_typer(predict, name="predict")
    example = "Example: cyberprivacy evidence predict"
    predict.command("snp", epilog=f"{example} snp --ovmf OVMF.fd --vcpus 4 --cpu EPYC-v4")(snp)
    predict.command("tdx", epilog=f"{example} tdx --ccel CCEL --mrtd 91eb2b…")(tdx)


@_with_started
def snp(
    ovmf: Annotated[Path, typer.Option(metavar="FILE", help="The firmware.")],
    vcpus: Annotated[int, typer.Option(min=1, max=512, help="How many virtual processors.")],
    cpu: Annotated[str, typer.Option(help="Their type, as QEMU names it.")] = "EPYC-v4",
    vmm: Annotated[str, typer.Option(help="What launches it: qemu, ec2 or gce.")] = "qemu",
    features: Annotated[int, typer.Option(min=0, help="SEV_FEATURES of the processors.")] = 1,
    *,
    started: Started,
    as_json: Json = False,
) -> None:
    """The launch measurement of an SEV-SNP guest, and the measurement that a policy names."""
    from cyberprivacy.attest.snp.prediction import Launch
    from cyberprivacy.attest.snp.verifier import measurement

    launch = Launch(
        firmware=ovmf,
        cpus=vcpus,
        cpu=cpu,
        kernel=started.kernel,
        initrd=started.initrd,
        append=started.append,
        vmm=vmm,
        features=features,
    )
    digest = launch.digest()
    value: dict[str, object] = {
        "kind": "sev-snp",
        "launch": digest.hex(),
        "measurement": measurement(digest).hex(),
    }
    _print(value, as_json=as_json)


def tdx(
    ccel: Annotated[
        Path | None, typer.Option(metavar="FILE", help="The event log of a machine of its kind.")
    ] = None,
    quote: Annotated[Path | None, typer.Option(metavar="FILE", help="A quote of a machine of its kind.")] = None,
    mrtd: Annotated[str, typer.Option(metavar="HEX", help="MRTD, 48 bytes, when there is no quote.")] = "",
    as_json: Json = False,
) -> None:
    """The run-time registers that an event log leads to, and the measurement that a policy names.

    That needs MRTD, too: from a quote, whose registers the log must lead to, or as --mrtd; then what the host sets
    at launch (MRCONFIGID, MROWNER, MROWNERCONFIG) is taken for zero.
    """
    if ccel is None and quote is None:
        raise Misuse("an event log or a quote is needed", code="predict.tdx")
    if quote is not None and mrtd:
        raise Misuse("MRTD stands in the quote", code="predict.tdx")
    rtmrs = None if ccel is None else logs.replay(logs.parse(read_file(ccel, logs.MAX_LOG)))
    contents = None
    if quote is not None:
        contents = _quoted(read_file(quote, MAX_QUOTE), rtmrs)
    elif mrtd and rtmrs is not None:
        contents = Contents(_register(mrtd), rtmrs)
    registers = contents.rtmrs if contents else rtmrs or ()
    value: dict[str, object] = {"kind": "tdx"}
    value |= {f"rtmr{number}": register.hex() for number, register in enumerate(registers)}
    value |= {"mrtd": contents.mrtd.hex(), "measurement": contents.measurement.hex()} if contents else {}
    _print(value, as_json=as_json)


def _quoted(quote: bytes, rtmrs: tuple[bytes, ...] | None) -> Contents:
    """What a quote says, unproven, if the log, where there is one, leads to the same registers."""
    contents = Contents.of(TdReport.split(quote)[0])
    if rtmrs not in (None, contents.rtmrs):
        raise Untrusted(
            "the log does not lead to the quote's registers",
            code="evidence.log-differs",
            hint="They are not of the same start of a machine, or software has measured more since.",
        )
    return contents


def _register(text: str) -> bytes:
    try:
        value = bytes.fromhex(text)
    except ValueError:
        value = b""
    if len(value) != _MRTD_SIZE:
        raise Misuse("MRTD is 96 hex digits", code="predict.tdx", length=len(text))
    return value


def _print(value: dict[str, object], *, as_json: bool) -> None:
    out.result(value, "\n".join(f"{name:<12} {said}" for name, said in value.items()), as_json=as_json)
