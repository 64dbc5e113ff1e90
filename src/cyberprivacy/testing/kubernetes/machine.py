"""The machine of the cluster: containerd, kubelet and kube-proxy, with pods that really run.

What a machine without systemd, with the hybrid hierarchy of cgroups and without CAP_SYS_RESOURCE needs stands
beside each setting.
"""

import json
import secrets
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Final

from cyberprivacy.deploy.kubernetes.fields import items
from cyberprivacy.errors import CyberPrivacyError, TryLater
from cyberprivacy.testing.kubernetes.plane import FIRST, Plane, Site, eventually, run
from cyberprivacy.testing.ociimages import app_layer, write_image

PAUSE: Final = "localhost/pause:1"
BRIDGE: Final = "cpk-pods"
GROUPS: Final = Path("/sys/fs/cgroup")


class Machine:
    """One node of a plane.

    Args:
        plane: started.
        registry: "host:port" of a registry on the host's end of the cable; it speaks plain HTTP.

    Attributes:
        logs: where the kubelet keeps what containers say, a folder a pod.
    """

    def __init__(self, plane: Plane, registry: str) -> None:
        self._plane, self._folder = plane, plane.folder / "machine"
        self._folder.mkdir()
        self._socket, self.logs = self._folder / "containerd.sock", self._folder / "logs"
        self.registry = registry

    def start(self) -> None:
        """Bring it up, and wait until the cluster counts on it."""
        self._network()
        self._containerd()
        self._plane.run("kubelet", *self._kubelet())
        self._plane.run("kube-proxy", f"--config={self._proxy()}")
        cluster = self._plane.cluster("admin")

        def ready() -> bool:
            with suppress(CyberPrivacyError):
                said = cluster._ask("GET", "/api/v1/nodes/node")  # noqa: SLF001  (nothing of ours asks for machines)
                return any(
                    one["type"] == "Ready" and one["status"] == "True"
                    for one in items(said, "status", "conditions")
                )
            return False

        eventually(ready, 90, str(self._plane.folder / "kubelet.log"))
        cluster.close()

    def kill(self) -> None:
        """End its programs as a power cut would; what runs in pods goes on."""
        for part in ("kubelet", "kube-proxy", "containerd"):
            self._plane.kill(part)

    def again(self) -> None:
        """Start its programs again; a kubelet that finds no containerd ends, and nothing starts it again."""
        self._plane.again("containerd")
        eventually(lambda: "Server:" in self._ctr("version"), 60, str(self._plane.folder / "containerd.log"))
        for part in ("kube-proxy", "kubelet"):
            self._plane.again(part)

    def enforce(self, programs: Path) -> None:
        """Have NetworkPolicy enforced, which the bridge plugin does not, by kube-router in this folder."""
        self._plane.run(
            "kube-router",
            f"--kubeconfig={self._plane.kubeconfig('admin')}",
            "--hostname-override=node",
            "--run-firewall=true",
            "--run-router=false",
            "--run-service-proxy=false",
            "--enable-cni=false",
            f"--service-cluster-ip-range={self._plane.site.services}",
            programs=programs,
        )

    def stop(self) -> None:
        """End what would outlive the programs that started it."""
        with suppress(KeyError):
            self._plane.kill("kubelet")
        for task in self._ctr("tasks", "ls", "-q").split():
            self._ctr("tasks", "rm", "-f", task)
        with suppress(KeyError):
            self._plane.kill("containerd")
        clear(self._folder, self._plane.site)

    def images(self) -> str:
        """What `ctr` says of the images that are here."""
        return self._ctr("images", "ls")

    def execute(self, container: str, *words: str) -> str:
        """Run a command in a container, as `kubectl exec` does at its end; what it printed.

        Args:
            container: as a pod's status names it, "containerd://…".
            words: the command.
        """
        name = f"exec-{secrets.token_hex(4)}"
        return self._ctr("tasks", "exec", "--exec-id", name, container.removeprefix("containerd://"), *words)

    def _ctr(self, *words: str) -> str:
        done = subprocess.run(
            ["ctr", "-a", self._socket, "-n", "k8s.io", *words], capture_output=True, text=True, check=False
        )
        return done.stdout

    def _network(self) -> None:
        self._plane.inside("ip", "link", "add", BRIDGE, "type", "bridge")
        plugins = [
            {
                "type": "bridge",
                "bridge": BRIDGE,
                "isGateway": True,
                "ipMasq": False,
                "hairpinMode": True,
                "ipam": {
                    "type": "host-local",
                    "dataDir": str(self._folder / "addresses"),
                    "ranges": [[{"subnet": self._plane.site.pods.replace("/16", "/24")}]],
                    "routes": [{"dst": "0.0.0.0/0"}],
                },
            },
        ]
        cni = self._folder / "cni"
        cni.mkdir()
        document = {"cniVersion": "0.4.0", "name": "pods", "plugins": plugins}
        (cni / "10-pods.conflist").write_text(json.dumps(document))

    def _containerd(self) -> None:
        trusted = self._folder / "certs.d" / self.registry
        trusted.mkdir(parents=True)
        (trusted / "hosts.toml").write_text(
            f'server = "http://{self.registry}"\n[host."http://{self.registry}"]\n'
        )
        settings = self._folder / "containerd.toml"
        settings.write_text(f"""
version = 2
root = "{self._folder}/root"
state = "{self._folder}/state"
disabled_plugins = ["io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.devmapper",
  "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs", "io.containerd.internal.v1.opt",
  "io.containerd.tracing.processor.v1.otlp"]
[grpc]
  address = "{self._socket}"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{PAUSE}"
  netns_mounts_under_state_dir = true  # beside others of this machine, each clears its own
  restrict_oom_score_adj = true  # without CAP_SYS_RESOURCE it cannot be lowered
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{self._folder}/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false
  [plugins."io.containerd.grpc.v1.cri".registry]
    config_path = "{self._folder}/certs.d"
""")
        self._plane.run("containerd", "-c", str(settings))
        eventually(lambda: "Server:" in self._ctr("version"), 30, str(self._plane.folder / "containerd.log"))
        self._import_pause()

    def _import_pause(self) -> None:
        """The process that holds a pod's namespaces: Debian's catatonit, which can also just pause."""
        layout = self._folder / "pause"
        layer = app_layer({"/catatonit": Path("/usr/bin/catatonit").read_bytes()}, mode=0o755)
        write_image(layout, [layer], ["/catatonit", "-P"])
        run("skopeo", "copy", "--quiet", f"oci:{layout}", f"oci-archive:{layout}.tar:{PAUSE}")
        self._ctr("images", "import", f"{layout}.tar")
        if PAUSE not in self.images():
            raise TryLater("the pause image cannot be imported", code="kubernetes.machine")

    def _kubelet(self) -> tuple[str, ...]:
        keys = self._plane.keys.folder
        document = {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {
                "anonymous": {"enabled": False},
                "webhook": {"enabled": True},
                "x509": {"clientCAFile": f"{keys}/ca.crt"},
            },
            "authorization": {"mode": "Webhook"},
            "tlsCertFile": f"{keys}/server.crt",
            "tlsPrivateKeyFile": f"{keys}/server.key",
            "readOnlyPort": 0,
            "containerRuntimeEndpoint": f"unix://{self._socket}",
            "cgroupDriver": "cgroupfs",  # there is no systemd to ask
            "failCgroupV1": False,  # cgroups may be of the first version here
            **self._groups(),
            "podLogsDir": str(self.logs),  # a kubelet clears away the logs of pods that it does not know
            "oomScoreAdj": 0,  # see restrict_oom_score_adj
            "failSwapOn": False,
            "podPidsLimit": 256,
            "maxOpenFiles": 20000,
            "clusterDNS": [],
            "resolvConf": "",
            "evictionHard": {"memory.available": "200Mi", "nodefs.available": "2%", "imagefs.available": "2%"},
            "imageGCHighThresholdPercent": 100,
            "nodeStatusUpdateFrequency": "4s",
            "syncFrequency": "5s",
            "seccompDefault": True,
            "logging": {"verbosity": 1},
        }
        settings = self._folder / "kubelet.json"
        settings.write_text(json.dumps(document))
        return (
            f"--config={settings}",
            f"--kubeconfig={self._plane.kubeconfig('kubelet')}",
            "--hostname-override=node",
            f"--node-ip={self._plane.site.inside}",
            f"--root-dir={self._folder}/kubelet",
            f"--cert-dir={self._folder}/kubelet-keys",
        )

    def _groups(self) -> dict[str, object]:
        """The tree of control groups for pods: two kubelets would clear each other's pods out of a shared one."""
        site = self._plane.site
        if site == FIRST:
            return {}
        if (GROUPS / "cgroup.controllers").exists():  # one hierarchy, whose root alone has every controller
            return {"cgroupsPerQOS": False, "enforceNodeAllocatable": []}
        for hierarchy in filter(Path.is_dir, GROUPS.iterdir()):
            (hierarchy / site.space).mkdir(exist_ok=True)
        return {"cgroupRoot": f"/{site.space}"}

    def _proxy(self) -> Path:
        document = {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "iptables",
            "clusterCIDR": self._plane.site.pods,
            "hostnameOverride": "node",
            "bindAddress": self._plane.site.inside,
            "clientConnection": {"kubeconfig": str(self._plane.kubeconfig("proxy"))},
            "conntrack": {"maxPerCore": 0, "min": 0, "tcpEstablishedTimeout": "0s", "tcpCloseWaitTimeout": "0s"},
            "oomScoreAdj": 0,
        }
        settings = self._folder / "proxy.json"
        settings.write_text(json.dumps(document))
        return settings


def clear(folder: Path, site: Site = FIRST) -> None:
    """Remove what the programs of a machine leave that were killed: shims, mounts, control groups, namespaces.

    Args:
        folder: of the machine; it may be of one that ended long ago.
        site: of its cluster.
    """
    for shim in _shims(folder / "containerd.sock"):
        subprocess.run(["kill", "-9", shim], check=False)
    for place in reversed(Path("/proc/mounts").read_text().splitlines()):
        if (where := place.split()[1]).startswith(f"{folder}/"):
            subprocess.run(["umount", "-l", where], check=False)
    for group in GROUPS.glob("*/kubepods" if site == FIRST else f"*/{site.space}"):
        for below in sorted(group.rglob("*/"), key=lambda one: -len(one.parts)):
            with suppress(OSError):
                below.rmdir()
        with suppress(OSError):
            group.rmdir()
    shutil.rmtree(folder / "root", ignore_errors=True)


def _shims(socket: Path) -> Iterator[str]:
    for entry in Path("/proc").glob("[0-9]*/cmdline"):
        with suppress(OSError):
            words = entry.read_bytes().split(b"\0")
            if words[0].endswith(b"containerd-shim-runc-v2") and str(socket).encode() in words:
                yield entry.parent.name
