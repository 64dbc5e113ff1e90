"""The contracts' binary interface: calls encoded, answers decoded strictly and by name.

Interfaces come from `artifacts/`, compiled from `contracts/`. An answer is decoded, encoded again and
compared, so that one value has one spelling; hostile lengths and offsets end as a refusal.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final, TypeVar

from eth_abi.abi import decode as abi_decode
from eth_abi.abi import encode as abi_encode
from eth_abi.exceptions import DecodingError, EncodingError
from eth_utils.address import to_checksum_address
from eth_utils.crypto import keccak

from cyberprivacy.errors import Misuse
from cyberprivacy.proposal.chain import Chain, Log
from cyberprivacy.proposal.release import Address, FinalBlock
from cyberprivacy.proposal.wire import BadAnswer

ZERO: Final = bytes(32)

Value = TypeVar("Value")


class Fields:
    """Decoded values by name, each read as the type that the reader expects."""

    def __init__(self, what: str, values: Mapping[str, Any]) -> None:
        self._what, self._values = what, values

    def integer(self, name: str) -> int:
        """A number."""
        return self._typed(name, int)

    def flag(self, name: str) -> bool:
        """True or false."""
        return self._typed(name, bool)

    def octets(self, name: str) -> bytes:
        """Bytes, of fixed or free length."""
        return self._typed(name, bytes)

    def text(self, name: str) -> str:
        """A string."""
        return self._typed(name, str)

    def address(self, name: str) -> Address:
        """An address, with its checksum."""
        return Address(self._typed(name, str))

    def struct(self, name: str) -> "Fields":
        """A struct."""
        return self._typed(name, Fields)

    def many(self, name: str) -> tuple[Any, ...]:
        """An array: of values (addresses with their checksums), or of `Fields` for structs."""
        return self._typed(name, tuple)

    def _typed(self, name: str, kind: type[Value]) -> Value:
        value = self._values.get(name)
        if type(value) is not kind:
            raise BadAnswer(f"{self._what} has no {kind.__name__} called {name!r}")
        return value


@dataclass(frozen=True, slots=True)
class Entry:
    """A function, event or error of a contract.

    Attributes:
        name: its name.
        inputs: ABI descriptions of its arguments.
        outputs: ABI descriptions of what it returns; () for events and errors.
    """

    name: str
    inputs: tuple[Mapping[str, Any], ...]
    outputs: tuple[Mapping[str, Any], ...]

    @property
    def signature(self) -> str:
        """Such as "attest(bytes32,uint32)"."""
        return f"{self.name}({','.join(_type(each) for each in self.inputs)})"

    @property
    def selector(self) -> bytes:
        """Four bytes that name a function or an error."""
        return keccak(text=self.signature)[:4]

    @property
    def topic(self) -> bytes:
        """32 bytes that name an event."""
        return keccak(text=self.signature)


class Contract:
    """One contract's interface, and the code that creates it."""

    def __init__(self, name: str, abi: Sequence[Mapping[str, Any]], bytecode: bytes) -> None:
        self.name, self.bytecode = name, bytecode
        self._constructor: tuple[Mapping[str, Any], ...] = ()
        self._functions: dict[str, Entry] = {}
        self._events: dict[str, Entry] = {}
        self.errors: dict[bytes, Entry] = {}
        for each in abi:
            self._add(each)

    def encode(self, function: str, *arguments: object) -> bytes:
        """The call data of a function.

        Raises:
            Misuse: an argument is not what the function takes ("law.argument").
        """
        entry = self._functions[function]
        return entry.selector + _encode(f"{self.name}.{function}", entry.inputs, arguments)

    def creation(self, *arguments: object) -> bytes:
        """The code that creates the contract with these constructor arguments."""
        return self.bytecode + _encode(self.name, self._constructor, arguments)

    def decode(self, function: str, data: bytes) -> Fields:
        """What a function returned; each value also answers to its place: "0", "1", ….

        Raises:
            BadAnswer: not the canonical encoding of what the function returns.
        """
        return decode(f"{self.name}.{function}", self._functions[function].outputs, data)

    def arguments(self, function: str, data: bytes) -> Fields | None:
        """The arguments of call data; None if it calls something else."""
        entry = self._functions[function]
        if data[:4] != entry.selector:
            return None
        return decode(f"{self.name}.{function}", entry.inputs, data[4:])

    def topic(self, event: str) -> bytes:
        """The first topic of an event."""
        return self._events[event].topic

    def event(self, event: str, log: Log) -> Fields | None:
        """The values of a log; None if it is another event.

        Raises:
            BadAnswer: its data is not the canonical encoding.
        """
        entry = self._events[event]
        if not log.topics or log.topics[0] != entry.topic:
            return None
        indexed = [each for each in entry.inputs if each["indexed"]]
        if len(log.topics) != len(indexed) + 1:
            raise BadAnswer(f"log {event} with {len(log.topics)} topics")
        plain = decode(event, [each for each in entry.inputs if not each["indexed"]], log.data)
        named = decode(event, indexed, b"".join(log.topics[1:]))
        return Fields(event, {**plain._values, **named._values})  # noqa: SLF001  our own class, built here

    def read(self, chain: Chain, at: FinalBlock, address: Address, function: str, *arguments: object) -> Fields:
        """Call a view function at a block. Raises as `Chain.call` and `decode` do."""
        return self.decode(function, chain.call(address, self.encode(function, *arguments), at))

    def _add(self, each: Mapping[str, Any]) -> None:
        inputs = tuple(each.get("inputs", ()))
        entry = Entry(each.get("name", ""), inputs, tuple(each.get("outputs", ())))
        match each["type"]:
            case "constructor":
                self._constructor = inputs
            case "function":
                self._functions[entry.name] = entry
            case "event":
                self._events[entry.name] = entry
            case "error":
                self.errors[entry.selector] = entry


@cache
def contract(name: str) -> Contract:
    """A contract's interface from the artifacts of this package."""
    artifact = json.loads((files("cyberprivacy.proposal") / "artifacts" / f"{name}.json").read_bytes())
    return Contract(name, artifact["abi"], bytes.fromhex(artifact["bytecode"].removeprefix("0x")))


def decode(what: str, outputs: Sequence[Mapping[str, Any]], data: bytes) -> Fields:
    """Values by name from their one canonical encoding.

    Raises:
        BadAnswer: cut, padded, overlapping, out of range, or a second spelling of the same values.

    Source: docs.soliditylang.org, Contract ABI Specification, "Strict Encoding Mode".
    """
    types = [_type(each) for each in outputs]
    try:
        values = abi_decode(types, data)
        again = abi_encode(types, values)
    except (DecodingError, EncodingError, OverflowError, MemoryError, UnicodeError, ValueError):
        raise BadAnswer(f"{what} is not what its type says", length=len(data)) from None
    if again != data:
        raise BadAnswer(f"{what} is not in its canonical encoding", length=len(data))
    return _fields(what, outputs, values)


def _encode(what: str, inputs: Sequence[Mapping[str, Any]], arguments: Sequence[object]) -> bytes:
    try:
        ordered = [_ordered(each, value) for each, value in zip(inputs, arguments, strict=True)]
        return abi_encode([_type(each) for each in inputs], ordered)
    except (EncodingError, ValueError, TypeError, KeyError, OverflowError) as error:
        raise Misuse(
            f"{what} does not take these values", code="law.argument", hint="", why=str(error)[:200]
        ) from None


def _ordered(described: Mapping[str, Any], value: Any) -> Any:
    """A struct given by names, as the tuple that the codec takes."""
    if described["type"] != "tuple" or not isinstance(value, Mapping):
        return value
    if len(value) != len(described["components"]):
        raise ValueError(f"fields of {described['name']}: {sorted(value)}")
    return tuple(_ordered(each, value[each["name"]]) for each in described["components"])


def _fields(what: str, outputs: Sequence[Mapping[str, Any]], values: Sequence[Any]) -> Fields:
    """Each value under its name and under its place: compilers drop some names of single values."""
    named: dict[str, Any] = {}
    for place, (each, value) in enumerate(zip(outputs, values, strict=True)):
        named[str(place)] = _value(each, value)
        if each.get("name"):
            named[each["name"]] = named[str(place)]
    return Fields(what, named)


def _value(described: Mapping[str, Any], value: Any) -> object:
    if described["type"].endswith("]"):
        inner = {**described, "type": described["type"].rpartition("[")[0]}
        return tuple(_value(inner, each) for each in value)
    if described["type"] == "address":
        return to_checksum_address(value)
    if described["type"] == "tuple":
        return _fields(described.get("internalType", "struct"), described["components"], value)
    return value


def _type(described: Mapping[str, Any]) -> str:
    """The ABI type as signatures and the codec write it; tuples spelled out."""
    kind: str = described["type"]
    if not kind.startswith("tuple"):
        return kind
    return f"({','.join(_type(each) for each in described['components'])}){kind.removeprefix('tuple')}"
