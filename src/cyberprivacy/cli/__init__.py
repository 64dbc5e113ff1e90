"""What people type. One place turns an error into words and an exit code.

Exit codes: 0 done, 1 refused, 2 misused, 3 try again later.
"""

import json
import os
import sys
from importlib import import_module
from importlib.metadata import version
from typing import Annotated, Final

import structlog
import typer

from cyberprivacy.cli.output import out
from cyberprivacy.cli.system import refusal_of
from cyberprivacy.errors import CyberPrivacyError

ROOMS: Final = {
    "keys": ("key",),
    "dao": ("dao", "cluster"),
    "market": ("market",),
    "provider": ("provider",),
    "validator": ("validator",),
    "rent": ("rent",),
    "release": (
        *("publish", "attest", "propose", "vote", "queue", "execute"),
        *("activate", "halt", "revoke", "status"),
    ),
    "bundle": ("pack", "bundle"),
    "review": ("lint", "measure", "bundle"),
    "build": ("pin", "build", "base"),
    "harbor": ("harbor",),
    "rancher": ("rancher",),
    "tpm": ("tpm",),
    "node": ("node",),
    "verify": ("verify",),
    "admin": ("admin",),
    "log": ("log",),
    "vault": ("vault",),
    "my": ("my",),
    "security": ("security",),
    "witness": ("witness",),
    "conformance": ("conformance",),
    "evidence": ("evidence",),
    "privacy_os": ("os",),
    "demo": ("demo",),
    "dev": ("dev",),
}
"""Modules of this package and the words that they add, in the order in which a release travels."""

app = typer.Typer(
    name="cyberprivacy",
    help="People vote on code. Machines that nobody can log in to run exactly that code. Anyone can check it.",
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(asked: bool) -> None:
    if asked:
        typer.echo(f"cyberprivacy {version('cyberprivacy')}")
        raise typer.Exit


@app.callback()
def _always_a_group(
    _: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Which version this is.")
    ] = False,
) -> None:
    """Without a callback, a command line of one command would take no command's name."""


_open: set[str] = set()


def group(name: str, summary: str) -> typer.Typer:
    """The command group of this name; rooms that share a noun (`bundle`) share its group."""
    for known in app.registered_groups:
        if known.name == name and known.typer_instance is not None:
            return known.typer_instance
    made = typer.Typer(help=summary, no_args_is_help=True, rich_markup_mode=None)
    app.add_typer(made, name=name)
    return made


def command_line(word: str = "") -> typer.Typer:
    """The command line; all of it, or just the rooms that know a word, so that it starts in a moment."""
    wanted = [room for room, words in ROOMS.items() if word in words] or list(ROOMS)
    if word == "--version":
        return app
    for room in wanted:
        if room not in _open:
            _open.add(room)
            import_module(f"cyberprivacy.cli.{room}").register(app)
    return app


def main() -> None:
    """Run the command line; the process ends with its exit code."""
    code = run(sys.argv[1:])
    try:
        sys.stdout.flush()
    except OSError:  # said already; what is still in the buffer shall not fail a second time, at the very end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    sys.exit(code)


def run(arguments: list[str]) -> int:
    """Run one command and say how it ended: 0 done, 1 refused, 2 misused, 3 try again later."""
    _log_to_stderr()
    try:
        return _typed(arguments)
    except CyberPrivacyError as error:
        refusal = error
    except OSError as error:
        refusal = refusal_of(error)
    except KeyboardInterrupt:
        out.progress("stopped")
        return 3
    _explain(refusal, as_json="--json" in arguments)
    return refusal.exit_code


def _typed(arguments: list[str]) -> int:
    known = command_line(arguments[0] if arguments else "")
    try:
        known(arguments, prog_name="cyberprivacy")
    except SystemExit as end:
        if end.code:
            return end.code if isinstance(end.code, int) else 1
    try:
        sys.stdout.flush()  # a result that nobody gets is no success
    except BrokenPipeError:
        return 1  # who read it has seen enough; so does typer end when it notices earlier
    return 0


def _log_to_stderr() -> None:
    """Events of the rooms are not results: they go to stderr, and only warnings unless a command says so."""
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.KeyValueRenderer(key_order=["event"]),
        ],
        wrapper_class=structlog.make_filtering_bound_logger("warning"),
        logger_factory=lambda *_: structlog.PrintLogger(sys.stderr),
    )


def _explain(error: CyberPrivacyError, *, as_json: bool) -> None:
    if as_json:
        facts = {name: str(value) for name, value in error.facts.items()}
        document = {"error": error.code, "what": error.what, "facts": facts, "hint": error.hint}
        try:
            sys.stdout.write(json.dumps(document, indent=2, ensure_ascii=False) + "\n")
            sys.stdout.flush()
        except OSError:  # it may be stdout itself that is full
            out.refusal(error)
    else:
        out.refusal(error)
