"""Debian packages as bytes: fetched by hash, and read without running anything of them.

A lock file names every package that goes into a base image, one a line:

    name version sha256 size path

`path` is below the mirror, such as "debian/pool/main/g/glibc/libc6_…_amd64.deb". The hash alone decides:
the mirror is never believed.
"""

import io
import lzma
import re
import subprocess
import tarfile
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

import httpx2

from cyberprivacy.build.oci import replace
from cyberprivacy.build.web import MAX_REDIRECTS, PACE, answer, body
from cyberprivacy.errors import TryLater, Untrusted

MIRROR: Final = "http://deb.debian.org"
SUITE: Final = "bookworm"
KEYRING: Final = Path("/usr/share/keyrings/debian-archive-keyring.gpg")
MAX_PACKAGE: Final = 64 << 20
MAX_UNPACKED: Final = 256 << 20

_LINE: Final = re.compile(
    r"(?P<name>[a-z0-9][a-z0-9+.-]+) (?P<version>[A-Za-z0-9.+:~-]+) (?P<sha256>[0-9a-f]{64}) "
    r"(?P<size>[1-9][0-9]*) (?P<path>[A-Za-z0-9][A-Za-z0-9_./+~:-]*\.deb)\Z"
)
_URI: Final = re.compile(r"'(?P<uri>[^']+)' (?P<file>\S+) (?P<size>[0-9]+) SHA256:(?P<sha256>[0-9a-f]{64})\Z")


class BadPackage(Untrusted):
    """A package, or a lock of packages, is not what it should be."""

    code = "base.package"
    hint = "Delete the cache and try again; a mirror that serves other bytes is broken or lying."


@dataclass(frozen=True, slots=True)
class Package:
    """One locked package; `size` in bytes, `path` below the mirror."""

    name: str
    version: str
    sha256: str
    size: int
    path: str

    def __str__(self) -> str:
        return f"{self.name} {self.version} {self.sha256} {self.size} {self.path}"


def parse_lock(text: str) -> tuple[Package, ...]:
    """Read a lock file; "#" starts a comment line.

    Raises:
        BadPackage: a line of another form, or a name twice.
    """
    found: dict[str, Package] = {}
    for number, line in enumerate(text.splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        match = _LINE.match(line)
        if not match or ".." in match["path"] or int(match["size"]) > MAX_PACKAGE:
            raise BadPackage("not a line of a lock", line=number, text=line[:120])
        if match["name"] in found:
            raise BadPackage("locked twice", package=match["name"])
        size = int(match["size"])
        found[match["name"]] = Package(match["name"], match["version"], match["sha256"], size, match["path"])
    return tuple(found.values())


def fetch(package: Package, cache: Path, client: httpx2.Client, mirror: str = MIRROR) -> bytes:
    """The bytes of a locked package, from the cache or the mirror.

    Raises:
        BadPackage: the mirror serves other bytes, or no longer has it ("base.gone").
        TryLater: the mirror is out of reach, or too slow.
    """
    path = cache / package.sha256
    if path.exists() and sha256(data := path.read_bytes()).hexdigest() == package.sha256:
        return data
    url = f"{mirror}/{package.path.replace('+', '%2b')}"
    try:
        request = client.build_request("GET", url)
        with answer(client, request, PACE, redirects=MAX_REDIRECTS) as got:
            status, found = got.status_code, body(got, package.size) if got.status_code == 200 else None
    except httpx2.HTTPError as problem:
        raise TryLater("the Debian mirror is out of reach", code="base.unreachable", url=url) from problem
    if status in {404, 410}:
        raise BadPackage(
            "the mirror no longer has a locked package",
            code="base.gone",
            hint="Debian replaced it, most likely for a security update: `cyberprivacy base build --update-lock`.",
            package=package.name,
            version=package.version,
        )
    if status != 200:
        raise TryLater("the Debian mirror failed", code="base.unreachable", url=url, status=status)
    if found is None or sha256(found).hexdigest() != package.sha256:
        raise BadPackage("the mirror serves other bytes than locked", package=package.name, url=url)
    cache.mkdir(parents=True, exist_ok=True)
    replace(path, found)
    return found


def unpack(deb: bytes) -> tarfile.TarFile:
    """The file tree of a package, as a tar to read from. Source: deb(5).

    Raises:
        BadPackage: not an archive in format 2.0 with an xz-compressed tree.
    """
    members = dict(_ar(deb))
    if members.get("debian-binary", b"")[:2] != b"2." or "data.tar.xz" not in members:
        raise BadPackage("not a package that we can read", members=sorted(members))
    reader = lzma.LZMADecompressor(memlimit=128 << 20)
    try:
        tree = reader.decompress(members["data.tar.xz"], MAX_UNPACKED)
    except lzma.LZMAError as problem:
        raise BadPackage("a package is damaged", problem=str(problem)) from problem
    if not reader.eof:
        raise BadPackage("a package is cut off, or unpacks to too much", limit=MAX_UNPACKED)
    return tarfile.open(fileobj=io.BytesIO(tree), mode="r:")


def _ar(data: bytes) -> Iterator[tuple[str, bytes]]:
    """Name and bytes of each member. Source: ar(5), the common form."""
    if not data.startswith(b"!<arch>\n"):
        raise BadPackage("not an ar archive")
    at = 8
    while at < len(data):
        head = data[at : at + 60]
        try:
            name, size = head[:16].decode("ascii").rstrip().rstrip("/"), int(head[48:58])
        except ValueError:
            raise BadPackage("a damaged ar archive", at=at) from None
        body = data[at + 60 : at + 60 + size]
        if size < 0 or len(body) != size:
            raise BadPackage("a cut off ar archive", at=at)
        yield name, body
        at += 60 + size + size % 2


def resolve(
    names: Sequence[str], mirror: str = MIRROR, *, suite: str = SUITE, tools: Sequence[str] = ()
) -> tuple[Package, ...]:
    """The newest version of each package that Debian signs today, for a new lock.

    Done by apt itself in a private directory: it checks the signatures, we keep only the hashes.

    Args:
        names: packages to have, by themselves.
        mirror: Debian mirror, without a slash at the end.
        suite: which Debian.
        tools: packages to have with all that they depend on.

    Raises:
        TryLater: apt cannot reach the mirror or is not there.
        BadPackage: apt does not know a package.
    """
    with tempfile.TemporaryDirectory(prefix="cyberprivacy-apt-") as folder:
        root = Path(folder)
        for name in ("etc/apt.conf.d", "state/lists/partial", "cache/archives/partial"):
            (root / name).mkdir(parents=True)
        (root / "status").touch()
        (root / "sources.list").write_text(
            f"deb [signed-by={KEYRING}] {mirror}/debian {suite} main\n"
            f"deb [signed-by={KEYRING}] {mirror}/debian-security {suite}-security main\n"
        )
        (root / "apt.conf").write_text(
            f'Dir "{root}"; Dir::Etc "{root}/etc"; Dir::Etc::parts "{root}/etc/apt.conf.d";\n'
            f'Dir::Etc::sourcelist "{root}/sources.list"; Dir::Etc::sourceparts "-";\n'
            f'Dir::State "{root}/state"; Dir::State::status "{root}/status"; Dir::Cache "{root}/cache";\n'
            'APT::Architecture "amd64"; APT::Architectures {"amd64";};\n'
            'Acquire::Languages "none"; APT::Sandbox::User "root";\n'
        )
        _apt(root, "update", "-o", "APT::Update::Error-Mode=any")
        wanted = [*names, *(_needed(root, tools) if tools else ())]
        lines = _apt(root, "--print-uris", "download", *wanted).splitlines()
    found = {package.name: package for package in map(_printed, lines)}
    if missing := sorted(set(wanted) - set(found)):
        raise BadPackage("Debian does not have these packages", packages=missing)
    return tuple(found[name] for name in sorted(found))


def _needed(root: Path, tools: Sequence[str]) -> list[str]:
    """Packages and all that they depend on, by name: beside them apt says MD5 sums, which nobody should use."""
    lines = _apt(root, "--print-uris", "--no-install-recommends", "install", *tools).splitlines()
    return [line.split(" ")[1].partition("_")[0] for line in lines]


def _apt(root: Path, *words: str) -> str:
    env = {"APT_CONFIG": str(root / "apt.conf"), "PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "LC_ALL": "C"}
    try:
        done = subprocess.run(["apt-get", "-qq", *words], env=env, capture_output=True, text=True, check=False)
    except FileNotFoundError as problem:
        raise TryLater("apt-get is not installed", code="base.apt") from problem
    if done.returncode:
        raise TryLater("apt could not ask the Debian mirror", code="base.apt", said=done.stderr.strip()[-400:])
    return done.stdout


def _printed(line: str) -> Package:
    match = _URI.match(line)
    if not match:
        raise BadPackage("apt answered in another form than expected", line=line[:200])
    name, version, _ = match["file"].split("_")
    path = unquote(urlsplit(match["uri"]).path).lstrip("/")
    return Package(name, unquote(version), match["sha256"], int(match["size"]), path)
