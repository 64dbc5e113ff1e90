"""The wheels of a root, out of the project's own lock: a machine runs the very versions that the tests ran. Pure.

Source: uv, "Project structure and files: the lockfile" (`uv.lock`, version 1); PEP 425 (tags), PEP 508 (markers).
"""

import tomllib
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from packaging.markers import Marker

from cyberprivacy.build.wheels import ENVIRONMENT, Wheel, rank
from cyberprivacy.errors import Misuse

WANTED: Final = (
    "coincurve", "cryptography", "eth-abi", "eth-account", "eth-utils", "h11", "httpx2", "jiter", "mmh3",
    "msgspec", "opendp", "packaging", "platformdirs", "pyopenssl", "rich", "ruamel-yaml", "sev-snp-measure",
    "starlette", "structlog", "typer", "uvicorn",
)  # fmt: skip
"""What a node and the door import by themselves."""

_VERSION: Final = 1


class BadLock(Misuse):
    """The project's lock cannot be used for a root."""

    code = "os.wheels"
    hint = "Write it anew: `uv lock`."


def wheels_of(lock: str, wanted: tuple[str, ...] = WANTED) -> tuple[Wheel, ...]:
    """One wheel for each package that these need, the best for the root's Python; sorted by package.

    Args:
        lock: the text of `uv.lock`.
        wanted: names of packages, as PEP 503 writes them.

    Raises:
        BadLock: of another form, without a package, or without a wheel of it that fits.
    """
    try:
        read = tomllib.loads(lock)
        if read["version"] != _VERSION:
            raise BadLock("a lock of another version", version=read["version"])
        packages: dict[str, list[Mapping[str, Any]]] = defaultdict(list)
        for package in read["package"]:
            packages[package["name"]].append(package)
        return tuple(_best(package) for package in _needed(wanted, packages))
    except (KeyError, TypeError, ValueError, AttributeError) as problem:
        raise BadLock("not a lock of packages", problem=repr(problem)) from problem


def _needed(
    wanted: tuple[str, ...], packages: Mapping[str, Sequence[Mapping[str, Any]]]
) -> list[Mapping[str, Any]]:
    """These packages, and all that they need on the root's Python."""
    found: dict[str, Mapping[str, Any]] = {}
    waiting = [*wanted]
    while waiting:
        name = waiting.pop()
        if name not in found:
            here = [package for package in packages.get(name, ()) if _here(package)]
            if len(here) != 1:
                raise BadLock("a package must have one version here", package=name, versions=len(here))
            found[name] = here[0]
            waiting += _asked(found[name])
    return [package for _, package in sorted(found.items())]


def _here(package: Mapping[str, Any]) -> bool:
    """Whether this version of a package is the one for the root's Python: a lock may have another for others."""
    markers = package.get("resolution-markers", ())
    return not markers or any(_holds(marker) for marker in markers)


def _holds(marker: str) -> bool:
    return Marker(marker).evaluate(dict(ENVIRONMENT))


def _asked(package: Mapping[str, Any]) -> Iterator[str]:
    for each in package.get("dependencies", ()):
        if "extra" in each:
            raise BadLock("a package asks for a part of another", package=package["name"], asked=each["name"])
        if "marker" not in each or _holds(each["marker"]):
            yield str(each["name"])


def _best(package: Mapping[str, Any]) -> Wheel:
    name, version = str(package["name"]), str(package["version"])
    fitting = [
        ((*place, wheel.filename), wheel)
        for wheel in map(_wheel, package.get("wheels", ()))
        if (place := rank(wheel.filename, name, version)) is not None
    ]
    if not fitting:
        raise BadLock("no wheel of a package fits", package=name, version=version)
    return min(fitting, key=lambda each: each[0])[1]


def _wheel(file: Mapping[str, Any]) -> Wheel:
    url, (kind, _, digest) = str(file["url"]), str(file["hash"]).partition(":")
    if kind != "sha256":
        raise BadLock("a wheel with a hash of another kind", url=url, kind=kind)
    return Wheel(url.rpartition("/")[2], url, digest, int(file["size"]))
