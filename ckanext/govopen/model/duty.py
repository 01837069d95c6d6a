"""Duties in the database: who holds which duty in which organisation."""

from __future__ import annotations

import datetime
import uuid
from collections.abc import Iterable
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan.types import AlchemySession
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.govopen.domain import duty as rules
from ckanext.govopen.domain.event import Event

__all__ = ["DutyRow", "concerned", "find", "held_by", "in_force", "lock", "project", "to_rule"]


class DutyRow(tk.BaseModel):
    """One duty of one person in one organisation; taking a duty deletes the row.

    Times carry their zone (UTC). ``deputy_for`` is the id of the user whose place the holder
    takes; ``since`` the beginning when it lies ahead, ``until`` the end, None for none. No foreign
    keys: what a purge of a user or an organisation leaves behind gives nobody a right, since both
    are looked up by id.
    """

    __tablename__ = "govopen_duty"
    __table_args__ = (
        sa.Index(
            "govopen_duty_holder",
            "user_id",
            "organization_id",
            "duty",
            sa.text("coalesce(deputy_for, '')"),
            unique=True,
        ),
        sa.Index("govopen_duty_organization", "organization_id", "duty"),
    )

    id: Mapped[str] = mapped_column(
        sa.UnicodeText, primary_key=True, default=lambda: str(uuid.uuid4())
    )
    user_id: Mapped[str] = mapped_column(sa.UnicodeText)
    organization_id: Mapped[str] = mapped_column(sa.UnicodeText)
    duty: Mapped[str] = mapped_column(sa.UnicodeText)
    deputy_for: Mapped[str | None] = mapped_column(sa.UnicodeText)
    since: Mapped[datetime.datetime | None] = mapped_column(sa.DateTime(timezone=True))
    until: Mapped[datetime.datetime | None] = mapped_column(sa.DateTime(timezone=True))
    given_by: Mapped[str | None] = mapped_column(sa.UnicodeText)
    given_at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))


def to_rule(row: DutyRow) -> rules.DutyRow:
    """The row as the rules know it. A duty that the rules do not know raises ValueError."""
    return rules.DutyRow(
        user=row.user_id,
        organization=row.organization_id,
        duty=rules.Duty(row.duty),
        deputy_for=row.deputy_for,
        since=row.since,
        until=row.until,
    )


def find(
    session: AlchemySession, user_id: str | None = None, organization_id: str | None = None
) -> list[DutyRow]:
    """Rows of a person, of an organisation, or all of them; in a steady order."""
    query = sa.select(DutyRow)
    if user_id is not None:
        query = query.where(DutyRow.user_id == user_id)
    if organization_id is not None:
        query = query.where(DutyRow.organization_id == organization_id)
    return list(
        session.scalars(
            query.order_by(DutyRow.organization_id, DutyRow.duty, DutyRow.given_at, DutyRow.id)
        )
    )


def in_force(table: Any, now: datetime.datetime) -> sa.ColumnElement[bool]:
    """The condition that a row gives its duty at ``now``; the same rule as ``domain.duty``.

    A deputy counts only while the person he stands in for still holds the duty himself.
    """

    def lasts(rows: Any) -> sa.ColumnElement[bool]:
        return sa.and_(
            sa.or_(rows.c.since.is_(None), rows.c.since <= now),
            sa.or_(rows.c.until.is_(None), rows.c.until > now),
        )

    principal = DutyRow.__table__.alias("principal")
    held = sa.exists().where(
        principal.c.user_id == table.c.deputy_for,
        principal.c.organization_id == table.c.organization_id,
        principal.c.duty == table.c.duty,
        principal.c.deputy_for.is_(None),
        lasts(principal),
    )
    return sa.and_(lasts(table), sa.or_(table.c.deputy_for.is_(None), held))


def offices(session: AlchemySession, duty: str, now: datetime.datetime) -> frozenset[str]:
    """Ids of the organisations in which somebody holds this duty at ``now``."""
    table = DutyRow.__table__
    return frozenset(
        session.execute(
            sa.select(table.c.organization_id)
            .distinct()
            .where(table.c.duty == duty, in_force(table, now))
        ).scalars()
    )


def lock(session: AlchemySession) -> None:
    """Lets one decision on duties at a time through, until the end of the transaction."""
    session.execute(sa.select(sa.func.pg_advisory_xact_lock(sa.func.hashtext("govopen_duty"))))


def concerned(session: AlchemySession, user_ids: Iterable[str]) -> list[DutyRow]:
    """Rows of these people and of those who stand in for them."""
    ids = list(user_ids)
    return list(
        session.scalars(
            sa.select(DutyRow).where(sa.or_(DutyRow.user_id.in_(ids), DutyRow.deputy_for.in_(ids)))
        )
    )


def held_by(
    session: AlchemySession, user_id: str, now: datetime.datetime
) -> frozenset[tuple[str, str]]:
    """(organisation id, duty) pairs of a person in force at ``now``, deputies included."""
    principals = sa.select(DutyRow.deputy_for).where(
        DutyRow.user_id == user_id, DutyRow.deputy_for.is_not(None)
    )
    rows = session.scalars(
        sa.select(DutyRow).where(
            sa.or_(DutyRow.user_id == user_id, DutyRow.user_id.in_(principals))
        )
    )
    return rules.duties_of([to_rule(row) for row in rows], user_id, now)


def project(
    session: AlchemySession, event: Event, given_by: str | None, now: datetime.datetime
) -> DutyRow | None:
    """Brings the table up to an event ``duty.given`` or ``duty.taken``; the row that is left.

    A duty that has run out may be given again: its old row goes.
    """
    payload = event.payload
    session.execute(
        sa.delete(DutyRow).where(
            DutyRow.user_id == payload["user"],
            DutyRow.organization_id == payload["organization"],
            DutyRow.duty == payload["duty"],
            sa.func.coalesce(DutyRow.deputy_for, "") == (payload["deputy_for"] or ""),
        )
    )
    if event.type != "duty.given":
        return None
    row = DutyRow(
        id=str(uuid.uuid4()),
        user_id=payload["user"],
        organization_id=payload["organization"],
        duty=payload["duty"],
        deputy_for=payload["deputy_for"],
        since=_moment(payload["since"]),
        until=_moment(payload["until"]),
        given_by=given_by,
        given_at=now,
    )
    session.add(row)
    session.flush()
    return row


def _moment(value: str | None) -> datetime.datetime | None:
    return datetime.datetime.fromisoformat(value) if value else None
