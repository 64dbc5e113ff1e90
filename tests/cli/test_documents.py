"""What docs/ shows is what the program takes: commands exist, examples parse, lists are not stale.

`python tests/cli/test_documents.py > docs/reference/lint-rules.md` writes the list of rules anew.
"""

import json
import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer.main

from cyberprivacy.attest.identity import NodeKey
from cyberprivacy.bundle import manifest
from cyberprivacy.cli import command_line
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.node import config, standalone
from cyberprivacy.node.circle_config import watching
from cyberprivacy.node.clusters import InClusters
from cyberprivacy.node.tables import Table
from cyberprivacy.review.lint import findings
from cyberprivacy.review.rules import RULES

DOCS = Path(__file__).resolve().parents[2] / "docs"
PAGES = sorted((*(DOCS / "how-to").glob("*.md"), *(DOCS / "reference").glob("*.md"), DOCS / "tutorial.md"))
FENCE = re.compile(r"^```(\w+)(?: file=(\S+))?\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TITLES = {
    "tree": "The directory", "manifest": "cyberprivacy.yaml", "requirements": "Requirements files", "secret": "Secrets",
    "text": "What readers cannot see", "blob": "What readers cannot read", "yaml": "YAML", "dockerfile": "Dockerfile",
    "k8s": "Kubernetes objects", "admin": "What administrators may do", "data": "What is kept for users",
}  # fmt: skip


def blocks(page: Path, kind: str) -> list[tuple[str, str]]:
    return [(name, body) for found, name, body in FENCE.findall(page.read_text()) if found == kind]


def rules() -> str:
    """docs/reference/lint-rules.md"""
    text = (
        "# Lint rules\n\nWhat `cyberprivacy lint` asks of a bundle, and every node before it builds. A code never changes its meaning.\n"
        "This page is made from `cyberprivacy lint --rules`.\n"
    )
    room = ""
    for code, rule in RULES.items():
        if (here := code.partition(".")[0]) != room:
            room = here
            text += f"\n## {TITLES[room]}\n\n| code | rule | what to do |\n|---|---|---|\n"
        says = rule.says + (" (a note only)" if rule.note else "")
        text += f"| `{code}` | {cell(says)} | {cell(rule.hint)} |\n"
    return text


def cell(text: str) -> str:
    return text.replace("|", "\\|")


def test_the_list_of_rules_is_what_lint_prints() -> None:
    assert (DOCS / "reference" / "lint-rules.md").read_text() == rules()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_command_and_option_that_a_page_shows_exists(page: Path) -> None:
    for _, body in blocks(page, "sh"):
        for line in body.replace("\\\n", " ").splitlines():
            inner = re.findall(r"\$\((.*?)\)", line)
            for typed in re.findall(
                r"\bcyberprivacy ([a-z][^|;&]*)", "; ".join((re.sub(r"\$\(.*?\)", "X", line), *inner))
            ):
                check(shlex.split(typed))


def check(words: list[str]) -> None:
    command: Any = typer.main.get_command(command_line())
    rest = list(words)
    while hasattr(command, "commands"):
        assert rest[0] in command.commands, words
        command = command.commands[rest.pop(0)]
    known = {name for each in command.params for name in (*each.opts, *each.secondary_opts)}
    assert {word.partition("=")[0] for word in rest if re.match(r"--?[a-z]", word)} <= known | {"--help"}, words


def with_keys(body: str) -> str:
    """An example with whole keys where it has only their beginnings: whole ones fill a page."""
    for name, some in standalone.keys(NodeKey.unsealed(bytes(32))).items():
        for each in some:
            body = body.replace(f'"cyberprivacy.{name}/…"', f'"{each}"', 1)
    return body


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_example_of_a_file_is_one_that_its_reader_takes(page: Path) -> None:
    for _, body in blocks(page, "toml"):
        match tomllib.loads(with_keys(body)):
            case {"witness": table, **other} if not other:
                watching(table)
            case {"kubernetes": _, **other} as value if not other:
                InClusters.read(Table("", value, {"kubernetes"}))
            case {"listen": _, **_other} as value:
                standalone.parse(value)
            case value:
                config.parse(value)
    for _, body in blocks(page, "json"):
        assert json.loads(body)
    for _, body in blocks(page, "yaml"):
        if body.startswith("cyberprivacy:"):
            manifest.parse(body.encode())


def test_the_application_of_the_guide_passes_the_gate(tmp_path: Path) -> None:
    page = DOCS / "how-to" / "write-an-application.md"
    for kind in ("yaml", "dockerfile", "python"):
        for name, body in blocks(page, kind):
            (tmp_path / name).parent.mkdir(exist_ok=True)
            (tmp_path / name).write_text(body)
    assert not [one for one in findings(tmp_path, ignore=frozenset()) if one.refuses]


def test_an_example_that_is_wrong_is_noticed() -> None:
    with pytest.raises(CyberPrivacyError):
        config.parse({"image": "evil"})
    with pytest.raises(AssertionError):
        check(["lint", "--no-such-option"])


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_every_link_to_a_page_leads_to_one(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", page.read_text()):
        assert (page.parent / target).exists(), target


if __name__ == "__main__":
    print(rules(), end="")  # noqa: T201
