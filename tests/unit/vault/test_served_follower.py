"""`vault serve` follows: under a grant, what is bought at one vault is at the other by itself, also after a restart."""

import json
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from keeping import ORDER
from keeping import SCHEMA as ORDER_SCHEMA
from people import secret
from served import Purse
from two import until
from typist import PASSWORD, vault_serving

from cyberprivacy.cli import run
from cyberprivacy.proposal import ethaccount
from cyberprivacy.vault.client.connection import Connection
from cyberprivacy.vault.client.person import Person

Typed = Callable[..., tuple[int, Any]]


@pytest.fixture
def types(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Typed:
    """Alice at a keyboard."""
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    (tmp_path / "password").write_text(PASSWORD)
    stored = ethaccount.load().encrypt(secret("alice"), PASSWORD, kdf="pbkdf2", iterations=1_000)
    (tmp_path / "alice.json").write_text(json.dumps(stored))
    stored = ethaccount.load().encrypt(secret("phone"), PASSWORD, kdf="pbkdf2", iterations=1_000)
    (tmp_path / "phone.json").write_text(json.dumps(stored))
    (tmp_path / "types").mkdir()
    (tmp_path / "types" / f"{ORDER}.json").write_bytes(ORDER_SCHEMA)

    def typed(*words: str) -> tuple[int, Any]:
        signing = ["--key", str(tmp_path / "alice.json"), "--password-file", str(tmp_path / "password")]
        code = run(["my", *words, *signing, "--json"])
        return code, json.loads(capsys.readouterr().out)

    return typed


def entered(stack: ExitStack, url: str, app: str) -> Connection:
    """Alice in an application."""
    vault = stack.enter_context(Connection(url))
    return vault.of(str(Person(vault, Purse("alice")).sign_in(app)["token"]))


def totals(book: Connection) -> list[Any]:
    return sorted(each["body"]["total"] for each in book.ask("GET", "/udi/v1/records")["records"])


def buys(shop: Connection, total: int) -> None:
    query = {"type": ORDER}
    headers = {"Idempotency-Key": f"buy-{total}"}
    shop.ask("POST", "/udi/v1/records", query=query, body={"total": total}, headers=headers)


def test_what_one_vault_was_granted_comes_to_it_by_itself(types: Typed, tmp_path: Path) -> None:
    kinds = ["--types", str(tmp_path / "types")]
    with ExitStack() as stack:
        at_shop = stack.enter_context(vault_serving(tmp_path / "shop", "--app", "shop", *kinds))
        own = ["--app", "book", *kinds, "--source", f"shop={at_shop}"]
        phone = str(tmp_path / "phone.json")
        code, said = types("sign-in", at_shop, "--new", "--also", phone)
        assert code == 0, said
        with vault_serving(tmp_path / "book", *own) as at_book:
            second = ["--cosigner", phone, "--cosigner-password-file", str(tmp_path / "password")]
            code, said = types("grant", at_shop, at_book, "--yes", *second)
            assert (code, said["follows"]) == (0, True), said
            shop, book = entered(stack, at_shop, "shop"), entered(stack, at_book, "book")
            buys(shop, 5)
            until(lambda: totals(book) == [5])
            (told,) = book.ask("GET", "/udi/v1/followings")["followings"]
            assert (told["app"], told["grant"], told["state"]) == ("shop", said["grant"], "following")
        buys(shop, 6)
        port = at_book.rpartition(":")[2]
        with vault_serving(tmp_path / "book", *own, listen=f"127.0.0.1:{port}") as at_book:
            book = entered(stack, at_book, "book")
            until(lambda: totals(book) == [5, 6])
            assert types("revoke", at_shop, said["grant"])[0] == 0
            until(lambda: book.ask("GET", "/udi/v1/followings")["followings"][0]["why"] == "grant.revoked")
            buys(shop, 7)
            assert totals(book) == [5, 6]


def test_a_grant_is_followed_for_its_own_person_and_from_a_named_source_only(types: Typed, tmp_path: Path) -> None:
    kinds = ["--types", str(tmp_path / "types")]
    with ExitStack() as stack:
        at_shop = stack.enter_context(vault_serving(tmp_path / "shop", "--app", "shop", *kinds))
        at_book = stack.enter_context(vault_serving(tmp_path / "book", "--app", "book", *kinds))
        phone = str(tmp_path / "phone.json")
        assert types("sign-in", at_shop, "--new", "--also", phone)[0] == 0
        second = ["--cosigner", phone, "--cosigner-password-file", str(tmp_path / "password")]
        code, said = types("grant", at_shop, at_book, "--yes", *second)
        assert (code, said["follows"]) == (0, False), said
        assert entered(stack, at_book, "book").ask("GET", "/udi/v1/followings") == {"followings": []}
