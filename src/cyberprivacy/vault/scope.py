"""What somebody may do with which records: a data type, actions, a selector, and the schema that was looked at.

Source: docs/spec/udi-1.md, "Scopes".
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Final, Self

from cyberprivacy.attest.document import BadDocument, Document
from cyberprivacy.bundle.datatype import NAME
from cyberprivacy.errors import Untrusted
from cyberprivacy.vault.selector import Selector

MAX_SCOPES: Final = 16
_FIELDS: Final = frozenset({"dataType", "actions", "selector", "schema"})
_ACTION: Final = re.compile(r"[a-z]{1,16}")


class BadScope(Untrusted):
    """Not a scope in the form of the specification."""

    code = "scope.form"
    hint = "Make the scope with a client of this version of the specification."


class Action(Enum):
    """What may be done with records, in the order in which a scope lists them."""

    AGGREGATE = "aggregate"
    DELETE = "delete"
    READ = "read"
    SUBSCRIBE = "subscribe"
    WRITE = "write"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scope:
    """One permission.

    Attributes:
        data_type: name and version of a declared type.
        actions: at least one, in alphabetical order, none twice.
        schema: SHA-256 of the type's schema that consent was given to, 32 bytes.
    """

    data_type: str
    actions: tuple[Action, ...]
    selector: Selector
    schema: bytes

    def message(self) -> dict[str, object]:
        """The fields as a wallet gets them."""
        return {
            "dataType": self.data_type,
            "actions": [each.value for each in self.actions],
            "selector": str(self.selector),
            "schema": self.schema,
        }

    def as_json(self) -> dict[str, object]:
        """The fields as JSON values."""
        return {**self.message(), "schema": self.schema.hex()}

    @classmethod
    def read(cls, value: object) -> Self:
        """A scope from its JSON values.

        Raises:
            BadScope: a field is missing, unknown or malformed; actions are none, unknown, twice or out of order.
            BadSelector: the selector is not in its one spelling.
        """
        try:
            document = Document(value, "scope", _FIELDS)
            data_type, schema = document.text("dataType", NAME), document.octets("schema", size=32)
            words = document.texts("actions", _ACTION, limit=len(Action))
        except BadDocument as error:
            raise BadScope(str(error)) from None
        known = {each.value: each for each in Action}
        if not words or list(words) != sorted(set(words)) or not known.keys() >= set(words):
            raise BadScope("not a list of actions in order", actions=list(words))
        actions = tuple(known[word] for word in words)
        return cls(
            data_type=data_type, actions=actions, selector=Selector.parse(document.raw("selector")), schema=schema
        )

    def within(self, other: "Scope") -> bool:
        """Whether this allows nothing that `other` does not."""
        same = (self.data_type, self.schema) == (other.data_type, other.schema)
        return same and set(self.actions) <= set(other.actions) and self.selector.within(other.selector)


def read_all(value: object) -> tuple[Scope, ...]:
    """One to 16 scopes from a JSON list; a type stands in one of them, or in several with other selectors.

    Raises:
        BadScope: no list of this size, out of order, or one twice. BadSelector: see `Scope.read`.
    """
    if not isinstance(value, list) or not 1 <= len(value) <= MAX_SCOPES:
        raise BadScope("not a list of 1 to 16 scopes")
    scopes = tuple(Scope.read(each) for each in value)
    places = [(each.data_type, str(each.selector)) for each in scopes]
    if places != sorted(set(places)):
        raise BadScope("scopes are not in order of type and selector, or one stands twice")
    return scopes


def narrower(these: Iterable[Scope], those: Iterable[Scope]) -> bool:
    """Whether each of these permissions is a part of one of those."""
    allowed = tuple(those)
    return all(any(each.within(other) for other in allowed) for each in these)
