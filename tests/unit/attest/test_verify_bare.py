"""`cyberprivacy verify FILE` on evidence about a bare key: no DAO, no chain, no network."""

import json
import re
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
import typer
from click.testing import Result
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from typer.testing import CliRunner

from cyberprivacy.attest.bare import EvidenceDocument, key_bound, spki_of_pem
from cyberprivacy.attest.evidence import Evidence
from cyberprivacy.cli import verify as command
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.testing.attested import EVENTS, NOW
from cyberprivacy.testing.papertpm import PaperTpm
from cyberprivacy.testing.tpm import DevelopmentRoot

SCHEMA = json.loads((Path(__file__).parents[3] / "docs" / "spec" / "report.schema.json").read_text())
NONCE = sha256(b"a nonce").digest()


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(command, "_now", lambda: NOW)
    for name in ("CYBERPRIVACY_DAO", "CYBERPRIVACY_RPC"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def root() -> DevelopmentRoot:
    return DevelopmentRoot.new()


@pytest.fixture
def folder(tmp_path: Path, root: DevelopmentRoot) -> Path:
    """A folder with evidence, the key that it is about, and the root."""
    pem = Ed25519PrivateKey.generate().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    bound = key_bound(spki_of_pem(pem), NONCE, since=NOW - 10, until=NOW + 600)
    document = EvidenceDocument(bound, PaperTpm(events=EVENTS).under(root).quote(bound.digest()))
    (tmp_path / "evidence.json").write_bytes(document.encode())
    (tmp_path / "key.pem").write_bytes(pem)
    (tmp_path / "root.pem").write_bytes(root.pem)
    return tmp_path


def run(folder: Path, *options: str, target: str = "evidence.json") -> Result:
    app = typer.Typer()
    command.register(app)
    words = [str(folder / target), "--allow-development", str(folder / "root.pem"), *options]
    return CliRunner().invoke(app, words)


def asked(folder: Path) -> list[str]:
    return ["--key", str(folder / "key.pem"), "--nonce", NONCE.hex(), "--any-software"]


def test_good_evidence_is_accepted_and_says_for_which_key(folder: Path) -> None:
    result = run(folder, *asked(folder))
    assert result.exit_code == 0, result.output
    assert "ACCEPTED" in result.stdout
    assert "for key " in result.stdout
    assert "[os.any-software]" in result.stdout


def test_a_key_for_another_purpose_is_refused_unless_it_is_named(folder: Path) -> None:
    document = EvidenceDocument.parse((folder / "evidence.json").read_bytes())
    result = run(folder, *asked(folder), "--role", "backup", "--json")
    assert [check["code"] for check in json.loads(result.stdout)["checks"] if check["verdict"] == "fail"] == [
        "bound.other-role"
    ]
    assert run(folder, *asked(folder), "--role", document.bound.role).exit_code == 0


def test_without_a_policy_that_names_software_the_answer_is_no(folder: Path) -> None:
    result = run(folder, "--nonce", NONCE.hex())
    assert result.exit_code == 1
    assert "REJECTED  because of os.measurement" in result.stdout


def test_a_policy_that_names_the_software_is_enough(folder: Path) -> None:
    measured = json.loads(run(folder, "--json").stdout)["facts"]["measurement"]
    policy = {"v": 1, "measurements": {f"sha256:{measured}": "Privacy OS 1.2"}}
    (folder / "policy.json").write_text(json.dumps(policy))
    result = run(folder, "--policy", str(folder / "policy.json"))
    assert result.exit_code == 0, result.output
    assert "software: Privacy OS 1.2" in result.stdout


@pytest.mark.parametrize(
    ("bend", "code"),
    [
        (lambda data: data.replace(b'"kind":"tpm2"', b'"kind":"abacus"'), 4),
        (lambda data: data.replace(b'"v":1}', b'"v":9}'), 4),
        (lambda data: data[:-9], 5),
        (lambda data: b"\x7fELF", 5),
        (lambda data: re.sub(rb'("attest":"....)....', rb"\1AAAA", data), 1),
    ],
    ids=["an unknown kind", "a version to come", "half a document", "another file", "a changed quote"],
)
def test_each_verdict_ends_in_its_own_way(folder: Path, bend: Any, code: int) -> None:
    file = folder / "evidence.json"
    file.write_bytes(bend(file.read_bytes()))
    assert run(folder, "--any-software").exit_code == code


def test_evidence_is_accepted_once_where_somebody_remembers(folder: Path) -> None:
    options = ("--any-software", "--once", str(folder / "seen.json"), "--json")
    assert run(folder, *options).exit_code == 0
    again = run(folder, *options)
    assert again.exit_code == 1
    assert json.loads(again.stdout)["checks"][-1]["code"] == "evidence.seen"
    refused = json.loads(run(folder, *options[1:]).stdout)
    assert refused["checks"][-1]["code"] == "needs.os.measurement"


@pytest.mark.parametrize(
    ("options", "code"),
    [
        (["--nonce", "00"], "verify.nonce"),
        (["--nonce", "G" * 64], "verify.nonce"),
        (["--nonce", NONCE.hex().upper()], "verify.nonce"),
        (["--key", "/nowhere.pem"], "verify.file"),
    ],
)
def test_an_option_that_cannot_be_is_misuse(folder: Path, options: list[str], code: str) -> None:
    error = run(folder, *options).exception
    assert isinstance(error, CyberPrivacyError)
    assert (error.code, error.exit_code) == (code, 2)


def test_an_address_or_an_attestation_needs_a_dao(folder: Path) -> None:
    (folder / "attestation.json").write_bytes(b'{"evidence":{},"statement":{}}')
    for target in ("attestation.json", "https://127.0.0.1:1"):
        words = [target if ":" in target else str(folder / target)]
        app = typer.Typer()
        command.register(app)
        error = CliRunner().invoke(app, words).exception
        assert isinstance(error, CyberPrivacyError)
        assert (error.code, error.exit_code) == ("verify.dao", 2)
        error = CliRunner().invoke(app, [*words, "--nonce", NONCE.hex()]).exception
        assert isinstance(error, CyberPrivacyError)
        assert (error.code, error.exit_code) == ("verify.option", 2)


@pytest.mark.parametrize("options", [[], ["--any-software"]])
def test_the_report_is_what_its_published_schema_says(folder: Path, options: list[str]) -> None:
    fits(json.loads(run(folder, "--json", *options).stdout), SCHEMA)


@pytest.mark.parametrize("change", [{"verdict": "fine"}, {"level": "best"}, {"checks": []}, {"facts": {"a": 1.5}}])
def test_the_schema_refuses_another_form(folder: Path, change: dict[str, Any]) -> None:
    report = json.loads(run(folder, "--json").stdout)
    with pytest.raises(AssertionError):
        fits({**report, **change}, SCHEMA)


TYPES: dict[str, type | tuple[type, ...]] = {"object": dict, "array": list, "string": str, "integer": int}


def fits(value: Any, schema: dict[str, Any]) -> None:
    """As much of JSON Schema as ours uses, by hand; a keyword that is not known here fails."""
    known = {"$schema", "title", "description", "type", "required", "properties", "const", "enum", "items"}
    assert schema.keys() <= known | {"minItems", "pattern", "additionalProperties"}
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    assert not types or any(isinstance(value, TYPES[each]) for each in types)
    assert "const" not in schema or value == schema["const"]
    assert "enum" not in schema or value in schema["enum"]
    assert "pattern" not in schema or re.search(schema["pattern"], value)
    if isinstance(value, list):
        assert len(value) >= schema.get("minItems", 0)
        for item in value:
            fits(item, schema.get("items", {}))
    if isinstance(value, dict):
        assert set(schema.get("required", [])) <= value.keys()
        for name, item in value.items():
            fits(item, schema.get("properties", {}).get(name, schema.get("additionalProperties", {})))


def test_an_unknown_kind_is_no_crash_in_the_document(folder: Path) -> None:
    bound = key_bound(bytes(32), NONCE, since=NOW, until=NOW)
    (folder / "odd.json").write_bytes(EvidenceDocument(bound, Evidence("abacus", {})).encode())
    report = json.loads(run(folder, "--json", target="odd.json").stdout)
    assert (report["verdict"], report["facts"]["kind"]) == ("unsupported", "abacus")
