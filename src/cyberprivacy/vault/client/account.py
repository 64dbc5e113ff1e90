"""What an application keeps for somebody who is signed in there: records at the vault, under their own session."""

import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from cyberprivacy.vault.client.connection import MAX_ANSWER, Connection, VaultSilent, read, value_of

PAGE = 100


@dataclass(frozen=True, slots=True)
class Kept:
    """A record as it is kept.

    Attributes:
        rev: which revision this is; a change names the one that it saw.
        value: the JSON that was written.
    """

    id: str
    type: str
    rev: int
    value: Mapping[str, Any]


class Account:
    """One person, as the application knows them; every call raises CyberPrivacyError with the vault's own code."""

    def __init__(self, vault: Connection) -> None:
        """Speak through a connection that holds the session's token."""
        self._vault = vault

    @cached_property
    def owner(self) -> str:
        """The person's id in this application and in no other: 64 hex digits."""
        return str(self._vault.ask("GET", "/udi/v1/auth/session")["owner"])

    def create(self, kind: str, value: Mapping[str, Any], *, key: str | None = None) -> Kept:
        """A new record of a declared type; with an idempotency key, once, however often it is asked for."""
        headers = {"Idempotency-Key": key or secrets.token_hex(16)}
        made = self._vault.ask("POST", "/udi/v1/records", query={"type": kind}, body=value, headers=headers)
        return Kept(str(made["id"]), kind, int(made["rev"]), value)

    def read(self, record: str) -> Kept:
        """One record."""
        with self._vault.stream("GET", f"/udi/v1/records/{record}") as answer:
            value, headers = value_of(read(answer, MAX_ANSWER)), answer.headers
        if not isinstance(value, dict):
            raise VaultSilent("a record is no object", code="vault.answer")
        return Kept(record, headers.get("udi-type", ""), int(headers.get("etag", '"0"').strip('"')), value)

    def all(self, kind: str) -> Iterator[Kept]:
        """Every record of a type, oldest first."""
        query: dict[str, str | int] = {"type": kind, "limit": PAGE}
        while True:
            page = self._vault.ask("GET", "/udi/v1/records", query=query)
            yield from (Kept(each["id"], each["type"], each["rev"], each["body"]) for each in page["records"])
            if page["next"] is None:
                return
            query["after"] = page["next"]

    def update(self, seen: Kept, value: Mapping[str, Any]) -> Kept:
        """Another value for a record, if nobody has changed it since it was seen ("record.rev")."""
        changed = self._vault.ask(
            "PUT", f"/udi/v1/records/{seen.id}", body=value, headers={"If-Match": f'"{seen.rev}"'}
        )
        return Kept(seen.id, seen.type, int(changed["rev"]), value)

    def delete(self, seen: Kept) -> None:
        """The end of a record, if nobody has changed it since it was seen."""
        self._vault.ask("DELETE", f"/udi/v1/records/{seen.id}", headers={"If-Match": f'"{seen.rev}"'})

    def sign_out(self) -> None:
        """End the session."""
        self._vault.ask("DELETE", "/udi/v1/auth/session")
