"""A Harbor as a place for built images: stored by digest, guarded while in use, removed when nobody needs them."""

import ssl
from collections.abc import Collection
from pathlib import Path

from cyberprivacy.build.image import BuiltImage
from cyberprivacy.bundle.access import Access
from cyberprivacy.bundle.remote import Remote
from cyberprivacy.errors import Misuse
from cyberprivacy.registry.distribution import Credentials, trusting
from cyberprivacy.registry.harbor import SERVICE, Harbor, guard_of
from cyberprivacy.registry.oci import OciRegistry
from cyberprivacy.registry.pushed import PushedImage

SPARE = 3
"""The latest images of each repository, which stay in any case: what a DAO may want to come back to."""


class HarborRegistry:
    """A `Registry` in one project of a Harbor.

    Args:
        registry: its OCI interface.
        harbor: its own interface, as the account that pushes.
    """

    def __init__(self, registry: OciRegistry, harbor: Harbor) -> None:
        self._registry, self._harbor = registry, harbor

    def close(self) -> None:
        """Let go of the connections."""
        self._registry.close()

    def push(self, image: BuiltImage, repository: str) -> PushedImage:
        """As the port says; then the image is guarded from Harbor's garbage collection.

        Raises:
            Untrusted, TryLater, Misuse: as `OciRegistry.push` and `Remote.ask`.
        """
        pushed = self._registry.push(image, f"{self._harbor.project}/{repository}")
        self._harbor.guard(repository, pushed.digest)
        return pushed

    def tidy(self, applications: Collection[str], digests: Collection[str], *, unused_since: float) -> int:
        """`keep` for each repository of these applications; gives how many images were removed."""
        mine = [name for name in self._harbor.repositories() if name.partition("/")[0] in applications]
        return sum(self.keep(name, digests, unused_since=unused_since) for name in mine)

    def keep(self, repository: str, digests: Collection[str], *, unused_since: float) -> int:
        """Remove what is not among these digests, not among the latest, and was not used lately.

        What a digest names is looked up anew each time: a guard that somebody took away is set again.

        Args:
            repository: within the project.
            digests: what runs, or what one may have to come back to.
            unused_since: seconds since 1970; what was pushed or pulled later stays.

        Returns:
            How many were removed.

        Raises:
            Untrusted, TryLater, Misuse: as `Remote.ask`.
        """
        there = sorted(self._harbor.artifacts(repository), key=lambda one: one.pushed, reverse=True)
        removed = 0
        for place, one in enumerate(there):
            if one.digest in digests:
                if guard_of(one.digest) not in one.tags:
                    self._harbor.guard(repository, one.digest)
            elif place >= SPARE and one.used < unused_since:
                removed += self._harbor.remove(repository, one.digest)
        return removed


def open_harbor(url: str, project: str, authfile: Path, ca: Path | None) -> HarborRegistry:
    """A registry from its settings.

    Args:
        url: of the server, without a path.
        project: its name.
        authfile: credentials of an account with the rights `harbor.PUSH`.
        ca: PEM file of a private CA; None trusts the machine's list.

    Raises:
        Misuse: "registry.authfile", "harbor.project", "access.ca", "access.plain", "bundle.url".
    """
    harbor = Harbor(as_account(url, authfile, ca), project)
    return HarborRegistry(OciRegistry.open(url, ca=ca, authfile=authfile), harbor)


def as_account(url: str, authfile: Path, ca: Path | None) -> Remote:
    """A Harbor's own interface as the account of an auth file. Raises as `open_harbor`."""
    tls = trusted(ca)
    credentials = Credentials.read(authfile, url.partition("://")[2].rstrip("/"))
    if credentials is None:
        hint = "`cyberprivacy harbor prepare` writes auth files."
        raise Misuse(
            "no account for this server", code="registry.authfile", hint=hint, file=str(authfile), url=url
        )
    return Remote(url, SERVICE, access=Access.basic(credentials.user, credentials.password), tls=tls)


def trusted(ca: Path | None) -> ssl.SSLContext:
    """TLS settings that trust a private CA, or the machine's own list.

    Raises:
        Misuse: "access.ca": there is no certificate in the file.
    """
    try:
        return trusting(ca)
    except OSError as problem:
        reason = str(problem.strerror)
        raise Misuse("no certificates of a CA", code="access.ca", file=str(ca), reason=reason) from None
