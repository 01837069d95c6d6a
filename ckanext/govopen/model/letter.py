"""Decision letters in the database: what went out, under which number."""

from __future__ import annotations

import datetime
from typing import Any

import sqlalchemy as sa
from ckan.plugins import toolkit
from ckan.types import AlchemySession
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

__all__ = ["LetterRow", "get", "of_case"]


class LetterRow(toolkit.BaseModel):
    """One letter. ``facts`` is what was hashed into the ledger: it does not change any more."""

    __tablename__ = "govopen_letter"
    __table_args__ = (sa.Index("govopen_letter_case", "application_id"),)

    number: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    application_id: Mapped[str] = mapped_column(sa.UnicodeText)
    organization_id: Mapped[str] = mapped_column(sa.UnicodeText)
    kind: Mapped[str] = mapped_column(sa.UnicodeText)
    facts: Mapped[dict[str, Any]] = mapped_column(JSONB)
    sha256: Mapped[str] = mapped_column(sa.UnicodeText)
    issued_at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    delivered_at: Mapped[datetime.datetime | None] = mapped_column(sa.DateTime(timezone=True))


def of_case(session: AlchemySession, application: str) -> list[LetterRow]:
    """The letters of a case, the oldest first."""
    return list(
        session.scalars(
            sa.select(LetterRow)
            .where(LetterRow.application_id == application)
            .order_by(LetterRow.issued_at, LetterRow.number)
        )
    )


def get(session: AlchemySession, number: str) -> LetterRow | None:
    """One letter by its number."""
    return session.get(LetterRow, number)
