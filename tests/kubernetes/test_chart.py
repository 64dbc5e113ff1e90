"""The chart is what the manifests say, a real Helm finds no fault with it, and a real API server takes all of it."""

import os
import subprocess
from pathlib import Path

import pytest
from tests.kubernetes.conftest import DEPLOY, RIG

from cyberprivacy.testing.kubernetes.binaries import helm
from cyberprivacy.testing.kubernetes.install import documents, install
from cyberprivacy.testing.kubernetes.plane import Plane

CHART, MANIFESTS = DEPLOY / "chart", DEPLOY / "manifests"
EXAMPLE = ("--values", str(CHART / "node-values.yaml"))


def asked(*words: str) -> subprocess.CompletedProcess[str]:
    command = [helm(RIG), *words, "--kube-version", "1.30.0"]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_the_manifests_are_what_the_chart_becomes(tmp_path: Path) -> None:
    subprocess.run([MANIFESTS / "make.sh", tmp_path], check=True, env=os.environ | {"HELM": str(helm(RIG))})
    for name in ("account.yaml", "node.yaml"):
        assert (tmp_path / name).read_text() == (MANIFESTS / name).read_text(), "run deploy/manifests/make.sh"


@pytest.mark.parametrize("values", [(), EXAMPLE], ids=["account", "node"])
def test_helm_finds_no_fault(values: tuple[str, ...]) -> None:
    said = asked("lint", "--strict", str(CHART), *values)
    assert (said.returncode, "0 chart(s) failed" in said.stdout) == (0, True), said.stdout


@pytest.mark.parametrize(
    "spoilt",
    [
        "node.image=registry.example/cyberprivacy:latest",
        "node.image=",
        "node.config=",
        "node.replicas=0",
        "node.service=ExternalName",
        "node.data.size=50G",
        "node.privileged=false",
        "other=1",
    ],
)
def test_values_that_cannot_be_meant_are_refused(spoilt: str) -> None:
    said = asked("template", "x", str(CHART), *EXAMPLE, "--set", spoilt)
    assert said.returncode != 0
    assert "values don't meet the specifications of the schema" in said.stderr


def test_a_real_server_takes_all_of_it(plane: Plane) -> None:
    assert {str(one["kind"]) for one in documents(MANIFESTS / "node.yaml")} >= {"StatefulSet", "NetworkPolicy"}
    install(plane, MANIFESTS / "node.yaml", dry_run=True)
