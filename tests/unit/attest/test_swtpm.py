"""The whole road with a real TPM engine: born, measured, quoted, judged."""

import struct
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from cyberprivacy.attest.keeping import kept_node_key
from cyberprivacy.attest.quote import Tpm2Verifier
from cyberprivacy.attest.report import Level, Verdict
from cyberprivacy.attest.swtpm import EngineMissing, SoftwareAttester, SoftwareTpm
from cyberprivacy.attest.tpm2 import ALG_SHA256, Quote, sized
from cyberprivacy.attest.tpmcommands import Tpm, TpmBusy, TpmGone, TpmRefused
from cyberprivacy.errors import Misuse
from cyberprivacy.testing.attested import EVENTS, World, approved, chain_facts
from cyberprivacy.testing.tpm import KEY_FILE, DevelopmentRoot, development_attester

pytestmark = pytest.mark.engines
BINDING = bytes(range(64))


@pytest.fixture
def root() -> DevelopmentRoot:
    return DevelopmentRoot.new()


@pytest.fixture
def attester(tmp_path: Path, root: DevelopmentRoot) -> Iterator[SoftwareAttester]:
    made = development_attester(tmp_path / "tpm", EVENTS, root)
    yield made
    made.close()


def test_a_real_quote_passes_the_production_verifier(attester: SoftwareAttester, root: DevelopmentRoot) -> None:
    findings = Tpm2Verifier().judge(
        attester.quote(BINDING),
        binding=BINDING,
        roots={root.fingerprint: Level.DEVELOPMENT},
        now=int(time.time()),
    )
    assert {check.verdict for check in findings.checks} == {Verdict.PASS}
    assert (findings.level, findings.measurement) == (Level.DEVELOPMENT, attester.measurement)


def test_a_node_with_a_software_tpm_is_accepted_and_without_its_root_named_it_is_not(
    attester: SoftwareAttester, root: DevelopmentRoot, world: World
) -> None:
    now = int(time.time())
    facts = chain_facts(world.key.id, attester.measurement)
    block = replace(world.release.block, timestamp=now)
    moved = replace(
        facts,
        block=replace(facts.block, timestamp=now),
        measurements={attester.measurement: 1},
        blocks={block.number: block},
    )
    node = world.bend(
        attester=attester,
        facts=moved,
        now=now,
        tls=type(world.tls).born(["a"], lifetime=600, now=now),
        release=approved(block=block),
        policy=type(world.policy)().allowing_development(root.fingerprint),
    )
    assert node.report().accepted
    refused = node.bend(policy=type(world.policy)()).report()
    assert [check.code for check in refused.failures] == ["evidence.development-root"]


def test_the_key_stays_the_same_over_restarts_and_the_registers_start_anew(
    tmp_path: Path, root: DevelopmentRoot
) -> None:
    first = development_attester(tmp_path, EVENTS, root)
    public, measured = first.public.raw, first.quote(BINDING).fields["attest"]
    first.close()
    second = development_attester(tmp_path, EVENTS, root)
    again = second.quote(BINDING).fields["attest"]
    second.close()
    assert second.public.raw == public
    assert Quote.parse(again).digest == Quote.parse(measured).digest
    assert Quote.parse(again).resets > Quote.parse(measured).resets


def test_a_tpm_that_was_killed_is_started_again_by_the_next_quote(attester: SoftwareAttester) -> None:
    before = Quote.parse(attester.quote(BINDING).fields["attest"])
    attester._engine._process.kill()
    after = Quote.parse(attester.quote(BINDING).fields["attest"])
    assert after.digest == before.digest
    assert after.resets > before.resets


def test_the_tpm_ends_with_us(tmp_path: Path) -> None:
    engine = SoftwareTpm(tmp_path)
    process = engine._process
    engine._socket.close()
    assert process.wait(10) is not None


def test_one_state_is_used_by_one_tpm_at_a_time(tmp_path: Path, attester: SoftwareAttester) -> None:
    with pytest.raises(TpmGone):
        Tpm(SoftwareTpm(tmp_path / "tpm")).create_attestation_key()
    assert attester.quote(BINDING).kind == "tpm2"


def test_nobody_else_can_read_the_state(tmp_path: Path, attester: SoftwareAttester) -> None:
    folder = tmp_path / "tpm"
    assert folder.stat().st_mode & 0o077 == 0
    assert all(path.stat().st_mode & 0o077 == 0 for path in folder.iterdir() if path.name != ".lock")
    command = Path(f"/proc/{attester._engine._process.pid}/cmdline").read_bytes()
    assert b"--fd" in command
    assert b"key" not in command


def test_what_is_sealed_opens_for_the_same_software_only(tmp_path: Path, root: DevelopmentRoot) -> None:
    path = tmp_path / "key.sealed"
    one = development_attester(tmp_path / "tpm", EVENTS, root)
    key = kept_node_key(path, one)
    assert kept_node_key(path, one).id == key.id
    sealed = path.read_bytes()
    one.close()
    assert key.seed() not in sealed
    other = development_attester(tmp_path / "tpm", EVENTS[:-1], root)
    with pytest.raises(TpmRefused):
        other.unseal(sealed)
    other.close()
    stranger = development_attester(tmp_path / "another tpm", EVENTS, root)
    with pytest.raises(TpmRefused):
        stranger.unseal(sealed)
    stranger.close()
    same = development_attester(tmp_path / "tpm", EVENTS, root)
    assert kept_node_key(path, same).id == key.id
    same.close()


def test_a_damaged_sealed_key_is_put_aside_for_a_new_one_and_nobody_can_miss_it(
    tmp_path: Path, attester: SoftwareAttester
) -> None:
    path = tmp_path / "key.sealed"
    with capture_logs() as logs:
        old = kept_node_key(path, attester)
        assert kept_node_key(path, attester).id == old.id
    assert logs == []
    for number, damaged in enumerate((b"", path.read_bytes()[:-1], bytes(5000)), 1):
        path.write_bytes(damaged)
        with capture_logs() as logs:
            new = kept_node_key(path, attester)
        assert new.id != old.id
        assert kept_node_key(path, attester).id == new.id
        aside = tmp_path / f"key.sealed.lost-{number}"
        assert aside.read_bytes() == damaged
        assert [(each["code"], each["aside"], each["born"]) for each in logs] == [
            ("node.key-lost", str(aside), new.id.hex())
        ]
    assert path.stat().st_mode & 0o077 == 0


def test_a_key_that_other_software_sealed_opens_again_when_that_software_is_back(
    tmp_path: Path, root: DevelopmentRoot
) -> None:
    path, ids = tmp_path / "key.sealed", []
    for events in (EVENTS, EVENTS[:-1]):
        attester = development_attester(tmp_path / "tpm", events, root)
        ids.append(kept_node_key(path, attester).id)
        attester.close()
    assert ids[0] != ids[1]
    (tmp_path / "key.sealed.lost-1").replace(path)
    back = development_attester(tmp_path / "tpm", EVENTS, root)
    assert kept_node_key(path, back).id == ids[0]
    back.close()


def test_many_quotes_leave_nothing_behind_in_the_tpm(attester: SoftwareAttester) -> None:
    for number in range(64):
        assert attester.unseal(attester.seal(bytes([number]))) == bytes([number])
        attester.quote(BINDING)


def test_a_missing_engine_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(EngineMissing) as refusal:
        SoftwareTpm(tmp_path / "tpm")
    assert "apt install swtpm" in refusal.value.hint


def test_a_state_that_cannot_be_kept_is_try_later(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(TpmGone):
        SoftwareTpm(tmp_path / "file" / "tpm")


def test_no_descriptor_is_left_behind(tmp_path: Path, root: DevelopmentRoot) -> None:
    development_attester(tmp_path, EVENTS, root).close()
    before = len(list(Path("/proc/self/fd").iterdir()))
    development_attester(tmp_path, EVENTS, root).close()
    assert len(list(Path("/proc/self/fd").iterdir())) == before


def test_a_development_root_is_kept_and_its_key_is_for_its_owner_only(tmp_path: Path) -> None:
    made = DevelopmentRoot.at(tmp_path / "root")
    assert DevelopmentRoot.at(tmp_path / "root").fingerprint == made.fingerprint
    assert (tmp_path / "root" / KEY_FILE).stat().st_mode & 0o777 == 0o600
    (tmp_path / "root" / KEY_FILE).write_bytes(b"nonsense")
    with pytest.raises(Misuse):
        DevelopmentRoot.at(tmp_path / "root")


def test_power_cuts_neither_lock_the_tpm_nor_cost_the_node_its_key(tmp_path: Path, root: DevelopmentRoot) -> None:
    path, ids = tmp_path / "key.sealed", set()
    for _ in range(5):  # three are enough to lock a TPM whose keys count as guessable
        attester = development_attester(tmp_path / "tpm", EVENTS, root)
        ids.add(kept_node_key(path, attester).id)
        attester.quote(BINDING)
        attester._engine._process.kill()
        attester.close()
    assert len(ids) == 1


def test_a_tpm_that_is_locked_for_a_while_does_not_make_the_node_somebody_else(tmp_path: Path) -> None:
    class Locked:
        def exchange(self, command: bytes) -> bytes:
            return bytes.fromhex("8001 0000000a 00000921")

    path = tmp_path / "key.sealed"
    path.write_bytes(sized(b"private") + sized(b"public"))
    sealer = SoftwareAttester.__new__(SoftwareAttester)
    sealer._tpm = Tpm(Locked())
    with pytest.raises(TpmBusy) as refusal:
        kept_node_key(path, sealer)
    assert refusal.value.code == "tpm.busy"
    assert path.read_bytes() == sized(b"private") + sized(b"public")


def test_a_tpm_keeps_the_one_bank_of_registers_that_it_was_told_to_have(tmp_path: Path) -> None:
    """From the next start on: TPM2_GetCapability names every bank, and what is selected in it."""
    get, registers, everything = 0x17A, struct.pack(">III", 5, 0, 1), b"\xff\xff\xff"
    found = []
    for _ in range(2):
        engine = SoftwareTpm(tmp_path / "tpm")
        answer = Tpm(engine).plain(get, registers)[9:]
        found.append(
            {answer[at : at + 2] for at in range(0, len(answer), 6) if answer[at + 3 : at + 6] == everything}
        )
        Tpm(engine).allocate(ALG_SHA256)
        engine.close()
    sha256 = ALG_SHA256.to_bytes(2, "big")
    assert len(found[0]) > 1
    assert found[1] == {sha256}
