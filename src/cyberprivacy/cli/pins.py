"""`bundle pin|pins|unpin`: have others keep a bundle available, your own Kubo or a pinning service."""

from pathlib import Path
from typing import Annotated, Final

import typer

from cyberprivacy.bundle.access import Access, read_secret
from cyberprivacy.bundle.kubo_pins import KuboPins
from cyberprivacy.bundle.pinning import MAX_NAME, Pin, Pinner, PinningService, wait
from cyberprivacy.cid import Cid
from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.errors import Misuse

_CID: Final = "bafybei…"
_SERVICE: Final = "--service https://pins.example --token-file token.txt"

Kubo = Annotated[
    str | None,
    typer.Option("--kubo", metavar="URL", help="RPC address of your own Kubo, such as http://127.0.0.1:5001."),
]
Service = Annotated[
    str | None, typer.Option("--service", metavar="URL", help="A service with the IPFS pinning interface.")
]
Token = Annotated[
    Path | None,
    typer.Option("--token-file", metavar="FILE", help="Your access token at the service, on one line."),
]


def register(bundle: typer.Typer) -> None:
    """Add the commands to the group `bundle`."""
    bundle.command("pin", epilog=f"Example: cyberprivacy bundle pin {_CID} {_SERVICE} --wait 600")(_pin)
    bundle.command("pins", epilog=f"Example: cyberprivacy bundle pins {_SERVICE}")(_pins)
    bundle.command("unpin", epilog=f"Example: cyberprivacy bundle unpin {_CID} {_SERVICE}")(_unpin)


def _pin(
    cid: Annotated[str, typer.Argument(metavar="CID")],
    kubo: Kubo = None,
    service: Service = None,
    token: Token = None,
    name: Annotated[str, typer.Option("--name", help="What to call it there, for people.")] = "",
    seconds: Annotated[
        int, typer.Option("--wait", metavar="SECONDS", min=0, help="Wait so long for a service to have it all.")
    ] = 0,
    as_json: Json = False,
) -> None:
    """Have a bundle kept by CID; what pins it fetches it from the IPFS network by itself.

    A service takes the request and fetches later: `bundle pins CID` shows how far it is. A Kubo answers when it
    has everything. To give your own Kubo the blocks from here, use `bundle push`.
    """
    if len(name) > MAX_NAME:
        raise Misuse("the name is too long", code="pinning.name", most=MAX_NAME)
    root, pinner = Cid.parse(cid), _pinner(kubo, service, token)
    out.progress(f"asking {pinner.name}")
    pin = pinner.pin(root, name)
    if seconds:
        pin = wait(pinner, pin, root, seconds=seconds)
    out.result({"at": pinner.name, **_value(pin)}, f"{pin.state} {root} at {pinner.name}", as_json=as_json)


def _pins(
    cid: Annotated[str | None, typer.Argument(metavar="CID", help="Of this bundle alone.")] = None,
    kubo: Kubo = None,
    service: Service = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """What your Kubo or service says that it keeps for you."""
    pinner = _pinner(kubo, service, token)
    found = pinner.pins(None if cid is None else Cid.parse(cid))
    rows = [(pin.cid, str(pin.state), pin.name, "" if pin.size is None else str(pin.size)) for pin in found]
    human = table(("cid", "state", "name", "bytes"), rows) if rows else f"nothing is pinned at {pinner.name}"
    out.result({"at": pinner.name, "pins": [_value(pin) for pin in found]}, human, as_json=as_json)


def _unpin(
    cid: Annotated[str, typer.Argument(metavar="CID")],
    kubo: Kubo = None,
    service: Service = None,
    token: Token = None,
    as_json: Json = False,
) -> None:
    """Let your Kubo or service forget a bundle; that it was pinned is not needed."""
    pinner = _pinner(kubo, service, token)
    ended = pinner.unpin(Cid.parse(cid))
    human = f"unpinned {cid} at {pinner.name}" if ended else f"{cid} was not pinned at {pinner.name}"
    out.result({"at": pinner.name, "cid": cid, "ended": ended}, human, as_json=as_json)


def _pinner(kubo: str | None, service: str | None, token: Path | None) -> Pinner:
    if kubo is not None and service is None and token is None:
        return KuboPins(kubo)
    if service is not None and token is not None and kubo is None:
        return PinningService(service, Access.bearer(read_secret(token)))
    raise Misuse(
        "either a Kubo, or a service and a token file",
        code="pinning.where",
        hint="Give --kubo URL, or --service URL --token-file FILE.",
    )


def _value(pin: Pin) -> dict[str, object]:
    return {
        "cid": pin.cid,
        "state": str(pin.state),
        "name": pin.name,
        "request": pin.request,
        "details": pin.details,
        "size": pin.size,
        "blocks": pin.blocks,
    }
