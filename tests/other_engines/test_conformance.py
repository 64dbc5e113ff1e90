"""The registry that a node brings, judged by the suite of the specification's authors, as a node configures it."""

import os
import re
import subprocess
from pathlib import Path
from xml.etree import ElementTree as ET

import pytest

from cyberprivacy.registry.distribution import Credentials
from cyberprivacy.registry.docker_registry import DockerRegistry
from cyberprivacy.testing.town import free_port

SUITE = Path(__file__).parent / "oci"
pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def suite() -> Path:
    """The program, compiled at the version of `oci/go.mod`."""
    return Path(subprocess.run([SUITE / "build.sh"], check=True, capture_output=True, text=True).stdout.strip())


def verdicts(suite: Path, registry: DockerRegistry, results: Path) -> dict[str, set[str]]:
    """Names of tests by what became of them; a test that is done several times may be in more than one."""
    who = Credentials.read(registry.authfile, registry.host)
    assert who is not None
    wanted = {"VERSION": "1.1", "TLS": "enabled", "REPO1": "app-1/web", "REPO2": "app-2/web", "LOG": "error"}
    where = {
        "REGISTRY": registry.host,
        "USERNAME": who.user,
        "PASSWORD": who.password,
        "RESULTS_DIR": str(results),
    }
    settings = {f"OCI_{name}": value for name, value in (wanted | where).items()}
    environment = {"PATH": os.environ["PATH"], "SSL_CERT_FILE": str(registry.ca), **settings}
    subprocess.run([suite], env=environment, cwd=results.parent, capture_output=True, check=False)
    found: dict[str, set[str]] = {}
    for case in ET.parse(results / "junit.xml").getroot().iter("testcase"):  # noqa: S314 - of our own program
        found.setdefault(case.attrib["status"], set()).add(case.attrib["name"].partition("/")[2])
    return found


def test_it_differs_from_the_specification_where_we_say_and_nowhere_else(suite: Path, tmp_path: Path) -> None:
    known = {line for line in (SUITE / "fails.txt").read_text().splitlines() if re.match(r"[^#\s]", line)}
    with DockerRegistry(tmp_path / "registry", free_port()) as registry:
        found = verdicts(suite, registry, tmp_path / "results")
    assert found.get("error", set()) == set()
    assert found["failure"] == known
    assert len(found["passed"]) > 200  # names: it did run
