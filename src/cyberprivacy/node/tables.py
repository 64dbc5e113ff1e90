"""Reading configuration: one TOML file, whole and small, whose every key is known."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from eth_utils.address import is_checksum_address

from cyberprivacy.errors import Misuse
from cyberprivacy.proposal.release import Address

MAX_CONFIG: Final = 64 << 10


class BadConfig(Misuse):
    """The configuration file cannot be used as it is."""

    code = "node.config"
    hint = "`cyberprivacy node start --help` and `cyberprivacy witness serve --help` show files that work."


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A local address to listen on."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def read(path: Path) -> tuple[Mapping[str, object], bytes]:
    """The document in a file, and the SHA-256 of the file, 32 bytes.

    Raises:
        BadConfig: missing, too large, or not TOML.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_CONFIG + 1)
    except OSError as error:
        raise BadConfig("the configuration file cannot be read", path=str(path), reason=error.strerror) from error
    if len(data) > MAX_CONFIG:
        raise BadConfig("the configuration file is too large", path=str(path), limit=MAX_CONFIG)
    try:
        return tomllib.loads(data.decode()), sha256(data).digest()
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise BadConfig("the configuration file is not TOML", path=str(path), reason=str(error)) from error


def url(text: str) -> str:
    """An address of a host over http or https, as it was written.

    Raises:
        BadConfig: it is none, or has a password, a query or a fragment.
    """
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise BadConfig("not an http(s) address", url=text)
    if "@" in parts.netloc:  # what is asked for is in the public status, with its address
        raise BadConfig("an address with a password in it", host=parts.hostname)
    return text


class Table:
    """One table of the file, with every unknown key refused. What does not fit is `BadConfig`."""

    def __init__(self, name: str, value: object, known: set[str]) -> None:
        if not isinstance(value, Mapping):
            raise BadConfig("not a table", key=name)
        if unknown := sorted(set(value) - known):
            raise BadConfig("unknown key", key=f"{name}.{unknown[0]}".lstrip("."), known=sorted(known))
        self._name, self._value = name, value

    def has(self, key: str) -> bool:
        """Whether the key is there."""
        return key in self._value

    def table(self, key: str, known: set[str], *, optional: bool = False) -> "Table":
        """The table of this name; an empty one, if it may be left out."""
        return Table(key, self._value.get(key, {} if optional else None), known)

    def tables(self, key: str) -> list[object]:
        """The tables of this name, unread; none if there is none."""
        value = self._value.get(key, [])
        if not isinstance(value, list):
            raise BadConfig("not a list of tables", key=key)
        return value

    def text(self, key: str, default: str | None = None) -> str:
        """A text that is not empty."""
        value = self._value.get(key, default)
        if not isinstance(value, str) or not value:
            raise BadConfig("missing, or not text", key=f"{self._name}.{key}".lstrip("."))
        return value

    def texts(self, key: str, default: tuple[str, ...] | None = None) -> tuple[str, ...]:
        """A list of texts."""
        value = self._value.get(key, default)
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise BadConfig("missing, or not a list of texts", key=f"{self._name}.{key}".lstrip("."))
        return tuple(value)

    def number(self, key: str, default: int, *, least: int, most: int) -> int:
        """A whole number within bounds, both included."""
        value = self._value.get(key, default)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
            raise BadConfig(
                "not a whole number within its bounds", key=f"{self._name}.{key}", least=least, most=most
            )
        return value

    def pairs(self, key: str) -> list[tuple[str, str]]:
        """A table of texts; none if it is left out."""
        value = self._value.get(key, {})
        if not isinstance(value, Mapping) or not all(isinstance(text, str) for text in value.values()):
            raise BadConfig("not a table of texts", key=f"{self._name}.{key}")
        return list(value.items())

    def address(self, key: str) -> Address:
        """An Ethereum address with its checksum."""
        text = self.text(key)
        if not is_checksum_address(text):
            raise BadConfig("not an address with its checksum (EIP-55)", key=f"{self._name}.{key}", value=text)
        return Address(text)

    def endpoint(self, key: str) -> Endpoint:
        """A local address, host:port."""
        host, colon, port = self.text(key).rpartition(":")
        if not colon or not host or not port.isdecimal() or not 0 < int(port) < 65536:
            raise BadConfig("not host:port", key=f"{self._name}.{key}", value=self.text(key))
        return Endpoint(host, int(port))
