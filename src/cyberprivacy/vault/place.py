"""Where people sign in: a vault at its public address, and the applications that it keeps data for.

A session is the owner's own, opened at the vault's address, or an application's, opened at that application's.
What a wallet shows says which of the two: an application cannot have the first while it asks for the second.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self
from urllib.parse import urlsplit

from cyberprivacy.errors import Misuse
from cyberprivacy.vault import passkey
from cyberprivacy.vault.signin import Expected

OWNER: Final = ""
"""In place of an application's name: the owner's own session."""
APP: Final = re.compile(r"[a-z0-9][a-z0-9._:-]{0,127}")
"""Names of applications. Source: docs/spec/udi-1.md, "Grants"."""
_HOST: Final = re.compile(r"(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|\[[0-9a-f:.]{2,45}\])(?::[1-9][0-9]{0,4})?")
_LOCAL: Final = ("localhost", "127.0.0.1", "[::1]")


class BadPlace(Misuse):
    """An address or a name under which nobody can sign in."""

    code = "vault.place"
    hint = "Give an address such as https://shop.example: https, unless it is this machine; no path."


@dataclass(frozen=True, slots=True)
class Site:
    """A web origin, such as "https://shop.example"."""

    uri: str

    @classmethod
    def parse(cls, uri: str) -> Self:
        """The site at an address.

        Raises:
            BadPlace: not a web origin in its one spelling, or without TLS on another machine.
        """
        scheme, _, authority = uri.partition("://")
        if scheme not in ("http", "https") or not _HOST.fullmatch(authority):
            raise BadPlace("not the address of a site", uri=uri[:200])
        site = cls(uri)
        if scheme == "http" and not site.local:
            raise BadPlace("without TLS anybody on the way could read and sign in", uri=uri[:200])
        return site

    @property
    def domain(self) -> str:
        """Host, and port if it is not the scheme's own: what EIP-4361 calls the domain."""
        return self.uri.partition("://")[2]

    @property
    def host(self) -> str:
        """Without the port; IPv6 in brackets."""
        name = urlsplit(self.uri).hostname or ""
        return f"[{name}]" if ":" in name else name

    @property
    def local(self) -> bool:
        """Whether it is this machine, for whoever asks."""
        return self.host in _LOCAL


@dataclass(frozen=True, slots=True)
class Place:
    """A vault and its applications.

    Attributes:
        network: names the domain of what is signed, such as "cyberprivacy:main".
        chain: EIP-155 id that sign-in messages name; nothing is sent to it.
        apps: site of each application, by name.
    """

    site: Site
    network: str
    chain: int = 1
    apps: Mapping[str, Site] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for name in self.apps:
            if not APP.fullmatch(name):
                raise BadPlace("not the name of an application", name=name[:130])

    def asks(self, app: str, nonce: str) -> Expected:
        """What somebody signs to open a session of an application, or, for `OWNER`, their own.

        Raises:
            BadPlace: no such application here ("vault.app").
        """
        site = self.of(app)
        what = (
            f"Let {app} keep and read what it stores for me."
            if app
            else "Open my data: read, move, export, erase it."
        )
        return Expected(site.domain, site.uri, self.chain, nonce, what)

    def of(self, app: str) -> Site:
        """Where sessions of an application are opened; raises as `asks`."""
        if app == OWNER:
            return self.site
        if app not in self.apps:
            raise BadPlace(
                "no such application here", code="vault.app", hint="/.well-known/udi lists them.", app=app[:130]
            )
        return self.apps[app]

    def passkeys(self, app: str) -> passkey.Place:
        """Where passkeys for such a session are used."""
        site = self.of(app)
        return passkey.Place(site.host, frozenset({site.uri}))
