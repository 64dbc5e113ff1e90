"""An ACPI table of a host: code that a kernel runs when it loads it."""

SERIAL_PORT = 0x3F8


def writing_table(text: bytes) -> bytes:
    """The body of an SSDT that writes a text to the first serial port. QEMU puts the header before it.

    Source: ACPI 6.5, 20.2 (AML grammar): OperationRegion in system I/O, a field of one byte in it, a Store each.
    """
    region = b"\x5b\x80EVLR\x01\x0b" + SERIAL_PORT.to_bytes(2, "little") + b"\x0a\x01"
    field = b"\x5b\x81\x0bEVLR\x01EVLC\x08"  # 11 bytes of package, bytewise access, 8 bits
    return region + field + b"".join(b"\x70\x0a" + bytes((letter,)) + b"EVLC" for letter in text)
