"""The engines of a node, out of Debian's packages: which programs are in the root, and what each is for.

A program that is not named here is not in the image, whatever else its package brings: no shell, no package
manager, no service of Debian's. `nsenter`, `setpriv`, `prlimit` and the container engines start the program that
they are given: only the node calls them, and nobody reaches the node but over its interface.
"""

import tarfile
from collections.abc import Mapping
from typing import Final

from cyberprivacy.build.base import LIBRARIES, Entry
from cyberprivacy.build.debian import unpack

PROGRAMS: Final[Mapping[str, tuple[str, ...]]] = {
    "apache2-utils": ("usr/bin/htpasswd",),  # the registry's password
    "buildah": ("usr/bin/buildah",),  # images out of recipes, inside the sandbox
    "conmon": ("usr/bin/conmon",),  # podman's: holds what a container writes to
    "cryptsetup-bin": ("usr/sbin/cryptsetup",),  # the data disk
    "docker-registry": ("usr/bin/docker-registry",),
    "e2fsprogs": ("usr/sbin/mke2fs",),
    "haproxy": ("usr/sbin/haproxy",),
    "iproute2": ("usr/bin/ip",),  # bridges and cables of applications
    "iptables": ("usr/sbin/xtables-nft-multi",),
    "podman": ("usr/bin/podman",),
    "runc": ("usr/sbin/runc",),
    "util-linux": ("usr/bin/nsenter", "usr/bin/prlimit", "usr/bin/setpriv"),
}
"""Package -> programs."""

SHARED: Final = (
    "libapr1", "libaprutil1", "libargon2-1", "libassuan0", "libaudit1", "libblkid1", "libbpf1", "libbsd0",
    "libcap-ng0", "libcap2", "libcryptsetup12", "libdevmapper1.02.1", "libelf1", "libext2fs2", "libgcrypt20",
    "libglib2.0-0", "libgpg-error0", "libgpgme11", "libjson-c5", "liblua5.3-0", "liblz4-1", "libmd0", "libmnl0",
    "libnftnl11", "libopentracing-c-wrapper0", "libopentracing1", "libpam0g", "libpcre2-8-0", "libpopt0",
    "libseccomp2", "libselinux1", "libsemanage2", "libsepol2", "libsmartcols1", "libsubid4", "libsystemd0",
    "libudev1", "libxtables12", "libzstd1",
)  # fmt: skip
"""Packages of which the shared libraries are taken."""

ENGINES: Final = (*sorted(PROGRAMS), *SHARED, "ca-certificates", "golang-github-containers-common")
"""Every package that a root has beside those of a base image."""

CONTAINER: Final[tuple[str, ...]] = ("dash", "libtpms0", "swtpm", "swtpm-libs")
"""Packages that a container image has beside these: see `container`."""

_RULES: Final = frozenset(
    f"{LIBRARIES}/xtables/{name}.so" for name in ("libxt_NAT", "libxt_REDIRECT", "libxt_standard", "libxt_tcp")
)
"""What `iptables` opens for the rules of `deploy.network`."""
_SECCOMP: Final = "usr/share/containers/seccomp.json"
_AUTHORITY: Final = "usr/share/ca-certificates/mozilla/"
_TAKEN: Final = frozenset({_SECCOMP}) | _RULES | {path for some in PROGRAMS.values() for path in some}
_LINKS: Final = {"usr/sbin/iptables": "xtables-nft-multi", "usr/sbin/ip6tables": "xtables-nft-multi"}
_TEXTS: Final = {
    # An image is taken by its digest, which the node has pushed itself: no signature says more.
    "etc/containers/policy.json": '{"default": [{"type": "insecureAcceptAnything"}]}\n',
    "etc/hosts": "127.0.0.1 localhost\n",
    "etc/passwd": (
        "root:x:0:0:root:/:/sbin/nologin\nhaproxy:x:10002:10002::/:/sbin/nologin\napp:x:10001:10001::/:/sbin/nologin\n"
    ),
    "etc/group": "root:x:0:\nhaproxy:x:10002:\napp:x:10001:\n",
}
_FOLDERS: Final = ("sys", "var/lib/cyberprivacy")
"""Where something is mounted."""


def engine_files(debs: Mapping[str, bytes]) -> dict[str, Entry]:
    """The files of the engines, by path, beside their shared libraries.

    Args:
        debs: packages by name, as bytes.
    """
    found: dict[str, Entry] = {path: Entry(0o755) for path in _FOLDERS}
    authorities: dict[str, bytes] = {}
    for name in sorted({*PROGRAMS, "ca-certificates", "golang-github-containers-common"} & debs.keys()):
        with unpack(debs[name]) as tree:
            for member in tree:
                path = _merged(member.name.removeprefix("./"))
                if path.startswith(_AUTHORITY) and member.isreg():
                    authorities[path] = _read(tree, member)
                elif path in _TAKEN:
                    found[path] = _entry(tree, member)
    found["etc/ssl/certs/ca-certificates.crt"] = Entry(
        0o644, data=b"".join(text for _, text in sorted(authorities.items()))
    )
    found |= {path: Entry(0o777, target=target) for path, target in _LINKS.items()}
    return found | {path: Entry(0o644, data=text.encode()) for path, text in _TEXTS.items()}


def _merged(path: str) -> str:
    """Where a file lies once /bin, /sbin and /lib are links."""
    return f"usr/{path}" if path.startswith(("bin/", "sbin/", "lib/")) else path


def _entry(tree: tarfile.TarFile, member: tarfile.TarInfo) -> Entry:
    if member.issym():
        return Entry(0o777, target=member.linkname)
    return Entry(0o755 if member.mode & 0o100 else 0o644, data=_read(tree, member))


def _read(tree: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    file = tree.extractfile(member)
    return b"" if file is None else file.read()
