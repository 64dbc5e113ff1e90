"""A vault whose disk is full says so, loses nothing, and goes on by itself when there is room again."""

from hashlib import sha256
from pathlib import Path

import pytest
from callers import Caller, Town, code, town, until
from keeping import ORDER
from people import Person

from cyberprivacy.testing.disk import SmallDisk

LARGE = "x" * 60_000
PICTURE = bytes(range(256)) * 1_000
BLOB = f"/udi/v1/blobs/{sha256(PICTURE).hexdigest()}"
EXPORTS = "/udi/v1/exports"


def orders(shop: Caller, key: str) -> str:
    """Whether an order is kept: "" or why not."""
    headers = {"Idempotency-Key": key}
    answer = shop.call("POST", f"/udi/v1/records?type={ORDER}", json={"total": 1, "note": LARGE}, headers=headers)
    assert answer.status_code in (201, 503)
    return code(answer)


def export(owner: Caller, job: str) -> dict[str, object]:
    found: dict[str, object] = until(
        lambda: owner.call("GET", f"{EXPORTS}/{job}").json(), lambda each: each["state"] != "waiting"
    )
    return found


def begins(here: Town, name: str) -> str:
    inception = Person(name, now=here.clock.now).begin().log[0].encode()
    return code(here.call("POST", "/udi/v1/accounts", content=inception))


@pytest.mark.engines
def test_every_kind_of_write_waits_for_room_and_reading_goes_on(tmp_path: Path) -> None:
    with SmallDisk(tmp_path / "disk", 8 << 20) as disk, town(tmp_path / "disk") as here:
        owner = here.person("alice")
        shop = owner.sign_in("shop")
        assert orders(shop, "first") == ""
        disk.fill()
        refused = {orders(shop, f"{n}") for n in range(40)}
        assert refused - {""} == {"database.full"}
        kept = [each["id"] for each in shop.call("GET", "/udi/v1/records").json()["records"]]
        assert code(shop.call("PUT", f"{BLOB}?size={len(PICTURE)}", content=PICTURE)) == "database.full"
        assert shop.call("GET", f"/udi/v1/records/{kept[0]}").json()["note"] == LARGE
        assert begins(here, "bob") in ("", "database.full")

        disk.empty()
        assert {orders(shop, f"{n}") for n in range(40)} == {""}  # under the same keys: none is there twice
        assert len(shop.call("GET", "/udi/v1/records").json()["records"]) == 41
        assert shop.call("PUT", f"{BLOB}?size={len(PICTURE)}", content=PICTURE).json()["whole"]
        assert begins(here, "bob") == ""
        assert here.person("carol").sign_in("shop").creates(ORDER, {"total": 1})


@pytest.mark.engines
def test_an_export_that_finds_no_room_fails_with_a_code_and_the_next_one_succeeds(tmp_path: Path) -> None:
    with SmallDisk(tmp_path / "disk", 8 << 20) as disk, town(tmp_path / "disk") as here:
        owner = here.person("alice")
        shop = owner.sign_in("shop")
        assert {orders(shop, f"{n}") for n in range(30)} == {""}
        first = owner.call("POST", EXPORTS).json()["id"]
        assert export(owner, first)["state"] == "ready"
        disk.fill(leave=512 << 10)
        second = owner.call("POST", EXPORTS).json()["id"]
        failed = export(owner, second)
        assert (failed["state"], failed["code"]) == ("failed", "export.disk")
        assert not list((tmp_path / "disk" / "exports").glob("*.part"))
        disk.empty()
        third = owner.call("POST", EXPORTS).json()["id"]
        assert export(owner, third)["state"] == "ready"


@pytest.mark.engines
def test_erasing_waits_for_room_and_ends_with_its_receipt(tmp_path: Path) -> None:
    with SmallDisk(tmp_path / "disk", 8 << 20) as disk, town(tmp_path / "disk") as here:
        owner = here.person("alice")
        shop = owner.sign_in("shop")
        assert {orders(shop, f"{n}") for n in range(10)} == {""}
        disk.fill()
        asked = owner.call("POST", "/udi/v1/deletions", json={"what": "owner", "app": "shop", "name": ""})
        if code(asked):
            assert code(asked) == "database.full"
            disk.empty()
            asked = owner.call("POST", "/udi/v1/deletions", json={"what": "owner", "app": "shop", "name": ""})
        disk.empty()
        path = f"/udi/v1/deletions/{asked.json()['id']}"
        done = until(lambda: here.call("GET", path).json(), lambda each: each["receipt"] is not None)
        assert done["step"] == "done"
