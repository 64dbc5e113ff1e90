"""Sources of inputs that drip or never stop: none holds a build up, none fills the memory."""

from collections.abc import AsyncIterator, Callable, Iterator

import anyio
import anyio.lowlevel
import httpx2
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from cyberprivacy.build import wheels
from cyberprivacy.build.web import Web, answer, body
from cyberprivacy.build.wheels import Wheel, WheelIndex
from cyberprivacy.bundle.pace import Pace
from cyberprivacy.errors import TryLater
from cyberprivacy.testing.gateway import dripping_header, running

BRISK = Pace(first=1.0, deadline=20.0, grace=0.5, rate=1000)
PINNED = f"thing==1.0 --hash=sha256:{'0' * 64}\n".encode()


async def drip() -> AsyncIterator[bytes]:
    while True:
        yield b"x"
        await anyio.sleep(0.05)


async def flood() -> AsyncIterator[bytes]:
    while True:
        yield bytes(1 << 16)
        await anyio.lowlevel.checkpoint()  # lets the server see that the client has gone


def server(request: Request) -> Response:
    match request.url.path:
        case "/moved/thing/":
            return RedirectResponse("/drip/thing/")
        case "/round/thing/":
            return RedirectResponse("/round/thing/")
        case "/flood/thing/":
            return StreamingResponse(flood())
    return StreamingResponse(drip())


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running(Starlette(routes=[Route("/{rest:path}", server)])) as url:
        yield url


@pytest.fixture
def client() -> Iterator[httpx2.Client]:
    """As the node has one: it bounds each read and nothing else."""
    with httpx2.Client(timeout=60, trust_env=False) as client:
        yield client


ASK: dict[str, Callable[[httpx2.Client, str], object]] = {
    "file": lambda client, url: list(Web(client, private=True, pace=BRISK).download(url, limit=1 << 30)),
    "wheel": lambda client, url: list(
        WheelIndex(client, "http://unused.test", pace=BRISK).download(Wheel("x.whl", url, "0" * 64, 1 << 30))
    ),
    "page": lambda client, url: WheelIndex(client, url, pace=BRISK).resolve(PINNED, "requirements.txt"),
    "moved page": lambda client, url: WheelIndex(client, url.replace("drip", "moved"), pace=BRISK).resolve(
        PINNED, "requirements.txt"
    ),
}


@pytest.mark.timeout(30)
@pytest.mark.parametrize("what", ASK)
def test_a_body_that_drips_is_try_later_and_not_for_ever(what: str, client: httpx2.Client, url: str) -> None:
    with pytest.raises(TryLater) as refusal:
        ASK[what](client, f"{url}/drip")
    assert refusal.value.code == "inputs.unreachable"


@pytest.mark.timeout(30)
@pytest.mark.parametrize("what", [what for what in ASK if what != "moved page"])
def test_a_header_that_drips_is_try_later_too(what: str, client: httpx2.Client) -> None:
    with dripping_header() as url, pytest.raises(TryLater) as refusal:
        ASK[what](client, url)
    assert refusal.value.code == "inputs.unreachable"


def test_a_page_without_end_is_left_at_its_limit(
    client: httpx2.Client, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(wheels, "MAX_PAGE", 1 << 20)
    with pytest.raises(TryLater) as refusal:
        WheelIndex(client, f"{url}/flood").resolve(PINNED, "requirements.txt")
    assert "1048576" in str(refusal.value.facts["problem"])


def test_a_body_is_read_to_its_limit_and_no_further(client: httpx2.Client, url: str) -> None:
    with answer(client, client.build_request("GET", f"{url}/flood/thing/"), BRISK) as got:
        assert body(got, 1 << 20) is None
        assert got.num_bytes_downloaded < 8 << 20


def test_redirects_in_a_circle_end(client: httpx2.Client, url: str) -> None:
    with pytest.raises(TryLater) as refusal:
        WheelIndex(client, f"{url}/round").resolve(PINNED, "requirements.txt")
    assert "redirects" in str(refusal.value.facts["problem"])
