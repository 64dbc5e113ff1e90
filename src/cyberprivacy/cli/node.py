"""Running a Privacy Server: start it, ask how it is. There is no command that tells it what to run."""

import socket
from collections.abc import Mapping
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import httpx2
import structlog
import typer

from cyberprivacy import canonical
from cyberprivacy.cli.output import Json, out, table, verbatim
from cyberprivacy.cli.serving import log_to_stderr, told_to_end
from cyberprivacy.cli.watched import found_lines, with_paths
from cyberprivacy.errors import Misuse, TryLater

ConfigFile = Annotated[
    Path, typer.Option("--config", "-c", help="The configuration file (TOML).", show_default=True)
]
DEFAULT = Path("/etc/cyberprivacy/node.toml")

EXAMPLE = """Example of a configuration file:

  data = "/var/lib/cyberprivacy"

  [chain]
  rpc = ["https://one.example", "https://two.example"]

  [[dao]]
  address = "0x…"
  listen = "0.0.0.0:443"

  [sources]
  gateways = ["https://gateway.example"]

Then: cyberprivacy node start --config node.toml

To run applications in a Kubernetes cluster (1.30 or newer), add:

  [kubernetes]
  kubeconfig = "/etc/cyberprivacy/kubeconfig"
  registry = "https://registry.example"
  front = ["10.0.0.5/32"]

where `front` is from where this machine connects to the cluster.

Then: cyberprivacy node start --config node.toml --profile kubernetes

Several clusters have a table each, in place of that kubeconfig; a release goes to one wave after the other:

  [[kubernetes.cluster]]
  name = "north"
  kubeconfig = "/etc/cyberprivacy/north"
  services = ["10.96.0.0/16"]
  wave = 1
"""


def register(app: typer.Typer) -> None:
    """Add `node start`, `node status` and `node identity`."""
    node = typer.Typer(help="Run a Privacy Server.", no_args_is_help=True, rich_markup_mode=None)
    node.command("start", epilog=verbatim(EXAMPLE))(start)
    node.command("status", epilog="Example: cyberprivacy node status --config node.toml")(status)
    node.command("identity", epilog="Example: cyberprivacy node identity --config node.toml --json")(identity)
    app.add_typer(node, name="node")


class Profile(StrEnum):
    """Where a node's applications run."""

    EMBEDDED = "embedded"
    KUBERNETES = "kubernetes"


Wanted = Annotated[
    Profile | None,
    typer.Option(
        help="Where applications run: start only if the configuration says the same.", show_default=False
    ),
]


def start(config: ConfigFile = DEFAULT, *, profile: Wanted = None) -> None:
    """Start a node and keep running; what it runs is decided on chain and nowhere else."""
    from cyberprivacy.node import config as settings
    from cyberprivacy.node.service import Node

    read = settings.load(config)
    found = Profile.EMBEDDED if read.clusters is None else Profile.KUBERNETES
    if profile not in (None, found):
        raise Misuse(
            "the configuration is for another profile",
            code="node.profile",
            hint="A table [kubernetes] with kubeconfig, registry and front makes a node use a cluster.",
            profile=profile.value,
            configured=found.value,
        )

    log_to_stderr()
    node = Node(read)
    stop = told_to_end()
    structlog.get_logger("node").info("started", **node.machine.identity())
    node.run(stop)


def identity(config: ConfigFile = DEFAULT, *, json: Json = False) -> None:
    """What a provider lists on chain for this node: account, keys and measurement. All of it is public."""
    from cyberprivacy.node import config as settings

    path = settings.load(config).data / "identity.json"
    try:
        found = canonical.decode(path.read_bytes())
    except FileNotFoundError:
        raise Misuse(
            "this node has not been started yet", code="node.identity", hint="Start it once: `node start`."
        ) from None
    values: dict[str, Any] = dict(found) if isinstance(found, dict) else {}
    out.result(values, table(["what", "value"], sorted(values.items())), as_json=json)


def status(config: ConfigFile = DEFAULT, *, json: Json = False) -> None:
    """How each application of a running node is: what runs, what is on its way, what it waits for."""
    from cyberprivacy.node import config as settings
    from cyberprivacy.node.assembly import sockets

    read = settings.load(config)
    answers = [_ask(path) for path in sockets(read)]
    answers = [each | {"witness": with_paths(each.get("witness", {}), read.data)} for each in answers]
    out.result({"applications": answers}, _human(answers), as_json=json)


def _ask(path: Path) -> dict[str, Any]:
    from cyberprivacy.node.api import PREFIX

    silent = TryLater(
        "the node does not answer",
        code="node.silent",
        hint="Start it: `cyberprivacy node start`.",
        socket=str(path),
    )
    if not _listens(path):  # asking it all the same would leave a socket of ours open
        raise silent
    try:
        # A socket of the file system has no TLS, so no certificates are read for it.
        with httpx2.Client(transport=httpx2.HTTPTransport(verify=False, uds=str(path)), timeout=30) as client:
            found: dict[str, Any] = client.get(f"http://node{PREFIX}/status").raise_for_status().json()
            return found
    except httpx2.HTTPError as error:
        raise silent from error


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX) as line:
        try:
            line.connect(str(path))
        except OSError:
            return False
    return True


def _human(answers: list[dict[str, Any]]) -> str:
    """Two or three lines for each application: an address that a narrow window folds cannot be copied."""
    lines: list[str] = []
    for each in answers:
        doing = each["state"] if each["state"] in ("serving", "stopped") else f"{each['state']}: {each['step']}"
        release = f" release {each['release']}" if each["release"] else ""
        lines += [each["dao"], f"  https://{each['listen']}  {doing}{release}{_replicas(each['running'])}"]
        if each["why"]:
            lines.append(f"  {each['why']}" + (f" [{each['code']}]" if each["code"] else ""))
        lines += _clusters(each)
    # Each of the node's applications says the same of others.
    lines += found_lines(answers[0]["witness"]) if answers else []
    return "\n".join(lines)


def _clusters(answer: Mapping[str, Any]) -> list[str]:
    """A line for each cluster of an application that runs in several, in the order of their waves."""
    rollout = answer.get("rollout") or {}
    doing = {"bringing": "the release is brought", "watching": "the gate is held"}
    lines = []
    for one in sorted(answer.get("clusters", []), key=lambda one: (one["wave"], one["name"])):
        running = one["running"]
        what = f"nobody can say [{one['code']}]" if one["code"] else "nothing"
        if running:
            which = "the wanted" if running["bundle"] == answer["wanted"] else "another"
            what = f"{which} release{_replicas(running)}"
        now = f"  <- {doing[rollout['doing']]}" if one["wave"] == rollout.get("wave") else ""
        lines.append(f"  wave {one['wave']}  {one['name']}  {what}{now}")
    return lines


def _replicas(running: Mapping[str, Any] | None) -> str:
    return "" if running is None else f", {running['ready']} of {running['wanted']} replicas"
