"""The form of a request: path, query, headers and body are what the table declares, or are refused."""

import re
from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from cyberprivacy.canonical import nested_within
from cyberprivacy.vault.web.endpoint import HEADERS, LONGER, PARAMETERS, Endpoint, Media
from cyberprivacy.vault.web.problem import BadCall, NotFound

MAX_QUERY: Final = 16
"""Parameters of one query."""
MAX_VALUE: Final = 512
"""Characters of one value in a query or a header."""
DEPTH: Final = 32
_FORMS: Final = {name: re.compile(form) for name, (form, _) in PARAMETERS.items()}


def check_path(endpoint: Endpoint, given: Mapping[str, object]) -> Mapping[str, str]:
    """The parameters of a path.

    Raises:
        NotFound: one is not of its form.
    """
    found = {name: str(given[name]) for name in endpoint.parameters}
    if not all(_FORMS[name].fullmatch(value) for name, value in found.items()):
        raise NotFound("there is nothing here")
    return found


def read_query(endpoint: Endpoint, pairs: Sequence[tuple[str, str]]) -> msgspec.Struct | None:
    """The query as the structure that the entry declares.

    Raises:
        BadCall: a name is unknown or stands twice, or a value is not of its form.
    """
    given = dict(pairs)
    if (
        len(given) != len(pairs)
        or len(pairs) > MAX_QUERY
        or any(len(value) > MAX_VALUE for value in given.values())
    ):
        raise BadCall("a name stands twice in the query, or too much does")
    if endpoint.query is None:
        if given:
            raise BadCall("this takes no query", names=sorted(given)[:4])
        return None
    try:
        return msgspec.convert(given, endpoint.query, strict=False)
    except msgspec.ValidationError as error:
        raise BadCall("the query is not of its form", why=str(error)[:200]) from None


def check_headers(endpoint: Endpoint, given: Mapping[str, str]) -> Mapping[str, str]:
    """The headers that the entry takes.

    Raises:
        BadCall: one that it needs is missing ("api.header"), or is longer than any honest one.
    """
    found = {name: given[name] for name in endpoint.takes if name in given}
    for name in endpoint.needs:
        if name not in found:
            raise BadCall("a header is missing", code="api.header", hint=HEADERS[name], header=name)
    if any(len(value) > LONGER.get(name, MAX_VALUE) for name, value in found.items()):
        raise BadCall("a header is too long")
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
