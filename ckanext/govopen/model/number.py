"""Running numbers of cases and letters: one row for each kind and year."""

from __future__ import annotations

import sqlalchemy as sa
from ckan.plugins import toolkit
from ckan.types import AlchemySession
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

__all__ = ["NumberRow", "take"]


class NumberRow(toolkit.BaseModel):
    """The last number that was given out in a year."""

    __tablename__ = "govopen_number"

    kind: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    year: Mapped[int] = mapped_column(sa.Integer, primary_key=True)
    last: Mapped[int] = mapped_column(sa.Integer)


def take(session: AlchemySession, kind: str, year: int, prefix: str) -> str:
    """The next number of a year, such as ``GK2026-000017``; nobody else gets it.

    It counts up within the caller's transaction: others who want one wait for its end.
    """
    table = NumberRow.__table__
    statement = insert(table).values(kind=kind, year=year, last=1)
    statement = statement.on_conflict_do_update(
        index_elements=["kind", "year"], set_={"last": table.c.last + 1}
    ).returning(table.c.last)
    return f"{prefix}{year}-{session.execute(statement).scalar_one():06d}"
