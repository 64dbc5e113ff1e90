"""The source's side of a grant: take it in, take it back, and let its recipient read and listen while it counts.

A recipient is whoever holds the key that the grant was registered with. Under a policy that asks for evidence,
that is the key that the evidence vouches for (`proven`); where nobody can judge it, such a grant is refused.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from sqlalchemy import Connection, insert, select

from cyberprivacy import strict_json
from cyberprivacy.typed_data import Schema
from cyberprivacy.vault import servicetoken
from cyberprivacy.vault.accounts import Accounts, secret_of
from cyberprivacy.vault.carriage import SignedGrant
from cyberprivacy.vault.changing import NoRecord
from cyberprivacy.vault.database import Database
from cyberprivacy.vault.described import Described, described
from cyberprivacy.vault.events import Feed
from cyberprivacy.vault.grant import Grant
from cyberprivacy.vault.grantbook import Access, GrantBook, GrantGone
from cyberprivacy.vault.granting import (
    GrantRefused,
    Place,
    Registered,
    admit,
    check_signed,
    check_still,
    check_use,
)
from cyberprivacy.vault.home import Own
from cyberprivacy.vault.key import Judge, Kind
from cyberprivacy.vault.pairwise import pairwise
from cyberprivacy.vault.proven import Peer, Recipients
from cyberprivacy.vault.recipient import Presented, ReleasePolicy
from cyberprivacy.vault.records import Record, Records
from cyberprivacy.vault.scope import Action, Scope
from cyberprivacy.vault.servicetoken import Token
from cyberprivacy.vault.tables import SHARINGS
from cyberprivacy.vault.types import Types


@dataclass(frozen=True, slots=True)
class Shared:
    """A grant in use: whose records (pairwise, 32 bytes), which grant, who gets them, and by which part of it."""

    owner: bytes
    grant: bytes
    peer: Peer
    token: Token | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Sharing:
    """The grants of one application's people."""

    database: Database
    records: Records
    types: Types
    accounts: Accounts
    judge: Judge
    schema: Schema
    own: Own
    clock: Callable[[], float]
    erase: Callable[[Connection, bytes, bytes], object]
    """Erases what came here under a grant (owner, its id), when its person takes it back and wants it so."""
    recipients: Recipients
    taken_back: set[bytes] = field(default_factory=set)
    """Grants that ended while this process ran: their streams are closed at once, not at the next look."""

    def register(self, document: bytes, peer: Peer) -> Grant:
        """Take a grant in for a recipient; the same one again for the same recipient is answered as before.

        Raises:
            CyberPrivacyError: the first check that fails, see `granting.admit`; or the recipient does not prove
                itself, see `proven.Recipients`.
        """
        grant = SignedGrant.decode(document).grant
        owner = self.owner(grant.subject)
        with self.database.reading() as connection:
            if self._registered(connection, owner, grant, peer):
                return grant
            # Nobody is asked anything for what no person has signed, and a chain not within a transaction.
            self.signed(connection, document, owner)
        self.recipients.meet(peer)
        with self.database.transaction() as connection:
            if not self._registered(connection, owner, grant, peer):
                self.admit(connection, document, owner, self.recipients.presented(peer, grant.recipient))
                row = {"holder": _text(peer.holder), "policy": peer.policy.encode(), "site": peer.site or None}
                connection.execute(insert(SHARINGS).values(owner=owner, grant=grant.id, **row))
        return grant

    def receive(self, connection: Connection, document: bytes, owner: bytes) -> Grant:
        """Check a grant of which this application is the recipient, and keep it.

        Raises:
            CyberPrivacyError: see `granting.admit`.
        """
        return self.admit(connection, document, owner, self._ourselves)

    @property
    def _ourselves(self) -> Presented:
        own = self.own
        return Presented(own.policy, own.cluster, own.policy.declared, None, ourselves=True)

    def admit(self, connection: Connection, document: bytes, owner: bytes, found: Presented) -> Grant:
        """Check a grant of an owner's account at whose recipient this was found, and keep it.

        Raises:
            CyberPrivacyError: see `granting.admit`.
        """
        signed, book = SignedGrant.decode(document), GrantBook(connection, owner)
        admitted = admit(
            document,
            self.place(connection),
            here=self.own.party(owner),
            states=self.accounts.history(signed.grant.subject),
            memory=book,
            found=found,
            now=self.clock(),
        )
        book.register(admitted)
        return signed.grant

    def signed(self, connection: Connection, document: bytes, owner: bytes) -> None:
        """What `admit` checks before it looks at the recipient: all that a chain may have to be asked for."""
        signed = SignedGrant.decode(document)
        check_signed(
            signed,
            self.place(connection),
            here=self.own.party(owner),
            states=self.accounts.history(signed.grant.subject),
            memory=GrantBook(connection, owner),
            now=self.clock(),
        )

    def place(self, connection: Connection) -> Place:
        """Where this is, for checks."""
        return Place(schema=self.schema, judge=self.judge, types=self.described(connection))

    def asked(self, grant: bytes, holder: bytes) -> Shared:
        """The grant that the holder of a device key (32 bytes) uses.

        Raises:
            GrantGone: none was registered with this key; whether there is one is not told.
        """
        with self.database.reading() as connection:
            row = connection.execute(
                select(SHARINGS).where(SHARINGS.c.grant == grant, SHARINGS.c.holder == _text(holder))
            ).first()
        if row is None:
            raise GrantGone("no such grant for this key", grant=grant.hex())
        peer = Peer(ReleasePolicy.decode(row.policy), holder, row.site or "")
        return Shared(row.owner, row.grant, peer)

    def served(self, grant: bytes, holder: bytes, signed: bytes) -> Shared:
        """The part of a grant that the holder of a device key (32 bytes) uses for its recipient, by a token.

        Raises:
            GrantGone: there is no such grant.
            Untrusted: the token does not count here; see `servicetoken.check`.
        """
        with self.database.reading() as connection:
            row = connection.execute(select(SHARINGS).where(SHARINGS.c.grant == grant)).first()
            if row is None:
                raise GrantGone("no such grant for this key", grant=grant.hex())
            held = GrantBook(connection, row.owner).held(grant)
        issuer = bytes.fromhex(row.holder.rpartition(":")[2])
        token = servicetoken.check(signed, held.grant, issuer=issuer, holder=holder, now=self.clock())
        return Shared(row.owner, row.grant, Peer(ReleasePolicy.decode(row.policy), issuer, row.site or ""), token)

    def feed(self, shared: Shared) -> Feed:
        """The events that a grant lets its recipient hear of."""
        return Feed(
            self.database, self.records, shared.owner, lambda connection: self.listening(connection, shared)
        )

    def listening(self, connection: Connection, shared: Shared) -> Sequence[Scope]:
        """The scopes of which a grant's recipient is told of changes now.

        Raises:
            Untrusted: the grant does not count now; see `granting.check_use`.
        """
        held = GrantBook(connection, shared.owner).held(shared.grant)
        scopes = held.grant.scopes if shared.token is None else shared.token.scopes
        kinds = sorted({s.data_type for s in scopes if Action.SUBSCRIBE in s.actions})
        if not kinds:
            raise GrantRefused("it does not let anybody listen", code="grant.scope", action=Action.SUBSCRIBE.value)
        return [s for kind in kinds for s in self._scopes(held, Action.SUBSCRIBE, kind, shared)]

    def still(self, connection: Connection, shared: Shared) -> Grant:
        """The grant, if what was begun under it may go on.

        Raises:
            Untrusted: it may not; see `granting.check_still`.
        """
        held = GrantBook(connection, shared.owner).held(shared.grant)
        state = self.accounts.state(held.grant.subject)
        found = self.recipients.presented(shared.peer, held.grant.recipient)
        check_still(held, state=state, found=found, now=self.clock())
        return held.grant

    def goes_on(self, connection: Connection, owner: bytes, grant: bytes) -> None:
        """Refuse to take anything more in under a grant of which this application is the recipient; as `still`."""
        held = GrantBook(connection, owner).held(grant)
        state = self.accounts.state(held.grant.subject)
        check_still(held, state=state, found=self._ourselves, now=self.clock())

    def read(self, shared: Shared, record: bytes) -> Record:
        """One record, under a grant; the person can see that it was read.

        Raises:
            NoRecord: none of this id, or none that the grant selects.
            Untrusted: the grant does not count now; see `granting.check_use`.
        """
        with self.database.transaction() as connection:
            book = GrantBook(connection, shared.owner)
            held, found = (
                book.held(shared.grant),
                self.records.read(connection, shared.owner, record),
            )
            scopes = self._scopes(held, Action.READ, found.type, shared)
            value = strict_json.read(found.body, limit=len(found.body))
            if not any(each.selector.matches(value, found.changed) for each in scopes):
                raise NoRecord("no such record", record=record.hex())
            who, now = held.grant.recipient.app, int(self.clock())
            book.use(held, Access(who, shared.grant, Action.READ, found.type, 1, now))
        return found

    def _scopes(self, held: Registered, action: Action, kind: str, shared: Shared) -> Sequence[Scope]:
        state = self.accounts.state(held.grant.subject)
        found = self.recipients.presented(shared.peer, held.grant.recipient)
        scopes = check_use(held, action, kind, state=state, found=found, now=self.clock())
        return scopes if shared.token is None else servicetoken.part(shared.token, action, kind, now=self.clock())

    def owner(self, account: bytes) -> bytes:
        """An account as this application knows it, 32 bytes; raises NoAccount."""
        with self.database.reading() as connection:
            return pairwise(secret_of(connection, account), self.own.app)

    def described(self, connection: Connection) -> dict[str, Described]:
        """The types that are declared here, in people's words, by name."""
        names = self.types.names(connection)
        return {name: described(self.types.get(connection, name).type) for name in names}

    def _registered(self, connection: Connection, owner: bytes, grant: Grant, peer: Peer) -> bool:
        """Whether this very grant was registered for this holder."""
        holder = _text(peer.holder)
        mine = (SHARINGS.c.owner == owner, SHARINGS.c.grant == grant.id, SHARINGS.c.holder == holder)
        if connection.execute(select(SHARINGS.c.grant).where(*mine)).first() is None:
            return False
        return GrantBook(connection, owner).held(grant.id).grant == grant


def _text(holder: bytes) -> str:
    return f"{Kind.DEVICE.value}:{holder.hex()}"
