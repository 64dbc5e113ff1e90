"""A configfs-tsm that answers as the kernel does, for a chip or a TD on paper, and fails where we want it to.

    with FakeTsm.of_chip(chip).mounted(folder):
        TsmAttester(lambda evidence: evidence, folder=folder).quote(binding)

Source: Linux, drivers/virt/coco/guest/report.c, as its documentation describes it.
"""

import errno
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from threading import Event
from typing import Final

from cyberprivacy.attest.certificates import split
from cyberprivacy.attest.snp import hosttable
from cyberprivacy.attest.snp.report import Signer
from cyberprivacy.testing.fuse import Served
from cyberprivacy.testing.papertd import PaperTd
from cyberprivacy.testing.snp import FakeChip

_ALWAYS: Final = {"inblob": 0o200, "outblob": 0o400, "provider": 0o444, "generation": 0o444}
_SNP: Final = {"auxblob": 0o400, "privlevel": 0o200, "privlevel_floor": 0o444}
_WRITTEN: Final = ("inblob", "privlevel")

Hardware = Callable[[bytes, int], tuple[bytes, bytes]]
"""From 64 bytes and a privilege level to `outblob` and `auxblob`."""


@dataclass
class _Item:
    """One question."""

    inblob: bytes = b""
    privlevel: int = 0
    written: int = 0
    answered: int = -1
    answer: tuple[bytes, bytes] = (b"", b"")


@dataclass(kw_only=True)
class FakeTsm:
    """The folder `report`, and what is behind it.

    Attributes:
        provider: what it says that it is.
        hardware: what answers.
        floor: the least number of a privilege level that it answers for.
        errors: by the name of a file, or "mkdir": the numbers of the errors that it fails with, one each time.
        races: how many questions somebody else writes into.
        hang: while it is not set, reports are not finished; None = they are finished at once.
        asked: what was asked, in order.
        items: the questions that have not been removed.
    """

    provider: str
    hardware: Hardware
    floor: int = 0
    errors: dict[str, list[int]] = field(default_factory=dict)
    races: int = 0
    hang: Event | None = None
    asked: list[tuple[bytes, int]] = field(default_factory=list)
    items: dict[str, _Item] = field(default_factory=dict)

    @classmethod
    def of_chip(cls, chip: FakeChip, *, certificates: bool = True) -> "FakeTsm":
        """The guest of a chip, whose host hands out certificates or does not."""
        leaf, ask, ark = split(chip.certificates)
        name = "vlek" if chip.signer is Signer.VLEK else "vcek"
        entries = {name: leaf, "ask": ask, "ark": ark, **({} if chip.crl is None else {"crl": chip.crl})}
        table = hosttable.encode(**entries) if certificates else b""

        def answer(inblob: bytes, level: int) -> tuple[bytes, bytes]:
            return chip.sign(chip.bend(vmpl=level).report(inblob).encode()), table

        return cls(provider="sev_guest", hardware=answer)

    @classmethod
    def of_td(cls, td: PaperTd) -> "FakeTsm":
        """A TD, which gets no collateral from its host."""
        return cls(provider="tdx_guest", hardware=lambda inblob, _: (td.quote(inblob).fields["quote"], b""))

    def mounted(self, folder: Path, *, part: int = 1 << 16) -> Served:
        """The folder, while the block lasts; a read gets at most `part` bytes."""
        return Served(folder, self, part=part)

    def folders(self) -> list[str]:
        """See `Files`."""
        return list(self.items)

    def files(self, folder: str) -> Mapping[str, int]:
        """See `Files`."""
        self._item(folder)
        return {**_ALWAYS, **(_SNP if self.provider == "sev_guest" else {})}

    def make(self, folder: str) -> None:
        """See `Files`."""
        self._fail("mkdir")
        self.items[folder] = _Item()

    def remove(self, folder: str) -> None:
        """See `Files`."""
        del self.items[folder]

    def read(self, folder: str, file: str) -> bytes:
        """See `Files`."""
        self._fail(file)
        item = self._item(folder)
        match file:
            case "provider":
                return f"{self.provider}\n".encode()
            case "generation":
                return b"%d\n" % item.written
            case "privlevel_floor":
                return b"%d\n" % self.floor
            case "outblob":
                outblob = self._answer(item)[0]
                if self.races:
                    self.races -= 1
                    item.inblob, item.written = os.urandom(64), item.written + 1
                return outblob
            case "auxblob":
                return self._answer(item)[1]
            case _:
                raise OSError(errno.EACCES, "not for reading")

    def write(self, folder: str, file: str, value: bytes) -> None:
        """See `Files`."""
        self._fail(file)
        item = self._item(folder)
        if file not in _WRITTEN or (file == "inblob" and len(value) > 64):
            raise OSError(errno.EINVAL, "not a value")
        if file == "inblob":
            item.inblob = value
        else:
            item.privlevel = int(value)
        item.written += 1

    def _answer(self, item: _Item) -> tuple[bytes, bytes]:
        if not item.inblob or item.privlevel < self.floor:
            raise OSError(errno.EINVAL, "not a question")
        if self.hang is not None:
            self.hang.wait(30)
        if item.answered != item.written:
            self.asked.append((item.inblob, item.privlevel))
            item.answer, item.answered = self.hardware(item.inblob, item.privlevel), item.written
        return item.answer

    def _item(self, folder: str) -> _Item:
        if folder not in self.items:
            raise OSError(errno.ENOENT, "gone")
        return self.items[folder]

    def _fail(self, name: str) -> None:
        if left := self.errors.get(name):
            number = left.pop(0)
            raise OSError(number, os.strerror(number))
