"""`cyberprivacy verify`: may this address, or this file, be believed?"""

import secrets
import time
from pathlib import Path
from typing import Annotated, Final

import typer
from cryptography import x509
from rich.text import Text

from cyberprivacy.attest import policy as policies
from cyberprivacy.attest.certificates import fingerprint
from cyberprivacy.attest.policy import Policy
from cyberprivacy.attest.report import Check, Report, Verdict
from cyberprivacy.attest.statement import MAX_ATTESTATION
from cyberprivacy.attest.verify import Seen, questions, verify
from cyberprivacy.cli.connection import NoConnection, ask
from cyberprivacy.cli.dao import DaoAddress, Rpc
from cyberprivacy.cli.facts import read_facts
from cyberprivacy.cli.keys import parse_address
from cyberprivacy.cli.output import Json, out
from cyberprivacy.errors import CyberPrivacyError, Misuse
from cyberprivacy.proposal.agreeing import Ledger, connect
from cyberprivacy.proposal.reading import read
from cyberprivacy.proposal.release import Address

EXAMPLE: Final = """Example: cyberprivacy verify https://app.example
--dao 0x5FbDB2315678afecb367f032d93F642f64180aa3 --rpc https://rpc-one.example --rpc https://rpc-two.example.
Exit codes: 0 accepted, 1 rejected, 2 misused, 3 out of reach."""

_MARKS: Final = {Verdict.PASS: ("✓", "green"), Verdict.FAIL: ("✗", "bold red"), Verdict.SKIP: ("·", "yellow")}


def register(app: typer.Typer) -> None:
    """Add `verify` to the command line."""
    app.command("verify", epilog=EXAMPLE)(verify_command)


def verify_command(
    target: Annotated[
        str, typer.Argument(metavar="URL|FILE", help="https://… of an application, or a saved proof.")
    ],
    dao: DaoAddress,
    rpc: Rpc,
    allow_development: Annotated[
        str, typer.Option(metavar="ROOT.pem|sha256:…", help="Accept evidence under this development root, too.")
    ] = "",
    policy: Annotated[Path | None, typer.Option(help="JSON file that says what you ask for.")] = None,
    save: Annotated[Path | None, typer.Option(help="Keep the proof in this file.")] = None,
    as_json: Json = False,
) -> None:
    """Check what runs behind an address: hardware evidence, node, statement, release, vote, laps and images.

    Prints one line for each check with its reason code, then the verdict, what it is worth, and who could
    still cheat.
    """
    asked = _policy(policy, allow_development)
    governor = parse_address(dao, "--dao")
    chain = connect(rpc)
    if target.startswith(("https:", "http:")):
        nonce = secrets.token_bytes(32)
        try:
            answer = ask(target, nonce)
        except NoConnection as silence:
            _explain_silence(silence, connect(rpc), governor, target, as_json=as_json)
            raise
        data, seen = answer.attestation, Seen(answer.spki, nonce, answer.session)
    else:
        data, seen = _read(Path(target)), Seen(None, None, None)
    if save is not None:
        _write(save, data)
    facts = read_facts(chain, governor, questions(data))
    report = verify(data, seen=seen, facts=facts, policy=asked, now=_now())
    out.result({"target": target, **report.as_json()}, show(report, target), as_json=as_json)
    if not report.accepted:
        raise typer.Exit(1)


def _explain_silence(silence: NoConnection, chain: Ledger, dao: Address, target: str, *, as_json: bool) -> None:
    """A node that answers but proves nothing may be right: when the chain says that nothing may run."""
    if "status" not in silence.facts:
        return
    try:
        why = read(chain, dao, last=None, now=_now(), max_age=Policy().chain_age).why
    except CyberPrivacyError:
        return  # the silence itself is what there is to tell
    if why:
        detail = f"the chain says that nothing may run: {why}; {silence.facts['node_says']}"
        check = Check.failed("release.active", f"release.{why}", detail)
        report = Report(checks=(check,), level=None)
        out.result({"target": target, **report.as_json()}, show(report, target), as_json=as_json)
        raise typer.Exit(1)


def show(report: Report, target: str) -> Text:
    """The report for people: what it is about, one line for each check, the verdict."""
    text = Text()
    facts = report.facts
    if facts:
        text.append(f"{target}\n", style="bold")
        text.append(f"  says: release {facts['release']} of DAO {facts['dao']}, bundle {facts['bundle']}\n\n")
    width = max(len(check.name) for check in report.checks)
    for check in report.checks:
        mark, style = _MARKS[check.verdict]
        text.append(f"{mark} ", style=style)
        text.append(f"{check.name:<{width}}  ")
        text.append(f"[{check.code}]", style=style if check.verdict is not Verdict.PASS else "dim")
        text.append(f"  {check.detail}\n")
    text.append("\n")
    if report.accepted:
        text.append("ACCEPTED", style="bold green")
    else:
        failed = ", ".join(check.name for check in report.failures) or "nothing was proven"
        text.append("REJECTED", style="bold red")
        text.append(f"  because of {failed}")
    text.append("\n")
    if report.level is not None:
        text.append(f"Level: {report.level.label}. ", style="bold")
        text.append(f"{report.level.words}\n")
    if report.accepted and report.level is not None:
        text.append("Who could still cheat:\n")
        for cheat in report.level.cheats:
            text.append(f"  - {cheat}\n")
    text.rstrip()
    return text


def _now() -> int:
    """The user's clock, seconds since 1970."""
    return int(time.time())


def _policy(file: Path | None, development_root: str) -> Policy:
    asked = Policy() if file is None else policies.parse(_read(file))
    return asked.allowing_development(_root(development_root)) if development_root else asked


def _root(named: str) -> bytes:
    """The fingerprint of a root that is given as one, or as a certificate."""
    if named.startswith("sha256:"):
        try:
            digest = bytes.fromhex(named.removeprefix("sha256:"))
        except ValueError:
            digest = b""
        if len(digest) != 32:
            raise Misuse("not sha256: and 64 hex digits", code="verify.root", root=named[:100])
        return digest
    try:
        return fingerprint(x509.load_pem_x509_certificate(_read(Path(named))))
    except ValueError:
        raise Misuse("not a certificate in PEM", code="verify.root", path=named) from None


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_ATTESTATION + 1)
    except OSError as error:
        raise Misuse(
            "the file cannot be read", code="verify.file", path=str(path), reason=error.strerror
        ) from error


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise Misuse(
            "the file cannot be written", code="verify.file", path=str(path), reason=error.strerror
        ) from error
