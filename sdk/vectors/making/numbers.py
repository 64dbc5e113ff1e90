"""The form of encrypted numbers, as far as it can be judged without a key: framing and bounds."""

from cyberprivacy.vault.numberform import MAX_CIPHERTEXT, text
from making.layout import Case, Group, Json


def _object(body: bytes, *, mode: int = 2, minor: int = 3, size: int | None = None) -> bytes:
    stated = (16 + len(body) if size is None else size).to_bytes(8, "little")
    return bytes([0x5E, 0xA1, 0x10, 0x04, minor, mode, 0, 0]) + stated + body


def _framed(held: bytes) -> bytes:
    return b"\x0a\x01\x01\x12" + _varint(len(held)) + held


def _varint(number: int) -> bytes:
    low, rest = number & 127, number >> 7
    return bytes([low | 128]) + _varint(rest) if rest else bytes([low])


def groups() -> list[Group]:
    """Texts that may be encrypted numbers, and texts that cannot be."""
    small, long = _object(b"0123456789"), _object(b"z" * 1_000)
    largest = _object(b"\0" * (MAX_CIPHERTEXT - 4 - 3 - 16))
    good = {
        "one byte inside": _framed(_object(b"x")),
        "zstd": _framed(small),
        "deflate, another minor version": _framed(_object(b"0123456789", mode=1, minor=0)),
        "a length of two bytes": _framed(long),
    }
    cases = [Case(f"number: {what}", _given(text(each)), {"bytes": len(each)}) for what, each in good.items()]
    assert len(_framed(largest)) == MAX_CIPHERTEXT
    framed = _framed(small)
    bad = {
        "nothing": b"",
        "no slot": framed.replace(b"\x01\x01\x12", b"\x01\x00\x12", 1),
        "two slots": framed.replace(b"\x01\x01\x12", b"\x01\x02\x12", 1),
        "another field first": b"\x1a" + framed[1:],
        "no object": b"\x0a\x01\x01",
        "an empty object": _framed(b""),
        "nothing packed": _framed(_object(b"")),
        "two objects": framed + b"\x12" + _varint(len(small)) + small,
        "something follows": framed + b"\0",
        "cut": framed[:-1],
        "a length in more bytes than it needs": b"\x0a\x01\x01\x12" + bytes([len(small) | 128, 0]) + small,
        "a length of four bytes": b"\x0a\x01\x01\x12" + bytes([len(small) | 128, 128, 128, 0]) + small,
        "a length without end": b"\x0a\x01\x01\x12\xff\xff\xff",
        "another magic": _framed(b"\x5e\xa2" + small[2:]),
        "another size of header": _framed(small[:2] + b"\x11" + small[3:]),
        "another major version": _framed(small[:3] + b"\x05" + small[4:]),
        "nothing packs it": _framed(_object(b"0123456789", mode=0)),
        "packed otherwise": _framed(_object(b"0123456789", mode=3)),
        "reserved bytes": _framed(small[:6] + b"\x01" + small[7:]),
        "another size inside": _framed(_object(b"0123456789", size=27)),
        "a size past every memory": _framed(_object(b"0123456789", size=(1 << 64) - 1)),
    }
    spelled: dict[str, str] = {
        "padding": text(framed) + "=",
        "the other base64": text(_framed(_object(b"\xff" * 10))).replace("_", "/"),
        "a bit that stands for nothing": _last_bit(text(_framed(_object(b"x")))),
        "one letter too many": text(_framed(_object(b"xx"))) + "A",
        "a blank": text(framed) + " ",
        "a line end": text(framed) + "\n",
    }
    texts = {**{what: text(each) for what, each in bad.items()}, **spelled}
    cases += [Case(f"number: {what}", _given(each), code="number.form") for what, each in texts.items()]
    return [Group("Number", {}, cases)]


def _given(shown: str) -> Json:
    return {"text": shown}


def _last_bit(shown: str) -> str:
    """The same bytes, with one of the bits set that no byte uses; the text must not end on a whole group."""
    alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    assert len(shown) % 4
    return shown[:-1] + alphabet[alphabet.index(shown[-1]) | 1]
