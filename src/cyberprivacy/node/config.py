"""A node's configuration: which chain, which DAOs, where its data lies. Nothing here chooses code.

```toml
data = "/var/lib/cyberprivacy"
evidence = "hardware"                  # optional: SEV-SNP, TDX or TPM 2.0; else "software": a self-report
boot_log = "/run/boot-log"             # optional: where a TPM's log of the start is, if not with the kernel
chassis = "tpm"                        # optional: the TPM counts openings of the chassis, the log tells them

[chain]
rpc = ["http://127.0.0.1:8545"]        # two or more independent endpoints must agree

[[dao]]
address = "0x…"                        # the DAO's governor
listen = "127.0.0.1:8443"              # where its users connect

[sources]                              # optional: where bytes come from; every byte is checked
gateways = ["http://127.0.0.1:8080"]   # trustless IPFS gateways
kubos = ["http://127.0.0.1:5001"]      # Kubo nodes, asked by RPC when no gateway has it
wheels = "https://pypi.org/simple/"    # a Python package index
bases = ["/path/to/oci-layouts"]       # folders with OCI layouts of base images
serve = "127.0.0.1:8081"               # where this node serves what it runs, as a trustless gateway

[head]                                 # optional: the chain hears what this node's log says; one node of a cluster
chain = 1                              # EIP-155 number
anchor = "0x…"                         # LogAnchor; `market show` names it
cluster = 1                            # the cluster that answers for this log

[witness]                              # optional: other clusters
quorum = 1                             # how many of them must cosign this node's log before it counts
silence = 600                          # seconds without an answer after which a log is called silent

[[witness.watch]]                      # one for each; a running node says its own keys in `status`
url = "https://other.example"
log = ["cyberprivacy.log/…+…+…"]       # keys of its log
witness = ["cyberprivacy.witness/…"]   # keys with which it cosigns

[kubernetes]                           # optional: applications run in clusters; see `clusters`
kubeconfig = "/etc/cyberprivacy/kubeconfig"
registry = "https://registry.example"
front = ["10.0.0.5/32"]

[sources.registries]                   # where base images are fetched by digest; name in FROM -> address
"docker.io" = "https://registry-1.docker.io"
```

Existing engines beside the embedded ones: `engines_config`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from cyberprivacy.node.circle import Watching
from cyberprivacy.node.circle_config import watching
from cyberprivacy.node.clusters import InClusters
from cyberprivacy.node.engines_config import HarborAt, JenkinsAt, JobsAt, harbor_at, jenkins_at, jobs_at
from cyberprivacy.node.publishing import Answering
from cyberprivacy.node.tables import BadConfig, Endpoint, Table, read, url
from cyberprivacy.proposal.release import Address


@dataclass(frozen=True, slots=True)
class Served:
    """One DAO whose release this node runs, and where its users connect."""

    dao: Address
    listen: Endpoint


@dataclass(frozen=True, slots=True)
class Sources:
    """Where bytes come from. None of these is believed.

    Attributes:
        gateways: trustless IPFS gateways, asked in order.
        kubos: RPC addresses of Kubo nodes, asked after the gateways.
        wheels: a Python package index (PEP 691).
        bases: folders that hold OCI layouts of base images.
        registries: host that FROM lines write -> address of an OCI registry, asked after `bases`.
        serve: where this node serves what it runs; None = nowhere.
    """

    gateways: tuple[str, ...]
    kubos: tuple[str, ...]
    wheels: str
    bases: tuple[Path, ...]
    registries: Mapping[str, str]
    serve: Endpoint | None


@dataclass(frozen=True, slots=True)
class Config:
    """All that an operator may say.

    Attributes:
        data: directory for everything that the node keeps.
        rpc: chain endpoints that must agree.
        daos: whom it serves.
        sources: where bytes come from.
        hardware: whether the machine's own hardware makes the evidence.
        boot_log: all that was measured since the start; None = what the kernel shows of firmware's.
        chassis: whether the TPM counts how often the chassis was opened; see `chassis`.
        watching: other clusters.
        answering: where the cluster answers for this node's log; None = on no chain.
        clusters: where applications run; None = on this machine.
        jenkins: what builds beside this node; None = nothing does.
        jobs: a cluster that builds beside this node; None = none does.
        harbor: where images are stored; None = in the embedded registry.
        digest: SHA-256 of the file, 32 bytes; empty if it came from no file.
    """

    data: Path
    rpc: tuple[str, ...]
    daos: tuple[Served, ...]
    sources: Sources
    hardware: bool = False
    boot_log: Path | None = None
    chassis: bool = False
    watching: Watching = field(default_factory=Watching)
    answering: Answering | None = None
    clusters: InClusters | None = None
    jenkins: JenkinsAt | None = None
    jobs: JobsAt | None = None
    harbor: HarborAt | None = None
    digest: bytes = b""


def load(path: Path) -> Config:
    """Read a configuration file.

    Raises:
        BadConfig: missing, too large, not TOML, or holding anything that is not described above.
    """
    value, digest = read(path)
    return replace(parse(value), digest=digest)


def parse(value: Mapping[str, object]) -> Config:
    """The configuration that a parsed TOML document holds.

    Raises:
        BadConfig: a key is missing, unknown, or of the wrong form.
    """
    sections = {
        "data",
        "evidence",
        "boot_log",
        "chassis",
        "chain",
        "dao",
        "sources",
        "witness",
        "head",
        "kubernetes",
        "jenkins",
        "jobs",
        "harbor",
    }
    top = Table("", value, sections)
    sources = top.table("sources", {"gateways", "kubos", "wheels", "bases", "registries", "serve"}, optional=True)
    rpc = top.table("chain", {"rpc"}).texts("rpc")
    daos = tuple(
        Served(dao.address("address"), dao.endpoint("listen"))
        for dao in (Table("dao", item, {"address", "listen"}) for item in top.tables("dao"))
    )
    if not rpc or not daos:
        raise BadConfig("name at least one chain endpoint and one DAO")
    if min(len({each.dao for each in daos}), len({each.listen for each in daos})) != len(daos):
        raise BadConfig("a DAO or an address to listen on is named twice")
    clusters, harbor = InClusters.read(top), harbor_at(top)
    if clusters is not None and harbor is not None:
        raise BadConfig(
            "a cluster has its own registry: leave out [harbor], name it in [kubernetes]", key="harbor"
        )
    return Config(
        data=Path(top.text("data")),
        hardware=_hardware(top, clusters),
        boot_log=Path(top.text("boot_log")) if top.has("boot_log") else None,
        chassis=_chassis(top),
        clusters=clusters,
        watching=watching(value.get("witness", {})),
        answering=_answering(top.table("head", {"chain", "anchor", "cluster"})) if top.has("head") else None,
        jenkins=jenkins_at(top),
        jobs=jobs_at(top),
        harbor=harbor,
        rpc=tuple(map(url, rpc)),
        daos=daos,
        sources=Sources(
            gateways=tuple(map(url, sources.texts("gateways", ()))),
            kubos=tuple(map(url, sources.texts("kubos", ()))),
            wheels=url(sources.text("wheels", "https://pypi.org/simple/")),
            bases=tuple(Path(folder) for folder in sources.texts("bases", ())),
            registries={host: url(address) for host, address in sources.pairs("registries")},
            serve=sources.endpoint("serve") if sources.has("serve") else None,
        ),
    )


def _answering(table: Table) -> Answering:
    most = (1 << 63) - 1
    return Answering(
        chain_id=table.number("chain", 0, least=1, most=most),
        anchor=table.address("anchor"),
        cluster=table.number("cluster", 0, least=1, most=most),
    )


def _hardware(table: Table, clusters: InClusters | None) -> bool:
    evidence = table.text("evidence", "software")
    if evidence not in ("software", "hardware"):
        raise BadConfig("evidence is made by hardware or by software", key="evidence", value=evidence[:40])
    if evidence == "hardware" and clusters is not None:  # it would be about a machine on which no application runs
        raise BadConfig(
            "hardware vouches for this machine, and applications run on the cluster's",
            hint='Leave `evidence` out: a cluster whose machines are not attested is worth "operator-trusted".',
            key="evidence",
        )
    return evidence == "hardware"


def _chassis(table: Table) -> bool:
    if not table.has("chassis"):
        return False
    if table.text("chassis") != "tpm" or table.text("evidence", "software") != "hardware":
        hint = 'Write `chassis = "tpm"` beside evidence = "hardware", on a machine with the Privacy OS.'
        raise BadConfig("a chassis is watched by a machine's TPM", key="chassis", hint=hint)
    return True
