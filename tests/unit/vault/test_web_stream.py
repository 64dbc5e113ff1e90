"""Blobs in parts, and events as they happen, over a real socket."""

import json
from hashlib import sha256

import httpx2
import pytest
from callers import Caller, Town, code, serving
from keeping import ORDER

from cyberprivacy.vault.blobs import PART


@pytest.fixture
def shop(here: Town) -> Caller:
    return here.person("alice", "shop")


def test_a_blob_goes_up_in_parts_and_comes_down_in_any_range(shop: Caller) -> None:
    content = bytes(range(256)) * 2_500
    digest = sha256(content).hexdigest()
    path = f"/udi/v1/blobs/{digest}"
    for offset in range(0, len(content), PART):
        assert shop.call("GET", path + "/status").json().get("received", 0) == offset
        sent = shop.call(
            "PUT", f"{path}?size={len(content)}&offset={offset}", content=content[offset : offset + PART]
        )
        assert sent.status_code == 200, sent.text
    assert sent.json() == {"digest": digest, "size": len(content), "received": len(content), "whole": True}
    assert shop.call("GET", path).content == content
    part = shop.call("GET", path, headers={"Range": "bytes=262000-300000"})
    assert (part.status_code, part.content) == (206, content[262000:300001])
    assert code(shop.call("GET", path, headers={"Range": f"bytes={len(content)}-"})) == "blob.range"
    assert shop.call("DELETE", path).status_code == 204
    assert code(shop.call("GET", path)) == "blob.none"


def test_a_blob_that_is_not_what_it_says_never_becomes_readable(shop: Caller) -> None:
    path = f"/udi/v1/blobs/{sha256(b'one').hexdigest()}"
    assert code(shop.call("PUT", path + "?size=3", content=b"two")) == "blob.digest"
    assert code(shop.call("GET", path)) == "blob.none"
    assert code(shop.call("PUT", path + "?size=3&offset=1", content=b"ne")) == "blob.offset"


def test_what_one_device_writes_another_hears_at_once_and_none_twice(here: Town, shop: Caller) -> None:
    phone = shop.sign_in("shop")
    headers = {"Authorization": f"Bearer {phone.token}"}
    heard: list[tuple[str, str]] = []
    with serving(here) as site, httpx2.Client(base_url=site, headers=headers, timeout=20) as client:
        first = shop.creates(ORDER, {"total": 1})["id"]
        with client.stream("GET", "/udi/v1/events?seconds=60") as stream:
            for line in stream.iter_lines():
                if line.startswith("data: "):
                    event = json.loads(line[6:])
                    heard.append((event["type"], event["subject"]))
                    if len(heard) == 2:
                        break
                    second = shop.creates(ORDER, {"total": 2})["id"]
        with client.stream("GET", "/udi/v1/events?seconds=0", headers={"Last-Event-ID": "1"}) as again:
            after = [line for line in again.iter_lines() if line.startswith("id: ")]
    assert heard == [(f"{ORDER}.created", first), (f"{ORDER}.created", second)]
    assert after == ["id: 2"]


def test_a_stream_ends_with_its_session(here: Town, shop: Caller) -> None:
    phone = shop.sign_in("shop")
    with serving(here) as site, httpx2.Client(base_url=site, timeout=20) as client:
        headers = {"Authorization": f"Bearer {phone.token}"}
        with client.stream("GET", "/udi/v1/events?seconds=60", headers=headers) as stream:
            lines = stream.iter_lines()
            assert next(lines) == "retry: 1000"
            assert phone.call("DELETE", "/udi/v1/auth/session").status_code == 200
            shop.creates(ORDER, {"total": 1})
            said = [line for line in lines if line]
    assert said[-2:] == ["event: end", "data: session.unknown"]


def test_events_can_be_asked_for_without_waiting(shop: Caller) -> None:
    assert shop.call("GET", "/udi/v1/events:page").json() == {"events": [], "cursor": 0}
    made = shop.creates(ORDER, {"total": 1})
    page = shop.call("GET", "/udi/v1/events:page").json()
    assert (page["cursor"], page["events"][0]["subject"]) == (1, made["id"])
