"""Linted bundles and builders for the tests of this room."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

import httpx2
import platformdirs
import pytest

from cyberprivacy.build.base import EPOCH, REPOSITORY, make_base
from cyberprivacy.build.buildah import BuildahBuilder
from cyberprivacy.build.inputs import BaseSource, Inputs, LayoutBases
from cyberprivacy.build.sandbox import Limits, Sandbox
from cyberprivacy.build.web import Web
from cyberprivacy.build.wheels import WheelIndex
from cyberprivacy.bundle.manifest import BaseInput, FileInput, Image, Manifest, Public, WheelsInput
from cyberprivacy.bundle.tree import TreeBlocks, open_verified
from cyberprivacy.review.linted import SEAL, LintedBundle
from cyberprivacy.review.recipe import read
from cyberprivacy.review.workload import Topology

LOCK = Path(__file__).parents[3] / "examples/base-images/python/base.lock"
Lint = Callable[..., LintedBundle]
Make = Callable[..., BuildahBuilder]


@pytest.fixture(scope="session")
def base(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """The Python base image: its layout and its digest."""
    folder = tmp_path_factory.mktemp("base")
    cache = platformdirs.user_cache_path("cyberprivacy") / "debian"
    digest = make_base(LOCK, folder / "layout", cache=cache, renewed=folder / "renewed.lock")
    return folder / "layout", digest


@pytest.fixture
def lint(tmp_path: Path) -> Lint:
    """A linted bundle from files, as the gate would make it; only the Kubernetes part is left out."""

    def make(
        files: Mapping[str, str],
        *,
        base: str,
        pipeline: int = 1,
        wheels: Sequence[str] = (),
        inputs: Sequence[FileInput] = (),
        where: str = "bundle",
    ) -> LintedBundle:
        tree = tmp_path / where
        for name, text in files.items():
            path = tree / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        for path in (tree, *tree.rglob("*")):
            path.chmod(0o755 if path.is_dir() else 0o644)
        dockerfile = (tree / "Dockerfile").read_bytes()
        declared = BaseInput(REPOSITORY, base)
        recipe, findings = read(dockerfile, image="web", source="Dockerfile", bases=[declared])
        assert recipe, findings
        manifest = Manifest(
            name="probe",
            version="1.0.0",
            release=1,
            parent=None,
            pipeline=pipeline,
            images=(Image("web", "Dockerfile"),),
            bases=(declared,),
            wheels=tuple(WheelsInput(name) for name in wheels),
            files=tuple(inputs),
            public=Public("web", 80),
        )
        return LintedBundle(
            bundle=open_verified(TreeBlocks(tree).root, tree),
            manifest=manifest,
            recipes={"web": recipe},
            topology=Topology((), (), (), (), "web"),
            seal=SEAL,
        )

    return make


@pytest.fixture
def client() -> Iterator[httpx2.Client]:
    """An ordinary HTTP client."""
    with httpx2.Client(timeout=60) as client:
        yield client


@pytest.fixture
def builder(tmp_path: Path, base: tuple[Path, str], client: httpx2.Client) -> Make:
    """A builder with its own folders; `where` makes another one."""

    def make(
        where: str = "builder",
        *,
        limits: Limits | None = None,
        bases: Sequence[BaseSource] | None = None,
        index: WheelIndex | None = None,
        cache: Path | None = None,
    ) -> BuildahBuilder:
        work = tmp_path / where
        inputs = Inputs(
            cache or work / "inputs",
            bases=[LayoutBases(base[0])] if bases is None else bases,
            index=index or WheelIndex(client),
            web=Web(client, private=True),
            epoch=EPOCH,
        )
        sandbox = Sandbox(work / "sandbox", limits or Limits(memory=1 << 30, disk=1 << 30, seconds=240))
        return BuildahBuilder(work, inputs=inputs, sandbox=sandbox)

    return make
