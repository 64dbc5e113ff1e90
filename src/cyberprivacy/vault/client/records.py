"""`PersonalRecords` at a vault that runs by itself, under the session of whoever is signed in."""

import secrets
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from cyberprivacy.errors import Misuse
from cyberprivacy.vault.client.connection import MAX_ANSWER, Connection, VaultSilent, decoded, read
from cyberprivacy.vault.followings import Following
from cyberprivacy.vault.granting import Registered
from cyberprivacy.vault.personal import Kept
from cyberprivacy.vault.web import kept

PAGE: Final = 250
"""Records that a vault answers at most at once."""


class RecordsThere:
    """One person, as the application knows them; every call raises CyberPrivacyError with the vault's own code."""

    def __init__(self, vault: Connection, person: str) -> None:
        """Speak through a connection that holds the session's token."""
        self._vault, self._person = vault, person

    @property
    def person(self) -> str:
        """See `PersonalRecords`, also for all that follows."""
        return self._person

    def create(self, kind: str, value: Mapping[str, object], *, key: str | None = None) -> str:
        """A new record; once, however often it is asked for with the same key."""
        headers = {"Idempotency-Key": key or secrets.token_hex(16)}
        return self._change("POST", "", {"type": kind}, value, headers).id

    def read(self, record: str) -> Kept:
        """One record."""
        with self._vault.stream("GET", f"/udi/v1/records/{record}") as answer:
            body, told = read(answer, MAX_ANSWER), answer.headers
        numbers = [told.get(name, "").strip('"') for name in ("etag", "udi-created", "udi-changed")]
        if not all(each.isdecimal() and len(each) <= 16 for each in numbers):
            raise VaultSilent("not a record of a vault", code="vault.answer")
        rev, created, changed = map(int, numbers)
        return Kept(record, told.get("udi-type", ""), rev, decoded(body, dict[str, object]), created, changed)

    def list(self, kind: str | None = None, *, after: str = "", limit: int = 100) -> Sequence[Kept]:
        """A page of records, by as many requests as it takes."""
        found: list[Kept] = []
        while len(found) < limit:
            asked: dict[str, str | int] = {"limit": min(PAGE, limit - len(found))}
            asked |= ({"type": kind} if kind else {}) | ({"after": after} if after else {})
            with self._vault.stream("GET", "/udi/v1/records", query=asked) as answer:
                page = decoded(read(answer, MAX_ANSWER), kept.RecordPage)
            found += map(_kept, page.records)
            if page.next is None:
                break
            after = page.next
        return found

    def update(self, seen: Kept, value: Mapping[str, object]) -> int:
        """Another value."""
        return self._change("PUT", f"/{seen.id}", {}, value, {"If-Match": f'"{seen.rev}"'}).rev

    def delete(self, seen: Kept) -> None:
        """The end of a record."""
        self._change("DELETE", f"/{seen.id}", {}, None, {"If-Match": f'"{seen.rev}"'})

    def followings(self) -> Sequence[Following]:
        """Empty: only an application with a vault inside follows others."""
        return ()

    def grants(self) -> Sequence[Registered]:
        """Empty: at a shared vault only its owner asks for them, `cyberprivacy my grants`."""
        return ()

    def counted(self, agreed: bool | None = None) -> bool:
        """Never: only an application with a vault inside has statistics made."""
        if agreed:
            raise Misuse(
                "a vault that is shared makes no statistics",
                code="app.inside",
                hint="Keep the data in a vault inside of the application.",
            )
        return False

    def _change(
        self,
        method: str,
        path: str,
        query: Mapping[str, str],
        value: Mapping[str, object] | None,
        headers: Mapping[str, str],
    ) -> kept.RecordHead:
        body = None if value is None else msgspec.json.encode(value)
        with self._vault.stream(
            method, "/udi/v1/records" + path, query=query, octets=body, headers=headers
        ) as answer:
            return decoded(read(answer, MAX_ANSWER), kept.RecordHead)


def _kept(shown: kept.RecordShown) -> Kept:
    value = decoded(bytes(shown.body), dict[str, object])
    return Kept(shown.id, shown.type, shown.rev, value, shown.created, shown.changed)
