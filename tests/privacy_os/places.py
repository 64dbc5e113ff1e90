"""Where a machine with a data disk stands, and is switched on again and again."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from machines import CONFIGURATION, Machine

from cyberprivacy.privacy_os.data_disk import DATA_AT
from cyberprivacy.privacy_os.emulator import Running, Settings, running
from cyberprivacy.privacy_os.image import DISK
from cyberprivacy.privacy_os.secure_boot import Keys
from cyberprivacy.privacy_os.volume import make_volume
from cyberprivacy.testing.town import free_port

SIZE = 96 << 20
OPEN = "privacy-os: the data disk is open"
MADE = "privacy-os: the data disk is blank"
ALONE = CONFIGURATION + b"data tpm\n"
BLOCK = 4096
SUPERBLOCK = b"integrt\0"


@dataclass(frozen=True)
class Place:
    """Where a machine stands: its disks and its TPM. It is switched on as often as a test likes."""

    folder: Path
    disk: Path
    text: bytes = ALONE
    outward: bool = False
    hands: bool = False
    keys: Keys | None = None
    application: int | None = None
    more: tuple[str, ...] = ()

    @classmethod
    def new(cls, folder: Path, image: Path) -> "Place":
        made = cls(folder, image / DISK)
        with made.data.open("wb") as file:
            file.truncate(SIZE)
        return made

    @property
    def data(self) -> Path:
        return self.folder / "data.img"

    def moved(self, to: Path) -> "Place":
        """A copy of everything that the machine keeps."""
        shutil.copytree(self.folder, to, dirs_exist_ok=True)
        return replace(self, folder=to)

    @contextmanager
    def on(self, state: str = "state") -> Iterator[tuple[Machine, Running]]:
        (self.folder / "machine.img").write_bytes(make_volume(self.text))
        port, volumes = free_port(), (self.folder / "machine.img",)
        settings = Settings(
            disk=self.disk,
            volumes=volumes,
            data=self.data,
            state=self.folder / state,
            port=port,
            outward=self.outward,
            hands=self.hands,
            keys=self.keys,
            application=self.application,
            more=self.more,
        )
        with running(settings) as process:
            machine = Machine(process, port, self.folder / state)
            try:
                yield machine, process
            finally:
                machine.close()

    def stops(self, state: str = "state") -> str:
        """Why it switches itself off, once it is switched on."""
        with self.on(state) as (machine, _):
            return machine.stops()

    def begun(self) -> bool:
        """Whether dm-integrity has written its superblock."""
        with self.data.open("rb") as file:
            file.seek(DATA_AT)
            return file.read(len(SUPERBLOCK)) == SUPERBLOCK

    def flip(self, start: int, end: int) -> None:
        """Change a bit in each block."""
        with self.data.open("r+b") as file:
            for at in range(start, end, BLOCK):
                file.seek(at)
                byte = file.read(1)
                file.seek(at)
                file.write(bytes((byte[0] ^ 1,)))
