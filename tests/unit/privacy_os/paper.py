"""A program for UEFI on paper: headers and sections by hand, shared with nothing that reads them."""

import struct
from collections.abc import Sequence


def program(sections: Sequence[tuple[bytes, bytes]], *, room: int = 8, trailing: bytes = b"") -> bytes:
    """PE32+ with these sections, a few numbers as a linker would set them, and room for more headers."""
    count = len(sections)
    headers = -(-(64 + 24 + 240 + 40 * (count + room)) // 512) * 512
    table, body, address = b"", b"", 0x1000
    for name, data in sections:
        stored = -(-len(data) // 512) * 512
        table += struct.pack(
            "<8sIIIIIIHHI", name, len(data), address, stored, headers + len(body), 0, 0, 0, 0, 0x40000040
        )
        body += data.ljust(stored, b"\0")
        address += -(-len(data) // 4096) * 4096
    optional = struct.pack(
        "<HBBIIIIIQIIHHHHHHIIIIHHQQQQII",
        0x20B,
        1,
        0,
        0,
        len(body),
        0,
        0x1000,
        0x1000,
        0,
        4096,
        512,
        0,
        0,
        0,
        0,
        0,
        0,
        0,
        address,
        headers,
        0xAABBCCDD,
        10,
        0,
        0,
        0,
        0,
        0,
        0,
        16,
    )
    head = struct.pack("<4sHHIIIHH", b"PE\0\0", 0x8664, count, 0, 0, 0, 240, 0x22)
    start = b"MZ".ljust(0x3C, b"\0") + struct.pack("<I", 64) + head + optional + bytes(128) + table
    return start.ljust(headers, b"\0") + body + trailing


def image() -> bytes:
    """A program with what an image of the Privacy OS has."""
    kernel = program([(b".text", b"kernel" * 200)])
    own = [(b".text", b"stub" * 300), (b".sbat", b"sbat,1\n")]
    return program(
        [*own, (b".cmdline", b"privacy.root=x quiet"), (b".initrd", b"0707" * 400), (b".linux", kernel)]
    )
