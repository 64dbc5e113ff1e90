import json
from pathlib import Path

import pytest
from tests.unit.deploy.conftest import PYTHON, container, eventually

from cyberprivacy.review.workload import ScratchMount, Service, Topology, Workload

pytestmark = pytest.mark.engines


LOOK_AROUND = """
import json, http.server, os, socket
def reach(address, port, family=socket.AF_INET):
    try:
        with socket.socket(family) as s:
            s.settimeout(1)
            s.connect((address, port))
            return "reached"
    except OSError as e:
        return type(e).__name__
def attempt(what):
    try:
        return str(what())
    except OSError as e:
        return type(e).__name__
HOST = os.environ["HOST"].split()
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        status = dict(line.split(":\\t", 1) for line in open("/proc/self/status").read().splitlines() if ":\\t" in line)
        said = {
            "host": [reach(a, int(os.environ["PORT"])) for a in HOST],
            "outside": reach("1.1.1.1", 80),
            "link-local": reach("fe80::1%eth0", 22, socket.AF_INET6),
            "status": {k: status[k] for k in ("CapEff", "CapBnd", "NoNewPrivs", "Seccomp", "Uid")},
            "root": attempt(lambda: open("/app/x", "w")),
            "config": [attempt(lambda: open("/settings/greeting.txt").read()), attempt(lambda: open("/settings/x", "w"))],
            "scratch": attempt(lambda: os.listdir("/tmp")),
            "exec": attempt(lambda: (open("/tmp/x", "w").write("#!/usr/bin/python3"), os.chmod("/tmp/x", 0o755), os.execv("/tmp/x", ["x"]))),
            "files": sorted(os.listdir("/etc")),
            "environment": sorted(os.environ),
            "device": attempt(lambda: os.mknod("/tmp/d", 0o600 | 0o60000, 1)),
            "processes": [p for p in os.listdir("/proc") if p.isdigit()],
            "hostname": socket.gethostname(),
            "data": os.stat("/data").st_uid,
        }
        body = json.dumps(said).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""


def test_a_container_sees_nothing_but_itself(machine, monkeypatch, backend):
    monkeypatch.setenv("HTTP_PROXY", "http://secret.example")
    place = machine.runtime._places.claim("book")
    env = (("HOST", f"{place.gateway} 127.0.0.1"), ("PORT", str(machine.registry)))
    machine.runtime.apply(machine.guestbook(command=(*PYTHON, "-c", LOOK_AROUND), env=env))
    seen = json.loads(machine.read()[2])
    assert seen["host"] == ["TimeoutError", "ConnectionRefusedError"]  # dropped; and its own loopback, not ours
    assert seen["outside"] == "OSError"
    assert seen["link-local"] != "reached"
    assert seen["status"]["CapEff"] == seen["status"]["CapBnd"] == "0" * 16
    assert (seen["status"]["NoNewPrivs"], seen["status"]["Seccomp"]) == ("1", "2")
    assert seen["status"]["Uid"].split() == ["10001"] * 4
    assert seen["root"] == "OSError"
    assert seen["config"] == ["hello\n", "OSError"]
    assert seen["scratch"] in ("[]", "['x']")  # what an earlier probe left
    assert seen["exec"] == "PermissionError"
    assert seen["device"] == "PermissionError"
    assert seen["processes"] == ["1"]
    assert "HTTP_PROXY" not in seen["environment"]
    assert seen["data"] == 10001
    found = machine.runtime._engine.containers()[0]
    mapped = Path(f"/proc/{found.pid}/uid_map").read_text().split()
    assert mapped == ["0", str(place.first_uid), "65536"]
    assert f"Uid:\t{place.first_uid + 10001}" in Path(f"/proc/{found.pid}/status").read_text()


def test_a_container_that_takes_too_much_is_stopped_and_started_again(machine):
    greedy = """
import http.server, os
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/eat":
            eaten = [bytearray(os.urandom(1 << 20)) for _ in range(200)]
        self.send_response(200); self.send_header("Content-Length", "2"); self.end_headers(); self.wfile.write(b"ok")
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""
    machine.runtime.apply(machine.guestbook(command=(*PYTHON, "-c", greedy), memory=48 << 20))
    assert machine.read("/eat")[0] in (502, 503)
    eventually(lambda: not machine.runtime._engine.containers()[0].running)
    assert machine.runtime._engine.containers()[0].exit_code == 137
    assert eventually(machine.runtime.tend)
    eventually(lambda: machine.runtime.tend() == () and machine.read()[0] == 200)


def test_services_find_one_another_by_name_and_port_and_nobody_else(machine):
    asker = """
import http.server, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = urllib.request.urlopen("http://store:81/healthz", timeout=2).read()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def log_message(self, *_): pass
http.server.ThreadingHTTPServer(("0.0.0.0", 8080), Handler).serve_forever()
"""
    scratch = (ScratchMount("/data", 1 << 20),)
    both = Topology(
        workloads=(
            Workload("asker", 1, container(command=(*PYTHON, "-c", asker), mounts=()), 2),
            Workload("store", 2, container(mounts=scratch), 2),
        ),
        services=(Service("web", 80, "asker", 8080), Service("store", 81, "store", 8080)),
        config_maps=(),
        claims=(),
        public="web",
    )
    deployment = machine.runtime.apply(machine.application("1.1.0", both))
    assert (deployment.ready, deployment.wanted) == (3, 3)
    assert machine.version() == "1.1.0"
