"""Names that mean one thing on every file system and to every eye."""

import unicodedata
from typing import Final

from cyberprivacy.bundle.refusals import BadBundle

_FORBIDDEN: Final = frozenset('/\\:*?"<>|')
_UNSEEN: Final = frozenset(("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"))
_DEVICES: Final = frozenset(
    ("con", "prn", "aux", "nul", *(f"{port}{digit}" for port in ("com", "lpt") for digit in "123456789¹²³"))
)


def safe_name(raw: bytes, limit: int) -> str:
    """The name of a directory entry as text.

    Allowed: UTF-8 in NFC of 1 to `limit` bytes. Not allowed: "." and "..", separators, what Windows or a shell
    reads otherwise, characters that can't be seen or are unassigned, a space or dot at the end, device names.

    Raises:
        BadBundle: "bundle.name".
    """
    if not 0 < len(raw) <= limit:
        raise BadBundle("name is empty or too long", code="bundle.name", bytes=len(raw), limit=limit)
    try:
        name = raw.decode()
    except UnicodeDecodeError:
        raise BadBundle("name is not UTF-8", code="bundle.name", name=repr(raw)) from None
    if (
        name in (".", "..")
        or name[-1] in " ."
        or name != unicodedata.normalize("NFC", name)
        or any(c in _FORBIDDEN or unicodedata.category(c) in _UNSEEN for c in name)
        or name.partition(".")[0].rstrip(" ").casefold() in _DEVICES
    ):
        raise BadBundle("name is not allowed", code="bundle.name", name=ascii(name))
    return name


def collision_key(name: str) -> str:
    """Equal for names that some file system or some reader takes for the same."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", name).casefold())


class Siblings:
    """The names of one directory; refuses two that look or behave alike."""

    __slots__ = ("_limit", "_seen")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._seen: set[str] = set()

    def add(self, raw: bytes) -> str:
        """The name as text.

        Raises:
            BadBundle: "bundle.name": not a safe name, or one that collides with an earlier one.
        """
        name = safe_name(raw, self._limit)
        key = collision_key(name)
        if key in self._seen:
            raise BadBundle("two names in one directory are alike", code="bundle.name", name=ascii(name))
        self._seen.add(key)
        return name
