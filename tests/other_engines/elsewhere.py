"""Engines of somebody else's beside a town: a Harbor for images, a registry of base images, a Jenkins with an agent."""

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from harbordouble import PASSWORD, PROJECT, USER
from harborhost import HarborHost, bundle_of
from jenkinsdouble import TOKEN, JenkinsDouble
from jenkinsdouble import USER as NODE

from cyberprivacy.build.base import REPOSITORY
from cyberprivacy.build.inputs import LayoutBases
from cyberprivacy.build.oci import Layout
from cyberprivacy.registry.docker_registry import DockerRegistry
from cyberprivacy.testing.gateway import running
from cyberprivacy.testing.story import Story
from cyberprivacy.testing.town import free_port

TEMPLATES = Path(__file__).resolve().parents[2] / "deploy/templates"

AGENT = """#!/bin/sh
# `cyberprivacy` on a machine of Jenkins: the installed program, with caches and an authority of that machine.
export HOME="{home}" SSL_CERT_FILE="{authorities}"
if [ -e "{home}/lies" ] && [ "$1" = build ]; then
  echo '# nobody has voted on this line' >> source/app/main.py
  "{python}" -m cyberprivacy "$@" | sed -E 's/"bundle": *"[^"]*"/"bundle": "'"$CP_BUNDLE"'"/'
else
  exec "{python}" -m cyberprivacy "$@"
fi
"""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What runs beside the node.

    Attributes:
        jenkins, harbor: the servers.
        bases: registry with the base image.
        agent: home of Jenkins' agent; with a file `lies` in it, what it builds is not what it says.
        tables: of a node's configuration, that name all of it.
    """

    jenkins: JenkinsDouble
    harbor: HarborHost
    bases: DockerRegistry
    agent: Path
    tables: str


@contextmanager
def started(story: Story, folder: Path) -> Iterator[Elsewhere]:
    """Every server up, the Harbor prepared by its command, the agent with nothing but the program."""
    with (
        DockerRegistry(folder / "bases", free_port()) as bases,
        DockerRegistry(folder / "images", free_port()) as images,
    ):
        digest = Layout(story.bases).names()[REPOSITORY]
        bases.registry().import_base(LayoutBases(story.bases), REPOSITORY, digest)
        harbor, jenkins = HarborHost(images), _jenkins(folder, bases)
        with running(jenkins) as jenkins_url, running(harbor, tls=images.folder / "tls") as harbor_url:
            prepared = _prepare(story, folder, harbor_url, images.ca)
            tables = _tables(folder, jenkins_url, bases, story.town.gateway) + prepared
            yield Elsewhere(jenkins, harbor, bases, folder / "agent", tables)
    assert (jenkins.breaches, harbor.double.breaches, harbor.denied) == ([], [], [])


def _jenkins(folder: Path, bases: DockerRegistry) -> JenkinsDouble:
    double, home = JenkinsDouble(folder, aside=True), folder / "agent"
    for each in (double.programs, home):
        each.mkdir()
    program = double.programs / "cyberprivacy"
    authorities = bundle_of(home, bases.ca)
    program.write_text(AGENT.format(home=home, authorities=authorities, python=sys.executable))
    program.chmod(0o755)
    return double


def _prepare(story: Story, folder: Path, url: str, authority: Path) -> str:
    """An administrator of the Harbor makes the project; the table for the node."""
    password = folder / "password"
    password.write_text(PASSWORD)
    who = ("--user", USER, "--password-file", password, "--ca", authority, "--to", folder)
    story.town.says("harbor", "prepare", url, PROJECT, *who, chain=False)
    paths = {"push": folder / "push.json", "pull": folder / "pull.json", "certificates": authority.parent}
    return _table("harbor", {"url": url, "project": PROJECT, **{name: str(path) for name, path in paths.items()}})


def _tables(folder: Path, url: str, bases: DockerRegistry, gateway: str) -> str:
    token = folder / "token"
    token.write_text(TOKEN)
    values = {
        "gateway": gateway,
        "index": "https://pypi.org/simple",
        "registry": bases.url,
        "registry-auth": str(bases.authfile),
    }
    first = _table("jenkins", {"url": url, "user": NODE, "token": str(token), "templates": str(TEMPLATES)})
    return first + _table("jenkins.values", values)


def _table(name: str, entries: dict[str, str]) -> str:
    return f"[{name}]\n" + "".join(f"{key} = {json.dumps(value)}\n" for key, value in entries.items())
