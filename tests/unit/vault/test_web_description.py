"""The interface is attacked by its own description: what it says is what happens, and nothing makes it fail."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from callers import Caller, Town, town
from hypothesis import HealthCheck, given, settings
from keeping import ORDER
from schemathesis import GenerationMode
from schemathesis.checks import not_a_server_error
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_schema_conformance,
    status_code_conformance,
)

from cyberprivacy.vault.web.problem import MEDIA

CHECKS = (
    *(not_a_server_error, status_code_conformance, content_type_conformance, response_schema_conformance),
    negative_data_rejection,
)
LINE = b'{"id":"%s","type":"%s","rev":1,"created":0,"changed":0,"body":{"total":1}}\n' % (
    b"0a" * 16,
    ORDER.encode(),
)
FUZZ = int(os.environ.get("UDI_FUZZ", "0"))
"""Cases for each operation and mode, each time others; without it a few, which are always the same (`make fuzz`)."""
EACH = settings(
    max_examples=FUZZ or 4,
    derandomize=not FUZZ,
    database=None,
    deadline=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def here(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Town]:
    with town(tmp_path_factory.mktemp("vault")) as made:
        yield made


@schemathesis.serializer("application/x-ndjson")
def lines(_context: object, value: object) -> bytes:
    """Whatever is to be sent as lines: as it is, or, where it is just some text, one good line."""
    return LINE if isinstance(value, str) else json.dumps(value).encode()


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_whatever_is_sent_the_answer_is_one_that_is_described(here: Town, mode: GenerationMode) -> None:
    described = schemathesis.openapi.from_asgi("/openapi.json", here.client.app)
    operations = [found.ok() for found in described.get_all_operations()]
    operations = [each for each in operations if each.path != "/udi/v1/events"]  # a stream that does not end
    if mode is GenerationMode.NEGATIVE:  # what takes nothing can be given nothing wrong
        operations = [each for each in operations if {"parameters", "requestBody"} & each.definition.raw.keys()]
    assert len(operations) > 5
    for each in operations:
        attack(each, mode, here.person(f"{mode.value} {each.label}"))  # somebody each: some end their account


def attack(operation: Any, mode: GenerationMode, caller: Caller) -> None:
    @EACH
    @given(case=operation.as_strategy(generation_mode=mode))
    def one(case: Any) -> None:
        answer = case.call(headers={"Authorization": f"Bearer {caller.token}"})
        case.validate_response(answer, checks=CHECKS)
        assert answer.status_code < 400 or answer.headers["content-type"] == [MEDIA]

    one()


def test_an_answer_that_nobody_described_is_noticed(here: Town) -> None:
    described = schemathesis.openapi.from_asgi("/openapi.json", here.client.app)
    case = described["/udi/v1/auth/nonce"]["POST"].Case(body={"app": "shop"})
    answer = case.call()
    case.validate_response(answer, checks=CHECKS)
    answer.status_code = 418
    with pytest.raises(BaseExceptionGroup):
        case.validate_response(answer, checks=CHECKS)
