"""Taking everything out, bringing it in again, and erasing it, over HTTP."""

import gzip
import io
import json
import threading
import time
import zipfile
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from callers import Caller, Town, code, until
from keeping import NOTE, ORDER
from people import key, opening

from cyberprivacy.vault import receipt
from cyberprivacy.vault.archive import BadArchive
from cyberprivacy.vault.archivefile import Archive
from cyberprivacy.vault.keyevent import Kind

PICTURE = b"a picture " * 1_000
ODD = b'{ "total":7,\n  "unknown":{"z":1.50,"a":"\\u00e9"} ,"note":"<b>" }'
"""Bytes that every re-encoding would change."""


@pytest.fixture
def alice(here: Town) -> Caller:
    """Alice, as owner, with two applications that keep something for her."""
    owner = here.person("alice", guarded_by=("gina",))
    shop, books = owner.sign_in("shop"), owner.sign_in("books")
    for n in range(3):
        shop.creates(ORDER, {"total": n})
    sent = shop.call("POST", f"/udi/v1/records?type={ORDER}", content=ODD, headers={"Idempotency-Key": "odd"})
    assert sent.status_code == 201
    books.creates(NOTE, {"text": "a note"})
    content = sha256(PICTURE).hexdigest()
    assert books.call("PUT", f"/udi/v1/blobs/{content}?size={len(PICTURE)}", content=PICTURE).json()["whole"]
    return owner


def ready(owner: Caller) -> dict[str, Any]:
    asked = owner.call("POST", "/udi/v1/exports")
    assert (asked.status_code, asked.json()["state"]) == (202, "waiting")
    found: dict[str, Any] = owner.call("GET", f"/udi/v1/exports/{asked.json()['id']}?seconds=30").json()
    assert found["state"] == "ready", found
    return found


def fetched(owner: Caller, export: dict[str, Any]) -> bytes:
    answer = owner.call("GET", f"/udi/v1/exports/{export['id']}/archive")
    assert (answer.status_code, len(answer.content)) == (200, export["size"])
    assert sha256(answer.content).hexdigest() == export["sha256"]
    return answer.content


def test_an_archive_has_everything_is_signed_and_can_be_read_by_people(
    here: Town, alice: Caller, tmp_path: Path
) -> None:
    data = fetched(alice, ready(alice))
    (tmp_path / "export.udi.zip").write_bytes(data)
    with Archive.open(tmp_path / "export.udi.zip") as archive:
        assert archive.signer == here.vault.key.public
        assert archive.manifest["account"] == alice.account
        found = {app: list(archive.records(app)) for app in archive.apps}
        assert [b"".join(archive.blob("books", digest)) for digest in archive.blobs("books")] == [PICTURE]
    assert {app: len(records) for app, records in found.items()} == {"books": 1, "shop": 4}
    assert [each.original for each in found["shop"]].count(ODD) == 1
    with zipfile.ZipFile(io.BytesIO(data)) as plain:
        assert plain.testzip() is None
        page = plain.read("README.html").decode()
        assert "<script" not in page
        assert "&lt;b&gt;" in page
        lines = [gzip.decompress(plain.read(name)) for name in plain.namelist() if name.endswith(".jsonl.gz")]
        assert sum(each.count(b"\n") for each in lines) == 5
        assert plain.read("kel.jsonl").count(b"\n") == 1


def test_an_archive_waits_until_it_is_acknowledged_and_can_be_fetched_in_parts(here: Town, alice: Caller) -> None:
    export = ready(alice)
    whole = fetched(alice, export)
    path = f"/udi/v1/exports/{export['id']}"
    rest = alice.call("GET", f"{path}/archive", headers={"Range": "bytes=100-"})
    assert (rest.status_code, rest.content) == (206, whole[100:])
    assert rest.headers["content-range"] == f"bytes 100-{len(whole) - 1}/{len(whole)}"
    assert code(alice.call("GET", f"{path}/archive", headers={"Range": f"bytes={len(whole)}-"})) == "export.range"
    assert alice.call("POST", f"{path}:acknowledge").status_code == 204
    assert code(alice.call("GET", f"{path}/archive")) == "export.none"


def test_who_waits_for_an_archive_is_answered_when_it_is_ready_and_not_before(here: Town, alice: Caller) -> None:
    here.clock.exports.clear()
    path = f"/udi/v1/exports/{alice.call('POST', '/udi/v1/exports').json()['id']}"
    assert [alice.call("GET", path + each).json()["state"] for each in ("", "?seconds=1")] == ["waiting"] * 2
    assert code(alice.call("GET", path + "?seconds=31")) == "api.form"
    threading.Timer(0.2, here.clock.exports.set).start()
    began = time.monotonic()
    assert alice.call("GET", path + "?seconds=30").json()["state"] == "ready"
    assert time.monotonic() - began < 20


def test_who_waits_for_an_archive_that_goes_meanwhile_is_told_how_it_was(here: Town, alice: Caller) -> None:
    here.clock.exports.clear()
    path = f"/udi/v1/exports/{alice.call('POST', '/udi/v1/exports').json()['id']}"

    def goes() -> None:
        alice.call("POST", f"{path}:acknowledge")
        here.clock.exports.set()

    threading.Timer(0.2, goes).start()
    assert alice.call("GET", path + "?seconds=30").json()["state"] == "waiting"
    assert code(alice.call("GET", path + "?seconds=30")) == "export.none"


def test_an_archive_that_waits_is_worth_nothing_to_whoever_takes_the_disk(alice: Caller, tmp_path: Path) -> None:
    ready(alice)
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert any(path.suffix == ".sealed" for path in files)
    assert not [path for path in files if b"a note" in path.read_bytes()]


def test_an_archive_in_which_one_byte_was_changed_is_refused(alice: Caller, tmp_path: Path) -> None:
    data = bytearray(fetched(alice, ready(alice)))
    place = data.index(b"kel.jsonl") + 60
    data[place] ^= 1
    (tmp_path / "changed.zip").write_bytes(data)
    with pytest.raises(BadArchive), Archive.open(tmp_path / "changed.zip") as archive:
        archive.check()


def test_what_is_imported_is_the_same_to_the_byte_and_doing_it_again_changes_nothing(
    alice: Caller, here: Town, tmp_path: Path
) -> None:
    (tmp_path / "a.zip").write_bytes(fetched(alice, ready(alice)))
    bob = here.person("bob")
    with Archive.open(tmp_path / "a.zip") as archive:
        lines = b"".join(archive.lines("shop"))
        wanted = sorted(each.original for each in archive.records("shop"))
    path = "/udi/v1/imports?app=shop"
    counted = [bob.call("POST", p, content=lines).json() for p in (path + "&dry=true", path, path)]
    assert [(each["created"], each["same"]) for each in counted] == [(4, 0), (4, 0), (0, 4)]
    shown = bob.call("GET", "/udi/v1/records?app=shop").json()["records"]
    kept = [bob.call("GET", f"/udi/v1/records/{each['id']}?app=shop").content for each in shown]
    assert sorted(kept) == wanted


def test_what_cannot_come_in_is_named(here: Town) -> None:
    bob = here.person("bob")

    def line(id_: str, kind: str, body: object) -> dict[str, Any]:
        return {"id": id_ * 16, "type": kind, "rev": 1, "created": 0, "changed": 0, "body": body}

    sent = [line("01", ORDER, {"total": 1}), line("02", ORDER, {"total": "x"}), line("03", "org.unknown.v1", {})]
    content = "".join(json.dumps(each) + "\n" for each in sent)
    done = bob.call("POST", "/udi/v1/imports?app=shop", content=content).json()
    assert done["created"] == 1
    assert {each["id"][:2]: each["code"] for each in done["refused"]} == {"02": "record.schema", "03": "type.none"}
    other = json.dumps(line("01", ORDER, {"total": 2}))
    refused = bob.call("POST", "/udi/v1/imports?app=shop", content=other).json()["refused"]
    assert refused == [{"id": "01" * 16, "code": "record.exists"}]
    for bad in (b"", b"[]", b"{}", content.encode() * 2, b"[" * 100_000):
        assert code(bob.call("POST", "/udi/v1/imports?app=shop", content=bad)) == "import.form"


def test_an_erased_account_is_gone_with_everything_and_leaves_a_receipt(
    here: Town, alice: Caller, tmp_path: Path
) -> None:
    ready(alice)
    asked = alice.call("POST", "/udi/v1/deletions", json={"what": "account"})
    assert asked.status_code == 202
    found = until(lambda: here.call("GET", asked.headers["location"]).json(), lambda each: each["step"] == "done")
    said = receipt.check(
        json.dumps(found["receipt"], sort_keys=True, separators=(",", ":")).encode(), here.vault.key.public
    )
    assert said["counts"] == {"blobs": 1, "bytes": said["counts"]["bytes"], "grants": 0, "records": 5}  # type: ignore[index]
    assert code(alice.call("GET", "/udi/v1/data")) == "session.unknown"
    assert code(alice.tries()) == "session.no-account"
    until(lambda: list((tmp_path / "exports").iterdir()), lambda left: not left)


def test_one_type_is_erased_and_the_rest_stays(here: Town, alice: Caller) -> None:
    assert code(alice.call("POST", "/udi/v1/deletions", json={"what": "type", "app": "shop"})) == "api.form"
    asked = alice.call("POST", "/udi/v1/deletions", json={"what": "type", "app": "shop", "name": ORDER}).json()
    until(lambda: here.call("GET", f"/udi/v1/deletions/{asked['id']}").json(), lambda each: each["step"] == "done")
    held = {each["app"]: each["records"] for each in alice.call("GET", "/udi/v1/data").json()["apps"]}
    assert held == {"books": 1, "shop": 0}


def test_while_frozen_nothing_is_changed_taken_out_or_erased_but_the_owner_reads(alice: Caller) -> None:
    assert alice.hands_in(Kind.FREEZE, by="gina", guardian=opening("gina")).status_code == 200
    assert code(alice.call("POST", "/udi/v1/exports")) == "account.frozen"
    assert code(alice.call("POST", "/udi/v1/deletions", json={"what": "account"})) == "account.frozen"
    shop = alice.sign_in("shop")
    refused = shop.call(
        "POST", f"/udi/v1/records?type={ORDER}", json={"total": 1}, headers={"Idempotency-Key": "x"}
    )
    assert code(refused) == "account.frozen"
    assert len(alice.call("GET", "/udi/v1/records?app=shop").json()["records"]) == 4


def test_a_key_that_came_today_takes_nothing_out_and_erases_nothing(here: Town, alice: Caller) -> None:
    assert alice.hands_in(Kind.ADD, key=key("new phone")).status_code == 200
    phone = alice.sign_in(by="new phone")
    assert code(phone.call("POST", "/udi/v1/exports")) == "account.young"
    assert code(phone.call("POST", "/udi/v1/deletions", json={"what": "account"})) == "account.young"
    here.clock.now += 86_400
    assert alice.sign_in(by="new phone").call("POST", "/udi/v1/exports").status_code == 202
