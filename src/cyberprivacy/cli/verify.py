"""`cyberprivacy verify`: may this address, or this file, be believed?"""

import secrets
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Final

import typer

from cyberprivacy.attest import judge
from cyberprivacy.attest.bare import KEY_ROLE, spki_of_pem
from cyberprivacy.attest.collateral.completing import judged
from cyberprivacy.attest.conversation import NoConnection, ask
from cyberprivacy.attest.evidence import CHALLENGE_SIZE
from cyberprivacy.attest.judge import claims, verify_document
from cyberprivacy.attest.onchain import read_facts
from cyberprivacy.attest.policy import Policy
from cyberprivacy.attest.report import Check, Report
from cyberprivacy.attest.seen import FileMemory
from cyberprivacy.attest.verify import Seen, questions, verify
from cyberprivacy.cli.judging import asked_policy, read_file
from cyberprivacy.cli.keys import parse_address
from cyberprivacy.cli.output import Json, out
from cyberprivacy.cli.vendors import Vendors, with_vendors
from cyberprivacy.cli.verdict import show
from cyberprivacy.errors import CyberPrivacyError, Misuse
from cyberprivacy.proposal.agreeing import Ledger, connect
from cyberprivacy.proposal.reading import read
from cyberprivacy.proposal.release import Address

EXAMPLE: Final = """Example: cyberprivacy verify https://app.example
--dao 0x5FbDB2315678afecb367f032d93F642f64180aa3 --factory 0x15d34AAf54267DB7D7c367839AAf71A00a2C6A65
--rpc https://rpc-one.example --rpc https://rpc-two.example.
Evidence about a bare key needs neither: cyberprivacy verify evidence.json --policy policy.json
--key key.pem --nonce 64-HEX-DIGITS.
Exit codes: 0 accepted, 1 rejected, 2 misused, 3 out of reach, 4 unsupported, 5 malformed."""

_Dao = Annotated[
    str, typer.Option("--dao", metavar="ADDRESS", envvar="CYBERPRIVACY_DAO", help="The DAO: its governor.")
]
_Rpc = Annotated[
    list[str] | None,
    typer.Option("--rpc", metavar="URL", envvar="CYBERPRIVACY_RPC", help="Chain endpoint; several must agree."),
]


def register(app: typer.Typer) -> None:
    """Add `verify` to the command line."""
    app.command("verify", epilog=EXAMPLE)(verify_command)


@with_vendors
def verify_command(  # noqa: PLR0913 - each is an option that a user types
    target: Annotated[
        str,
        typer.Argument(metavar="URL|FILE", help="https://… of an application, a saved proof, or bare evidence."),
    ],
    *,
    dao: _Dao = "",
    rpc: _Rpc = None,
    allow_development: Annotated[
        str, typer.Option(metavar="ROOT.pem|sha256:…", help="Accept evidence under this development root, too.")
    ] = "",
    factory: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ADDRESS", envvar="CYBERPRIVACY_FACTORY", help="A DaoFactory that must have made the DAO."
        ),
    ] = None,
    policy: Annotated[Path | None, typer.Option(help="JSON file that says what you ask for.")] = None,
    nonce: Annotated[str, typer.Option(metavar="HEX", help="Bare evidence must be made for this nonce.")] = "",
    key: Annotated[
        Path | None, typer.Option(metavar="PUB.pem", help="Bare evidence must be about this public key.")
    ] = None,
    role: Annotated[str, typer.Option(help="What the key of bare evidence must be for.")] = KEY_ROLE,
    any_software: Annotated[
        bool, typer.Option("--any-software", help="Accept bare evidence whatever software it is of.")
    ] = False,
    once: Annotated[
        Path | None, typer.Option(metavar="CACHE", help="Accept no evidence twice; remember it in this file.")
    ] = None,
    save: Annotated[Path | None, typer.Option(help="Keep the proof in this file.")] = None,
    vendors: Vendors,
    as_json: Json = False,
) -> None:
    """Check what runs behind an address: hardware evidence, node, statement, release, vote, laps and images.

    Prints one line for each check with its reason code, then the verdict, what it is worth, and who could
    still cheat. A file may also be evidence about a bare key, for which no chain is asked.
    """
    made = frozenset(parse_address(each, "--factory") for each in factory or ())
    wanted = asked_policy(policy, allow_development)
    asked = _Asked(
        policy=replace(wanted, any_software=any_software, factories=wanted.factories | made),
        dao=dao,
        rpc=tuple(rpc or ()),
        nonce=_nonce(nonce),
        key=None if key is None else spki_of_pem(read_file(key)),
        role=role,
        vendors=vendors,
        as_json=as_json,
    )
    if target.startswith(("https:", "http:")):
        data, report = _address(target, asked)
    else:
        data, report = _file(read_file(Path(target)), asked)
    if save is not None:
        _write(save, data)
    report = _once(report, once)
    out.result({"target": target, **report.as_json()}, show(report, target), as_json=as_json)
    if not report.accepted:
        raise typer.Exit(report.verdict.exit_code)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Asked:
    """What the user typed, beside the target."""

    policy: Policy
    dao: str
    rpc: tuple[str, ...]
    nonce: bytes | None
    key: bytes | None
    role: str
    vendors: Vendors
    as_json: bool

    def chain(self) -> tuple[Address, Ledger]:
        """The DAO and the chain that a node is judged by.

        Raises:
            Misuse: one is not named, or what only bare evidence takes is.
        """
        bare = self.nonce is not None or self.key is not None or self.role != KEY_ROLE
        if bare or self.policy.any_software:
            raise Misuse(
                "a node is asked with a nonce of our own, about its own key, and the chain knows its software",
                code="verify.option",
                hint="--nonce, --key, --role and --any-software are for files with evidence about a bare key.",
            )
        if not self.dao or not self.rpc:
            raise Misuse(
                "a node is judged by what a DAO has decided",
                code="verify.dao",
                hint="Name the DAO with --dao, and at least one chain endpoint with --rpc.",
            )
        return parse_address(self.dao, "--dao"), connect(self.rpc)


def _address(target: str, asked: _Asked) -> tuple[bytes, Report]:
    """Ask a node; its proof, and the verdict on it."""
    governor, chain = asked.chain()
    nonce = secrets.token_bytes(32)
    try:
        answer = ask(target, nonce)
    except NoConnection as silence:
        _explain_silence(silence, connect(asked.rpc), governor, target, as_json=asked.as_json)
        raise
    seen = Seen(answer.spki, nonce, answer.session)
    facts = read_facts(chain, governor, questions(answer.attestation), asked.policy.factories)
    return judged(
        answer.attestation,
        asked.vendors,
        lambda data: verify(data, seen=seen, facts=facts, policy=asked.policy, now=_now()),
        tell=out.progress,
    )


def _file(data: bytes, asked: _Asked) -> tuple[bytes, Report]:
    """The verdict on a file: bare evidence, or a saved proof. What is neither is named as what was asked for."""
    kind, policy = claims(data), asked.policy
    if kind == "bare" or (not kind and not asked.dao):
        return judged(
            data,
            asked.vendors,
            lambda data: verify_document(
                data, policy=policy, at=_now(), nonce=asked.nonce, spki=asked.key, role=asked.role
            ),
            tell=out.progress,
        )
    governor, chain = asked.chain()
    facts = read_facts(chain, governor, questions(data), policy.factories)
    return judged(
        data,
        asked.vendors,
        lambda data: verify(data, seen=Seen(None, None, None), facts=facts, policy=policy, now=_now()),
        tell=out.progress,
    )


def _once(report: Report, file: Path | None) -> Report:
    """The report, and whether this evidence was accepted before, if somebody remembers."""
    if file is None:
        return report
    new: bool | None = None
    if report.accepted:
        name, until = bytes.fromhex(str(report.facts["evidence"])), int(report.facts["until"])
        new = FileMemory(file).first(name, until=until, now=_now())
    return judge.once(report, new=new)


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


def _now() -> int:
    """The user's clock, seconds since 1970."""
    return int(time.time())


def _nonce(text: str) -> bytes | None:
    if not text:
        return None
    try:
        nonce = bytes.fromhex(text)
    except ValueError:
        nonce = b""
    if len(nonce) != CHALLENGE_SIZE or nonce.hex() != text:
        raise Misuse("not a nonce of 32 bytes in lower-case hex", code="verify.nonce", nonce=text[:80])
    return nonce


def _write(path: Path, data: bytes) -> None:
    try:
        path.write_bytes(data)
    except OSError as error:
        raise Misuse(
            "the file cannot be written", code="verify.file", path=str(path), reason=error.strerror
        ) from error
