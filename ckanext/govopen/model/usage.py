"""How much of each grant is used: counters that hold under parallel requests.

One statement looks and takes. PostgreSQL locks the row while it decides, so that of any number of
requests at the same moment exactly as many go through as the quota has room for.
"""

from __future__ import annotations

import ckan.plugins.toolkit as tk
import sqlalchemy as sa
from ckan.types import AlchemySession
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Mapped, mapped_column

from ckanext.govopen.domain.grant import Quota, Usage
from ckanext.govopen.domain.usage import ALL

__all__ = ["UsageRow", "forget_before", "give_back", "of", "of_many", "take"]


class UsageRow(tk.BaseModel):
    """What was used of a grant in one period.

    ``period`` is a day in China (``2026-11-22``), or ``all`` for the whole life of the grant.
    ``taken`` are the rows that the last statement got: less than it asked for when fewer were left.
    """

    __tablename__ = "govopen_usage"

    grant_id: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    period: Mapped[str] = mapped_column(sa.UnicodeText, primary_key=True)
    downloads: Mapped[int] = mapped_column(sa.BigInteger, default=0, server_default="0")
    requests: Mapped[int] = mapped_column(sa.BigInteger, default=0, server_default="0")
    rows: Mapped[int] = mapped_column(sa.BigInteger, default=0, server_default="0")
    taken: Mapped[int] = mapped_column(sa.BigInteger, default=0, server_default="0")


_TABLE: sa.Table = UsageRow.__table__  # pyright: ignore[reportAssignmentType]


def _room(limit: int | None, used: sa.ColumnElement[int]) -> sa.ColumnElement[bool]:
    return sa.true() if limit is None else used < limit


def _downloads(session: AlchemySession, grant_id: str, limit: int | None) -> bool:
    if limit is not None and limit < 1:
        return False
    row = insert(_TABLE).values(grant_id=grant_id, period=ALL, downloads=1)
    statement = row.on_conflict_do_update(
        index_elements=["grant_id", "period"],
        set_={"downloads": _TABLE.c.downloads + 1},
        where=_room(limit, _TABLE.c.downloads),
    ).returning(_TABLE.c.downloads)
    return session.execute(statement).first() is not None


def _day(session: AlchemySession, grant_id: str, day: str, quota: Quota, rows: int) -> int | None:
    most = quota.rows_per_day
    got = rows if most is None else min(rows, most)
    row = insert(_TABLE).values(grant_id=grant_id, period=day, requests=1, rows=got, taken=got)
    left: sa.ColumnElement[int] | int = rows
    if most is not None:
        left = sa.func.least(rows, most - _TABLE.c.rows)
    where = _room(quota.requests_per_day, _TABLE.c.requests)
    if rows:
        where = sa.and_(where, _room(most, _TABLE.c.rows))
    statement = row.on_conflict_do_update(
        index_elements=["grant_id", "period"],
        set_={
            "requests": _TABLE.c.requests + 1,
            "rows": _TABLE.c.rows + left,
            "taken": left,
        },
        where=where,
    ).returning(_TABLE.c.taken)
    return session.execute(statement).scalar()


def take(
    session: AlchemySession,
    grant_id: str,
    day: str,
    quota: Quota,
    *,
    downloads: int = 0,
    rows: int = 0,
) -> int | str:
    """Takes one request, and a download or rows with it, out of the quota; commits nothing.

    :returns: the rows that may be read now (at most ``rows``, fewer when fewer are left today),
        or the code of the quota that is used up; then nothing was taken
    """
    with session.begin_nested() as savepoint:
        if downloads and not _downloads(session, grant_id, quota.downloads):
            savepoint.rollback()
            return "quota_downloads"
        got = _day(session, grant_id, day, quota, rows)
        if got is None:
            savepoint.rollback()
    if got is None:
        used = of(session, grant_id, day)
        most = quota.requests_per_day
        full = most is not None and used.requests_today >= most
        return "quota_requests" if full else "quota_rows"
    return got


def give_back(session: AlchemySession, grant_id: str, day: str, rows: int) -> None:
    """Rows that were taken and not read; commits nothing."""
    if rows <= 0:
        return
    session.execute(
        sa.update(_TABLE)
        .where(_TABLE.c.grant_id == grant_id, _TABLE.c.period == day)
        .values(rows=sa.func.greatest(0, _TABLE.c.rows - rows))
    )


def of(session: AlchemySession, grant_id: str, day: str) -> Usage:
    """What was used of one grant so far: downloads in all, rows and requests on that day."""
    return of_many(session, [grant_id], day).get(grant_id, Usage())


def of_many(session: AlchemySession, grant_ids: list[str], day: str) -> dict[str, Usage]:
    """The same for many, by grant id; a grant that nobody has used is left out."""
    if not grant_ids:
        return {}
    found: dict[str, dict[str, int]] = {}
    for row in session.execute(
        sa.select(_TABLE).where(_TABLE.c.grant_id.in_(grant_ids), _TABLE.c.period.in_((ALL, day)))
    ).mappings():
        known = found.setdefault(row["grant_id"], {})
        if row["period"] == ALL:
            known["downloads"] = row["downloads"]
        else:
            known |= {"rows_today": row["rows"], "requests_today": row["requests"]}
    return {grant_id: Usage(**values) for grant_id, values in found.items()}


def forget_before(session: AlchemySession, day: str) -> int:
    """Deletes counters of days before ``day``; the number of rows. Commits nothing."""
    gone = session.execute(sa.delete(_TABLE).where(_TABLE.c.period != ALL, _TABLE.c.period < day))
    return gone.rowcount  # pyright: ignore[reportAttributeAccessIssue]
