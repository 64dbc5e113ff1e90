"""A session in a cookie, for pages of an application: no script reads it, no other site's page sends it."""

from dataclasses import dataclass
from typing import Final

from starlette.requests import HTTPConnection
from starlette.responses import Response

from cyberprivacy.vault.place import Site

_SAFE: Final = ("GET", "HEAD", "OPTIONS")


@dataclass(frozen=True, slots=True)
class Cookie:
    """The cookie of one application at its site. Source: RFC 6265bis, sections 4.1.3 and 8.8."""

    app: str
    site: Site

    @property
    def name(self) -> str:
        """Cookies belong to a host, not to a port: applications on one machine must not take each other's."""
        return f"__Host-udi-{self.app}" if self._secure else f"udi-{self.app}"

    def token(self, asked: HTTPConnection) -> str:
        """What the browser holds; "" if nothing, or if the page that asks for a change may be another site's."""
        own = asked.scope.get("method") in _SAFE or asked.headers.get("origin") == self.site.uri
        return asked.cookies.get(self.name, "") if own else ""

    def give(self, response: Response, token: str, seconds: int) -> None:
        """Let the browser hold a token."""
        response.set_cookie(
            self.name, token, max_age=seconds, secure=self._secure, httponly=True, samesite="strict"
        )

    def take(self, response: Response) -> None:
        """Let the browser forget it."""
        response.delete_cookie(self.name, secure=self._secure, httponly=True, samesite="strict")

    @property
    def _secure(self) -> bool:
        return self.site.uri.startswith("https:")
