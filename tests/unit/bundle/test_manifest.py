from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cyberprivacy.bundle.extract import extract
from cyberprivacy.bundle.manifest import (
    BadManifest,
    BaseInput,
    FileInput,
    Image,
    Manifest,
    Public,
    WheelsInput,
    load,
    parse,
)
from cyberprivacy.bundle.tree import TreeBlocks
from cyberprivacy.cid import DAG_PB, Cid

DIGEST = "sha256:" + "ab" * 32
PARENT = Cid.of(DAG_PB, b"earlier")
GOOD = f"""
cyberprivacy: 1
name: guestbook
version: 1.1.0
release: 2
parent: {PARENT}
pipeline: 1
images:
  web: {{dockerfile: Dockerfile}}
  worker: {{dockerfile: docker/Dockerfile.worker}}
inputs:
  bases:
    - {{repository: cyberprivacy/python, digest: "{DIGEST}"}}
  wheels:
    - {{requirements: requirements.txt}}
  files:
    - {{name: thing.js, url: "https://cdn.example/thing.js?v=1", sha256: "{"cd" * 32}", size: 12345}}
public: {{service: web, port: 80}}
"""


def refusal(text: str) -> BadManifest:
    with pytest.raises(BadManifest) as caught:
        parse(text.encode())
    return caught.value


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


def test_a_whole_manifest_is_read() -> None:
    assert parse(GOOD.encode()) == Manifest(
        name="guestbook",
        version="1.1.0",
        release=2,
        parent=PARENT,
        pipeline=1,
        images=(Image("web", "Dockerfile"), Image("worker", "docker/Dockerfile.worker")),
        bases=(BaseInput("cyberprivacy/python", DIGEST),),
        wheels=(WheelsInput("requirements.txt"),),
        files=(FileInput("thing.js", "https://cdn.example/thing.js?v=1", "cd" * 32, 12345),),
        public=Public("web", 80),
    )


def test_inputs_may_be_absent_and_the_first_release_has_no_parent() -> None:
    start, _, rest = GOOD.partition("inputs:")
    text = (start + "public:" + rest.partition("public:")[2]).replace(str(PARENT), "null")
    manifest = parse(text.encode())
    assert (manifest.parent, manifest.bases, manifest.wheels, manifest.files) == (None, (), (), ())


@pytest.mark.parametrize(
    ("code", "field", "old", "new"),
    [
        ("manifest.format", None, "cyberprivacy: 1", "cyberprivacy: 2"),
        ("manifest.unknown", "privileged", "pipeline: 1", "pipeline: 1\nprivileged: true"),
        ("manifest.unknown", "images.web.args", "dockerfile: Dockerfile}", "dockerfile: Dockerfile, args: []}"),
        ("manifest.unknown", "inputs.network", "  wheels:", "  network: true\n  wheels:"),
        ("manifest.unknown", "public.tls", "port: 80", "port: 80, tls: false"),
        ("manifest.reserved", "parameters", "pipeline: 1", "pipeline: 1\nparameters: {}"),
        ("manifest.reserved", "algorithms", "pipeline: 1", "pipeline: 1\nalgorithms: {}"),
        ("manifest.reserved", "statistics", "pipeline: 1", "pipeline: 1\nstatistics: {}"),
        ("manifest.field", "data", "pipeline: 1", "pipeline: 1\ndata: {}"),
        ("manifest.field", "data", "pipeline: 1", "pipeline: 1\ndata: []"),
        (
            "manifest.field",
            "data",
            "pipeline: 1",
            f"pipeline: 1\ndata: [{', '.join(f'a.b.v{n}' for n in range(1, 66))}]",
        ),
        ("manifest.value", "data[0]", "pipeline: 1", "pipeline: 1\ndata: [Order.v1]"),
        ("manifest.field", "data[1]", "pipeline: 1", "pipeline: 1\ndata: [a.b.v1, {a.b.v2: {}}]"),
        ("manifest.repeated", "data", "pipeline: 1", "pipeline: 1\ndata: [a.b.v1, a.b.v1]"),
        ("manifest.field", "name", "name: guestbook\n", ""),
        ("manifest.field", "release", "release: 2\n", ""),
        ("manifest.field", "name", "name: guestbook", "name: 7"),
        ("manifest.field", "release", "release: 2", "release: '2'"),
        ("manifest.field", "release", "release: 2", "release: true"),
        (
            "manifest.field",
            "images",
            "images:\n  web: {dockerfile: Dockerfile}\n  worker: {dockerfile: docker/Dockerfile.worker}",
            "images: {}",
        ),
        ("manifest.field", "inputs.wheels", "wheels:\n    - {requirements: requirements.txt}", "wheels: []"),
        ("manifest.field", "inputs.wheels[0]", "- {requirements: requirements.txt}", "- requirements.txt"),
        ("manifest.value", "name", "name: guestbook", "name: Guestbook"),
        ("manifest.value", "name", "name: guestbook", "name: ../guestbook"),
        ("manifest.value", "version", "version: 1.1.0", "version: '1.1.0; rm -rf /'"),
        ("manifest.value", "release", "release: 2", "release: 0"),
        ("manifest.value", "release", "release: 2", "release: 4294967296"),
        ("manifest.value", "parent", str(PARENT), "bafybeiabc"),
        ("manifest.value", "parent", str(PARENT), str(Cid.of(0x55, b"a file"))),
        ("manifest.value", "images.web", "dockerfile: Dockerfile}", "dockerfile: ../Dockerfile}"),
        ("manifest.value", "images.web", "dockerfile: Dockerfile}", "dockerfile: /etc/Dockerfile}"),
        ("manifest.value", "images.web", "dockerfile: Dockerfile}", "dockerfile: a//b}"),
        ("manifest.value", "inputs.bases[0]", DIGEST, "sha256:" + "AB" * 32),
        ("manifest.value", "inputs.bases[0]", DIGEST, "latest"),
        ("manifest.value", "inputs.bases[0]", "cyberprivacy/python", "evil.example:443/python"),
        ("manifest.value", "inputs.files[0]", "name: thing.js", "name: ../thing.js"),
        ("manifest.value", "inputs.files[0]", "https://cdn.example/", "file:///etc/"),
        ("manifest.value", "inputs.files[0]", "https://cdn.example/", "https://user:secret@cdn.example/"),
        ("manifest.value", "inputs.files[0]", "?v=1", "#part"),
        ("manifest.value", "inputs.files[0]", "https://cdn.example/", "https:///"),
        ("manifest.value", "inputs.files[0]", "https://cdn.example/", "https://cdn.example:99999/"),
        ("manifest.value", "inputs.files[0]", "cd" * 32, "cd" * 20),
        ("manifest.value", "inputs.files[0]", "size: 12345", "size: -1"),
        ("manifest.value", "public", "port: 80", "port: 65536"),
        ("manifest.value", "public", "service: web", "service: Web"),
        (
            "manifest.repeated",
            "inputs.wheels",
            "    - {requirements: requirements.txt}",
            "    - {requirements: requirements.txt}\n    - {requirements: requirements.txt}",
        ),
    ],
)
def test_what_the_format_does_not_have_is_refused_by_name(
    code: str, field: str | None, old: str, new: str
) -> None:
    error = refusal(changed(old, new))
    assert error.code == code
    if field is not None:
        assert str(error.facts["field"]).startswith(field)


@pytest.mark.parametrize(
    ("rule", "old", "new"),
    [
        ("yaml.duplicate", "pipeline: 1", "pipeline: 1\npipeline: 2"),
        ("yaml.anchor", "pipeline: 1", "pipeline: &a 1"),
        ("yaml.tag", "pipeline: 1", "pipeline: !!int 1"),
        ("yaml.merge", "pipeline: 1", "pipeline: 1\n<<: {}"),
        ("yaml.float", "version: 1.1.0", "version: 1.1"),
        ("yaml.documents", "pipeline: 1", "---\npipeline: 1"),
    ],
)
def test_yaml_that_readers_take_differently_is_refused_with_the_rule(rule: str, old: str, new: str) -> None:
    error = refusal(changed(old, new))
    assert (error.code, error.facts["rule"]) == ("manifest.yaml", rule)


def test_a_giant_manifest_is_refused_unread() -> None:
    assert refusal(GOOD + "#" * (64 << 10)).facts["rule"] == "yaml.size"


@given(st.binary(max_size=200))
def test_any_bytes_are_refused(data: bytes) -> None:
    with pytest.raises(BadManifest):
        parse(data)


@given(st.data())
def test_a_manifest_without_one_of_its_lines_or_with_two_of_them_is_read_or_refused(data: st.DataObject) -> None:
    lines = GOOD.splitlines(keepends=True)
    at = data.draw(st.integers(0, len(lines) - 1))
    lines[at : at + 1] = data.draw(st.sampled_from(([], [lines[at]] * 2, [lines[at].replace(":", "")])))
    try:
        parse("".join(lines).encode())
    except BadManifest as error:
        assert error.code.startswith("manifest.")


def test_a_bundle_without_a_manifest_says_so(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    blocks = TreeBlocks(tmp_path / "source")
    bundle = extract(blocks.root, blocks.find, tmp_path / "tree")
    with pytest.raises(BadManifest) as caught:
        load(bundle)
    assert caught.value.code == "manifest.missing"


def test_the_manifest_of_a_bundle_is_read_from_its_tree(tmp_path: Path) -> None:
    (tmp_path / "source").mkdir()
    (tmp_path / "source" / "cyberprivacy.yaml").write_text(GOOD)
    blocks = TreeBlocks(tmp_path / "source")
    assert load(extract(blocks.root, blocks.find, tmp_path / "tree")).name == "guestbook"
