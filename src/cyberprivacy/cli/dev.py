"""`dev`: the ground to try things on: a chain whose money is free, a root that certifies software TPMs.

Nothing here is part of a Privacy Server. What it makes is worth nothing to anybody who does not name it by hand.
"""

import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Final, TypeVar

import typer

from cyberprivacy.cli.output import Json, out
from cyberprivacy.cli.serving import told_to_end
from cyberprivacy.errors import TryLater

CHECKOUT: Final = Path(__file__).resolve().parents[3]
ANVIL: Final = CHECKOUT / "contracts/node_modules/@foundry-rs/anvil-linux-amd64/bin/anvil"
PATIENCE: Final = 60.0
"""Seconds to wait for what was started a moment ago, in another window or in the background."""
MOST: Final = 1_000_000
_WEI: Final = 10**18

_Got = TypeVar("_Got")


def register(_app: typer.Typer) -> None:
    """Add `dev …`."""
    from cyberprivacy.cli import group

    dev = group("dev", "For development only: a chain of your own, free money, a home-made root.")
    dev.command("chain", epilog="Example: cyberprivacy dev chain ./chain --port 8545")(chain)
    dev.command("fund", epilog="Example: cyberprivacy dev fund 0x… 0x… --rpc http://127.0.0.1:8545")(fund)
    dev.command("certify", epilog="Example: cyberprivacy dev certify --config node.toml --root ./root")(certify)


def chain(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where it keeps its state, and goes on from.")],
    port: Annotated[int, typer.Option(min=1, max=65535, help="Where it listens, on 127.0.0.1.")] = 8545,
    anvil: Annotated[Path, typer.Option(metavar="FILE", help="The anvil program.", show_default=False)] = ANVIL,
) -> None:
    """Run a chain of your own, a block each second, until Ctrl-C. Its money is free and worth nothing."""
    from cyberprivacy.proposal.anvil import EmbeddedChain

    stop = told_to_end()
    with EmbeddedChain(anvil, folder, port=port) as running:
        out.progress(f"chain 31337 at {running.url}; Ctrl-C ends it")
        stop.wait()


def fund(
    addresses: Annotated[list[str], typer.Argument(metavar="ADDRESS…", help="Whose fees shall be paid.")],
    rpc: Annotated[str, typer.Option(metavar="URL", envvar="CYBERPRIVACY_RPC", help="The chain of `dev chain`.")],
    ether: Annotated[int, typer.Option(min=1, max=MOST, help="How much each has then.")] = 100,
    *,
    as_json: Json = False,
) -> None:
    """Give addresses money on a chain of your own. Waits a minute for a chain that is just starting."""
    from cyberprivacy.cli.keys import parse_address
    from cyberprivacy.proposal.endpoint import Endpoint

    checked = [parse_address(each, "ADDRESS") for each in addresses]
    endpoint = Endpoint(rpc)
    try:
        for each in checked:
            _patiently(partial(endpoint.ask, "anvil_setBalance", each, hex(ether * _WEI)))
    finally:
        endpoint.close()
    out.result({"funded": checked, "ether": ether}, f"{len(checked)} have {ether} ether", as_json=as_json)


def certify(
    config: Annotated[Path, typer.Option("--config", "-c", help="The node's configuration file (TOML).")],
    root: Annotated[Path, typer.Option(metavar="DIR", help="The development root; made if there is none.")],
    *,
    as_json: Json = False,
) -> None:
    """Certify a node's software TPM by a home-made root. Prints the root that verifiers must name by hand.

    Waits a minute for a node that is just starting.
    """
    from cyberprivacy.attest.tpm2 import Public
    from cyberprivacy.node import config as settings
    from cyberprivacy.node import files
    from cyberprivacy.node.machine import CERTIFICATES
    from cyberprivacy.testing.tpm import ROOT_FILE, DevelopmentRoot

    folder = settings.load(config).data / "tpm"
    key = _patiently(lambda: _started(folder))
    made = DevelopmentRoot.at(root)
    files.replace(folder / CERTIFICATES, made.certify(Public.parse(key)))
    value = {"root": str(root / ROOT_FILE), "fingerprint": "sha256:" + made.fingerprint.hex()}
    out.result(value, value["root"], as_json=as_json)


def _started(folder: Path) -> bytes:
    try:
        return (folder / "attestation-key.pub").read_bytes()
    except FileNotFoundError:
        raise TryLater(
            "this node has not been started yet",
            code="dev.node",
            hint="Start it: `cyberprivacy node start`.",
            folder=str(folder),
        ) from None


def _patiently(attempt: Callable[[], _Got]) -> _Got:
    until, told = time.monotonic() + PATIENCE, False
    while True:
        try:
            return attempt()
        except TryLater as early:
            if time.monotonic() > until:
                raise
            if not told:
                out.progress(f"waiting: {early.what}")
                told = True
            time.sleep(0.2)
