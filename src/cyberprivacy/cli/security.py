"""`security …`: a guardian that anybody can run for others, and what a person asks of it."""

from pathlib import Path
from typing import Annotated

import typer

from cyberprivacy.cli import protection
from cyberprivacy.cli.mysession import Certificate
from cyberprivacy.cli.output import out
from cyberprivacy.cli.serving import log_to_stderr, socket_at
from cyberprivacy.errors import Misuse

HOUR = 3_600
EXAMPLE = (
    "Example: cyberprivacy security serve --data ./security --operator bank.example --vault http://127.0.0.1:8300"
)


def register(_app: typer.Typer) -> None:
    """Add `security …`."""
    from cyberprivacy.cli import group

    security = group("security", "Help for a lost or stolen key: an application that freezes, recovers, cosigns.")
    security.command("serve", epilog=EXAMPLE)(serve)
    protection.add(security)


def serve(  # each is one option of the command line
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Where its key and its book are kept.")],
    operator: Annotated[str, typer.Option(metavar="NAME", help="Who runs it; one guardian for each operator.")],
    vault: Annotated[list[str], typer.Option(metavar="URL", help="A vault where it helps; repeat for more.")],
    certificate: Certificate = None,
    delay_hours: Annotated[
        int, typer.Option(min=0, max=720, help="Before it asks for a recovery; the vault's own delays come after.")
    ] = 24,
    listen: Annotated[str, typer.Option(metavar="HOST:PORT")] = "127.0.0.1:8400",
    front: Annotated[
        str,
        typer.Option(metavar="ADDRESS", help="Address of the TLS front, which says who asks (X-Forwarded-For)."),
    ] = "",
) -> None:
    """Serve until interrupted. Its data directory holds what people are known by; keep it from everybody else."""
    from cyberprivacy.vault.place import Site
    from cyberprivacy.vault.security.open import opened
    from cyberprivacy.vault.security.web import Interface
    from cyberprivacy.vault.web import server

    log_to_stderr()
    if not operator or len(operator) > 64 or not operator.isprintable() or ":" in operator:
        raise Misuse("not the name of an operator", code="security.operator", hint="1 to 64 characters, no colon.")
    sites = {Site.parse(each.rstrip("/")): certificate for each in vault}
    with (
        socket_at(listen, code="security.listen") as bound,
        opened(data, operator, sites, delay=delay_hours * HOUR) as desk,
    ):
        host, port = bound.getsockname()[:2]
        out.progress(f"serving a security application at http://{host}:{port}  (data in {data}; stop with Ctrl-C)")
        if not delay_hours:
            out.warning("no delay: who passes both checks is not slowed down here, only by the vault")
        server.prepared(Interface(desk).application(), front=front).run(sockets=[bound])
