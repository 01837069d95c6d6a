"""The access log: every use of a grant, and every attempt that its state or quota refused."""

from __future__ import annotations

import datetime
from collections.abc import Collection
from typing import Any

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan.types import AlchemySession
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

__all__ = ["AccessRow", "add", "find", "forget_before", "more", "resume", "settle"]

#: Outcome of a use that went through; others are the codes of the refusal.
GRANTED = "granted"


class AccessRow(tk.BaseModel):
    """One use of a grant.

    ``rows`` and ``bytes`` are how much was given (None: not known); of a resumed download both
    parts stand in one row. ``columns`` None is all of them. ``address`` is as much of the
    caller's address as the site keeps. ``at`` carries its zone (UTC).
    """

    __tablename__ = "govopen_access_log"
    __table_args__ = (
        sa.Index("govopen_access_log_grant", "grant_id", "at"),
        sa.Index("govopen_access_log_user", "user_id", "at"),
        sa.Index("govopen_access_log_organization", "organization_id", "at"),
        sa.Index("govopen_access_log_at", "at"),
    )

    id: Mapped[int] = mapped_column(sa.BigInteger, sa.Identity(), primary_key=True)
    at: Mapped[datetime.datetime] = mapped_column(sa.DateTime(timezone=True))
    grant_id: Mapped[str] = mapped_column(sa.UnicodeText)
    user_id: Mapped[str] = mapped_column(sa.UnicodeText)
    organization_id: Mapped[str] = mapped_column(sa.UnicodeText)
    package_id: Mapped[str] = mapped_column(sa.UnicodeText)
    resource_id: Mapped[str | None] = mapped_column(sa.UnicodeText)
    kind: Mapped[str] = mapped_column(sa.UnicodeText)
    rows: Mapped[int | None] = mapped_column(sa.BigInteger)
    bytes: Mapped[int | None] = mapped_column(sa.BigInteger)
    columns: Mapped[list[str] | None] = mapped_column(JSONB(none_as_null=True))
    address: Mapped[str | None] = mapped_column(sa.UnicodeText)
    outcome: Mapped[str] = mapped_column(sa.UnicodeText)


_TABLE: sa.Table = AccessRow.__table__  # pyright: ignore[reportAssignmentType]


def add(session: AlchemySession, **values: Any) -> int:
    """Writes one row and gives its id; commits nothing. Values are the columns of the table."""
    return session.execute(sa.insert(_TABLE).values(**values).returning(_TABLE.c.id)).scalar_one()


def settle(session: AlchemySession, row_id: int, **values: Any) -> None:
    """Puts in what is known only afterwards: how many rows, or that it failed."""
    session.execute(sa.update(_TABLE).where(_TABLE.c.id == row_id).values(**values))


def more(session: AlchemySession, row_id: int, rows: int, failed: bool) -> None:
    """Adds rows to an entry; commits nothing."""
    values: dict[str, Any] = {"rows": sa.func.coalesce(_TABLE.c.rows, 0) + rows}
    if failed:
        values["outcome"] = "failed"
    session.execute(sa.update(_TABLE).where(_TABLE.c.id == row_id).values(**values))


def resume(
    session: AlchemySession,
    *,
    grant_id: str,
    user_id: str,
    resource_id: str,
    size: int,
    most: int,
    since: datetime.datetime,
) -> bool:
    """Adds ``size`` bytes to the person's last download of the resource if it has room for them.

    ``most`` are the bytes that one download may come to in all its parts; it has to have begun at
    ``since`` or later. One statement: parts at the same moment do not get more room than there is.
    """
    last = (
        sa.select(_TABLE.c.id)
        .where(
            _TABLE.c.grant_id == grant_id,
            _TABLE.c.user_id == user_id,
            _TABLE.c.resource_id == resource_id,
            _TABLE.c.kind == "download",
            _TABLE.c.outcome == GRANTED,
            _TABLE.c.at >= since,
        )
        .order_by(_TABLE.c.at.desc(), _TABLE.c.id.desc())
        .limit(1)
        .scalar_subquery()
    )
    found = session.execute(
        sa.update(_TABLE)
        .where(_TABLE.c.id == last, _TABLE.c.bytes + size <= most)
        .values(bytes=_TABLE.c.bytes + size)
        .returning(_TABLE.c.id)
    )
    return found.first() is not None


def find(
    session: AlchemySession,
    *,
    mine: str | None = None,
    organization_ids: Collection[str] | None = None,
    known: Collection[str] | None = None,
    user_id: str | None = None,
    limit: int = 100,
    offset: int = 0,
    since: datetime.datetime | None = None,
    until: datetime.datetime | None = None,
    **equal: str | None,
) -> tuple[int, list[AccessRow]]:
    """Number of rows that fit, and one page of them, newest first.

    ``organization_ids`` None is all of them; else those of these departments, and with ``mine``
    those of this account as well. Those by another account ``user_id`` are found only where it is
    read who it is: in the departments ``known``; None is all of them. ``equal`` are columns with
    the value that they must have.
    """
    query = sa.select(AccessRow)
    if user_id is not None:
        query = query.where(AccessRow.user_id == user_id)
        if known is not None and user_id != mine:
            query = query.where(AccessRow.organization_id.in_(list(known)))
    for name, value in equal.items():
        if value is not None:
            query = query.where(_TABLE.c[name] == value)
    if since is not None:
        query = query.where(AccessRow.at >= since)
    if until is not None:
        query = query.where(AccessRow.at < until)
    if organization_ids is not None:
        query = query.where(
            sa.or_(AccessRow.organization_id.in_(list(organization_ids)), AccessRow.user_id == mine)
        )
    count = session.scalar(sa.select(sa.func.count()).select_from(query.subquery())) or 0
    page = query.order_by(AccessRow.at.desc(), AccessRow.id.desc()).limit(limit).offset(offset)
    return count, list(session.scalars(page))


def forget_before(session: AlchemySession, moment: datetime.datetime, limit: int = 50_000) -> int:
    """Deletes rows that are older than ``moment``, at most ``limit``; commits nothing."""
    old = sa.select(_TABLE.c.id).where(_TABLE.c.at < moment).order_by(_TABLE.c.at).limit(limit)
    gone = session.execute(sa.delete(_TABLE).where(_TABLE.c.id.in_(old)))
    return gone.rowcount  # pyright: ignore[reportAttributeAccessIssue]
