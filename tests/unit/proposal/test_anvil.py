import json
import os
import signal
from pathlib import Path
from time import monotonic, sleep

import pytest

from cyberprivacy.errors import Misuse
from cyberprivacy.proposal.anvil import STATES, ChainDidNotStart, EmbeddedChain
from cyberprivacy.proposal.endpoint import Endpoint
from cyberprivacy.proposal.jsonrpc import JsonRpc


def await_state(folder: Path, height: int) -> None:
    """Until the state on disk holds a block of this height: anvil writes once a second."""
    until = monotonic() + 20
    while monotonic() < until:
        try:
            if int(json.loads((folder / "chain.json").read_bytes())["block"]["number"], 16) >= height:
                return
        except (OSError, ValueError, KeyError, TypeError):
            pass
        sleep(0.1)
    pytest.fail("the state was not written")


def test_the_chain_goes_on_after_it_was_killed(anvil: Path, tmp_path: Path) -> None:
    with EmbeddedChain(anvil, tmp_path, block_time=None) as chain:
        Endpoint(chain.url).ask("anvil_mine", "0x5")
        final = JsonRpc(chain.url).block()
        await_state(tmp_path, 5)
        os.kill(chain.pid, signal.SIGKILL)
    with EmbeddedChain(anvil, tmp_path, block_time=None) as chain:
        assert JsonRpc(chain.url).block(final.number) == final
        assert final.number == 3  # two behind the newest: what finality looks like here


def test_a_state_that_a_kill_cut_is_replaced_by_the_last_whole_one(anvil: Path, tmp_path: Path) -> None:
    with EmbeddedChain(anvil, tmp_path, block_time=None) as chain:
        Endpoint(chain.url).ask("anvil_mine", "0x5")
        final = JsonRpc(chain.url).block()
    whole = (tmp_path / "chain.json").read_bytes()
    (tmp_path / "chain.good.json").write_bytes(whole)
    (tmp_path / "chain.json").write_bytes(whole[: len(whole) // 2])
    with EmbeddedChain(anvil, tmp_path, block_time=None) as chain:
        assert JsonRpc(chain.url).block(final.number) == final


def test_a_chain_whose_parent_was_killed_is_ended_before_a_second_writes_its_state(
    anvil: Path, tmp_path: Path
) -> None:
    orphan = EmbeddedChain(anvil, tmp_path, block_time=None).start()
    try:
        with EmbeddedChain(anvil, tmp_path, block_time=None) as chain:
            assert chain.pid != orphan.pid
            assert b"anvil" not in Path(f"/proc/{orphan.pid}/cmdline").read_bytes()
    finally:
        orphan.stop()


def test_a_pid_that_now_belongs_to_another_program_is_left_alone(anvil: Path, tmp_path: Path) -> None:
    (tmp_path / "chain.pid").write_text(f"{os.getpid()}\n")
    with EmbeddedChain(anvil, tmp_path, block_time=None) as chain:
        assert chain.pid


def test_a_missing_program_is_misuse_with_the_command_that_brings_it(tmp_path: Path) -> None:
    with pytest.raises(Misuse) as refusal:
        EmbeddedChain(tmp_path / "nothing", tmp_path).start()
    assert refusal.value.code == "chain.binary"
    assert "npm" in refusal.value.hint


def test_a_program_that_ends_at_once_is_reported_with_its_log(tmp_path: Path) -> None:
    with pytest.raises(ChainDidNotStart) as refusal:
        EmbeddedChain(Path("/bin/false"), tmp_path).start()
    assert str(refusal.value.facts["log"]).endswith("chain.log")


def test_a_chain_makes_blocks_by_itself_and_its_state_does_not_grow_with_them(anvil: Path, tmp_path: Path) -> None:
    with EmbeddedChain(anvil, tmp_path) as chain:
        Endpoint(chain.url).ask("anvil_mine", hex(3 * STATES))
        await_state(tmp_path, 3 * STATES + 2)  # two of them nobody asked for
    assert len(json.loads((tmp_path / "chain.json").read_bytes())["historical_states"]) <= STATES
