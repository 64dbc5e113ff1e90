"""Every socket that waits is seen, and no other: against this machine's own kernel."""

import socket

from cyberprivacy.privacy_os.listening import listening


def test_who_waits_is_named_until_it_goes() -> None:
    with socket.create_server(("127.0.0.1", 0)) as door:
        here = f"tcp 127.0.0.1:{door.getsockname()[1]}"
        assert here in listening()
        with socket.create_connection(door.getsockname()) as caller:
            assert f"tcp 127.0.0.1:{caller.getsockname()[1]}" not in listening()
    assert here not in listening()


def test_a_socket_without_connections_is_named_too() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as box:
        box.bind(("127.0.0.1", 0))
        assert f"udp 127.0.0.1:{box.getsockname()[1]}" in listening()
