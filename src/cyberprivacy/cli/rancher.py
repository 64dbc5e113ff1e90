"""`rancher …`: the clusters behind a Rancher, one more of them, and a kubeconfig for each."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.errors import Misuse

if TYPE_CHECKING:
    from cyberprivacy.deploy.kubernetes.rancher import Rancher

Url = Annotated[str, typer.Argument(metavar="URL", help="The Rancher, such as https://rancher.example.")]
Token = Annotated[Path, typer.Option("--token-file", metavar="FILE", help="An API token of it, on one line.")]
Ca = Annotated[Path | None, typer.Option("--ca", metavar="FILE", help="PEM file of a private CA.")]


def register(app: typer.Typer) -> None:  # noqa: ARG001 - of every room
    """Add this room's commands."""
    from cyberprivacy.cli import group

    rancher = group("rancher", "Clusters behind a Rancher.")
    example = "Example: cyberprivacy rancher {} https://rancher.example {}--token-file token.txt{}"
    rancher.command("clusters", epilog=example.format("clusters", "", ""))(clusters)
    rancher.command("import", epilog=example.format("import", "north ", ""))(bring_in)
    rancher.command("kubeconfig", epilog=example.format("kubeconfig", "c-m-abcd1234 ", " --to north.kubeconfig"))(
        kubeconfig
    )


def clusters(url: Url, *, token_file: Token, ca: Ca = None, as_json: Json = False) -> None:
    """The clusters that the account sees."""
    found = _rancher(url, token_file, ca).clusters()
    value = {
        "clusters": [{"id": one.id, "name": one.name, "state": one.state, "version": one.version} for one in found]
    }
    rows = [(one.id, one.name, one.state, one.version or "unknown") for one in found]
    human = table(("id", "name", "state", "Kubernetes"), rows) if rows else "no clusters"
    out.result(value, human, as_json=as_json)


def bring_in(
    url: Url,
    name: Annotated[str, typer.Argument(metavar="NAME", help="What the cluster is to be called there.")],
    *,
    token_file: Token,
    ca: Ca = None,
    as_json: Json = False,
) -> None:
    """Have the Rancher wait for a cluster that exists; what is printed brings it in, whoever has it."""
    coming = _rancher(url, token_file, ca).bring_in(name)
    value = {"id": coming.id, "name": name, "manifest": coming.manifest}
    human = f"{coming.id}: as an administrator of {name}, kubectl apply -f {coming.manifest}"
    out.result(value, human, as_json=as_json)


def kubeconfig(
    url: Url,
    cluster: Annotated[str, typer.Argument(metavar="ID", help="Its id, from `rancher clusters`.")],
    *,
    to: Annotated[Path, typer.Option("--to", metavar="FILE", help="Where it is written, for you alone.")],
    token_file: Token,
    ca: Ca = None,
    as_json: Json = False,
) -> None:
    """Write a kubeconfig for one cluster, through the Rancher, as `[kubernetes]` of a node takes it."""
    from cyberprivacy.build.oci import replace

    if not to.parent.is_dir():
        raise Misuse("no directory for it", code="rancher.place", directory=str(to.parent))
    replace(to, _rancher(url, token_file, ca).kubeconfig(cluster), mode=0o600)
    out.result({"cluster": cluster, "file": str(to)}, f"wrote {to}", as_json=as_json)


def _rancher(url: str, token_file: Path, ca: Path | None) -> "Rancher":
    from cyberprivacy.bundle.access import Access, read_secret
    from cyberprivacy.bundle.remote import Remote
    from cyberprivacy.deploy.kubernetes.rancher import SERVICE, Rancher
    from cyberprivacy.registry.harbor_registry import trusted

    return Rancher(Remote(url, SERVICE, access=Access.bearer(read_secret(token_file)), tls=trusted(ca)))
