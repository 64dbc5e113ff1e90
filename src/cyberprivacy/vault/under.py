"""Which records came from elsewhere under a grant, by following or by a transfer: those that go with it."""

from sqlalchemy import Connection, select

from cyberprivacy.vault.tables import FOLLOWED, FOLLOWINGS, TRANSFER_TAKEN, TRANSFERS_IN


def records(connection: Connection, owner: bytes, grant: bytes) -> list[bytes]:
    """Their ids, in order, less those that came under another grant that still brings records."""
    followed = select(FOLLOWED.c.record).where(FOLLOWED.c.owner == owner, FOLLOWED.c.grant == grant)
    living = select(FOLLOWINGS.c.grant).where(
        FOLLOWINGS.c.owner == owner, FOLLOWINGS.c.grant != grant, FOLLOWINGS.c.state != "ended"
    )
    kept = select(FOLLOWED.c.record).where(FOLLOWED.c.owner == owner, FOLLOWED.c.grant.in_(living))
    came = {*connection.execute(followed).scalars()} - {*connection.execute(kept).scalars()}
    moved = (
        select(TRANSFER_TAKEN.c.records)
        .join(
            TRANSFERS_IN,
            (TRANSFERS_IN.c.owner == TRANSFER_TAKEN.c.owner) & (TRANSFERS_IN.c.id == TRANSFER_TAKEN.c.transfer),
        )
        .where(TRANSFERS_IN.c.owner == owner, TRANSFERS_IN.c.grant == grant)
    )
    for ids in connection.execute(moved).scalars():
        came |= {ids[at : at + 16] for at in range(0, len(ids), 16)}
    return sorted(came)
