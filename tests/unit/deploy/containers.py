"""What tests look for among the containers of a machine, and a container that hangs when it is told to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.unit.deploy.conftest import Machine


def names(machine: Machine) -> set[str]:
    return {found.id for found in machine.runtime._engine.containers()}


HANGS_WHEN_ASKED_TO = """
import http.server, time, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/hang": open("/tmp/hung", "w")
        if os.path.exists("/tmp/hung"): time.sleep(60)
        self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers(); self.wfile.write(b"ok")
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""


def hang(machine: Machine) -> None:
    client = machine.client()
    client.connection.timeout = 1
    with pytest.raises(TimeoutError):
        client.ask(path="/hang")
    client.close()
