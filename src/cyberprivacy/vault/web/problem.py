"""A refusal over HTTP: one document with our stable code. Source: RFC 9457."""

from collections.abc import Mapping
from typing import Final

import msgspec

from cyberprivacy.errors import CyberPrivacyError, Misuse

MEDIA: Final = "application/problem+json"
_BASES: Final = {1: 409, 2: 400, 3: 503}
_STATUS: Final[Mapping[str, int]] = {
    "session.missing": 401,
    "session.unknown": 401,
    "session.nonce": 401,
    "session.no-account": 401,
    "session.owner": 403,
    "session.account": 404,
    "account.unknown": 404,
    "account.key": 403,
    "account.frozen": 403,
    "account.young": 403,
    "record.rev": 412,
    "record.exists": 409,
    "record.schema": 422,
    "record.seal": 500,
    "idempotency.other": 409,
    "quota.records": 507,
    "quota.bytes": 507,
    "export.range": 416,
    "blob.range": 416,
    "blob.offset": 409,
    "security.check": 403,
    "security.check-missing": 403,
    "security.closed": 429,
    "security.full": 503,
    "api.path": 404,
    "api.method": 405,
    "api.size": 413,
    "api.form": 422,
    "api.header": 428,
    "api.media": 415,
    "api.pace": 429,
    "api.waits": 429,
    "api.busy": 503,
}
"""Codes whose status says more than their base: 409 do not go on, 400 the request is wrong, 503 try later."""


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """Why a request was refused.

    Attributes:
        type: the reason code; stable, programs compare it.
        title: what happened, for people.
        detail: what to do next; may be empty.
        facts: the values that explain it.
    """

    type: str
    title: str
    status: int
    detail: str
    facts: dict[str, str]


class NotFound(Misuse):
    """There is nothing here, or nothing for whoever asks: which of the two is not told."""

    code = "api.path"
    hint = "The description at /openapi.json lists what there is."


class BadCall(Misuse):
    """A request is not what the description of the endpoint says."""

    code = "api.form"
    hint = "Compare the request with /openapi.json."


def status_of(error: CyberPrivacyError) -> int:
    """The HTTP status of a refusal."""
    if error.code.endswith((".unknown", ".none")) and error.code not in _STATUS:
        return 404
    if error.code.startswith("json."):
        return 422
    return _STATUS.get(error.code, _BASES.get(error.exit_code, 500))


def problem(error: CyberPrivacyError) -> Problem:
    """A refusal as its document."""
    facts = {name: str(value)[:300] for name, value in error.facts.items()}
    return Problem(type=error.code, title=error.what, status=status_of(error), detail=error.hint, facts=facts)
