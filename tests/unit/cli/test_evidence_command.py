"""`evidence make`, `show` and `predict`, as they are typed inside a machine on paper."""

import json
import time
from collections.abc import Iterator
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from cyberprivacy.attest.bare import EvidenceDocument, key_bound
from cyberprivacy.attest.evidence import Evidence, Findings
from cyberprivacy.attest.quote import Tpm2Verifier
from cyberprivacy.attest.report import Level
from cyberprivacy.attest.snp.policy import SnpPolicy
from cyberprivacy.attest.snp.product import Product
from cyberprivacy.attest.snp.verifier import SnpVerifier
from cyberprivacy.attest.swtpm import SoftwareAttester
from cyberprivacy.attest.tdx.verifier import TdxVerifier
from cyberprivacy.cli import run
from cyberprivacy.testing import papertd
from cyberprivacy.testing.faketsm import FakeTsm
from cyberprivacy.testing.papertd import PaperTd
from cyberprivacy.testing.snp import FakeAmd, FakeChip
from cyberprivacy.testing.tdx import FMSPC, PaperIntel
from cyberprivacy.testing.tpm import DevelopmentRoot
from cyberprivacy.testing.vendors import FakeVendors

NOW = int(time.time())
NONCE = sha256(b"a nonce").hexdigest()


class Place:
    """A machine on paper, a key, vendors; and a command line."""

    def __init__(self, folder: Path, vendors: FakeVendors) -> None:
        self.folder, self.vendors = folder, vendors
        self.report = folder / "report"
        self.report.mkdir()
        public = ec.generate_private_key(ec.SECP256R1()).public_key()
        (folder / "key.pem").write_bytes(public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo))
        self.spki = sha256(public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()

    def make(self, *more: str, tsm: FakeTsm | None = None) -> int:
        words = [
            "evidence",
            "make",
            "--key",
            str(self.folder / "key.pem"),
            "--nonce",
            NONCE,
            "--tsm",
            str(self.report),
        ]
        words += ["--amd", self.vendors.sources.amd, "--intel", self.vendors.sources.intel, *more]
        if tsm is None:
            return run(words)
        with tsm.mounted(self.report):
            return run(words)


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    with FakeVendors(tmp_path) as vendors:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "vendors.pem"))
        monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
        yield Place(tmp_path, vendors)


@pytest.fixture(scope="module")
def amd() -> FakeAmd:
    return FakeAmd.new(Product.TURIN, now=NOW)


@pytest.fixture(scope="module")
def chip(amd: FakeAmd) -> FakeChip:
    return amd.chip()


@pytest.fixture(scope="module")
def td() -> PaperTd:
    return PaperTd.under(PaperIntel.new(now=NOW))


def codes(findings: Findings) -> list[str]:
    return [check.code for check in findings.checks]


@pytest.mark.engines
def test_a_guest_whose_host_gives_nothing_proves_a_key_all_the_same(
    place: Place, amd: FakeAmd, chip: FakeChip, capsys: pytest.CaptureFixture[str]
) -> None:
    place.vendors.publish_chip(amd, chip)
    file, before = place.folder / "e.json", int(time.time())
    assert (
        place.make(
            "--out",
            str(file),
            "--json",
            "--role",
            "backup",
            "--valid",
            "60",
            tsm=FakeTsm.of_chip(chip, certificates=False),
        )
        == 0
    )
    said = json.loads(capsys.readouterr().out)
    document = EvidenceDocument.parse(file.read_bytes())
    assert (said["hardware"], said["kind"], said["bound"]) == ("sev_guest", "sev-snp", document.bound.document())
    bound = document.bound
    assert (bound.role, bound.spki, bound.challenge.hex()) == ("backup", place.spki, NONCE)
    assert before <= bound.until - 60 <= time.time()
    verifier = SnpVerifier(SnpPolicy(require_crl=True))
    findings = verifier.judge(
        document.evidence, binding=bound.digest(), roots={amd.fingerprint: Level.DEVELOPMENT}, now=NOW
    )
    assert codes(findings) == ["ok"] * 6


@pytest.mark.engines
def test_a_td_proves_a_key_on_stdout(place: Place, td: PaperTd, capfd: pytest.CaptureFixture[str]) -> None:
    place.vendors.publish_intel(td.intel, FMSPC)
    place.vendors.pages["/sgx/certification/v4/rootcacrl"] = (td.intel.crl(td.intel.root).hex().encode(), {})
    assert place.make(tsm=FakeTsm.of_td(td)) == 0
    document = EvidenceDocument.parse(capfd.readouterr().out.encode())
    findings = TdxVerifier().judge(
        document.evidence,
        binding=document.bound.digest(),
        roots={td.intel.fingerprint: Level.DEVELOPMENT},
        now=NOW,
    )
    assert codes(findings) == ["ok"] * 6


@pytest.mark.engines
def test_offline_nobody_is_asked_and_what_is_missing_is_not_there(
    place: Place, chip: FakeChip, td: PaperTd, capfd: pytest.CaptureFixture[str]
) -> None:
    for tsm, fields in ((FakeTsm.of_chip(chip, certificates=False), {"report"}), (FakeTsm.of_td(td), {"quote"})):
        assert place.make("--offline", tsm=tsm) == 0
        assert EvidenceDocument.parse(capfd.readouterr().out.encode()).evidence.fields.keys() == fields
    assert not place.vendors.asked


@pytest.mark.engines
def test_without_its_vendor_a_bare_report_is_refused_by_name(
    place: Place, chip: FakeChip, capsys: pytest.CaptureFixture[str]
) -> None:
    file = place.folder / "e.json"
    assert place.make("--out", str(file), "--json", tsm=FakeTsm.of_chip(chip, certificates=False)) == 1
    assert json.loads(capsys.readouterr().out)["error"] == "collateral.unknown"
    assert not file.exists()


@pytest.mark.engines
def test_a_software_tpm_is_used_when_it_is_named(place: Place, capfd: pytest.CaptureFixture[str]) -> None:
    root, folder = DevelopmentRoot.at(place.folder / "root"), place.folder / "tpm"
    attester = SoftwareAttester(folder, ())
    (folder / "attestation-key.der").write_bytes(root.certify(attester.public))
    attester.close()
    assert place.make("--swtpm", str(folder)) == 0
    document = EvidenceDocument.parse(capfd.readouterr().out.encode())
    roots = {root.fingerprint: Level.DEVELOPMENT}
    findings = Tpm2Verifier().judge(
        document.evidence, binding=document.bound.digest(), roots=roots, now=int(time.time())
    )
    assert codes(findings) == ["ok"] * 6
    said, text = shown(place, document, capfd)
    assert said["measurement"] == (findings.measurement or b"").hex()
    assert "Development" in text or "development" in text


def test_a_machine_without_hardware_says_what_was_looked_for(
    place: Place, capsys: pytest.CaptureFixture[str]
) -> None:
    place.report.rmdir()
    assert place.make("--json") == 2
    said = json.loads(capsys.readouterr().out)
    assert said["error"] == "machine.no-hardware"
    assert str(place.report) in said["facts"]["looked_for"]


@pytest.mark.parametrize(
    ("more", "code"),
    [
        (["--nonce", "AB" * 32], "evidence.nonce"),
        (["--nonce", "00" * 31], "evidence.nonce"),
        (["--role", "node"], "evidence.bound"),
        (["--role", "Key"], "evidence.bound"),
        (["--key", "/nowhere"], "file"),
        (["--key", "/etc/hostname"], "evidence.key"),
        (["--swtpm", "/nowhere"], "evidence.uncertified"),
        (["--amd", "http://plain"], "collateral.source"),
    ],
)
def test_what_is_typed_wrongly_is_misuse(
    place: Place, capsys: pytest.CaptureFixture[str], more: list[str], code: str
) -> None:
    assert place.make("--json", *more) == 2
    assert json.loads(capsys.readouterr().out)["error"] == code


def shown(
    place: Place, document: EvidenceDocument, capsys: pytest.CaptureFixture[str]
) -> tuple[dict[str, object], str]:
    file = place.folder / "shown.json"
    file.write_bytes(document.encode())
    assert run(["evidence", "show", str(file), "--json"]) == 0
    said = json.loads(capsys.readouterr().out)
    assert run(["evidence", "show", str(file)]) == 0
    return said, capsys.readouterr().out


def document(evidence: Evidence) -> EvidenceDocument:
    return EvidenceDocument(key_bound(bytes(32), bytes(32), since=1, until=2), evidence)


def test_a_report_is_shown_unproven(place: Place, chip: FakeChip, capsys: pytest.CaptureFixture[str]) -> None:
    bound = document(Evidence("x", {})).bound
    said, text = shown(place, document(chip.quote(bound.digest())), capsys)
    assert (said["proven"], said["carries_binding"], said["product"], said["version"]) == (False, True, "Turin", 5)
    assert said["chip_id"] == chip.chip_id.hex()
    subjects = [each["subject"] for each in said["certificates"]]  # type: ignore[attr-defined]
    assert subjects == ["SEV-VCEK", "SEV-Turin", "ARK-Turin"]
    assert "Unproven" in text
    assert chip.chip_id.hex() in text
    assert "ARK-Turin, 20" in text
    said, _ = shown(place, document(chip.quote(bytes(64))), capsys)
    assert said["carries_binding"] is False


@pytest.mark.parametrize("inside", [True, False])
def test_a_quote_is_shown_unproven(
    place: Place, td: PaperTd, capsys: pytest.CaptureFixture[str], inside: bool
) -> None:
    said, text = shown(place, document(replace(td, inside=inside).quote(bytes(64))), capsys)
    assert (said["carries_binding"], said["product"], said["mrtd"]) == (
        False,
        f"FMSPC {FMSPC.hex()}",
        td.mrtd.hex(),
    )
    assert "Intel SGX Root CA" in text


@pytest.mark.parametrize(
    ("evidence", "code"),
    [
        (Evidence("sev-snp", {"report": bytes(1184)}), "snp.version"),
        (Evidence("sev-snp", {}), "evidence.form"),
        (Evidence("tdx", {"quote": b"\x04"}), "tdx.form"),
        (Evidence("tpm2", {"certificates": b""}), "evidence.chain"),
        (Evidence("psp", {}), "evidence.unknown-kind"),
    ],
)
def test_what_cannot_be_read_is_said_to_be_so(
    place: Place, evidence: Evidence, code: str, capsys: pytest.CaptureFixture[str]
) -> None:
    said, _ = shown(place, document(evidence), capsys)
    assert (said["unreadable"], said["kind"]) == (code, evidence.kind)


def test_a_td_is_predicted_from_its_log(place: Place, td: PaperTd, capsys: pytest.CaptureFixture[str]) -> None:
    logged = td.having([(0, 1, bytes(range(48)), b"kernel"), (2, 1, bytes(48), b"")])
    (place.folder / "CCEL").write_bytes(papertd.log(logged.events or ()))
    (place.folder / "quote").write_bytes(logged.quote(bytes(64)).fields["quote"])
    (place.folder / "other").write_bytes(td.quote(bytes(64)).fields["quote"])
    expected = TdxVerifier().measurement(logged.quote(bytes(64)))
    assert expected is not None
    predict = ["evidence", "predict", "tdx", "--json"]
    log = ["--ccel", str(place.folder / "CCEL")]
    quote = ["--quote", str(place.folder / "quote")]
    for words in ([*log, *quote], quote, [*log, "--mrtd", td.mrtd.hex()]):
        assert run([*predict, *words]) == 0
        said = json.loads(capsys.readouterr().out)
        assert said["measurement"] == expected.hex()
        assert said["rtmr0"] == logged.rtmrs[0].hex()
    assert run([*predict, *log]) == 0
    assert "measurement" not in json.loads(capsys.readouterr().out)
    for words, number, code in (
        ([*log, "--quote", str(place.folder / "other")], 1, "evidence.log-differs"),
        ([], 2, "predict.tdx"),
        ([*log, "--mrtd", "zz"], 2, "predict.tdx"),
        ([*quote, "--mrtd", td.mrtd.hex()], 2, "predict.tdx"),
        (["--ccel", "/nowhere"], 2, "file"),
    ):
        assert run([*predict, *words]) == number
        assert json.loads(capsys.readouterr().out)["error"] == code
