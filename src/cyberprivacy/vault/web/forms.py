"""The form of a request: query, headers and body are what the table declares, or are refused."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from cyberprivacy.canonical import nested_within
from cyberprivacy.vault.web.endpoint import HEADERS, LONGER, Endpoint, Media
from cyberprivacy.vault.web.exchange import Asked
from cyberprivacy.vault.web.problem import BadCall

MAX_QUERY: Final = 16
"""Parameters of one query."""
MAX_VALUE: Final = 512
"""Characters of one value in a query or a header."""
SHORT: Final = 128
"""Bytes of a query that is remembered."""
DEPTH: Final = 32


def read_query(endpoint: Endpoint, query: bytes) -> msgspec.Struct | None:
    """The query of an address, as it stands there, as the structure that the entry declares.

    Raises:
        BadCall: a name is unknown or stands twice, or a value is not of its form.
    """
    if len(query) <= SHORT:  # the same few come over and over, and what is made of them cannot be changed
        return _known_query(endpoint.query, query)
    return _query(endpoint.query, query)


def _query(form: type[msgspec.Struct] | None, query: bytes) -> msgspec.Struct | None:
    try:
        pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True, max_num_fields=MAX_QUERY)
    except ValueError:
        raise BadCall("a name stands twice in the query, or too much does") from None
    given = dict(pairs)
    if len(given) != len(pairs) or any(len(value) > MAX_VALUE for value in given.values()):
        raise BadCall("a name stands twice in the query, or too much does")
    if form is None:
        if given:
            raise BadCall("this takes no query", names=sorted(given)[:4])
        return None
    try:
        return msgspec.convert(given, form, strict=False)
    except msgspec.ValidationError as error:
        raise BadCall("the query is not of its form", why=str(error)[:200]) from None


_known_query: Final = lru_cache(maxsize=1_024)(_query)


def read_headers(endpoint: Endpoint, asked: Asked) -> Mapping[str, str]:
    """The headers that the entry takes.

    Raises:
        BadCall: one that it needs is missing ("api.header"), or is longer than any honest one.
    """
    found = dict[str, str]()
    for name in endpoint.takes:
        value = asked.header(name.lower())
        if value is None:
            if name in endpoint.needs:
                raise BadCall("a header is missing", code="api.header", hint=HEADERS[name], header=name)
        elif len(value) > LONGER.get(name, MAX_VALUE):
            raise BadCall("a header is too long")
        else:
            found[name] = value
    return found


def read_body(endpoint: Endpoint, raw: bytes) -> msgspec.Struct | bytes | None:
    """The body as the entry declares it.

    Raises:
        BadCall: not JSON, nested too deep, or not the declared structure (no fields but its own).
    """
    if endpoint.body is None:
        return None
    if isinstance(endpoint.body, Media):
        return raw
    if not nested_within(raw, DEPTH):
        raise BadCall("nested too deep", limit=DEPTH)
    try:
        return msgspec.json.decode(raw, type=endpoint.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadCall("the body is not of its form", why=str(error)[:200]) from None
