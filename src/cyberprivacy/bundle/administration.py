"""Reads the manifest's section `admin` strictly: form and caps here, sense in `review.administration`."""

import re
from collections.abc import Callable
from typing import Final, TypeVar, cast

from eth_utils.address import is_checksum_address

from cyberprivacy.bundle import datatype, pattern
from cyberprivacy.bundle.declared import (
    MAX_VALUE,
    Administration,
    Choice,
    DecimalNumber,
    FromRecords,
    Kind,
    Query,
    Role,
    Setting,
    Statistic,
    Switch,
    Take,
    WholeNumber,
    Words,
    units,
)
from cyberprivacy.bundle.fields import Fields, Read, integer, mapping, text
from cyberprivacy.bundle.refusals import BadManifest

MAX_DECLARED: Final = 64
"""Parameters, algorithms or statistics, of each; and choices of one."""
MOST: Final = 10**15
MOST_CONTRIBUTION: Final = 10**9
WEEK: Final = 7 * 86_400
YEAR: Final = 366 * 86_400
MAX_EPSILON: Final = 10_000

_LABEL: Final = re.compile(r"[a-z]([-a-z0-9]{0,38}[a-z0-9])?\Z")
_DOC: Final = re.compile(r"[^\x00-\x1f\x7f]{1,300}\Z")
_UNIT: Final = re.compile(r"[^\x00-\x1f\x7f]{1,30}\Z")
_CHOICE: Final = re.compile(r"[a-z0-9]([-a-z0-9._]{0,62})\Z")
_ROLE: Final = re.compile(r"0x[0-9a-f]{64}\Z")
_PATTERN: Final = re.compile(r"[ -~]{1,200}\Z")
_ANY: Final = re.compile(rf"[^\x00-\x1f\x7f]{{0,{MAX_VALUE}}}\Z")
_TAKE: Final = re.compile(r"(records|sum|latest)\Z")
_QUERY: Final = re.compile(r"(count|sum|mean|histogram)\Z")
_NUMBER: Final = re.compile(r"-?[0-9]{1,13}\.[0-9]{1,6}\Z", re.ASCII)
_EPSILON: Final = re.compile(r"(0|[1-9][0-9]?)\.[0-9]{1,3}\Z", re.ASCII)

T = TypeVar("T")


def administration(value: object, place: str) -> Administration:
    """The section as a value.

    Raises:
        BadManifest: anything missing, unknown, of the wrong kind, out of range or said twice.
    """
    fields = Fields(value, place)
    read = Administration(
        administrators=fields.take("administrators", _administrators),
        delay=fields.take("delay", integer(0, WEEK)) if fields.has("delay") else 0,
        parameters=_named(fields, "parameters", _parameter),
        algorithms=_named(fields, "algorithms", _algorithm),
        statistics=_named(fields, "statistics", _statistic),
    )
    fields.close()
    settings = (*read.parameters, *read.algorithms)
    names = [*(each.name for each in settings), *(each.name for each in read.statistics)]
    if len(set(names)) < len(names):
        raise BadManifest("a name that is declared twice", code="manifest.repeated", field=place)
    return read


def _named(fields: Fields, name: str, read: Callable[[str, Fields], T]) -> tuple[T, ...]:
    """An optional mapping from names to declarations."""
    if not fields.has(name):
        return ()

    def one(value: object, place: str) -> tuple[T, ...]:
        entries = mapping(value, place)
        if not 0 < len(entries) <= MAX_DECLARED:
            raise BadManifest(f"not 1 to {MAX_DECLARED}", code="manifest.field", field=place)
        found: list[T] = []
        for label, declared in entries.items():
            inside = Fields(declared, f"{place}.{label[:40]}")
            found.append(read(text(_LABEL)(label, place), inside))
            inside.close()
        return tuple(found)

    return fields.take(name, one)


def _list(read: Read[T], least: int = 1) -> Read[tuple[T, ...]]:
    def several(value: object, place: str) -> tuple[T, ...]:
        if not isinstance(value, list) or not least <= len(value) <= MAX_DECLARED:
            raise BadManifest(f"not a list of {least} to {MAX_DECLARED}", code="manifest.field", field=place)
        items = tuple(read(item, f"{place}[{index}]") for index, item in enumerate(value))
        if len(set(items)) < len(items):
            raise BadManifest("the same item twice", code="manifest.repeated", field=place)
        return items

    return several


def _administrators(value: object, place: str) -> tuple[str | Role, ...]:
    return _list(_administrator)(value, place)


def _administrator(value: object, place: str) -> str | Role:
    if isinstance(value, str):
        return _address(value, place)
    fields = Fields(value, place)
    role = Role(
        fields.take("contract", _address), bytes.fromhex(fields.take("role", text(_ROLE)).removeprefix("0x"))
    )
    fields.close()
    return role


def _address(value: object, place: str) -> str:
    if not isinstance(value, str) or not is_checksum_address(value):
        raise BadManifest("not an address with its checksum (EIP-55)", field=place, value=str(value)[:60])
    return value


def _parameter(name: str, fields: Fields) -> Setting:
    form = fields.take("type", text(re.compile(r"(integer|decimal|boolean|choice|text)\Z")))
    kind = _KINDS[form](fields)
    return Setting(
        name=name,
        kind=kind,
        default=fields.take("default", _sent),
        unit=fields.take("unit", text(_UNIT)) if fields.has("unit") else "",
        doc=fields.take("doc", text(_DOC)),
    )


def _sent(value: object, place: str) -> str:
    """A default as an administrator would send it; YAML's own true, false and whole numbers are welcome."""
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if isinstance(value, int) else text(_ANY)(value, place)


def _whole(fields: Fields) -> Kind:
    bound = integer(-MOST, MOST)
    return WholeNumber(fields.take("least", bound), fields.take("most", bound))


def _decimal(fields: Fields) -> Kind:
    places = fields.take("places", integer(1, 6))

    def bound(value: object, place: str) -> int:
        return _units(text(_NUMBER)(value, place), places, place)

    return DecimalNumber(places, fields.take("least", bound), fields.take("most", bound))


def _choice(fields: Fields) -> Kind:
    return Choice(fields.take("choices", _list(text(_CHOICE))))


def _words(fields: Fields) -> Kind:
    def read(value: object, place: str) -> pattern.Pattern:
        source = text(_PATTERN)(value, place)
        try:
            return pattern.parse(source)
        except ValueError as error:
            raise BadManifest(str(error), field=place, value=source) from None

    return Words(fields.take("pattern", read))


_KINDS: Final[dict[str, Callable[[Fields], Kind]]] = {
    "integer": _whole,
    "decimal": _decimal,
    "boolean": lambda _: Switch(),
    "choice": _choice,
    "text": _words,
}


def _algorithm(name: str, fields: Fields) -> Setting:
    return Setting(name, _choice(fields), fields.take("default", _sent), "", fields.take("doc", text(_DOC)))


def _statistic(name: str, fields: Fields) -> Statistic:
    bound = integer(-MOST_CONTRIBUTION, MOST_CONTRIBUTION)
    return Statistic(
        name=name,
        doc=fields.take("doc", text(_DOC)),
        query=cast("Query", fields.take("query", text(_QUERY))),
        least=fields.take("least", bound),
        most=fields.take("most", bound),
        bins=fields.take("bins", _list(bound)) if fields.has("bins") else (),
        epsilon=fields.take("epsilon", _epsilon),
        budget=fields.take("budget", _epsilon),
        period=fields.take("period", integer(3_600, YEAR)),
        least_count=fields.take("least-count", integer(1, 10**6)),
        of=fields.take("of", _of) if fields.has("of") else None,
    )


def _of(value: object, place: str) -> FromRecords:
    fields = Fields(value, place)
    take = cast("Take", fields.take("take", text(_TAKE)))
    read = FromRecords(
        type=fields.take("type", text(datatype.NAME)),
        take=take,
        field="" if take == "records" else fields.take("field", text(datatype.FIELD)),
        within=fields.take("within", integer(60, YEAR)) if fields.has("within") else 0,
    )
    fields.close()
    return read


def _epsilon(value: object, place: str) -> int:
    """Privacy loss in thousandths."""
    written = text(_EPSILON)(value, place)
    whole, _, rest = written.partition(".")
    thousandths = int(whole) * 1000 + int(rest.ljust(3, "0"))
    if not 0 < thousandths <= MAX_EPSILON:
        raise BadManifest("out of range", field=place, value=written, least="0.001", most="10.0")
    return thousandths


def _units(written: str, places: int, place: str) -> int:
    try:
        return units(written, places)
    except ValueError as error:
        raise BadManifest(str(error), field=place, value=written) from None
