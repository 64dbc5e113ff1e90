"""`os key-node`: keeps a part of the keys of machines' data disks, and gives it to machines in good standing."""

import sys
import time
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from cyberprivacy.cli.output import Json, out
from cyberprivacy.errors import Misuse

_ANY: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104  # what is typed; nothing is bound to it here


def serve(
    folder: Annotated[Path, typer.Argument(metavar="DIR", help="What it keeps: parts of keys, in the clear.")],
    vendor: Annotated[
        list[str],
        typer.Option(metavar="ROOT.pem|sha256:…", help="Root of a maker of TPMs that you trust; repeat."),
    ],
    listen: Annotated[str, typer.Option(metavar="HOST:PORT", help="Port 0: any.")] = "127.0.0.1:8600",
    issuers: Annotated[
        list[Path] | None,
        typer.Option(metavar="FILE.pem", help="Certificates of makers below their roots; repeat."),
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Which software and machines may have their part.")
    ] = None,
    dao: Annotated[
        str,
        typer.Option("--dao", metavar="ADDRESS", envvar="CYBERPRIVACY_DAO", help="Whose chain accepts software."),
    ] = "",
    rpc: Annotated[
        list[str] | None,
        typer.Option(
            "--rpc", metavar="URL", envvar="CYBERPRIVACY_RPC", help="Chain endpoint; several must agree."
        ),
    ] = None,
    *,
    as_json: Json = False,
) -> None:
    """Run ONE key node until it is told to end. Whoever runs it holds a part of each key.

    A machine gets its part when its TPM is genuine, when it has started software that the chain accepts now (and
    that the policy names, if it names any), and when nothing on it was unlocked yet.
    """
    from cyberprivacy.attest.policy import MAX_POLICY, Policy, parse
    from cyberprivacy.cli.release import read_file
    from cyberprivacy.cli.serving import log_to_stderr, socket_at
    from cyberprivacy.cli.tpm import vendors_of
    from cyberprivacy.privacy_os import key_node_web
    from cyberprivacy.privacy_os.key_node import KeyNode, tls_key

    asked = Policy() if policy is None else parse(read_file(policy, MAX_POLICY))
    standing = _standing(dao, rpc or [])
    log_to_stderr()
    node = KeyNode(folder, vendors=vendors_of(vendor, issuers or []), policy=asked, standing=standing)
    door = socket_at(listen, code="keys.listen")
    host, port = door.getsockname()[:2]
    pem = tls_key(folder / "tls.pem", (host,), int(time.time()))
    named = "HOST" if host in _ANY else host
    data = f"https://{named}:{port}#{key_node_web.pin_of(pem).hex()}"
    out.result({"data": data, "nodes": 1}, f"ONE key node; machines name it with\ndata {data}", as_json=as_json)
    sys.stdout.flush()  # who started this in a pipe waits for the line
    key_node_web.serve(node, pem, door)


def _standing(dao: str, rpc: list[str]) -> "partial[bool]":
    from cyberprivacy.attest.onchain import stands
    from cyberprivacy.cli.keys import parse_address
    from cyberprivacy.proposal.agreeing import connect

    if not dao or not rpc:
        hint = "Name the DAO with --dao, and at least one chain endpoint with --rpc."
        raise Misuse("what software stands, the chain says", code="keys.dao", hint=hint)
    return partial(stands, connect(tuple(rpc)), parse_address(dao, "--dao"))
