"""What all tables are made of."""

from typing import Final

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, MetaData

METADATA: Final = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def id_(name: str, size: int = 32, *, key: bool = False, null: bool = False) -> Column[bytes]:
    """An id or a digest, of 32 bytes unless it says otherwise."""
    return Column(name, LargeBinary(size), primary_key=key, nullable=null)


def whole(name: str, *, key: bool = False, null: bool = False) -> Column[int]:
    """A whole number; a time is POSIX seconds."""
    return Column(name, BigInteger, primary_key=key, nullable=null, autoincrement=False)


def owned() -> Column[bytes]:
    """The first part of a primary key: rows go when their owner goes."""
    return Column("owner", LargeBinary(32), ForeignKey("owners.id", ondelete="CASCADE"), primary_key=True)
