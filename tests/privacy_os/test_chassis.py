"""The opened chassis of a machine with a data disk: keys and disk are gone, and the next log on that TPM tells it."""

from dataclasses import replace
from pathlib import Path

import httpx2
import pytest
from disk_keys import volume_key
from hands import places
from machines import CONFIGURATION, PATIENCE, Machine, cyberprivacy
from places import ALONE, Place

from cyberprivacy.testing.town import free_port

MEMORY = 1024
STATUS = "/.well-known/cyberprivacy/status"
TOLD = "chassis told"
OFF = "keys are erased; the data disk is shut for good; the next log will tell"


def _log(machine: Machine, place: Place, memory: Path) -> tuple[str, list[dict[str, object]]]:
    """The node's id, and what anybody reads of its log, once it has told of the chassis in public."""
    machine.says(TOLD, 2 * PATIENCE)
    url = f"https://127.0.0.1:{place.application}"
    with httpx2.Client(verify=False, timeout=60) as client:  # the log's own keys prove what is read
        said = client.get(url + STATUS).raise_for_status().json()
    keys = [word for key in said["log"]["keys"] for word in ("--key", key)]
    shown = cyberprivacy("log", "show", url, *keys, "--memory", memory)["entries"]
    assert isinstance(shown, list)
    return str(said["node"]["nodeKey"]), [dict(entry["entry"]) for entry in shown]


def _about(entries: list[dict[str, object]]) -> list[tuple[object, object]]:
    """What was told of the chassis."""
    return [(each["kind"], each["facts"]) for each in entries if str(each["kind"]).startswith("machine.")]


@pytest.mark.timeout(1500)
def test_an_opened_chassis_shuts_the_disk_and_every_copy_and_the_next_log_tells_it(
    image: Path, tmp_path: Path
) -> None:
    place = Place.new(tmp_path, image)
    place = replace(place, text=ALONE + b"chassis disk\n", application=free_port())
    stays = replace(place, hands=True, more=("-no-shutdown",))  # its memory can be read when it is off
    with stays.on() as (machine, process):
        first, entries = _log(machine, place, tmp_path / "first")
        ((kind, facts),) = _about(entries)
        assert (kind, facts["openings"]) == ("machine.watched", 0)
        copy = place.data.read_bytes()
        key = volume_key(machine.state / "tpm", place.data, machine.door("/boot-log"), tmp_path / "known")
        hands, number = machine.hands(), int.from_bytes(key[:32], "big")
        assert places(hands.memory(MEMORY), number) > 0
        hands.does("system_powerdown")
        assert process.wait_for(OFF, PATIENCE) is not None, machine.console()
        hands.is_off(60)
        assert places(hands.memory(MEMORY), number) == 0
        hands.close()
    assert "unlock: no slot of the data disk opens" in place.stops()
    place.data.write_bytes(copy)
    assert "unlock: no slot of the data disk opens" in place.stops()
    with replace(place, text=CONFIGURATION).on() as (machine, _):  # it has no disk now
        second, entries = _log(machine, place, tmp_path / "second")
    before = facts["counter"]
    told = {"counter": before + 1, "before": before, "openings": 1, "toldBy": first}
    assert (_about(entries), second != first) == ([("machine.opened", told)], True)
