"""A configuration says which chain, which DAOs and where the data lies; anything else is refused."""

import tomllib
from pathlib import Path

import pytest

from cyberprivacy.build.executor import SecondOpinion
from cyberprivacy.build.image import BuiltImage
from cyberprivacy.errors import Misuse
from cyberprivacy.node.config import load, parse
from cyberprivacy.node.engines_config import beside, harbor
from cyberprivacy.node.tables import BadConfig, Endpoint
from cyberprivacy.registry.harbor_registry import HarborRegistry
from cyberprivacy.review.linted import LintedBundle

GOOD = """
data = "/var/lib/cyberprivacy"
[chain]
rpc = ["http://127.0.0.1:8545"]
[[dao]]
address = "0xAb8483F64d9C6d1EcF9b849Ae677dD3315835cb2"
listen = "127.0.0.1:8443"
[sources]
gateways = ["http://127.0.0.1:8080"]
"""


def test_a_good_file_reads() -> None:
    config = parse(tomllib.loads(GOOD))
    assert config.data == Path("/var/lib/cyberprivacy")
    assert config.daos[0].listen == Endpoint("127.0.0.1", 8443)
    assert config.sources.serve is None
    assert not config.hardware


def test_a_boot_log_may_lie_elsewhere() -> None:
    assert parse(tomllib.loads(GOOD)).boot_log is None
    assert parse(tomllib.loads('boot_log = "/run/boot-log"\n' + GOOD)).boot_log == Path("/run/boot-log")


def test_a_node_may_be_told_to_prove_itself_with_hardware() -> None:
    assert parse(tomllib.loads('evidence = "hardware"\n' + GOOD)).hardware
    assert not parse(tomllib.loads('evidence = "software"\n' + GOOD)).hardware


def test_every_source_may_be_named() -> None:
    more = """
kubos = ["http://127.0.0.1:5001"]
serve = "127.0.0.1:8081"
[sources.registries]
"docker.io" = "https://registry-1.docker.io"
"""
    sources = parse(tomllib.loads(GOOD + more)).sources
    assert sources.kubos == ("http://127.0.0.1:5001",)
    assert sources.registries == {"docker.io": "https://registry-1.docker.io"}
    assert sources.serve == Endpoint("127.0.0.1", 8081)


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ("gateways =", "registries = ['x']\ngateways =", "not a table"),
        ("gateways =", "registries = {a = 'file:///x'}\ngateways =", "http(s)"),
        ("gateways =", "kubos = ['unix:///x']\ngateways =", "http(s)"),
        ("http://127.0.0.1:8080", "http://ci:secret@127.0.0.1:8080", "a password"),
        ("[sources]", 'image = "evil"\n[sources]', "unknown key"),
        ("data =", 'run = "sh"\ndata =', "unknown key"),
        ("0xAb8483F6", "0xab8483f6", "checksum"),
        ("127.0.0.1:8443", "127.0.0.1:0", "host:port"),
        ("127.0.0.1:8443", ":8443", "host:port"),
        ("http://127.0.0.1:8545", "file:///etc/passwd", "http(s)"),
        ('rpc = ["http://127.0.0.1:8545"]', "rpc = []", "at least one"),
        ('rpc = ["http://127.0.0.1:8545"]', "", "missing"),
        ("data =", 'evidence = "trust me"\ndata =', "by hardware or by software"),
        ("[chain]", "[chian]", "unknown key"),
    ],
)
def test_anything_else_is_refused_and_named(old: str, new: str, what: str) -> None:
    with pytest.raises(BadConfig) as refusal:
        parse(tomllib.loads(GOOD.replace(old, new, 1)))
    assert what in refusal.value.what
    assert refusal.value.exit_code == 2


@pytest.mark.parametrize("content", [b"\xff", b"a = ", b"#" * 70_000])
def test_a_file_that_is_no_configuration_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "node.toml").write_bytes(content)
    with pytest.raises(BadConfig):
        load(tmp_path / "node.toml")


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(BadConfig):
        load(tmp_path / "none.toml")


JENKINS = """
[jenkins]
url = "https://jenkins.example"
user = "node"
token = "TOKEN"
templates = "/templates"
[jenkins.values]
index = "https://pypi.org/simple"
"""


def test_a_jenkins_may_build_beside_the_node(tmp_path: Path) -> None:
    assert parse(tomllib.loads(GOOD)).jenkins is None
    (tmp_path / "token").write_text("hunter2\n")
    at = parse(tomllib.loads(GOOD + JENKINS.replace("TOKEN", str(tmp_path / "token")))).jenkins
    assert at is not None
    assert at.values == {"index": "https://pypi.org/simple"}
    assert isinstance(beside(Own(), at, None, tmp_path), SecondOpinion)
    own = Own()
    assert beside(own, None, None, tmp_path) is own


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("TOKEN", "/nowhere", "access.file"),
        ('user = "node"', 'user = "node"\nca = "/nowhere"', "access.ca"),
        ("https://jenkins.example", "http://jenkins.example", "access.plain"),
        ("https://jenkins.example", "https://u:p@jenkins.example", "node.config"),
        ('user = "node"', 'user = "node"\njob = "x"', "node.config"),
        ('user = "node"\n', "", "node.config"),
    ],
)
def test_a_jenkins_that_cannot_be_used_is_refused(tmp_path: Path, old: str, new: str, code: str) -> None:
    (tmp_path / "token").write_text("hunter2\n")
    text = JENKINS.replace(old, new).replace("TOKEN", str(tmp_path / "token"))
    with pytest.raises(Misuse) as refusal:
        beside(Own(), parse(tomllib.loads(GOOD + text)).jenkins, None, tmp_path)
    assert refusal.value.code == code
    assert "hunter2" not in str(refusal.value)


JOBS = """
[jobs]
kubeconfig = "/nowhere/kubeconfig"
namespace = "builds"
image = "registry.example/agent@sha256:DIGEST"
templates = "/templates"
[jobs.values]
index = "https://pypi.org/simple"
""".replace("DIGEST", "ab" * 32)


def test_a_cluster_may_build_beside_the_node(tmp_path: Path) -> None:
    at = parse(tomllib.loads(GOOD + JOBS)).jobs
    assert at is not None
    assert (at.yard.namespace, dict(at.filling.values)) == ("builds", {"index": "https://pypi.org/simple"})
    with pytest.raises(Misuse) as refusal:
        beside(Own(), None, at, tmp_path)
    assert refusal.value.code == "kubernetes.kubeconfig"


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("@sha256:", ":v1.", "job.image"),
        ('"builds"', '"Builds"', "job.namespace"),
        ('namespace = "builds"', 'namespace = "builds"\ntoken = "x"', "node.config"),
    ],
)
def test_a_cluster_that_cannot_be_used_is_refused(old: str, new: str, code: str) -> None:
    with pytest.raises(Misuse) as refusal:
        parse(tomllib.loads(GOOD + JOBS.replace(old, new)))
    assert refusal.value.code == code


def opened(text: str) -> HarborRegistry:
    at = parse(tomllib.loads(GOOD + text)).harbor
    assert at is not None
    return harbor(at)


HARBOR = """
[harbor]
url = "https://harbor.example"
project = "node-1"
push = "PUSH"
pull = "/pull.json"
"""


def test_a_harbor_may_hold_the_images(tmp_path: Path) -> None:
    (tmp_path / "push").write_text('{"auths": {"harbor.example": {"auth": "cm9ib3Q6c2VjcmV0"}}}')
    at = parse(tomllib.loads(GOOD + HARBOR.replace("PUSH", str(tmp_path / "push")))).harbor
    assert at is not None
    assert (at.project, at.pull, at.certificates) == ("node-1", Path("/pull.json"), None)
    assert isinstance(harbor(at), HarborRegistry)


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        ("PUSH", "/nowhere", "registry.authfile"),
        ("harbor.example", "other.example", "registry.authfile"),
        ("node-1", "Node/1", "harbor.project"),
        ('pull = "/pull.json"', 'pull = "/pull.json"\ntag = "latest"', "node.config"),
        ('pull = "/pull.json"', "", "node.config"),
        ('pull = "/pull.json"', 'pull = "/pull.json"\ncertificates = "/nowhere"', "access.ca"),
    ],
)
def test_a_harbor_that_cannot_be_used_is_refused(tmp_path: Path, old: str, new: str, code: str) -> None:
    (tmp_path / "push").write_text('{"auths": {"harbor.example": {"auth": "cm9ib3Q6c2VjcmV0"}}}')
    text = HARBOR.replace(old, new).replace("PUSH", str(tmp_path / "push"))
    with pytest.raises(Misuse) as refusal:
        opened(text)
    assert refusal.value.code == code


def test_a_cluster_names_its_own_registry_and_no_harbor_beside_it() -> None:
    cluster = '[kubernetes]\nkubeconfig = "/k"\nregistry = "https://r.example"\nfront = ["10.0.0.5/32"]\n'
    assert parse(tomllib.loads(GOOD + cluster)).clusters is not None
    with pytest.raises(BadConfig, match="its own registry"):
        parse(tomllib.loads(GOOD + cluster + HARBOR))


class Own:
    """A builder that is never asked."""

    def build(self, linted: LintedBundle) -> tuple[BuiltImage, ...]:
        raise AssertionError(linted)
