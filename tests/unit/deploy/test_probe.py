"""Whoever is asked whether it is well may answer as badly as it likes: the asker is back in time."""

import socket
import threading
import time
from ipaddress import IPv4Address

import pytest
from tests.unit.deploy.answers import hangs, says

from cyberprivacy.deploy import probe
from cyberprivacy.deploy.plan import Endpoint
from cyberprivacy.review.workload import Probe


def asked(seconds: int) -> Probe:
    return Probe("/healthz", 0, 0, 1, seconds, 1)


@pytest.mark.parametrize(
    ("answer", "well", "said"),
    [
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", True, "HTTP 200"),
        (b"HTTP/1.0 399\n\n", True, "HTTP 399"),
        (b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 204 No Content\r\n\r\n", True, "HTTP 204"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", False, "HTTP 400"),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n", False, "ConnectionError"),
        (b"HTTP/2 200 OK\r\n\r\n", False, "no HTTP"),
        (b"HTTP/1.1 2000 OK\r\n\r\n", False, "no HTTP"),
        (b"", False, "ConnectionError"),
    ],
)
def test_well_is_a_whole_head_with_a_good_status_and_nothing_else(serve, answer, well, said):
    assert probe.ask(asked(5), serve(says(answer))) == probe.Health(well, said)


def test_a_closed_port_is_named(serve):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    assert probe.ask(asked(5), Endpoint(IPv4Address("127.0.0.1"), port)).said == "ConnectionRefusedError"


def test_a_container_that_drips_byte_by_byte_has_no_more_time_than_one_that_hangs(serve):
    def drips(line: socket.socket, over: threading.Event) -> None:
        for byte in b"HTTP/1.1 200 OK\r\n" + b"x" * 1000:
            line.sendall(bytes([byte]))
            if over.wait(0.05):
                return

    began = time.monotonic()
    assert probe.ask(asked(1), serve(drips)).said == "TimeoutError"
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("endless", [b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: y", b"z"])
def test_a_container_that_never_comes_to_an_end_is_cut_off_by_size(serve, endless):
    def floods(line: socket.socket, over: threading.Event) -> None:
        while not over.is_set():
            line.sendall(endless * 100)

    began = time.monotonic()
    assert probe.ask(asked(30), serve(floods)).said == "no HTTP"
    assert time.monotonic() - began < 5


def test_many_hung_containers_cost_no_more_time_than_one_and_the_others_are_heard(serve):
    hung, good = serve(hangs), serve(says(b"HTTP/1.1 200 OK\r\n\r\n"))
    began = time.monotonic()
    answers = probe.ask_all([(asked(60), hung), (asked(60), good)] * 8 + [(asked(60), hung)] * 30, within=1)
    assert [health.said for health in answers] == ["TimeoutError", "HTTP 200"] * 8 + ["TimeoutError"] * 30
    assert time.monotonic() - began < 3


def test_nobody_asked_is_nobody_answering():
    assert probe.ask_all([], within=1) == []
