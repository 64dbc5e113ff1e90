"""Files of which each line weighs five, by name: they run when a release is built, or choose what runs.

`called` finds those that build steps call.
"""

import re
from pathlib import PurePosixPath
from typing import Final

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
