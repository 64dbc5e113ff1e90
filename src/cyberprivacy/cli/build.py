"""`base build`, `pin` and `build`: the builder's tools at a desk, the same code as in a cluster."""

import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Final

import platformdirs
import typer

from cyberprivacy.build.oci import Layout
from cyberprivacy.bundle.verified import VerifiedBundle
from cyberprivacy.cli.output import Json, out, table
from cyberprivacy.errors import Misuse

HOME: Final = platformdirs.user_data_path("cyberprivacy")
CACHE: Final = platformdirs.user_cache_path("cyberprivacy")
BASES: Final = HOME / "bases"

Bases = Annotated[Path, typer.Option("--bases", help="OCI image layout that holds base images.")]


def register(app: typer.Typer) -> None:
    """Add this room's commands."""
    from cyberprivacy.cli import group

    base = group("base", "Base images.")
    base.command("build", epilog="Example: cyberprivacy base build --lock examples/base-images/python/base.lock")(
        base_build
    )
    app.command("pin", epilog="Example: cyberprivacy pin my-application")(pin)
    app.command("build", epilog="Example: sudo cyberprivacy build my-application")(build)


def base_build(
    *,
    lock: Annotated[
        Path | None, typer.Option(help="Lock of Debian packages; by default one of your own beside the images.")
    ] = None,
    update_lock: Annotated[bool, typer.Option(help="First write what Debian serves today into the lock.")] = False,
    bases: Bases = BASES,
    mirror: Annotated[str, typer.Option(help="Debian mirror.")] = "http://deb.debian.org",
    as_json: Json = False,
) -> None:
    """Make the Python base image from locked Debian packages; the same lock gives the same digest."""
    from cyberprivacy.build import base

    bases.mkdir(parents=True, exist_ok=True)
    path = lock or bases / "python.lock"
    if update_lock or (lock is None and not path.exists()):
        out.progress("asking Debian for today's packages")
        base.update_lock(path, mirror=mirror)
    out.progress(f"fetching packages, writing {base.REPOSITORY}")
    digest = base.make_base(path, bases, cache=CACHE / "debian", mirror=mirror)
    value = {"repository": base.REPOSITORY, "digest": digest, "layout": str(bases), "lock": str(path)}
    out.result(value, f"{base.REPOSITORY}@{digest}", as_json=as_json)


def pin(
    directory: Annotated[Path, typer.Argument(help="Sources with a cyberprivacy.yaml.")],
    *,
    base: Annotated[list[str] | None, typer.Option(help="REPOSITORY=sha256:… for a base from elsewhere.")] = None,
    bases: Bases = BASES,
    as_json: Json = False,
) -> None:
    """Write the digests of base images into the manifest and the Dockerfiles."""
    from cyberprivacy.build.pin import pin_bases

    digests: dict[str, str] = {**Layout(bases).names()}
    for one in base or ():
        repository, found, digest = one.partition("=")
        if not found:
            raise Misuse("not REPOSITORY=sha256:…", code="pin.base", base=one)
        digests[repository] = digest
    changed = [str(path) for path in pin_bases(directory, digests)]
    human = "\n".join(f"pinned {path}" for path in changed) or "nothing to change"
    out.result({"changed": changed}, human, as_json=as_json)


def build(
    directory: Annotated[Path, typer.Argument(help="Sources with a cyberprivacy.yaml.")],
    *,
    bases: Bases = BASES,
    index: Annotated[str, typer.Option(help="Python package index (PEP 691).")] = "https://pypi.org/simple",
    registry: Annotated[
        str | None, typer.Option(metavar="URL", help="An OCI registry that has base images, asked after --bases.")
    ] = None,
    registry_auth: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Credentials for it, as podman and docker keep them.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Lint and build sources as every cluster would, and print the digests that must come out. Needs root."""
    import httpx2

    from cyberprivacy.build.buildah import embedded
    from cyberprivacy.build.image import images_digest
    from cyberprivacy.build.inputs import LayoutBases
    from cyberprivacy.build.scratch import scratch
    from cyberprivacy.registry.oci import RegistryBases, connect
    from cyberprivacy.review.lint import lint

    if registry_auth is not None and registry is None:
        raise Misuse("credentials for no registry", code="build.registry", hint="Name it with --registry.")
    remote = [RegistryBases(connect(registry, authfile=registry_auth))] if registry is not None else []
    with httpx2.Client(timeout=60) as client, scratch(CACHE / "desk") as place:
        builder = embedded(CACHE / "build", bases=[LayoutBases(bases), *remote], client=client, index=index)
        with _step("reading"):
            bundle = _bundle(directory, place / "tree")
        with _step("linting"):
            linted = lint(bundle)
        with _step("building"):
            images = builder.build(linted)
    digests = {image.name: str(image.digest) for image in images}
    value = {
        "bundle": str(bundle.cid),
        "profile": images[0].profile,
        "images": digests,
        "images_digest": images_digest(digests).hex(),
    }
    rows = [("bundle", str(bundle.cid)), ("profile", images[0].profile)]
    rows += [(f"image {name}", digest) for name, digest in digests.items()]
    rows += [("all images", str(value["images_digest"]))]
    out.result(value, table(("what", "digest"), rows), as_json=as_json)


def _bundle(directory: Path, copy: Path) -> VerifiedBundle:
    """The sources as a bundle: a copy with the modes that a bundle has, under the CID that `pack` prints."""
    from cyberprivacy.bundle.pack import IGNORED
    from cyberprivacy.bundle.tree import TreeBlocks, open_verified

    if not directory.is_dir():
        raise Misuse("not a directory", code="build.directory", directory=str(directory))
    shutil.copytree(directory, copy, symlinks=True, ignore=lambda _, names: set(names) & IGNORED)
    for path in (copy, *copy.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() else 0o644)
    return open_verified(TreeBlocks(copy).root, copy)


@contextmanager
def _step(name: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    out.progress(f"{name}: {time.monotonic() - started:.1f} s")
