"""A node's own interface: it answers when the node goes on, or the node hears that it never will."""

from pathlib import Path

import httpx2
import pytest
import uvicorn
from starlette.applications import Starlette

from cyberprivacy.node.application import NoInterface, begin


def server(socket: Path) -> uvicorn.Server:
    return uvicorn.Server(uvicorn.Config(Starlette(), uds=str(socket), log_config=None, access_log=False))


def test_it_answers_once_it_has_begun(tmp_path: Path) -> None:
    made = server(tmp_path / "api.sock")
    begin(made, "test-api")
    transport = httpx2.HTTPTransport(uds=str(tmp_path / "api.sock"))
    with httpx2.Client(transport=transport, base_url="http://node") as client:
        assert client.get("/").status_code == 404
    made.should_exit = True


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")  # uvicorn's thread tells it
def test_one_that_cannot_listen_is_an_error_and_not_waited_for(tmp_path: Path) -> None:
    with pytest.raises(NoInterface) as refused:
        begin(server(tmp_path / "no such folder" / "api.sock"), "test-api")
    assert refused.value.code == "node.interface"
