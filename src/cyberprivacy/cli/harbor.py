"""`harbor …`: make a project of a Harbor ready for a node, and show what its scanner says of an image."""

import json
from pathlib import Path
from typing import Annotated

import typer

from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.errors import Misuse

Url = Annotated[str, typer.Argument(metavar="URL", help="The Harbor, such as https://harbor.example.")]
Project = Annotated[str, typer.Argument(metavar="PROJECT", help="Its project.")]
Ca = Annotated[Path | None, typer.Option("--ca", metavar="FILE", help="PEM file of a private CA.")]


def register(app: typer.Typer) -> None:  # noqa: ARG001 - of every room
    """Add this room's commands."""
    from cyberprivacy.cli import group

    harbor = group("harbor", "A Harbor as a node's registry.")
    example = "Example: cyberprivacy harbor {} https://harbor.example node-1 {}"
    harbor.command(
        "prepare", epilog=example.format("prepare", "--user admin --password-file password.txt --to .")
    )(prepare)
    harbor.command("report", epilog=example.format("report", "app-1/web@sha256:… --auth push.json"))(report)


def prepare(
    url: Url,
    project: Project,
    *,
    user: Annotated[str, typer.Option(help="An administrator of the Harbor.")],
    password_file: Annotated[
        Path, typer.Option("--password-file", metavar="FILE", help="Its password, on one line.")
    ],
    to: Annotated[Path, typer.Option("--to", metavar="DIR", help="Where push.json and pull.json are written.")],
    days: Annotated[int, typer.Option(min=1, max=3650, help="How long the two accounts live.")] = 365,
    ca: Ca = None,
    as_json: Json = False,
) -> None:
    """Make a project for one node: private, tags that nobody moves, and two accounts with the least rights.

    Done again, the accounts are made anew, and the old ones end.
    """
    from cyberprivacy.build.oci import replace
    from cyberprivacy.bundle.access import Access, read_secret
    from cyberprivacy.bundle.remote import Remote
    from cyberprivacy.registry.distribution import Credentials
    from cyberprivacy.registry.harbor import PULL, PUSH, SERVICE, Harbor
    from cyberprivacy.registry.harbor_registry import trusted

    if not to.is_dir():
        raise Misuse("not a directory", code="harbor.place", directory=str(to))
    access = Access.basic(user, read_secret(password_file))
    harbor = Harbor(Remote(url, SERVICE, access=access, tls=trusted(ca)), project)
    harbor.prepare()
    host, made = url.partition("://")[2].rstrip("/"), {}
    for name, rights in (("push", PUSH), ("pull", PULL)):
        out.progress(f"making the account that may {name}")
        robot = harbor.robot(f"cyberprivacy-{name}", rights, days=days)
        entry = Credentials(robot.name, robot.secret).basic().removeprefix("Basic ")
        file = to / f"{name}.json"
        replace(file, json.dumps({"auths": {host: {"auth": entry}}}).encode(), mode=0o600)
        made[name] = {"account": robot.name, "file": str(file)}
    rows = [(name, one["account"], one["file"]) for name, one in made.items()]
    human = table(("may", "account", "file"), rows)
    out.result({"url": url, "project": project, "days": days, **made}, human, as_json=as_json)


def report(
    url: Url,
    project: Project,
    image: Annotated[str, typer.Argument(metavar="REPOSITORY@DIGEST", help="An image of the project.")],
    *,
    auth: Annotated[
        Path, typer.Option("--auth", metavar="FILE", help="Auth file of an account, such as push.json.")
    ],
    scan: Annotated[bool, typer.Option("--scan", help="If it was not scanned, ask for it.")] = False,
    ca: Ca = None,
    as_json: Json = False,
) -> None:
    """What Harbor's scanner found in an image: its word, for reviewers; no gate depends on it."""
    from cyberprivacy.build.oci import parse_digest
    from cyberprivacy.registry.harbor import Harbor
    from cyberprivacy.registry.harbor_registry import as_account

    repository, _, digest = image.partition("@")
    harbor = Harbor(as_account(url, auth, ca), project)
    found = harbor.report(repository, parse_digest(digest))
    if found is None and scan:
        harbor.scan(repository, parse_digest(digest))
        out.progress("asked for a scan; look again in some minutes")
    value: dict[str, object] = {"image": image, "scanned": found is not None}
    rows = [("scan", "none")]
    if found is not None:
        value |= {"status": found.status, "severity": found.severity, "total": found.total}
        value |= {"fixable": found.fixable, "by_severity": dict(found.by_severity)}
        rows = [("scan", found.status), ("found", str(found.total)), ("with a fix", str(found.fixable))]
        rows += [(name, str(count)) for name, count in found.by_severity.items()]
    out.result(value, table(("what", "found"), rows), as_json=as_json)
