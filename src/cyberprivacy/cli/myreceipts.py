"""`my receipt`: what was erased, as the vault has signed it, and that a log remembers it."""

import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from cyberprivacy import canonical
from cyberprivacy.cli.log import Asked
from cyberprivacy.cli.logsource import source_of
from cyberprivacy.cli.myerase import told
from cyberprivacy.cli.mysession import Certificate, Url
from cyberprivacy.cli.options import bundled
from cyberprivacy.cli.output import Json, out
from cyberprivacy.errors import Misuse
from cyberprivacy.ledger.disk import replace
from cyberprivacy.vault import receipt as receipts
from cyberprivacy.vault.client.connection import Connection
from cyberprivacy.vault.client.proving import Claim, Proven, proven, proven_at_node

_ID: Final = re.compile(r"[0-9a-f]{32}\Z")


@dataclass(frozen=True, slots=True)
class Logged:
    """Which log is believed, and where the proof goes.

    Attributes:
        log_key: of the node's log, as text.
        log_witness: of others who have to have seen it.
        proof: file for the proof.
    """

    log_key: list[str] | None
    log_witness: list[str] | None
    proof: Path | None

    def prove(self, vault: Connection, claim: Claim, place: int | None) -> Proven | None:
        """The proof of a receipt; None if it is in no log yet, or in that of a node of which no key was given.

        Raises:
            TryLater: a proof was asked for, and the receipt is in no log yet ("receipt.place").
            Misuse: a proof was asked for, and needs a key ("log.keys").
            Untrusted: what is shown proves something else.
        """
        if place is None and self.proof is None:
            return None
        if vault.ask("GET", "/.well-known/udi")["log"] == "vault":
            found = proven(vault, claim, now=time.time())
        elif self.log_key is None and self.proof is None:
            return None
        else:
            found = self._at_node(vault, claim, place)
        if self.proof is not None:
            replace(self.proof, found.file)
        return found

    def _at_node(self, vault: Connection, claim: Claim, place: int | None) -> Proven:
        asked = Asked(self.log_key, self.log_witness, None, None, None)
        client = asked.client()
        reader, head = client.update(source_of(vault.site.uri))
        # What is in no log yet is beyond the end of every log.
        at = head.checkpoint.size if place is None else place
        return proven_at_node(reader, head, claim, place=at, trust=client.trust)

    def tell(self, vault: Connection, place: int | None, found: Proven | None) -> None:
        """Where the receipt stands, in words."""
        if found is not None:
            seen = f", seen by {', '.join(found.witnesses)}" if found.witnesses else ""
            out.human(f"proven: the log has its digest as entry {found.index} of {found.size}{seen}")
            if self.proof is not None:
                keys = " ".join(f"--key {key.encode()}" for key in found.keys)
                out.human(f"cyberprivacy log verify {self.proof} {keys}")
        elif place is None:
            out.human("the receipt waits for the log")
        else:
            out.human(
                f"its digest is entry {place} of the log of the node at {vault.site.uri}, which says so: "
                "--log-key proves it"
            )


def with_log(command: Callable[..., None]) -> Callable[..., None]:
    """Give a command the options of `Logged`; it takes them as one argument, `logged`."""
    key, witness = "A key of the log of the node that hosts the application", "A key of a witness of that log"
    options = {
        "log_key": (
            Annotated[
                list[str] | None, typer.Option("--log-key", metavar="VKEY", help=f"{key}; repeat for more.")
            ],
            None,
        ),
        "log_witness": (
            Annotated[
                list[str] | None,
                typer.Option("--log-witness", metavar="VKEY", help=f"{witness}; repeat for more."),
            ],
            None,
        ),
        "proof": (
            Annotated[
                Path | None,
                typer.Option(
                    "--proof", metavar="FILE", help="Keep the proof that a log has the receipt's digest."
                ),
            ],
            None,
        ),
    }
    return bundled(command, "logged", options, Logged)


def as_value(found: Proven | None) -> dict[str, Any] | None:
    """A proof for `--json`."""
    if found is None:
        return None
    keys = [key.encode() for key in found.keys]
    return {"keys": keys, "index": found.index, "size": found.size, "witnesses": list(found.witnesses)}


def add(my: typer.Typer) -> None:
    """Add the command of this module."""
    example = "cyberprivacy my receipt http://127.0.0.1:8300 019f… --proof erased.tlog-proof"
    my.command("receipt", epilog=f"Example: {example}")(with_log(receipt))


def receipt(
    url: Url,
    erasure: Annotated[str, typer.Argument(metavar="ID", help="Of the erasure, as `my erase` said.")],
    *,
    certificate: Certificate = None,
    logged: Logged,
    as_json: Json = False,
) -> None:
    """The receipt of an erasure, checked with the vault's key, and whether a log has it. Needs no session."""
    if not _ID.match(erasure):
        raise Misuse("not the id of an erasure", code="my.erase", hint="`my erase` says it.", got=erasure[:80])
    with Connection(url, certificate=certificate) as vault:
        job = vault.ask("GET", f"/udi/v1/deletions/{erasure}")
        if job["receipt"] is None:
            out.result({**job, "log": None}, f"not erased yet: {job['step']}", as_json=as_json)
            raise typer.Exit(3)
        key = bytes.fromhex(str(vault.ask("GET", "/.well-known/udi")["key"]))
        said: Any = receipts.check(canonical.encode(job["receipt"]), key)
        claim = Claim.of_erasure(erasure, job["receipt"])
        found = logged.prove(vault, claim, job["place"])
        out.result({**job, "log": as_value(found)}, told(said, job["recipients"]), as_json=as_json)
        if not as_json:
            logged.tell(vault, job["place"], found)
