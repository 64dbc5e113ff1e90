"""A witness of its own: for whoever wants to watch the logs of others without running a cluster."""

import time
from pathlib import Path
from typing import Annotated, Any, Final

import httpx2
import typer

from cyberprivacy.cli.output import Json, out, verbatim
from cyberprivacy.cli.serving import log_to_stderr, told_to_end
from cyberprivacy.cli.watched import found_lines, with_paths
from cyberprivacy.errors import TryLater
from cyberprivacy.trust import public

ConfigFile = Annotated[Path, typer.Option("--config", "-c", help="The configuration file (TOML).")]
DEFAULT: Final = Path("/etc/cyberprivacy/witness.toml")
EXAMPLE: Final = """Example of a configuration file:

  data = "/var/lib/cyberprivacy-witness"
  listen = "0.0.0.0:8700"

  [[witness.watch]]
  url = "https://one.example"
  log = ["cyberprivacy.log/…", "cyberprivacy.log/…"]

`cyberprivacy node status --json` says a node's keys; `cyberprivacy witness keys` says yours, for its operator.
Then: cyberprivacy witness serve --config witness.toml
"""


def register(app: typer.Typer) -> None:
    """Add `witness serve`, `witness keys` and `witness status`."""
    witness = typer.Typer(
        help="Watch and cosign the logs of others, without a cluster.", no_args_is_help=True, rich_markup_mode=None
    )
    witness.command("serve", epilog=verbatim(EXAMPLE))(serve)
    witness.command("keys", epilog="Example: cyberprivacy witness keys --url https://me.example")(keys)
    witness.command("status", epilog="Example: cyberprivacy witness status --config witness.toml")(status)
    app.add_typer(witness, name="witness")


def serve(config: ConfigFile = DEFAULT) -> None:
    """Watch, cosign and answer over HTTP until Ctrl-C; what it signs is remembered before anybody gets it."""
    from cyberprivacy.node import standalone

    log_to_stderr()
    settings = standalone.load(config)
    witness = standalone.StandaloneWitness(settings, clock=time.time)
    bound = witness.bind()
    stop = told_to_end()
    out.progress(
        f"answering at http://{settings.listen}; watching {len(settings.watching.others)} logs; Ctrl-C ends it"
    )
    witness.run(stop, bound)


def keys(
    config: ConfigFile = DEFAULT,
    url: Annotated[str, typer.Option(help="Where others reach this witness.")] = "https://this-witness.example",
    *,
    json: Json = False,
) -> None:
    """Print what others write into their configuration; makes the key when there is none yet."""
    from cyberprivacy.node import standalone
    from cyberprivacy.node.tables import url as checked

    found = standalone.keys(standalone.kept_key(standalone.load(config).data))
    lines = [f"{name} = [{', '.join(map(_quoted, some))}]" for name, some in found.items()]
    human = "\n".join(["[[witness.watch]]", f"url = {_quoted(checked(url))}", *lines])
    out.result({"url": url, **found}, human, as_json=json)


def status(config: ConfigFile = DEFAULT, *, json: Json = False) -> None:
    """What a running witness watches, what it has found, and where the evidence lies."""
    from cyberprivacy.node import standalone

    settings = standalone.load(config)
    host = {"0.0.0.0": "127.0.0.1", "[::]": "[::1]"}.get(settings.listen.host, settings.listen.host)  # noqa: S104
    told = _ask(f"http://{host}:{settings.listen.port}")
    told["witness"] = with_paths(told["witness"], settings.data)
    watched = [
        f"watched: {each['url']}  {each['size'] if each['size'] is not None else 'no'} entries seen  {each['log']}"
        for each in told["witness"]["watched"]
    ]
    human = "\n".join([*watched, *found_lines(told["witness"])]) or "watching nobody: see `witness serve --help`"
    out.result(told, human, as_json=json)


def _ask(url: str) -> dict[str, Any]:
    from cyberprivacy.node.api import PREFIX

    try:
        with httpx2.Client(verify=public(), timeout=10, trust_env=False) as client:
            found: dict[str, Any] = client.get(f"{url}{PREFIX}/status").raise_for_status().json()
            return found
    except (httpx2.HTTPError, ValueError) as error:
        raise TryLater(
            "the witness does not answer",
            code="witness.silent",
            hint="Start it: `cyberprivacy witness serve`.",
            url=url,
            reason=type(error).__name__,
        ) from error


def _quoted(text: str) -> str:
    return f'"{text}"'
