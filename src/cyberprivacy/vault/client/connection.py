"""Requests to a vault: bounded answers, refusals in its own words, no token over plain HTTP to other machines."""

import json
import re
import ssl
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import copy
from pathlib import Path
from typing import Any, Final, Self, TypeVar

import httpx2
import msgspec

from cyberprivacy.canonical import nested_within
from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted
from cyberprivacy.review.hidden import visible
from cyberprivacy.vault.place import Site

MAX_ANSWER: Final = 32 << 20
"""Bytes of a JSON answer."""
PATIENCE: Final = 60.0
"""Seconds without a byte, after which a vault is given up."""
_CODE: Final = re.compile(r"[a-z0-9-]{1,30}(\.[a-z0-9-]{1,30}){0,3}\Z")
_DISTRUST: Final = (401, 403, 409)
_Form = TypeVar("_Form")


class VaultSilent(TryLater):
    """What is at this address does not answer as a vault does."""

    code = "vault.unreachable"
    hint = "Check the address; the same request may succeed later."


class Connection:
    """A way to one vault.

    Args:
        url: of its site, such as "https://shop.example".
        token: of a session; "" for nobody's.
        certificate: PEM file with the certificate that the vault, or its authority, has; None asks this machine's.
        tls: other settings, in place of a certificate.

    Raises:
        Misuse: not the address of a site, or a certificate that cannot be read.
    """

    def __init__(
        self, url: str, token: str = "", *, certificate: Path | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        self.site = Site.parse(url.rstrip("/"))
        self.token = token
        self._client = httpx2.Client(
            base_url=self.site.uri,
            verify=tls or _trust(certificate),
            timeout=PATIENCE,
            follow_redirects=False,
            trust_env=False,
            headers={"Accept-Encoding": "identity"},
        )

    def of(self, token: str) -> Self:
        """The same way, in a session; it ends with this one."""
        other = copy(self)
        other.token = token
        return other

    def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        body: object = None,
        octets: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Any:
        """What the vault answers as JSON, None if nothing. `body` is sent as JSON, or `octets` as they are.

        Raises:
            CyberPrivacyError: what the vault refused, with its code.
            VaultSilent: no answer, or none of a vault.
        """
        content = octets if body is None else json.dumps(body, separators=(",", ":")).encode()
        with self.stream(method, path, query=query, octets=content, headers=headers) as answer:
            data = read(answer, MAX_ANSWER)
        return value_of(data) if data else None

    @contextmanager
    def stream(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        octets: bytes | Iterator[bytes] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Iterator[httpx2.Response]:
        """The answer as it comes, once the vault has agreed; raises as `ask`."""
        kind = {"Content-Type": "application/json"} if octets is not None else {}
        known = {"Authorization": f"Bearer {self.token}"} if self.token else {}
        sent = {**known, **kind, **(headers or {})}
        try:
            with self._client.stream(method, path, params=query, content=octets, headers=sent) as answer:
                if not answer.is_success:
                    raise _refusal(answer.status_code, read(answer, 64 << 10))
                yield answer
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            why = str(error)[:200] or type(error).__name__
            raise VaultSilent("the vault does not answer", url=self.site.uri, why=why) from None

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def read(answer: httpx2.Response, limit: int) -> bytes:
    """A whole answer.

    Raises:
        VaultSilent: larger than `limit` bytes.
    """
    received = bytearray()
    for part in answer.iter_raw():
        received += part
        if len(received) > limit:
            raise VaultSilent("the answer is too large", code="vault.answer", limit=limit)
    return bytes(received)


def decoded(data: bytes, form: type[_Form]) -> _Form:
    """An answer in its form, one of `vault.web`.

    Raises:
        VaultSilent: it has another.
    """
    try:
        return msgspec.json.decode(data, type=form)
    except msgspec.DecodeError:
        raise VaultSilent("what answers there is no vault", code="vault.answer") from None


def value_of(data: bytes) -> Any:
    """The JSON value of an answer.

    Raises:
        VaultSilent: it is none.
    """
    try:
        if nested_within(data, 64):
            return json.loads(data)
    except ValueError:
        pass
    raise VaultSilent("what answers there is no vault", code="vault.answer")


def _trust(certificate: Path | None) -> ssl.SSLContext:
    context = ssl.create_default_context()
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    if certificate is not None:
        try:
            context.load_verify_locations(cafile=certificate)
        except (OSError, ssl.SSLError):
            raise Misuse("not a file of certificates", code="vault.certificate", path=str(certificate)) from None
    return context


def _refusal(status: int, data: bytes) -> CyberPrivacyError:
    """The vault's own refusal, by its code; a stranger's text is made visible first."""
    try:
        value = value_of(data)
    except VaultSilent:
        value = None
    if not isinstance(value, dict) or not _CODE.match(str(value.get("type", ""))):
        return VaultSilent("what answers there is no vault", code="vault.answer", status=status)
    family = Untrusted if status in _DISTRUST else TryLater if status in (429, 503, 507) else Misuse
    code, what, hint = (visible(str(value.get(name, ""))[:300]) for name in ("type", "title", "detail"))
    told = value.get("facts")
    error = family(what, code=code, hint=hint)
    if isinstance(told, dict):
        error.facts |= {visible(str(name))[:40]: visible(str(fact))[:8_000] for name, fact in told.items()}
    return error
