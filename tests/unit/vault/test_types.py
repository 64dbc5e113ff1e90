"""Declared types of a vault: kept, grown, judged by in linear time."""

import json
import time

import pytest
from keeping import NOTE, NOW, ORDER, SCHEMA, Vault, order

from cyberprivacy.bundle import datatype
from cyberprivacy.errors import CyberPrivacyError
from cyberprivacy.vault.change import Create
from cyberprivacy.vault.types import Types, judged


def code(call: object, *arguments: object, **named: object) -> str:
    with pytest.raises(CyberPrivacyError) as refusal:
        call(*arguments, **named)  # type: ignore[operator]
    return refusal.value.code


def grown(**properties: object) -> datatype.DataType:
    schema = json.loads(SCHEMA)
    schema["properties"] |= properties
    return datatype.parse(ORDER, json.dumps(schema).encode())


def test_a_type_is_declared_once_grows_and_judges_from_then_on(vault: Vault) -> None:
    anna, types = vault.person("anna"), vault.means.types
    vault.change(anna, Create(ORDER, b'{"total":1,"colour":7}'))
    with vault.database.transaction() as connection:
        types.declare(connection, datatype.parse(ORDER, SCHEMA), now=NOW)
        types.declare(connection, grown(colour={"type": "string"}), now=NOW)
        assert types.names(connection) == (NOTE, ORDER)
        assert code(types.declare, connection, grown(total={"type": "string"}), now=NOW) == "type.version"
    assert code(vault.change, anna, Create(ORDER, b'{"total":1,"colour":7}')) == "record.schema"
    vault.change(anna, order(1))
    with vault.database.reading() as connection:
        assert Types().get(connection, ORDER).type == types.get(connection, ORDER).type
        assert code(types.get, connection, "example.none.v1") == "type.none"
        assert code(types.get, connection, "x" * 10_000) == "type.none"


@pytest.mark.parametrize("pattern", ["(?=a)b", "(a)\\1", "(", "(a{1000}){1000}"])
def test_patterns_that_could_take_for_ever_are_refused(pattern: str) -> None:
    assert code(judged, grown(note={"type": "string", "pattern": pattern})) == "type.pattern"


def test_a_notorious_pattern_takes_no_longer_than_the_text_is_long() -> None:
    ready = judged(grown(note={"type": "string", "pattern": "^(a+)+$"}))
    begun = time.monotonic()
    assert code(ready.check, json.dumps({"total": 1, "note": "a" * 200_000 + "b"}).encode()) == "record.schema"
    assert time.monotonic() - begun < 5  # backtracking would take longer than the universe is old


def test_formats_are_judged_and_a_refusal_names_place_and_keyword_only() -> None:
    ready = judged(grown(at={"type": "string", "format": "date"}))
    ready.check(b'{"total":1,"at":"2026-02-28"}')
    with pytest.raises(CyberPrivacyError) as refusal:
        ready.check(b'{"total":1,"at":"2026-02-30"}')
    assert refusal.value.facts == {"type": ORDER, "place": "at", "keyword": "format"}
