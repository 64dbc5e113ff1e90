"""Secrets behind registers and a counter, with a real software TPM."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from cyberprivacy.attest import eventlog, tpmcounter
from cyberprivacy.attest.swtpm import SoftwareTpm
from cyberprivacy.attest.tpm2 import ALG_SHA256, Selection
from cyberprivacy.attest.tpmcommands import CC_CREATE, CC_UNSEAL, Tpm, TpmGone, TpmRefused
from cyberprivacy.attest.tpmsealing import Guard, seal, unseal, values_of

pytestmark = pytest.mark.engines

REGISTERS = Selection(ALG_SHA256, (7, 11, 12, 13, 14))
SECRET = bytes(range(32))


class Wire:
    """What passes between processor and TPM, as somebody there sees it; and may change it."""

    def __init__(self, engine: SoftwareTpm) -> None:
        self._engine, self.passed, self.flips = engine, b"", 0

    def exchange(self, command: bytes) -> bytes:
        answer = self._engine.exchange(command)
        self.passed += command + answer
        if self.flips and command[6:10] == self.flips.to_bytes(4, "big"):
            answer = answer[:20] + bytes((answer[20] ^ 1,)) + answer[21:]
        return answer

    def close(self) -> None:
        self._engine.close()


@pytest.fixture
def wire(tmp_path: Path) -> Iterator[Wire]:
    made = Wire(SoftwareTpm(tmp_path / "chip"))
    yield made
    made.close()


def _guard(tpm: Tpm, more: int = 0) -> Guard:
    return Guard.now(tpm, REGISTERS, most=tpmcounter.have_counter(tpm) + more)


def test_a_secret_comes_back_and_was_never_to_be_read_on_the_wire(wire: Wire) -> None:
    tpm = Tpm(wire)
    guard = _guard(tpm)
    assert unseal(tpm, seal(tpm, SECRET, guard), guard) == SECRET
    assert SECRET not in wire.passed


@pytest.mark.parametrize("register", REGISTERS.pcrs)
def test_each_register_shuts_it(wire: Wire, register: int) -> None:
    tpm = Tpm(wire)
    guard = _guard(tpm)
    sealed = seal(tpm, SECRET, guard)
    tpm.extend(10, bytes(32))
    assert unseal(tpm, sealed, guard) == SECRET
    tpm.extend(register, bytes(32))
    with pytest.raises(TpmRefused):
        unseal(tpm, sealed, guard)


def test_the_counter_shuts_what_was_sealed_to_its_past(wire: Wire) -> None:
    """What allows the next value opens before and after; claiming another guard than it has opens nothing."""
    tpm = Tpm(wire)
    old, new = _guard(tpm), _guard(tpm, 1)
    sealed_old, sealed_new = seal(tpm, SECRET, old), seal(tpm, SECRET, new)
    assert unseal(tpm, sealed_new, new) == SECRET
    tpmcounter.count(tpm)
    assert unseal(tpm, sealed_new, new) == SECRET
    for claimed in (old, new):
        with pytest.raises(TpmRefused):
            unseal(tpm, sealed_old, claimed)
    tpmcounter.count(tpm)
    with pytest.raises(TpmRefused):
        unseal(tpm, sealed_new, new)


def test_what_was_sealed_for_other_registers_opens_once_they_are_so(wire: Wire, tmp_path: Path) -> None:
    """An upgrade: another image measures something else, on the same TPM."""
    tpm = Tpm(wire)
    now = _guard(tpm)
    tpm.extend(11, b"\1" * 32)
    then = replace(now, composite=eventlog.composite(values_of(tpm, REGISTERS), REGISTERS.pcrs))
    wire.close()
    again = SoftwareTpm(tmp_path / "chip")
    tpm = Tpm(again)
    sealed = seal(tpm, SECRET, then)
    with pytest.raises(TpmRefused):
        unseal(tpm, sealed, then)
    tpm.extend(11, b"\1" * 32)
    assert unseal(tpm, sealed, then) == SECRET
    again.close()


def test_another_tpm_opens_nothing(wire: Wire, tmp_path: Path) -> None:
    tpm = Tpm(wire)
    guard = _guard(tpm)
    sealed = seal(tpm, SECRET, guard)
    other = SoftwareTpm(tmp_path / "other")
    with pytest.raises(TpmRefused):
        unseal(Tpm(other), sealed, replace(guard, most=_guard(Tpm(other)).most))
    other.close()


def test_a_counter_that_is_made_anew_begins_above_the_old_one(wire: Wire) -> None:
    tpm = Tpm(wire)
    guard = _guard(tpm)
    sealed = seal(tpm, SECRET, guard)
    tpm.command(0x122, (0x40000001, tpmcounter.INDEX), b"")  # TPM2_NV_UndefineSpace
    with pytest.raises(TpmRefused):
        unseal(tpm, sealed, guard)
    with pytest.raises(tpmcounter.NoCounter):
        tpmcounter.value(tpm)
    assert tpmcounter.have_counter(tpm) > guard.most
    with pytest.raises(TpmRefused):
        unseal(tpm, sealed, guard)


@pytest.mark.parametrize("code", [CC_CREATE, CC_UNSEAL])
def test_an_answer_that_is_changed_on_the_wire_is_noticed(wire: Wire, code: int) -> None:
    tpm = Tpm(wire)
    guard = _guard(tpm)
    sealed = seal(tpm, SECRET, guard)
    wire.flips = code
    with pytest.raises(TpmGone):
        unseal(tpm, sealed, guard) if code == CC_UNSEAL else seal(tpm, SECRET, guard)
