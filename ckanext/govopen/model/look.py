"""Looks: who of the staff has read the personal data of an applicant, when, and in which capacity.

Neither the ledger nor the access log of grants: nobody outside reads it, and what it names is
itself about people. Who looked stands under his number of the ledger, which can be unlinked.
"""

from __future__ import annotations

import datetime
from collections.abc import Mapping, Sequence
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan.types import AlchemySession
from sqlalchemy.orm import Mapped, mapped_column

__all__ = ["LookRow", "add", "add_unless_recent", "find", "forget_before"]

#: What is read again within this time is one look with a higher number of times.
ONE_LOOK = datetime.timedelta(minutes=10)
#: Columns in which one look and the same again agree: above all, whose data it was.
_SAME = (
    "subject_id",
    "application_id",
    "grant_id",
    "actor",
    "what",
    "capacity",
    "organization_id",
    "status",
)


class LookRow(tk.BaseModel):
    """One look at what names the applicant of a case, or a person who uses a grant.

    ``subject_id`` is whose data it was: what names several people is one row for each of them.
    ``application_id`` is empty for what belongs to no single case: the record of who somebody is,
    and a grant that was given by hand. ``grant_id`` is the grant of which was read who uses it, and
    empty for what belongs to a case. ``what`` is the paper that was read, ``capacity`` the duty
    by which, ``organization_id`` where he holds it (None: for the portal as a whole), ``status``
    how the case stood there. ``at`` and ``last_at`` are the first and the last time, with their
    zone (UTC).
    """

    __tablename__ = "govopen_look"
    __table_args__ = (
        sa.Index("govopen_look_application", "application_id", "last_at"),
        sa.Index("govopen_look_actor", "actor", "last_at"),
        sa.Index("govopen_look_subject", "subject_id", "last_at"),
        sa.Index("govopen_look_at", "last_at"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    last_at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    times: Mapped[int] = mapped_column(sa.Integer, default=1)
    application_id: Mapped[str] = mapped_column(sa.UnicodeText)
    grant_id: Mapped[str] = mapped_column(sa.UnicodeText, server_default="")
    subject_id: Mapped[str] = mapped_column(sa.UnicodeText)
    actor: Mapped[int] = mapped_column(sa.BigInteger)
    what: Mapped[str] = mapped_column(sa.UnicodeText)
    capacity: Mapped[str] = mapped_column(sa.UnicodeText)
    organization_id: Mapped[str | None] = mapped_column(sa.UnicodeText)
    status: Mapped[str] = mapped_column(sa.UnicodeText)


_TABLE: sa.Table = LookRow.__table__  # pyright: ignore[reportAssignmentType]


def add(session: AlchemySession, now: datetime.datetime, many: Sequence[Mapping[str, Any]]) -> None:
    """Writes looks down, or counts each to the same one a moment ago; commits nothing.

    ``many`` hold the columns of the table but for the times. However many there are, it takes at
    most three statements; what stands in ``many`` twice is one look.
    """
    wanted = {tuple(one[name] for name in _SAME): one for one in many}
    if not wanted:
        return
    known = (
        sa.select(_TABLE.c.id, *(_TABLE.c[name] for name in _SAME))
        .where(
            _TABLE.c.actor.in_({one["actor"] for one in many}),
            _TABLE.c.subject_id.in_({one["subject_id"] for one in many}),
            _TABLE.c.last_at > now - ONE_LOOK,
            _TABLE.c.at > now - ONE_LOOK,
            _TABLE.c.at <= now,
        )
        # In one order, so that two pages opened at once do not wait for each other.
        .order_by(_TABLE.c.id)
        .with_for_update()
    )
    again = {tuple(row[1:]): row[0] for row in session.execute(known)}
    seen = [again[key] for key in wanted if key in again]
    if seen:
        session.execute(
            sa.update(_TABLE)
            .where(_TABLE.c.id.in_(seen))
            .values(times=_TABLE.c.times + 1, last_at=now)
        )
    new = [
        {**one, "at": now, "last_at": now, "times": 1}
        for key, one in wanted.items()
        if key not in again
    ]
    if new:
        session.execute(sa.insert(_TABLE), new)


def add_unless_recent(
    session: AlchemySession, now: datetime.datetime, many: Sequence[dict[str, Any]]
) -> None:
    """Writes looks of one reader down, but for cases at which he looked a moment ago.

    ``many`` hold the columns as in :func:`add`; commits nothing.
    """
    readers = {one["actor"] for one in many}
    recent = {
        (row.application_id, row.subject_id)
        for row in session.execute(
            sa.select(_TABLE.c.application_id, _TABLE.c.subject_id).where(
                _TABLE.c.actor.in_(readers),
                _TABLE.c.what.in_(("case", "record")),
                _TABLE.c.last_at > now - ONE_LOOK,
                _TABLE.c.last_at <= now,
            )
        )
    }
    new = [
        {**one, "at": now, "last_at": now, "times": 1}
        for one in many
        if (one["application_id"], one["subject_id"]) not in recent
    ]
    if new:
        session.execute(sa.insert(_TABLE), new)


def find(
    session: AlchemySession,
    *,
    everything: bool = False,
    subject: str | None = None,
    actor: int | None = None,
    application: str | None = None,
    by: int | None = None,
    since: datetime.datetime | None = None,
    until: datetime.datetime | None = None,
    limit: int = 100,
    offset: int = 0,
) -> tuple[int, list[LookRow]]:
    """Number of looks that fit, and one page of them, newest first.

    Unless ``everything``: only those at the data of ``subject`` and those of ``actor`` himself.
    ``application`` and ``by`` narrow to one case and to one reader.
    """
    query = sa.select(LookRow)
    if not everything:
        query = query.where(sa.or_(LookRow.subject_id == subject, LookRow.actor == actor))
    if application is not None:
        query = query.where(LookRow.application_id == application)
    if by is not None:
        query = query.where(LookRow.actor == by)
    if since is not None:
        query = query.where(LookRow.last_at >= since)
    if until is not None:
        query = query.where(LookRow.at < until)
    count = session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
    page = query.order_by(LookRow.last_at.desc(), LookRow.id.desc()).limit(limit).offset(offset)
    return count, list(session.scalars(page))


def forget_before(session: AlchemySession, moment: datetime.datetime, limit: int = 50_000) -> int:
    """Deletes looks that are older than ``moment``, at most ``limit``; commits nothing."""
    old = (
        sa.select(_TABLE.c.id)
        .where(_TABLE.c.last_at < moment)
        .order_by(_TABLE.c.last_at)
        .limit(limit)
    )
    gone = session.execute(sa.delete(_TABLE).where(_TABLE.c.id.in_(old)))
    return gone.rowcount  # pyright: ignore[reportAttributeAccessIssue]
