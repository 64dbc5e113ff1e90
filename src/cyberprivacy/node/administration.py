"""The administrators' door on this machine: the file that an application reads, and the way to its numbers.

The file is /run/cyberprivacy/parameters.json in every container of the application, read-only there. Each release
has a folder of its own, so that during a switch the old and the new one each read what they declare. Every second
it is compared with the ledger: whatever else stands in it is replaced.
"""

import shutil
import threading
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final

import structlog

from cyberprivacy.admin.executor import Executor
from cyberprivacy.admin.noise import LaplaceNoise
from cyberprivacy.admin.office import Office, Standing
from cyberprivacy.admin.refusals import BadContributions, NotReady
from cyberprivacy.admin.statistics import MAX_BYTES
from cyberprivacy.build.scratch import on_disk
from cyberprivacy.bundle.declared import STATISTICS, Administration
from cyberprivacy.cid import Cid
from cyberprivacy.deploy.plan import Endpoint
from cyberprivacy.ledger.log import Ledger
from cyberprivacy.ledger.publisher import Publisher
from cyberprivacy.node import files
from cyberprivacy.node.asking import Containers, ContainerSilent
from cyberprivacy.node.watch import MAX_AGE
from cyberprivacy.proposal.agreeing import Ledger as Chain
from cyberprivacy.proposal.reading import final_block
from cyberprivacy.proposal.release import Address, ApprovedRelease, FinalBlock
from cyberprivacy.proposal.roles import has_role

FILE: Final = "parameters.json"
MODE: Final = 0o644
"""Containers run as users of their own, and read it."""

_log = structlog.get_logger("admin")


class Door:
    """One DAO's administration on this node. Threads may share it."""

    def __init__(self, folder: Path, office: Office, *, wanted: Callable[[], ApprovedRelease | None]) -> None:
        """Use `folder` for the files of this application alone.

        Args:
            folder: made when missing; its parents must be open to the containers' users.
            office: judges and records.
            wanted: what must run, as last read; the door is closed while that is not what stands behind it.
        """
        self._folder, self._office, self._wanted = folder, office, wanted
        self._kept: dict[Cid, Standing] = {}
        self._serving: Cid | None = None
        self._lock = threading.Lock()

    def prepare(self, release: ApprovedRelease, declared: Administration | None) -> Path | None:
        """Have the folder that a release's containers mount; None when it declares no administration.

        Raises:
            TryLater: the disk refused.
        """
        if declared is None:
            return None
        standing = Standing(chain_id=release.chain_id, release=release.bundle, declared=declared)
        with self._lock:
            self._kept[release.bundle] = standing
            return self._write(standing)

    def serve(self, release: ApprovedRelease, declared: Administration | None) -> None:
        """This release serves now, and no other: requests are for it, and the others' files go.

        Raises:
            TryLater: the disk refused.
        """
        with self._lock:
            standing = self._kept.get(release.bundle) if declared is not None else None
            self._kept = {} if standing is None else {release.bundle: standing}
            old = [one for one in self._folder.glob("*") if one.name != str(release.bundle)]
        self._office.adopt(standing)
        self._serving = None if standing is None else release.bundle
        for folder in old:
            shutil.rmtree(folder, ignore_errors=True)

    def tend(self) -> None:
        """Put right what an application reads: values that begin to count, and files that somebody changed.

        Raises:
            TryLater: the disk refused.
        """
        with self._lock:
            for standing in self._kept.values():
                self._write(standing)

    def handle(self, body: bytes) -> Mapping[str, object]:
        """See `Office.handle`; nothing is taken while the chain wants nothing, or another release."""
        self._check_open()
        told = self._office.handle(body)
        self.tend()
        return told

    def show(self) -> Mapping[str, object]:
        """See `Office.show`."""
        self._check_open()
        return self._office.show()

    def _check_open(self) -> None:
        wanted = self._wanted()
        if wanted is None or wanted.bundle != self._serving:
            raise NotReady("no release with administrators serves here")

    def _write(self, standing: Standing) -> Path:
        folder = self._folder / str(standing.release)
        path, data = folder / FILE, self._office.file(standing)
        if not _is(path, data):
            with on_disk():
                self._folder.mkdir(mode=0o711, parents=True, exist_ok=True)
                folder.mkdir(mode=0o755, exist_ok=True)
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path)
            files.replace(path, data, mode=MODE)
            _log.info("parameters", release=str(standing.release))
        return folder


def _is(path: Path, data: bytes) -> bool:
    """Whether a plain file that everybody may read holds exactly this."""
    if path.is_symlink() or not path.is_file():
        return False
    return path.stat().st_mode & 0o777 == MODE and path.read_bytes() == data


def open_door(
    dao: Address,
    folder: Path,
    *,
    ledger: Ledger,
    public: Publisher,
    chain: Chain,
    endpoints: Callable[[], frozenset[Endpoint]],
    wanted: Callable[[], ApprovedRelease | None],
    clock: Callable[[], float],
) -> Door:
    """The door of one DAO."""
    office = Office(
        dao,
        ledger=ledger,
        public=public,
        executor=Executor(ledger, ContainerNumbers(endpoints), LaplaceNoise()),
        roles=ChainRoles(chain, max_age=MAX_AGE, clock=clock),
        clock=clock,
    )
    return Door(folder, office, wanted=wanted)


class ContainerNumbers:
    """Asks one of the containers that serve an application."""

    def __init__(self, endpoints: Callable[[], frozenset[Endpoint]]) -> None:
        self._endpoints, self._containers = endpoints, Containers()

    def contributions(self, statistic: str) -> bytes:
        """See `Numbers.contributions`."""
        where = min(self._endpoints(), default=None)
        if where is None:
            raise BadContributions("no container serves", code="admin.silent", name=statistic)
        try:
            return self._containers.ask(where, f"{STATISTICS}/{statistic}", limit=MAX_BYTES)
        except ContainerSilent as error:
            why = error.facts.get("why", error.facts.get("status"))
            raise BadContributions(error.what, code="admin.silent", name=statistic, why=why) from None

    def close(self) -> None:
        """Let go of the connections."""
        self._containers.close()


class ChainRoles:
    """Roles as the newest final block has them; never as an older one than was read before."""

    def __init__(self, chain: Chain, *, max_age: int, clock: Callable[[], float]) -> None:
        self._chain, self._max_age, self._clock = chain, max_age, clock
        self._last: FinalBlock | None = None
        self._turn = threading.Lock()

    def has(self, contract: Address, role: bytes, account: Address) -> bool:
        """See `Roles.has`."""
        with self._turn:
            now = int(self._clock())
            self._last = final_block(self._chain, last=self._last, now=now, max_age=self._max_age)
            return has_role(self._chain, contract, role, account, self._last)
