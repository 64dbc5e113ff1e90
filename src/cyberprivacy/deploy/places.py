"""What an application owns on this machine for as long as its data exists: a number, a subnet, host uids."""

import contextlib
import fcntl
import os
from collections.abc import Iterator, Mapping
from ipaddress import IPv4Network
from pathlib import Path
from typing import Final

from cyberprivacy.build.scratch import on_disk
from cyberprivacy.deploy.plan import UIDS, Place
from cyberprivacy.errors import Misuse, TryLater
from cyberprivacy.review.workload import ClaimMount, Topology

_NUMBER: Final = "number"


class Places:
    """Gives out places, and the folders of persistent volumes; remembers them beside the data.

    Args:
        data: volumes of users' data; must survive, and be on an encrypted disk.
        subnets: one /24 of it per application; must not be used by anything else on the machine.
        first_uid: first host uid of the first application; each application has 65536 of its own.
    """

    def __init__(self, data: Path, subnets: IPv4Network, first_uid: int) -> None:
        if subnets.prefixlen > 24:
            raise Misuse("too small for one application", code="deploy.room", subnets=str(subnets))
        self._data, self._subnets, self._first_uid = data, subnets, first_uid
        data.mkdir(parents=True, exist_ok=True, mode=0o711)

    def find(self, name: str) -> Place | None:
        """The place of an application that has one."""
        try:
            number = int((self._data / name / _NUMBER).read_text())
        except FileNotFoundError:
            return None
        start = int(self._subnets.network_address) + (number << 8)
        return Place(
            name=name,
            number=number,
            network=IPv4Network((start, 24)),
            first_uid=self._first_uid + number * UIDS,
        )

    def claim(self, name: str) -> Place:
        """The place of an application; a new one gets the lowest number that is free.

        Raises:
            Misuse: no number is free ("deploy.room").
            TryLater: the disk is full or failed.
        """
        with self._one_at_a_time():
            found = self.find(name)
            return found if found is not None else self._settle(name)

    def _settle(self, name: str) -> Place:
        taken = {int(file.read_text()) for file in self._data.glob(f"*/{_NUMBER}")}
        number = next(one for one in range(257) if one not in taken)
        if number >= min(256, 1 << (24 - self._subnets.prefixlen)):
            raise Misuse("no room for another application", code="deploy.room", applications=len(taken))
        folder = self._data / name
        with on_disk():
            folder.mkdir(exist_ok=True, mode=0o711)
        write_whole(folder / _NUMBER, str(number))
        claimed = self.find(name)
        if claimed is None:
            raise TryLater("the data folder does not keep files", code="deploy.data", folder=str(folder))
        return claimed

    @contextlib.contextmanager
    def _one_at_a_time(self) -> Iterator[None]:
        """Two that look for a free number at once would find the same; the kernel drops a dead one's lock."""
        with on_disk():
            folder = os.open(self._data, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(folder, fcntl.LOCK_EX)
            yield
        finally:
            os.close(folder)

    def volumes(self, place: Place, topology: Topology) -> Mapping[str, Path]:
        """Have the folder of each claim, owned by the user of the first workload that mounts it.

        Sizes are not enforced: a volume may grow until the disk is full. Releases share volumes for the
        seconds of a switch, when the old and the new one run side by side.

        Raises:
            Misuse: a volume belongs to another user than this release runs as ("deploy.claim").
        """
        folders: dict[str, Path] = {}
        for claim in topology.claims:
            user = _user_of(topology, claim.name)
            if user is None:
                continue
            folder, owner = self._data / place.name / f"volume-{claim.name}", place.first_uid + user
            if not folder.exists():
                fresh = folder.with_name(f".fresh-{claim.name}")
                with on_disk():
                    fresh.mkdir(exist_ok=True, mode=0o700)
                    os.chown(fresh, owner, owner)
                    fresh.rename(folder)
            if folder.stat().st_uid != owner:
                mine = folder.stat().st_uid - place.first_uid
                raise Misuse(
                    "volume of another user", code="deploy.claim", claim=claim.name, user=user, owner=mine
                )
            folders[claim.name] = folder
        return folders


def _user_of(topology: Topology, claim: str) -> int | None:
    for workload in topology.workloads:
        for mount in workload.container.mounts:
            if isinstance(mount, ClaimMount) and mount.claim == claim:
                return workload.container.user
    return None


def write_whole(path: Path, text: str) -> None:
    """Write a small file so that a crash leaves the old one or the new one.

    Raises:
        TryLater: the disk is full or failed ("disk.full", "disk.failed").
    """
    draft = path.with_name(f".{path.name}.draft")
    with on_disk():
        with draft.open("w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        draft.rename(path)
