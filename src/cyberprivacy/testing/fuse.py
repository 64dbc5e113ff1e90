"""A file system that this process serves, for tests of code that talks to the kernel through files. Needs root.

It speaks the kernel's FUSE protocol itself, as far as folders with small files need it: nothing is cached, so that
each open, read and write arrives.

Source: Linux, include/uapi/linux/fuse.h, protocol 7.31.
"""

import ctypes
import errno
import os
import stat
import struct
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Final, Protocol, Self

_LIBC: Final = ctypes.CDLL(None, use_errno=True)
_BUFFER: Final = (1 << 17) + 4096
_ROOT: Final = 1
_DETACH: Final = 2
_DIRECT_IO: Final = 1
_MAX_WRITE: Final = 1 << 16
_READ: Final = 15
_SILENT: Final = (2, 36, 42)
"""FORGET, INTERRUPT, BATCH_FORGET."""

_Answer = Callable[[int, bytes], bytes]
"""From the number of a file and the body of a request to the body of the answer."""


class Files(Protocol):
    """What is in the file system: folders in the root, and files in them. Refusals are `OSError`s."""

    def folders(self) -> list[str]:
        """The names of the folders."""
        ...

    def files(self, folder: str) -> Mapping[str, int]:
        """The names of the files in a folder, and their permissions."""
        ...

    def make(self, folder: str) -> None:
        """Make a folder."""
        ...

    def remove(self, folder: str) -> None:
        """Remove a folder."""
        ...

    def read(self, folder: str, file: str) -> bytes:
        """What a file holds, asked for when somebody begins to read it."""
        ...

    def write(self, folder: str, file: str, value: bytes) -> None:
        """What somebody wrote, in one piece, when they close it."""
        ...


class Served:
    """A file system, mounted while the block lasts."""

    def __init__(self, folder: Path, files: Files, *, part: int = 1 << 16) -> None:
        """Mount it.

        Args:
            folder: where.
            files: what is in it.
            part: bytes that one read gets at most.

        Raises:
            OSError: not root, or no FUSE in this kernel.
        """
        self._files, self._part, self._folder = files, part, folder
        self._names: dict[int, tuple[str, str]] = {_ROOT: ("", "")}
        self._numbers: dict[tuple[str, str], int] = {("", ""): _ROOT}
        self._open: dict[int, bytearray | bytes] = {}
        self._answers: Mapping[int, _Answer] = {
            1: self._look,
            3: self._status,
            4: self._status,
            9: self._make,
            11: self._remove,
            14: self._start,
            _READ: self._read,
            16: self._write,
            18: self._nothing,
            25: self._flush,
            26: self._begin,
            27: self._start,
            28: self._list,
            29: self._nothing,
        }
        self._mount()
        self._thread = threading.Thread(target=self._serve, name="fuse", daemon=True)
        self._thread.start()

    def _mount(self) -> None:
        self._device = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
        options = f"fd={self._device},rootmode=40000,user_id=0,group_id=0".encode()
        if _LIBC.mount(b"cyberprivacy", bytes(self._folder), b"fuse", 0, options):
            raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(self._folder))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        _LIBC.umount2(bytes(self._folder), _DETACH)
        self._thread.join(5)
        os.close(self._device)

    def _serve(self) -> None:
        while True:
            try:
                request = os.read(self._device, _BUFFER)
            except OSError:  # unmounted
                return
            code, unique, node = struct.unpack_from("<IQQ", request, 4)
            answer = self._answers.get(code)
            if code in _SILENT:
                continue
            if answer is None:
                self._reply(unique, errno.ENOSYS, b"")
            elif code == _READ:  # which may hang, while others go on
                threading.Thread(
                    target=self._answer, args=(answer, unique, node, request[40:]), daemon=True
                ).start()
            else:
                self._answer(answer, unique, node, request[40:])

    def _answer(self, answer: _Answer, unique: int, node: int, body: bytes) -> None:
        try:
            self._reply(unique, 0, answer(node, body))
        except OSError as error:
            self._reply(unique, error.errno or errno.EIO, b"")

    def _reply(self, unique: int, error: int, body: bytes) -> None:
        with suppress(OSError):  # whoever asked has given up, or nothing is mounted any more
            os.write(self._device, struct.pack("<IiQ", 16 + len(body), -error, unique) + body)

    def _number(self, folder: str, file: str = "") -> int:
        number = self._numbers.setdefault((folder, file), len(self._numbers) + 1)
        self._names[number] = (folder, file)
        return number

    def _attributes(self, node: int) -> bytes:
        folder, file = self._names[node]
        if folder and folder not in self._files.folders():
            raise OSError(errno.ENOENT, "gone")
        mode = stat.S_IFREG | self._files.files(folder)[file] if file else stat.S_IFDIR | 0o755
        return struct.pack("<6Q10I", node, 0, 0, 0, 0, 0, 0, 0, 0, mode, 1, 0, 0, 0, 4096, 0)

    def _entry(self, node: int) -> bytes:
        return struct.pack("<4Q2I", node, 0, 0, 0, 0, 0) + self._attributes(node)

    def _begin(self, _node: int, _body: bytes) -> bytes:
        return struct.pack("<4I2H2I2HI28x", 7, 31, 0, 0, 1, 1, _MAX_WRITE, 1, 0, 0, 0)

    def _look(self, node: int, body: bytes) -> bytes:
        folder, name = self._names[node][0], body.rstrip(b"\0").decode()
        if name not in (self._files.files(folder) if folder else self._files.folders()):
            raise OSError(errno.ENOENT, "no such name")
        return self._entry(self._number(folder, name) if folder else self._number(name))

    def _status(self, node: int, _body: bytes) -> bytes:
        return struct.pack("<QII", 0, 0, 0) + self._attributes(node)

    def _make(self, node: int, body: bytes) -> bytes:
        if node != _ROOT:
            raise OSError(errno.EPERM, "no folders here")
        name = body[8:].rstrip(b"\0").decode()
        self._files.make(name)
        return self._entry(self._number(name))

    def _remove(self, _node: int, body: bytes) -> bytes:
        self._files.remove(body.rstrip(b"\0").decode())
        return b""

    def _start(self, _node: int, _body: bytes) -> bytes:
        handle = len(self._open) + 1
        self._open[handle] = bytearray()
        return struct.pack("<QII", handle, _DIRECT_IO, 0)

    def _read(self, node: int, body: bytes) -> bytes:
        handle, offset, size = struct.unpack_from("<QQI", body)
        if offset == 0:
            self._open[handle] = self._files.read(*self._names[node])
        return bytes(self._open[handle][offset : offset + min(size, self._part)])

    def _write(self, _node: int, body: bytes) -> bytes:
        handle, _, size = struct.unpack_from("<QQI", body)
        self._open[handle] += body[40 : 40 + size]
        return struct.pack("<II", size, 0)

    def _flush(self, node: int, body: bytes) -> bytes:
        value = self._open[struct.unpack_from("<Q", body)[0]]
        if isinstance(value, bytearray) and value:
            self._files.write(*self._names[node], bytes(value))
        return b""

    def _list(self, node: int, body: bytes) -> bytes:
        folder, (_, offset) = self._names[node][0], struct.unpack_from("<QQ", body)
        names = list(self._files.files(folder)) if folder else self._files.folders()
        made = b""
        for place, name in enumerate(names[offset:], offset + 1):
            entry = struct.pack("<QQII", 2, place, len(name), 0) + name.encode()
            made += entry.ljust(-(-len(entry) // 8) * 8, b"\0")
        return made

    def _nothing(self, _node: int, _body: bytes) -> bytes:
        return b""
