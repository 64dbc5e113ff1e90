"""A transfer of the tests: records in a database, from the shop to the book, with keys made from names."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from grants import BOOK, COPY, ORDER, SHOP, alice, grant, h
from people import NOW
from sqlalchemy import Connection, delete, insert, select

from cyberprivacy.errors import Misuse
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.grant import Grant, Mode
from cyberprivacy.vault.receipt import KeySigner
from cyberprivacy.vault.tables import RECORDS
from cyberprivacy.vault.transfer.parcel import Item
from cyberprivacy.vault.transfer.receipt import SignedReceipt
from cyberprivacy.vault.transfer.receiving import Receiving
from cyberprivacy.vault.transfer.sending import Ask, Sending
from cyberprivacy.vault.transfer.shelf import Put
from cyberprivacy.vault.transfer.snapshot import Snapshot

SHOP_KEY = KeySigner(Ed25519PrivateKey.from_private_bytes(h("shop signs")))
BOOK_KEY = KeySigner(Ed25519PrivateKey.from_private_bytes(h("book signs")))
BOOK_OPENS = X25519PrivateKey.from_private_bytes(h("book opens"))
SHOP_PUBLIC, BOOK_PUBLIC = SHOP_KEY.public, BOOK_KEY.public
TRANSFER = h("transfer", 16)
GRANT = grant(alice(), mode=Mode.ONCE, max_uses=1, scopes=(COPY,))
MOVE = grant(alice(), mode=Mode.MOVE, max_uses=1, scopes=(COPY,))


def item(n: int, size: int = 40, rev: int = 1) -> Item:
    return Item(n.to_bytes(16), ORDER, rev, NOW, NOW + n, b'{"n":%d, "pad":"%s"}' % (n, b"x" * size))


@dataclass
class Plain:
    """Records without encryption; some are not wanted."""

    unwanted: set[bytes] = field(default_factory=set)

    def add(self, connection: Connection, owner: bytes, new: Item) -> None:
        row = {"id": new.id, "type": new.data_type, "rev": new.rev, "created": new.created, "changed": new.changed}
        connection.execute(
            insert(RECORDS).values(owner=owner, key=bytes(60), sealed=new.body, bytes=len(new.body), **row)
        )

    def put(self, connection: Connection, owner: bytes, items: Sequence[Item]) -> list[Put]:
        return [self.one(connection, owner, each) for each in items]

    def one(self, connection: Connection, owner: bytes, item: Item) -> Put:
        if item.id in self.unwanted:
            raise Misuse("not wanted", code="record.type")
        found = self.all(connection, owner, item.id)
        if found == [item]:
            return Put.THERE
        if found:
            raise Misuse("another record of this id", code="record.conflict")
        self.add(connection, owner, item)
        return Put.NEW

    def snapshot(self, connection: Connection, owner: bytes, types: frozenset[str]) -> Snapshot:
        def items() -> Iterator[Item]:
            yield from (each for each in self.all(connection, owner) if each.data_type in types)

        return Snapshot(7, items())

    def blobs(self, connection: Connection, owner: bytes, named: Collection[bytes]) -> Iterator[Item]:
        return iter(())

    def erase(self, connection: Connection, owner: bytes, records: Sequence[tuple[bytes, int]]) -> Sequence[bytes]:
        stayed = []
        for record, rev in records:
            here = (RECORDS.c.owner == owner, RECORDS.c.id == record)
            if connection.execute(delete(RECORDS).where(*here, RECORDS.c.rev == rev)).rowcount == 0:
                stayed.append(record)
        return stayed

    def all(self, connection: Connection, owner: bytes, record: bytes | None = None) -> list[Item]:
        found = select(RECORDS).where(RECORDS.c.owner == owner)
        if record is not None:
            found = found.where(RECORDS.c.id == record)
        rows = connection.execute(found.order_by(RECORDS.c.id))
        return [Item(r.id, r.type, r.rev, r.created, r.changed, r.sealed) for r in rows]


class Journey:
    """Both ends in one database."""

    def __init__(self, database: Database, plain: Plain | None = None, given: Grant = GRANT) -> None:
        self.database, self.plain, self.given = database, plain or Plain(), given
        self.sending = Sending(database, self.plain, SHOP_KEY)
        self.receiving = Receiving(database, self.plain, BOOK_OPENS, BOOK_KEY)
        self.ask = Ask(TRANSFER, given, BOOK_OPENS.public_key().public_bytes_raw(), BOOK_PUBLIC)
        self.uses = 0

    def fill(self, count: int, size: int = 40) -> None:
        with self.database.transaction() as connection:
            for n in range(count):
                self.plain.add(connection, SHOP.account, item(n, size))

    def permit(self, _connection: Connection) -> None:
        self.uses += 1

    def begin(self) -> int:
        """Until the recipient knows the manifest; how many chunks there are."""
        self.sending.open(self.ask, self.permit, now=NOW)
        data = self.sending.manifest(SHOP.account, TRANSFER)
        return len(self.receiving.begin(data, self.given, SHOP_PUBLIC, now=NOW).chunks)

    def take(self, n: int) -> None:
        sealed = self.sending.chunk(SHOP.account, TRANSFER, n)
        self.receiving.take(self.given, TRANSFER, n, sealed)

    def end(self, now: float = NOW) -> SignedReceipt:
        mine = self.receiving.receipt(BOOK.account, TRANSFER, now=now)
        both = self.sending.received(SHOP.account, TRANSFER, mine, now=now)
        return self.receiving.close(BOOK.account, TRANSFER, both.encode(), SHOP_PUBLIC)

    def held(self, owner: bytes) -> list[Item]:
        with self.database.reading() as connection:
            return self.plain.all(connection, owner)
