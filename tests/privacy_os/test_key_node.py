"""A machine that asks a key node for its part: it proves itself before anything on it is open."""

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from machines import CONFIGURATION, PATIENCE
from places import OPEN, Place

from cyberprivacy.attest.enrolment import Vendors
from cyberprivacy.attest.policy import Policy
from cyberprivacy.bundle.serve import listening
from cyberprivacy.privacy_os.image import MEASUREMENTS
from cyberprivacy.privacy_os.key_node import KeyNode, tls_key
from cyberprivacy.privacy_os.key_node_web import pin_of, server
from cyberprivacy.testing.townmachine import HOST, Desk


@contextmanager
def _serving(folder: Path, desk: Desk, accepted: set[bytes]) -> Iterator[str]:
    """A key node, for TPMs of the desk's maker; gives the line for a configuration."""
    vendors = Vendors(roots=frozenset({desk.vendor.fingerprint}), issuers=desk.vendor.issuers)
    node = KeyNode(folder, vendors=vendors, policy=Policy(), standing=lambda measurement: measurement in accepted)
    pem, door = tls_key(folder / "tls.pem", ("127.0.0.1",), int(time.time())), listening("127.0.0.1", 0)
    made = server(node, pem)
    thread = threading.Thread(target=made.run, args=([door],))
    thread.start()
    try:
        yield f"data https://{HOST}:{door.getsockname()[1]}#{pin_of(pem).hex()}\n"
    finally:
        made.should_exit = True
        thread.join()


def test_a_machine_opens_its_disk_while_its_software_stands(image: Path, desk: Desk, tmp_path: Path) -> None:
    """Made and opened with the part of the key node; shut once the chain does not accept the software any more."""
    accepted = {bytes.fromhex(json.loads((image / MEASUREMENTS).read_text())["measurement"])}
    desk.provision(tmp_path / "state" / "tpm")
    with _serving(tmp_path / "keys", desk, accepted) as line:
        place = replace(Place.new(tmp_path, image), text=CONFIGURATION + line.encode(), outward=True)
        with place.on() as (machine, process):
            assert process.wait_for(OPEN, PATIENCE) is not None, machine.console()
            assert "is with ONE key node" in machine.console()
        accepted.clear()
        assert "unlock: the key node refuses" in place.stops()
        assert len(list((tmp_path / "keys" / "parts").iterdir())) == 1
