"""The pages about TPMs and evidence are typed as they stand, on a machine with a real software TPM."""

import json
import re
import subprocess
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding
from tests.cli.test_sessions import say
from tests.guides import commands, shows, words

from cyberprivacy.attest.swtpm import SoftwareTpm
from cyberprivacy.attest.tpmcommands import Tpm
from cyberprivacy.attest.tpmtemplates import ENDORSEMENT_ECC
from cyberprivacy.testing.tpm import FakeVendor

pytestmark = pytest.mark.engines
ELSEWHERE = (" --intel ", " --offline ", " predict ")
"""Of a TPM no vendor publishes anything, and predictions have tests of their own (`test_evidence_command.py`)."""


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """A machine whose TPM comes from a maker, and what stands on the pages for it."""
    monkeypatch.chdir(tmp_path)
    vendor = FakeVendor.new(marked=False)
    engine = SoftwareTpm(tmp_path / "tpm")
    vendor.provision(Tpm(engine), 0x01C0000A, ENDORSEMENT_ECC)
    engine.close()
    Path("maker.pem").write_bytes(vendor.root.public_bytes(Encoding.PEM))
    Path("issuers.pem").write_bytes(vendor.issuer.public_bytes(Encoding.PEM))
    return {
        "tpm request": "tpm request --swtpm tpm",
        "tpm install": "tpm install --swtpm tpm",
        "evidence make": "evidence make --swtpm tpm",
    }


def shell(line: str) -> str:
    """What a line of the shell's own leaves in $NONCE."""
    script = f'NONCE=; {line}\nprintf %s "$NONCE"'
    return subprocess.run(["sh", "-euc", script], check=True, capture_output=True, text=True).stdout


def policy(said: dict[str, str]) -> str:
    """The page's policy for this machine: what it measures, which it is, whose word about TPMs is taken."""
    asked = json.loads(shows("how-to/verify-evidence.md", "json")[0])
    measured = re.findall(r"measurement +([0-9a-f]{64})", said["evidence show"])
    asked["measurements"] = dict(
        zip((f"sha256:{each}" for each in measured), asked["measurements"].values(), strict=True)
    )
    asked["hardware"] = [f"tpm2:{each}" for each in re.findall(r"TPM ([0-9a-f]{64})", said["tpm certify"])]
    roots = re.findall(r"sha256:[0-9a-f]{64}", said["tpm authority"])
    return json.dumps(asked | {"least": "measured-boot", "roots": dict.fromkeys(roots, "measured-boot")})


def test_a_tpm_is_certified_and_evidence_made_and_verified_as_the_pages_say(desk: dict[str, str]) -> None:
    said: dict[str, str] = {}
    pages = ("certify-a-tpm", "make-evidence", "verify-evidence")
    for line in [line for page in pages for line in commands(f"how-to/{page}.md")]:
        if any(word in line for word in ELSEWHERE):
            continue
        if not line.startswith("cyberprivacy "):
            desk["$NONCE"] = shell(line) or desk.get("$NONCE", "")
            continue
        typed = words(line, desk)
        if typed[0] == "verify":
            Path("policy.json").write_text(policy(said))
        done = say(typed)
        assert done.code == 0, (line, done)
        said[" ".join(typed[:2])] = done.out
    assert "ACCEPTED" in said["verify evidence.json"]
    assert "backup service 3.1" in said["verify evidence.json"]
