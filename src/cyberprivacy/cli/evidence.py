"""`evidence`: made inside a machine, about a key; looked into anywhere; predicted before there is any."""

import re
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer
from rich.text import Text

from cyberprivacy.attest.bare import KEY_ROLE, MAX_DOCUMENT, MAX_PEM, EvidenceDocument, key_bound, spki_of_pem
from cyberprivacy.attest.describing import carries, describe
from cyberprivacy.attest.identity import EARLY
from cyberprivacy.attest.machine import Found, confidential, find, trusted_platform
from cyberprivacy.attest.measure import measure
from cyberprivacy.attest.swtpm import SoftwareAttester
from cyberprivacy.attest.tpmdevice import DEVICE, TpmAttester
from cyberprivacy.attest.tsm import FOLDER
from cyberprivacy.cli.options import bundled
from cyberprivacy.cli.output import Json, out
from cyberprivacy.cli.predict import register_predictions
from cyberprivacy.cli.release import read_file
from cyberprivacy.cli.tpm import KEYS
from cyberprivacy.cli.vendors import Vendors, with_vendors
from cyberprivacy.errors import Misuse
from cyberprivacy.node import files
from cyberprivacy.node.machine import CERTIFICATES

_NONCE: Final = re.compile(r"[0-9a-f]{64}")
_DAY: Final = 86_400

_HARDWARE: Final[Mapping[str, tuple[Any, Any]]] = {
    "swtpm": (
        Annotated[Path | None, typer.Option(metavar="DIR", help="Use the software TPM in this folder.")],
        None,
    ),
    "tpm": (Annotated[Path, typer.Option(metavar="FILE", help="The machine's TPM.")], DEVICE),
    "keys": (Annotated[Path, typer.Option(metavar="DIR", help="Where `tpm install` keeps certificates.")], KEYS),
    "tsm": (Annotated[Path, typer.Option(metavar="DIR", help="Where configfs-tsm has its reports.")], FOLDER),
}


@dataclass(frozen=True, slots=True)
class Hardware:
    """With what evidence is made, as the options say."""

    swtpm: Path | None
    tpm: Path
    keys: Path
    tsm: Path


def _with_hardware(command: Callable[..., None]) -> Callable[..., None]:
    return bundled(command, "hardware", _HARDWARE, Hardware)


def register(_app: typer.Typer) -> None:
    """Add `evidence …`."""
    from cyberprivacy.cli import group

    evidence = group("evidence", "Evidence about a key: make it inside a machine, look into it, predict it.")
    evidence.command(
        "make", epilog="Example: cyberprivacy evidence make --key key.pem --nonce 00…00 --out e.json"
    )(make)
    evidence.command("show", epilog="Example: cyberprivacy evidence show e.json")(show)
    register_predictions(evidence)


@with_vendors
@_with_hardware
def make(
    key: Annotated[Path, typer.Option(metavar="PUB.pem", help="The public key that it is about.")],
    nonce: Annotated[str, typer.Option(metavar="HEX", help="32 bytes that whoever will verify it has chosen.")],
    role: Annotated[str, typer.Option(help="What the key is for: 1 to 16 letters a-z.")] = KEY_ROLE,
    valid: Annotated[int, typer.Option(min=1, max=_DAY, help="Seconds for which the key may be used.")] = 300,
    out_file: Annotated[Path | None, typer.Option("--out", metavar="FILE", help="Instead of stdout.")] = None,
    *,
    hardware: Hardware,
    vendors: Vendors,
    as_json: Json = False,
) -> None:
    """Make evidence about a key, with the hardware of this machine; run it inside, as root.

    What the machine is, it finds by itself: SEV-SNP or TDX, else its TPM. Certificates and collateral go along,
    which come from the host, from copies kept before, or from AMD and Intel.
    """
    if not _NONCE.fullmatch(nonce):
        raise Misuse("a nonce is 64 lower-case hex digits", code="evidence.nonce", length=len(nonce))
    now = int(time.time())
    spki = spki_of_pem(read_file(key, MAX_PEM))
    bound = key_bound(spki, bytes.fromhex(nonce), since=now - EARLY, until=now + valid, role=role)
    with _machine(hardware, vendors) as found:
        document = EvidenceDocument(bound, found.attester.quote(bound.digest()))
    if out_file is None:
        out.document(document.encode())
        return
    files.replace(out_file, document.encode())
    kind = document.evidence.kind
    value = {"file": str(out_file), "hardware": found.what, "kind": kind, "bound": bound.document()}
    human = f"{out_file}: {kind} by {found.what}, about key sha256:{spki.hex()}"
    out.result(value, human, as_json=as_json)


@contextmanager
def _machine(hardware: Hardware, vendors: Vendors) -> Iterator[Found]:
    """The strongest hardware of this machine, or the software TPM that was named."""
    if hardware.swtpm is None:
        own = trusted_platform(hardware.keys, device=hardware.tpm)
        found = find([confidential(vendors.complete, folder=hardware.tsm), own])
        if isinstance(found.attester, TpmAttester):
            with closing(found.attester) as chip:
                chip.certified(_certificates(hardware.keys, hint="See `cyberprivacy tpm request --help`."))
                yield found
        else:
            yield found
        return
    attester = _software(hardware.swtpm)
    try:
        yield Found("a software TPM", attester)
    finally:
        attester.close()


def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What `evidence make` wrote.")],
    *,
    as_json: Json = False,
) -> None:
    """Print what a document of evidence says. Nothing of it is checked: `cyberprivacy verify` does that."""
    document = EvidenceDocument.parse(read_file(file, MAX_DOCUMENT))
    said = {
        "proven": False,
        "bound": document.bound.document(),
        "carries_binding": carries(document.evidence, document.bound.digest()),
        **describe(document.evidence),
    }
    text = Text("Unproven. What this document says:\n", style="bold")
    for name, value in said.items():
        _lines(text, name, value, "  ")
    text.rstrip()
    out.result(said, text, as_json=as_json)


def _lines(text: Text, name: str, value: object, indent: str) -> None:
    """One value on a line of its own; what is inside a list or an object, below its name."""
    if isinstance(value, dict) and "subject" in value:
        value = f"{value['subject']}, {value['since']} to {value['until']}"
    if isinstance(value, dict | list):
        text.append(f"{indent}{name}\n")
        inside = value.items() if isinstance(value, dict) else enumerate(value)
        for key, item in inside:
            _lines(text, str(key), item, indent + "  ")
    else:
        text.append(f"{indent}{name}  ", style="dim")
        text.append(f"{value}\n")


def _software(folder: Path) -> SoftwareAttester:
    """The software TPM of a node on this machine that does not run now; it must have been certified."""
    chain = _certificates(folder, hint="Start a node on it and run `cyberprivacy dev certify`.")
    return SoftwareAttester(folder, measure()).certified(chain)


def _certificates(folder: Path, *, hint: str) -> bytes:
    """What somebody has vouched with for the attestation key of the TPM whose folder this is."""
    path = folder / CERTIFICATES
    if not path.is_file():
        raise Misuse("nobody has certified this TPM", code="evidence.uncertified", hint=hint, missing=str(path))
    return read_file(path, MAX_DOCUMENT)
