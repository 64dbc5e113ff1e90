"""A node's configuration: which chain, which DAOs, where its data lies. Nothing here chooses code.

```toml
data = "/var/lib/cyberprivacy"
evidence = "hardware"                  # optional: SEV-SNP, TDX or TPM 2.0; else "software": a self-report

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

[sources.registries]                   # where base images are fetched by digest; name in FROM -> address
"docker.io" = "https://registry-1.docker.io"
```
"""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from eth_utils.address import is_checksum_address

from cyberprivacy.errors import Misuse
from cyberprivacy.ledger.signers import Kind, VerifierKey
from cyberprivacy.node.circle import SILENCE, Other, Watching
from cyberprivacy.node.publishing import Answering
from cyberprivacy.proposal.release import Address

MAX_CONFIG: Final = 64 << 10


class BadConfig(Misuse):
    """The configuration file cannot be used as it is."""

    code = "node.config"
    hint = "See `cyberprivacy node start --help` for a file that works."


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A local address to listen on."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


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
        watching: other clusters.
        answering: where the cluster answers for this node's log; None = on no chain.
        digest: SHA-256 of the file, 32 bytes; empty if it came from no file.
    """

    data: Path
    rpc: tuple[str, ...]
    daos: tuple[Served, ...]
    sources: Sources
    hardware: bool = False
    watching: Watching = field(default_factory=Watching)
    answering: Answering | None = None
    digest: bytes = b""


def load(path: Path) -> Config:
    """Read a configuration file.

    Raises:
        BadConfig: missing, too large, not TOML, or holding anything that is not described above.
    """
    try:
        data = path.read_bytes()[: MAX_CONFIG + 1]
    except OSError as error:
        raise BadConfig("the configuration file cannot be read", path=str(path), reason=error.strerror) from error
    if len(data) > MAX_CONFIG:
        raise BadConfig("the configuration file is too large", path=str(path), limit=MAX_CONFIG)
    try:
        return replace(parse(tomllib.loads(data.decode())), digest=sha256(data).digest())
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig("the configuration file is not TOML", path=str(path), reason=str(error)) from error


def parse(value: Mapping[str, object]) -> Config:
    """The configuration that a parsed TOML document holds.

    Raises:
        BadConfig: a key is missing, unknown, or of the wrong form.
    """
    top = _Table("", value, {"data", "evidence", "chain", "dao", "sources", "witness", "head"})
    chain = top.table("chain", {"rpc"})
    sources = top.table("sources", {"gateways", "kubos", "wheels", "bases", "registries", "serve"}, optional=True)
    rpc = chain.texts("rpc")
    daos = tuple(
        Served(dao.address("address"), dao.endpoint("listen"))
        for dao in (_Table("dao", item, {"address", "listen"}) for item in top.tables("dao"))
    )
    if not rpc or not daos:
        raise BadConfig("name at least one chain endpoint and one DAO")
    if len({served.dao for served in daos}) != len(daos) or len({served.listen for served in daos}) != len(daos):
        raise BadConfig("a DAO or an address to listen on is named twice")
    return Config(
        data=Path(top.text("data")),
        hardware=_hardware(top),
        watching=watching(value.get("witness", {})),
        answering=_answering(top.table("head", {"chain", "anchor", "cluster"})) if top.has("head") else None,
        rpc=tuple(_url(url) for url in rpc),
        daos=daos,
        sources=Sources(
            gateways=tuple(_url(url) for url in sources.texts("gateways", ())),
            kubos=tuple(_url(url) for url in sources.texts("kubos", ())),
            wheels=_url(sources.text("wheels", "https://pypi.org/simple/")),
            bases=tuple(Path(folder) for folder in sources.texts("bases", ())),
            registries={host: _url(url) for host, url in sources.pairs("registries")},
            serve=sources.endpoint("serve") if sources.has("serve") else None,
        ),
    )


def watching(value: object) -> Watching:
    """What the table `witness` says of other clusters.

    Raises:
        BadConfig: a key is missing, unknown, of the wrong form, or stands twice.
        Misuse: "note.key".
    """
    table = _Table("witness", value, {"quorum", "silence", "watch"})
    others = tuple(
        _other(_Table("witness.watch", each, {"url", "log", "witness"})) for each in table.tables("watch")
    )
    keys = [key.public for other in others for key in (*other.log, *other.witness)]
    if len({other.origin for other in others}) != len(others) or len(set(keys)) != len(keys):
        raise BadConfig("a log or a key stands for two clusters", key="witness.watch")
    witnesses = sum(1 for other in others if other.witness)
    return Watching(
        others=others,
        quorum=table.number("quorum", 0, least=0, most=witnesses),
        silence=table.number("silence", SILENCE, least=4, most=86_400),
    )


def _answering(table: "_Table") -> Answering:
    chain, cluster = (table.number(name, 0, least=1, most=(1 << 63) - 1) for name in ("chain", "cluster"))
    return Answering(chain, table.address("anchor"), cluster)


def _hardware(table: "_Table") -> bool:
    evidence = table.text("evidence", "software")
    if evidence not in ("software", "hardware"):
        raise BadConfig("evidence is made by hardware or by software", key="evidence", value=evidence[:40])
    return evidence == "hardware"


def _other(table: "_Table") -> Other:
    url = _url(table.text("url")).rstrip("/")
    log = tuple(map(VerifierKey.parse, table.texts("log")))
    witness = tuple(map(VerifierKey.parse, table.texts("witness", ())))
    if urlsplit(url).path:
        raise BadConfig("the address of a cluster has no path", key="witness.watch.url", url=url)
    if len({key.name for key in log}) != 1 or not {Kind.LOG, Kind.COSIGNER_PQ} <= {key.kind for key in log}:
        raise BadConfig("a log has an Ed25519 and an ML-DSA-44 key of one name", key="witness.watch.log", url=url)
    if len({key.name for key in witness}) > 1 or any(key.kind in (Kind.LOG, Kind.HEAD) for key in witness):
        raise BadConfig("a witness has cosigner's keys of one name", key="witness.watch.witness", url=url)
    return Other(url, log, witness)


def _url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise BadConfig("not an http(s) address", url=text)
    if "@" in parts.netloc:  # what is asked for is in the public status, with its address
        raise BadConfig("an address with a password in it", host=parts.hostname)
    return text


class _Table:
    """One table of the file, with every unknown key refused."""

    def __init__(self, name: str, value: object, known: set[str]) -> None:
        if not isinstance(value, Mapping):
            raise BadConfig("not a table", key=name)
        if unknown := sorted(set(value) - known):
            raise BadConfig("unknown key", key=f"{name}.{unknown[0]}".lstrip("."), known=sorted(known))
        self._name, self._value = name, value

    def has(self, key: str) -> bool:
        return key in self._value

    def table(self, key: str, known: set[str], *, optional: bool = False) -> "_Table":
        return _Table(key, self._value.get(key, {} if optional else None), known)

    def tables(self, key: str) -> list[object]:
        value = self._value.get(key, [])
        if not isinstance(value, list):
            raise BadConfig("not a list of tables", key=key)
        return value

    def text(self, key: str, default: str | None = None) -> str:
        value = self._value.get(key, default)
        if not isinstance(value, str) or not value:
            raise BadConfig("missing, or not text", key=f"{self._name}.{key}".lstrip("."))
        return value

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        value = self._value.get(key, default)
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise BadConfig("missing, or not a list of texts", key=f"{self._name}.{key}".lstrip("."))
        return tuple(value)

    def number(self, key: str, default: int, *, least: int, most: int) -> int:
        value = self._value.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise BadConfig(
                "not a whole number within its bounds", key=f"{self._name}.{key}", least=least, most=most
            )
        return value

    def pairs(self, key: str) -> list[tuple[str, str]]:
        value = self._value.get(key, {})
        if not isinstance(value, Mapping) or not all(isinstance(text, str) for text in value.values()):
            raise BadConfig("not a table of texts", key=f"{self._name}.{key}")
        return list(value.items())

    def address(self, key: str) -> Address:
        text = self.text(key)
        if not is_checksum_address(text):
            raise BadConfig("not an address with its checksum (EIP-55)", key=f"{self._name}.{key}", value=text)
        return Address(text)

    def endpoint(self, key: str) -> Endpoint:
        host, colon, port = self.text(key).rpartition(":")
        if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise BadConfig("not host:port", key=f"{self._name}.{key}", value=self.text(key))
        return Endpoint(host, int(port))
