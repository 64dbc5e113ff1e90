"""What the adapter does when a registry lies, fails, or asks for a token."""

import base64
import json
from collections.abc import Callable
from pathlib import Path

import httpx2
import pytest

from cyberprivacy.build.archive import read_archive
from cyberprivacy.build.image import Digest
from cyberprivacy.build.oci import OCI_LAYER, Descriptor
from cyberprivacy.bundle.pace import Pace
from cyberprivacy.errors import Misuse, TryLater, Untrusted
from cyberprivacy.registry.distribution import Credentials, Distribution
from cyberprivacy.registry.oci import OciRegistry
from cyberprivacy.testing.gateway import dripping_header

Answer = Callable[[httpx2.Request], httpx2.Response]
URL = "https://registry.test"


def talking_to(answer: Answer, credentials: Credentials | None = None) -> OciRegistry:
    client = httpx2.Client(transport=httpx2.MockTransport(answer))
    return OciRegistry(Distribution(URL, client, credentials))


def accepting(stored: bytes, said: str = "") -> Answer:
    """A registry that takes everything and gives back `stored`."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        match request.method:
            case "GET":
                return httpx2.Response(200, content=stored)
            case "HEAD":
                return httpx2.Response(404)
            case "POST":
                return httpx2.Response(202, headers={"location": "/v2/app/blobs/uploads/1"})
            case _:
                request.read()
                headers = {"docker-content-digest": said} if said and "manifests" in request.url.path else {}
                return httpx2.Response(201, headers=headers)

    return answer


def test_a_registry_that_gives_back_other_bytes_is_refused(image) -> None:
    built = image()
    with pytest.raises(Untrusted) as refusal:
        talking_to(accepting(b"{}")).push(built, "app")
    assert refusal.value.code == "registry.digest"


def test_a_registry_that_stores_under_another_digest_is_refused(image) -> None:
    with pytest.raises(Untrusted) as refusal:
        talking_to(accepting(b"{}", said=f"sha256:{'0' * 64}")).push(image(), "app")
    assert refusal.value.code == "registry.digest"


def test_an_honest_registry_is_believed_after_reading_back(image) -> None:
    built = image()
    stored = read_archive(built.archive).manifest.raw
    pushed = talking_to(accepting(stored)).push(built, "app")
    assert pushed.reference == f"registry.test/app@{built.digest}"


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (500, '{"errors":[{"detail":"no space left on device"}]}', "registry.full"),
        (500, '{"errors":[{"detail":{"Enclosed":{"Op":"write","Path":"/x","Err":28}}}]}', "registry.full"),
        (507, "", "registry.full"),
        (503, "", "registry.unreachable"),
        (429, "", "registry.unreachable"),
    ],
)
def test_a_registry_that_cannot_work_is_asked_again_later(image, status: int, body: str, code: str) -> None:
    with pytest.raises(TryLater) as refusal:
        talking_to(lambda _: httpx2.Response(status, text=body)).push(image(), "app")
    assert refusal.value.code == code
    assert refusal.value.facts["waits_for"] == "registry.test"


def test_an_archive_that_was_swapped_is_not_pushed(image) -> None:
    built, other = image(b"built"), image(b"swapped")
    other.archive.replace(built.archive)
    with pytest.raises(Untrusted) as refusal:
        talking_to(accepting(b"")).push(built, "app")
    assert refusal.value.code == "image.form"


def with_tokens(realm: str, stored: bytes, seen: list[httpx2.Request]) -> Answer:
    def answer(request: httpx2.Request) -> httpx2.Response:
        seen.append(request)
        if request.url.path == "/token":
            return httpx2.Response(200, json={"token": "abc"})
        if request.headers.get("authorization") != "Bearer abc":
            challenge = f'Bearer realm="{realm}",service="s",scope="ignored"'
            return httpx2.Response(401, headers={"www-authenticate": challenge})
        return accepting(stored)(request)

    return answer


def test_a_token_service_gets_the_password_and_the_registry_only_the_token(image) -> None:
    built, seen = image(), list[httpx2.Request]()
    stored = read_archive(built.archive).manifest.raw
    registry = talking_to(with_tokens("https://auth.test/token", stored, seen), Credentials("robot", "secret"))
    registry.push(built, "app")
    basic = {request.url.host for request in seen if request.headers.get("authorization", "").startswith("Basic")}
    assert basic == {"auth.test"}


def test_a_token_service_without_tls_does_not_get_the_password(image) -> None:
    seen = list[httpx2.Request]()
    registry = talking_to(with_tokens("http://auth.test/token", b"", seen), Credentials("robot", "secret"))
    with pytest.raises(Untrusted):
        registry.push(image(), "app")
    assert not any(request.headers.get("authorization") for request in seen)


def test_an_upload_on_another_host_does_not_get_the_password(image) -> None:
    built, leaked = image(), list[str]()
    stored = read_archive(built.archive).manifest.raw

    def answer(request: httpx2.Request) -> httpx2.Response:
        if request.url.host != "registry.test" and "authorization" in request.headers:
            leaked.append(str(request.url))
        if "authorization" not in request.headers and request.url.host == "registry.test":
            return httpx2.Response(401, headers={"www-authenticate": 'Basic realm="r"'})
        if request.method == "POST":
            return httpx2.Response(202, headers={"location": "https://elsewhere.test/upload"})
        return accepting(stored)(request)

    talking_to(answer, Credentials("robot", "secret")).push(built, "app")
    assert leaked == []


def test_credentials_come_from_a_file_and_show_nowhere(tmp_path: Path) -> None:
    file = tmp_path / "auth.json"
    auth = base64.b64encode(b"robot:se:cret").decode()
    file.write_text(json.dumps({"auths": {"registry.test": {"auth": auth}}}))
    found = Credentials.read(file, "registry.test")
    assert found == Credentials("robot", "se:cret")
    assert "cret" not in repr(found)
    assert Credentials.read(file, "other.test") is None


@pytest.mark.parametrize("text", ["", "[]", '{"auths": 1}', '{"auths": {"registry.test": {"auth": "%"}}}'])
def test_an_auth_file_of_another_form_is_refused(tmp_path: Path, text: str) -> None:
    file = tmp_path / "auth.json"
    file.write_text(text)
    with pytest.raises(Misuse) as refusal:
        Credentials.read(file, "registry.test")
    assert refusal.value.code == "registry.authfile"


@pytest.mark.parametrize("name", ["", "Upper", "a//b", "../a", "a/", "a" * 256, "a?b"])
def test_a_repository_name_of_another_form_is_refused(image, name: str) -> None:
    with pytest.raises(Misuse) as refusal:
        talking_to(accepting(b"")).push(image(), name)
    assert refusal.value.code == "registry.repository"


DIGEST = Digest(f"sha256:{'0' * 64}")
SLOW: dict[str, Callable[[Distribution], object]] = {
    "manifest": lambda there: there.manifest("app", DIGEST),
    "download": lambda there: b"".join(there._blob("app", Descriptor(OCI_LAYER, DIGEST, 9))),
    "upload": lambda there: there.put_blob("app", Descriptor(OCI_LAYER, DIGEST, 9), [b"a", b" ", b"b" * 7]),
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("what", SLOW)
def test_a_registry_that_drips_is_asked_again_later(what: str) -> None:
    client = httpx2.Client(timeout=60, trust_env=False)
    with client, dripping_header() as url, pytest.raises(TryLater) as refusal:
        SLOW[what](Distribution(url, client, pace=Pace(first=1.0)))
    assert refusal.value.code == "registry.unreachable"


def test_a_refusal_without_end_is_not_read_to_its_end() -> None:
    sent = list[int]()

    def flood():
        for number in range(1000):
            sent.append(number)
            yield bytes(1 << 16)

    there = talking_to(lambda _: httpx2.Response(500, content=flood()))
    with pytest.raises(TryLater):
        there._distribution.manifest("app", DIGEST)
    assert len(sent) < 10
