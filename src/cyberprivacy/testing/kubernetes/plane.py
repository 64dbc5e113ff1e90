"""A real cluster of one machine, in a network namespace of its own: nothing leaves the machine, nothing is faked.

etcd, kube-apiserver, kube-controller-manager, kube-scheduler; and, as `machine` starts them, containerd, kubelet
and kube-proxy. All of it dies with whoever started it.
"""

import fcntl
import json
import subprocess
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import httpx2

from cyberprivacy.deploy.kubernetes.api import Cluster
from cyberprivacy.deploy.kubernetes.kubeconfig import read
from cyberprivacy.testing.kubernetes.keys import Keys


@dataclass(frozen=True, slots=True)
class Site:
    """Where a cluster is on this machine; clusters of different numbers can be there at the same time.

    Attributes:
        number: 0-9.
    """

    number: int = 0

    @property
    def space(self) -> str:
        """Its network namespace."""
        return f"cp-kube{self.number or ''}"

    @property
    def cable(self) -> tuple[str, str]:
        """This machine's end of the cable to the cluster, and the other."""
        return f"cpk{2 * self.number}", f"cpk{2 * self.number + 1}"

    @property
    def host(self) -> str:
        """Address of this machine's end."""
        return f"10.199.{self.number}.1"

    @property
    def inside(self) -> str:
        """Address of the other end."""
        return f"10.199.{self.number}.2"

    @property
    def services(self) -> str:
        """Network of its Services; the API server has the first address."""
        return f"10.{96 + self.number}.0.0/16"

    @property
    def pods(self) -> str:
        """Network of its pods."""
        return f"10.{244 + self.number}.0.0/16"


FIRST: Final = Site()
USERS: Final = {
    "admin": ("admin", "system:masters"),
    "mallory": ("mallory", "system:masters"),
    "kubelet": ("system:node:node", "system:nodes"),
    "manager": ("system:kube-controller-manager", ""),
    "scheduler": ("system:kube-scheduler", ""),
    "proxy": ("system:kube-proxy", ""),
    "to-kubelet": ("apiserver-kubelet", "system:masters"),
}
"""Certificate -> user name and group."""
AUDITED: Final = {"apiVersion": "audit.k8s.io/v1", "kind": "Policy", "omitStages": ["RequestReceived"]}


def run(*command: str) -> str:
    """Run a command that must succeed; what it printed."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def eventually(ask: Callable[[], bool], seconds: float, what: str) -> None:
    """Wait until something is true.

    Raises:
        TimeoutError: it takes too long.
    """
    deadline = time.monotonic() + seconds
    while not ask():
        if time.monotonic() > deadline:
            raise TimeoutError(what)
        time.sleep(0.1)


class Plane:
    """The control plane, and the network namespace in which everything of the cluster runs.

    Args:
        folder: for all that it keeps, also its logs.
        programs: folder of `binaries`.
        audited: user whose requests are written to `audit`; "" = nobody's.
        site: where it is on this machine; none but this object's cluster may be there.
    """

    def __init__(self, folder: Path, programs: Path, *, audited: str = "", site: Site = FIRST) -> None:
        self.folder, self.bin, self._audited, self.site = folder, programs, audited, site
        self._processes: dict[str, tuple[list[str], subprocess.Popen[bytes]]] = {}
        self._lock = Path(f"/run/{site.space}.lock").open("w")  # noqa: SIM115 held as long as the cluster
        fcntl.flock(self._lock, fcntl.LOCK_EX)
        self.server = f"https://{site.inside}:6443"
        self.keys = Keys(folder / "keys", ["127.0.0.1", site.inside, site.services.replace(".0/16", ".1")])
        self.keys.server("server")
        for name, (user, group) in USERS.items():
            self.keys.client(name, user, group)
            self.keys.kubeconfig(name, self.server)

    @property
    def audit(self) -> Path:
        """What the audited user asked, a JSON object a line."""
        return self.folder / "audit.jsonl"

    def kubeconfig(self, name: str) -> Path:
        """Of a user."""
        return self.keys.folder / f"{name}.kubeconfig"

    def cluster(self, name: str) -> Cluster:
        """A client that is this user."""
        return Cluster(read(self.kubeconfig(name)))

    def start(self) -> None:
        """Bring it up; it takes some ten seconds."""
        self._network()
        self.run("etcd", *self._etcd())
        self.run("kube-apiserver", *self._apiserver())
        self.await_api()
        self.run("kube-controller-manager", *self._manager())
        self.run("kube-scheduler", *self._as("scheduler"), "--leader-elect=false")

    def run(self, name: str, *arguments: str, programs: Path | None = None) -> None:
        """Start one part inside the namespace, out of a folder of programs; it ends when we do."""
        program = next((str(one / name) for one in (programs, self.bin) if one and (one / name).exists()), name)
        command = ["setpriv", "--pdeathsig", "KILL", "--", "nsenter", f"--net=/run/netns/{self.site.space}", "--"]
        log = (self.folder / f"{name}.log").open("ab")
        with log:
            process = subprocess.Popen(
                [*command, program, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                cwd="/",
                start_new_session=True,
            )
        self._processes[name] = ([*arguments], process)

    def pid(self, name: str) -> int:
        """Of a part that runs."""
        return self._processes[name][1].pid

    def kill(self, name: str) -> None:
        """As a power cut would."""
        _, process = self._processes[name]
        process.kill()
        process.wait()

    def again(self, name: str) -> None:
        """Start a part that was killed."""
        arguments, _ = self._processes[name]
        self.run(name, *arguments)

    def await_api(self) -> None:
        """Wait until it says itself that it is ready: before that, the rights of the other parts are not there."""
        cluster = self.cluster("admin")

        def ready() -> bool:
            with suppress(httpx2.HTTPError):
                return cluster._client.get(f"{self.server}/readyz").status_code == 200  # noqa: SLF001  (no JSON)
            return False

        eventually(ready, 60, (self.folder / "kube-apiserver.log").read_text(errors="replace")[-2000:])
        cluster.close()

    def stop(self) -> None:
        """End it, and leave nothing but the folder."""
        for name in reversed(self._processes):
            self.kill(name)
        with suppress(subprocess.CalledProcessError):
            run("ip", "netns", "del", self.site.space)
        with suppress(subprocess.CalledProcessError):
            run("ip", "link", "del", self.site.cable[0])
        self._lock.close()

    def inside(self, *command: str) -> str:
        """Run a command in the cluster's network namespace."""
        return run("nsenter", f"--net=/run/netns/{self.site.space}", "--", *command)

    def _network(self) -> None:
        site, (near, far) = self.site, self.site.cable
        with suppress(subprocess.CalledProcessError):  # of a run that was killed
            run("ip", "netns", "del", self.site.space)
        with suppress(subprocess.CalledProcessError):
            run("ip", "link", "del", self.site.cable[0])
        run("ip", "netns", "add", site.space)
        run("ip", "link", "add", near, "type", "veth", "peer", "name", far, "netns", site.space)
        run("ip", "address", "add", f"{site.host}/30", "dev", near)
        run("ip", "link", "set", near, "up")
        for network in (site.services, site.pods):
            run("ip", "route", "add", network, "via", site.inside)
        for words in (
            f"ip address add {site.inside}/30 dev {far}",
            f"ip link set {far} up",
            "ip link set lo up",
            f"ip route add {site.services} dev {far}",
            "sysctl -qw net.ipv4.ip_forward=1",
        ):
            self.inside(*words.split())

    def _etcd(self) -> Sequence[str]:
        client, peer = "http://127.0.0.1:2379", "http://127.0.0.1:2380"
        return (
            f"--data-dir={self.folder}/etcd",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=default={peer}",
            "--log-level=warn",
        )

    def _apiserver(self) -> Sequence[str]:
        keys = self.keys.folder
        return (
            "--etcd-servers=http://127.0.0.1:2379",
            f"--advertise-address={self.site.inside}",
            "--secure-port=6443",
            f"--tls-cert-file={keys}/server.crt",
            f"--tls-private-key-file={keys}/server.key",
            f"--client-ca-file={keys}/ca.crt",
            f"--service-account-key-file={keys}/sa.pub",
            f"--service-account-signing-key-file={keys}/sa.key",
            "--service-account-issuer=https://kubernetes.default.svc",
            f"--service-cluster-ip-range={self.site.services}",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--anonymous-auth=false",
            "--allow-privileged=true",  # as real clusters do: our walls do not need it
            f"--kubelet-client-certificate={keys}/to-kubelet.crt",
            f"--kubelet-client-key={keys}/to-kubelet.key",
            f"--kubelet-certificate-authority={keys}/ca.crt",
            "--kubelet-preferred-address-types=InternalIP",
            "--profiling=false",
            f"--cert-dir={self.folder}/apiserver",
            *self._auditing(),
        )

    def _auditing(self) -> Sequence[str]:
        if not self._audited:
            return ()
        rules: list[dict[str, object]] = [{"level": "Metadata", "users": [self._audited]}, {"level": "None"}]
        policy = self.folder / "audit-policy.json"
        policy.write_text(json.dumps(AUDITED | {"rules": rules}))  # JSON is YAML
        return (
            f"--audit-policy-file={policy}",
            f"--audit-log-path={self.audit}",
            "--audit-log-mode=blocking",
        )

    def _manager(self) -> Sequence[str]:
        return (
            *self._as("manager"),
            f"--service-account-private-key-file={self.keys.folder}/sa.key",
            f"--root-ca-file={self.keys.folder}/ca.crt",
            "--use-service-account-credentials=true",
            "--allocate-node-cidrs=true",
            f"--cluster-cidr={self.site.pods}",
            "--leader-elect=false",
        )

    def _as(self, user: str) -> Sequence[str]:
        file = self.kubeconfig(user)
        names = ("kubeconfig", "authentication-kubeconfig", "authorization-kubeconfig")
        return (
            *(f"--{name}={file}" for name in names),
            f"--cert-dir={self.folder}/{user}",
            "--bind-address=127.0.0.1",
        )
