"""The source of transfers, as recipients and the person ask it: begin, hand out, judge receipts, take back.

Preparing a large transfer takes longer than a request may: it goes on in a thread, and whoever asks again waits
for the same one. A process that dies loses that thread; the recipient asks again.
"""

from collections.abc import Callable
from concurrent.futures import Future
from threading import Lock, Thread
from typing import Final

import structlog
from sqlalchemy import Connection, or_, select

from cyberprivacy.errors import CyberPrivacyError, TryLater
from cyberprivacy.vault.grantbook import Access, GrantBook
from cyberprivacy.vault.granting import check_use
from cyberprivacy.vault.holdings import count
from cyberprivacy.vault.receipt import Signer
from cyberprivacy.vault.scope import Action
from cyberprivacy.vault.sharing import Shared, Sharing
from cyberprivacy.vault.tables import GRANTS, OWNERS, TRANSFERS_OUT
from cyberprivacy.vault.transfer.moving import Moving
from cyberprivacy.vault.transfer.recordkeeping import RecordKeeping
from cyberprivacy.vault.transfer.sending import Ask, Sending
from cyberprivacy.vault.transfer.states import State, TransferRefused

PATIENCE: Final = 5.0
"""Seconds for which a request waits for a transfer to be prepared."""
AT_ONCE: Final = 4
"""Transfers that are prepared at the same time."""
_OUT: Final = TRANSFERS_OUT
_log = structlog.get_logger("vault")


class NotReady(TryLater):
    """The transfer is still being prepared."""

    code = "transfer.preparing"
    hint = "Ask again."


class Departures:
    """Transfers from the people of one application."""

    def __init__(
        self, sharing: Sharing, keeping: RecordKeeping, signer: Signer, *, patience: float = PATIENCE
    ) -> None:
        self._sharing, self._patience = sharing, patience
        self._sending = Sending(sharing.database, keeping, signer)
        self._moving = Moving(sharing.database, keeping)
        self._lock, self._preparing = Lock(), dict[tuple[bytes, ...], Future[bytes]]()

    def open(self, shared: Shared, transfer: bytes, key: bytes, signer: bytes) -> bytes:
        """The signed manifest of a transfer that begins, or was begun.

        Args:
            shared: the grant under which it is asked for.
            transfer: id that the recipient chose, 16 bytes.
            key: X25519 key to seal to, 32 bytes.
            signer: Ed25519 key of its receipts, 32 bytes.

        Raises:
            NotReady: not yet. TryLater: too many others are being prepared ("transfer.busy").
            CyberPrivacyError: the grant does not count, or as `Sending.open`.
        """
        with self._sharing.database.reading() as connection:
            grant = self._sharing.still(connection, shared)
        asked = Ask(transfer, grant, key, signer)
        job = (shared.owner, transfer, key, signer)
        future = self._begin(job, lambda: self._manifest(shared, asked))
        try:
            manifest = future.result(timeout=self._patience)
        except TimeoutError:
            raise NotReady("the transfer is being prepared", transfer=transfer.hex()) from None
        finally:
            if future.done():
                self._forget(job, future)
        return manifest

    def chunk(self, shared: Shared, transfer: bytes, n: int) -> bytes:
        """A sealed chunk, while the grant counts; raises as `Sending.chunk` and `granting.check_still`."""
        self._mine(shared, transfer)
        return self._sending.chunk(shared.owner, transfer, n)

    def received(self, shared: Shared, transfer: bytes, data: bytes) -> bytes:
        """A receipt, signed by this side as well; raises as `Sending.received`."""
        self._mine(shared, transfer)
        return self._sending.received(shared.owner, transfer, data, now=self._sharing.clock()).encode()

    def undo(self, owner: bytes, transfer: bytes) -> State:
        """Keep here whatever is still here; also for who asks again.

        Raises:
            TransferRefused: "transfer.unknown", or what has moved is erased here already ("transfer.undo").
        """
        state, now = self._sending.status(owner, transfer).state, self._sharing.clock()
        if state.running:
            self._sending.cancel(owner, transfer)
        elif state in (State.UNDO, State.ERASED):
            self._moving.undo(owner, transfer, now=now)
        return self._sending.status(owner, transfer).state

    def tidy(self) -> None:
        """Erase what has moved and cannot be taken back any more; end what runs under grants that have ended."""
        now = self._sharing.clock()
        for owner, transfer in self._moving.due(now=now, limit=1_000):
            if not self._frozen(owner, now):
                stayed = self._moving.finish(owner, transfer, now=now)
                _log.info("moved away", transfer=transfer.hex(), stayed=len(stayed))
        running = [each.value for each in State if each.running]
        over = select(_OUT.c.owner, _OUT.c.id).join(
            GRANTS, (GRANTS.c.owner == _OUT.c.owner) & (GRANTS.c.id == _OUT.c.grant)
        )
        ended = or_(GRANTS.c.expires <= int(now), GRANTS.c.revoked.is_not(None))
        with self._sharing.database.reading() as connection:
            rows = connection.execute(over.where(ended, _OUT.c.state.in_(running)).limit(1_000)).all()
        for row in rows:
            self._sending.cancel(row.owner, row.id)

    def _frozen(self, owner: bytes, now: float) -> bool:
        """Whether nothing may be erased: its person has stopped everything."""
        with self._sharing.database.reading() as connection:
            account = connection.execute(select(OWNERS.c.account).where(OWNERS.c.id == owner)).scalar_one()
        return self._sharing.accounts.state(account).is_frozen(now)

    def _mine(self, shared: Shared, transfer: bytes) -> None:
        """Refuse unless the grant counts and the transfer is one under it."""
        with self._sharing.database.reading() as connection:
            self._sharing.still(connection, shared)
            under = select(_OUT.c.grant).where(_OUT.c.owner == shared.owner, _OUT.c.id == transfer)
            if connection.execute(under).scalar() != shared.grant:
                raise TransferRefused("no such transfer", code="transfer.unknown", transfer=transfer.hex())

    def _manifest(self, shared: Shared, asked: Ask) -> bytes:
        now = self._sharing.clock()
        self._sending.open(asked, lambda connection: self._use(connection, shared), now=now)
        return self._sending.manifest(shared.owner, asked.transfer)

    def _use(self, connection: Connection, shared: Shared) -> None:
        """Count one use of a grant for all that it lets its recipient read; the person sees it, type by type."""
        book, sharing, now = GrantBook(connection, shared.owner), self._sharing, self._sharing.clock()
        held = book.held(shared.grant)
        state = sharing.accounts.state(held.grant.subject)
        found = sharing.recipients.presented(shared.peer, held.grant.recipient)
        kinds = sorted({scope.data_type for scope in held.grant.scopes if Action.READ in scope.actions})
        for n, kind in enumerate(kinds):
            many = count(connection, shared.owner, kind)
            access = Access(held.grant.recipient.app, shared.grant, Action.READ, kind, many, int(now))
            if n:
                book.note(access)
            else:
                check_use(held, Action.READ, kind, state=state, found=found, now=now)
                book.use(held, access)

    def _begin(self, job: tuple[bytes, ...], make: Callable[[], bytes]) -> Future[bytes]:
        with self._lock:
            known = self._preparing.get(job)
            if known is not None:
                return known
            for each in [each for each, future in self._preparing.items() if future.done()]:
                del self._preparing[each]  # nobody came back for it: the database knows
            if len(self._preparing) >= AT_ONCE:
                raise TryLater("too many transfers are being prepared", code="transfer.busy", hint="Ask again.")
            future = self._preparing[job] = Future[bytes]()
        Thread(target=_run, args=(future, make), name="departure", daemon=True).start()
        return future

    def _forget(self, job: tuple[bytes, ...], future: Future[bytes]) -> None:
        with self._lock:
            if self._preparing.get(job) is future:
                del self._preparing[job]


def _run(future: Future[bytes], make: Callable[[], bytes]) -> None:
    try:
        future.set_result(make())
    except CyberPrivacyError as error:
        future.set_exception(error)
    except Exception as error:  # noqa: BLE001  # the edge of a thread; whoever waits has it raised
        _log.exception("preparing a transfer failed")
        future.set_exception(error)
