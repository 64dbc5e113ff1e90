"""A person orders a transfer to here: their signed grant says what, their session says from where.

Whoever gives the address could have this vault knock at doors behind its own wall: it goes to public addresses by
https, and beside them only to sources that its operator named. A vault on its own machine's loopback address, for
development, goes to others there.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

from cyberprivacy.errors import Misuse
from cyberprivacy.vault import owners, poke
from cyberprivacy.vault.carriage import SignedGrant
from cyberprivacy.vault.changing import Quota
from cyberprivacy.vault.grant import Mode
from cyberprivacy.vault.key import Key, Kind
from cyberprivacy.vault.keystore import KeyStore
from cyberprivacy.vault.owners import NoOwner
from cyberprivacy.vault.place import Place, Site
from cyberprivacy.vault.sharing import Sharing
from cyberprivacy.vault.transfer.arrivals import Arrival, Arrivals


class BadOrder(Misuse):
    """This cannot be ordered here."""

    code = "transfer.order"
    hint = "Order a copy or a move at the application that is to have the records."


@dataclass(frozen=True, slots=True)
class Offered:
    """What a source has of one type: schema is the SHA-256 of the type's, 32 bytes."""

    data_type: str
    schema: bytes
    records: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Ordering:
    """Takes orders.

    Attributes:
        place: where this is, and which sources its operator named.
        quota: of one owner.
    """

    sharing: Sharing
    arrivals: Arrivals
    store: KeyStore
    place: Place
    quota: Quota = field(default_factory=Quota)

    def order(self, account: bytes, document: bytes, *, source: str, holder: str) -> tuple[bytes, bytes]:
        """Begin to bring something here; the same document again is the same transfer. Owner and transfer.

        Args:
            account: of the person who asks, 32 bytes.
            document: a signed grant.
            source: site of the vault that holds the records.
            holder: the key that it shows, kind:hex.

        Raises:
            BadOrder: the grant is another person's ("transfer.subject"), for another place ("transfer.order") or a
                standing one ("transfer.mode"); the key is of another kind ("transfer.holder"); the source is not
                to be asked ("transfer.source").
            CyberPrivacyError: see `granting.admit` and `Arrivals.order`.
        """
        grant, key = SignedGrant.decode(document).grant, Key.parse(holder)
        if grant.subject != account:
            raise BadOrder("this grant is another person's", code="transfer.subject")
        if key.kind is not Kind.DEVICE:
            raise BadOrder("not a key of a vault", code="transfer.holder", hint="ed25519-device:…")
        if grant.mode is Mode.STANDING:
            raise BadOrder("a standing grant is followed, not ordered", code="transfer.mode")
        owner, own, site = self.sharing.owner(account), self.sharing.own, Site.parse(source)
        if grant.recipient != own.party(owner):
            raise BadOrder("this grant is for another place", app=grant.recipient.app)
        self._check(site)
        now = self.sharing.clock()
        with self.sharing.database.reading() as connection:  # a chain may be asked, which takes its time
            known = self.arrivals.under(connection, owner, document)
            if known is not None:
                return owner, known
            self.sharing.signed(connection, document, owner)
        with self.sharing.database.transaction() as connection:
            owners.admit(connection, self.store, owner, account=account, app=own.app, now=int(now))
            known = self.arrivals.under(connection, owner, document)
            if known is not None:
                return owner, known
            self.sharing.receive(connection, document, owner)
            made = self.arrivals.order(connection, owner, document, source=site.uri, holder=key.material, now=now)
        return owner, made

    def check(self, arrival: Arrival) -> None:
        """Refuse unless the source of an order may be asked now; raises BadOrder, TryLater."""
        self._check(Site.parse(arrival.source))

    def dry(self, account: bytes, offered: Sequence[Offered]) -> tuple[Sequence[tuple[str, str]], str]:
        """Each type with the reason why it would not be taken ("" = it would), and why all of it would not fit."""
        owner, allowed = self.sharing.owner(account), self.sharing.own.policy.declared.types
        with self.sharing.database.reading() as connection:
            types = self.sharing.described(connection)
            try:
                held = owners.look(connection, owner)
                records, size = held.records, held.bytes
            except NoOwner:  # nothing is kept of them here yet
                records = size = 0
        codes = []
        for each in offered:
            known = types.get(each.data_type)
            code = "consent.type" if known is None else "" if known.schema == each.schema else "consent.schema"
            if not code and each.data_type not in allowed:
                code = "recipient.type"
            codes.append((each.data_type, code))
            records += 0 if code else each.records
            size += 0 if code else each.bytes
        full = (
            "quota.records" if records > self.quota.records else "quota.bytes" if size > self.quota.bytes else ""
        )
        return codes, full

    def _check(self, site: Site) -> None:
        if site in self.place.sources.values():
            return
        if self.place.site.local and site.local:
            return
        try:
            poke.target(site.uri)
        except poke.NoListener:
            raise BadOrder(
                "records are not fetched from such an address",
                code="transfer.source",
                hint="A source has a public address, by https; or the operator of this vault names it.",
                source=site.uri,
            ) from None
