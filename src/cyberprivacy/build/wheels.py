"""Python wheels by hash, from a package index that is not believed.

A hash-locked requirements file decides what may be installed; the index only says where those bytes are.
Source: PEP 691 (JSON simple API), PEP 425 (tags), PEP 508 (markers).
"""

import json
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import httpx2
from packaging.markers import Marker
from packaging.tags import Tag, compatible_tags, cpython_tags
from packaging.utils import InvalidWheelFilename, canonicalize_name, parse_wheel_filename
from packaging.version import Version

from cyberprivacy.build.web import MAX_REDIRECTS, PACE, answer, body, unreachable
from cyberprivacy.bundle.pace import Pace
from cyberprivacy.errors import Untrusted
from cyberprivacy.review.requirements import Pin, parse

PYPI: Final = "https://pypi.org/simple"
ACCEPT: Final = "application/vnd.pypi.simple.v1+json"
MAX_PAGE: Final = 32 << 20
MAX_WHEEL: Final = 1 << 30
MAX_PINS: Final = 500
AT_ONCE: Final = 8  # requests to one index

_PLATFORMS: Final = (
    *(f"manylinux_2_{minor}_x86_64" for minor in range(36, 16, -1)),
    "manylinux2014_x86_64",
    *(f"manylinux_2_{minor}_x86_64" for minor in range(16, 11, -1)),
    "manylinux2010_x86_64",
    *(f"manylinux_2_{minor}_x86_64" for minor in range(11, 4, -1)),
    "manylinux1_x86_64",
    "linux_x86_64",
)
TAGS: Final[tuple[Tag, ...]] = (
    *cpython_tags((3, 11), abis=["cp311"], platforms=_PLATFORMS),
    *compatible_tags((3, 11), "cp311", _PLATFORMS),
)
"""What pipeline 1 installs for, best first: CPython 3.11 with glibc 2.36 on x86-64."""

ENVIRONMENT: Final = {
    "implementation_name": "cpython",
    "implementation_version": "3.11.2",
    "os_name": "posix",
    "platform_machine": "x86_64",
    "platform_python_implementation": "CPython",
    "platform_release": "",
    "platform_system": "Linux",
    "platform_version": "",
    "python_full_version": "3.11.2",
    "python_version": "3.11",
    "sys_platform": "linux",
    "extra": "",
}


class BadWheels(Untrusted):
    """The declared wheels cannot be had as declared."""

    code = "inputs.wheels"
    hint = "Write the file with `uv pip compile --generate-hashes --only-binary :all: --python-version 3.11`."


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel to fetch: its declared SHA-256 (hex), where the index says that it is, and the most it may weigh."""

    filename: str
    url: str
    sha256: str
    limit: int


class WheelIndex:
    """A package index with the JSON simple API.

    Args:
        client: HTTP client; its own settings decide about proxies, CAs and credentials.
        url: address of the index, without a slash at the end.
        pace: how long one page or one wheel may take.
    """

    def __init__(self, client: httpx2.Client, url: str = PYPI, *, pace: Pace = PACE) -> None:
        self._client, self._url, self._pace = client, url.rstrip("/"), pace

    def resolve(self, requirements: bytes, path: str) -> tuple[Wheel, ...]:
        """The best wheel for each pin whose marker holds.

        Raises:
            Untrusted: the file breaks a rule of the gate, or no declared wheel fits ("inputs.wheels").
            TryLater: the index is out of reach.
        """
        pins, findings = parse(requirements, path)
        if findings:
            raise BadWheels("the requirements are not locked by hash", file=path, first=str(findings[0]))
        if len(pins) > MAX_PINS:
            raise BadWheels("too many requirements", file=path, limit=MAX_PINS)
        with ThreadPoolExecutor(AT_ONCE) as several:
            return tuple(several.map(self._choose, [pin for pin in pins if _holds(pin.marker)]))

    def download(self, wheel: Wheel) -> Iterator[bytes]:
        """The bytes of a wheel as the index gives them.

        Raises:
            TryLater: out of reach, or too slow.
        """
        with self._get(wheel.url) as got:
            if got.status_code != 200:
                raise unreachable(wheel.url, problem=f"status {got.status_code}")
            yield from got.iter_bytes()

    def _choose(self, pin: Pin) -> Wheel:
        best: tuple[int, tuple[int, str], Wheel] | None = None
        for wheel in self._offered(pin.name):
            if wheel.sha256 not in pin.digests:
                continue
            place = rank(wheel.filename, pin.name, pin.version)
            if place is not None and (best is None or (*place, wheel.filename) < (*best[:2], best[2].filename)):
                best = (*place, wheel)
        if best is None:
            raise BadWheels(
                "no wheel with a declared hash fits", package=pin.name, version=pin.version, index=self._url
            )
        return best[2]

    def _offered(self, name: str) -> Iterator[Wheel]:
        url = f"{self._url}/{name}/"
        with self._get(url, Accept=ACCEPT) as got:
            if got.status_code == 404:
                return
            page = body(got, MAX_PAGE) if got.status_code == 200 else None
            if page is None:
                raise unreachable(url, problem=f"status {got.status_code}, {MAX_PAGE} bytes are read at most")
        try:
            files = json.loads(page)["files"]
            for file in files:
                if str(file["filename"]).endswith(".whl"):
                    where = str(got.url.join(str(file["url"])))
                    yield Wheel(str(file["filename"]), where, str(file["hashes"].get("sha256")), MAX_WHEEL)
        except (ValueError, KeyError, TypeError, AttributeError, httpx2.InvalidURL) as problem:
            raise unreachable(url, problem="not the JSON simple API (PEP 691)") from problem

    @contextmanager
    def _get(self, url: str, **headers: str) -> Iterator[httpx2.Response]:
        try:
            request = self._client.build_request("GET", url, headers=headers)
            with answer(self._client, request, self._pace, redirects=MAX_REDIRECTS) as got:
                yield got
        except (httpx2.HTTPError, httpx2.InvalidURL) as problem:
            raise unreachable(url, problem=str(problem)) from problem


def _holds(marker: str) -> bool:
    return not marker or Marker(marker).evaluate(ENVIRONMENT)


def rank(filename: str, package: str, version: str) -> tuple[int, tuple[int, str]] | None:
    """How well a wheel fits: smaller is better, None does not. Among equals a higher build number wins.

    Args:
        filename: such as "mmh3-5.3.1-cp311-cp311-manylinux_2_17_x86_64.whl".
        package: whose wheel it must be.
        version: likewise.
    """
    try:
        name, number, build, tags = parse_wheel_filename(filename)
    except InvalidWheelFilename:
        return None
    if name != canonicalize_name(package) or number != Version(version):
        return None
    places = [place for place, tag in enumerate(TAGS) if tag in tags]
    built = build or (0, "")
    return (places[0], (-built[0], built[1])) if places else None
