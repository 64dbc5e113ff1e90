"""A client for the OCI distribution API: blobs and manifests by digest, nothing else.

Works with docker-registry, Harbor and every other registry that follows the specification, with Basic or
Bearer authentication. Tags are never used: a registry may move them, a digest it cannot.

Source: github.com/opencontainers/distribution-spec v1.1; distribution.github.io, "Token authentication".
"""

import base64
import binascii
import json
import re
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

import httpx2

from cyberprivacy.build.image import Digest
from cyberprivacy.build.oci import CHUNK, MANIFESTS, MAX_MANIFEST, Descriptor, ImageManifest
from cyberprivacy.build.web import MAX_REDIRECTS, PACE, answer, body
from cyberprivacy.bundle.pace import Pace
from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted

PULL: Final = "pull"
PUSH: Final = "pull,push"
MAX_TOKEN: Final = 64 << 10
MAX_REFUSAL: Final = 64 << 10
_REPOSITORY: Final = re.compile(
    r"[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*\Z"
)
_FULL: Final = ("no space left", "quota", '"err":28}')
"""Words of a registry whose disk is full; docker-registry 2.8 gives Linux's number for it (ENOSPC)."""
_CHALLENGE: Final = re.compile(r'(\w+)="([^"]*)"')


class RegistryLies(Untrusted):
    """A registry answers with something else than what was stored or asked for."""

    code = "registry.digest"
    hint = "Do not use this registry; what it serves is not what was built."


class RegistryDown(TryLater):
    """A registry cannot be reached, or cannot work for now."""

    code = "registry.unreachable"
    hint = "It is asked again by itself; see to the registry if it lasts."


@dataclass(frozen=True, slots=True)
class Credentials:
    """Who we are to a registry. The password shows in no repr."""

    user: str
    password: str = field(repr=False)

    @classmethod
    def read(cls, authfile: Path, host: str) -> Self | None:
        """The entry of a host in an auth file, as podman and docker write it; None if there is none.

        Raises:
            Misuse: not such a file ("registry.authfile").
        """
        try:
            entry = json.loads(authfile.read_bytes())["auths"].get(host)
            if entry is None:
                return None
            user, _, password = base64.b64decode(entry["auth"], validate=True).decode().partition(":")
        except (OSError, ValueError, KeyError, TypeError, AttributeError, binascii.Error) as problem:
            raise Misuse("not an auth file", code="registry.authfile", file=str(authfile)) from problem
        return cls(user, password)

    def basic(self) -> str:
        """The value of an Authorization header."""
        return "Basic " + base64.b64encode(f"{self.user}:{self.password}".encode()).decode()


def trusting(ca: Path | None) -> ssl.SSLContext:
    """TLS settings that trust a private CA, or the machine's own list."""
    return ssl.create_default_context(cafile=str(ca) if ca else None)


class Distribution:
    """One registry.

    Args:
        url: such as "https://127.0.0.1:5443", without a path.
        client: HTTP client; its TLS settings decide whom we trust.
        credentials: for the registry or its token service; None is anonymous.
        pace: how long one answer may take; an upload may take longer, by its size.
    """

    def __init__(
        self, url: str, client: httpx2.Client, credentials: Credentials | None = None, *, pace: Pace = PACE
    ) -> None:
        self.url, self.host = url.rstrip("/"), urlsplit(url).netloc
        self._client, self._credentials, self._pace = client, credentials, pace
        self._headers: dict[str, str] = {}

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def answers(self) -> bool:
        """Whether the registry speaks the API and takes our credentials.

        Raises:
            RegistryDown: it does not answer.
        """
        with self._ask("GET", "/v2/", "", PULL) as got:
            return got.status_code == 200

    def manifest(self, repository: str, digest: Digest) -> bytes | None:
        """The bytes that the registry has under this digest, unchecked; None if it has none."""
        path = f"/v2/{_name(repository)}/manifests/{digest}"
        with self._ask("GET", path, repository, PULL, headers={"Accept": ", ".join(sorted(MANIFESTS))}) as got:
            if got.status_code == 404:
                return None
            self._expect(got, 200)
            found = body(got, MAX_MANIFEST)
        if found is None:
            raise RegistryLies("a manifest is too large", code="image.form", limit=MAX_MANIFEST)
        return found

    def has_blob(self, repository: str, digest: Digest) -> bool:
        """Whether the registry says that it has this blob."""
        with self._ask("HEAD", f"/v2/{_name(repository)}/blobs/{digest}", repository, PULL) as got:
            if got.status_code != 404:
                self._expect(got, 200)
            return got.status_code == 200

    def blob(self, repository: str, blob: Descriptor) -> Iterator[bytes] | None:
        """The bytes of a blob, unchecked; None if the registry has none."""
        if not self.has_blob(repository, blob.digest):
            return None
        return self._blob(repository, blob)

    def _blob(self, repository: str, blob: Descriptor) -> Iterator[bytes]:
        path = f"/v2/{_name(repository)}/blobs/{blob.digest}"
        with self._ask("GET", path, repository, PULL, redirects=MAX_REDIRECTS) as got:
            self._expect(got, 200)
            yield from got.iter_raw(CHUNK)

    def put_blob(self, repository: str, blob: Descriptor, parts: Iterable[bytes]) -> None:
        """Store a blob in one upload."""
        with self._ask("POST", f"/v2/{_name(repository)}/blobs/uploads/", repository, PUSH) as got:
            self._expect(got, 202)
            where = httpx2.URL(str(got.request.url)).join(got.headers.get("location", ""))
        where = where.copy_merge_params({"digest": blob.digest})
        headers = {"Content-Length": str(blob.size), "Content-Type": "application/octet-stream"}
        if where.netloc.decode() == self.host:  # another host must not learn our password
            headers |= self._headers
        upload = blob.size / self._pace.rate
        pace = replace(self._pace, first=self._pace.first + upload, deadline=self._pace.deadline + upload)
        with self._send(self._client.build_request("PUT", where, content=parts, headers=headers), pace) as got:
            self._expect(got, 201)

    def put_manifest(self, repository: str, manifest: ImageManifest) -> None:
        """Store a manifest under its own digest, without a tag.

        Raises:
            RegistryLies: it says that it stored another one.
        """
        path = f"/v2/{_name(repository)}/manifests/{manifest.digest}"
        headers = {"Content-Type": manifest.media_type}
        with self._ask("PUT", path, repository, PUSH, headers=headers, content=manifest.raw) as got:
            self._expect(got, 201)
            said = got.headers.get("docker-content-digest", manifest.digest)
        if said != manifest.digest:
            raise RegistryLies(
                "stored under another digest", registry=self.host, pushed=manifest.digest, said=said
            )

    @contextmanager
    def _ask(
        self,
        method: str,
        path: str,
        repository: str,
        actions: str,
        *,
        headers: dict[str, str] | None = None,
        content: bytes | None = None,
        redirects: int = 0,
    ) -> Iterator[httpx2.Response]:
        """An answer while the block lasts; asked a second time when the first time teaches us how to log in."""
        for again in (False, True):
            sent = {**(headers or {}), **self._headers}
            request = self._client.build_request(method, self.url + path, headers=sent, content=content)
            with self._send(request, self._pace, redirects) as got:
                if got.status_code != 401 or again or not self._authenticate(got, repository, actions):
                    yield got
                    return

    @contextmanager
    def _send(self, request: httpx2.Request, pace: Pace, redirects: int = 0) -> Iterator[httpx2.Response]:
        try:
            with answer(self._client, request, pace, redirects=redirects) as got:
                yield got
        except httpx2.HTTPError as problem:
            what = "the registry does not answer"
            raise RegistryDown(what, waits_for=self.host, problem=str(problem)) from problem

    def _authenticate(self, denied: httpx2.Response, repository: str, actions: str) -> bool:
        """Learn the Authorization header that a challenge asks for; False when we have nothing to offer."""
        challenge = denied.headers.get("www-authenticate", "")
        kind, facts = challenge.split(" ")[0].lower(), dict(_CHALLENGE.findall(challenge))
        if kind == "basic" and self._credentials:
            self._headers = {"Authorization": self._credentials.basic()}
            return True
        if kind != "bearer" or "realm" not in facts:
            return False
        realm = urlsplit(facts["realm"])
        if realm.scheme != "https" and realm.netloc != self.host:
            raise RegistryLies("the token service is not behind TLS", registry=self.host, realm=facts["realm"])
        asked = {"scope": f"repository:{repository}:{actions}", "service": facts.get("service", "")}
        basic = {"Authorization": self._credentials.basic()} if self._credentials else {}
        request = self._client.build_request("GET", facts["realm"], params=asked, headers=basic)
        with self._send(request, self._pace) as got:
            self._expect(got, 200)
            said = body(got, MAX_TOKEN) or b""
        try:
            token = json.loads(said)
            self._headers = {"Authorization": f"Bearer {token.get('token') or token['access_token']}"}
        except (ValueError, KeyError, AttributeError) as problem:
            raise RegistryDown("the token service talks nonsense", waits_for=facts["realm"]) from problem
        return True

    def _expect(self, got: httpx2.Response, status: int) -> None:
        if got.status_code != status:
            said = (body(got, MAX_REFUSAL) or b"").decode("utf-8", "replace")
            raise self._refusal(got.status_code, said)

    def _refusal(self, status: int, said: str) -> CyberPrivacyError:
        if status in {401, 403}:
            hint = "See to the auth file, or to the rights of this account."
            return Misuse(
                "denied", code="registry.denied", hint=hint, registry=self.host, status=status, said=said[:400]
            )
        if status == 507 or any(word in said.lower() for word in _FULL):
            return RegistryDown("the registry is full", code="registry.full", waits_for=self.host, said=said[:400])
        return RegistryDown("the registry cannot do it", status=status, waits_for=self.host, said=said[:400])


def _name(repository: str) -> str:
    """A repository name as the specification has it.

    Raises:
        Misuse: another spelling ("registry.repository").
    """
    if not _REPOSITORY.match(repository) or len(repository) > 255:
        raise Misuse("not a repository name", code="registry.repository", repository=repository[:80])
    return repository
