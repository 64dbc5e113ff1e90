"""Images by buildah, inside the sandbox, the same source into the same digest.

What decides the digest beside the source is the *builder profile*: pipeline number, buildah version and the
flags below. Everything else that could leak into an image is fixed: times, modes, host name, hash seed. The
base is named by digest, never by tag: buildah writes the name that it used into the image. Storage is vfs, as
overlay leaves its own attributes in layers. The digest is read from the archive that leaves the sandbox, which
is what gets pushed; what buildah's own storage calls the image is another number.
"""

import os
import re
import subprocess
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import Final

import httpx2

from cyberprivacy.build import template
from cyberprivacy.build.archive import read_archive
from cyberprivacy.build.base import EPOCH
from cyberprivacy.build.image import SEAL, BuiltImage, Digest
from cyberprivacy.build.inputs import BaseSource, Inputs, Staged
from cyberprivacy.build.oci import BadImage
from cyberprivacy.build.sandbox import Limits, Sandbox, View
from cyberprivacy.build.scratch import on_disk, scratch
from cyberprivacy.build.web import Web
from cyberprivacy.build.wheels import PYPI, WheelIndex
from cyberprivacy.bundle.scratch import if_unused, in_use
from cyberprivacy.errors import TryLater
from cyberprivacy.review.linted import LintedBundle, Recipe

INSIDE: Final = "/usr/bin/buildah"
RESULT: Final = "/out/image.tar"
MAX_INPUTS: Final = 8 << 30
"""Bytes of inputs that stay for later builds, when a node tidies up."""

FLAGS: Final = (
    "--no-cache",
    "--pull-never",
    "--isolation=chroot",  # the sandbox is the isolation; oci would need more rights, and leaves other stubs
    "--format=oci",
    f"--timestamp={EPOCH}",  # of every file and of the history
    "--disable-compression",  # gzip differs between versions of its library; layers are shared with the base so
    "--identity-label=false",
    "--no-hosts",  # else /etc/hosts and
    "--dns=none",  # /etc/resolv.conf of the builder get into a layer
    "--http-proxy=false",
    "--volume=/inputs:/inputs:ro",
)
PREAMBLE: Final = (f"ARG SOURCE_DATE_EPOCH={EPOCH}", "ARG PYTHONHASHSEED=0", "ARG HOSTNAME=build")
"""Put after each FROM: seen by RUN, kept out of the image. Python then writes .pyc files without times."""

SETTINGS: Final = {
    "/etc/containers/policy.json": '{"default": [{"type": "insecureAcceptAnything"}]}\n',  # by hash
    "/etc/containers/registries.conf": (
        'unqualified-search-registries = ["localhost"]\nshort-name-mode = "disabled"\n'
    ),
    "/etc/containers/storage.conf": (
        '[storage]\ndriver = "vfs"\nrunroot = "/store/run"\ngraphroot = "/store/graph"\n'
    ),
    "/etc/passwd": "root:x:0:0:root:/:/sbin/nologin\n",
    "/etc/group": "root:x:0:\n",
}
ENV: Final = {
    "PATH": "/usr/bin",
    "HOME": "/tmp",  # noqa: S108 - of the sandbox
    "TMPDIR": "/tmp",  # noqa: S108 - of the sandbox
    "_CONTAINERS_USERNS_CONFIGURED": "done",  # we are in our user namespace already
}


@dataclass(frozen=True, slots=True)
class Profile:
    """What decides a digest beside the source; named in every `BuiltImage`."""

    pipeline: int
    buildah: str

    @property
    def name(self) -> str:
        """Such as "1/buildah-1.28.2-5f1b0c2d"; the last part stands for template, flags, settings and preamble."""
        settled = repr(
            (template.digest(self.pipeline), FLAGS, PREAMBLE, sorted(SETTINGS.items()), sorted(ENV.items()))
        )
        return f"{self.pipeline}/buildah-{self.buildah}-{sha256(settled.encode()).hexdigest()[:8]}"


class BuildahBuilder:
    """The embedded `Builder`.

    Args:
        work: private folder; finished archives stay below it and are reused after a crash.
        inputs: fetches declared inputs.
        sandbox: where recipes run.
        buildah: the engine's binary.
    """

    def __init__(
        self, work: Path, *, inputs: Inputs, sandbox: Sandbox, buildah: Path = Path("/usr/bin/buildah")
    ) -> None:
        self._work, self._inputs, self._sandbox, self._buildah = work, inputs, sandbox, buildah
        self._images = work / "images"

    def profile(self, pipeline: int) -> Profile:
        """The profile that a pipeline template number stands for here.

        Raises:
            UnknownPipeline: this builder does not have it.
        """
        template.digest(pipeline)
        return Profile(pipeline, self._version)

    @cached_property
    def _version(self) -> str:
        try:
            said = subprocess.run([self._buildah, "--version"], capture_output=True, text=True, check=True).stdout
        except (OSError, subprocess.CalledProcessError) as problem:
            raise TryLater("buildah cannot be run", code="build.engine", waits_for="buildah") from problem
        match = re.match(r"buildah version (\S+)", said)
        if not match:
            raise TryLater("buildah does not say its version", code="build.engine", said=said[:80])
        return match[1]

    def build(self, linted: LintedBundle) -> tuple[BuiltImage, ...]:
        """Build every image of the bundle, in the manifest's order; what is built already is reused.

        Raises:
            Untrusted: an input is not what was declared, the recipe failed, or the pipeline is unknown or does not
                have an input.
            TryLater: an input, an engine or the disk is out of reach for now.
        """
        template.permit(linted.manifest)
        profile = self.profile(linted.manifest.pipeline)
        images = [linted.recipes[image.name] for image in linted.manifest.images]
        with on_disk():
            self._images.mkdir(parents=True, exist_ok=True)
        # Scratch also when all is there: it clears up after the killed.
        with in_use(self._images), scratch(self._work / "stage") as place:
            found = {recipe.image: self._reuse(linted, recipe, profile) for recipe in images}
            if None in found.values():
                staged = self._inputs.stage(linted, place)
                for recipe in images:
                    found[recipe.image] = found[recipe.image] or self._make(linted, recipe, profile, staged, place)
        return tuple(image for recipe in images if (image := found[recipe.image]))

    def keep(self, digests: Collection[str], *, unused_since: float, inputs: int = MAX_INPUTS) -> int:
        """Remove every finished archive but these, and inputs that were longest not used; nothing during a build.

        Args:
            digests: of images ("sha256:…") that may be pushed once more.
            unused_since: seconds since 1970; what was made or used later stays.
            inputs: bytes that the cache of inputs may have.

        Returns:
            Bytes of what was removed.

        Raises:
            TryLater: the disk failed.
        """
        freed = 0
        with on_disk():
            self._images.mkdir(parents=True, exist_ok=True)
            with if_unused(self._images) as unused:
                if not unused:
                    return 0
                for path in self._images.glob("*.tar"):
                    seen = path.stat()
                    if f"sha256:{path.name.split('.')[1]}" not in digests and seen.st_mtime < unused_since:
                        path.unlink()
                        freed += seen.st_size
                return freed + self._inputs.trim(inputs, unused_since=unused_since)

    def _stem(self, linted: LintedBundle, recipe: Recipe, profile: Profile) -> Path:
        words = "\n".join((str(linted.bundle.cid), recipe.image, profile.name, recipe.text))
        return self._images / sha256(words.encode()).hexdigest()

    def _reuse(self, linted: LintedBundle, recipe: Recipe, profile: Profile) -> BuiltImage | None:
        """An archive that an earlier run finished; its name carries the digest, and it is hashed again."""
        stem = self._stem(linted, recipe, profile)
        for path in stem.parent.glob(f"{stem.name}.*.tar"):
            try:
                digest = read_archive(path).manifest.digest
            except (BadImage, OSError):
                digest = Digest("")
            if digest == f"sha256:{path.name.split('.')[1]}":
                with on_disk():
                    os.utime(path)  # it is in use again
                return self._built(linted, recipe, profile, path, digest)
            path.unlink(missing_ok=True)
        return None

    def _make(
        self, linted: LintedBundle, recipe: Recipe, profile: Profile, staged: Staged, place: Path
    ) -> BuiltImage:
        draft = place / "image.tar"
        bases = {f"/bases/{_inside(*base)}": staged.bases[base] for base in recipe.bases}
        view = View(
            binds={INSIDE: self._buildah, "/inputs": staged.folder, **_libraries(), **bases},
            copies={"/context": linted.bundle.tree},
            texts={"/recipe/Dockerfile": with_preamble(recipe.text), **SETTINGS},
            links=_library_links(),
            folders=("/store", "/out", "/sys", "/run"),
            epoch=EPOCH,
        )
        commands = [
            *([INSIDE, "pull", "--quiet", f"oci:{base}"] for base in bases),
            [INSIDE, "bud", *FLAGS, f"--tag=oci-archive:{RESULT}", "--file=/recipe/Dockerfile", "/context"],
        ]
        self._sandbox.run(commands, view, env=ENV, result=RESULT, into=draft)
        digest = read_archive(draft).manifest.digest
        stem = self._stem(linted, recipe, profile)
        path = stem.with_name(f"{stem.name}.{digest.removeprefix('sha256:')}.tar")
        with on_disk():
            draft.replace(path)
        return self._built(linted, recipe, profile, path, digest)

    def _built(
        self, linted: LintedBundle, recipe: Recipe, profile: Profile, path: Path, digest: Digest
    ) -> BuiltImage:
        return BuiltImage(
            bundle=linted.bundle.cid,
            name=recipe.image,
            digest=digest,
            archive=path,
            profile=profile.name,
            seal=SEAL,
        )


def with_preamble(text: str) -> str:
    """The recipe with the profile's arguments after each FROM; a recipe has one instruction a line."""
    lines = []
    for line in text.splitlines():
        lines += [line, *(PREAMBLE if line.startswith("FROM ") else ())]
    return "\n".join(lines) + "\n"


def _inside(repository: str, digest: str) -> str:
    """Where a base lies inside: the engine derives its name from this path, so it is the same everywhere."""
    return f"{repository.replace(':', '_')}-{digest.removeprefix('sha256:')[:12]}"


def _libraries() -> Mapping[str, Path]:
    """The host's shared libraries, for buildah itself; no other program of the host is there."""
    return {str(path): path for path in (Path("/usr/lib"), Path("/usr/lib64")) if path.is_dir()}


def _library_links() -> Mapping[str, str]:
    return {str(path): str(path.readlink()) for path in (Path("/lib"), Path("/lib64")) if path.is_symlink()}


def embedded(
    work: Path,
    *,
    bases: Sequence[BaseSource],
    client: httpx2.Client,
    index: str = PYPI,
    limits: Limits | None = None,
    private: bool = False,
) -> BuildahBuilder:
    """The builder of one machine, wired from plain settings.

    Args:
        work: private folder for the cache of inputs, scratch files and finished archives.
        bases: where base images come from, asked in this order.
        client: HTTP client for wheels and files.
        index: Python package index.
        limits: of each build.
        private: whether inputs by URL may come from private addresses and without TLS.
    """
    return BuildahBuilder(
        work,
        inputs=Inputs(
            work / "inputs",
            bases=bases,
            index=WheelIndex(client, index),
            web=Web(client, private=private),
            epoch=EPOCH,
        ),
        sandbox=Sandbox(work / "sandbox", limits),
    )
