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
_WORD: Final = re.compile(r"[A-Za-z0-9-]{1,40}")

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
    return SnpPolicy(
        products=frozenset(_product(name) for name in document.texts("products", _WORD, limit=3)),
        least={**LEAST, **{_product(name): _tcb(tcb) for name, tcb in document.mapping("least", limit=3).items()}},
        allow_smt=document.flag("smt"),
        allow_provisional=document.flag("provisional"),
        platform=_bits(Platform(0), _PLATFORM, document.texts("platform", _WORD, limit=len(_PLATFORM))),
        guest=_bits(GuestPolicy(0), _GUEST, document.texts("guest", _WORD, limit=len(_GUEST))),
        vmpl=document.integer("vmpl", most=MAX_VMPL),
        chips=_chips(document),
        require_crl=document.flag("crl"),
    )


def _chips(document: Document) -> frozenset[bytes] | None:
    if document.raw("chips") is None:
        return None
    return frozenset(bytes.fromhex(chip) for chip in document.texts("chips", _CHIP, limit=MAX_CHIPS))


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


def _bits(made: _Flag, allowed: frozenset[_Flag], names: tuple[str, ...]) -> _Flag:
    """`made`, and the bits of these names, written as "alias-check"."""
    known = {(flag.name or "").lower().replace("_", "-"): flag for flag in allowed}
    if unknown := set(names) - known.keys():
        raise BadDocument("not a bit that can be asked for", got=sorted(unknown)[:4], known=sorted(known))
    for name in names:
        made |= known[name]
    return made
