"""Typed data: one digest for a structured document, the same in every wallet and every language.

Source: EIP-712. The types are ours and fixed at import; the values come from strangers, so their number, depth and
length are bounded before anything is hashed, and every value must fit its type exactly.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from eth_utils.crypto import keccak

from cyberprivacy.errors import Untrusted

MAX_DEPTH: Final = 8
"""Structures and arrays inside one another."""
MAX_VALUES: Final = 4_096
"""Values in one document, counted at every depth."""
MAX_BYTES: Final = 64 << 10
"""Bytes of all texts and byte strings of one document together."""

Fields = tuple[tuple[str, str], ...]
"""Name and type of each field, in order."""

_INTEGER: Final = re.compile(r"(u?)int([1-9][0-9]*)\Z")
_OCTETS: Final = re.compile(r"bytes([1-9]|[12][0-9]|3[0-2])\Z")
_ARRAY: Final = re.compile(r"(.+)\[([1-9][0-9]*)?\]\Z")
_DOMAIN: Final[Fields] = (
    *(("name", "string"), ("version", "string"), ("chainId", "uint256")),
    *(("verifyingContract", "address"), ("salt", "bytes32")),
)


class BadTypedData(Untrusted):
    """A document does not fit its EIP-712 types, or is larger than any honest one."""

    code = "typed.form"
    hint = "Compare the document with the types in the specification."


@dataclass
class _Budget:
    """What one document may still cost."""

    values: int = MAX_VALUES
    octets: int = MAX_BYTES

    def take(self, octets: int = 0) -> None:
        self.values -= 1
        self.octets -= octets
        if self.values < 0 or self.octets < 0:
            raise BadTypedData("the document is too large", code="typed.size", values=MAX_VALUES, octets=MAX_BYTES)


@dataclass(frozen=True)
class Schema:
    """A closed set of structures.

    Attributes:
        domain: values of the EIP712Domain, only those that are used.
        structs: fields of each structure, by name.
    """

    domain: Mapping[str, object]
    structs: Mapping[str, Fields]
    _hashes: dict[str, bytes] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def domain_fields(self) -> Fields:
        """The fields of this domain in the order of EIP-712."""
        return tuple(each for each in _DOMAIN if each[0] in self.domain)

    @cached_property
    def separator(self) -> bytes:
        """The hash of the domain, 32 bytes."""
        schema = Schema({}, {"EIP712Domain": self.domain_fields})
        return schema.struct_hash("EIP712Domain", self.domain)

    def digest(self, name: str, value: Mapping[str, object]) -> bytes:
        """What a wallet signs for a structure: 32 bytes.

        Raises:
            BadTypedData: a field is missing, unknown, of another type or out of range ("typed.form"), or the
                document is too large or too deep ("typed.size").

        Source: EIP-712, "Specification of the eth_signTypedData JSON RPC".
        """
        return keccak(b"\x19\x01" + self.separator + self.struct_hash(name, value))

    def document(self, name: str, value: Mapping[str, object]) -> dict[str, object]:
        """The same as the JSON that wallets take by `eth_signTypedData_v4`; byte strings are hex there.

        Raises:
            BadTypedData: as `digest`, which a wallet then makes of it.
        """
        self.digest(name, value)
        used: set[str] = set()
        self._collect(name, used)
        structs = {"EIP712Domain": self.domain_fields, **{each: self.structs[each] for each in sorted(used)}}
        return {
            "types": {
                each: [{"name": label, "type": kind} for label, kind in fields] for each, fields in structs.items()
            },
            "primaryType": name,
            "domain": _shown(self.domain),
            "message": _shown(value),
        }

    def struct_hash(self, name: str, value: Mapping[str, object]) -> bytes:
        """`hashStruct` of a value, 32 bytes."""
        return self._struct(name, value, _Budget(), 0)

    def encode_type(self, name: str) -> str:
        """The text of a type: itself, then all that it uses, by name."""
        used: set[str] = set()
        self._collect(name, used)
        return "".join(self._spelling(each) for each in (name, *sorted(used - {name})))

    def _collect(self, name: str, used: set[str]) -> None:
        if name in used:
            return
        used.add(name)
        for _, kind in self.structs[name]:
            base = kind.partition("[")[0]
            if base in self.structs:
                self._collect(base, used)

    def _spelling(self, name: str) -> str:
        return f"{name}({','.join(f'{kind} {label}' for label, kind in self.structs[name])})"

    def _struct(self, name: str, value: object, budget: _Budget, depth: int) -> bytes:
        if depth > MAX_DEPTH:
            raise BadTypedData("nested too deep", code="typed.size", limit=MAX_DEPTH)
        fields = self.structs[name]
        if not isinstance(value, Mapping) or value.keys() != {label for label, _ in fields}:
            raise BadTypedData("not the fields of this structure", type=name)
        if name not in self._hashes:
            self._hashes[name] = keccak(text=self.encode_type(name))
        parts = [self._encode(kind, value[label], f"{name}.{label}", budget, depth) for label, kind in fields]
        return keccak(self._hashes[name] + b"".join(parts))

    def _encode(self, kind: str, value: object, where: str, budget: _Budget, depth: int) -> bytes:
        budget.take(_size(value))
        array = _ARRAY.match(kind)
        if array:
            return self._array(array, value, where, budget, depth)
        if kind in self.structs:
            return self._struct(kind, value, budget, depth + 1)
        return _atom(kind, value, where)

    def _array(self, kind: re.Match[str], value: object, where: str, budget: _Budget, depth: int) -> bytes:
        if depth >= MAX_DEPTH:
            raise BadTypedData("nested too deep", code="typed.size", limit=MAX_DEPTH)
        if not isinstance(value, Sequence) or isinstance(value, str | bytes):
            raise BadTypedData("not a list", field=where)
        if kind[2] is not None and len(value) != int(kind[2]):
            raise BadTypedData("a list of another length", field=where, wanted=int(kind[2]))
        return keccak(b"".join(self._encode(kind[1], item, where, budget, depth + 1) for item in value))


def _shown(value: object) -> object:
    """A value as wallets take it."""
    match value:
        case bytes():
            return "0x" + value.hex()
        case Mapping():
            return {name: _shown(item) for name, item in value.items()}
        case list() | tuple():
            return [_shown(item) for item in value]
        case _:
            return value


def _size(value: object) -> int:
    """Bytes of a text in UTF-8, or of a byte string; a lone surrogate counts, and is refused later."""
    match value:
        case str():
            return len(value.encode(errors="surrogatepass"))
        case bytes():
            return len(value)
    return 0


def _atom(kind: str, value: object, where: str) -> bytes:
    """One value in 32 bytes. Source: EIP-712, "Definition of encodeData"."""
    match value:
        case bool() if kind == "bool":
            return int(value).to_bytes(32)
        case str() if kind == "string":
            try:
                return keccak(value.encode())
            except UnicodeEncodeError:
                raise BadTypedData("text with a lone surrogate", field=where) from None
        case bytes() if kind == "bytes":
            return keccak(value)
        case bytes() if kind == "address" and len(value) == 20:
            return value.rjust(32, b"\0")
        case bytes() if (fixed := _OCTETS.match(kind)) and len(value) == int(fixed[1]):
            return value.ljust(32, b"\0")
        case int() if not isinstance(value, bool) and (number := _INTEGER.match(kind)):
            low, high = (
                (0, 1 << int(number[2])) if number[1] else (-1 << int(number[2]) - 1, 1 << int(number[2]) - 1)
            )
            if low <= value < high:
                return value.to_bytes(32, signed=low < 0)
    raise BadTypedData("a value of another type or out of range", field=where, type=kind)
