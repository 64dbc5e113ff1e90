"""All that a vault has of one account, member by member, as one snapshot of the database showed it.

Source: docs/spec/udi-1.md, "Archives".
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from html import escape
from typing import Final

import msgspec
from sqlalchemy import Connection, select

from cyberprivacy.vault import archive
from cyberprivacy.vault.archive import ArchiveWriter
from cyberprivacy.vault.blobs import Blobs
from cyberprivacy.vault.holdings import Holding, holdings
from cyberprivacy.vault.records import Record, Records
from cyberprivacy.vault.tables import BLOBS, KEY_EVENTS
from cyberprivacy.vault.transfer import overview
from cyberprivacy.vault.types import Types

SHOWN: Final = 100
"""Records of a type that the page for people shows."""
_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Your data</title>
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
<style>
:root {{ color-scheme: light dark }}
body {{ font: 1rem/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem }}
pre {{ font-size: .85rem; white-space: pre-wrap; overflow-wrap: anywhere; border-top: 1px solid #8884; margin: 0 }}
</style></head><body>
<h1>Your data</h1>
<p>Account {account}, as {site} had it on {made}. Everything is in the folders beside this page, one record a line;
programs read it by <code>manifest.json</code>, which has a checksum of every file.</p>
{apps}
</body></html>
"""


@dataclass(frozen=True, slots=True)
class Gathering:
    """Puts an account into an archive.

    Attributes:
        told: called with the number of records so far.
    """

    connection: Connection
    records: Records
    blobs: Blobs
    types: Types
    told: Callable[[int], None]

    def put(self, writer: ArchiveWriter, account: bytes, said: dict[str, object], *, made: str) -> None:
        """Everything of an account, and what the manifest says of it beside `said`."""
        log = self.connection.execute(
            select(KEY_EVENTS.c.document).where(KEY_EVENTS.c.account == account).order_by(KEY_EVENTS.c.seq)
        ).scalars()
        writer.add("kel.jsonl", (bytes(each) + b"\n" for each in log))
        held = [each for each in holdings(self.connection, account, sizes=False) if each.app]
        for name in sorted({kind.type for each in held for kind in each.kinds}):
            writer.add(f"schemas/{name}.json", [self.types.get(self.connection, name).type.document])
        total, apps, shown = 0, [], []
        for number, each in enumerate(held):
            folder, page = archive.folder(number, each.app), []
            for kind in each.kinds:
                page.append(f"<h3>{escape(kind.type)} ({kind.records})</h3>")
                total = self._records(writer, each, kind.type, folder, page, total)
            self._blobs(writer, each.owner, folder)
            if signed := overview.receipts(self.connection, each.owner):
                writer.add(f"{folder}/receipts.jsonl", (line + b"\n" for line in signed))
            shown.append(f"<h2>{escape(each.app)}</h2>" + "\n".join(page))
            owner = {"owner": each.owner.hex(), "seq": each.seq, "records": each.records}
            apps.append({"app": each.app, "folder": folder, **owner})
        values = {"account": account.hex(), "site": str(said.get("site", "")), "made": made}
        text = {name: escape(value) for name, value in values.items()}
        writer.add("README.html", [_PAGE.format(apps="\n".join(shown) or "<p>Nothing.</p>", **text).encode()])
        writer.finish({**said, "account": account.hex(), "apps": apps})

    def _records(
        self, writer: ArchiveWriter, held: Holding, kind: str, folder: str, page: list[str], total: int
    ) -> int:
        """The records of one type as members; how many there are of the account so far."""
        found = self.records.all(self.connection, held.owner, kind=kind)
        for n, lines in enumerate(_chunks(self._shown(found, page))):
            writer.add_lines(f"{folder}/records/{kind}/{n:06}.jsonl.gz", lines)
            total += len(lines)
            self.told(total)
        return total

    def _blobs(self, writer: ArchiveWriter, owner: bytes, folder: str) -> None:
        whole = select(BLOBS.c.digest).where(BLOBS.c.owner == owner, BLOBS.c.completed.is_not(None))
        for digest in self.connection.execute(whole.order_by(BLOBS.c.digest)).scalars().all():
            writer.add(f"{folder}/blobs/{digest.hex()}", self.blobs.read(self.connection, owner, digest))

    def _shown(self, found: Iterable[Record], page: list[str]) -> Iterator[bytes]:
        """Records as lines; the first ones also for people."""
        for n, (id_, type_, rev, body, created, changed) in enumerate(found):
            if n < SHOWN:
                page.append(f"<pre>{escape(_pretty(body))}</pre>")
            elif n == SHOWN:
                page.append("<p>More of these are in the folder.</p>")
            yield archive.line(
                id_=id_.hex(), type_=type_, rev=rev, created=created, changed=changed, original=body
            )


def _pretty(body: bytes) -> str:
    return msgspec.json.format(body, indent=2).decode()


def _chunks(lines: Iterable[bytes]) -> Iterator[list[bytes]]:
    """Lines as many as one member may have."""
    held: list[bytes] = []
    size = 0
    for each in lines:
        if held and (len(held) >= archive.RECORDS or size + len(each) > archive.MEMBER):
            yield held
            held, size = [], 0
        held.append(each)
        size += len(each)
    if held:
        yield held
