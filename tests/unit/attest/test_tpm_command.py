"""`cyberprivacy tpm`: request on the machine, certify elsewhere, install on the machine."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from cyberprivacy.attest.authority import DAY, Authority, BadAuthority
from cyberprivacy.attest.authorityfiles import CERTIFICATES_FILE, KEY_FILE, keep, load
from cyberprivacy.attest.certificates import check_chain, split
from cyberprivacy.attest.swtpm import SoftwareTpm
from cyberprivacy.attest.tpmcommands import Tpm
from cyberprivacy.attest.tpmtemplates import ENDORSEMENT_ECC
from cyberprivacy.cli import run
from cyberprivacy.node.machine import CERTIFICATES
from cyberprivacy.testing.tpm import DevelopmentRoot, FakeVendor


class Bench:
    """A machine with a TPM from the factory, and an authority."""

    def __init__(self, folder: Path, capsys: pytest.CaptureFixture[str], *, marked: bool = True) -> None:
        self.folder, self._capsys = folder, capsys
        self.vendor, self.root = FakeVendor.new(marked=marked), DevelopmentRoot.new()
        self.machine, self.maker, self.issuer = folder / "tpm", folder / "maker.pem", folder / "issuer.pem"
        engine = SoftwareTpm(self.machine)
        self.key = self.vendor.provision(Tpm(engine), 0x01C0000A, ENDORSEMENT_ECC)
        engine.close()
        self.maker.write_bytes(self.vendor.root.public_bytes(Encoding.PEM))
        self.issuer.write_bytes(self.vendor.issuer.public_bytes(Encoding.PEM))
        keep(self.root.authority, folder / "authority")

    def run(self, *words: str) -> tuple[int, Any]:
        code = run(["tpm", *words, "--json"])
        return code, json.loads(self._capsys.readouterr().out)

    def request(self) -> tuple[int, Any]:
        return self.run("request", "--swtpm", str(self.machine), "-o", str(self.folder / "request"))

    def certify(self, *more: str) -> tuple[int, Any]:
        words = [str(self.folder / "request"), "--authority", str(self.folder / "authority")]
        words += ["--issuers", str(self.issuer), "-o", str(self.folder / "answer")]
        return self.run("certify", *words, *(more or ("--vendor", str(self.maker), "--days", "30")))

    def install(self, machine: Path | None = None) -> tuple[int, Any]:
        return self.run("install", str(self.folder / "answer"), "--swtpm", str(machine or self.machine))


@pytest.fixture
def bench(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> Bench:
    return Bench(tmp_path, capsys)


@pytest.mark.engines
def test_a_machine_gets_its_certificate(bench: Bench, tmp_path: Path) -> None:
    code, asked = bench.request()
    assert code == 0
    pin = f"sha256:{bench.vendor.fingerprint.hex()}"
    assert (
        bench.certify("--vendor", pin)[1]["error"] == "enrolment.ek-chain"
    )  # a pin does not bring the root along
    assert bench.certify("--vendor", pin, "--issuers", str(bench.maker), "--days", "7")[0] == 0
    code, certified = bench.certify("--vendor", str(bench.maker), "--days", "89")
    assert (code, certified["hardware"], certified["days"]) == (0, asked["hardware"], 89)
    code, installed = bench.install()
    assert (code, installed["hardware"]) == (0, asked["hardware"])
    assert installed["certificates"] == str(bench.machine / CERTIFICATES)
    assert installed["root"] == f"sha256:{bench.root.fingerprint.hex()}"
    chain = check_chain(split((bench.machine / CERTIFICATES).read_bytes()), now=int(datetime.now(UTC).timestamp()))
    assert chain.root == bench.root.fingerprint
    assert chain.hardware is not None
    assert chain.hardware.hex() == asked["hardware"]


@pytest.mark.engines
def test_each_step_refuses_what_is_not_for_it(bench: Bench, tmp_path: Path) -> None:
    assert bench.request()[0] == 0
    stranger = tmp_path / "stranger.pem"
    stranger.write_bytes(FakeVendor.new().root.public_bytes(Encoding.PEM))
    code, said = bench.certify("--vendor", str(stranger), "--issuers", str(bench.maker))
    assert (code, said["error"]) == (1, "enrolment.ek-vendor")
    code, said = bench.certify("--vendor", str(tmp_path / "request"))
    assert (code, said["error"]) == (2, "enrolment.vendor-file")
    assert bench.certify()[0] == 0
    (tmp_path / "another tpm").mkdir()
    code, said = bench.install(tmp_path / "another tpm")
    assert (code, said["error"]) == (1, "enrolment.other-tpm")
    code, said = bench.install(tmp_path / "nowhere")
    assert (code, said["error"]) == (2, "tpm.folder")
    code, said = bench.run("request", "--swtpm", str(tmp_path / "another tpm"), "-o", str(tmp_path / "r"))
    assert (code, said["error"]) == (2, "enrolment.no-certificate")
    code, said = bench.run("request", "--device", str(tmp_path / "tpmrm0"), "-o", str(tmp_path / "r"))
    assert (code, said["error"]) == (2, "tpm.device")
    (tmp_path / "answer").write_bytes((tmp_path / "request").read_bytes())
    code, said = bench.install()
    assert (code, said["error"]) == (1, "attestation.form")


@pytest.mark.engines
def test_a_certificate_that_the_maker_publishes_may_be_brought(bench: Bench, tmp_path: Path) -> None:
    der = tmp_path / "ek.der"
    der.write_bytes(bench.vendor.certify(bench.key.key))
    words = ["--swtpm", str(bench.machine), "-o", str(tmp_path / "request"), "--certificate", str(der)]
    assert bench.run("request", *words)[0] == 0
    assert bench.certify()[0] == 0


def test_an_authority_is_made_once_and_its_key_is_for_its_owner_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "authority"
    words = ["tpm", "authority", str(folder), "--name", "Provider of cluster 7", "--json"]
    assert run(words) == 0
    root = json.loads(capsys.readouterr().out)["root"]
    assert root.startswith("sha256:")
    assert (folder / KEY_FILE).stat().st_mode & 0o777 == 0o600
    assert load(folder).chain[0].subject.rfc4514_string() == "CN=Provider of cluster 7"
    assert not load(folder).development
    before = (folder / KEY_FILE).read_bytes()
    assert run(words) == 2
    assert json.loads(capsys.readouterr().out)["error"] == "enrolment.authority-exists"
    assert (folder / KEY_FILE).read_bytes() == before
    assert run([*words[:4], "a\nb", "--json"]) == 2


@pytest.mark.parametrize(
    ("name", "data", "mode", "code"),
    [
        (KEY_FILE, None, 0o640, "enrolment.key-mode"),
        (KEY_FILE, b"nonsense", 0o600, "enrolment.authority"),
        (CERTIFICATES_FILE, b"nonsense", 0o600, "enrolment.authority"),
        (CERTIFICATES_FILE, DevelopmentRoot.new().pem, 0o600, "enrolment.authority"),
    ],
)
def test_what_is_no_authority_vouches_for_nothing(
    tmp_path: Path, name: str, data: bytes | None, mode: int, code: str
) -> None:
    keep(Authority.new("somebody", now=int(datetime.now(UTC).timestamp()), life=DAY), tmp_path)
    if data is not None:
        (tmp_path / name).write_bytes(data)
    (tmp_path / name).chmod(mode)
    with pytest.raises(BadAuthority) as refusal:
        load(tmp_path)
    assert refusal.value.code == code


def test_an_authority_that_is_not_there_is_misuse(tmp_path: Path) -> None:
    with pytest.raises(BadAuthority):
        load(tmp_path)
