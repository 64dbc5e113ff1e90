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
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self
from urllib.parse import urlsplit

import httpx2

from cyberprivacy.build.image import Digest
from cyberprivacy.build.oci import CHUNK, MANIFESTS, MAX_MANIFEST, Descriptor, ImageManifest
from cyberprivacy.errors import CyberPrivacyError, Misuse, TryLater, Untrusted

PULL: Final = "pull"
PUSH: Final = "pull,push"
MAX_TOKEN: Final = 64 << 10
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
    """

    def __init__(self, url: str, client: httpx2.Client, credentials: Credentials | None = None) -> None:
        self.url, self.host = url.rstrip("/"), urlsplit(url).netloc
        self._client, self._credentials = client, credentials
        self._headers: dict[str, str] = {}

    def close(self) -> None:
        """Let go of the connections."""
        self._client.close()

    def answers(self) -> bool:
        """Whether the registry speaks the API and takes our credentials.

        Raises:
            RegistryDown: it does not answer.
        """
        with self._ask("GET", "/v2/", "", PULL) as answer:
            return answer.status_code == 200

    def manifest(self, repository: str, digest: Digest) -> bytes | None:
        """The bytes that the registry has under this digest, unchecked; None if it has none."""
        path = f"/v2/{_name(repository)}/manifests/{digest}"
        with self._ask("GET", path, repository, PULL, headers={"Accept": ", ".join(sorted(MANIFESTS))}) as answer:
            if answer.status_code == 404:
                return None
            self._expect(answer, 200)
            return _bounded(answer, MAX_MANIFEST)

    def has_blob(self, repository: str, digest: Digest) -> bool:
        """Whether the registry says that it has this blob."""
        with self._ask("HEAD", f"/v2/{_name(repository)}/blobs/{digest}", repository, PULL) as answer:
            if answer.status_code != 404:
                self._expect(answer, 200)
            return answer.status_code == 200

    def blob(self, repository: str, blob: Descriptor) -> Iterator[bytes] | None:
        """The bytes of a blob, unchecked; None if the registry has none."""
        if not self.has_blob(repository, blob.digest):
            return None
        return self._blob(repository, blob)

    def _blob(self, repository: str, blob: Descriptor) -> Iterator[bytes]:
        path = f"/v2/{_name(repository)}/blobs/{blob.digest}"
        with self._ask("GET", path, repository, PULL, follow=True) as answer:
            self._expect(answer, 200)
            try:
                yield from answer.iter_raw(CHUNK)
            except httpx2.HTTPError as problem:
                raise self._down(problem) from problem

    def put_blob(self, repository: str, blob: Descriptor, parts: Iterable[bytes]) -> None:
        """Store a blob in one upload."""
        with self._ask("POST", f"/v2/{_name(repository)}/blobs/uploads/", repository, PUSH) as answer:
            self._expect(answer, 202)
            where = httpx2.URL(str(answer.request.url)).join(answer.headers.get("location", ""))
        where = where.copy_merge_params({"digest": blob.digest})
        headers = {"Content-Length": str(blob.size), "Content-Type": "application/octet-stream"}
        if where.netloc.decode() == self.host:  # another host must not learn our password
            headers |= self._headers
        try:
            answer = self._client.put(where, content=parts, headers=headers)
        except httpx2.HTTPError as problem:
            raise self._down(problem) from problem
        self._expect(answer, 201)

    def put_manifest(self, repository: str, manifest: ImageManifest) -> None:
        """Store a manifest under its own digest, without a tag.

        Raises:
            RegistryLies: it says that it stored another one.
        """
        path = f"/v2/{_name(repository)}/manifests/{manifest.digest}"
        headers = {"Content-Type": manifest.media_type}
        with self._ask("PUT", path, repository, PUSH, headers=headers, body=manifest.raw) as answer:
            self._expect(answer, 201)
            said = answer.headers.get("docker-content-digest", manifest.digest)
        if said != manifest.digest:
            raise RegistryLies(
                "stored under another digest", registry=self.host, pushed=manifest.digest, said=said
            )

    def _ask(
        self,
        method: str,
        path: str,
        repository: str,
        actions: str,
        *,
        headers: dict[str, str] | None = None,
        body: bytes | None = None,
        follow: bool = False,
    ) -> "_Answer":
        request = self._client.build_request(
            method, self.url + path, headers={**(headers or {}), **self._headers}, content=body
        )
        answer = self._send(request, follow=follow)
        if answer.status_code == 401 and self._authenticate(answer, repository, actions):
            answer.close()
            request = self._client.build_request(
                method, self.url + path, headers={**(headers or {}), **self._headers}, content=body
            )
            answer = self._send(request, follow=follow)
        return _Answer(answer)

    def _send(self, request: httpx2.Request, *, follow: bool = False) -> httpx2.Response:
        try:
            return self._client.send(request, stream=True, follow_redirects=follow)
        except httpx2.HTTPError as problem:
            raise self._down(problem) from problem

    def _authenticate(self, answer: httpx2.Response, repository: str, actions: str) -> bool:
        """Learn the Authorization header that a challenge asks for; False when we have nothing to offer."""
        challenge = answer.headers.get("www-authenticate", "")
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
        try:
            got = self._client.get(facts["realm"], params=asked, headers=basic)
        except httpx2.HTTPError as problem:
            raise self._down(problem) from problem
        self._expect(got, 200)
        try:
            said = json.loads(got.content[:MAX_TOKEN])
            self._headers = {"Authorization": f"Bearer {said.get('token') or said['access_token']}"}
        except (ValueError, KeyError, AttributeError) as problem:
            raise RegistryDown("the token service talks nonsense", waits_for=facts["realm"]) from problem
        return True

    def _expect(self, answer: httpx2.Response, status: int) -> None:
        if answer.status_code != status:
            answer.read()
            raise self._refusal(answer)

    def _refusal(self, answer: httpx2.Response) -> CyberPrivacyError:
        said, status = answer.text[:400], answer.status_code
        if status in {401, 403}:
            hint = "See to the auth file, or to the rights of this account."
            return Misuse(
                "denied", code="registry.denied", hint=hint, registry=self.host, status=status, said=said
            )
        if status == 507 or any(word in answer.text.lower() for word in _FULL):
            return RegistryDown("the registry is full", code="registry.full", waits_for=self.host, said=said)
        return RegistryDown("the registry cannot do it", status=status, waits_for=self.host, said=said)

    def _down(self, problem: Exception) -> RegistryDown:
        return RegistryDown("the registry does not answer", waits_for=self.host, problem=str(problem))


class _Answer:
    """A streamed response that is closed at the end of its block."""

    def __init__(self, response: httpx2.Response) -> None:
        self._response = response

    def __enter__(self) -> httpx2.Response:
        return self._response

    def __exit__(self, *_: object) -> None:
        self._response.close()


def _bounded(answer: httpx2.Response, limit: int) -> bytes:
    found = bytearray()
    for part in answer.iter_bytes():
        found += part
        if len(found) > limit:
            raise RegistryLies("a manifest is too large", code="image.form", limit=limit)
    return bytes(found)


def _name(repository: str) -> str:
    """A repository name as the specification has it.

    Raises:
        Misuse: another spelling ("registry.repository").
    """
    if not _REPOSITORY.match(repository) or len(repository) > 255:
        raise Misuse("not a repository name", code="registry.repository", repository=repository[:80])
    return repository
