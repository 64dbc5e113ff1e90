"""How a grant ends by its person's signed words: at its source, and at its recipient.

At the source nobody gets anything more; if the words say "erase", the recipient is ordered to. At the recipient
nothing more comes in, and what came goes, by key and row: an erasure like any other, with the vault's receipt
at its end. Source: docs/spec/udi-1.md, "Erasing at recipients".
"""

from sqlalchemy import Connection, delete, update

from cyberprivacy.vault import erasing, orders
from cyberprivacy.vault.carriage import SignedRevoke
from cyberprivacy.vault.erasing import Job, Scope, What
from cyberprivacy.vault.followings import State
from cyberprivacy.vault.grantbook import GrantBook, GrantGone
from cyberprivacy.vault.revoking import check_recall, check_revoke
from cyberprivacy.vault.sharing import Sharing
from cyberprivacy.vault.tables import FOLLOWED, FOLLOWINGS


def revoke(sharing: Sharing, document: bytes) -> bytes:
    """Take a grant back by the person's signed words, at either end of it; its id.

    Raises:
        CyberPrivacyError: see `revoking.check_revoke`.
    """
    said, now = SignedRevoke.decode(document).revoke, int(sharing.clock())
    owner, states = sharing.owner(said.subject), sharing.accounts.history(said.subject)
    with sharing.database.reading() as connection:  # a chain may be asked: not while others wait for this to end
        book = GrantBook(connection, owner)
        check_revoke(document, sharing.place(connection), states=states, memory=book, now=sharing.clock())
    with sharing.database.transaction() as connection:
        book = GrantBook(connection, owner)
        signed = check_revoke(document, sharing.place(connection), states=states, memory=book, now=sharing.clock())
        book.revoke(signed, sharing.clock())
        held = book.find(said.grant)
        if held is not None and held.grant.recipient == sharing.own.party(owner):
            _stop(connection, owner, said.grant, now)
            if said.erase:
                _erase(sharing, connection, owner, said.grant, now)
        elif held is not None and said.erase:
            orders.order(connection, owner, held.grant, signed, now=now)
    sharing.taken_back.add(said.grant)
    return said.grant


def recall(sharing: Sharing, document: bytes) -> Job:
    """Begin to erase what came here under a grant; the same grant again is answered with the same erasure.

    Whoever brings the words does not matter, nor how old they are: they are the person's.

    Raises:
        GrantGone: no such grant came here ("grant.unknown").
        CyberPrivacyError: see `revoking.check_recall`.
    """
    signed = SignedRevoke.decode(document)
    said, now = signed.revoke, int(sharing.clock())
    owner, states = sharing.owner(said.subject), sharing.accounts.history(said.subject)
    check_recall(signed, sharing.schema, sharing.judge, states=states, now=now)
    with sharing.database.transaction() as connection:
        book = GrantBook(connection, owner)
        held = book.held(said.grant)
        if held.grant.recipient != sharing.own.party(owner):
            raise GrantGone("nothing came here under this grant", grant=said.grant.hex())
        if not held.revoked:
            book.end(signed, now)
        _stop(connection, owner, said.grant, now)
        job = _erase(sharing, connection, owner, said.grant, now)
    sharing.taken_back.add(said.grant)
    return job


def _stop(connection: Connection, owner: bytes, grant: bytes, now: int) -> None:
    """Nothing more comes in under the grant, whatever the source still says."""
    ended = {"state": State.ENDED.value, "why": "grant.revoked", "heard": now}
    mine = (FOLLOWINGS.c.owner == owner, FOLLOWINGS.c.grant == grant)
    connection.execute(update(FOLLOWINGS).where(*mine).values(**ended))


def _erase(sharing: Sharing, connection: Connection, owner: bytes, grant: bytes, now: int) -> Job:
    """What came under the grant goes, once; a transfer under it is undone and forgotten."""
    scope = Scope(What.GRANT, grant.hex())
    known = erasing.latest(connection, owner, scope)
    if known is not None:
        return known
    job = erasing.ask(connection, owner, scope, now=now)
    sharing.erase(connection, owner, grant)
    connection.execute(delete(FOLLOWED).where(FOLLOWED.c.owner == owner, FOLLOWED.c.grant == grant))
    return erasing.find(connection, job)
