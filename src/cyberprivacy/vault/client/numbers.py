"""Numbers that a person encrypts before a vault sees them, and whose sums only that person reads.

What a vault says of a type is not believed where it matters: whoever writes names the fields that have to be
encrypted, so that no vault can have one in the clear by declaring it another way.
"""

import json
import os
import secrets
from collections.abc import Collection, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cyberprivacy import canonical, strict_json
from cyberprivacy.bundle import datatype
from cyberprivacy.bundle.datatype import DataType
from cyberprivacy.errors import CyberPrivacyError, Misuse, Untrusted
from cyberprivacy.vault import numbercell, numberform
from cyberprivacy.vault.client.connection import Connection, VaultSilent
from cyberprivacy.vault.numberform import SCHEME
from cyberprivacy.vault.types import MAX_BODY

MOST_PAGES: Final = 1_000
"""Pages of one sum; a million records."""


class NoNumberKey(Misuse):
    """This machine has no key for this account's encrypted numbers."""

    code = "number.no-key"
    hint = "Bring the file from the machine that encrypted them; `my write` makes one where none was ever needed."


@dataclass(frozen=True, slots=True)
class Summed:
    """A sum, read.

    Attributes:
        total: of all pages.
        count: of how many numbers, as the vault says: it may have left out some, or added others.
    """

    total: int
    count: int


def declared(vault: Connection, kind: str) -> DataType:
    """A type as a vault declares it.

    Raises:
        VaultSilent: what it answers is no type, or another one.
        CyberPrivacyError: as the vault refuses.
    """
    said = vault.ask("GET", f"/udi/v1/types/{kind}")
    try:
        return datatype.parse(kind, canonical.encode(said["schema"]))
    except (CyberPrivacyError, TypeError, KeyError):
        raise VaultSilent("the vault's type is none", code="vault.answer", type=kind) from None


def read_key(file: Path) -> bytes:
    """The key in a file.

    Raises:
        NoNumberKey: there is no such file.
    """
    try:
        with file.open("rb") as opened:
            return opened.read(256 << 10)
    except FileNotFoundError:
        raise NoNumberKey("no key for encrypted numbers here", path=str(file)) from None


def make_key(file: Path) -> bytes:
    """A new key, in a file that only its owner may read; the one that is there if there is one.

    Whole or not at all: a key that was lost half-written would have encrypted what nobody can read.
    """
    from cyberprivacy.vault.numbers import NumberKey

    file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    beside = file.with_name(f"{file.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as opened:
        opened.write(NumberKey.generate().stored())
        opened.flush()
        os.fsync(opened.fileno())
    with suppress(FileExistsError):
        os.link(beside, file)
    beside.unlink()
    return read_key(file)


def encrypted(kind: DataType, document: bytes, fields: Collection[str], key: bytes) -> bytes:
    """A record of a type with whole numbers encrypted in these fields: the JSON that a vault may see.

    Args:
        kind: as the vault declares it.
        document: JSON in which those fields are whole numbers.
        fields: that have to be encrypted: all that the record has of them, and no others.
        key: as `make_key` gives it.

    Raises:
        Untrusted: not JSON that says one thing; a field that the vault would have in the clear ("my.clear").
        Misuse: a field is missing, or was not named ("my.encrypt"), or is outside its bounds ("number.range").
    """
    from cyberprivacy.vault.numbers import NumberKey

    value = strict_json.read(document, limit=MAX_BODY)
    if not isinstance(value, dict):
        raise Misuse("a record is a JSON object", code="my.record")
    bounds = kind.encrypted()
    if clear := sorted(set(fields) - bounds.keys()):
        hint = "Nothing was sent. Ask whoever runs the vault why it does not keep them encrypted."
        raise Untrusted("the vault would have these in the clear", code="my.clear", hint=hint, fields=clear)
    if set(fields) != bounds.keys() & value.keys():
        hint = "Name each with --encrypt, so that none is sent in the clear."
        there = sorted(bounds.keys() & value.keys())
        raise Misuse("not the fields that are encrypted", code="my.encrypt", hint=hint, fields=there)
    opened = NumberKey.load(key)
    sealed = {name: numberform.text(opened.encrypt(_bounded(name, value[name], bounds[name]))) for name in fields}
    return json.dumps(value | sealed, ensure_ascii=False, separators=(",", ":")).encode()


def summed(vault: Connection, query: Mapping[str, str], key: bytes) -> Summed:
    """Ask for a sum, page by page, and read it.

    Args:
        vault: with a session.
        query: `type`, `field`, and as wanted `app` and `selector`.
        key: the person's.

    Raises:
        VaultSilent: an answer of another form, or without end.
        CyberPrivacyError: what the vault refuses; a sum that cannot be read ("number.form").
    """
    ciphertexts: list[bytes] = []
    count, asked = 0, dict(query)
    for _ in range(MOST_PAGES):
        page = vault.ask("GET", "/udi/v1/sums", query=asked)
        total, found, following = _page(page)
        ciphertexts += total
        count += found
        if following is None:
            read = numbercell.decrypt(ciphertexts, key) if ciphertexts else ()
            return Summed(sum(read), count)
        asked["after"] = following
    raise VaultSilent("the sum does not end", code="vault.answer", pages=MOST_PAGES)


def _page(page: Any) -> tuple[list[bytes], int, str | None]:
    match page:
        case {"scheme": scheme, "ciphertext": total, "count": int(count), "next": str() | None as following} if (
            scheme == SCHEME and count >= 0 and (total is None) == (count == 0)
        ):
            return ([] if total is None else [numberform.octets(total)]), count, following
        case _:
            raise VaultSilent("not a sum", code="vault.answer")


def _bounded(name: str, number: object, bounds: tuple[int, int]) -> int:
    if not isinstance(number, int) or isinstance(number, bool) or not bounds[0] <= number <= bounds[1]:
        raise Misuse(
            "not a whole number that this field can hold",
            code="number.range",
            field=name,
            least=bounds[0],
            most=bounds[1],
        )
    return number
