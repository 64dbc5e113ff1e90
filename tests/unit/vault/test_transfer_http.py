"""A transfer between two vaults in processes of their own: killed, cut off, lied to, taken back."""

import json
import os
import random
import re
import tempfile
import time
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from keeping import ORDER
from people import refusal
from served import Served, Traveller, arrived

from cyberprivacy import canonical
from cyberprivacy.cli import run
from cyberprivacy.cli.mysession import remember
from cyberprivacy.errors import Untrusted
from cyberprivacy.ledger.log import FileLedger
from cyberprivacy.ledger.offline import OfflineProof
from cyberprivacy.ledger.trust import Trust
from cyberprivacy.vault.archivefile import Archive
from cyberprivacy.vault.client.proving import Claim, proven
from cyberprivacy.vault.grant import Mode
from cyberprivacy.vault.transfer.receipt import SignedReceipt
from cyberprivacy.vault.transfer.states import UNDO

BLOB = bytes(range(256)) * 2_500
"""Three parts."""


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    """In memory where there is such a place: a killed process loses nothing that it gave to the kernel."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(dir=memory if os.access(memory, os.W_OK) else None) as made:
        yield Path(made)


@pytest.fixture(scope="module")
def vaults(folder: Path) -> Iterator[tuple[Served, Served]]:
    with ExitStack() as ends:
        made = Served("shop", folder / "shop"), Served("book", folder / "book")
        for each in made:
            ends.callback(each.kill)
        yield made


@pytest.fixture
def alice(vaults: tuple[Served, Served], request: pytest.FixtureRequest) -> Traveller:
    """Another one for each test, at the same two vaults."""
    for each in vaults:
        if not each.serves:
            each.start()
    return Traveller.of(request.node.name, *vaults)


def ordered(alice: Traveller, mode: Mode = Mode.ONCE) -> str:
    with alice.mover() as mover:
        return str(mover.order(mover.plan(mode), alice.purse)["transfer"]["transfer"])


def uploads(alice: Traveller, content: bytes) -> str:
    digest = sha256(content).hexdigest()
    with alice.at(alice.shop, "shop") as vault:
        for at in range(0, len(content), 256 << 10):
            query: dict[str, str | int] = {"size": len(content), "offset": at}
            vault.ask("PUT", f"/udi/v1/blobs/{digest}", query=query, octets=content[at : at + (256 << 10)])
    return digest


def test_all_of_it_comes_with_its_blobs_and_both_remember_the_receipt(alice: Traveller, folder: Path) -> None:
    digest = uploads(alice, BLOB)
    unnamed = uploads(alice, b"named by no record")
    alice.fill(20, 100, note=f"sha256:{digest} ")
    before = alice.held(alice.shop)
    with alice.mover() as mover:
        plan = mover.plan(Mode.ONCE)
        assert [(each.data_type, each.records, each.code) for each in plan.fates] == [(ORDER, 20, "")]
        transfer = str(mover.order(plan, alice.purse)["transfer"]["transfer"])
        assert mover.order(plan, alice.purse)["transfer"]["transfer"] == transfer  # again is the same
    said = alice.until(transfer, lambda now: arrived(now) and now["place"] is not None)
    assert alice.held(alice.book) == before
    assert (said["transfer"]["state"], said["transfer"]["count"], said["rejected"]) == ("done", 20 + 3, [])
    with alice.at(alice.book, "book") as vault:
        with vault.stream("GET", f"/udi/v1/blobs/{digest}") as answer:
            assert b"".join(answer.iter_raw()) == BLOB
        assert refusal(lambda: vault.ask("GET", f"/udi/v1/blobs/{unnamed}")) == "blob.none"

    theirs = alice.until(transfer, lambda now: now["place"] is not None, alice.shop)
    assert theirs["receipt"] == said["receipt"]
    assert (theirs["transfer"]["state"], theirs["transfer"]["way"]) == ("done", "out")
    both = SignedReceipt.decode(canonical.encode(said["receipt"]))
    with alice.at(alice.shop) as shop, alice.at(alice.book) as book:
        keys = [bytes.fromhex(vault.ask("GET", "/.well-known/udi")["key"]) for vault in (book, shop)]
        uses = shop.ask("GET", "/udi/v1/accesses")["accesses"]
    both.check(*keys)
    assert [(each["who"], each["records"]) for each in uses] == [("book", 20)]
    proofs(alice, transfer, said["receipt"])
    assert exported(alice, folder) == [canonical.encode(said["receipt"])]
    for place in (alice.shop, alice.book):
        place.kill()
        ledger = FileLedger(folder / place.name / "receipts.ledger", clock=time.time)
        assert [entry.facts for entry in ledger.entries()].count({"leaf": both.leaf.hex()}) == 1
        ledger.close()


def proofs(alice: Traveller, transfer: str, receipt: object) -> None:
    """Both vaults prove what they remember, to whoever has their key."""
    for place in (alice.book, alice.shop):
        with alice.at(place) as vault:
            found = proven(vault, Claim.of_transfer(transfer, receipt), now=time.time())
            assert found.index < found.size
        proof, other = OfflineProof.parse(found.file), replace(found.keys[0], public=bytes(31) + b"\1")
        proof.check(Trust.of(found.keys[0].name, found.keys), now=time.time())
        with pytest.raises(Untrusted):
            proof.check(Trust.of(other.name, [other]), now=time.time())


def test_a_vault_that_proves_another_entry_or_nothing_is_not_believed(
    alice: Traveller, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    alice.fill(1, 10)
    for _ in range(2):
        transfer = ordered(alice)
        said = alice.until(transfer, lambda now: arrived(now) and now["place"] is not None)
    with alice.at(alice.book) as book:
        first, second = [
            book.ask("GET", f"/udi/v1/transfers/{each['transfer']}")
            for each in book.ask("GET", "/udi/v1/transfers")["transfers"]
        ]
        other = Claim.of_transfer(first["transfer"]["transfer"], second["receipt"])
        assert refusal(lambda: proven(book, other, now=1)) == "my.proof"

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    opened = {"token": alice.sessions["book"], "account": alice.account, "expires": time.time() + 60}
    remember(alice.book.url, opened)
    file = tmp_path / "proof"
    assert run(["my", "transfers", alice.book.url, transfer, "--proof", str(file), "--json"]) == 0
    key = json.loads(capsys.readouterr().out)["log"]["keys"][0]
    assert run(["log", "verify", str(file), "--key", key, "--json"]) == 0
    leaf = SignedReceipt.decode(canonical.encode(said["receipt"])).leaf.hex()
    assert json.loads(capsys.readouterr().out)["entry"]["entry"]["facts"] == {"leaf": leaf}

    def changed(path: str, body: bytes) -> bytes | None:
        if not path.endswith("/proof"):
            return body
        return re.sub(rb"index (\d)", lambda it: b"index %d" % (int(it[1]) ^ 1), body)

    alice.book.kill()
    alice.book.start(bend=changed)
    assert run(["my", "transfers", alice.book.url, transfer, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["error"] == "log.proof"
    alice.book.kill()


def exported(alice: Traveller, folder: Path) -> list[bytes]:
    """The receipts in the archive of everything that the shop has."""
    with alice.at(alice.shop) as shop:
        job = shop.ask("POST", "/udi/v1/exports")
        while job["state"] == "waiting":
            job = shop.ask("GET", f"/udi/v1/exports/{job['id']}")
        with shop.stream("GET", f"/udi/v1/exports/{job['id']}/archive") as answer:
            (folder / "export.zip").write_bytes(b"".join(answer.iter_raw()))
    with Archive.open(folder / "export.zip") as archive:
        archive.check()
        with zipfile.ZipFile(folder / "export.zip") as opened:
            return opened.read(f"{archive.apps['shop']}/receipts.jsonl").splitlines()


def test_ten_kills_of_either_process_lose_nothing_and_double_nothing(alice: Traveller) -> None:
    alice.fill(48, 200_000)  # ten chunks
    dice, transfer, cursors = random.Random(4), ordered(alice, Mode.MOVE), set()  # noqa: S311  # dice of a test
    for n in range(10):
        place = (alice.book, alice.shop)[n % 2]
        time.sleep(dice.random() / 20)
        place.kill()
        place.start()
        now = alice.report(alice.book, transfer)["transfer"]
        cursors.add(now["done"] if now["state"] == "running" else -1)
    assert cursors - {-1}, "no kill came in time"
    said = alice.until(transfer, arrived)
    assert (said["transfer"]["state"], said["transfer"]["count"], said["transfer"]["dup"]) == ("done", 48, 0)
    assert alice.held(alice.book) == alice.held(alice.shop)
    assert alice.report(alice.shop, transfer)["transfer"]["state"] == "undo"
    with alice.at(alice.shop) as shop:
        assert [each["uses"] for each in shop.ask("GET", "/udi/v1/grants")["grants"]] == [1]


def test_a_source_that_changes_or_withholds_chunks_gets_nothing_signed(alice: Traveller) -> None:
    alice.fill(3, 10)

    def changed(path: str, body: bytes) -> bytes | None:
        return bytes([body[0] ^ 1, *body[1:]]) if "/chunks/" in path and body else body

    def withheld(path: str, body: bytes) -> bytes | None:
        return None if "/chunks/" in path else body

    alice.shop.kill()
    alice.shop.start(bend=changed)
    transfer = ordered(alice)
    said = alice.until(transfer, arrived)["transfer"]
    assert (said["state"], said["why"], said["count"]) == ("failed", "chunk.seal", 0)
    assert alice.held(alice.book) == {}

    alice.shop.kill()
    alice.shop.start(bend=withheld)
    with alice.at(alice.book) as book:
        book.ask("POST", f"/udi/v1/transfers/{transfer}:resume")
    said = alice.until(transfer, lambda now: bool(now["transfer"]["why"]))["transfer"]
    assert (said["state"], said["why"], said["count"]) == ("running", "vault.answer", 0)

    alice.shop.kill()
    alice.shop.start()
    said = alice.until(transfer, arrived)
    assert (said["transfer"]["state"], len(alice.held(alice.book))) == ("done", 3)


def test_a_move_is_taken_back_or_erased_after_its_time(alice: Traveller) -> None:
    alice.fill(5, 10)
    before, first = alice.held(alice.shop), ordered(alice, Mode.MOVE)
    alice.until(first, arrived)
    taken_back(alice, first)
    assert alice.held(alice.book) == {}
    assert alice.held(alice.shop) == before
    assert alice.report(alice.shop, first)["transfer"]["state"] == "kept"

    second = ordered(alice, Mode.MOVE)
    alice.until(second, arrived)
    for place in (alice.shop, alice.book):
        place.kill()
    with alice.shop.here(UNDO + 60) as vault:  # three days later
        end = time.monotonic() + 30
        while (state := reported(vault, alice, second)) == "undo":
            assert time.monotonic() < end
            time.sleep(0.02)
        assert state == "erased"
        with vault.database.reading() as connection:
            owner = vault.traffic.sharing.owner(bytes.fromhex(alice.account))  # type: ignore[union-attr]
            assert list(vault.records.all(connection, owner)) == []
        assert refusal(lambda: vault.traffic.departures.undo(owner, bytes.fromhex(second))) == "transfer.undo"  # type: ignore[union-attr]


def taken_back(alice: Traveller, transfer: str) -> None:
    from cyberprivacy.vault.client.person import Person

    with alice.at(alice.shop) as shop, alice.at(alice.book) as book:
        grant = shop.ask("POST", f"/udi/v1/transfers/{transfer}:undo")["transfer"]["grant"]
        Person(book, alice.purse).revoke(alice.account, bytes.fromhex(grant), erase=True, also=shop)
        assert book.ask("GET", f"/udi/v1/transfers/{transfer}")["transfer"]["state"] == "undone"
        assert refusal(lambda: book.ask("POST", f"/udi/v1/transfers/{transfer}:resume")) == "transfer.ended"


def reported(vault: Any, alice: Traveller, transfer: str) -> str:
    from cyberprivacy.vault.transfer import overview

    owner = vault.traffic.sharing.owner(bytes.fromhex(alice.account))
    with vault.database.reading() as connection:
        return overview.one(connection, owner, bytes.fromhex(transfer)).state


def test_a_frozen_account_moves_nothing_until_its_owner_says_so(alice: Traveller) -> None:
    from cyberprivacy.vault.client.person import Person
    from cyberprivacy.vault.keyevent import Body, Kind

    alice.fill(3, 10)
    with alice.mover() as mover:
        plan = mover.plan(Mode.MOVE)
        Person(mover.source, alice.purse).append(alice.account, Kind.FREEZE, lambda _: Body())
        transfer = mover.order(plan, alice.purse)["transfer"]["transfer"]
    said = alice.until(transfer, lambda now: bool(now["transfer"]["why"]))["transfer"]
    assert (said["state"], said["why"]) == ("running", "account.frozen")
    assert alice.held(alice.book) == {}
    with alice.at(alice.book) as book:
        Person(book, alice.purse).append(alice.account, Kind.FREEZE, lambda _: Body())
    assert refusal(lambda: ordered(alice)) == "account.frozen"


def test_what_cannot_be_taken_is_told_before_and_in_the_receipt(alice: Traveller) -> None:
    alice.fill(3, 10)
    one = next(iter(alice.held(alice.shop)))
    with alice.at(alice.book, "book") as book:
        line = {"do": "create", "type": ORDER, "body": {"total": 99}, "id": one}
        book.ask("POST", "/udi/v1/records:batch", body={"changes": [line]}, headers={"Idempotency-Key": "mine"})
    with alice.at(alice.book) as book:
        asked = [
            {"type": "example.other.thing.v1", "schema": "ab" * 32, "records": 1, "bytes": 1},
            {"type": ORDER, "schema": "ab" * 32, "records": 1, "bytes": 1},
        ]
        told = book.ask("POST", "/udi/v1/transfers:dry", body={"types": asked})
        assert [each["code"] for each in told["types"]] == ["consent.type", "consent.schema"]
    transfer = ordered(alice, Mode.MOVE)
    said = alice.until(transfer, arrived)
    assert (said["transfer"]["state"], said["rejected"]) == ("incomplete", [{"id": one, "code": "record.exists"}])
    assert said["receipt"]["receipt"]["rejected"] == said["rejected"]
    assert alice.report(alice.shop, transfer)["transfer"]["due"] is None  # nothing will be erased
    with alice.at(alice.book, "book") as book:
        book.ask("DELETE", f"/udi/v1/records/{one}", headers={"If-Match": '"1"'})
    with alice.at(alice.book) as book:
        book.ask("POST", f"/udi/v1/transfers/{transfer}:resume")
    assert alice.until(transfer, arrived)["transfer"]["state"] == "done"
    assert alice.held(alice.book) == alice.held(alice.shop)
