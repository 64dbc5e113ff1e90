"""What an owner had at one moment, and which of it a grant is about: records, and the blobs that they name."""

import json
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from cyberprivacy.vault.grant import Grant
from cyberprivacy.vault.scope import Action
from cyberprivacy.vault.selector import Selector
from cyberprivacy.vault.transfer.blobparts import named_in
from cyberprivacy.vault.transfer.parcel import Item


@dataclass(frozen=True, slots=True)
class Snapshot:
    """The owner's newest change (of the outbox), and records, each once."""

    seq: int
    items: Iterator[Item]


class Source(Protocol):
    """Where records come from."""

    def snapshot(self, connection: Connection, owner: bytes, types: frozenset[str]) -> Snapshot:
        """An owner's records of some types, in the caller's one reading transaction."""
        ...

    def blobs(self, connection: Connection, owner: bytes, named: Collection[bytes]) -> Iterator[Item]:
        """Parts of those of an owner's whole blobs that have one of these digests, each blob in its order."""
        ...


def selected(source: Source, connection: Connection, owner: bytes, grant: Grant) -> Snapshot:
    """What a grant lets somebody read: records, then the blobs whose digests stand in them."""
    found = source.snapshot(connection, owner, frozenset(scope.data_type for scope in grant.scopes))

    def items() -> Iterator[Item]:
        named: set[bytes] = set()
        for item in found.items:
            if granted(grant, item):
                named |= named_in(item.body)
                yield item
        yield from source.blobs(connection, owner, named)

    return Snapshot(found.seq, items())


def granted(grant: Grant, item: Item) -> bool:
    """Whether a grant lets somebody read this record. One that is no JSON is selected by `all` alone."""
    scopes = [s.selector for s in grant.scopes if s.data_type == item.data_type and Action.READ in s.actions]
    if not scopes or Selector() in scopes:
        return bool(scopes)
    try:
        record: object = json.loads(item.body)
    except (ValueError, RecursionError):
        record = None
    return any(selector.matches(record, item.changed) for selector in scopes)
