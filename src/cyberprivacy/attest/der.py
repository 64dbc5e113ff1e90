"""DER, as far as the certificates of AMD and Intel need it; lengths in their one form, nothing left over. Pure.

Why not the X.509 library: it does not read vendors' extensions; AMD's leaf certificates have serial number 0,
which it warns of today and will refuse one day; and AMD signs in two exact forms, which are compared here as
bytes, so that there is no second spelling.

Source: ITU-T X.690 (DER), RFC 5280.
"""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from cyberprivacy.attest.certificates import BadChain

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OID: Final = 0x06
IA5_STRING: Final = 0x16
UTC_TIME: Final = 0x17
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30

_UTC_FORM: Final = re.compile(rb"[0-9]{12}Z")
_GENERALIZED_FORM: Final = re.compile(rb"[0-9]{14}Z")


class Der:
    """Takes one value after another from the front of a buffer."""

    __slots__ = ("_at", "_data", "_what")

    def __init__(self, data: bytes, what: str) -> None:
        self._data, self._at, self._what = data, 0, what

    def __bool__(self) -> bool:
        """Whether something is left."""
        return self._at < len(self._data)

    def peek(self) -> int:
        """The tag of the next value; -1 at the end."""
        return self._data[self._at] if self else -1

    def whole(self, tag: int) -> tuple[bytes, bytes]:
        """The next value with its tag and length, and what is in it.

        Raises:
            BadChain: another tag, a length that is not the shortest one, or too few bytes.
        """
        data, start = self._data, self._at
        if start + 2 > len(data) or data[start] != tag:
            raise BadChain(f"{self._what} has another form", at=start)
        size, body = data[start + 1], start + 2
        if size & 0x80:
            count = size & 0x7F
            size = int.from_bytes(data[body : body + count], "big")
            if count not in (1, 2) or size < (0x80, 0x100)[count - 1]:
                raise BadChain(f"{self._what} has a length in a second form", at=start)
            body += count
        end = body + size
        if end > len(data):
            raise BadChain(f"{self._what} ends early", at=start)
        self._at = end
        return data[start:end], data[body:end]

    def take(self, tag: int) -> bytes:
        """What is in the next value."""
        return self.whole(tag)[1]

    def inside(self, tag: int = SEQUENCE) -> "Der":
        """The next value, to be taken apart."""
        return Der(self.take(tag), self._what)

    def each(self, tag: int = SEQUENCE) -> Iterator["Der"]:
        """All that is left, which must all have this tag."""
        while self:
            yield self.inside(tag)

    def natural(self) -> int:
        """An INTEGER >= 0 in its shortest form."""
        data = self.take(INTEGER)
        if not data or data[0] & 0x80 or (len(data) > 1 and not data[0] and not data[1] & 0x80):
            raise BadChain(f"{self._what} has a number that is negative or in a second form")
        return int.from_bytes(data, "big")

    def boolean(self) -> bool:
        """A BOOLEAN that is true, as DER leaves out one that is false by default."""
        if self.take(0x01) != b"\xff":
            raise BadChain(f"{self._what} has a flag in a second form")
        return True

    def bits(self) -> bytes:
        """A BIT STRING of whole bytes."""
        data = self.take(BIT_STRING)
        if not data or data[0]:
            raise BadChain(f"{self._what} has bits that do not fill bytes")
        return data[1:]

    def time(self) -> int:
        """UTCTime or GeneralizedTime, in seconds since 1970. Source: RFC 5280, 4.1.2.5."""
        tag = GENERALIZED_TIME if self.peek() == GENERALIZED_TIME else UTC_TIME
        text = self.take(tag)
        form = _UTC_FORM if tag == UTC_TIME else _GENERALIZED_FORM
        if not form.fullmatch(text):
            raise BadChain(f"{self._what} has a time in another form")
        if tag == UTC_TIME:
            text = (b"19" if text >= b"50" else b"20") + text
        try:
            month, day, hour, minute, second = (int(text[at : at + 2]) for at in range(4, 14, 2))
            at = datetime(int(text[:4]), month, day, hour, minute, second, tzinfo=UTC)
        except ValueError:
            raise BadChain(f"{self._what} has a time that does not exist") from None
        return int(at.timestamp())

    def end(self) -> None:
        """Refuse bytes that are left over."""
        if self:
            raise BadChain(f"{self._what} has trailing bytes", left=len(self._data) - self._at)


def extensions(listed: Der) -> dict[str, tuple[bool, bytes]]:
    """Extensions by their dotted OID: whether critical, and the value. Source: RFC 5280, 4.1.2.9.

    Raises:
        BadChain: of another form, or one stands twice.
    """
    made: dict[str, tuple[bool, bytes]] = {}
    for extension in listed.each():
        name = dotted(extension.take(OID))
        critical = extension.boolean() if extension.peek() == 0x01 else False
        value = extension.take(OCTET_STRING)
        extension.end()
        if name in made:
            raise BadChain("an extension stands twice", oid=name)
        made[name] = (critical, value)
    return made


def dotted(data: bytes) -> str:
    """The dotted form of an OID. Source: X.690, 8.19.

    Raises:
        BadChain: empty, cut off, or with an arc in a second form.
    """
    arcs: list[int] = []
    value, fresh = 0, True
    for byte in data[:33]:
        if fresh and byte == 0x80:
            raise BadChain("an object identifier in a second form", oid=data.hex())
        value, fresh = value << 7 | byte & 0x7F, not byte & 0x80
        if fresh:
            arcs.append(value)
            value = 0
    if not fresh or not arcs or len(data) > 32:
        raise BadChain("an object identifier that is empty, cut off or too long", oid=data[:40].hex())
    first = min(arcs[0] // 40, 2)
    return ".".join(str(arc) for arc in (first, arcs[0] - 40 * first, *arcs[1:]))
