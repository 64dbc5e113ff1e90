"""An application is asked for its numbers as a stranger is: bounded, never redirected, where no user comes."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import IPv4Address

import pytest

from cyberprivacy.admin.refusals import BadContributions
from cyberprivacy.bundle.declared import STATISTICS
from cyberprivacy.deploy.front_settings import RESERVED
from cyberprivacy.deploy.plan import Endpoint
from cyberprivacy.node.administration import ContainerNumbers


class Container(BaseHTTPRequestHandler):
    """An application that answers about statistics as its path says."""

    def do_GET(self) -> None:
        status = {"moved": 302, "broken": 500}.get(self.path.rpartition("/")[2], 200)
        self.send_response(status)
        self.send_header("Location", "http://127.0.0.1:9/")
        self.end_headers()
        self.wfile.write(self.path.encode())

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def numbers() -> Iterator[ContainerNumbers]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Container)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    where = Endpoint(IPv4Address("127.0.0.1"), server.server_address[1])
    numbers = ContainerNumbers(lambda: frozenset({where}))
    yield numbers
    numbers.close()
    server.shutdown()
    server.server_close()


def test_an_application_is_asked_where_users_never_reach_it(numbers):
    assert numbers.contributions("daily") == b"/.well-known/cyberprivacy/statistics/daily"
    assert STATISTICS.startswith(RESERVED + "/")  # the front sends this to the node


@pytest.mark.parametrize("name", ["moved", "broken"])
def test_an_application_that_answers_otherwise_is_silent(numbers, name):
    with pytest.raises(BadContributions) as caught:
        numbers.contributions(name)
    assert caught.value.code == "admin.silent"


@pytest.mark.parametrize("where", [frozenset(), frozenset({Endpoint(IPv4Address("127.0.0.1"), 9)})])
def test_an_application_that_is_not_there_is_silent(where):
    with pytest.raises(BadContributions) as caught:
        ContainerNumbers(lambda: where).contributions("daily")
    assert caught.value.code == "admin.silent"
