"""The object `tdx` of a policy file, read as strictly as the rest; every field optional. Pure."""

import re
from collections.abc import Mapping
from typing import Final

from cyberprivacy.attest.document import BadDocument, Document
from cyberprivacy.attest.tdx.policy import KNOWN_FEATURES, SEPT_VE_DISABLE, STATUSES, Status, TdxPolicy
from cyberprivacy.errors import Misuse

MAX_LIST: Final = 4096
MAX_EVALUATION: Final = 1 << 31

_DEFAULTS: Final[Mapping[str, object]] = {
    "statuses": ["UpToDate"],
    "evaluation": TdxPolicy().evaluation,
    "attributes": f"{SEPT_VE_DISABLE:#x}",
    "optional_attributes": "0x0",
    "features": f"{KNOWN_FEATURES:#x}",
    "service_tds": [],
    "platforms": None,
}
FIELDS: Final = frozenset(_DEFAULTS)

_WORD: Final = re.compile(r"[A-Za-z]{1,40}")
_BITS: Final = re.compile(r"0x[0-9a-f]{1,16}")
_SERVICE_TD: Final = re.compile(r"[0-9a-f]{96}")
_PPID: Final = re.compile(r"[0-9a-f]{32}")


def read(value: object) -> TdxPolicy:
    """The policy that the object says; what it does not name stays at its safe default.

    Raises:
        BadDocument: an unknown field, a field of another form, or what no policy may accept.
    """
    if not isinstance(value, dict):
        raise BadDocument("policy.tdx is not an object")
    document = Document({**_DEFAULTS, **value}, "policy.tdx", FIELDS)
    features = _bits(document, "features")
    if features & ~KNOWN_FEATURES:
        raise BadDocument("no processor has these extended features", unknown=f"{features & ~KNOWN_FEATURES:#x}")
    try:
        return TdxPolicy(
            statuses=frozenset(_status(word) for word in document.texts("statuses", _WORD, limit=len(STATUSES))),
            evaluation=document.integer("evaluation", most=MAX_EVALUATION),
            attributes=_bits(document, "attributes"),
            optional_attributes=_bits(document, "optional_attributes"),
            features=features,
            service_tds=_octets(document, "service_tds", _SERVICE_TD),
            platforms=None if document.raw("platforms") is None else _octets(document, "platforms", _PPID),
        )
    except Misuse as error:
        raise BadDocument(error.what) from None


def _status(word: str) -> Status:
    if word not in STATUSES:
        raise BadDocument("not a TCB status of Intel's", got=word, known=list(STATUSES))
    return STATUSES[word]


def _bits(document: Document, name: str) -> int:
    """A number of 64 bits: as text, because JSON numbers are exact to 53 bits only."""
    return int(document.text(name, _BITS), 16)


def _octets(document: Document, name: str, pattern: re.Pattern[str]) -> frozenset[bytes]:
    return frozenset(bytes.fromhex(item) for item in document.texts(name, pattern, limit=MAX_LIST))
