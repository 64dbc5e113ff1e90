"""Signed notes: a text, and the signatures below it. Form only; who may sign is `signers`. Pure.

Source: C2SP signed-note v1.0.0.
"""

from base64 import b64decode, b64encode
from binascii import Error as NotBase64
from dataclasses import dataclass
from typing import Final, Self

from cyberprivacy.errors import Untrusted

MAX_SIGNATURES: Final = 64
MAX_SIGNATURE: Final = 8192
"""Bytes of one signature before base64; ML-DSA-44 with its timestamp needs 2,432."""
MAX_NOTE: Final = 256 * 1024
"""Bytes of a whole note: room for every signature that is asked for."""
_DASH: Final = "— "


class BadNote(Untrusted):
    """What came is no signed note in its one spelling."""

    code = "note.form"
    hint = "This is not what a log signs; ask another source."


@dataclass(frozen=True, slots=True)
class Signature:
    """One line below a note.

    Attributes:
        name: of the key, such as "witness.example/w1".
        key_id: 4 bytes; with the name it says which key, and is no proof of it.
        value: what the key made; its form depends on the key.
    """

    name: str
    key_id: bytes
    value: bytes

    @property
    def line(self) -> str:
        """The line, with its line feed."""
        return f"{_DASH}{self.name} {b64encode(self.key_id + self.value).decode()}\n"

    @classmethod
    def parse(cls, line: str) -> Self:
        """Read a line that has its line feed.

        Raises:
            BadNote: "note.form".
        """
        name, _, encoded = line.removeprefix(_DASH).removesuffix("\n").partition(" ")
        raw = base64(encoded, limit=MAX_SIGNATURE)
        made = cls(name, raw[:4], raw[4:])
        if made.line != line or not good_name(name) or not made.value:
            raise BadNote("not a line of a signature", line=line[:80])
        return made


@dataclass(frozen=True, slots=True)
class Note:
    """A text and its signatures; none of them is checked.

    Attributes:
        text: with its last line feed, and without the empty line that follows.
        signatures: in the order in which they stand.
    """

    text: str
    signatures: tuple[Signature, ...]

    def encode(self) -> bytes:
        """The bytes that are sent and kept."""
        return (self.text + "\n" + "".join(each.line for each in self.signatures)).encode()

    @classmethod
    def parse(cls, data: bytes) -> Self:
        """Read a note.

        Raises:
            BadNote: "note.size" or "note.form".
        """
        if len(data) > MAX_NOTE:
            raise BadNote("a note is too large", code="note.size", size=len(data), limit=MAX_NOTE)
        text, gap, lines = _text(data).rpartition("\n\n")
        if not gap or not lines.endswith("\n"):
            raise BadNote("a note has a text, an empty line, and lines of signatures")
        count = lines.count("\n")
        if count > MAX_SIGNATURES:
            raise BadNote("too many signatures", code="note.size", signatures=count, limit=MAX_SIGNATURES)
        signatures = tuple(Signature.parse(line + "\n") for line in lines.split("\n")[:-1])
        return cls(text + "\n", signatures)

    def with_signatures(self, more: tuple[Signature, ...]) -> Self:
        """The same text, with more lines below; a line that stands there already is not repeated."""
        new = tuple(each for each in dict.fromkeys(more) if each not in self.signatures)
        return type(self)(self.text, self.signatures + new)


def good_name(name: str) -> bool:
    """Whether this can be the name of a key: neither empty, nor with spaces, plus or control characters."""
    return bool(name) and "+" not in name and not any(each.isspace() or each < " " for each in name)


def base64(text: str, *, limit: int) -> bytes:
    """The bytes of base64 in its one spelling (RFC 4648 section 4, with padding).

    Raises:
        BadNote: another alphabet, another spelling, or more than `limit` bytes.
    """
    if len(text) > (limit + 2) // 3 * 4:
        raise BadNote("too much base64", code="note.size", limit=limit)
    try:
        raw = b64decode(text.encode("ascii"), validate=True)
    except (NotBase64, UnicodeEncodeError, ValueError):
        raise BadNote("not base64", text=text[:80]) from None
    if b64encode(raw).decode() != text:
        raise BadNote("another spelling of base64", text=text[:80])
    return raw


def _text(data: bytes) -> str:
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise BadNote("a note is not UTF-8") from None
    if any(each < " " and each != "\n" for each in text):
        raise BadNote("a control character in a note")
    return text
