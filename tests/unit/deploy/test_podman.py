import json
import os
import shutil
import signal
import subprocess
import threading
import time
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs
from tests.unit.deploy.conftest import PYTHON, Machine, container, eventually, free_port, identity

from cyberprivacy.deploy.front import Front
from cyberprivacy.deploy.haproxy import FrontSilent
from cyberprivacy.deploy.podman import PodmanRuntime
from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted
from cyberprivacy.registry.pushed import SEAL
from cyberprivacy.review.workload import Probe, ScratchMount, Service, Topology, Workload

pytestmark = pytest.mark.engines


def names(machine: Machine) -> set[str]:
    return {found.id for found in machine.runtime._engine.containers()}


def test_a_release_runs_and_is_read_back_by_digest(machine):
    release = machine.guestbook(replicas=2)
    deployment = machine.runtime.apply(release)
    assert deployment == machine.runtime.observe("book")
    assert deployment.release == release.release
    assert deployment.images == {"web": machine.images["1.0.0"]}
    assert (deployment.ready, deployment.wanted) == (2, 2)
    assert machine.version() == "1.0.0"
    assert b"Book of tests" in machine.read("/")[2]


def test_the_same_again_changes_nothing(machine):
    machine.runtime.apply(machine.guestbook())
    before = names(machine)
    machine.runtime.apply(machine.guestbook())
    PodmanRuntime(machine.settings, machine.front).apply(machine.guestbook())
    assert names(machine) == before


def test_nothing_is_observed_where_nothing_was_deployed(machine):
    assert machine.runtime.observe("book") is None
    machine.runtime.remove("book")


class Users(threading.Thread):
    """Somebody who asks all the time, on one connection or on a new one each time, and writes now and then."""

    def __init__(self, machine: Machine, *, keep: bool) -> None:
        super().__init__()
        self.machine, self.keep = machine, keep
        self.stop, self.asked, self.written, self.lost = threading.Event(), 0, 0, []

    def run(self) -> None:
        client = self.machine.client()
        while not self.stop.is_set():
            writes = self.asked % 5 == 0
            try:
                status, *_ = (
                    client.ask("POST", "/api/messages", b'{"name": "a", "text": "b"}')
                    if writes
                    else client.ask(path="/healthz")
                )
            except OSError as failure:
                self.lost.append(repr(failure))
            else:
                self.asked += 1
                self.written += writes and status == 201
                if status not in (200, 201):
                    self.lost.append(status)
            if not self.keep:
                client.close()
        client.close()


class Node(threading.Thread):
    """The node's other duties, which go on while it switches: it looks after containers and tells what runs."""

    def __init__(self, machine: Machine, *, pause: float = 0.3) -> None:
        super().__init__()
        self.machine, self.pause = machine, pause
        self.stop, self.rounds, self.trouble = threading.Event(), 0, []

    def run(self) -> None:
        while not self.stop.wait(self.pause):
            try:
                self.trouble += self.machine.runtime.tend()
                self.machine.runtime.observe("book")
            except CyberPrivacyError as failure:
                self.trouble.append(failure)
            self.rounds += 1


def test_no_request_is_lost_or_done_twice_over_six_switches(machine):
    machine.runtime.apply(machine.guestbook("1.0.0"))
    users = [Users(machine, keep=keep) for keep in (True, True, False, False)]
    node = Node(machine)
    for thread in (*users, node):
        thread.start()
    for number in range(6):
        version = ("1.1.0", "1.0.0")[number % 2]
        machine.runtime.apply(machine.guestbook(version, release=str(number)))
        assert machine.version() == version
    for thread in (*users, node):
        thread.stop.set()
    for thread in (*users, node):
        thread.join()
    assert not node.trouble
    assert node.rounds > 5
    assert not [loss for user in users for loss in user.lost]
    assert min(user.asked for user in users) > 50
    assert entries(machine) == sum(user.written for user in users)


def entries(machine: Machine) -> int:
    count, older = 0, ""
    while True:
        page = json.loads(machine.read(f"/api/messages?limit=50{older}")[2])
        count += len(page["messages"])
        if page["next"] is None:
            return count
        older = f"&before={page['next']}"


@pytest.mark.parametrize(
    ("broken", "said"),
    [
        ({"readiness": Probe("/nowhere", 8080, 0, 1, 2, 2)}, ("HTTP 404", 0)),
        ({"command": (*PYTHON, "-c", "raise SystemExit(7)")}, ("ended", 7)),
    ],
)
def test_a_release_that_does_not_become_well_leaves_nothing_and_the_old_one_serves(machine, broken, said):
    before = machine.runtime.apply(machine.guestbook())
    impatient = PodmanRuntime(replace(machine.settings, start_seconds=5), machine.front)
    containers, files = names(machine), sorted((machine.folder / "applications/book").iterdir())
    with pytest.raises(Untrusted) as refusal:
        impatient.apply(machine.guestbook("1.1.0", **broken))
    assert refusal.value.code == "deploy.unhealthy"
    assert (refusal.value.facts["probe"], refusal.value.facts["exit_code"]) == said
    assert names(machine) == containers
    assert sorted((machine.folder / "applications/book").iterdir()) == files
    assert machine.runtime.observe("book") == before
    assert machine.version() == "1.0.0"


def test_an_image_that_the_registry_does_not_have_changes_nothing(machine):
    before = machine.runtime.apply(machine.guestbook())
    missing = machine.guestbook("1.1.0")
    image = machine.pushed("1.1.0")
    reference = image.reference[:-4] + "0000"
    images = {"web": type(image)(name="web", reference=reference, digest=reference.partition("@")[2], seal=SEAL)}
    with pytest.raises(TryLater):
        machine.runtime.apply(replace(missing, images=images))
    assert machine.runtime.observe("book") == before


def test_the_engine_tells_the_images_that_it_has_and_is_silent_about_others(machine):
    """With the real podman: its way to say that an image is not there is not ours to choose."""
    engine, image = machine.runtime._engine, machine.pushed("1.0.0")
    identity = engine.pull(image.reference, image.digest, machine.settings.pull)
    described = engine._described("e" * 64, identity, image.reference.replace(image.digest, f"sha256:{'f' * 64}"))
    assert [one["Id"] for one in described] == [identity]


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


def test_a_dead_container_is_started_again_at_its_address(machine):
    machine.runtime.apply(machine.guestbook(replicas=2))
    found = machine.runtime._engine.containers()[0]
    os.kill(found.pid, signal.SIGKILL)
    eventually(lambda: machine.runtime.tend() == (found.name,))
    eventually(lambda: machine.runtime.tend() == () and len(machine.front.endpoints("book")) == 2)
    assert machine.runtime.observe("book").ready == 2


def test_a_hung_container_is_restarted(machine):
    liveness, hanging = Probe("/", 8080, 0, 1, 1, 2), (*PYTHON, "-c", HANGS_WHEN_ASKED_TO)
    machine.runtime.apply(machine.guestbook(command=hanging, liveness=liveness, readiness=liveness))
    hang(machine)
    eventually(machine.runtime.tend)
    eventually(lambda: machine.runtime.tend() == () and machine.read()[0] == 200)


def test_a_restarted_node_looks_after_what_it_finds(machine):
    machine.runtime.apply(machine.guestbook())
    found = machine.runtime._engine.containers()[0]
    reborn = PodmanRuntime(machine.settings, machine.front)
    assert reborn.tend() == ()
    os.kill(found.pid, signal.SIGKILL)
    eventually(lambda: reborn.tend() == (found.name,))
    eventually(lambda: reborn.tend() == () and machine.read()[0] == 200)


def test_another_image_under_our_labels_is_told_and_then_repaired(machine):
    machine.runtime.apply(machine.guestbook())
    machine.runtime._engine.pull(machine.pushed("1.1.0").reference, machine.images["1.1.0"], machine.settings.pull)
    found = machine.runtime._engine.containers()[0]
    labels = [f"--label=org.cyberprivacy.{name}={text}" for name, text in found.labels.items()]
    machine.runtime._engine.discard([found])
    machine.podman("create", "--name", found.name, "--network=none", *labels, machine.pushed("1.1.0").reference)
    assert machine.runtime.observe("book").images == {"web": machine.images["1.1.0"]}
    machine.runtime.apply(machine.guestbook())
    assert machine.runtime.observe("book").images == {"web": machine.images["1.0.0"]}
    assert machine.version() == "1.0.0"


def test_a_container_that_we_did_not_start_is_refused_and_then_removed(machine):
    before = machine.runtime.apply(machine.guestbook())
    machine.podman("create", "--name=intruder", "--network=none", machine.pushed("1.0.0").reference)
    with pytest.raises(Untrusted) as refusal:
        machine.runtime.observe("book")
    assert refusal.value.code == "deploy.foreign"
    assert refusal.value.facts["containers"] == ["intruder"]
    assert machine.runtime.apply(machine.guestbook()) == before


def test_somebody_inside_a_container_is_told_and_the_container_replaced(machine):
    machine.runtime.apply(machine.guestbook())
    found = machine.runtime._engine.containers()[0]
    machine.podman("exec", "--detach", found.id, *PYTHON, "-c", "import time; time.sleep(60)")
    with pytest.raises(Untrusted) as refusal:
        machine.runtime.observe("book")
    assert refusal.value.code == "deploy.foreign"
    machine.runtime.apply(machine.guestbook())
    assert machine.runtime.observe("book").ready == 1
    assert found.id not in names(machine)


def test_users_sent_elsewhere_are_told_and_brought_back(machine, backend):
    machine.runtime.apply(machine.guestbook())
    slot = next(one for one in machine.front._admin("book").slots("app") if one.mode == "ready")
    machine.front._admin("book").ask(f"set server app/{slot.name} addr {backend[0]} port {backend[1]}")
    with pytest.raises(Untrusted) as refusal:
        machine.runtime.observe("book")
    assert refusal.value.code == "deploy.foreign"
    machine.runtime.apply(machine.guestbook())
    assert machine.runtime.observe("book").ready == 1
    assert machine.version() == "1.0.0"


def test_a_cable_that_we_did_not_plug_in_is_told_and_then_cut(machine):
    before = machine.runtime.apply(machine.guestbook())
    bridge = machine.runtime._places.claim("book").bridge
    tap = bridge.replace("cp-", "tap-")
    subprocess.run(["ip", "link", "add", tap, "type", "veth", "peer", "name", f"{tap}-e"], check=True)
    subprocess.run(["ip", "link", "set", tap, "master", bridge], check=True)
    with pytest.raises(Untrusted) as refusal:
        machine.runtime.observe("book")
    assert refusal.value.facts["cables"] == [tap]
    assert machine.runtime.apply(machine.guestbook()) == before
    assert not Path("/sys/class/net", tap).exists()


def test_replicas_that_are_being_started_and_ended_are_never_taken_for_strangers(machine):
    machine.runtime.apply(machine.guestbook(replicas=2))
    node = Node(machine, pause=0)
    node.start()
    for number in range(2):
        machine.runtime.apply(machine.guestbook(replicas=3, release=f"busy {number}"))
    node.stop.set()
    node.join()
    assert not node.trouble
    assert node.rounds > 5


class BrokenFront:
    """A front that fails in a way that nobody thought of."""

    def __init__(self, front: Front) -> None:
        self.endpoints = front.endpoints

    def point(self, app: str, endpoints: object, *, drain: float = 30.0) -> None:
        raise RuntimeError("a fault of ours")


def test_whatever_goes_wrong_nothing_of_a_release_that_did_not_come_up_is_left(machine):
    before = machine.runtime.apply(machine.guestbook())
    containers = names(machine)
    with pytest.raises(RuntimeError):
        PodmanRuntime(machine.settings, BrokenFront(machine.front)).apply(machine.guestbook("1.1.0"))
    assert names(machine) == containers
    assert machine.runtime.observe("book") == before


@pytest.fixture
def frozen(machine):
    """The front of `book` hangs."""
    machine.runtime.apply(machine.guestbook())
    pid = machine.front._admin("book").pid()
    os.kill(pid, signal.SIGSTOP)
    yield pid
    os.kill(pid, signal.SIGCONT)


def test_a_stop_is_obeyed_though_the_front_hangs_and_told_as_unfinished(machine, frozen):
    with pytest.raises(FrontSilent):
        machine.runtime.remove("book")
    assert not names(machine)
    os.kill(frozen, signal.SIGCONT)
    machine.runtime.remove("book")
    assert machine.read()[1]["cyberprivacy-reason"] == "deploy.none"


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


@pytest.mark.parametrize("release", ["1.0.0", "1.1.0"])
def test_a_stop_does_not_wait_for_a_hung_release_and_nothing_comes_after_it(machine, release):
    """Whether that release is the one that serves and is being repaired, or a new one on its way."""
    hangs = {"command": (*PYTHON, "-c", HANGS_WHEN_ASKED_TO), "readiness": Probe("/", 8080, 0, 1, 60, 2)}
    machine.runtime.apply(machine.guestbook(**hangs))
    if release == "1.0.0":
        hang(machine)
    else:
        hangs["readiness"] = Probe("/hang", 8080, 0, 1, 60, 2)
    patient, failures = PodmanRuntime(replace(machine.settings, start_seconds=300), machine.front), []

    def travel() -> None:
        try:
            patient.apply(machine.guestbook(release, **hangs))
        except CyberPrivacyError as failure:
            failures.append(failure.code)

    journey = threading.Thread(target=travel)
    journey.start()
    wanted = 1 if release == "1.0.0" else 2
    eventually(lambda: len([one for one in machine.runtime._engine.containers() if one.running]) == wanted)
    journey.join(timeout=3)
    began = time.monotonic()
    patient.remove("book")
    assert time.monotonic() - began < 20
    journey.join()
    assert failures == ["deploy.stopped"]
    assert not names(machine)


def test_the_trouble_of_one_application_does_not_keep_the_others_from_care(machine, frozen):
    machine.front.serve("other", f"127.0.0.1:{free_port()}", identity("other"), machine.folder / "api.sock")
    machine.runtime.apply(replace(machine.guestbook(), name="other"))
    try:
        other = next(one for one in machine.runtime._engine.containers() if one.labels["app"] == "other")
        os.kill(other.pid, signal.SIGKILL)
        eventually(
            lambda: not next(one for one in machine.runtime._engine.containers() if one.id == other.id).running
        )
        with capture_logs() as logs, pytest.raises(FrontSilent):
            machine.runtime.tend()
        told = [(log["app"], log["code"]) for log in logs if log["event"] == "tend"]
        assert told == [("book", "front.silent")]
        assert next(one for one in machine.runtime._engine.containers() if one.id == other.id).running
    finally:
        machine.runtime.remove("other")
        machine.front.stop("other")
        shutil.rmtree(machine.settings.data / "other")


def test_data_outlives_releases_and_removal(machine):
    machine.runtime.apply(machine.guestbook())
    client = machine.client()
    assert client.ask("POST", "/api/messages", b'{"name": "Ada", "text": "kept"}')[0] == 201
    client.close()
    machine.runtime.remove("book")
    assert machine.runtime.observe("book") is None
    assert machine.read()[1]["cyberprivacy-reason"] == "deploy.none"
    assert not names(machine)
    machine.runtime.apply(machine.guestbook("1.1.0"))
    assert json.loads(machine.read("/api/messages")[2])["messages"][0]["text"] == "kept"


def test_a_volume_is_not_given_to_another_user(machine):
    before = machine.runtime.apply(machine.guestbook())
    with pytest.raises(Misuse) as refusal:
        machine.runtime.apply(machine.guestbook("1.1.0", user=10002))
    assert refusal.value.code == "deploy.claim"
    assert machine.runtime.observe("book") == before


@pytest.mark.timeout(600)
def test_a_node_killed_at_any_command_comes_to_the_same_end(machine):
    """Every podman command of a switch is once the last thing that a node lives to see."""
    machine.runtime.apply(machine.guestbook("1.0.0", release="start"))
    number, survived = 0, False
    while not survived:
        number += 1
        version = ("1.1.0", "1.0.0")[number % 2]
        release = machine.guestbook(version, release=f"kill {number}")
        survived = not killed(machine, release, number)
        assert machine.version() in ("1.0.0", "1.1.0")  # somebody always serves
        machine.runtime._engine._settled = False
        deployment = PodmanRuntime(machine.settings, machine.front).apply(release)
        assert (deployment.images["web"], deployment.ready) == (machine.images[version], 1)
        assert machine.version() == version
        assert len(names(machine)) == 1
    assert number > FEWEST_COMMANDS


FEWEST_COMMANDS = 12
"""A switch has more commands than this, or the test does not count them any more."""


def killed(machine: Machine, release, number: int) -> bool:
    """Apply in a process of its own that dies at its n-th command: odd before it, even while it runs."""
    child = os.fork()
    if child == 0:
        engine, count = machine.runtime._engine, 0
        do = engine.do

        def counted(*arguments: str, **options) -> str:
            nonlocal count
            count += 1
            if count == number:
                if number % 2 == 0 and os.fork() == 0:  # an orphan that goes on by itself
                    do(*arguments, **options)
                    os._exit(0)
                time.sleep(0.05)
                os.kill(os.getpid(), signal.SIGKILL)
            return do(*arguments, **options)

        engine.do = counted
        try:
            machine.runtime.apply(release)
        finally:
            os._exit(0)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
