"""Standing approvals in the database: live data that may be delivered without a review each."""

from __future__ import annotations

import datetime
import uuid
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.govopen.domain.standing import Column, Standing

__all__ = ["StandingRow", "in_force", "rule_state"]


class StandingRow(tk.BaseModel):
    """One standing approval. Rows stay for ever; taking one sets ``ended_at``.

    ``fields`` is the approved schema, a list of ``{"id": column, "type": DataStore type}``;
    ``source`` says who delivers (the name of a user). Times carry their zone (UTC).
    """

    __tablename__ = "govopen_standing"
    __table_args__ = (sa.Index("govopen_standing_resource", "resource_id", "ended_at"),)

    id: Mapped[str] = mapped_column(
        sa.UnicodeText, primary_key=True, default=lambda: str(uuid.uuid4())
    )
    resource_id: Mapped[str] = mapped_column(sa.UnicodeText)
    package_id: Mapped[str] = mapped_column(sa.UnicodeText)
    fields: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    source: Mapped[str] = mapped_column(sa.UnicodeText)
    until: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    reason: Mapped[str] = mapped_column(sa.UnicodeText, default="")
    given_by: Mapped[str | None] = mapped_column(sa.UnicodeText)
    given_at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    ended_at: Mapped[datetime.datetime | None] = mapped_column(sa.DateTime(timezone=True))


def in_force(session: Any, resource_id: str) -> StandingRow | None:
    """The standing approval of a resource that was not taken back, expired or not."""
    return session.scalars(
        sa.select(StandingRow)
        .where(StandingRow.resource_id == resource_id, StandingRow.ended_at.is_(None))
        .order_by(StandingRow.given_at.desc())
        .limit(1)
    ).first()


def find(session: Any, package_id: str | None, resource_id: str | None) -> list[StandingRow]:
    """All standing approvals of a dataset or a resource, ended ones too, newest first."""
    query = sa.select(StandingRow).order_by(StandingRow.given_at.desc())
    if package_id is not None:
        query = query.where(StandingRow.package_id == package_id)
    if resource_id is not None:
        query = query.where(StandingRow.resource_id == resource_id)
    return list(session.scalars(query))


def rule_state(row: StandingRow, organization_id: str) -> Standing:
    """The row as the rules know it."""
    return Standing(
        dataset=row.package_id,
        organization=organization_id,
        resource=row.resource_id,
        columns=tuple(Column(field["id"], field["type"]) for field in row.fields),
        source=row.source,
        since=row.given_at,
        until=row.until,
        state="active" if row.ended_at is None else "taken",
    )
