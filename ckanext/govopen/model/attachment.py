"""Private files of applications: which bytes belong to which case."""

from __future__ import annotations

import datetime
import uuid

import sqlalchemy as sa
from ckan.plugins import toolkit
from ckan.types import AlchemySession
from sqlalchemy.orm import Mapped, mapped_column

__all__ = ["AttachmentRow", "digests", "get", "of_case"]


class AttachmentRow(toolkit.BaseModel):
    """One file. ``removed_at``: taken out of the draft; it stays with the revisions that were
    handed in with it. ``note`` says what it is."""

    __tablename__ = "govopen_attachment"
    __table_args__ = (
        sa.Index("govopen_attachment_case", "application_id"),
        sa.Index("govopen_attachment_sha256", "sha256"),
    )

    id: Mapped[str] = mapped_column(
        sa.UnicodeText, primary_key=True, default=lambda: str(uuid.uuid4())
    )
    application_id: Mapped[str] = mapped_column(sa.UnicodeText)
    user_id: Mapped[str] = mapped_column(sa.UnicodeText)
    name: Mapped[str] = mapped_column(sa.UnicodeText)
    sha256: Mapped[str] = mapped_column(sa.UnicodeText)
    size: Mapped[int] = mapped_column(sa.BigInteger)
    media_type: Mapped[str] = mapped_column(sa.UnicodeText)
    note: Mapped[str] = mapped_column(sa.UnicodeText, default="", server_default="")
    added_at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    removed_at: Mapped[datetime.datetime | None] = mapped_column(sa.DateTime(timezone=True))


def of_case(
    session: AlchemySession, application: str, removed: bool = False
) -> list[AttachmentRow]:
    """The files of a case in the order in which they came; with ``removed`` all there ever were."""
    query = sa.select(AttachmentRow).where(AttachmentRow.application_id == application)
    if not removed:
        query = query.where(AttachmentRow.removed_at.is_(None))
    return list(session.scalars(query.order_by(AttachmentRow.added_at, AttachmentRow.id)))


def get(session: AlchemySession, attachment: str) -> AttachmentRow | None:
    """One file by its id."""
    return session.get(AttachmentRow, attachment)


def digests(session: AlchemySession) -> set[str]:
    """The digests that cases name: their bytes are not collected."""
    return set(session.scalars(sa.select(AttachmentRow.sha256).distinct()))
