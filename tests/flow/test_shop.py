"""Buy in one application, see it in another at once; take it back, and it stops: in a real browser, with a wallet."""

import json
import os
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from browsing import Running, browser, free_port
from playwright.sync_api import Page, expect

pytestmark = [
    pytest.mark.flow,
    pytest.mark.skipif(not Path("/usr/bin/chromium").exists(), reason="Debian's chromium is not installed"),
]


@pytest.fixture
def apps(tmp_path: Path) -> Iterator[tuple[Running, Running, Running]]:
    ports = free_port(), free_port(), free_port()
    shop_url, purchases_url, bazaar_url = (f"http://127.0.0.1:{port}" for port in ports)
    program = "examples/shop/main.py"
    shop = Running(program, tmp_path / "a", "--purchases", purchases_url, "--other", bazaar_url, port=ports[0])
    purchases = Running("examples/purchases/main.py", tmp_path / "b", "--shop", shop_url, port=ports[1])
    other = ("--name", "bazaar", "--title", "The bazaar", "--other", shop_url)
    bazaar = Running(program, tmp_path / "c", *other, port=ports[2])
    yield shop, purchases, bazaar
    for each in (shop, purchases, bazaar):
        each.stop()


SECRETS = """async () => {
  const database = await new Promise((done) => {
    const asked = indexedDB.open("udi");
    asked.onsuccess = () => done(asked.result);
  });
  const pair = await new Promise((done) => {
    const asked = database.transaction("keys").objectStore("keys").get("device");
    asked.onsuccess = () => done(asked.result);
  });
  database.close();
  return {kept: localStorage.length, readable: pair.privateKey.extractable};
}"""
"""What a script in the page could read of the browser's own key."""


def picture(page: Page, name: str) -> None:
    """Keep what the page looks like, where somebody wants to look at it."""
    if folder := os.environ.get("SHOP_PICTURES"):
        page.screenshot(path=f"{folder}/{name}.png")


def sign_in(page: Page) -> None:
    page.get_by_role("button", name="Sign in").click()
    try:
        expect(page.get_by_role("button", name="Sign out")).to_be_visible()
    except AssertionError:
        raise AssertionError(page.locator(".notice").inner_text()) from None


def buy(page: Page, shop: Running, item: str) -> None:
    page.goto(shop.url)
    page.locator("li", has_text=item).get_by_role("button", name="Buy").click()
    expect(page.locator("#orders table")).to_contain_text(item)


def shows(page: Page, shop: Running, purchases: Running) -> None:
    """Let another application have the orders."""
    page.get_by_role("button", name="See all your purchases").click()
    expect(page).to_have_url(purchases.url + "/")
    sign_in(page)
    page.get_by_role("button", name="Bring in my orders").click()
    expect(page).to_have_url(shop.url + "/")
    asked = page.locator("dialog pre")
    expect(asked).to_contain_text('You allow "purchases" to use records about you that are kept at "shop".')
    expect(asked).to_contain_text("Show you everything that you bought in one place")
    picture(page, "3-asked")
    page.get_by_role("button", name="Sign this").click()
    expect(page).to_have_url(purchases.url + "/")
    expect(page.locator("#all table")).to_contain_text("Desk lamp")
    picture(page, "4-shown")


def follows(page: Page, other: Page, shop: Running, purchases: Running) -> None:
    """It hears of each new order at once, and of those that came while it was dead."""
    buy(other, shop, "Dotted notebook")
    expect(page.locator("#all table")).to_contain_text("Dotted notebook")

    purchases.kill()
    buy(other, shop, "Cast-iron teapot")
    purchases.start()
    page.goto(purchases.url)
    expect(page.locator("#all table")).to_contain_text("Cast-iron teapot")
    expect(page.locator("#all tbody tr")).to_have_count(3)


def takes_back(page: Page, other: Page, shop: Running) -> None:
    """And nothing comes any more."""
    other.get_by_role("button", name="Take this back").click()
    expect(other.locator("#given")).to_contain_text("taken back")
    expect(page.locator("#all")).to_contain_text("has ended: you took it back")
    picture(page, "5-taken-back")
    buy(other, shop, "Coffee beans")
    picture(other, "6-given")
    page.reload()
    expect(page.locator("#all tbody tr")).to_have_count(3)


def takes_out(other: Page, tmp_path: Path) -> None:
    """Everything, in one archive."""
    with other.expect_download() as waiting:
        other.get_by_role("button", name="Take everything out").click()
    archive = tmp_path / "export.udi.zip"
    waiting.value.save_as(archive)
    with zipfile.ZipFile(archive) as opened:
        assert "README.html" in opened.namelist()


def moves(other: Page, shop: Running, bazaar: Running) -> None:
    """Everything, to another shop, by one signature."""
    other.get_by_role("button", name="Go to another shop").click()
    expect(other).to_have_url(bazaar.url + "/")
    sign_in(other)
    other.get_by_role("button", name="Bring everything").click()
    expect(other).to_have_url(shop.url + "/")
    expect(other.locator("dialog pre")).to_contain_text("the records move")
    picture(other, "7-asked-to-move")
    other.get_by_role("button", name="Sign this").click()
    expect(other.locator(".notice")).to_contain_text("4 came, 0 were here already")
    both = json.loads(other.locator(".notice pre").inner_text())
    assert both["receipt"]["count"] == 4
    assert both["signature"] != both["countersignature"]
    expect(other.locator("#orders tbody tr")).to_have_count(4)
    picture(other, "8-moved")


def erases(other: Page, shop: Running, bazaar: Running) -> None:
    """What the first shop has; the other one's stays."""
    other.goto(shop.url)
    other.get_by_role("button", name="Erase everything").click()
    expect(other.locator(".notice")).to_contain_text("Erased")
    receipt = json.loads(other.locator(".notice pre").inner_text())
    assert receipt["receipt"]["scope"]["what"] == "owner"
    assert receipt["signature"]
    picture(other, "9-erased")
    other.goto(bazaar.url)
    expect(other.locator("#orders tbody tr")).to_have_count(4)


def test_a_person_buys_shows_takes_back_takes_out_moves_and_erases(
    apps: tuple[Running, Running, Running], tmp_path: Path
) -> None:
    shop, purchases, bazaar = apps
    with browser() as page:
        page.goto(shop.url)
        picture(page, "1-nobody")
        sign_in(page)
        assert page.evaluate(SECRETS) == {"kept": 0, "readable": False}
        buy(page, shop, "Desk lamp")
        picture(page, "2-bought")
        shows(page, shop, purchases)
        other = page.context.new_page()
        follows(page, other, shop, purchases)
        takes_back(page, other, shop)
        takes_out(other, tmp_path)
        moves(other, shop, bazaar)
        erases(other, shop, bazaar)
