"""The object `snp` of a policy file, read as strictly as the rest; every field optional. Pure."""

import re
from collections.abc import Mapping
from enum import IntFlag
from typing import Final, TypeVar

from cyberprivacy.attest.document import BadDocument, Document
from cyberprivacy.attest.snp.policy import LEAST, SnpPolicy
from cyberprivacy.attest.snp.product import Product, Tcb
from cyberprivacy.attest.snp.report import GuestPolicy, Platform

MAX_CHIPS: Final = 4096
MAX_VMPL: Final = 3

_DEFAULTS: Final[Mapping[str, object]] = {
    "products": ["Genoa", "Turin"],
    "least": {},
    "smt": True,
    "provisional": False,
    "platform": ["alias-check"],
    "guest": [],
    "vmpl": 0,
    "chips": None,
    "crl": False,
}
FIELDS: Final = frozenset(_DEFAULTS)

_COMPONENTS: Final[Mapping[str, int]] = {"fmc": 0, "bootloader": 0, "tee": 0, "snp": 0, "microcode": 0}
_CHIP: Final = re.compile(r"[0-9a-f]{128}")

_PLATFORM: Final = frozenset(Platform)
_GUEST: Final = frozenset(GuestPolicy) - {GuestPolicy.RESERVED_ONE, GuestPolicy.MIGRATION_AGENT, GuestPolicy.DEBUG}
"""What a user may ask for; the other three bits are judged always."""

_Flag = TypeVar("_Flag", bound=IntFlag)


def read(value: object) -> SnpPolicy:
    """The policy that the object says; what it does not name stays at its safe default.

    Raises:
        BadDocument: an unknown field, or a field of another form.
    """
    if not isinstance(value, dict):
        raise BadDocument("policy.snp is not an object")
    document = Document({**_DEFAULTS, **value}, "policy.snp", FIELDS)
    chips = document.raw("chips")
    return SnpPolicy(
        products=frozenset(_product(name) for name in _texts(document.raw("products"), "products")),
        least={**LEAST, **{_product(name): _tcb(tcb) for name, tcb in document.mapping("least", limit=3).items()}},
        allow_smt=_flag(document, "smt"),
        allow_provisional=_flag(document, "provisional"),
        platform=_bits(Platform(0), _PLATFORM, _texts(document.raw("platform"), "platform")),
        guest=_bits(GuestPolicy(0), _GUEST, _texts(document.raw("guest"), "guest")),
        vmpl=document.integer("vmpl", most=MAX_VMPL),
        chips=None if chips is None else frozenset(_chip(chip) for chip in _texts(chips, "chips")),
        require_crl=_flag(document, "crl"),
    )


def _product(name: str) -> Product:
    try:
        return Product(name)
    except ValueError:
        known = [product.value for product in Product]
        raise BadDocument("not a generation of processors", got=name[:40], known=known) from None


def _tcb(value: object) -> Tcb:
    if not isinstance(value, dict):
        raise BadDocument("a TCB is not an object")
    document = Document({**_COMPONENTS, **value}, "tcb", frozenset(_COMPONENTS))
    return Tcb(**{name: document.integer(name, most=255) for name in _COMPONENTS})


def _flag(document: Document, name: str) -> bool:
    value = document.raw(name)
    if not isinstance(value, bool):
        raise BadDocument(f"policy.snp.{name} is neither true nor false")
    return value


def _texts(value: object, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or len(value) > MAX_CHIPS or not all(isinstance(item, str) for item in value):
        raise BadDocument(f"policy.snp.{name} is not a list of at most {MAX_CHIPS} texts")
    return tuple(value)


def _bits(made: _Flag, allowed: frozenset[_Flag], names: tuple[str, ...]) -> _Flag:
    """`made`, and the bits of these names, written as "alias-check"."""
    known = {(flag.name or "").lower().replace("_", "-"): flag for flag in allowed}
    if unknown := set(names) - known.keys():
        raise BadDocument("not a bit that can be asked for", got=sorted(unknown)[:4], known=sorted(known))
    for name in names:
        made |= known[name]
    return made


def _chip(text: str) -> bytes:
    if not _CHIP.fullmatch(text):
        raise BadDocument("not a chip id: 64 bytes in lower-case hex", got=text[:40])
    return bytes.fromhex(text)
