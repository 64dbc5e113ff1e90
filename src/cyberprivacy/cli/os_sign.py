"""`os sign`, `os secure-boot`: an image that firmware with one's own keys starts, and what that measures."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from cyberprivacy.cli.output import Json, out
from cyberprivacy.cli.privacy_os import CACHE, SOURCES, Cache
from cyberprivacy.errors import Misuse

if TYPE_CHECKING:
    from cyberprivacy.privacy_os.secure_boot import Keys

SecureBoot = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Firmware starts only what these keys allow: PK.pem, KEK.pem, db.pem."),
]
BLANK: Final = Path("/usr/share/OVMF/OVMF_VARS_4M.fd")
MAX_PEM: Final = 64 << 10


def register(parent: typer.Typer) -> None:
    """Add `sign` and `secure-boot` to `os`."""
    example = "Example: cyberprivacy os sign build/os --key db.key --certificate db.pem --to build/signed"
    parent.command("sign", epilog=example)(sign)
    parent.command("secure-boot", epilog="Example: cyberprivacy os secure-boot keys --variables vars.fd")(
        secure_boot
    )


def sign(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="The files of an image.")],
    key: Annotated[Path, typer.Option(metavar="FILE.pem", help="RSA private key that signs.")],
    certificate: Annotated[Path, typer.Option(metavar="FILE.pem", help="Its certificate, as firmware has it.")],
    to: Annotated[Path, typer.Option(metavar="DIR", help="Where the signed image goes; made.")],
    cache: Cache = CACHE,
    *,
    as_json: Json = False,
) -> None:
    """Sign an image for Secure Boot; what was computed of it, and voted on, stays. Needs root."""
    import httpx2

    from cyberprivacy.privacy_os.signing import sign_image
    from cyberprivacy.privacy_os.sources import KERNEL, STUB, gather
    from cyberprivacy.privacy_os.toolbox import toolbox

    if to.exists():
        raise Misuse("there is something at this place", code="os.sign", to=str(to))
    with httpx2.Client(timeout=60) as client:
        parts = gather(SOURCES, cache / "packages", client)
    tools = {name: data for name, data in parts.build.items() if name not in {KERNEL, STUB}}
    with toolbox(tools, cache) as box:
        said = sign_image(folder, to, box, key=key, certificate=certificate)
    out.result(
        said, f"{to}: signed; with Secure Boot it measures {said['measurement_secure_boot']}", as_json=as_json
    )


def secure_boot(
    keys: Annotated[Path, typer.Argument(metavar="DIR", help="PK.pem, KEK.pem, db.pem: certificates.")],
    variables: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write OVMF's variables with these keys in them.")
    ] = None,
    auth: Annotated[
        Path | None,
        typer.Option(metavar="DIR", help="Write PK.auth, KEK.auth, db.auth: firmware in setup mode takes them."),
    ] = None,
    private: Annotated[
        Path | None, typer.Option(metavar="DIR", help="With --auth: PK.key and KEK.key, which sign them.")
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """What register 7 says on firmware that holds these keys, once it has started what db's key signed."""
    from cyberprivacy.cli.release import read_file
    from cyberprivacy.privacy_os.enrolling import write
    from cyberprivacy.privacy_os.measuring import register as value
    from cyberprivacy.privacy_os.secure_boot import enrolled, steps

    held = keys_in(keys)
    if variables is not None:
        variables.write_bytes(enrolled(read_file(BLANK, 16 << 20), held))
    if auth is not None:
        if private is None:
            raise Misuse("signatures need private keys", code="os.secure-boot", hint="Give --private DIR.")
        write(held, private, auth, at=datetime.now(UTC))
    register7 = value(7, steps(held)).hex()
    out.result({"pcr": {"7": register7}}, f"PCR 7 {register7}", as_json=as_json)


def keys_in(folder: Path) -> "Keys":
    """The certificates of a folder.

    Raises:
        Misuse: one is missing, or is none ("os.secure-boot").
    """
    from cryptography.hazmat.primitives.serialization import Encoding
    from cryptography.x509 import load_pem_x509_certificate

    from cyberprivacy.cli.release import read_file
    from cyberprivacy.privacy_os.secure_boot import Keys

    def der(name: str) -> bytes:
        try:
            return load_pem_x509_certificate(read_file(folder / name, MAX_PEM)).public_bytes(Encoding.DER)
        except ValueError:
            hint = "Name a folder with three certificates in PEM."
            raise Misuse("not a certificate", code="os.secure-boot", path=str(folder / name), hint=hint) from None

    return Keys(der("PK.pem"), der("KEK.pem"), der("db.pem"))
