"""A key node beside a machine."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from cyberprivacy.attest.enrolment import Vendors
from cyberprivacy.attest.policy import Policy
from cyberprivacy.bundle.serve import listening
from cyberprivacy.privacy_os.key_node import KeyNode, tls_key
from cyberprivacy.privacy_os.key_node_web import pin_of, server
from cyberprivacy.testing.townmachine import HOST, Desk


@contextmanager
def serving(folder: Path, desk: Desk, accepted: set[bytes]) -> Iterator[str]:
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
