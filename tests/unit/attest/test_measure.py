from hashlib import sha256
from pathlib import Path

import pytest

from cyberprivacy.attest import eventlog
from cyberprivacy.attest.eventlog import Event
from cyberprivacy.attest.measure import measure
from cyberprivacy.errors import Untrusted


@pytest.fixture
def package(tmp_path: Path) -> Path:
    (tmp_path / "room" / "__pycache__").mkdir(parents=True)
    (tmp_path / "__init__.py").write_bytes(b"one")
    (tmp_path / "room" / "step.py").write_bytes(b"two")
    (tmp_path / "room" / "__pycache__" / "step.pyc").write_bytes(b"differs from machine to machine")
    return tmp_path


def of_files(events: tuple[Event, ...]) -> dict[str, bytes]:
    return {event.what: event.digest for event in events if event.what.startswith("file ")}


def test_every_file_of_ours_is_measured_by_name(package: Path) -> None:
    assert of_files(measure(package, engines=())) == {
        "file cyberprivacy/__init__.py": sha256(b"one").digest(),
        "file cyberprivacy/room/step.py": sha256(b"two").digest(),
    }


def test_the_same_software_has_one_measurement(package: Path) -> None:
    assert eventlog.measurement(measure(package)) == eventlog.measurement(measure(package))


def test_one_byte_changes_the_measurement(package: Path) -> None:
    before = measure(package, engines=())
    (package / "room" / "step.py").write_bytes(b"twp")
    assert eventlog.measurement(measure(package, engines=())) != eventlog.measurement(before)


def test_a_file_more_changes_the_measurement(package: Path) -> None:
    before = measure(package, engines=())
    (package / "room" / "extra.py").write_bytes(b"")
    assert eventlog.measurement(measure(package, engines=())) != eventlog.measurement(before)


def test_python_what_we_import_and_the_kernel_are_measured(package: Path) -> None:
    events = measure(package, engines=("sh", "no-such-engine"))
    names = {event.what.split()[0] + " " + event.what.split()[1] for event in events}
    assert {"package cryptography", "package eth-account", "program sh"} <= names
    assert any(event.what.startswith("kernel ") for event in events)
    assert not any("no-such-engine" in event.what or "pytest" in event.what for event in events)


def test_a_log_of_this_machine_fits_into_evidence() -> None:
    events = measure()
    assert eventlog.parse(eventlog.encode(events)) == events
    assert any(event.what == "file cyberprivacy/attest/measure.py" for event in events)


@pytest.mark.parametrize("name", ["module.py", "folder"])
def test_a_link_in_our_package_is_refused_as_python_would_follow_it(package: Path, name: str) -> None:
    (package / name).symlink_to("/etc")
    with pytest.raises(Untrusted) as refusal:
        measure(package, engines=())
    assert refusal.value.code == "measure.link"
