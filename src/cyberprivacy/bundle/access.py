"""Who we are to a service: a token, or a name and a password, read from files and shown nowhere."""

import base64
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from cyberprivacy.errors import Misuse

MAX_SECRET: Final = 8192
"""Bytes of a file that holds one line."""
MAX_SECRET_FILE: Final = 64 << 10
"""Bytes of a file that is handed on whole."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a service asks for in the header Authorization. Nothing of it shows in a repr.

    Attributes:
        header: value of the header.
        secrets: the texts that must not appear anywhere.
    """

    header: str = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)

    @classmethod
    def bearer(cls, token: str) -> Self:
        """By a token. Source: RFC 6750, section 2.1."""
        return cls(f"Bearer {token}", (token,))

    @classmethod
    def basic(cls, user: str, password: str) -> Self:
        """By name and password. Source: RFC 7617."""
        coded = base64.b64encode(f"{user}:{password}".encode()).decode()
        return cls(f"Basic {coded}", (password, coded))


def read_secret(file: Path) -> str:
    """The one line of a file that only its owner should be able to read.

    Raises:
        Misuse: "access.file": as `secret_bytes`; or longer than 8 KiB, or not one line of printable ASCII without
            spaces.
    """
    text = secret_bytes(file, MAX_SECRET).decode("ascii", "replace").removesuffix("\n").removesuffix("\r")
    if not text or not text.isascii() or not text.isprintable() or " " in text:
        hint = "The file holds the secret alone, on one line, without spaces."
        raise Misuse("not a file with one secret", code="access.file", hint=hint, file=str(file))
    return text


def secret_bytes(file: Path, limit: int = MAX_SECRET_FILE) -> bytes:
    """The bytes of a file that only its owner should be able to read.

    Args:
        file: where it is.
        limit: bytes that it may have.

    Raises:
        Misuse: "access.file": not there, empty, or larger.
    """
    try:
        with file.open("rb") as opened:
            data = opened.read(limit + 1)
    except OSError as problem:
        reason = str(problem.strerror)
        raise Misuse(
            "a file with a secret cannot be read", code="access.file", file=str(file), reason=reason
        ) from None
    if not 0 < len(data) <= limit:
        raise Misuse("a file with a secret is empty or too large", code="access.file", file=str(file), limit=limit)
    return data
