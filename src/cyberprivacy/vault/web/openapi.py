"""The description of the interface, made from the table: nothing can be served that is not described.

Source: OpenAPI 3.1.1; JSON Schema 2020-12; RFC 9457 for refusals.
"""

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from cyberprivacy.vault.web.endpoint import HEADERS, PARAMETERS, Endpoint, Media, Who
from cyberprivacy.vault.web.problem import MEDIA, Problem

VERSION: Final = "1.0.0"
_REF: Final = "#/components/schemas/{name}"
_ALWAYS: Final = (400, 409, 429, 503)
"""Refusals that every endpoint may answer: see `problem`."""
_MEANS: Final = {
    200: "done", 201: "made", 202: "taken on; ask how far it is", 204: "done, nothing to say", 206: "a part",
    304: "not changed", 400: "the request is wrong", 401: "no session", 403: "not for this session or key",
    404: "nothing here, or nothing of yours", 405: "another method", 409: "refused", 412: "changed meanwhile",
    413: "too large", 415: "another media type", 416: "no such part", 422: "not of the declared form",
    428: "a header is missing", 429: "too fast", 503: "later", 507: "no space left for this account",
}  # fmt: skip


def describe(endpoints: Sequence[Endpoint]) -> bytes:
    """The whole document, as JSON."""
    types = [kind for each in endpoints for kind in (each.body, each.answer) if not isinstance(kind, Media | None)]
    _, schemas = msgspec.json.schema_components([*types, Problem], ref_template=_REF)
    paths: dict[str, dict[str, Any]] = {}
    for each in endpoints:
        paths.setdefault(each.path, {})[each.method.lower()] = _operation(each)
    return msgspec.json.format(
        msgspec.json.encode(
            {
                "openapi": "3.1.0",
                "info": {
                    "title": "UDI/1",
                    "version": VERSION,
                    "description": "The interface through which users own their data: UDI/1.",
                    "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
                },
                "paths": paths,
                "components": {
                    "schemas": schemas,
                    "securitySchemes": {
                        "session": {"type": "http", "scheme": "bearer", "description": "Token of a session."}
                    },
                },
            }
        )
    )


def _operation(endpoint: Endpoint) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "description": f"For {endpoint.who.value}.",
        "responses": _responses(endpoint),
    }
    if endpoint.who in (Who.SESSION, Who.OWNER):
        operation["security"] = [{"session": []}]
    if parameters := [*_paths(endpoint), *_query(endpoint), *_headers(endpoint)]:
        operation["parameters"] = parameters
    if endpoint.body is not None:
        operation["requestBody"] = {"required": True, "content": _content(endpoint.body)}
    return operation


def _paths(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "description": PARAMETERS[name][1],
            "schema": {"type": "string", "pattern": f"^(?:{PARAMETERS[name][0]})$"},
        }
        for name in endpoint.parameters
    ]


def _query(endpoint: Endpoint) -> list[dict[str, Any]]:
    if endpoint.query is None:
        return []
    (_,), known = msgspec.json.schema_components([endpoint.query], ref_template=_REF)
    schema = known[endpoint.query.__name__]
    required = schema.get("required", [])
    return [
        {"name": name, "in": "query", "required": name in required, "schema": each}
        for name, each in schema["properties"].items()
    ]


def _headers(endpoint: Endpoint) -> list[dict[str, Any]]:
    return [
        {
            "name": name,
            "in": "header",
            "required": name in endpoint.needs,
            "description": HEADERS[name],
            "schema": {"type": "string", "maxLength": 512},
        }
        for name in endpoint.takes
    ]


def _responses(endpoint: Endpoint) -> dict[str, Any]:
    answer: dict[str, Any] = {"description": _MEANS[endpoint.status]}
    if endpoint.answer is not Media.NOTHING:
        answer |= {"content": _content(endpoint.answer)}
    refused = {str(status): _refusal(status) for status in sorted({*_ALWAYS, *endpoint.also, *_implied(endpoint)})}
    good = {str(status): answer for status in (endpoint.status, *(each for each in endpoint.also if each < 400))}
    return refused | good


def _implied(endpoint: Endpoint) -> set[int]:
    """Statuses that follow from what an entry declares."""
    found = {404} if endpoint.parameters else set()
    if endpoint.who in (Who.SESSION, Who.OWNER):
        found |= {401, 403}
    if endpoint.body is not None:
        found |= {413, 422}
    if endpoint.query is not None:
        found |= {422}
    return found | ({428} if endpoint.needs else set()) | {422}


def _refusal(status: int) -> dict[str, Any]:
    return {
        "description": _MEANS[status],
        "content": {MEDIA: {"schema": {"$ref": _REF.format(name=Problem.__name__)}}},
    }


def _content(kind: Any) -> dict[str, Any]:
    if isinstance(kind, Media):
        schema = {"type": "object"} if kind is Media.JSON else {"type": "string", "contentMediaType": kind.value}
        return {kind.value: {"schema": schema}}
    return {"application/json": {"schema": {"$ref": _REF.format(name=kind.__name__)}}}
