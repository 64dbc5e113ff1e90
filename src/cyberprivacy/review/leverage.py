"""Files of which each line weighs five: they run when a release is built, or choose what runs.

By name, and by what RUN instructions call. A build step may call further files; only those that a RUN names
directly are found here, so auditors look at the rest by hand.
"""

import re
from collections.abc import Iterable
from collections.abc import Set as AbstractSet
from pathlib import PurePosixPath
from typing import Final

from cyberprivacy.review.dockerfile import parse
from cyberprivacy.review.instructions import Copy, Run
from cyberprivacy.review.names import MANIFEST, is_dockerfile

FACTOR: Final = 5

_NAMES: Final = frozenset(
    """
    .dockerignore .containerignore pyproject.toml setup.py setup.cfg manifest.in hatch_build.py sitecustomize.py
    usercustomize.py pip.conf pipfile pipfile.lock poetry.lock uv.lock pdm.lock constraints.txt
    package.json package-lock.json npm-shrinkwrap.json yarn.lock pnpm-lock.yaml pnpm-workspace.yaml bun.lock
    .npmrc .yarnrc .yarnrc.yml .pnpmfile.cjs deno.lock cargo.toml cargo.lock build.rs go.mod go.sum gemfile
    gemfile.lock rakefile composer.json composer.lock build.gradle build.gradle.kts settings.gradle
    gradle.lockfile pom.xml build.xml packages.lock.json mix.lock pubspec.lock flake.nix flake.lock
    makefile gnumakefile justfile cmakelists.txt configure configure.ac meson.build build.sh
    jenkinsfile .gitlab-ci.yml .travis.yml azure-pipelines.yml bitbucket-pipelines.yml
    """.split()  # noqa: SIM905  sixty names, one a line, would hide the code below
)
_FOLDERS: Final = ("k8s/", ".github/", ".gitlab/", ".ci/", ".circleci/", ".cargo/", ".mvn/", "pipeline/")
_PATTERNS: Final = re.compile(
    r"(?:.*/)?(?:requirements[^/]*\.(?:txt|in)|[^/]*\.(?:mk|cmake|pth|gradle)|"
    r"(?:webpack|vite|rollup|babel|esbuild|postcss|gulpfile|gruntfile|next|svelte|astro)[^/]*\.[cm]?[jt]s)\Z"
)


def by_name(path: str) -> bool:
    """Whether a file's name says that it has leverage."""
    lower = path.lower()
    return (
        lower == MANIFEST
        or is_dockerfile(path)
        or lower.startswith(_FOLDERS)
        or PurePosixPath(lower).name in _NAMES
        or _PATTERNS.match(lower) is not None
    )


def called_by(dockerfile: bytes, paths: Iterable[str]) -> AbstractSet[str]:
    """The files that RUN instructions of a Dockerfile may run: every file that one of them names.

    By file name, also the name that COPY gives it, and by Python module. Rather one too many than one too few.
    """
    steps = [one for _, one in parse(dockerfile, "Dockerfile")[0]]
    words = {
        word
        for one in steps
        if isinstance(one, Run)
        for part in (*one.words, one.shell)
        for word in re.findall(r"[\w./-]+", part)
    }
    names = {PurePosixPath(word).name for word in words}
    modules = {word.rpartition(".")[2] for word in words}
    renamed = {
        source.strip("/")
        for one in steps
        if isinstance(one, Copy) and not one.stage and PurePosixPath(one.target).name in names
        for source in one.sources
    }
    return {
        path for path in paths if path in renamed or PurePosixPath(path).name in names or _module(path) in modules
    }


def _module(path: str) -> str:
    """The last part of the module that a Python file is: `made` for a/made.py and a/made/__main__.py."""
    if not path.endswith(".py"):
        return "/"  # no module's name
    stem = path.removesuffix(".py").removesuffix("/__main__").removesuffix("/__init__")
    return stem.rpartition("/")[2]
