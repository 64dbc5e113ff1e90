"""Grants that are kept: counted, taken back once and for all, each use written down; on both engines."""

from dataclasses import replace

from grants import ORDER, SHOP, alice, grant, h, signed, signed_revoke, take
from people import NOW, refusal
from vaults import owner

from cyberprivacy.vault.carriage import SignedGrant
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.grant import Revoke
from cyberprivacy.vault.grantbook import Access, GrantBook
from cyberprivacy.vault.granting import Registered
from cyberprivacy.vault.scope import Action

ACCESS = Access("book", h("grant one", 16), Action.READ, ORDER, 3, NOW)


def taking_back(made: SignedGrant, nonce: str = "back") -> Revoke:
    said = made.grant
    return Revoke(grant=said.id, subject=said.subject, kel_seq=0, at=NOW, erase=0, nonce=h(nonce))


def register(database: Database, who: bytes, made: SignedGrant) -> str:
    def once() -> None:
        with database.transaction() as connection:
            book = GrantBook(connection, who)
            book.register(take(made.encode(), alice(), notes=book))  # type: ignore[arg-type]

    return refusal(once)


def test_a_grant_is_kept_and_comes_once(database: Database) -> None:
    who, made = owner(database, "shop"), signed(grant(alice()))
    assert register(database, who, made) == ""
    assert register(database, who, made) == "grant.nonce"
    again = signed(grant(alice(), nonce=h("another")))
    assert register(database, who, again) == "grant.revoked"
    with database.reading() as connection:
        book = GrantBook(connection, who)
        assert book.held(made.grant.id) == Registered(made.grant, NOW + 1)
        assert [each.grant for each in book.listed()] == [made.grant]
        assert book.met(bytes(32), "book")
        assert not book.met(bytes(32), "bank")
        assert refusal(lambda: book.held(h("other", 16))) == "grant.unknown"


def test_another_owner_sees_nothing_of_it(database: Database) -> None:
    who, other, made = owner(database, "shop"), owner(database, "bank"), signed(grant(alice()))
    register(database, who, made)
    with database.transaction() as connection:
        book = GrantBook(connection, other)
        assert refusal(lambda: book.held(made.grant.id)) == "grant.unknown"
        assert not book.listed()
        assert not book.met(bytes(32), "book")
        assert not book.accesses()
        # At one vault both ends of a grant can have it.
        book.register(take(made.encode(), alice(), here=SHOP))


def test_the_last_use_is_the_last_even_for_two_at_once(database: Database) -> None:
    who, made = owner(database, "shop"), signed(grant(alice(), max_uses=2))
    register(database, who, made)
    seen = Registered(made.grant, NOW + 1)
    with database.transaction() as connection:
        book = GrantBook(connection, who)
        book.use(seen, ACCESS)
        book.use(seen, replace(ACCESS, records=4))
        assert refusal(lambda: book.use(seen, ACCESS)) == "grant.used"
    with database.reading() as connection:
        book = GrantBook(connection, who)
        assert book.held(made.grant.id).uses == 2
        found = book.accesses(made.grant.id)
        assert [access.records for _, access in found] == [3, 4]
        assert [access for _, access in book.accesses(after=found[0][0])] == [found[1][1]]
        assert not book.accesses(h("other", 16))


def test_uses_are_told_in_their_order_also_within_a_second(database: Database) -> None:
    who = owner(database, "shop")
    with database.transaction() as connection:
        book = GrantBook(connection, who)
        for n in range(20):
            book.note(replace(ACCESS, records=n))
        assert [access.records for _, access in book.accesses()] == list(range(20))
        after, _ = book.accesses(limit=7)[-1]
        assert [access.records for _, access in book.accesses(after=after)] == list(range(7, 20))


def test_what_was_taken_back_stays_so(database: Database) -> None:
    who, made = owner(database, "shop"), signed(grant(alice()))
    register(database, who, made)
    with database.transaction() as connection:
        book = GrantBook(connection, who)
        assert book.revoke(signed_revoke(taking_back(made)), NOW)
        assert refusal(lambda: book.use(Registered(made.grant, NOW), ACCESS)) == "grant.revoked"
        assert not book.revoke(signed_revoke(taking_back(made, "again")), NOW)
        assert book.held(made.grant.id).revoked


def test_a_revocation_that_comes_first_wins(database: Database) -> None:
    who, made = owner(database, "shop"), signed(grant(alice()))
    with database.transaction() as connection:
        assert not GrantBook(connection, who).revoke(signed_revoke(taking_back(made)), NOW)
    assert register(database, who, made) == "grant.revoked"


def test_a_nonce_is_spent_once_by_whatever_comes(database: Database) -> None:
    who, made = owner(database, "shop"), signed(grant(alice()))
    register(database, who, made)

    def back() -> None:
        with database.transaction() as connection:
            GrantBook(connection, who).revoke(signed_revoke(taking_back(made, "nonce one")), NOW)

    assert refusal(back) == "grant.nonce"
