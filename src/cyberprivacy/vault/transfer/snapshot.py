"""What an owner had at one moment, and which of it a grant is about."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import Connection

from cyberprivacy.vault.grant import Grant
from cyberprivacy.vault.scope import Action
from cyberprivacy.vault.selector import Selector
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
