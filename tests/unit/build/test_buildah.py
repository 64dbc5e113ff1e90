"""Recipes in the sandbox: what they see, what they may not, and what a failure leaves behind."""

import socket
import subprocess
from pathlib import Path

import pytest

from cyberprivacy.build import template
from cyberprivacy.build.archive import read_archive
from cyberprivacy.build.buildah import FLAGS, PREAMBLE, BuildahBuilder, Profile, with_preamble
from cyberprivacy.build.oci import Layout, parse_manifest
from cyberprivacy.build.sandbox import BuildFailed, Limits
from cyberprivacy.bundle.manifest import FileInput
from cyberprivacy.errors import TryLater, Untrusted


def recipe(base: str, *steps: str) -> dict[str, str]:
    lines = [
        f"FROM cyberprivacy/python@{base}",
        "COPY app /app",
        *steps,
        "USER 10001",
        'CMD ["python3", "/app/main.py"]',
    ]
    return {"Dockerfile": "\n".join(lines) + "\n", "app/main.py": "print('hello')\n"}


def python(code: str) -> str:
    return f'RUN ["python3", "-c", "{code}"]'


def test_a_profile_is_named_by_engine_and_flags() -> None:
    name = Profile(1, "1.28.2").name
    assert name.startswith("1/buildah-1.28.2-")
    assert name != Profile(1, "1.29.0").name
    assert "--no-cache" in FLAGS


def test_the_profile_speaks_after_every_from_and_nowhere_else() -> None:
    text = 'FROM a@sha256:1 AS one\nRUN ["FROM here"]\nFROM b@sha256:2\nUSER 1\n'
    lines = with_preamble(text).splitlines()
    assert lines == [
        "FROM a@sha256:1 AS one",
        *PREAMBLE,
        'RUN ["FROM here"]',
        "FROM b@sha256:2",
        *PREAMBLE,
        "USER 1",
    ]


@pytest.mark.engines
def test_an_unknown_pipeline_is_refused_before_anything_starts(lint, builder, base) -> None:
    linted = lint(recipe(base[1]), base=base[1], pipeline=999)
    with pytest.raises(Untrusted) as refusal:
        builder().build(linted)
    assert refusal.value.code == "build.pipeline"


@pytest.mark.engines
def test_a_closed_pipeline_has_base_images_and_nothing_else(lint, builder, base) -> None:
    file = FileInput("model.bin", "https://elsewhere.example/model.bin", "00" * 32, 1)
    template.permit(lint(recipe(base[1]), base=base[1], pipeline=2).manifest)
    for more in ({"wheels": ["requirements.txt"]}, {"inputs": [file]}):
        template.permit(lint(recipe(base[1]), base=base[1], pipeline=1, **more).manifest)
        with pytest.raises(Untrusted) as refusal:
            builder().build(lint(recipe(base[1]), base=base[1], pipeline=2, **more))
        assert refusal.value.code == "build.inputs"


@pytest.mark.engines
def test_a_build_that_wants_the_network_fails(lint, builder, base, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        where = f"('127.0.0.1', {listening.getsockname()[1]})"
        linted = lint(recipe(base[1], python(f"import socket; socket.create_connection({where})")), base=base[1])
        with pytest.raises(BuildFailed) as refusal:
            builder().build(linted)
    assert refusal.value.code == "build.failed"
    assert "Network is unreachable" in str(refusal.value.facts["log"])
    assert not list((tmp_path / "builder").rglob("*.tar"))
    assert not list((tmp_path / "builder" / "stage").iterdir())
    assert not list((tmp_path / "builder" / "sandbox").iterdir())


@pytest.mark.engines
def test_a_recipe_sees_its_image_and_its_inputs_and_nothing_of_the_host(
    lint, builder, base, tmp_path: Path
) -> None:
    secret = tmp_path / "node.key"
    secret.write_text("secret")
    seen = (
        "import os; from pathlib import Path; "
        f"assert not any(map(os.path.exists, ('{secret}', '/root', '/home', '/bases', '/context', '/store'))); "
        "assert sorted(os.listdir('/inputs')) == ['files', 'wheels']; "
        "assert 'secret' not in str(os.environ); "
        "assert os.environ['SOURCE_DATE_EPOCH'] and os.environ['PYTHONHASHSEED'] == '0'; "
        "assert not os.access('/inputs', os.W_OK); "
        "assert open('/proc/self/uid_map').read().split()[1] == '500000'"
    )
    [image] = builder().build(lint(recipe(base[1], python(seen)), base=base[1]))
    assert read_archive(image.archive).manifest.digest == image.digest


@pytest.mark.engines
@pytest.mark.parametrize(
    ("code", "limits", "expected"),
    [
        ("import time; time.sleep(600)", Limits(memory=1 << 30, disk=1 << 30, seconds=4), "build.timeout"),
        ("x = bytearray(900 * 2**20)", Limits(memory=600 << 20, disk=512 << 20, seconds=240), "build.memory"),
        (
            "open('/big', 'wb').write(bytes(400 * 2**20))",
            Limits(memory=2 << 30, disk=256 << 20, seconds=240),
            "build.failed",
        ),
        ("import sys; sys.exit('no')", Limits(memory=1 << 30, disk=1 << 30, seconds=240), "build.failed"),
    ],
    ids=["endless", "greedy", "huge", "failing"],
)
def test_a_recipe_that_oversteps_is_stopped(lint, builder, base, code: str, limits: Limits, expected: str) -> None:
    with pytest.raises(BuildFailed) as refusal:
        builder(limits=limits).build(lint(recipe(base[1], python(code)), base=base[1]))
    assert refusal.value.code == expected


@pytest.mark.engines
def test_layers_hold_what_the_recipe_made_and_the_base_is_shared(lint, builder, base) -> None:
    [image] = builder().build(lint(recipe(base[1]), base=base[1]))
    made = read_archive(image.archive).manifest
    below = parse_manifest(Layout(base[0]).path(base[1]).read_bytes())
    assert made.layers[: len(below.layers)] == below.layers
    assert len(made.layers) == len(below.layers) + 1


@pytest.mark.engines
def test_without_the_engine_it_is_try_later(lint, builder, base, tmp_path: Path) -> None:
    made = builder()
    missing = BuildahBuilder(tmp_path / "b", inputs=made._inputs, sandbox=made._sandbox, buildah=tmp_path / "none")
    with pytest.raises(TryLater) as refusal:
        missing.build(lint(recipe(base[1]), base=base[1]))
    assert refusal.value.code == "build.engine"


@pytest.mark.engines
def test_a_full_disk_is_try_later_and_nothing_is_left(lint, builder, base, tmp_path: Path) -> None:
    linted = lint(recipe(base[1]), base=base[1])
    small = tmp_path / "small"
    small.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=70m", "tmpfs", small], check=True)
    try:
        with pytest.raises(TryLater) as refusal:
            builder("small").build(linted)
        assert refusal.value.code == "disk.full"
        assert not list((small / "stage").iterdir())
        assert not list((small / "sandbox").iterdir())
        subprocess.run(["mount", "-o", "remount,size=1g", small], check=True)
        assert builder("small").build(linted)
    finally:
        subprocess.run(["umount", small], check=True)
