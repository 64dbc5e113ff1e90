"""What a node says about itself over HTTP, and what it answers to nonsense."""

import asyncio
import json
import threading
from pathlib import Path

import httpx2
import pytest
from starlette.testclient import TestClient

from cyberprivacy.attest.identity import NodeKey
from cyberprivacy.attest.session import TlsSession
from cyberprivacy.errors import TryLater
from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.ledger.reading import FolderSource
from cyberprivacy.ledger.signers import Kind
from cyberprivacy.ledger.trust import judge
from cyberprivacy.node.api import ASKERS, PREFIX, application
from cyberprivacy.node.publishing import log_signers, publisher

FRONT = {"Cyberprivacy-Exporter": "5E" * 48, "Cyberprivacy-Certificate": "ce" * 32}
"""What the TLS front says of the session."""


@pytest.fixture
def client(tmp_path: Path) -> TestClient:
    ledger = FileLedger(tmp_path / "log", clock=lambda: 1_800_000_000)
    for number in range(3):
        ledger.append("release.fetched", {"release": number})

    def attest(nonce: bytes, session: TlsSession) -> bytes:
        if nonce == bytes(32):
            raise TryLater("the TPM is busy", code="evidence.busy")
        return json.dumps(
            {"nonce": nonce.hex(), "session": [session.secret.hex(), session.certificate.hex()]}
        ).encode()

    return TestClient(
        application(
            attest=attest,
            status=lambda: {"state": "serving", "dao": "0xDA0", "release": 2, "wanted": "bafy"},
            is_ready=lambda: not (tmp_path / "unready").exists(),
            ledger=ledger,
            public=FolderSource(tmp_path / "public"),
        ),
        headers=FRONT,
    )


def test_an_attestation_is_made_for_the_nonce_that_was_sent(client: TestClient) -> None:
    answer = client.get(f"{PREFIX}/attestation", params={"nonce": "ab" * 32})
    assert answer.json() == {"nonce": "ab" * 32, "session": ["5e" * 48, "ce" * 32]}
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize("nonce", ["", "ab", "AB" * 32, "zz" * 32, "ab" * 33])
def test_a_nonce_of_another_form_is_refused(client: TestClient, nonce: str) -> None:
    answer = client.get(f"{PREFIX}/attestation", params={"nonce": nonce})
    assert (answer.status_code, answer.json()["type"]) == (400, "api.nonce")


@pytest.mark.parametrize(
    "front",
    [
        {"Cyberprivacy-Exporter": ""},
        {"Cyberprivacy-Exporter": "5e" * 47},
        {"Cyberprivacy-Certificate": "ce" * 31},
        {"Cyberprivacy-Certificate": ""},
    ],
)
def test_a_proof_is_for_a_session_or_for_nobody(client: TestClient, front: dict[str, str]) -> None:
    answer = client.get(f"{PREFIX}/attestation", params={"nonce": "ab" * 32}, headers=front)
    assert (answer.status_code, answer.json()["type"]) == (503, "api.session")


def test_a_failure_has_its_reason_code(client: TestClient) -> None:
    answer = client.get(f"{PREFIX}/attestation", params={"nonce": "00" * 32})
    assert (answer.status_code, answer.json()["type"]) == (503, "evidence.busy")


def test_the_ledger_is_open_from_any_index(client: TestClient) -> None:
    answer = client.get(f"{PREFIX}/log", params={"from": "1"})
    assert [line[:40] for line in answer.text.splitlines()] == [
        '{"facts":{"release":1},"index":1,"kind":',
        '{"facts":{"release":2},"index":2,"kind":',
    ]
    assert answer.headers["cyberprivacy-log-size"] == "3"
    assert client.get(f"{PREFIX}/log", params={"from": "-1"}).status_code == 400
    assert client.get(f"{PREFIX}/log", params={"from": "99"}).text == ""


def test_the_files_of_the_public_log_are_served_and_nothing_else(client: TestClient, tmp_path: Path) -> None:
    key = NodeKey.unsealed(bytes(32))
    ledger = FileLedger(tmp_path / "other", clock=lambda: 1_800_000_000)
    ledger.extend([("release.built", {"n": number}) for number in range(300)])
    assert client.get(f"{PREFIX}/log/checkpoint").status_code == 404
    log = publisher(ledger, tmp_path / "made", key, clock=lambda: 1_800_000_000)
    log.publish()
    log.public.rename(tmp_path / "public")
    answer = client.get(f"{PREFIX}/log/checkpoint")
    assert (answer.headers["content-type"], answer.headers["cache-control"]) == (
        "text/plain; charset=utf-8",
        "no-store",
    )
    head = judge(answer.content, log.trust, now=1_800_000_000)
    assert (head.checkpoint.head, head.dated) == (ledger.head(), 1_800_000_000)
    assert head.checkpoint.origin == f"cyberprivacy.log/{key.id.hex()}"
    tile = client.get(f"{PREFIX}/log/tile/0/000")
    assert (len(tile.content), tile.headers["content-type"]) == (8192, "application/octet-stream")
    assert "immutable" in tile.headers["cache-control"]
    assert client.get(f"{PREFIX}/log/tile/0/001").status_code == 404
    for path in (
        "tile/0/0",
        "tile%2F..%2Fcheckpoint",
        "..%2Fother",
        "%2Fetc%2Fpasswd",
        "signed-head",
        "tile/0/000%00",
    ):
        assert client.get(f"{PREFIX}/log/{path}").status_code in (400, 404)
    assert client.post(f"{PREFIX}/log/checkpoint").status_code == 405


def test_the_keys_of_a_log_are_those_of_its_node_and_of_no_other() -> None:
    one, again, other = (log_signers(NodeKey.unsealed(bytes([seed]) * 32)) for seed in (1, 1, 2))
    assert [each.verifier for each in one] == [each.verifier for each in again]
    assert not {each.verifier.public for each in one} & {each.verifier.public for each in other}
    assert [each.kind for each in one] == [Kind.LOG, Kind.COSIGNER_PQ]


def test_whoever_shares_users_out_hears_whether_they_may_come(client: TestClient, tmp_path: Path) -> None:
    assert client.get(f"{PREFIX}/ready").status_code == 204
    (tmp_path / "unready").touch()
    answer = client.get(f"{PREFIX}/ready")
    assert (answer.status_code, answer.json()["type"]) == (503, "api.unready")


def test_nothing_can_be_told_to_a_node(client: TestClient) -> None:
    for path in ("attestation", "status", "ready", "log"):
        assert client.post(f"{PREFIX}/{path}").status_code == 405


def test_a_page_tells_people_how_to_check_and_repeats_nothing_unescaped(client: TestClient) -> None:
    page = client.get(f"{PREFIX}/", headers={"Host": "app.example"}).text
    assert "cyberprivacy verify https://app.example --dao 0xDA0" in page
    evil = client.get(f"{PREFIX}/", headers={"Host": "<script>alert(1)</script>"}).text
    assert "<script>" not in evil


def test_more_askers_than_a_machine_can_serve_are_told_to_come_back(tmp_path: Path) -> None:
    inside: list[bytes] = []
    go, ledger = threading.Event(), FileLedger(tmp_path / "log", clock=lambda: 1_800_000_000)

    def attest(nonce: bytes, _session: TlsSession) -> bytes:
        inside.append(nonce)
        go.wait(30)
        return b"{}"

    async def crowd() -> list[int]:
        public = FolderSource(tmp_path / "public")
        api = application(attest=attest, status=dict, is_ready=bool, ledger=ledger, public=public)
        transport = httpx2.ASGITransport(api)
        async with (
            httpx2.AsyncClient(transport=transport, base_url="http://node", headers=FRONT) as client,
            asyncio.TaskGroup() as all_,
        ):
            first = [all_.create_task(ask(client)) for _ in range(ASKERS)]
            while len(inside) < ASKERS:  # noqa: ASYNC110  (they are in threads)
                await asyncio.sleep(0.01)
            late = await ask(client)
            go.set()
        return [late, *(one.result() for one in first)]

    async def ask(client: httpx2.AsyncClient) -> int:
        return (await client.get(f"{PREFIX}/attestation", params={"nonce": "ab" * 32})).status_code

    assert asyncio.run(crowd()) == [503, *[200] * ASKERS]
