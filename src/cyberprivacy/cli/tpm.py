"""`tpm`: how the TPM of a machine comes to a certificate for its attestation key."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Final

import typer
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from cyberprivacy.attest.certificates import UNREADABLE, fingerprint, split
from cyberprivacy.attest.enrolment import (
    MAX_CERTIFICATES,
    MAX_MESSAGE,
    Answer,
    Request,
    Vendors,
    hardware_id,
    vouch,
)
from cyberprivacy.attest.tpmenrolment import HeldKey, accept, ask
from cyberprivacy.cli.output import Json, out
from cyberprivacy.cli.release import read_file
from cyberprivacy.errors import Misuse

DEVICE: Final = Path("/dev/tpmrm0")
KEYS: Final = Path("/var/lib/cyberprivacy/tpm")
DAY: Final = 86_400

Device = Annotated[Path, typer.Option(metavar="FILE", help="The machine's TPM.")]
Swtpm = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="A software TPM's folder instead, such as a stopped node's <data>/tpm."),
]
Keys = Annotated[Path, typer.Option(metavar="DIR", help="Where the attestation key and its certificates are.")]
Out = Annotated[Path, typer.Option("--out", "-o", metavar="FILE", help="Where to write it.")]


def register(_app: typer.Typer) -> None:
    """Add `tpm authority`, `tpm request`, `tpm certify` and `tpm install`."""
    from cyberprivacy.cli import group

    tpm = group("tpm", "Certify the TPM of a machine: request there, certify elsewhere, install there.")
    example = "Example: cyberprivacy tpm authority ./authority --name 'Provider of cluster 7'"
    tpm.command("authority", epilog=example)(authority)
    tpm.command("request", epilog="Example: cyberprivacy tpm request --out request.json")(request)
    example = (
        "Example: cyberprivacy tpm certify request.json --authority ./authority --vendor maker.pem -o answer.json"
    )
    tpm.command("certify", epilog=example)(certify)
    tpm.command("install", epilog="Example: cyberprivacy tpm install answer.json")(install)


def authority(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to write it; holds no authority yet.")],
    name: Annotated[str, typer.Option(help="What people shall call it; in every certificate.")],
    days: Annotated[int, typer.Option(min=1, max=36_500, help="How long its root is valid.")] = 3650,
    *,
    as_json: Json = False,
) -> None:
    """Make a key that vouches for TPMs, and its root certificate; verifiers name that root in their policy."""
    from cyberprivacy.attest import authorityfiles
    from cyberprivacy.attest.authority import Authority

    if not re.fullmatch(r"[ -~]{1,64}", name):
        raise Misuse("a name is 1 to 64 printable ASCII characters", code="enrolment.name", name=name[:80])
    made = Authority.new(name, now=int(time.time()), life=days * DAY)
    authorityfiles.keep(made, folder)
    root = "sha256:" + fingerprint(made.chain[-1]).hex()
    out.result({"authority": str(folder), "root": root}, root, as_json=as_json)


def request(
    to: Out,
    device: Device = DEVICE,
    swtpm: Swtpm = None,
    keys: Keys = KEYS,
    certificate: Annotated[
        Path | None,
        typer.Option(metavar="FILE.der", help="Certificate of the endorsement key, when the TPM holds none."),
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Write what this machine's TPM asks with; it is not secret. Makes the attestation key if there is none."""
    given = b"" if certificate is None else read_file(certificate, MAX_CERTIFICATES)
    with _held(device, swtpm, keys) as held:
        made = ask(held, given)
    _write(to, made.encode())
    hardware = hardware_id(made.endorsement).hex()
    out.result({"request": str(to), "hardware": hardware}, f"TPM {hardware} asks in {to}", as_json=as_json)


def certify(
    asked: Annotated[Path, typer.Argument(metavar="REQUEST", help="What `tpm request` wrote.")],
    to: Out,
    folder: Annotated[Path, typer.Option("--authority", metavar="DIR", help="Who vouches: see `tpm authority`.")],
    vendor: Annotated[
        list[str],
        typer.Option(metavar="ROOT.pem|sha256:…", help="Root of a maker of TPMs that you trust; repeat."),
    ],
    issuers: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE.pem", help="Certificates of makers below their roots; repeat."),
    ] = None,
    days: Annotated[int, typer.Option(min=1, max=365, help="How long the certificate is valid.")] = 90,
    *,
    as_json: Json = False,
) -> None:
    """Vouch for a machine's attestation key: its TPM is genuine, and nobody but that TPM can read the answer."""
    from cyberprivacy.attest import authorityfiles

    sent = Request.parse(read_file(asked, MAX_MESSAGE))
    who = authorityfiles.load(folder)
    answer = vouch(sent, who, vendors_of(vendor, issuers or []), now=int(time.time()), life=days * DAY)
    _write(to, answer.encode())
    hardware = answer.hardware.hex()
    value = {"answer": str(to), "hardware": hardware, "days": days}
    out.result(value, f"TPM {hardware}: certified for {days} days in {to}", as_json=as_json)


def install(
    answered: Annotated[Path, typer.Argument(metavar="ANSWER", help="What `tpm certify` wrote.")],
    device: Device = DEVICE,
    swtpm: Swtpm = None,
    keys: Keys = KEYS,
    *,
    as_json: Json = False,
) -> None:
    """Let this machine's TPM open the answer, and keep the certificates where the node looks for them."""
    from cyberprivacy.node.machine import CERTIFICATES

    answer = Answer.parse(read_file(answered, MAX_MESSAGE))
    with _held(device, swtpm, keys) as held:
        chain = accept(held, answer)
    path = (swtpm or keys) / CERTIFICATES
    _write(path, chain)
    root = "sha256:" + fingerprint(x509.load_der_x509_certificate(split(chain)[-1])).hex()
    value = {"certificates": str(path), "hardware": answer.hardware.hex(), "root": root}
    out.result(value, f"{path}, vouched for by {root}", as_json=as_json)


@contextmanager
def _held(device: Path, swtpm: Path | None, keys: Path) -> Iterator[HeldKey]:
    """The attestation key, in the TPM that the options name."""
    from cyberprivacy.attest.swtpm import SoftwareTpm
    from cyberprivacy.attest.tpmcommands import Tpm, TpmGone
    from cyberprivacy.attest.tpmdevice import KEY_FILE, DeviceTpm, kept_attestation_key

    if swtpm is None:
        chip = DeviceTpm(device)
        try:
            held = kept_attestation_key(Tpm(chip), keys / KEY_FILE)
            try:
                yield held
            finally:
                with suppress(TpmGone):
                    held.tpm.flush(held.handle)
        finally:
            chip.close()
        return
    if not swtpm.is_dir():
        raise Misuse("there is no such software TPM", code="tpm.folder", path=str(swtpm))
    engine = SoftwareTpm(swtpm)
    try:
        tpm = Tpm(engine)
        yield HeldKey(tpm, *tpm.create_attestation_key())
    finally:
        engine.close()


def vendors_of(named: list[str], files: list[Path]) -> Vendors:
    """Pinned roots, and all certificates that came in files: those may complete a chain, and prove nothing."""
    pins: set[bytes] = set()
    known: list[bytes] = []
    for name in named:
        if re.fullmatch(r"sha256:[0-9a-f]{64}", name):
            pins.add(bytes.fromhex(name[7:]))
            continue
        roots = _certificates(Path(name))
        pins.update(fingerprint(root) for root in roots)
        known += [root.public_bytes(Encoding.DER) for root in roots]
    known += [made.public_bytes(Encoding.DER) for file in files for made in _certificates(file)]
    return Vendors(roots=frozenset(pins), issuers=tuple(known))


def _certificates(path: Path) -> list[x509.Certificate]:
    try:
        return x509.load_pem_x509_certificates(read_file(path, MAX_CERTIFICATES))
    except UNREADABLE:
        raise Misuse("not certificates in PEM", code="enrolment.vendor-file", path=str(path)) from None


def _write(path: Path, data: bytes) -> None:
    from cyberprivacy.node import files

    files.replace(path, data)
